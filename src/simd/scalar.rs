//! The safe twins.

use memchr::memchr2;

/// The positions of each CR and LF in a buffer, from somewhere on. To tell a CRLF is the caller's.
#[derive(Clone, Debug)]
pub(crate) struct LineEnds<'a> {
    buf: &'a [u8],
    from: usize,
}

impl<'a> LineEnds<'a> {
    /// Those in `buf[from..]`.
    #[inline]
    pub(crate) const fn new(buf: &'a [u8], from: usize) -> Self {
        Self { buf, from }
    }

    /// Whether all is known to be ASCII from the beginning to the line end given last, which is
    /// `end`. This twin does not look.
    #[inline]
    pub(crate) const fn are_ascii_to(&self, _end: usize) -> bool {
        false
    }
}

impl Iterator for LineEnds<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let end = self.from + memchr2(b'\n', b'\r', &self.buf[self.from..])?;
        self.from = end + 1;
        Some(end)
    }
}
