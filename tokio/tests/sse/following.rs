//! A source that stays connected, by `reqwest` against servers on loopback.

use crate::memory::Memory;
use crate::server::{CHUNKED, OPEN, Server, chunk, header};
use eventwire::Backoff;
use eventwire_tokio::sse::{
    self, EventSourceErrorKind, EventSourceOptions, LastEvent, ReadyState, connect_with,
};
use futures_util::{StreamExt, stream::FusedStream};
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Reconnects within milliseconds.
fn quick() -> EventSourceOptions {
    let millisecond = Duration::from_millis(1);
    EventSourceOptions::new().reconnection_time(millisecond).backoff(Backoff::new(
        millisecond,
        millisecond,
        0,
    ))
}

#[tokio::test]
async fn a_stream_is_opened_and_read() {
    let server = Server::start().await;
    let url = server.url();
    let serve = async {
        let mut exchange = server.request().await;
        assert!(exchange.head.starts_with("get /feed http/1.1\r\n"), "{}", exchange.head);
        for (name, value) in [
            ("accept", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("last-event-id", "42"),
            ("x-tenant", "7"),
        ] {
            assert_eq!(header(&exchange.head, name), Some(value));
        }
        assert_eq!(header(&exchange.head, "content-length"), None);
        exchange.write(OPEN.to_owned() + ": hello\n\nid: 43\nevent: tick\ndata: a\n\n").await;
        exchange
    };
    let connect = sse::connect(&url).last_event_id("42").header("x-tenant", "7");
    let connect = connect.header("last-event-id", "41").into_future();
    let (exchange, source) = tokio::join!(serve, connect);
    let mut source = source.unwrap();
    assert_eq!(source.ready_state(), ReadyState::Open);
    assert_eq!(source.last_event_id(), "42");
    let event = source.next().await.unwrap().unwrap();
    assert_eq!((&*event.data, event.event_type_or_default()), ("a", "tick"));
    assert_eq!((&*event.last_event_id, source.last_event_id()), ("43", "43"));

    source.close();
    assert!(source.is_terminated());
    assert_eq!(source.ready_state(), ReadyState::Closed);
    assert!(source.next().await.is_none());
    exchange.closed().await;
}

#[tokio::test]
async fn the_source_comes_back_with_the_last_event_id() {
    let server = Server::start().await;
    let mut source = sse::connect(server.url()).options(quick()).build();
    let serve = async {
        let mut ids = Vec::new();
        for body in [
            chunk("id: 7\ndata: a\n\nid: 8\ndata: cut"), // inside an event and inside the body
            chunk("data: b\n\ndata: c") + "0\r\n\r\n",   // inside an event, at the body's end
            chunk("id\ndata: d\n\n"),                    // the ID is reset
        ] {
            let head = server.answer(CHUNKED.to_owned() + &body).await;
            ids.push(header(&head, "last-event-id").map(ToOwned::to_owned));
        }
        let head = server.answer("HTTP/1.1 204 No Content\r\n\r\n").await;
        ids.push(header(&head, "last-event-id").map(ToOwned::to_owned));
        ids
    };
    let follow = async {
        let mut seen = Vec::new();
        while let Some(event) = source.next().await {
            seen.push(match event {
                Ok(event) => event.data.to_string(),
                Err(error) => {
                    let is_cut = error.source().is_some_and(<dyn Error>::is::<reqwest::Error>);
                    let kind = match error.kind() {
                        EventSourceErrorKind::Network(_) if is_cut => "cut",
                        EventSourceErrorKind::Ended => "ended",
                        EventSourceErrorKind::Refused(_) => "refused",
                        other => panic!("{other:?}"),
                    };
                    format!("{kind} {}", error.will_retry())
                }
            });
        }
        seen
    };
    let (ids, seen) = tokio::join!(serve, follow);
    assert_eq!(seen, ["a", "cut true", "b", "ended true", "d", "cut true", "refused false"]);
    assert_eq!(ids, [None, Some("7".into()), Some("7".into()), None]);
}

#[tokio::test]
async fn a_server_that_is_down_is_tried_until_it_is_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut source = sse::connect(format!("http://{address}/")).options(quick()).build();
    for _ in 0..2 {
        let error = source.next().await.unwrap().unwrap_err();
        assert!(error.will_retry() && error.reconnect_at().is_some());
        assert!(error.to_string().starts_with(&format!("{address}: network error: ")), "{error}");
        assert!(error.to_string().to_lowercase().contains("refused"), "{error}");
    }
    let server = Server::at(address).await;
    let answer = OPEN.to_owned() + "data: up\n\n";
    let follow = async {
        loop {
            match source.next().await.unwrap() {
                Ok(event) => return event,
                Err(error) => assert!(error.will_retry()),
            }
        }
    };
    let (_, event) = tokio::join!(server.answer(answer), follow);
    assert_eq!(event.data, "up");
}

#[tokio::test]
async fn the_first_failure_ends_an_await() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = sse::connect(format!("http://{address}/")).await.unwrap_err();
    assert!(!error.will_retry());
    assert!(matches!(error.kind(), EventSourceErrorKind::Network(_)));
}

