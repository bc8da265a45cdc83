//! A deadline that a peer is held to, but not for what this program did not read in time.

use core::time::Duration;

/// Judges a peer that was silent until a deadline.
///
/// A program that was stopped, or busy for long, comes back after the deadline, and what the peer sent
/// in time waits unread. So nothing is judged when a deadline is first found to have passed: there is a
/// last chance, a short further wait in which the program reads what is readable. If it comes back late
/// from that too, it was held up again, and there is another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastChance {
    /// When it ends, if there is one.
    until: Option<Duration>,
}

impl LastChance {
    /// The longest last chance, and how late a program may come back from it.
    const LONGEST: Duration = Duration::from_secs(1);
    const SHORTEST: Duration = Duration::from_millis(1);

    pub(crate) const fn new() -> Self {
        Self { until: None }
    }

    /// The peer was heard.
    pub(crate) const fn clear(&mut self) {
        self.until = None;
    }

    /// Whether the peer was silent until `deadline`, after a wait of `timeout`, and in its last chance.
    pub(crate) fn was_missed(
        &mut self,
        deadline: Duration,
        timeout: Duration,
        now: Duration,
    ) -> bool {
        if now < deadline {
            self.until = None;
            return false;
        }
        if let Some(until) = self.until
            && now < until.saturating_add(Self::LONGEST)
        {
            return until <= now;
        }
        let grace = (timeout / 10).clamp(Self::SHORTEST, Self::LONGEST);
        self.until = Some(now.saturating_add(grace));
        false
    }

    /// When [`was_missed`](Self::was_missed) is to be asked, of a peer with this deadline.
    pub(crate) fn deadline(self, deadline: Duration) -> Duration {
        self.until.map_or(deadline, |until| until.max(deadline))
    }
}
