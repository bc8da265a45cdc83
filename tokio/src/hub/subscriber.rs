//! [`Subscriber`], a listener to a hub.

use super::blocks::Blocks;
use super::hub::Shared;
use super::hub_event::HubEvent;
use super::serve::Serve;
use crate::ws::WebSocket;
use eventwire::Lagged;
use eventwire::sse::Subscription;
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::watch;
use tokio_util::sync::ReusableBoxFuture;

/// A listener to a [`Hub`](crate::Hub), which reads events at its own pace: a [`Stream`]. It is a
/// place in the hub's log. The events that it has not read yet are its queue.
///
/// Serve it as an [event stream](Self::into_blocks) or over a [WebSocket](Self::serve), or read it
/// beside something else:
///
/// ```
/// use eventwire_tokio::ws::{CloseCode, CloseEvent, Message, SendError, WebSocket};
/// use eventwire_tokio::Hub;
///
/// /// Sends the events of the hub, and answers each message.
/// async fn talk(hub: Hub, mut socket: WebSocket) -> Result<CloseEvent, SendError> {
///     let mut events = hub.subscribe();
///     loop {
///         tokio::select! {
///             event = events.next() => match event {
///                 Some(Ok(event)) => {
///                     if let Some(frame) = event.frame() {
///                         socket.send(frame).await?;
///                     }
///                 }
///                 Some(Err(_)) => return socket.close(CloseCode::TRY_AGAIN_LATER, "").await,
///                 None => return socket.close(CloseCode::SERVICE_RESTART, "").await,
///             },
///             message = socket.next() => match message {
///                 Some(Ok(Message::Text(text))) => socket.send(format!("{text}!")).await?,
///                 Some(Ok(_)) => {}
///                 Some(Err(close)) => return Ok(close),
///                 None => return Ok(socket.closed().await),
///             },
///         }
///     }
/// }
/// ```
#[must_use = "a subscriber that is dropped listens no more"]
pub struct Subscriber {
    hub: Arc<Shared>,
    place: Subscription,
    /// Ready when the hub has changed since the log was last read. It holds the receiver by which
    /// the hub counts this listener.
    change: ReusableBoxFuture<'static, watch::Receiver<bool>>,
}

/// Waits for a change, and returns the receiver for the next one.
async fn change(mut news: watch::Receiver<bool>) -> watch::Receiver<bool> {
    // The sender is in the hub, which the subscriber keeps.
    let _ = news.changed().await;
    news
}

impl Subscriber {
    pub(super) fn new(hub: Arc<Shared>, place: Subscription) -> Self {
        let change = ReusableBoxFuture::new(change(hub.news()));
        Self { hub, place, change }
    }

    /// Waits for the next event. Returns `None` after the hub was
    /// [shut down](crate::Hub::shutdown).
    ///
    /// Cancel safe: dropping the future loses no event.
    ///
    /// # Errors
    /// If events were dropped before this listener has read them. It continues after them.
    pub async fn next(&mut self) -> Option<Result<HubEvent, Lagged>> {
        poll_fn(|cx| self.poll(cx, |event| Some(event.clone()))).await
    }

    /// Returns the next event, or `None` if this listener has read all.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn try_next(&mut self) -> Result<Option<HubEvent>, Lagged> {
        self.read(|event| Some(event.clone()))
    }

    /// Returns the encoded events, for an [`EventBody`](eventwire::sse::EventBody).
    ///
    /// [`Hub::events`](crate::Hub::events) makes the whole response. Use this one to change the
    /// events, or to add some:
    ///
    /// ```
    /// use eventwire_tokio::eventwire::sse::{EventBody, EventBuilder};
    /// use eventwire_tokio::{Hub, HubOptions, LastEventId};
    /// use futures_util::{StreamExt, stream};
    /// use http::Response;
    /// use http_body::Body;
    ///
    /// /// Greets each client first.
    /// fn feed(hub: &Hub, last: &LastEventId) -> Response<impl Body + use<>> {
    ///     let greeting = EventBuilder::new().data("hello").to_bytes();
    ///     let events = stream::iter([greeting]).chain(hub.resume(last).into_blocks());
    ///     EventBody::new(events)
    ///         .keep_alive(HubOptions::DEFAULT_KEEP_ALIVE, tokio::time::sleep)
    ///         .into_http()
    /// }
    /// ```
    pub fn into_blocks(self) -> Blocks {
        Blocks::new(self)
    }

    /// Sends the events over a WebSocket. Await the returned future, which ends with the
    /// connection. See [`Serve`].
    pub fn serve(self, socket: WebSocket) -> Serve {
        Serve::new(self, socket)
    }

    /// Waits for the next event of which `pick` returns something.
    pub(super) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        pick: impl Fn(&HubEvent) -> Option<T>,
    ) -> Poll<Option<Result<T, Lagged>>> {
        loop {
            // Before the log is read, so that events before the shutdown are still read.
            let is_shut = self.hub.is_shut();
            match self.read(&pick) {
                Ok(None) if is_shut => return Poll::Ready(None),
                Ok(None) => ready!(self.poll_change(cx)),
                item => return Poll::Ready(item.transpose()),
            }
        }
    }

    /// Waits until the hub is shut down.
    pub(super) fn poll_shut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.hub.is_shut() {
            ready!(self.poll_change(cx));
        }
        Poll::Ready(())
    }

    fn read<T>(&mut self, pick: impl Fn(&HubEvent) -> Option<T>) -> Result<Option<T>, Lagged> {
        let log = self.hub.log();
        while let Some(event) = log.next(&mut self.place)? {
            if let Some(picked) = pick(event) {
                return Ok(Some(picked));
            }
        }
        Ok(None)
    }

    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let news = ready!(self.change.poll(cx));
        self.change.set(change(news));
        Poll::Ready(())
    }
}

/// The same as [`Subscriber::next`].
impl Stream for Subscriber {
    type Item = Result<HubEvent, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx, |event| Some(event.clone()))
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("place", &self.place).finish_non_exhaustive()
    }
}
