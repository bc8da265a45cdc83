//! Where zlib writes to.

use core::cell::Cell;
use std::vec::Vec;

/// How much is inflated at once: twice zlib's window, since what refers to an earlier run takes longer.
const RUN: usize = 64 << 10;

std::thread_local! {
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Scratch for what zlib writes in one call of ours. It is the thread's, as no connection needs it between two
/// of them.
pub(in crate::ws) struct Scratch(Vec<u8>);

impl Scratch {
    pub(in crate::ws) fn take() -> Self {
        let mut room = ROOM.try_with(Cell::take).unwrap_or_default();
        room.resize(RUN, 0);
        Self(room)
    }

    /// As much of it as a run may take, of which there is always some.
    pub(super) fn at_most(&mut self, len: u64) -> &mut [u8] {
        let len = usize::try_from(len).unwrap_or(usize::MAX).clamp(1, RUN);
        &mut self.0[..len]
    }

    /// All of it from `start` on, of which there are so many bytes at least.
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
        // A thread that ends has no place for it.
        let _ = ROOM.try_with(|room| room.set(core::mem::take(&mut self.0)));
    }
}
