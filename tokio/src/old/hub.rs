//! `sse::Replay` on tokio: one history behind a lock, and a signal that wakes its listeners.

use bytes::Bytes;
use eventwire::sse::{EventBuilder, EventId, Replay, Resume, Subscription};
use eventwire::{FanoutOptions, Lagged, Utf8Bytes};
use futures_util::{Stream, stream};
use std::iter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::Instant;

/// One history of events for any number of listeners. `T` is an encoded event, shared by all.
#[derive(Debug)]
pub struct Hub<T = Bytes> {
    replay: Mutex<Replay<T>>,
    news: watch::Sender<()>,
    start: Instant,
}

/// A listener that reads at its own pace. The hub forgets a listener that is dropped.
#[derive(Debug)]
pub struct Listener<T = Bytes> {
    hub: Arc<Hub<T>>,
    place: Subscription,
    news: watch::Receiver<()>,
}

impl Hub {
    /// Publishes an event and returns its id. An event without an id gets the next number.
    pub fn push(&self, event: &EventBuilder<'_>) -> Utf8Bytes {
        let id = self.replay().push(event, self.start.elapsed());
        self.news.send_replace(());
        id
    }
}

impl<T: Clone> Hub<T> {
    /// Creates a hub with these limits. Its ids begin with a random number, so that the ids of
    /// another server are not mistaken for its own.
    #[must_use]
    pub fn new(options: FanoutOptions) -> Arc<Self> {
        let replay = Mutex::new(Replay::new(options, rand::random()));
        Arc::new(Self { replay, news: watch::Sender::new(()), start: Instant::now() })
    }

    /// Publishes an event and returns its id. `encode` takes the id and returns the encoded event
    /// with its length.
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

    /// Listens from the event after this id. If some events after the id are no longer held,
    /// listens from the oldest event that is held. Without an id, listens from now on.
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

    /// Listens from the event after this id, if all events after the id are still held.
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

    /// Returns the id of the last event, or an empty string if there was no event.
    pub fn last_event_id(&self) -> String {
        self.replay().last_event_id().to_owned()
    }

    fn replay(&self) -> MutexGuard<'_, Replay<T>> {
        // An `encode` that panics under the lock has changed nothing.
        self.replay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Listener<T> {
    /// Returns the next item, or `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// Returns [`Lagged`] if items were dropped before this listener read them.
    pub fn try_next(&mut self) -> Result<Option<T>, Lagged> {
        // From here on, `news` reports whatever is published.
        self.news.borrow_and_update();
        self.hub.replay().next(&mut self.place).map(Option::<&T>::cloned)
    }

    /// Returns the items that a new listener has missed. A new listener cannot have lagged.
    pub fn missed(&mut self) -> Vec<T> {
        iter::from_fn(|| self.try_next().ok().flatten()).collect()
    }

    /// Waits until there may be something to read. Dropping the future loses nothing.
    pub async fn news(&mut self) {
        // The sender is in the hub, and this listener keeps the hub alive.
        let _ = self.news.changed().await;
    }

    /// Waits for the next item. Returns `None` if the listener has lagged.
    pub async fn next(&mut self) -> Option<T> {
        loop {
            match self.try_next() {
                Ok(None) => self.news().await,
                item => return item.ok().flatten(),
            }
        }
    }

    /// Returns the items as a stream, which ends when the listener has lagged. A client that then
    /// returns with its last event id finds out whether it missed anything.
    pub fn stream(self) -> impl Stream<Item = T> {
        stream::unfold(self, async |mut listener| Some((listener.next().await?, listener)))
    }
}

/// Returns the time since 1970, or 0 if the clock is set to an earlier time.
#[must_use]
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
