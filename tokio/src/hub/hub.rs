//! [`Hub`], one log of events for all listeners.

use super::hub_event::HubEvent;
use super::hub_options::HubOptions;
use super::last_event_id::LastEventId;
use super::serve::Serve;
use super::subscriber::Subscriber;
use crate::ws::WebSocket;
use bytes::Bytes;
use eventwire::Utf8Bytes;
use eventwire::sse::{EventBody, EventBuilder, EventId, Replay, Resume, Subscription};
use futures_core::Stream;
use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// One log of events for any number of listeners, over Server-Sent Events and WebSocket. Clones
/// are handles to the same log.
///
/// * Each event is encoded once, and held once, for all listeners.
/// * Each event has an ID. A client that returns with its last ID continues after that event, as
///   long as the log [holds](HubOptions) it. An ID of another run of the server is never mistaken
///   for one of this run.
/// * A listener that reads too slowly delays nobody and takes no memory. When the log has dropped
///   an event before the listener has read it, its event stream ends, and the client returns with
///   its last ID. A WebSocket is closed with code 1013.
/// * [`shutdown`](Self::shutdown) ends the streams, closes the sockets, and waits for them.
///
/// The whole server, with feature `axum`:
///
#[cfg_attr(feature = "axum", doc = "```no_run")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
/// use axum::Router;
/// use axum::extract::State;
/// use axum::response::{IntoResponse, Response};
/// use axum::routing::{any, get, post};
/// use eventwire_tokio::axum::WebSocketUpgrade;
/// use eventwire_tokio::sse::EventBuilder;
/// use eventwire_tokio::{Hub, HubOptions, LastEventId};
///
/// async fn publish(State(hub): State<Hub>, body: String) -> String {
///     hub.publish(EventBuilder::new().data(body)).into()
/// }
///
/// async fn events(State(hub): State<Hub>, last: LastEventId) -> impl IntoResponse {
///     hub.events(&last)
/// }
///
/// async fn socket(State(hub): State<Hub>, upgrade: WebSocketUpgrade) -> Response {
///     upgrade.same_origin().on_upgrade(move |socket| hub.serve(socket))
/// }
///
/// #[tokio::main]
/// async fn main() -> std::io::Result<()> {
///     let hub = Hub::new(HubOptions::new().max_events(1000));
///     let router = Router::new()
///         .route("/publish", post(publish))
///         .route("/events", get(events))
///         .route("/socket", any(socket))
///         .with_state(hub.clone());
///     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
///     let stopped = async move {
///         // Without a signal, the server runs until it is killed.
///         if tokio::signal::ctrl_c().await.is_err() {
///             std::future::pending::<()>().await;
///         }
///         hub.shutdown().await;
///     };
///     axum::serve(listener, router).with_graceful_shutdown(stopped).await
/// }
/// ```
///
/// Memory: that of [`Replay`], and about 200 bytes for each listener beside its connection.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

/// What the clones of a hub and its listeners share.
pub(super) struct Shared {
    /// Locked for a moment, never while anything waits.
    log: Mutex<Replay<HubEvent>>,
    /// Changes when something was published, and when the hub is shut down, which is its value.
    /// Each listener has a receiver.
    news: watch::Sender<bool>,
    options: HubOptions,
    /// The start of the log's time.
    start: Instant,
}

impl Hub {
    /// Creates an empty hub. The IDs of its events begin with a random number.
    #[must_use]
    pub fn new(options: HubOptions) -> Self {
        let log = Mutex::new(Replay::new(options.history, run()));
        let news = watch::Sender::new(false);
        Self { shared: Arc::new(Shared { log, news, options, start: Instant::now() }) }
    }

