//! The events of one request of `reqwest`.

use crate::server::{CHUNKED, OPEN, Server, chunk, header};
use eventwire_tokio::sse::{
    DecoderOptions, EventSourceErrorKind, Events, Item, LastEvent, RequestBuilderExt,
};
use std::time::Duration;

const DONE: LastEvent = LastEvent::Data("[DONE]");

fn ask(server: &Server) -> Events {
    reqwest::Client::new().post(server.url()).body("{}").events()
}

/// Returns the data of all events, and the error, if there is one.
async fn read(mut events: Events) -> (Vec<String>, Option<EventSourceErrorKind>) {
    let mut seen = Vec::new();
    let mut failed = None;
    while let Some(event) = events.next().await {
        assert!(failed.is_none());
        match event {
            Ok(event) => seen.push(event.data.to_string()),
            Err(error) => {
                assert!(!error.will_retry());
                failed = Some(error);
            }
        }
    }
    let failed = failed.map(|error| match error.kind() {
        EventSourceErrorKind::Ended => EventSourceErrorKind::Ended,
        EventSourceErrorKind::Idle => EventSourceErrorKind::Idle,
        EventSourceErrorKind::Network(error) => {
            EventSourceErrorKind::Network(error.to_string().into())
        }
        other => panic!("{other:?}"),
    });
    (seen, failed)
}

#[tokio::test]
async fn finished_is_told_from_cut() {
    let server = Server::start().await;
    let whole = chunk("data: a\n\ndata: [DONE]\n\n");
    let cut = chunk("data: a\n\ndata: b");
    let end = "0\r\n\r\n";
    for (set, body, seen, failed) in [
        // The events are set up in this way, the response has this body, and these events and this
        // failure are seen.
        ("until", whole.clone() + end, &["a"][..], ""),
        ("until", whole.clone(), &["a"], ""),
        ("last", whole.clone() + end, &["a", "[DONE]"], ""),
        ("", whole.clone() + end, &["a", "[DONE]"], ""),
        ("until", chunk("data: a\n\ndata: [DONE]") + end, &["a"], ""),
        ("until", cut.clone() + end, &["a"], "Ended"),
        ("last", cut.clone() + end, &["a"], "Ended"),
        ("", cut.clone() + end, &["a"], ""),
        ("until", cut.clone(), &["a"], "Network"),
        ("", cut.clone(), &["a"], "Network"),
    ] {
        let events = match set {
            "until" => ask(&server).until(DONE),
            "last" => ask(&server).last_event(DONE),
            _ => ask(&server),
        };
        let (head, (found, error)) =
            tokio::join!(server.answer(CHUNKED.to_owned() + &body), read(events));
        assert_eq!(found, seen, "{set} {body}");
        let error = error.map(|error| format!("{error:?}")).unwrap_or_default();
        assert!(error.starts_with(failed) && error.is_empty() == failed.is_empty(), "{error}");
        assert!(head.starts_with("post /feed http/1.1\r\n"));
        assert_eq!(header(&head, "accept"), Some("text/event-stream"));
        server.assert_no_request().await;
    }
}

#[tokio::test]
async fn the_last_event_ends_a_stream_that_stays_connected() {
    let server = Server::start().await;
    for yields in [false, true] {
        let mut events =
            if yields { ask(&server).last_event(DONE) } else { ask(&server).until(DONE) };
        let serve = async {
            let mut exchange = server.request().await;
            exchange.write(OPEN.to_owned() + "data: [DONE]\n\n").await;
            exchange
        };
        let (exchange, event) = tokio::join!(serve, events.next());
        assert_eq!(event.map(|it| it.unwrap().data), yields.then(|| "[DONE]".into()));
        // The connection is closed at once, not when the next event is asked for.
        exchange.closed().await;
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn a_refusal_is_the_first_item() {
    let server = Server::start().await;
    let mut events = ask(&server).until(DONE);
    let answer = "HTTP/1.1 429 Slow\r\ncontent-length: 4\r\nretry-after: 1\r\n\r\nbusy";
    let (_, error) = tokio::join!(server.answer(answer), events.next());
    let error = error.unwrap().unwrap_err();
    assert!(!error.will_retry());
    let response = error.refusal().unwrap();
    assert_eq!((response.status().as_u16(), &response.body()[..]), (429, &b"busy"[..]));
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn the_headers_of_the_request_are_kept() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    let accept = "application/json, text/event-stream";
    let request = client.post(server.url()).header("accept", accept).bearer_auth("token");
    let (head, _) = tokio::join!(server.answer(OPEN), read(request.events()));
    assert_eq!(header(&head, "accept"), Some(accept));
    assert_eq!(header(&head, "authorization"), Some("bearer token"));
    assert_eq!(header(&head, "cache-control"), Some("no-cache"));
}

#[tokio::test]
async fn an_invalid_request_is_final() {
    let mut events = reqwest::Client::new().post("localhost").events();
    let error = events.next().await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), EventSourceErrorKind::InvalidRequest(_)), "{error}");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn lines_outside_events_are_shown() {
    let server = Server::start().await;
    let options = DecoderOptions::new().unknown_lines(true);
    let mut events = ask(&server).decoder_options(options);
    let answer = OPEN.to_owned() + "{\"error\": 1}\n\ndata: a\n\n";
    let (_, item) = tokio::join!(server.answer(answer), events.next_item());
    assert_eq!(item.unwrap().unwrap(), Item::Unknown("{\"error\": 1}".into()));
    assert_eq!(events.next().await.unwrap().unwrap().data, "a");
}

#[tokio::test]
async fn silence_ends_a_response() {
    let server = Server::start().await;
    let events = ask(&server).idle_timeout(Duration::from_millis(50));
    let serve = async {
        let mut exchange = server.request().await;
        exchange.write(OPEN.to_owned() + "data: a\n\n").await;
        exchange
    };
    let (exchange, (seen, error)) = tokio::join!(serve, read(events));
    assert_eq!(seen, ["a"]);
    assert!(matches!(error, Some(EventSourceErrorKind::Idle)));
    exchange.closed().await;
}

#[tokio::test]
async fn an_unfinished_event_is_yielded_if_asked_for() {
    let server = Server::start().await;
    for (last, is_cut) in [("[DONE]", false), ("more", true)] {
        let options = DecoderOptions::new().unfinished(true);
        let events = ask(&server).decoder_options(options).last_event(DONE);
        let answer = CHUNKED.to_owned() + &chunk(&format!("data: {last}")) + "0\r\n\r\n";
        let (_, (seen, error)) = tokio::join!(server.answer(answer), read(events));
        assert_eq!(seen, [last]);
        assert_eq!(matches!(error, Some(EventSourceErrorKind::Ended)), is_cut);
    }
}
