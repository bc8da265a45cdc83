#![cfg(feature = "old-hub")]
//! `Hub`, the shell around `sse::Replay`: which listeners are woken, and when.

use bytes::Bytes;
use eventwire::FanoutOptions;
use eventwire::sse::EventBuilder;
use eventwire_tokio::old::hub::Hub;
use futures_util::{FutureExt, StreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

/// A listener may check for items in the very moment when an event is published, and must not miss
/// that event. Each event is published when all listeners have the one before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_listener_is_woken_for_every_event() {
    const EVENTS: usize = 5000;
    const LISTENERS: usize = 4;
    let hub = Hub::new(FanoutOptions::new());
    let have = Arc::new(AtomicUsize::new(0));
    let mut listeners = JoinSet::new();
    for listener_number in 0..LISTENERS {
        let (mut listener, have) = (hub.listen(None), Arc::clone(&have));
        listeners.spawn(async move {
            for number in 0..EVENTS {
                let block: Bytes = loop {
                    if let Some(block) = listener.try_next().unwrap() {
                        break block;
                    }
                    // Half of the listeners stop waiting once, and start again.
                    if listener_number % 2 == 0 && listener.news().now_or_never().is_some() {
                        continue;
                    }
                    listener.news().await;
                };
                assert!(block.ends_with(format!("\ndata: {number}\n\n").as_bytes()), "{block:?}");
                have.fetch_add(1, Relaxed);
            }
        });
    }
    assert_eq!(hub.listeners(), LISTENERS);
    for number in 0..EVENTS {
        hub.push(&EventBuilder::new().data(format!("{number}")));
        let all_have_it = async {
            while have.load(Relaxed) < LISTENERS * (number + 1) {
                yield_now().await;
            }
        };
        timeout(30 * SECOND, all_have_it).await.expect("all are woken");
    }
    listeners.join_all().await;
    assert_eq!(hub.listeners(), 0);
}

#[tokio::test]
async fn a_slow_listener_ends_and_returns() {
    let hub = Hub::new(FanoutOptions::new().max_items(2));
    let listener = hub.listen(None);
    let ids: Vec<_> =
        (0..3).map(|number| hub.push(&EventBuilder::new().data(format!("{number}")))).collect();
    assert_eq!(listener.stream().count().await, 0);
    let mut listener = hub.listen(Some(ids[0].as_bytes()));
    assert_eq!(listener.missed().len(), 2);
    assert!(hub.since("1").is_none());
    assert_eq!(hub.listen(Some(b"unknown")).missed().len(), 2);
    assert_eq!(hub.listen(None).missed().len(), 0);
}
