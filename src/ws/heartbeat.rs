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
    /// From when on the answer to a ping is awaited, if one is.
    awaiting: Option<Duration>,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Ping,
    Lost,
}

impl Heartbeat {
    pub(super) const fn new(options: &SocketOptions, now: Duration) -> Self {
        let (interval, timeout) = (options.ping_interval, options.pong_timeout);
        Self { interval, timeout, next: now.saturating_add(interval), awaiting: None }
    }

    /// The peer sent something.
    pub(super) const fn heard(&mut self) {
        self.awaiting = None;
    }

    /// The ping waits behind what the peer has begun to take.
    pub(super) const fn ping_waits(&mut self, now: Duration) {
        if self.awaiting.is_some() {
            self.awaiting = Some(now);
        }
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
