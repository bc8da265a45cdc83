//! Event sources over ureq.

use crate::support::{Server, answer};
use eventwire_blocking::sse::{
    self, EventSourceErrorKind, EventSourceOptions, Events, LastEvent, ReadyState,
};
use eventwire_blocking::ureq;
use std::error::Error;
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc::{self, RecvTimeoutError};
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

/// The defaults would wait for longer.
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
    let request = request.header("Last-Event-ID", "9"); // only the source knows
    let mut source = request.last_event_id("0").options(options).open().unwrap();
    assert_eq!(source.ready_state(), ReadyState::Open);
    assert_eq!(source.next().unwrap().unwrap().data, "a");
    let error = source.next().unwrap().unwrap_err();
    assert!(error.will_retry(), "{error}");
    assert!(matches!(error.kind(), EventSourceErrorKind::Ended));
    let error = source.next().unwrap().unwrap_err();
    assert!(error.will_retry(), "{error}");
    assert_eq!(&error.refusal().unwrap().body()[..], b"busy");
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
    for (head, body, text) in [
        ("401 Unauthorized\r\nWWW-Authenticate: Bearer", "why", "status 401 Unauthorized"),
        ("204 Done", "", "status 204 No Content, by which the server asks its clients to stop"),
        (
            "302 Found\r\nLocation: /elsewhere",
            "why",
            "status 302 Found, a redirect that the HTTP client did not follow",
        ),
        ("200 OK\r\nContent-Type: text/html", "why", "content type text/html"),
        ("200 OK", "why", "no content type"),
    ] {
        let len = if body.is_empty() { "" } else { "\r\nContent-Length: 3" };
        let server = serve([format!("HTTP/1.1 {head}{len}\r\nSet-Cookie: s3cret\r\n\r\n{body}")]);
        let host = format!("127.0.0.1:{}", server.port);
        let mut source = sse::connect(server.url("http")).build();
        let error = source.next().unwrap().unwrap_err();
        let text = format!("{host}: the response is not an event stream: {text}");
        assert_eq!((error.to_string(), error.will_retry()), (text.clone(), false));
        assert_eq!(format!("{error:?}"), format!("EventSourceError({text})"));
        assert_eq!(&error.refusal().unwrap().body()[..], body.as_bytes());
        assert!(!format!("{:?}", error.kind()).contains("s3cret"));
        assert!(source.next().is_none());
        server.join();
    }
}

