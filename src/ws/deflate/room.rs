//! Where a run is inflated to.

use core::cell::Cell;
use std::vec::Vec;

/// How much is inflated at once: twice zlib's window, since what refers to an earlier run takes longer.
const RUN: usize = 64 << 10;

std::thread_local! {
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Room for a run. It is the thread's, as no connection needs it between two calls.
pub(in crate::ws) struct Room(Vec<u8>);

impl Room {
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
}

impl Drop for Room {
    fn drop(&mut self) {
        // A thread that ends has no place for it.
        let _ = ROOM.try_with(|room| room.set(core::mem::take(&mut self.0)));
    }
}
