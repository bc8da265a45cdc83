//! [`LastChance`], a deadline for a peer that allows for input which this program has not read yet.

use core::time::Duration;

/// Judges a peer that was silent until a deadline.
///
/// A program that was stopped, or busy for long, returns after the deadline, and input that the
/// peer sent in time is still unread. So the first time that a deadline is found to have passed,
/// the peer is not judged. It gets a last chance: a short further wait in which the program reads
/// the input that is available. If the program returns late from that wait too, it was held up
/// again, and the peer gets another chance, but at most [`MOST`](Self::MOST) in a row, because a
/// loop may always be late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastChance {
    /// The end of the last chance, if there is one. In parts, so that the count fits in beside
    /// them.
    seconds: u64,
    nanos: u32,
    /// The number of last chances in a row; 0 if there is none.
    count: u8,
}

impl LastChance {
    /// The longest last chance, and also how late a program may return from it.
    const LONGEST: Duration = Duration::from_secs(1);
    const SHORTEST: Duration = Duration::from_millis(1);
    /// The maximum number of last chances in a row.
    const MOST: u8 = 3;

    pub(crate) const fn new() -> Self {
        Self { seconds: 0, nanos: 0, count: 0 }
    }

    /// Notes that the peer was heard.
    pub(crate) const fn clear(&mut self) {
        self.count = 0;
    }

    /// Returns whether the peer was silent until `deadline`, after a wait of `timeout`, and during
    /// its last chance.
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

    /// Returns when to call [`was_missed`](Self::was_missed), for a peer with this deadline.
    pub(crate) fn deadline(self, deadline: Duration) -> Duration {
        self.until().map_or(deadline, |until| until.max(deadline))
    }

    fn until(self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::new(self.seconds, self.nanos))
    }
}
