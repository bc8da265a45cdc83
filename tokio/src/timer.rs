//! [`Timer`], which wakes a task at a deadline.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is made when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<(Pin<Box<Sleep>>, Waker)>);

impl Timer {
    /// Wakes the task at the deadline or before it. Returns `Ready` if the task should look at its
    /// clock again.
    ///
    /// A deadline that moves away with everything that arrives does not set the timer anew, which
    /// would take a lock each time. The timer wakes the task too early then, once, and is set to the
    /// deadline as it is by that time.
    pub(crate) fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let (sleep, waker) =
            self.0.get_or_insert_with(|| (Box::pin(sleep_until(deadline)), Waker::noop().clone()));
        let is_armed = !sleep.is_elapsed() && sleep.deadline() <= deadline;
        if is_armed && waker.will_wake(cx.waker()) {
            // It was polled for this task already.
            return Poll::Pending;
        }
        if !is_armed {
            sleep.as_mut().reset(deadline);
        }
        waker.clone_from(cx.waker());
        sleep.as_mut().poll(cx)
    }
}
