//! [`Blocks`], the events of a hub for an event stream.

use super::subscriber::Subscriber;
use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The encoded events of a hub for one client, from [`Subscriber::into_blocks`]: a [`Stream`] for
/// [`EventBody`](eventwire::sse::EventBody).
///
/// It ends when the client reads too slowly, and when the hub is shut down. The client then returns
/// with its last event ID.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Blocks {
    /// `None` after the end.
    events: Option<Subscriber>,
}

impl Blocks {
    pub(super) const fn new(events: Subscriber) -> Self {
        Self { events: Some(events) }
    }
}

impl Stream for Blocks {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(events) = &mut self.events else { return Poll::Ready(None) };
        let item = ready!(events.poll(cx, |event| event.block().cloned()));
        #[cfg(feature = "tracing")]
        if let Some(Err(lagged)) = item {
            let missed = lagged.missed;
            tracing::debug!(missed, "an event stream was ended: its client reads too slowly");
        }
        let block = item.and_then(Result::ok);
        if block.is_none() {
            self.events = None;
        }
        Poll::Ready(block)
    }
}

impl FusedStream for Blocks {
    fn is_terminated(&self) -> bool {
        self.events.is_none()
    }
}
