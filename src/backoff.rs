//! How long to wait before the next attempt.

use core::time::Duration;

/// Waits between attempts that grow and are random: truncated exponential back-off, as
/// [`sse::EventSource`](crate::sse::EventSource) and `ws::ReconnectingWebSocket` use it, and usable alone.
///
/// The wait before attempt `n`, counted from 0, is at most `initial` times 2<sup>n</sup>, and never
/// more than `ceiling`. A share of it is random, all of it unless [`jitter`](Self::jitter) says
/// otherwise, so that clients that were cut off at once do not come back at once. The random numbers
/// come from a `seed` that differs from client to client; they need not be hard to guess.
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
    /// Waits of up to `initial` before the first attempt, twice as long before each further one, and
    /// never longer than `ceiling`.
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

    /// Sets how much of each wait is random, in percent: with 0 nothing is, with 100, the default, a
    /// wait is anything between nothing and its bound. More counts as 100.
    #[must_use]
    pub const fn jitter(mut self, percent: u8) -> Self {
        self.jitter = if percent < 100 { percent } else { 100 };
        self
    }

    /// Sets how many attempts there may be in a row. Unless this is set, there is no end to them.
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets how long a connection has to last to start over from the first wait; unless this is set,
    /// as long as the ceiling. What is accepted and dropped again at once is no success.
    #[must_use]
    pub const fn reset_after(mut self, stretch: Duration) -> Self {
        self.reset_after = stretch;
        self
    }

    /// The wait before the next attempt, which counts as made; `None` if there may be no more.
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

    /// How many attempts were made in a row.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Starts over from the first wait.
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Starts over if a connection that lasted so long was a success.
    pub fn connection_lasted(&mut self, stretch: Duration) {
        if stretch >= self.reset_after {
            self.reset();
        }
    }

    /// `SplitMix64`: a counter, hashed; the upper half of each.
    const fn draw(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let hash = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((hash ^ (hash >> 31)) >> 32) as u32
    }
}

/// Of what was a duration before.
fn from_nanos(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a duration, and less than one")]
    Duration::new((nanos / SECOND) as u64, (nanos % SECOND) as u32)
}
