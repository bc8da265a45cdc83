//! Pings, and how long to wait for an answer.

use super::websocket_options::WebSocketOptions;
use core::time::Duration;

/// When to send a ping, and until when to wait for an answer.
///
/// Whatever the peer sends answers a ping, since its pong has to wait behind the frame under way.
#[derive(Debug)]
pub(in crate::ws) struct Heartbeat {
    /// Zero: never.
    interval: Duration,
    timeout: Duration,
    next: Duration,
    /// When the peer last sent something, or the connection began.
    heard: Duration,
    /// From when on the answer to a ping is awaited, if one is.
    awaiting: Option<Duration>,
    /// How many bytes the transport has to take until the ping is out.
    unwritten: u64,
    /// Whether it took some of them since the time was last told.
    progressed: bool,
    /// When the ping went out whose pong has not come.
    pinged: Option<Duration>,
    round_trip: Option<Duration>,
}

impl Heartbeat {
    pub(in crate::ws) const fn new(options: &WebSocketOptions, now: Duration) -> Self {
        Self {
            interval: options.ping_interval,
            timeout: options.pong_timeout,
            next: now.saturating_add(options.ping_interval),
            heard: now,
            awaiting: None,
            unwritten: 0,
            progressed: false,
            pinged: None,
            round_trip: None,
        }
    }

    /// The peer sent something.
    pub(in crate::ws) const fn heard(&mut self, now: Duration) {
        self.awaiting = None;
        self.heard = now;
    }

    pub(in crate::ws) const fn last_heard(&self) -> Duration {
        self.heard
    }

    /// A pong came. Those to our pings are empty, as they are.
    pub(in crate::ws) fn pong(&mut self, payload: &[u8], now: Duration) {
        if payload.is_empty()
            && let Some(pinged) = self.pinged.take()
        {
            self.round_trip = Some(now.saturating_sub(pinged));
        }
    }

    /// The latest time from a ping's last byte to its pong.
    pub(in crate::ws) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The ping that is due ends that many bytes from now.
    pub(in crate::ws) const fn ping_is_behind(&mut self, bytes: u64) {
        self.unwritten = bytes;
    }

    /// The transport took so many bytes, at `now` or later: until the ping's last one, that is a sign
    /// of life.
    pub(in crate::ws) fn written(&mut self, len: usize, now: Duration) {
        if len > 0 && self.unwritten > 0 {
            self.unwritten = self.unwritten.saturating_sub(len as u64);
            self.await_from(now);
            self.progressed = true;
            if self.unwritten == 0 {
                self.pinged.get_or_insert(now);
            }
        }
    }

    /// Who waits to write what is left comes back at once: what was taken was so now.
    pub(in crate::ws) fn passed(&mut self, now: Duration) {
        if core::mem::take(&mut self.progressed) {
            self.await_from(now);
        }
    }

    /// Nobody reads for now: an answer may be there, unless the ping itself is not.
    pub(in crate::ws) fn postpone(&mut self, now: Duration) {
        if self.unwritten == 0 {
            self.await_from(now);
        }
    }

    /// An answer that is awaited may take until later.
    fn await_from(&mut self, now: Duration) {
        self.awaiting = self.awaiting.map(|_| now);
    }

    /// When the next ping is due, if one may be sent.
    pub(in crate::ws) fn next_ping(&self) -> Option<Duration> {
        (!self.interval.is_zero() && self.awaiting.is_none()).then_some(self.next)
    }

    /// When the wait for the answer to a ping ends, if one is awaited.
    pub(in crate::ws) fn pong_deadline(&self) -> Option<Duration> {
        self.awaiting.map(|since| since.saturating_add(self.timeout))
    }

    /// Whether a ping is due. If so, its answer is awaited from now on.
    pub(in crate::ws) fn is_due(&mut self, now: Duration) -> bool {
        let due = self.next_ping().is_some_and(|next| next <= now);
        if due {
            self.next = now.saturating_add(self.interval);
            self.awaiting = Some(now);
        }
        due
    }
}
