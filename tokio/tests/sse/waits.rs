//! Waits and timeouts, with the clock stopped: time passes only while all tasks wait.

use crate::memory::{Answer, Memory, body, events};
use eventwire::Backoff;
use eventwire_tokio::sse::{EventSource, EventSourceErrorKind, EventSourceOptions, connect_with};
use futures_util::FutureExt;
use std::time::Duration;
use tokio::time::{Instant, timeout};

const URL: &str = "http://localhost/";

fn source(client: &Memory, options: EventSourceOptions) -> EventSource {
    connect_with(client.clone(), URL).options(options).build()
}

/// Follows a stream for this long. Returns what was seen, and when, in seconds.
async fn follow(source: &mut EventSource, seconds: u64) -> Vec<(u64, String)> {
    let start = Instant::now();
    let mut seen = Vec::new();
    let end = start + Duration::from_secs(seconds);
    while let Ok(Some(event)) = tokio::time::timeout_at(end, source.next()).await {
        let event = event
            .map_or_else(|error| format!("{:?}", error.kind()), |event| event.data.to_string());
        seen.push((start.elapsed().as_secs(), event));
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn waits_grow_while_the_server_is_down() {
    let client = Memory::new([]);
    follow(&mut source(&client, EventSourceOptions::new()), 60).await;
    let seconds: Vec<_> = client.times().iter().map(|at| at / 1000).collect();
    assert_eq!(seconds, [0, 3, 6, 10, 18, 34]);
}

/// A server that ends each stream after an event is asked again after 3 to 4 s, however often it
/// does so. One that accepts and ends each stream without an event is asked less and less often.
#[tokio::test(start_paused = true)]
async fn by_default_waits_grow_only_while_there_are_no_events() {
    let client = Memory::new((0..10).map(|_| events([(0, "data: a\n\n")])));
    let mut source = connect_with(client.clone(), URL).build();
    assert_eq!(follow(&mut source, 40).await.iter().filter(|(_, seen)| seen == "a").count(), 10);
    let waits: Vec<_> = client.times().windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits[..9].iter().all(|wait| (3000..=4001).contains(wait)), "{waits:?}");

    let client = Memory::new((0..10).map(|_| events([(100, ":\n")])));
    follow(&mut connect_with(client.clone(), URL).build(), 1000).await;
    // Without growth this would be at most 9 times 4.1 s.
    assert!(client.times()[9] > 40_000, "{:?}", client.times());
}

#[tokio::test(start_paused = true)]
async fn a_backoff_gives_up() {
    let client = Memory::new([]);
    let second = Duration::from_secs(1);
    let backoff = Backoff::new(second, second, 0).jitter(0).max_attempts(3);
    let options = EventSourceOptions::new().backoff(backoff).reconnection_time(Duration::ZERO);
    let seen = follow(&mut source(&client, options), 60).await;
    assert_eq!(seen.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(client.times().len(), 4);
}

/// Neither a server that asks for no wait nor a resume that brings nothing makes a tight loop.
#[tokio::test(start_paused = true)]
async fn no_answer_makes_a_tight_loop() {
    // An event and the end, with `retry: 0`: long polling goes on at once.
    let polls = (0..3).map(|_| events([(100, "retry: 0\ndata: a\n\n")]));
    // Then there is nothing new, at once.
    let nothing = (0..100).map(|_| events([]));
    let client = Memory::new(polls.chain(nothing));
    follow(&mut source(&client, EventSourceOptions::new()), 120).await;
    let seconds: Vec<_> = client.times().iter().map(|at| at / 100).collect();
    assert_eq!(seconds[..8], [0, 1, 2, 3, 13, 33, 73, 153]);
    assert!(seconds.len() < 12, "{seconds:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_no_clock_can_hold_is_no_panic() {
    let client = Memory::new([events([(0, "retry: 99999999999999999999999\ndata: a\n\n")])]);
    let mut source = source(&client, EventSourceOptions::new());
    assert!(source.next().await.unwrap().is_ok());
    assert!(source.next().await.unwrap().unwrap_err().will_retry());
    assert!(timeout(Duration::from_secs(1_000_000), source.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn comments_are_life_and_silence_is_not() {
    let mut parts = [(9_000, ":\n"); 10];
    parts[0].0 = 0;
    parts[9] = (60_000, "data: too late\n\n");
    let client = Memory::new([events(parts)]);
    let options = EventSourceOptions::new().idle_timeout(Duration::from_secs(10));
    let mut source = source(&client, options);
    let start = Instant::now();
    let error = source.next().await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), EventSourceErrorKind::Idle), "{error}");
    assert!(error.will_retry());
    // The last comment came after 72 s. The last chance is a tenth of the timeout.
    assert_eq!(start.elapsed().as_secs(), 83);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_given_up() {
    let client = Memory::new([Answer::Silence, events([(0, "data: a\n\n")])]);
    let options = EventSourceOptions::new().response_timeout(Duration::from_secs(20));
    let seen = follow(&mut source(&client, options), 30).await;
    assert_eq!(seen[..2], [(21, "NoResponse".into()), (24, "a".into())]);
}

/// A server that keeps the source busy with comments does not keep other tasks from running.
#[tokio::test]
async fn other_tasks_get_their_turn() {
    let response = http::Response::builder().header("content-type", "text/event-stream");
    let comments = std::iter::repeat_n((0, ":\n"), 1000);
    let parts = body(comments.chain([(0, "data: a\n\n")]));
    let client = Memory::new([Answer::Response(response.body(parts).unwrap())]);
    let mut source = source(&client, EventSourceOptions::new());
    assert!(source.next().now_or_never().is_none());
    assert_eq!(source.next().await.unwrap().unwrap().data, "a");
}

#[tokio::test(start_paused = true)]
async fn ids_are_kept_over_silence() {
    let silent = events([(0, "id: 5\ndata: a\n\n"), (100_000, "")]);
    let client = Memory::new([silent, events([(0, "data: b\n\n")])]);
    let options = EventSourceOptions::new().idle_timeout(Duration::from_secs(10));
    follow(&mut source(&client, options), 20).await;
    assert_eq!(client.headers("last-event-id")[..2], [None, Some("5".into())]);
}
