//! Pings: when one is due, until when its answer may take, and how long an answer took.

use super::websocket_options::WebSocketOptions;
use core::time::Duration;

/// When to send the next ping, and until when to wait for an answer.
///
/// Whatever the peer sends answers a ping, since its pong has to wait behind the frame under way.
#[derive(Debug)]
pub(super) struct Heartbeat {
    next: Duration,
    /// Since when the answer to a ping is awaited, if one is.
    awaiting: Option<Duration>,
    /// The transport took bytes of the ping, or of what is queued before it, and no call with a
    /// later time has come since.
    progressed: bool,
}

impl Heartbeat {
    pub(super) const fn new(options: &WebSocketOptions, now: Duration) -> Self {
        let next = now.saturating_add(options.ping_interval);
        Self { next, awaiting: None, progressed: false }
    }

    /// The peer sent something.
    pub(super) const fn heard(&mut self) {
        self.awaiting = None;
    }

    /// The transport took some of the bytes up to the ping's last one, at `now` or later. That is a
    /// sign of life.
    pub(super) fn progress(&mut self, now: Duration) {
        self.extend(now);
        self.progressed = true;
    }

    /// A driver retries a partial write immediately. So bytes that the transport took since the
    /// last call count as taken at `now`.
    pub(super) fn catch_up(&mut self, now: Duration) {
        if core::mem::take(&mut self.progressed) {
            self.extend(now);
        }
    }

    /// An answer that is awaited may take the whole timeout again.
    pub(super) fn extend(&mut self, now: Duration) {
        self.awaiting = self.awaiting.map(|_| now);
    }

    /// When the next ping is due, if one may be sent.
    pub(super) fn next_ping(&self, options: &WebSocketOptions) -> Option<Duration> {
        (!options.ping_interval.is_zero() && self.awaiting.is_none()).then_some(self.next)
    }

    /// When the wait for the answer to a ping ends, if one is awaited.
    pub(super) fn pong_deadline(&self, options: &WebSocketOptions) -> Option<Duration> {
        self.awaiting.map(|since| since.saturating_add(options.pong_timeout))
    }

    /// Whether a ping is due. If one is, its answer is awaited from now on.
    pub(super) fn is_due(&mut self, options: &WebSocketOptions, now: Duration) -> bool {
        let due = self.next_ping(options).is_some_and(|next| next <= now);
        if due {
            self.next = now.saturating_add(options.ping_interval);
            self.awaiting = Some(now);
        }
        due
    }
}

/// The time from a ping's last byte to its pong. It outlives the heartbeat, as a pong may also come
/// during the closing handshake.
#[derive(Debug, Default)]
pub(super) struct RoundTrip {
    /// How many bytes the transport has yet to take until the ping is out.
    before_ping: u64,
    /// When the ping went out whose pong has not come.
    pinged: Option<Duration>,
    latest: Option<Duration>,
}

impl RoundTrip {
    /// A ping was queued, and ends after so many bytes.
    pub(super) const fn ping_queued(&mut self, bytes: u64) {
        self.before_ping = bytes;
    }

    /// Whether the ping has not been written yet.
    pub(super) const fn is_ping_queued(&self) -> bool {
        self.before_ping > 0
    }

    /// The transport took so many bytes. Returns whether some of them were those up to the ping's
    /// last one.
    pub(super) fn written(&mut self, len: usize, now: Duration) -> bool {
        let counts = len > 0 && self.before_ping > 0;
        if counts {
            self.before_ping = self.before_ping.saturating_sub(len as u64);
            if self.before_ping == 0 {
                self.pinged.get_or_insert(now);
            }
        }
        counts
    }

    /// A pong came. The pongs to our pings are empty, as our pings are.
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
