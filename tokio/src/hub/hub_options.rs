//! [`HubOptions`], the limits and times of a hub.

use eventwire::FanoutOptions;
use eventwire::sse::KeepAlive;
use std::time::Duration;

/// The limits and times of a [`Hub`](crate::Hub).
///
/// ```
/// use eventwire_tokio::HubOptions;
/// use std::time::Duration;
///
/// let five_minutes = HubOptions::new()
///     .max_events(10_000)
///     .max_bytes(16 << 20)
///     .max_age(Duration::from_secs(300));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HubOptions {
    pub(super) history: FanoutOptions,
    pub(super) keep_alive: Duration,
    pub(super) retry: Option<Duration>,
    pub(super) shutdown_timeout: Duration,
}

impl HubOptions {
    /// The default of [`max_events`](Self::max_events): 1,024.
    pub const DEFAULT_MAX_EVENTS: usize = FanoutOptions::DEFAULT_MAX_ITEMS;
    /// The default of [`max_bytes`](Self::max_bytes): 1 MiB.
    pub const DEFAULT_MAX_BYTES: usize = FanoutOptions::DEFAULT_MAX_BYTES;
    /// The default of [`keep_alive`](Self::keep_alive): 15 s.
    pub const DEFAULT_KEEP_ALIVE: Duration = KeepAlive::DEFAULT_INTERVAL;
    /// The default of [`shutdown_timeout`](Self::shutdown_timeout): 10 s.
    pub const DEFAULT_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

    /// Creates the default options, with no limit on the age of events.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            history: FanoutOptions::new(),
            keep_alive: Self::DEFAULT_KEEP_ALIVE,
            retry: None,
            shutdown_timeout: Self::DEFAULT_SHUTDOWN_TIMEOUT,
        }
    }

    /// Sets how many events are held, at least 1. A client that returns later than that has missed
    /// some, and so has a client that reads too slowly.
    #[must_use]
    pub const fn max_events(mut self, events: usize) -> Self {
        self.history = self.history.max_items(events);
        self
    }

    /// Sets how many bytes of events are held. An event is held in the form for each wire, and both
    /// count. The newest event is held even if it is longer.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.history = self.history.max_bytes(bytes);
        self
    }

    /// Sets how long an event is held.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.history = self.history.max_age(age);
        self
    }

    /// Sets how long an [event stream](crate::Hub::events) may be silent before a comment is sent.
    /// It must be shorter than the timeout of the proxies on the way. With zero, there are no such
    /// comments.
    ///
    /// The pings of a WebSocket are set in its
    /// [options](crate::ws::WebSocketOptions::ping_interval).
    #[must_use]
    pub const fn keep_alive(mut self, interval: Duration) -> Self {
        self.keep_alive = interval;
        self
    }

    /// Sets how long a client of an [event stream](crate::Hub::events) waits before it reconnects,
    /// in whole milliseconds. By default the client decides, and browsers wait some seconds.
    #[must_use]
    pub const fn retry(mut self, reconnection_time: Duration) -> Self {
        self.retry = Some(reconnection_time);
        self
    }

    /// Sets how long [`shutdown`](crate::Hub::shutdown) waits for the listeners.
    #[must_use]
    pub const fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }
}

impl Default for HubOptions {
    fn default() -> Self {
        Self::new()
    }
}