#[tokio::test]
async fn a_post_is_sent_once_unless_allowed() {
    let server = Server::start().await;
    let post = |options: EventSourceOptions| {
        sse::connect(server.url())
            .method("POST")
            .header("content-type", "application/json")
            .body("{}")
            .options(options)
            .build()
    };
    let answer = CHUNKED.to_owned() + &chunk("data: a\n\n");

    let mut source = post(quick());
    // The server hangs up without an answer.
    let serve = async {
        let request = server.request().await;
        (request.head, request.body)
    };
    let ((head, body), event) = tokio::join!(serve, source.next());
    assert!(matches!(event.unwrap().unwrap_err().kind(), EventSourceErrorKind::Network(_)));
    assert!(head.starts_with("post /feed "));
    assert_eq!(body, "{}");
    assert!(source.next().await.is_none());
    server.assert_no_request().await;

    let mut source = post(quick().reconnect(true).last_event(LastEvent::Data("b")));
    let serve = async {
        server.answer(&answer).await;
        server.answer(answer.replace("data: a", "data: b")).await;
    };
    let follow = async {
        let mut seen = Vec::new();
        while let Some(event) = source.next().await {
            seen.push(
                event.map_or_else(|error| error.will_retry().to_string(), |it| it.data.to_string()),
            );
        }
        seen
    };
    let ((), seen) = tokio::join!(serve, follow);
    assert_eq!(seen, ["a", "true", "b"]);
}

#[tokio::test]
async fn another_task_closes_the_source() {
    let server = Server::start().await;
    let (stop, mut stopped) = oneshot::channel::<()>();
    let mut source = sse::connect(server.url()).build();
    let task = tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            tokio::select! {
                event = source.next() => seen.push(event.unwrap().unwrap().data),
                _ = &mut stopped => return (source, seen),
            }
        }
    });
    let mut exchange = server.request().await;
    exchange.write(OPEN.to_owned() + "data: a\n\n").await;
    exchange.write(": still here\n").await;
    stop.send(()).unwrap();
    let (mut source, _) = task.await.unwrap();
    source.close();
    exchange.closed().await;
    assert!(source.next().await.is_none());
}

#[tokio::test]
async fn dropping_a_source_closes_its_connection_in_any_state() {
    let server = Server::start().await;
    // Before the response.
    let connect = sse::connect(server.url()).into_future();
    let task = tokio::spawn(connect);
    let exchange = server.request().await;
    task.abort();
    exchange.closed().await;
    // During the stream.
    let (mut exchange, source) = {
        let serve = async {
            let mut exchange = server.request().await;
            exchange.write(OPEN).await;
            exchange
        };
        let (exchange, source) = tokio::join!(serve, sse::connect(server.url()).into_future());
        (exchange, source.unwrap())
    };
    exchange.write("data: unread\n\n").await;
    drop(source);
    exchange.closed().await;
}

#[tokio::test]
async fn a_source_is_a_stream() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    let options = EventSourceOptions::new().last_event(LastEvent::EventType("stop"));
    let source = connect_with(client, server.url()).options(options).build();
    let serve = async {
        let mut exchange = server.request().await;
        exchange.write(OPEN.to_owned() + "data: a\n\nevent: stop\ndata: b\n\ndata: c\n\n").await;
        exchange // which stays connected
    };
    let collect = source.map(|event| event.unwrap().data).collect::<Vec<_>>();
    let (exchange, seen) = tokio::join!(serve, collect);
    assert_eq!(seen, ["a", "b"]);
    exchange.closed().await;
}

/// Everything on the way can be moved to another task, and is small.
#[test]
fn types() {
    fn is_send<T: Send + Unpin>() {}
    fn is_error<T: Error + Send + Sync + 'static>() {}
    is_send::<sse::EventSource>();
    is_send::<sse::Connect>();
    is_send::<sse::Events>();
    is_error::<sse::EventSourceError>();
    assert!(size_of::<sse::EventSourceError>() <= 64);
}

/// Credentials are sent, and printed nowhere.
#[tokio::test]
async fn credentials_are_not_printed() {
    let server = Server::start().await;
    let url = format!("http://user:hunter2@{}/?key=hunter2", server.address());
    let connect = || sse::connect(&url).header("x-key", "hunter2").options(quick());
    assert!(!format!("{:?}", connect()).contains("hunter2"));
    let mut source = connect().build();
    assert!(!format!("{source:?}").contains("hunter2"));
    let (head, error) = tokio::join!(server.answer(""), source.next());
    assert_eq!(header(&head, "authorization"), Some("basic dxnlcjpodw50zxiy")); // in lower case
    let error = error.unwrap().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    assert!(error.to_string().starts_with(&server.address().to_string()), "{error}");
    // A client may print the requests that it sends.
    let client = Memory::new([]);
    let mut source = connect_with(client.clone(), "http://a/").header("x-key", "hunter2").build();
    assert!(source.next().await.unwrap().is_err());
    assert_eq!(client.headers("x-key"), [Some("hunter2".into())]);
    assert!(!client.debug().contains("hunter2"), "{}", client.debug());

    let error = connect().header("x-key", "hunter2\n").await.unwrap_err();
    assert_eq!(error.to_string(), "the request cannot be sent: invalid value of header x-key");
}
