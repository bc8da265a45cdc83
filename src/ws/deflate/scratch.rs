//! [`Scratch`], the memory that zlib writes to.

use core::cell::Cell;
use std::vec::Vec;

/// The size of an inflated run: twice zlib's window, because references to an earlier run take
/// longer.
const RUN: usize = 64 << 10;

std::thread_local! {
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Memory for the output of zlib during one of our calls. It belongs to the thread, because no
/// connection needs it between two calls.
pub(in crate::ws) struct Scratch(Vec<u8>);

impl Scratch {
    pub(in crate::ws) fn take() -> Self {
        let mut room = ROOM.try_with(Cell::take).unwrap_or_default();
        room.resize(RUN, 0);
        Self(room)
    }

    /// Returns the memory for a run: `len` bytes, but at least one and at most 64 KiB.
    pub(super) fn at_most(&mut self, len: u64) -> &mut [u8] {
        let len = usize::try_from(len).unwrap_or(usize::MAX).clamp(1, RUN);
        &mut self.0[..len]
    }

    /// Returns the memory from `start` on. Doubles the memory if that is less than `least` bytes.
    pub(super) fn from(&mut self, start: usize, least: usize) -> &mut [u8] {
        if self.0.len() - start < least {
            self.0.resize(self.0.len() * 2, 0);
        }
        &mut self.0[start..]
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn front(&self, len: usize) -> &[u8] {
        &self.0[..len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.len() > RUN {
            return;
        }
        // A thread that is ending can no longer keep the memory.
        let _ = ROOM.try_with(|room| room.set(core::mem::take(&mut self.0)));
    }
}