    /// Publishes an event to all listeners, and returns its ID: its own, or an assigned one. All
    /// listeners get all events in the same order.
    ///
    /// IDs must be unique. Over WebSocket the event is a text message of its data, without its ID
    /// and type. A client that needs them finds them in the data if they are put there, with
    /// [`publish_with`](Self::publish_with).
    #[allow(clippy::must_use_candidate, reason = "most programs do not need the ID")]
    pub fn publish<'a>(&self, event: impl Borrow<EventBuilder<'a>>) -> Utf8Bytes {
        let event = event.borrow();
        self.publish_with(event.get_id(), |id| HubEvent::new(&event.clone().id(id)))
    }

    /// Publishes an event that `make` makes of its ID, which is the given one, or else an assigned
    /// one. Returns the ID.
    ///
    /// `make` is called under the hub's lock, so it must not call this hub.
    ///
    /// ```
    /// use eventwire_tokio::sse::EventBuilder;
    /// use eventwire_tokio::{Hub, HubEvent};
    ///
    /// let hub = Hub::default();
    /// // A client over WebSocket can resume too, as it knows the ID of each event.
    /// hub.publish_with(None, |id| {
    ///     let data = format!(r#"{{"id":"{}","text":"hello"}}"#, id.as_str());
    ///     HubEvent::new(&EventBuilder::new().id(id).data(data))
    /// });
    /// ```
    pub fn publish_with(
        &self,
        id: Option<EventId<'_>>,
        make: impl FnOnce(EventId<'_>) -> HubEvent,
    ) -> Utf8Bytes {
        let now = self.shared.now();
        let id = self.shared.log().push_with(id, now, |id| {
            let event = make(id);
            let len = event.len();
            (event, len)
        });
        self.shared.wake();
        id
    }

    /// Publishes an event to the current listeners only, such as a state that the next one
    /// replaces. It is not sent to clients that resume, so it must have no ID.
    ///
    /// ```
    /// use eventwire_tokio::Hub;
    /// use eventwire_tokio::sse::EventBuilder;
    ///
    /// fn count(hub: &Hub) {
    ///     let count = EventBuilder::new().data(format!("{} listen", hub.subscribers()));
    ///     hub.publish_transient(&count);
    /// }
    /// ```
    pub fn publish_transient(&self, event: impl Into<HubEvent>) {
        let event = event.into();
        let len = event.len();
        let now = self.shared.now();
        self.shared.log().push_transient(event, len, now);
        self.shared.wake();
    }

    /// Returns the body of an event stream, with [keep-alives](HubOptions::keep_alive) and the
    /// [reconnection time](HubOptions::retry): a response for hyper, axum, and everything that
    /// takes an [`http_body::Body`]. With feature `axum`, a handler can return it.
    ///
    /// The stream begins where [`resume`](Self::resume) does. It ends if the client reads too
    /// slowly, and at [`shutdown`](Self::shutdown).
    pub fn events(
        &self,
        last_event_id: &LastEventId,
    ) -> EventBody<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>> {
        let HubOptions { keep_alive, retry, .. } = self.shared.options;
        let body = EventBody::new(self.resume(last_event_id).into_blocks());
        let body = match retry {
            Some(retry) => body.retry(retry),
            None => body,
        };
        body.keep_alive(keep_alive, sleep)
    }

    /// Sends all events from now on over a WebSocket, each as a text message of its data. Await the
    /// returned future, which ends with the connection.
    ///
    /// It is the same as `hub.subscribe().serve(socket)`. For a client that resumes, write
    /// `hub.resume(&last_event_id).serve(socket)`.
    pub fn serve(&self, socket: WebSocket) -> Serve {
        self.subscribe().serve(socket)
    }

    /// Listens to all events from now on.
    pub fn subscribe(&self) -> Subscriber {
        let place = self.shared.log().subscribe();
        self.listen(place)
    }

    /// Listens to all events that are held, and to those after them.
    pub fn subscribe_from_oldest(&self) -> Subscriber {
        let place = self.shared.log().subscribe_from_oldest();
        self.listen(place)
    }

    /// Listens to the events after the one with this ID.
    ///
    /// Without an ID, it listens from now on. If the ID is unknown, or if some of the events after
    /// it are no longer held, it listens from the oldest event that is held. To tell a client that
    /// it may have missed events, use [`since`](Self::since).
    pub fn resume(&self, last_event_id: &LastEventId) -> Subscriber {
        match last_event_id.as_bytes() {
            None => self.subscribe(),
            Some(id) => self.since(id).unwrap_or_else(|| self.subscribe_from_oldest()),
        }
    }

    /// Listens to the events after the one with this ID. Returns `None` if the ID is unknown, or if
    /// some of the events after it are no longer held: the client may have missed events.
    pub fn since(&self, last_event_id: impl AsRef<[u8]>) -> Option<Subscriber> {
        let found = self.shared.log().since(last_event_id, self.shared.now());
        match found {
            Resume::Here(place) => Some(self.listen(place)),
            Resume::Unknown | Resume::Expired => None,
        }
    }

    fn listen(&self, place: Subscription) -> Subscriber {
        Subscriber::new(Arc::clone(&self.shared), place)
    }

    /// Returns the number of listeners: event streams, sockets, and other subscribers.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.shared.news.receiver_count()
    }

    /// Returns the ID of the last event, or an empty string if there was none. Send it with a
    /// snapshot of the state that this event led to: a client that has the ID continues after it.
    #[must_use]
    pub fn last_event_id(&self) -> String {
        self.shared.log().last_event_id().to_owned()
    }

    /// Shuts the hub down: event streams end after the events that were published before, and
    /// sockets that [`serve`](Self::serve) are closed with code 1012, for which clients reconnect.
    /// Waits until all listeners are gone, but no longer than the
    /// [timeout](HubOptions::shutdown_timeout).
    ///
    /// Later listeners are shut down at once. To stop a server, first let the load balancer send
    /// new clients elsewhere, then shut the hub down, and then the server.
    ///
    /// Cancel safe: if the future is dropped, the hub shuts down all the same.
    pub async fn shutdown(&self) {
        let Shared { news, options, .. } = &*self.shared;
        news.send_modify(|is_shut| *is_shut = true);
        // Those that are left end with their connections.
        let _ = timeout(options.shutdown_timeout, news.closed()).await;
    }
}

impl Shared {
    pub(super) fn log(&self) -> MutexGuard<'_, Replay<HubEvent>> {
        // A function that panics while it makes an event has changed nothing.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a receiver that counts as a listener.
    pub(super) fn news(&self) -> watch::Receiver<bool> {
        self.news.subscribe()
    }

    pub(super) fn is_shut(&self) -> bool {
        *self.news.borrow()
    }

    fn wake(&self) {
        self.news.send_modify(|_| {});
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Returns a number that no earlier run of the server had.
fn run() -> u64 {
    let since_1970 = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    getrandom::u64().unwrap_or_else(|_| since_1970().as_millis().try_into().unwrap_or(u64::MAX))
}

/// With the default options.
impl Default for Hub {
    fn default() -> Self {
        Self::new(HubOptions::new())
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("options", &self.shared.options)
            .field("subscribers", &self.subscribers())
            .finish_non_exhaustive()
    }
}
