//! [`Spare`], memory that is written from its front.

use super::lines::{Copied, copy_lines};
use crate::simd::Line;
use core::mem::MaybeUninit;

/// Spare memory, written from its front. The written part is initialised.
pub(crate) struct Spare<'a> {
    memory: &'a mut [MaybeUninit<u8>],
    written: usize,
}

impl<'a> Spare<'a> {
    #[inline]
    pub(crate) fn new(memory: &'a mut [u8]) -> Self {
        let memory: *mut [u8] = memory;
        // SAFETY: only initialised bytes are ever written, and the borrow continues.
        let memory = unsafe { &mut *(memory as *mut [MaybeUninit<u8>]) };
        Self { memory, written: 0 }
    }

    /// Returns the number of bytes written.
    #[inline]
    pub(crate) const fn written(&self) -> usize {
        self.written
    }

    /// Writes these bytes. Returns whether there was room for them.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> bool {
        let end = self.written + bytes.len();
        let Some(place) = self.memory.get_mut(self.written..end) else { return false };
        // SAFETY: the place is as long as the bytes, and does not overlap them, because it is
        // borrowed mutably.
        unsafe {
            place.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        self.written = end;
        true
    }

    /// Writes as much of `text` as can be done at once, with the start of a line in place of each
    /// line end. Returns how much.
    #[inline]
    pub(crate) fn copy_lines(&mut self, text: &[u8], line: Line) -> usize {
        // For a short text, choosing the instructions costs more than they save.
        if text.len() < 32 {
            return 0;
        }
        let Copied { read, written } = copy_lines(text, line, &mut self.memory[self.written..]);
        self.written += written;
        read
    }
}

/// Writes with `write` to the memory that `buffer` has in one piece. If `write` returns `true`, the
/// written bytes are appended to `buffer`. Otherwise nothing is appended. Returns the result of
/// `write`.
#[cfg(feature = "alloc")]
#[inline]
pub(crate) fn append(
    buffer: &mut impl bytes::BufMut,
    write: impl FnOnce(&mut Spare<'_>) -> bool,
) -> bool {
    // SAFETY: only initialised bytes are ever written.
    let memory = unsafe { buffer.chunk_mut().as_uninit_slice_mut() };
    let mut spare = Spare { memory, written: 0 };
    let is_whole = write(&mut spare);
    if is_whole {
        let written = spare.written;
        // SAFETY: this many bytes were written, at the front of the buffer's memory.
        unsafe { buffer.advance_mut(written) };
    }
    is_whole
}
