//! [`Events`], the events of a hub for an event stream.

use super::subscriber::Subscriber;
use bytes::Bytes;
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The encoded events of a hub for one client, from [`Subscriber::into_events`]: a [`Stream`] for
/// [`EventBody`](eventwire::sse::EventBody). It ends when the client reads too slowly, and when the
/// hub is shut down.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Events {
    /// `None` after the end.
    events: Option<Subscriber>,
}

impl Events {
    pub(super) const fn new(events: Subscriber) -> Self {
        Self { events: Some(events) }
    }
}

impl Stream for Events {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(events) = &mut self.events else { return Poll::Ready(None) };
        let item = ready!(events.poll(cx, |event| event.block().cloned()));
        let item = item.and_then(Result::ok);
        if item.is_none() {
            self.events = None;
        }
        Poll::Ready(item)
    }
}