#[test]
fn some_refusals_are_retried_by_default() {
    for (status, retried) in [(408, true), (425, true), (429, true), (500, true), (502, true)]
        .into_iter()
        .chain([(503, true), (504, true), (404, false), (501, false)])
    {
        let server = serve([format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n")]);
        let error = sse::connect(server.url("http")).build().next().unwrap().unwrap_err();
        assert_eq!(error.will_retry(), retried, "{status}");
        server.join();
    }
}

#[test]
fn a_source_that_is_opened_fails_at_once() {
    let server = serve(["HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy".into()]);
    let error = sse::connect(server.url("http")).options(quick()).open().unwrap_err();
    assert!(!error.will_retry());
    assert_eq!(error.reconnect_at(), None);
    assert_eq!(&error.refusal().unwrap().body()[..], b"busy");
    server.join();
}

#[test]
fn what_can_never_succeed_ends_the_source() {
    let scheme = "the URL does not begin with http:// or https://";
    for (url, text) in [
        ("localhost", scheme),
        ("ftp://localhost/", scheme),
        ("ws://localhost/", scheme),
        ("user:s3cret@example.com", scheme),
        ("//user:s3cret@example.com/", scheme),
        ("http://a b/", ""),
        ("http://user:s3cret@example.com:x/", ""),
    ] {
        let mut source = sse::connect(url).build();
        let error = source.next().unwrap().unwrap_err();
        assert!(!error.will_retry(), "{url}: {error}");
        let message = error.to_string();
        assert!(message.starts_with("the request cannot be sent: "), "{message}");
        assert!(message.ends_with(text), "{message}");
        assert!(
            !format!("{error:?} {:?} {source:?}", error.kind()).contains("s3cret"),
            "{error:?}"
        );
        assert!(matches!(error.kind(), EventSourceErrorKind::InvalidRequest(_)));
        assert!(error.source().is_some());
        assert!(source.next().is_none());
    }
    let request = || sse::connect("http://localhost/");
    for (request, text) in [
        (request().header("x", "s3cret\n"), "invalid value of header x"),
        (request().header("a b", "x"), "invalid header name"),
        (request().last_event_id("a\nb"), ""),
    ] {
        let error = request.open().unwrap_err();
        assert!(matches!(error.kind(), EventSourceErrorKind::InvalidRequest(_)), "{error}");
        assert!(error.to_string().ends_with(text), "{error}");
    }
    let agent = ureq::Agent::config_builder().https_only(true).build().new_agent();
    let error = sse::connect("http://user:s3cret@localhost/").agent(agent).open().unwrap_err();
    let text = "localhost: the request cannot be sent: the agent accepts only https:// URLs";
    assert_eq!(error.to_string(), text);
}

#[test]
fn credentials_of_the_url_are_sent_and_not_shown() {
    let server = serve(["HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n".into()]);
    let url = server.url("http").replace("://", "://user:s3cret@");
    let request = sse::connect(url);
    assert!(!format!("{request:?}").contains("s3cret"));
    let error = request.open().unwrap_err();
    assert!(!format!("{error:?} {:?}", error.kind()).contains("s3cret"));
    let head = server.join().remove(0).to_ascii_lowercase();
    assert!(head.contains("\r\nauthorization: basic "), "{head}");
}

#[test]
fn a_server_that_is_down_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut source = sse::connect(format!("http://127.0.0.1:{port}/")).options(quick()).build();
    let start = Instant::now();
    let error = source.next().unwrap().unwrap_err();
    assert!(error.will_retry() && error.reconnect_at() > Some(start + SHORT), "{error}");
    let start = format!("127.0.0.1:{port}: network error: ");
    assert!(error.to_string().starts_with(&start), "{error}");
    assert!(error.source().is_some());
    source.close();
    assert!(source.next().is_none());
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[test]
fn a_server_without_tls_is_named_with_advice() {
    let server = Server::start(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        crate::support::drain(&mut stream)
    });
    let error = sse::connect(server.url("https")).open().unwrap_err();
    let advice = "; the port answers without TLS: use the port for TLS, or no TLS";
    assert!(error.to_string().ends_with(advice), "{error}");
    server.join();
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
    let mut source = sse::connect(server.url("http")).options(options).open().unwrap();
    assert_eq!(source.next().unwrap().unwrap().data, "alive");
    let start = Instant::now();
    let error = source.next().unwrap().unwrap_err();
    assert!(error.will_retry(), "{error}");
    assert!(matches!(error.kind(), EventSourceErrorKind::Idle), "{error}");
    assert!((3 * SHORT..20 * SHORT).contains(&start.elapsed()), "{:?}", start.elapsed());
    drop(end);
    server.join();
}

/// The response timeout is over when the head is there.
#[test]
fn a_silent_stream_is_followed_without_an_idle_timeout() {
    let (tell, told) = mpsc::channel::<()>();
    let server = Server::start(move |mut stream| {
        answer(&mut stream, format!("{HEAD}data: a\n\n").as_bytes());
        let _ = told.recv_timeout(6 * SHORT);
        stream.write_all(b"data: b\n\n").unwrap();
    });
    let options = quick().response_timeout(2 * SHORT);
    let mut source = sse::connect(server.url("http")).options(options).open().unwrap();
    let data: Vec<_> = source.by_ref().take(2).map(|event| event.unwrap().data).collect();
    assert_eq!(data, ["a", "b"]);
    drop(tell);
    server.join();
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    for trickles in [false, true] {
        let (end, ended) = mpsc::channel::<()>();
        let server = Server::start(move |mut stream| {
            let mut head = HEAD.bytes();
            while ended.recv_timeout(SHORT) == Err(RecvTimeoutError::Timeout) {
                if trickles && stream.write_all(&[head.next().unwrap()]).is_err() {
                    return;
                }
            }
        });
        let options = quick().response_timeout(3 * SHORT);
        let mut source = sse::connect(server.url("http")).options(options).build();
        let start = Instant::now();
        let error = source.next().unwrap().unwrap_err();
        assert!(error.will_retry(), "{error}");
        assert!(matches!(error.kind(), EventSourceErrorKind::NoResponse), "{error}");
        assert!(start.elapsed() < 20 * SHORT, "{:?}", start.elapsed());
        drop(end);
        server.join();
    }
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
