//! [`Heartbeat`], which decides when to ping and how long to wait for the answer, and
//! [`RoundTrip`], which measures how long an answer took.

use super::websocket_options::WebSocketOptions;
use core::time::Duration;

/// Decides when to send the next ping, and how long to wait for the answer.
///
/// Anything that the peer sends counts as the answer, because its pong may be queued after a long
/// frame.
#[derive(Debug)]
pub(super) struct Heartbeat {
    next: Duration,
    /// When the wait for an answer began, if one is awaited.
    awaiting: Option<Duration>,
    /// Whether the transport took bytes up to the end of the ping since the last call with a later
    /// time.
    progressed: bool,
    /// Whether the transport took any bytes since the last call without reading.
    written: bool,
}

impl Heartbeat {
    pub(super) const fn new(options: &WebSocketOptions, now: Duration) -> Self {
        let next = now.saturating_add(options.ping_interval);
        Self { next, awaiting: None, progressed: false, written: false }
    }

    /// Notes that the peer sent something.
    pub(super) const fn heard(&mut self) {
        self.awaiting = None;
    }

    /// Notes that the transport took bytes up to the end of the ping, at `now` or later. Such
    /// progress is a sign of life.
    pub(super) fn progress(&mut self, now: Duration) {
        self.extend(now);
        self.progressed = true;
    }

    /// Counts bytes that the transport took since the last call as taken at `now`, because a driver
    /// retries a partial write immediately.
    pub(super) fn catch_up(&mut self, now: Duration) {
        if core::mem::take(&mut self.progressed) {
            self.extend(now);
        }
    }

    /// Notes that the transport took bytes.
    pub(super) const fn written(&mut self) {
        self.written = true;
    }

    /// Restarts the timeout of an answer that may wait unread. It goes on if bytes wait that the
    /// transport does not take, because then the peer has stopped reading.
    pub(super) fn unread(&mut self, has_output: bool, now: Duration) {
        if core::mem::take(&mut self.written) || !has_output {
            self.extend(now);
        }
    }

    /// Restarts the timeout of an awaited answer.
    pub(super) fn extend(&mut self, now: Duration) {
        self.awaiting = self.awaiting.map(|_| now);
    }

    /// Returns when the next ping is due; `None` if no ping may be sent now.
    pub(super) fn next_ping(&self, options: &WebSocketOptions) -> Option<Duration> {
        (!options.ping_interval.is_zero() && self.awaiting.is_none()).then_some(self.next)
    }

    /// Returns when the wait for an answer ends; `None` if none is awaited.
    pub(super) fn pong_deadline(&self, options: &WebSocketOptions) -> Option<Duration> {
        self.awaiting.map(|since| since.saturating_add(options.pong_timeout))
    }

    /// Returns whether a ping is due. If so, its answer is awaited from now on.
    pub(super) fn is_due(&mut self, options: &WebSocketOptions, now: Duration) -> bool {
        let due = self.next_ping(options).is_some_and(|next| next <= now);
        if due {
            self.next = now.saturating_add(options.ping_interval);
            self.awaiting = Some(now);
        }
        due
    }
}

/// Measures the time from a ping's last byte to its pong. It outlives the heartbeat, because a pong
/// can also arrive during the closing handshake.
#[derive(Debug, Default)]
pub(super) struct RoundTrip {
    /// The number of bytes that the transport still has to take until the ping is out. It is
    /// negative if the ping is the application's: a flag would make every WebSocket larger.
    before_ping: i64,
    /// When the oldest unanswered ping of the heartbeat went out.
    pinged: Option<Duration>,
    latest: Option<Duration>,
}

impl RoundTrip {
    /// Notes that a ping is queued, and that `bytes` bytes are queued up to and including it.
    /// `is_ours` tells the heartbeat's own ping from the application's.
    pub(super) fn ping_queued(&mut self, bytes: u64, is_ours: bool) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.before_ping = if is_ours { bytes } else { -bytes };
    }

    /// Returns whether the ping has not been wholly written yet.
    pub(super) const fn is_ping_queued(&self) -> bool {
        self.before_ping != 0
    }

    /// Returns whether the heartbeat's own ping has not been wholly written yet.
    pub(super) const fn is_our_ping_queued(&self) -> bool {
        self.before_ping > 0
    }

    /// Notes that the transport took `len` bytes. Returns whether any of them belong to the ping or
    /// to the bytes queued before it.
    pub(super) fn written(&mut self, len: usize, now: Duration) -> bool {
        let counts = len > 0 && self.is_ping_queued();
        if counts {
            let is_ours = self.is_our_ping_queued();
            let rest = self.before_ping.unsigned_abs().saturating_sub(len as u64);
            self.ping_queued(rest, is_ours);
            if is_ours && rest == 0 {
                self.pinged.get_or_insert(now);
            }
        }
        counts
    }

    /// Notes a pong. Our pings are empty, so their pongs are empty too.
    pub(super) fn pong(&mut self, payload: &[u8], now: Duration) {
        if payload.is_empty()
            && let Some(pinged) = self.pinged.take()
        {
            self.latest = Some(now.saturating_sub(pinged));
        }
    }

    pub(super) const fn latest(&self) -> Option<Duration> {
        self.latest
    }
}
