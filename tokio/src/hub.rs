//! `sse::Replay` on tokio: one history behind a lock, and a signal that wakes its listeners.

use bytes::Bytes;
use eventwire::sse::{EventBuilder, EventId, KeepAlive, Replay, Resume, Subscription};
use eventwire::{FanoutOptions, Lagged, Utf8Bytes};
use futures_util::{Stream, StreamExt, stream};
use std::iter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// One history of events for any number of listeners. `T` is an encoded event, shared by all.
#[derive(Debug)]
pub struct Hub<T = Bytes> {
    replay: Mutex<Replay<T>>,
    news: watch::Sender<()>,
    start: Instant,
}

/// A listener that reads at its own pace. The hub forgets it when it is dropped.
#[derive(Debug)]
pub struct Listener<T = Bytes> {
    hub: Arc<Hub<T>>,
    place: Subscription,
    news: watch::Receiver<()>,
}

impl Hub {
    /// Publishes an event, which gets the next number as its id if it has none; returns the id.
    pub fn push(&self, event: &EventBuilder<'_>) -> Utf8Bytes {
        let id = self.replay().push(event, self.start.elapsed());
        self.news.send_replace(());
        id
    }
}

impl<T: Clone> Hub<T> {
    /// Creates a hub with these limits. Its ids begin with a random run, so that no ids of another
    /// server are taken for its own.
    #[must_use]
    pub fn new(options: FanoutOptions) -> Arc<Self> {
        let replay = Mutex::new(Replay::new(options, rand::random()));
        Arc::new(Self { replay, news: watch::Sender::new(()), start: Instant::now() })
    }

    /// Publishes an event in the encoding that `encode` returns for its id, with its length; returns
    /// the id.
    pub fn publish(
        &self,
        id: Option<EventId<'_>>,
        encode: impl FnOnce(EventId<'_>) -> (T, usize),
    ) -> Utf8Bytes {
        let id = self.replay().push_with(id, self.start.elapsed(), encode);
        self.news.send_replace(());
        id
    }

    /// Publishes an item that is not kept for later listeners.
    pub fn push_transient(&self, item: T, len: usize) {
        self.replay().push_transient(item, len, self.start.elapsed());
        self.news.send_replace(());
    }

    /// Listens from the event after this id. If events after it are no longer held, listens from the
    /// oldest event that is. Without an id, listens from now on.
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

    /// Listens from the event after this id, if all events since then are held.
    pub fn since(self: &Arc<Self>, last_event_id: impl AsRef<[u8]>) -> Option<Listener<T>> {
        let news = self.news.subscribe();
        match self.replay().since(last_event_id, self.start.elapsed()) {
            Resume::Here(place) => Some(Listener { hub: Arc::clone(self), place, news }),
            Resume::Unknown | Resume::Expired => None,
        }
    }

    /// Returns the number of listeners.
    pub fn listeners(&self) -> usize {
        self.news.receiver_count()
    }

    /// Returns the id of the last event, which is empty if there was none.
    pub fn last_event_id(&self) -> String {
        self.replay().last_event_id().to_owned()
    }

    fn replay(&self) -> MutexGuard<'_, Replay<T>> {
        // An `encode` that panics under the lock has changed nothing.
        self.replay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Listener<T> {
    /// Returns the next item if there is one now.
    ///
    /// # Errors
    ///
    /// [`Lagged`] if items were dropped before this listener read them.
    pub fn try_next(&mut self) -> Result<Option<T>, Lagged> {
        // Anything published from here on is news.
        self.news.borrow_and_update();
        self.hub.replay().next(&mut self.place).map(Option::<&T>::cloned)
    }

    /// Returns all items that are there for a new listener, which cannot have fallen behind.
    pub fn missed(&mut self) -> Vec<T> {
        iter::from_fn(|| self.try_next().ok().flatten()).collect()
    }

    /// Waits until there may be something to read. Nothing is lost if the future is dropped.
    pub async fn news(&mut self) {
        // The sender is in the hub, which this listener keeps alive.
        let _ = self.news.changed().await;
    }

    /// Returns the items as a stream. It ends when the listener has fallen behind: a client that comes
    /// back with its last event id learns so.
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

/// Passes the blocks on, with a comment between them whenever `interval` passes without a block.
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

/// Returns the time since 1970; 0 if the clock is set earlier.
#[must_use]
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
