//! [`WebSocketOptions`], the limits and timeouts of a WebSocket.

use crate::ws::frame::Limits;
use core::time::Duration;

/// The limits and timeouts of a [`WebSocket`](crate::ws::WebSocket).
///
/// ```
/// use eventwire::ws::{Limits, WebSocketOptions};
/// use std::time::Duration;
///
/// let options = WebSocketOptions::new()
///     .limits(Limits::new().max_message(64 * 1024))
///     .ping_interval(Duration::from_secs(20))
///     .pong_timeout(Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSocketOptions {
    pub(super) limits: Limits,
    pub(super) handshake_timeout: Duration,
    pub(super) closing_timeout: Duration,
    pub(super) ping_interval: Duration,
    pub(super) pong_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) message_timeout: Duration,
    pub(super) high_water_mark: usize,
    pub(super) browser_close_codes: bool,
    pub(super) control_events: bool,
}

impl WebSocketOptions {
    /// The default of [`handshake_timeout`](Self::handshake_timeout): 10 s.
    pub const DEFAULT_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
    /// The default of [`closing_timeout`](Self::closing_timeout): 5 s.
    pub const DEFAULT_CLOSING_TIMEOUT: Duration = Duration::from_secs(5);
    /// The default of [`pong_timeout`](Self::pong_timeout): 20 s.
    pub const DEFAULT_PONG_TIMEOUT: Duration = Duration::from_secs(20);
    /// The default of [`high_water_mark`](Self::high_water_mark): 1 MiB.
    pub const DEFAULT_HIGH_WATER_MARK: usize = 1 << 20;

    /// Creates the default options, with no pings and no timeout for silence.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            limits: Limits::new(),
            handshake_timeout: Self::DEFAULT_HANDSHAKE_TIMEOUT,
            closing_timeout: Self::DEFAULT_CLOSING_TIMEOUT,
            ping_interval: Duration::ZERO,
            pong_timeout: Self::DEFAULT_PONG_TIMEOUT,
            idle_timeout: Duration::ZERO,
            message_timeout: Duration::ZERO,
            high_water_mark: Self::DEFAULT_HIGH_WATER_MARK,
            browser_close_codes: false,
            control_events: false,
        }
    }

    /// Sets the limits on messages from the peer.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long the server may take to answer a client's opening handshake, counted from
    /// `WebSocket::connect`.
    #[must_use]
    pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Sets how long the closing handshake and the end of the transport may take, counted from our
    /// close frame. Until that frame is written, the time starts again with each byte that the
    /// transport takes.
    #[must_use]
    pub const fn closing_timeout(mut self, timeout: Duration) -> Self {
        self.closing_timeout = timeout;
        self
    }

    /// Sets the time between pings. Pings also show proxies that the connection is in use. With
    /// zero, the default, none are sent.
    #[must_use]
    pub const fn ping_interval(mut self, interval: Duration) -> Self {
        self.ping_interval = interval;
        self
    }

    /// Sets how long the answer to a ping may take. Anything that the peer sends counts as the
    /// answer, because its pong has to wait until the frame before it is sent. Until our ping is
    /// written, each byte that the transport takes counts too.
    #[must_use]
    pub const fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.pong_timeout = timeout;
        self
    }

    /// Closes the connection with 1001 if no byte arrives for this long. Every byte of a message
    /// counts, however long the message takes, and so does the answer to a
    /// [ping](Self::ping_interval). With zero, the default, the connection is never closed for
    /// this.
    ///
    /// The time does not run while you handle an event.
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Closes the connection with 1001 if no whole message arrives for this long, whatever else
    /// arrives. A server can use this to drop clients that do nothing. A message must be complete
    /// within this time. With zero, the default, the connection is never closed for this.
    ///
    /// The time does not run while you handle a message.
    #[must_use]
    pub const fn message_timeout(mut self, timeout: Duration) -> Self {
        self.message_timeout = timeout;
        self
    }

    /// Sets how many bytes may be queued before messages are refused; at least 1. Headers count,
    /// and so do 24 bytes of memory for each frame (12 on 32-bit machines). The last message may
    /// pass the mark.
    #[must_use]
    pub const fn high_water_mark(mut self, bytes: usize) -> Self {
        self.high_water_mark = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Sets whether [`close`](crate::ws::WebSocket::close) takes only the codes that a web page may
    /// use: 1000, and 3000 to 4999 ([WHATWG WebSockets, `close`]). By default it takes every code
    /// that may be sent.
    ///
    /// [WHATWG WebSockets, `close`]: https://websockets.spec.whatwg.org/#dom-websocket-close
    #[must_use]
    pub const fn browser_close_codes(mut self, only: bool) -> Self {
        self.browser_close_codes = only;
        self
    }

    /// Sets whether the peer's pings and pongs are reported, as
    /// [`WebSocketEvent::Ping`](crate::ws::WebSocketEvent::Ping) and
    /// [`Pong`](crate::ws::WebSocketEvent::Pong). Pings are answered in either case.
    #[must_use]
    pub const fn control_events(mut self, show: bool) -> Self {
        self.control_events = show;
        self
    }
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        Self::new()
    }
}
