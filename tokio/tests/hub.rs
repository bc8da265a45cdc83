//! The shell around `sse::Replay` that the example servers stand on: who is woken, and when.

use bytes::Bytes;
use eventwire::FanoutOptions;
use eventwire::sse::{EventBuilder, KEEP_ALIVE};
use eventwire_tokio::hub::{Hub, keep_alive};
use futures_util::{FutureExt, StreamExt, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep_until, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// Blocks come at these seconds; when each of the first `count` goes on, and which are signs of life.
async fn seen(interval: Duration, at: &[u32], count: usize) -> Vec<(u64, bool)> {
    let start = Instant::now();
    let events = stream::iter(at.to_vec()).then(|at| async move {
        sleep_until(start + at * SECOND).await;
        Bytes::from("data: a\n\n")
    });
    let blocks = keep_alive(events.chain(stream::pending()).boxed(), interval);
    let timed = blocks.map(|block| (start.elapsed().as_secs(), block == KEEP_ALIVE));
    timed.take(count).collect().await
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_gives_signs_of_life() {
    let expected = [(15, true), (20, false), (34, false), (49, true), (64, true)];
    assert_eq!(seen(15 * SECOND, &[20, 34], 5).await, expected);
    for never in [Duration::ZERO, Duration::MAX] {
        assert_eq!(seen(never, &[100_000], 1).await, [(100_000, false)]);
    }
    let ended = keep_alive(stream::iter([Bytes::new()]), SECOND);
    assert_eq!(ended.count().await, 1);
}

/// Nobody misses what is published just while it looks whether there is something: each event comes
/// when all have the one before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_is_woken_for_everything() {
    const EVENTS: usize = 5000;
    const LISTENERS: usize = 4;
    let hub = Hub::new(FanoutOptions::new());
    let have = Arc::new(AtomicUsize::new(0));
    let mut listeners = JoinSet::new();
    for n in 0..LISTENERS {
        let (mut listener, have) = (hub.listen(None), Arc::clone(&have));
        listeners.spawn(async move {
            for number in 0..EVENTS {
                let block: Bytes = loop {
                    if let Some(block) = listener.try_next().unwrap() {
                        break block;
                    }
                    // Some give up waiting once, and come back.
                    if n % 2 == 0 && listener.news().now_or_never().is_some() {
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
        hub.push(&EventBuilder::new().data(number.to_string()));
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
async fn one_that_is_too_slow_comes_to_an_end_and_back() {
    let hub = Hub::new(FanoutOptions::new().max_items(2));
    let listener = hub.listen(None);
    let ids: Vec<_> = (0..3).map(|n| hub.push(&EventBuilder::new().data(n.to_string()))).collect();
    assert_eq!(listener.stream().count().await, 0);
    let mut listener = hub.listen(Some(ids[0].as_bytes()));
    assert_eq!(listener.missed().len(), 2);
    assert!(hub.since("1").is_none());
    assert_eq!(hub.listen(Some(b"unknown")).missed().len(), 2);
    assert_eq!(hub.listen(None).missed().len(), 0);
}
