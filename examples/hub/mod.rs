//! `sse::Replay` on tokio: one history behind a lock, and what wakes those who read it.

#![allow(dead_code, reason = "each example has a use for some of it")]

use bytes::Bytes;
use eventwire::sse::{EventBuilder, EventId, KeepAlive, Replay, Resume, Subscription};
use eventwire::{FanoutOptions, Lagged, Utf8Bytes};
use futures_util::{Stream, StreamExt, stream};
use std::iter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// What is published to any number of listeners. `T` is an event as it was encoded, once for all.
pub struct Hub<T = Bytes> {
    replay: Mutex<Replay<T>>,
    news: watch::Sender<()>,
    start: Instant,
}

/// One who reads at its own pace. Dropped, it is forgotten.
pub struct Listener<T = Bytes> {
    hub: Arc<Hub<T>>,
    place: Subscription,
    news: watch::Receiver<()>,
}

impl Hub {
    /// Publishes an event, numbered if it has no id; returns the id.
    pub fn push(&self, event: &EventBuilder<'_>) -> Utf8Bytes {
        let id = self.replay().push(event, self.start.elapsed());
        self.news.send_replace(());
        id
    }
}

impl<T: Clone> Hub<T> {
    /// One that holds so much, in a run that no other server's ids are taken for.
    pub fn new(options: FanoutOptions) -> Arc<Self> {
        let replay = Mutex::new(Replay::new(options, rand::random()));
        Arc::new(Self { replay, news: watch::Sender::new(()), start: Instant::now() })
    }

    /// As `push`, of what `encode` makes of an event with its id, and how long that is.
    pub fn publish(
        &self,
        id: Option<EventId<'_>>,
        encode: impl FnOnce(EventId<'_>) -> (T, usize),
    ) -> Utf8Bytes {
        let id = self.replay().push_with(id, self.start.elapsed(), encode);
        self.news.send_replace(());
        id
    }

    /// Publishes what is of no use later.
    pub fn push_transient(&self, item: T, len: usize) {
        self.replay().push_transient(item, len, self.start.elapsed());
        self.news.send_replace(());
    }

    /// Listens to what comes after the event with this id, to all that is held if what came after it
    /// is not, or, with no id, to what comes from now on.
    pub fn listen(self: &Arc<Self>, last_event_id: Option<&[u8]>) -> Listener<T> {
        let resumed = last_event_id.and_then(|id| self.since(id));
        resumed.unwrap_or_else(|| {
            let news = self.news.subscribe();
            let replay = self.replay();
            let place = match last_event_id {
                None => replay.subscribe(),
                Some(_) => replay.subscribe_from_oldest(),
            };
            Listener { hub: Arc::clone(self), place, news }
        })
    }

    /// Listens to what comes after the event with this id, if all of that is held.
    pub fn since(self: &Arc<Self>, last_event_id: impl AsRef<[u8]>) -> Option<Listener<T>> {
        let news = self.news.subscribe();
        match self.replay().since(last_event_id, self.start.elapsed()) {
            Resume::Here(place) => Some(Listener { hub: Arc::clone(self), place, news }),
            Resume::Unknown | Resume::Expired => None,
        }
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.news.receiver_count()
    }

    /// The id of the last event, empty if there was none.
    pub fn last_event_id(&self) -> String {
        self.replay().last_event_id().to_owned()
    }

    fn replay(&self) -> MutexGuard<'_, Replay<T>> {
        // Whoever encodes under the lock may panic, but then nothing was changed.
        self.replay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Listener<T> {
    /// What is there to read now.
    pub fn try_next(&mut self) -> Result<Option<T>, Lagged> {
        // What comes from here on is news.
        self.news.borrow_and_update();
        self.hub.replay().next(&mut self.place).map(Option::<&T>::cloned)
    }

    /// What one that has only just come has missed; it cannot have fallen behind.
    pub fn missed(&mut self) -> Vec<T> {
        iter::from_fn(|| self.try_next().ok().flatten()).collect()
    }

    /// Waits until there may be something to read. Losing the future loses nothing.
    pub async fn news(&mut self) {
        // The sender is the hub's, which we hold.
        let _ = self.news.changed().await;
    }

    /// What comes, until it is too much to keep up with: a client that comes back will find out.
    pub fn stream(self) -> impl Stream<Item = T> + Unpin {
        Box::pin(stream::unfold(self, async |mut listener| {
            loop {
                match listener.try_next() {
                    Ok(Some(item)) => return Some((item, listener)),
                    Ok(None) => listener.news().await,
                    Err(_) => return None,
                }
            }
        }))
    }
}

/// The same blocks, and between them a sign of life whenever there was none for so long.
pub fn keep_alive(
    blocks: impl Stream<Item = Bytes> + Unpin,
    interval: Duration,
) -> impl Stream<Item = Bytes> {
    let start = Instant::now();
    let state = (blocks, KeepAlive::new(interval, Duration::ZERO));
    stream::unfold(state, move |(mut blocks, mut keep_alive)| async move {
        loop {
            let deadline = keep_alive.deadline().and_then(|deadline| start.checked_add(deadline));
            tokio::select! {
                block = blocks.next() => {
                    keep_alive.written(start.elapsed());
                    return Some((block?, (blocks, keep_alive)));
                }
                () = sleep_until(deadline.unwrap_or(start)), if deadline.is_some() => {
                    let Some(block) = keep_alive.poll(start.elapsed()) else { continue };
                    return Some((Bytes::from_static(block), (blocks, keep_alive)));
                }
            }
        }
    })
}

/// A clock before 1970 is as good as 1970.
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
