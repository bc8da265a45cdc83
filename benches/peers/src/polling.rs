//! Futures and streams without a runtime: nothing here ever has to wait.

use futures_util::Stream;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Returns a context for polling by hand.
pub fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Takes all items that a stream has for now.
pub fn drain<S: Stream>(stream: S, mut take: impl FnMut(S::Item)) {
    let mut stream = pin!(stream);
    let mut context = context();
    while let Poll::Ready(Some(item)) = stream.as_mut().poll_next(&mut context) {
        take(item);
    }
}
