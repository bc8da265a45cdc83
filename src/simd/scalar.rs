//! The safe twins.

use memchr::memchr2;

/// The positions of each CR and LF in a buffer.
#[derive(Clone, Debug)]
pub(crate) struct LineEnds {
    from: usize,
}

impl LineEnds {
    #[inline]
    pub(crate) const fn new(_buf: &[u8], from: usize) -> Self {
        Self { from }
    }

    #[inline]
    pub(crate) fn next(&mut self, buf: &[u8]) -> Option<usize> {
        let end = self.from + memchr2(b'\n', b'\r', buf.get(self.from..)?)?;
        self.from = end + 1;
        Some(end)
    }

    /// This twin does not look.
    #[cfg_attr(test, allow(dead_code, reason = "it has nothing to compare"))]
    #[inline]
    pub(crate) const fn are_ascii_to(&self, _end: usize) -> bool {
        false
    }
}
