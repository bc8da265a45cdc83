//! The safe twins.

use super::{LineEnds, WithLineEnds};
use memchr::memchr2;

/// Line ends found one by one.
struct Search {
    from: usize,
}

impl LineEnds for Search {
    #[inline]
    fn next(&mut self, buf: &[u8]) -> Option<usize> {
        let end = self.from + memchr2(b'\n', b'\r', buf.get(self.from..)?)?;
        self.from = end + 1;
        Some(end)
    }

    /// To look would take a second pass.
    #[inline]
    fn are_ascii_to(&self, _end: usize) -> bool {
        false
    }
}

#[inline]
pub(crate) fn with_line_ends<W: WithLineEnds>(from: usize, work: W) -> W::Output {
    work.run(Search { from })
}
