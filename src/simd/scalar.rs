//! The safe twins.

use super::{LineEnds, WithLineEnds};
use crate::sink::{Full, Sink};
use memchr::memchr2;

/// Line ends found one by one.
struct Search {
    from: usize,
}

impl LineEnds for Search {
    #[inline]
    fn next(&mut self, buf: &[u8]) -> Option<usize> {
        let rest = buf.get(self.from..)?;
        let len = match rest {
            // Most lines end with more than one, or are followed by an empty one.
            [b'\n' | b'\r', ..] => 0,
            _ => memchr2(b'\n', b'\r', rest)?,
        };
        let end = self.from + len;
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

/// Memory to be written from its front.
pub(crate) struct Room<'a> {
    memory: &'a mut [u8],
    written: usize,
}

impl<'a> Room<'a> {
    pub(crate) fn new(memory: &'a mut [u8]) -> Self {
        Self { memory, written: 0 }
    }

    pub(crate) fn written(&self) -> usize {
        self.written
    }
}

impl Sink for Room<'_> {
    type Error = Full;

    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.written + bytes.len();
        self.memory.get_mut(self.written..end).ok_or(Full)?.copy_from_slice(bytes);
        self.written = end;
        Ok(())
    }
}

/// What a buffer has not initialised, safe code cannot write.
#[cfg(feature = "alloc")]
pub(crate) fn append(
    _buffer: &mut impl bytes::BufMut,
    _write: impl FnOnce(&mut Room<'_>) -> Result<(), Full>,
) -> Result<(), Full> {
    Err(Full)
}
