//! How a client stays connected.

use super::Event;
use crate::Backoff;
use core::time::Duration;

/// When an [`EventSource`](super::EventSource) connects again, and when it gives up.
///
/// ```
/// use eventwire::Backoff;
/// use eventwire::sse::SourceOptions;
/// use std::time::Duration;
///
/// let seed = 4; // draw it
/// let options = SourceOptions::new()
///     .backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(60), seed))
///     .retry_statuses(&[429, 503])
///     .idle_timeout(Duration::from_secs(45));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceOptions {
    pub(super) reconnection_time: Duration,
    pub(super) backoff: Option<Backoff>,
    pub(super) retry_statuses: &'static [u16],
    idempotent: bool,
    reconnect: Option<bool>,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) last_event: Option<LastEvent>,
}

/// The event that ends a stream for good, exactly as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LastEvent {
    /// The one with this data, such as `[DONE]`.
    Data(&'static str),
    /// The one of this type, such as `message_stop`; `message` stands for events that name none.
    EventType(&'static str),
}

impl LastEvent {
    pub(super) fn is<T: AsRef<[u8]>, L>(self, event: &Event<T, L>) -> bool {
        match self {
            Self::Data(data) => event.data.as_ref() == data.as_bytes(),
            Self::EventType(wanted) => {
                let event_type = event.event_type.as_ref().map(AsRef::as_ref);
                event_type.unwrap_or(Event::DEFAULT_TYPE.as_bytes()) == wanted.as_bytes()
            }
        }
    }
}

impl SourceOptions {
    /// 3 s. The standard leaves it to the client, "probably in the region of a few seconds".
    pub const DEFAULT_RECONNECTION_TIME: Duration = Duration::from_secs(3);

    /// What the standard says, for a GET (WHATWG HTML, 9.2.2 and 9.2.3): for ever, after
    /// [`DEFAULT_RECONNECTION_TIME`](Self::DEFAULT_RECONNECTION_TIME) or what the server asks for.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            reconnection_time: Self::DEFAULT_RECONNECTION_TIME,
            backoff: None,
            retry_statuses: &[],
            idempotent: true,
            reconnect: None,
            idle_timeout: None,
            last_event: None,
        }
    }

    /// How long to wait before connecting again, until the server sends a `retry`.
    #[must_use]
    pub const fn reconnection_time(mut self, time: Duration) -> Self {
        self.reconnection_time = time;
        self
    }

    /// Waits that grow, **added** to the reconnection time (9.2.3: "optionally, wait some more"),
    /// so that none is shorter than the server asked for. After
    /// [`max_attempts`](Backoff::max_attempts) in a row the source fails for good; a connection
    /// that lasted [`reset_after`](Backoff::reset_after) starts them over. One that fell silent
    /// lasted until it was last heard.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Statuses that are tried again, such as 429 and 503; 200 and 204 keep their meaning. Unless
    /// this is set there are none, by the standard.
    ///
    /// If the response has a `Retry-After` in seconds, the reconnection time counts as at least
    /// that. Any other form, a date too, is ignored: there is no calendar here.
    #[must_use]
    pub const fn retry_statuses(mut self, statuses: &'static [u16]) -> Self {
        self.retry_statuses = statuses;
        self
    }

    /// The method of the requests, which is `GET` unless this is set. One that is not idempotent
    /// (RFC 9110, 9.2.2: all but `GET`, `HEAD`, `OPTIONS`, `TRACE`, `PUT` and `DELETE`) is never
    /// sent a second time, whatever went wrong, unless [`reconnect`](Self::reconnect) says so.
    #[must_use]
    pub const fn method(mut self, method: &str) -> Self {
        self.idempotent = matches!(
            method.as_bytes(),
            b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE"
        );
        self
    }

    /// Whether a request may be sent again, whatever its [`method`](Self::method).
    #[must_use]
    pub const fn reconnect(mut self, allowed: bool) -> Self {
        self.reconnect = Some(allowed);
        self
    }

    /// How long an open connection may be silent before it counts as lost. Events and comments
    /// count, and blocks that are not dispatched or were skipped, each at its end; so a server has
    /// to send one, or a [`KEEP_ALIVE`](super::KEEP_ALIVE), more often than this. Unless this is
    /// set there is no timeout. [`poll`](super::EventSource::poll) judges it: wait for input no longer
    /// than it says.
    ///
    /// It runs from the response on, and not while you deal with what was received. A response that
    /// does not come is the HTTP client's to time out.
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// The event after which the source is closed, and the end of the body no error. It is
    /// delivered like any other.
    #[must_use]
    pub const fn last_event(mut self, event: LastEvent) -> Self {
        self.last_event = Some(event);
        self
    }

    pub(super) fn may_reconnect(&self) -> bool {
        self.reconnect.unwrap_or(self.idempotent)
    }
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self::new()
    }
}
