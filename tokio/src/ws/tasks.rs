//! [`Tasks`], the wakers of two tasks that use one connection.

use super::driven::Driven;
use super::sync::{Mutex, lock};
use std::ops::DerefMut;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// The direction that a task uses.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Reader = 0,
    Writer = 1,
}

/// The tasks that wait for one connection, at most one for each direction.
///
/// The transport and the timer keep one waker each, and either task may be the one that polls them.
/// So they are given one that wakes both.
#[derive(Clone, Debug)]
pub(super) struct Tasks {
    slots: Arc<Slots>,
    /// Wakes the tasks of both directions.
    both: Waker,
}

#[derive(Debug)]
struct Slots([Mutex<Option<Waker>>; 2]);

impl Tasks {
    pub(super) fn new() -> Self {
        let slots = Arc::new(Slots([Mutex::new(None), Mutex::new(None)]));
        let both = Waker::from(Arc::clone(&slots));
        Self { slots, both }
    }

    /// Polls the connection for one side. Wakes the other side if something that it may wait for
    /// has changed.
    ///
    /// A wake-up without a change would never end if one task waits for both sides.
    pub(super) fn poll<D: DerefMut<Target = Driven>, T>(
        &self,
        side: Side,
        cx: &mut Context<'_>,
        access: impl FnOnce() -> D,
        poll: impl FnOnce(&mut Driven, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // Before the connection is locked and polled, so that no wake-up is lost.
        self.slots.set(side, cx.waker());
        let other = match side {
            Side::Reader => Side::Writer,
            Side::Writer => Side::Reader,
        };
        let polled =
            self.change(other, access, |driven| poll(driven, &mut Context::from_waker(&self.both)));
        if polled.is_ready() {
            drop(self.slots.take(side));
        }
        polled
    }

    /// Changes the connection. Wakes this side if something that it may wait for has changed.
    pub(super) fn change<D: DerefMut<Target = Driven>, T>(
        &self,
        side: Side,
        access: impl FnOnce() -> D,
        change: impl FnOnce(&mut Driven) -> T,
    ) -> T {
        let mut driven = access();
        let before = driven.standing();
        let result = change(&mut driven);
        let changed = driven.standing() != before;
        drop(driven);
        if changed && let Some(task) = self.slots.take(side) {
            task.wake();
        }
        result
    }

    /// Wakes the tasks of both sides.
    pub(super) fn wake(&self) {
        self.both.wake_by_ref();
    }
}

impl Slots {
    fn take(&self, side: Side) -> Option<Waker> {
        lock(&self.0[side as usize]).take()
    }

    fn set(&self, side: Side, waker: &Waker) {
        let mut task = lock(&self.0[side as usize]);
        if !task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            let old = task.replace(waker.clone());
            drop(task);
            // Unlocked, because the last waker of a task may drop the task, and a half with it.
            drop(old);
        }
    }
}

impl Wake for Slots {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        for side in [Side::Reader, Side::Writer] {
            if let Some(task) = self.take(side) {
                task.wake();
            }
        }
    }
}
