//! How a WebSocket is run.

use crate::ws::frame::Limits;
use core::time::Duration;

/// Limits and times of a [`WebSocket`](crate::ws::WebSocket).
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
    /// 10 s.
    pub const DEFAULT_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
    /// 5 s.
    pub const DEFAULT_CLOSING_TIMEOUT: Duration = Duration::from_secs(5);
    /// 20 s.
    pub const DEFAULT_PONG_TIMEOUT: Duration = Duration::from_secs(20);
    /// 1 MiB.
    pub const DEFAULT_HIGH_WATER_MARK: usize = 1 << 20;

    /// The defaults: no pings, and no end to silence.
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

    /// Sets what the peer may send.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long the server may take to answer a client's handshake, from the connection of the
    /// transport on.
    #[must_use]
    pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Sets how long the closing handshake and the end of the transport may take, from our close frame
    /// on. Until that is written, the time starts again with each byte that the transport takes.
    #[must_use]
    pub const fn closing_timeout(mut self, timeout: Duration) -> Self {
        self.closing_timeout = timeout;
        self
    }

    /// Sends a ping this often, with which also proxies see that the connection is in use. Zero, the
    /// default: never.
    #[must_use]
    pub const fn ping_interval(mut self, interval: Duration) -> Self {
        self.ping_interval = interval;
        self
    }

    /// Sets how long the answer to a ping may take. Anything that the peer sends counts as the answer,
    /// because its pong has to wait behind the frame that it is sending. Until our ping is written, each
    /// byte that the transport takes counts too.
    #[must_use]
    pub const fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.pong_timeout = timeout;
        self
    }

    /// Closes the connection with 1001 if not a byte comes for so long. A message that is under way is a
    /// sign of life, however long it takes, and so is the answer to a [ping](Self::ping_interval). Zero,
    /// the default: never.
    ///
    /// It does not run while you deal with an event.
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Closes the connection with 1001 if no whole message comes for so long, whatever else does: for a
    /// server that does not keep those who do nothing. A message has to be whole within that time. Zero,
    /// the default: never.
    ///
    /// It does not run while you deal with a message.
    #[must_use]
    pub const fn message_timeout(mut self, timeout: Duration) -> Self {
        self.message_timeout = timeout;
        self
    }

    /// Sets how many bytes may wait to be written, those of headers and 24 of memory for each frame (12
    /// on 32-bit machines) included, before no more messages are taken; at least 1. The last one may
    /// pass the mark.
    #[must_use]
    pub const fn high_water_mark(mut self, bytes: usize) -> Self {
        self.high_water_mark = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Whether [`close`](crate::ws::WebSocket::close) takes only the codes that a page may use: 1000, and
    /// 3000 to 4999 (WHATWG WebSocket, `close`). Otherwise any that may be sent.
    #[must_use]
    pub const fn browser_close_codes(mut self, only: bool) -> Self {
        self.browser_close_codes = only;
        self
    }

    /// Whether pings and pongs of the peer are shown, as [`WebSocketEvent::Ping`](
    /// crate::ws::WebSocketEvent::Ping) and [`Pong`](crate::ws::WebSocketEvent::Pong). Pings are answered in any case.
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
