//! Pings, and how long to wait for an answer.

use super::SocketOptions;
use core::time::Duration;

/// When to send a ping, and when to give up.
///
/// Whatever the peer sends answers a ping, since its pong has to wait behind the frame under way.
#[derive(Debug)]
pub(super) struct Heartbeat {
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
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Ping,
    Lost,
}

impl Heartbeat {
    pub(super) const fn new(options: &SocketOptions, now: Duration) -> Self {
        Self {
            interval: options.ping_interval,
            timeout: options.pong_timeout,
            next: now.saturating_add(options.ping_interval),
            heard: now,
            awaiting: None,
            unwritten: 0,
            progressed: false,
        }
    }

    /// The peer sent something.
    pub(super) const fn heard(&mut self, now: Duration) {
        self.awaiting = None;
        self.heard = now;
    }

    pub(super) const fn last_heard(&self) -> Duration {
        self.heard
    }

    /// The ping that is due ends that many bytes from now.
    pub(super) const fn ping_is_behind(&mut self, bytes: u64) {
        self.unwritten = bytes;
    }

    /// The transport took so many bytes, at `now` or later: until the ping's last one, that is a sign
    /// of life.
    pub(super) fn written(&mut self, len: usize, now: Duration) {
        if len > 0 && self.unwritten > 0 {
            self.unwritten = self.unwritten.saturating_sub(len as u64);
            self.await_from(now);
            self.progressed = true;
        }
    }

    /// Who waits to write what is left comes back at once: what was taken was so now.
    pub(super) fn passed(&mut self, now: Duration) {
        if core::mem::take(&mut self.progressed) {
            self.await_from(now);
        }
    }

    /// Nobody reads for now: an answer may be there, unless the ping itself is not.
    pub(super) fn postpone(&mut self, now: Duration) {
        if self.unwritten == 0 {
            self.await_from(now);
        }
    }

    /// An answer that is awaited may take until later.
    fn await_from(&mut self, now: Duration) {
        self.awaiting = self.awaiting.map(|_| now);
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        if self.interval.is_zero() {
            return None;
        }
        Some(self.awaiting.map_or(self.next, |since| since.saturating_add(self.timeout)))
    }

    pub(super) fn due(&mut self, now: Duration) -> Option<Beat> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        if self.awaiting.is_some() {
            return Some(Beat::Lost);
        }
        self.next = now.saturating_add(self.interval);
        self.awaiting = Some(now);
        Some(Beat::Ping)
    }
}
