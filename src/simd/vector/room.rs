//! [`Room`], memory that is written from its front.

use super::lines::{Copied, copy_lines};
use crate::simd::Line;
use crate::sink::{Full, Sink};
use core::mem::MaybeUninit;

/// Memory that is written from its front. The written part is initialised.
pub(crate) struct Room<'a> {
    memory: &'a mut [MaybeUninit<u8>],
    written: usize,
}

impl<'a> Room<'a> {
    #[inline]
    pub(crate) fn new(memory: &'a mut [u8]) -> Self {
        let memory: *mut [u8] = memory;
        // SAFETY: only initialised bytes are ever written, and the borrow continues.
        let memory = unsafe { &mut *(memory as *mut [MaybeUninit<u8>]) };
        Self { memory, written: 0 }
    }

    /// Returns the number of bytes written.
    #[inline]
    pub(crate) fn written(&self) -> usize {
        self.written
    }
}

impl Sink for Room<'_> {
    type Error = Full;

    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.written + bytes.len();
        let place = self.memory.get_mut(self.written..end).ok_or(Full)?;
        // SAFETY: the place is as long as the bytes, and does not overlap them, as it is borrowed
        // mutably.
        unsafe {
            place.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        self.written = end;
        Ok(())
    }

    #[inline]
    fn copy_lines(&mut self, text: &[u8], line: Line) -> usize {
        // For a short text, choosing the instructions costs more than they save.
        if text.len() < 32 {
            return 0;
        }
        let Copied { read, written } = copy_lines(text, line, &mut self.memory[self.written..]);
        self.written += written;
        read
    }
}

/// Appends to `buffer` everything that `write` writes, if it fits into the memory that the buffer
/// has in one piece. Otherwise appends nothing.
#[cfg(feature = "alloc")]
#[inline]
pub(crate) fn append(
    buffer: &mut impl bytes::BufMut,
    write: impl FnOnce(&mut Room<'_>) -> Result<(), Full>,
) -> Result<(), Full> {
    // SAFETY: only initialised bytes are ever written.
    let memory = unsafe { buffer.chunk_mut().as_uninit_slice_mut() };
    let mut room = Room { memory, written: 0 };
    write(&mut room)?;
    let written = room.written;
    // SAFETY: this many bytes were written, at the front of the buffer's memory.
    unsafe { buffer.advance_mut(written) };
    Ok(())
}
