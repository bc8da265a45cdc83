//! [`KeepAlive`], the timer of the comments that keep a silent stream alive.

use core::time::Duration;

/// The shortest keep-alive: an empty comment and a blank line.
///
/// Proxies close connections that are silent for long, so the standard suggests a comment about
/// every 15 seconds ([WHATWG HTML, 9.2.7]). [`KeepAlive`] tells when to send one.
///
/// [WHATWG HTML, 9.2.7]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes
pub const KEEP_ALIVE: &[u8] = b":\n\n";

/// Decides when to write a [`KEEP_ALIVE`]: whenever nothing was written for an interval.
///
/// The keep-alive also lets a server notice that a client has gone, because only a failing write
/// reveals that. An interval of zero means never. Time is a [`Duration`] since a fixed start, which
/// is the same for all calls.
///
/// ```
/// use eventwire::sse::KeepAlive;
/// use eventwire::sse::server::KEEP_ALIVE;
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let mut keep_alive = KeepAlive::new(KeepAlive::DEFAULT_INTERVAL, 0 * second);
/// keep_alive.written(10 * second); // an event
/// assert_eq!(keep_alive.deadline(), Some(25 * second));
/// assert_eq!(keep_alive.poll(24 * second), None);
/// assert_eq!(keep_alive.poll(25 * second), Some(KEEP_ALIVE)); // write it
/// assert_eq!(keep_alive.deadline(), Some(40 * second));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    interval: Duration,
    written: Duration,
}

impl KeepAlive {
    /// The default interval: 15 s.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);

    /// Creates a timer that counts from `now`.
    #[must_use]
    pub const fn new(interval: Duration, now: Duration) -> Self {
        Self { interval, written: now }
    }

    /// Notes that something was written, an event or anything else.
    pub const fn written(&mut self, now: Duration) {
        self.written = now;
    }

    /// Returns the latest time to call [`poll`](Self::poll), or `None` for never.
    #[must_use]
    pub const fn deadline(&self) -> Option<Duration> {
        if self.interval.is_zero() { None } else { self.written.checked_add(self.interval) }
    }

    /// Returns the bytes to write now, if any. They then count as written.
    pub fn poll(&mut self, now: Duration) -> Option<&'static [u8]> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        self.written(now);
        Some(KEEP_ALIVE)
    }
}
