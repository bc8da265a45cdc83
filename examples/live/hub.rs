//! Who gets which event: a bounded history, and a bounded queue for each subscriber.

use eventwire::sse::EventId;
use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, mpsc};

/// How many events a subscriber may lag behind before it is cut off; it may come back for the rest.
const QUEUE: usize = 64;

/// One lock around it all, so that no event falls between a subscriber's backlog and its queue, or
/// into both.
pub(crate) struct Hub<E>(Mutex<State<E>>);

struct State<E> {
    /// Counted from the time of the start, so that the ids of an earlier run are all before ours.
    last_id: u64,
    /// How many events are kept for those who come back.
    capacity: usize,
    history: VecDeque<(u64, E)>,
    subscribers: Vec<Subscriber<E>>,
}

/// Its queue ends, once it has been read, when this is dropped.
struct Subscriber<E> {
    client: Option<String>,
    queue: mpsc::Sender<E>,
}

/// What a subscriber gets.
pub(crate) struct Subscription<E> {
    /// At once: what it missed.
    pub(crate) replay: Vec<E>,
    /// As it comes.
    pub(crate) live: mpsc::Receiver<E>,
}

impl<E: Clone> Hub<E> {
    /// A hub that keeps this many events.
    pub(crate) fn keeping(capacity: usize) -> Self {
        let (history, subscribers) = (VecDeque::new(), Vec::new());
        Self(Mutex::new(State { last_id: now(), capacity, history, subscribers }))
    }

    /// Gives an event the next id, has it encoded once, and sends it to all.
    pub(crate) async fn publish(&self, encode: impl FnOnce(EventId<'_>) -> E) {
        let mut state = self.0.lock().await;
        let id = state.last_id + 1;
        let event = encode(EventId::new(&id.to_string()).expect("a number has no newline"));
        if state.history.len() == state.capacity {
            state.history.pop_front();
        }
        state.history.push_back((id, event.clone()));
        state.last_id = id;
        state.send(&event);
    }

    /// Sends what is of no use later.
    pub(crate) async fn send(&self, event: &E) {
        self.0.lock().await.send(event);
    }

    /// Subscribes a client: to what comes after this id, to all that is kept if the id is none of
    /// ours, or, with no id, to what comes from now on.
    pub(crate) async fn subscribe(
        &self,
        client: Option<String>,
        last_event_id: Option<&str>,
    ) -> Subscription<E> {
        let mut state = self.0.lock().await;
        let replay = last_event_id.map(|id| state.after(id)).unwrap_or_default();
        let (queue, live) = mpsc::channel(QUEUE);
        state.subscribers.push(Subscriber { client, queue });
        Subscription { replay, live }
    }

    /// Ends the subscriptions of one client; `false` if it has none.
    pub(crate) async fn disconnect(&self, client: &str) -> bool {
        let mut state = self.0.lock().await;
        state.subscribers.retain(|subscriber| !subscriber.queue.is_closed());
        let open = state.subscribers.len();
        state.subscribers.retain(|subscriber| subscriber.client.as_deref() != Some(client));
        state.subscribers.len() < open
    }

    /// Ends all subscriptions.
    pub(crate) async fn disconnect_all(&self) {
        self.0.lock().await.subscribers.clear();
    }
}

/// In milliseconds. A clock before 1970 is as good as 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(u64::MAX)
}

impl<E: Clone> State<E> {
    /// Queues an event for every subscriber, and forgets those that lag or went away.
    fn send(&mut self, event: &E) {
        self.subscribers.retain(|subscriber| subscriber.queue.try_send(event.clone()).is_ok());
    }

    fn after(&self, id: &str) -> Vec<E> {
        let id = id.parse().ok().filter(|&id| id <= self.last_id).unwrap_or(0);
        let newer = self.history.iter().filter(|(event_id, _)| *event_id > id);
        newer.map(|(_, event)| event.clone()).collect()
    }
}
