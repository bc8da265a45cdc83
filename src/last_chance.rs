//! A deadline for a peer, which does not count what this program has not read yet.

use core::time::Duration;

/// Judges a peer that was silent until a deadline.
///
/// A program that was stopped, or busy for long, comes back after the deadline, and what the peer sent
/// in time waits unread. So nothing is judged when a deadline is first found to have passed: there is a
/// last chance, a short further wait in which the program reads what is readable. If it comes back late
/// from that too, it was held up again, and there is another one; but no more than
/// [`MOST`](Self::MOST) in a row, as a loop may always be late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastChance {
    /// When it ends, if there is one. In parts, so that the count beside them takes no room.
    seconds: u64,
    nanos: u32,
    /// How many there were in a row; 0 if there is none.
    count: u8,
}

impl LastChance {
    /// The longest last chance, and how late a program may come back from it.
    const LONGEST: Duration = Duration::from_secs(1);
    const SHORTEST: Duration = Duration::from_millis(1);
    /// How many there may be in a row.
    const MOST: u8 = 3;

    pub(crate) const fn new() -> Self {
        Self { seconds: 0, nanos: 0, count: 0 }
    }

    /// The peer was heard.
    pub(crate) const fn clear(&mut self) {
        self.count = 0;
    }

    /// Whether the peer was silent until `deadline`, after a wait of `timeout`, and in its last chance.
    pub(crate) fn was_missed(
        &mut self,
        deadline: Duration,
        timeout: Duration,
        now: Duration,
    ) -> bool {
        if now < deadline {
            self.clear();
            return false;
        }
        if let Some(until) = self.until() {
            let is_late = now >= until.saturating_add(Self::LONGEST);
            if now < until {
                return false;
            }
            if !is_late || self.count >= Self::MOST {
                self.clear();
                return true;
            }
        }
        let grace = (timeout / 10).clamp(Self::SHORTEST, Self::LONGEST);
        let until = now.saturating_add(grace);
        let count = self.count + 1;
        *self = Self { seconds: until.as_secs(), nanos: until.subsec_nanos(), count };
        false
    }

    /// When [`was_missed`](Self::was_missed) is to be asked, of a peer with this deadline.
    pub(crate) fn deadline(self, deadline: Duration) -> Duration {
        self.until().map_or(deadline, |until| until.max(deadline))
    }

    fn until(self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::new(self.seconds, self.nanos))
    }
}
