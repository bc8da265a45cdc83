//! [`Timer`], which is reset only for an earlier deadline.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer for a deadline that each call names anew.
///
/// The deadline of a connection moves with every byte, mostly to a later time. Resetting tokio's
/// timer takes a lock, so a later deadline leaves it as it is. It then fires early, once, and is
/// reset.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    /// Created for the first deadline in the future.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Returns `Ready` if the deadline has passed. Otherwise wakes the task when it passes.
    pub(crate) fn poll(
        &mut self,
        deadline: Option<Instant>,
        now: Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        if now.is_some_and(|now| deadline <= now) {
            return Poll::Ready(());
        }
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}
