//! The locks that two tasks of one socket share. The package in `tokio/tests/shuttle` builds them so
//! that its tests can try their interleavings.

#[cfg(eventwire_shuttle)]
pub(super) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};
use std::sync::PoisonError;
#[cfg(not(eventwire_shuttle))]
pub(super) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A poll that panicked has left a connection that can be closed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
