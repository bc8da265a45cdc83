//! Futures that are dropped before they are done.

use crate::memory::Answer;
use crate::memory::{Memory, body};
use eventwire_tokio::sse::{EventSourceOptions, LastEvent, connect_with};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Polls a future once. Returns `None` if it is not done, and drops it.
async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

/// A stream in single bytes, each of which comes while the source waits. Whatever is dropped while
/// it waits, every event arrives once, and there is one request for each connection.
#[tokio::test(start_paused = true)]
async fn a_next_that_is_dropped_loses_nothing() {
    const TEXT: &str = ": hi\n\nid: 1\ndata: a\n\nid: 2\ndata: b\ndata: c\n\n";
    let answer = || {
        let parts = (0..TEXT.len()).map(|at| (1, &TEXT[at..=at]));
        let response = http::Response::builder().header("content-type", "text/event-stream");
        Answer::Response(response.body(body(parts)).unwrap())
    };
    let client = Memory::new([answer(), answer()]);
    let options = EventSourceOptions::new().reconnection_time(Duration::from_millis(2));
    let mut source = connect_with(client.clone(), "http://localhost/").options(options).build();
    let mut seen = Vec::new();
    while seen.len() < 6 {
        match once(source.next()).await {
            Some(event) => seen.push(event.unwrap().map(|event| event.data.to_string())),
            None => tokio::time::sleep(Duration::from_micros(300)).await,
        }
    }
    let seen: Vec<_> = seen.iter().map(|it| it.as_ref().map_or("lost", |data| data)).collect();
    assert_eq!(seen, ["a", "b\nc", "lost", "a", "b\nc", "lost"]);
    assert_eq!(client.headers("last-event-id"), [None, Some("2".into())]);
}

/// Dropping a future that waits for the response leaves the request under way.
#[tokio::test(start_paused = true)]
async fn a_dropped_connect_wedges_nothing() {
    let client = Memory::new([Answer::Silence]);
    let options = EventSourceOptions::new()
        .response_timeout(Duration::from_secs(5))
        .last_event(LastEvent::Data("end"))
        .reconnect(false);
    let mut source = connect_with(client.clone(), "http://localhost/").options(options).build();
    for _ in 0..10 {
        assert!(once(source.next()).await.is_none());
    }
    assert_eq!(client.times(), [0]);
    assert!(source.next().await.unwrap().is_err());
    assert!(source.next().await.is_none());
}
