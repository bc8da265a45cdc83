//! What a client of a feed has received, told from its thread to the load's.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts of one client's thread, over all its connections. Only that thread writes them, so no
/// locked instruction is needed.
#[derive(Default)]
pub struct Received {
    messages: AtomicU64,
    bytes: AtomicU64,
    digest: AtomicU64,
    /// Whether contents are compared, which is not done while anything is measured.
    compare: AtomicBool,
}

thread_local! {
    static HERE: OnceCell<Arc<Received>> = const { OnceCell::new() };
}

impl Received {
    /// Makes this the one that the thread reports to.
    pub fn belongs_here(self: Arc<Self>) {
        HERE.with(|here| here.set(self).ok().expect("one for each thread"));
    }

    pub fn compare(&self, compare: bool) {
        self.compare.store(compare, Ordering::Relaxed);
    }

    /// Returns the messages, their bytes and the sum of their digests so far.
    pub fn so_far(&self) -> (u64, u64, u64) {
        let bytes = self.bytes.load(Ordering::Acquire);
        (self.messages.load(Ordering::Relaxed), bytes, self.digest.load(Ordering::Relaxed))
    }

    fn add(&self, messages: u64, digest: u64, bytes: usize) {
        let plus = |to: &AtomicU64, n| to.load(Ordering::Relaxed).wrapping_add(n);
        self.messages.store(plus(&self.messages, messages), Ordering::Relaxed);
        self.digest.store(plus(&self.digest, digest), Ordering::Relaxed);
        self.bytes.store(plus(&self.bytes, bytes as u64), Ordering::Release);
    }
}

/// Notes a message.
pub fn message(payload: &[u8]) {
    with_here(|here| {
        let compare = here.compare.load(Ordering::Relaxed);
        here.add(1, if compare { digest(payload) } else { 0 }, payload.len());
    });
}

/// Notes bytes, which may be any part of any messages.
pub fn bytes(len: usize) {
    with_here(|here| here.add(0, 0, len));
}

fn with_here(note: impl FnOnce(&Received)) {
    HERE.with(|here| note(here.get().expect("a client's thread")));
}

/// FNV-1a.
pub fn digest(payload: &[u8]) -> u64 {
    payload.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}
