//! Event sources over ureq.

use crate::support::{Server, answer};
use eventwire_blocking::sse::{self, EventSourceErrorCause, EventSourceOptions, Events, LastEvent};
use eventwire_blocking::ureq;
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
const SHORT: Duration = Duration::from_millis(50);

/// Answers one connection after the other, and returns the requests.
fn serve<const N: usize>(responses: [String; N]) -> Server<Vec<String>> {
    Server::listen(move |listener: TcpListener| {
        let answers = responses.into_iter().map(|response| {
            let (mut stream, _) = listener.accept().unwrap();
            answer(&mut stream, response.as_bytes())
        });
        answers.collect()
    })
}

fn quick() -> EventSourceOptions {
    EventSourceOptions::new().reconnection_time(SHORT).retry_statuses(&[503])
}

#[test]
fn a_source_resumes_where_the_stream_broke_off() {
    let server = serve([
        format!("{HEAD}retry: 10\n\nid: 1\ndata: a\n\nid: 2\ndata: cut"),
        "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy".into(),
        format!("{HEAD}id: 2\ndata: b\n\n"),
    ]);
    let options = quick().last_event(LastEvent::Data("b"));
    let request = sse::connect(server.url("http")).header("Authorization", "Bearer x");
    let mut source = request.last_event_id("0").options(options).open();
    assert_eq!(source.next().unwrap().unwrap().data, "a");
    let error = source.next().unwrap().unwrap_err();
    assert!(error.will_retry(), "{error}");
    assert!(matches!(error.cause(), EventSourceErrorCause::Ended));
    let error = source.next().unwrap().unwrap_err();
    assert!(error.will_retry(), "{error}");
    assert_eq!(&error.response().unwrap().body()[..], b"busy");
    assert_eq!(source.next().unwrap().unwrap().data, "b");
    assert!(source.next().is_none());
    assert_eq!(source.last_event_id(), "2");
    let requests = server.join();
    let ids = requests.iter().map(|head| {
        assert!(head.to_ascii_lowercase().contains("\r\naccept: text/event-stream\r\n"), "{head}");
        assert!(head.contains("Bearer x"), "{head}");
        let id = head.lines().find_map(|line| line.strip_prefix("last-event-id: "));
        id.unwrap().to_owned()
    });
    assert_eq!(ids.collect::<Vec<_>>(), ["0", "1", "1"]);
}

#[test]
fn a_refusal_ends_the_source() {
    for (head, text) in [
        ("401 No\r\nWWW-Authenticate: Bearer", "status 401 instead of an event stream"),
        ("204 Done", "status 204 instead of an event stream"),
        ("200 OK\r\nContent-Type: text/html", "response is not an event stream"),
    ] {
        let len = if head.starts_with("204") { "" } else { "\r\nContent-Length: 3" };
        let body = if len.is_empty() { "" } else { "why" };
        let server = serve([format!("HTTP/1.1 {head}{len}\r\n\r\n{body}")]);
        let mut source = sse::connect(server.url("http")).options(quick()).open();
        let error = source.next().unwrap().unwrap_err();
        assert_eq!((error.to_string(), error.will_retry()), (text.to_owned(), false));
        assert_eq!(&error.response().unwrap().body()[..], body.as_bytes());
        assert!(source.next().is_none());
        server.join();
    }
}

#[test]
fn what_can_never_succeed_ends_the_source() {
    for url in ["localhost", "ftp://localhost/", "http://a b/"] {
        let mut source = sse::connect(url).options(quick()).open();
        let error = source.next().unwrap().unwrap_err();
        assert!(!error.will_retry(), "{url}: {error}");
        assert!(std::error::Error::source(&error).is_some());
        assert!(source.next().is_none());
    }
    let mut source = sse::connect("http://localhost/").header("x", "a\nb").open();
    assert!(!source.next().unwrap().unwrap_err().will_retry());
    assert!(source.next().is_none());
}

#[test]
fn a_server_that_is_down_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut source = sse::connect(format!("http://127.0.0.1:{port}/")).options(quick()).open();
    let error = source.next().unwrap().unwrap_err();
    assert!(error.will_retry() && error.retry_in() > Some(SHORT / 2), "{error}");
    source.close();
    assert!(source.next().is_none());
}

#[test]
fn silence_ends_a_connection_and_comments_do_not() {
    let (end, ended) = mpsc::channel::<()>();
    let server = Server::start(move |mut stream| {
        answer(&mut stream, HEAD.as_bytes());
        for _ in 0..4 {
            let _ = ended.recv_timeout(2 * SHORT);
            stream.write_all(b":\n").unwrap();
        }
        stream.write_all(b"data: alive\n\n").unwrap();
        let _ = ended.recv();
    });
    let options = quick().idle_timeout(4 * SHORT);
    let mut source = sse::connect(server.url("http")).options(options).open();
    assert_eq!(source.next().unwrap().unwrap().data, "alive");
    let start = Instant::now();
    let error = source.next().unwrap().unwrap_err();
    assert!(error.will_retry(), "{error}");
    assert!((3 * SHORT..20 * SHORT).contains(&start.elapsed()), "{:?}", start.elapsed());
    drop(end);
    server.join();
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let (end, ended) = mpsc::channel::<()>();
    let server = Server::start(move |_stream| ended.recv());
    let options = quick().response_timeout(2 * SHORT);
    let mut source = sse::connect(server.url("http")).options(options).open();
    let error = source.next().unwrap().unwrap_err();
    assert!(error.will_retry(), "{error}");
    drop(end);
    let _ = server.join();
}

#[test]
fn the_events_of_one_response_are_checked_first() {
    let server = serve([
        format!("{HEAD}data: a\n\ndata: [DONE]\n\n"),
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno".into(),
    ]);
    let response = ureq::get(server.url("http")).call().unwrap();
    let events = Events::from_response(response).unwrap().until(LastEvent::Data("[DONE]"));
    let data: Vec<_> = events.map(|event| event.unwrap().data).collect();
    assert_eq!(data, ["a"]);
    let response = ureq::get(server.url("http")).call().unwrap();
    let refused = Events::from_response(response).unwrap_err();
    assert_eq!(refused.to_string(), "content type text/html instead of text/event-stream");
    assert_eq!(refused.into_response().into_body().read_to_string().unwrap(), "no");
    server.join();
}
