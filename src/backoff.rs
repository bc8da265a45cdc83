//! [`Backoff`], the waits between attempts.

use core::time::Duration;

/// Waits between attempts that grow and are random: truncated exponential back-off.
/// [`sse::EventSource`](crate::sse::EventSource) and `ws::ReconnectingWebSocket` use it, and it can
/// be used alone.
///
/// The wait before attempt `n`, counted from 0, is at most `initial` times 2<sup>n</sup>, and never
/// more than `ceiling`. By default the whole wait is random, and with [`jitter`](Self::jitter) a
/// share of it. So clients that were cut off at the same time do not reconnect at the same time.
/// The random numbers come from a `seed` that must differ between clients, but need not be hard to
/// guess.
///
/// ```
/// use eventwire::Backoff;
/// use std::time::Duration;
///
/// let seed = rand::random(); // all clients with the same one would wait alike
/// let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30), seed)
///     .jitter(50)
///     .max_attempts(3);
/// let mut bound = Duration::from_secs(1);
/// while let Some(wait) = backoff.next_wait() {
///     assert!(bound / 2 <= wait && wait <= bound);
///     bound *= 2;
/// }
/// assert_eq!(backoff.attempts(), 3);
/// backoff.reset(); // an attempt succeeded
/// assert!(backoff.next_wait().is_some());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    initial: Duration,
    ceiling: Duration,
    reset_after: Duration,
    jitter: u8,
    max_attempts: u32,
    attempts: u32,
    random: u64,
}

impl Backoff {
    /// Creates waits of up to `initial` before the first attempt, and up to twice as much before
    /// each further one, but never more than `ceiling`.
    #[must_use]
    pub const fn new(initial: Duration, ceiling: Duration, seed: u64) -> Self {
        Self {
            initial,
            ceiling,
            reset_after: ceiling,
            jitter: 100,
            max_attempts: u32::MAX,
            attempts: 0,
            random: seed,
        }
    }

    /// Sets how much of each wait is random, in percent. With 0, nothing is random. With 100, the
    /// default, a wait is anything between nothing and its bound. Higher numbers count as 100.
    #[must_use]
    pub const fn jitter(mut self, percent: u8) -> Self {
        self.jitter = if percent < 100 { percent } else { 100 };
        self
    }

    /// Sets the maximum number of attempts in a row. There is no maximum by default.
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets how long a connection must last to start over from the first wait. The default is the
    /// ceiling. A connection that is accepted and dropped at once is not a success.
    #[must_use]
    pub const fn reset_after(mut self, stretch: Duration) -> Self {
        self.reset_after = stretch;
        self
    }

    /// Returns the wait before the next attempt, which then counts as made. Returns `None` if there
    /// may be no further attempt.
    pub fn next_wait(&mut self) -> Option<Duration> {
        if self.attempts >= self.max_attempts {
            return None;
        }
        let factor = 1_u32.checked_shl(self.attempts).unwrap_or(u32::MAX);
        let bound = self.initial.saturating_mul(factor).min(self.ceiling).as_nanos();
        self.attempts = self.attempts.saturating_add(1);
        let random_share = bound * u128::from(self.jitter) / 100;
        Some(from_nanos(bound - ((random_share * u128::from(self.draw())) >> 32)))
    }

    /// Returns the number of attempts made in a row.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Starts over from the first wait.
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Starts over if a connection lasted long enough to be a success.
    pub fn connection_lasted(&mut self, stretch: Duration) {
        if stretch >= self.reset_after {
            self.reset();
        }
    }

    /// Draws from `SplitMix64`, a hashed counter. Returns the upper half of the hash.
    const fn draw(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let hash = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((hash ^ (hash >> 31)) >> 32) as u32
    }
}

/// Converts a number that came from a duration.
fn from_nanos(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the seconds come from a duration, and the rest is below one"
    )]
    Duration::new((nanos / SECOND) as u64, (nanos % SECOND) as u32)
}
