//! [`Serve`], a WebSocket to which a hub's events are sent.

use super::subscriber::Subscriber;
use crate::ws::{CloseCode, CloseEvent, Message, ReadyState, WebSocket};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Sends the events of a hub over a WebSocket, from [`Hub::serve`](crate::Hub::serve) and
/// [`Subscriber::serve`]: a future of how the connection ended.
///
/// Events that are there at once are written together, up to the
/// [high-water mark](crate::ws::WebSocketOptions::high_water_mark). The others wait in the hub's
/// log, so a low mark, such as 16 KiB, saves memory for clients that read slowly. A client that was
/// so slow that it missed events is closed with code 1013. [`Hub::shutdown`](crate::Hub::shutdown)
/// closes it with code 1012.
///
/// Dropping the future drops the socket, which tells the peer that this end goes away.
#[must_use = "futures do nothing unless awaited"]
pub struct Serve<F = fn(Message)> {
    events: Subscriber,
    socket: WebSocket,
    on_message: F,
}

impl Serve {
    pub(super) const fn new(events: Subscriber, socket: WebSocket) -> Self {
        Self { events, socket, on_message: drop }
    }

    /// Calls this function for each message that the client sends. By default, messages are
    /// dropped.
    ///
    /// The function should return soon: nothing is sent meanwhile. To await something for each
    /// message, read a [`Subscriber`] beside the socket instead.
    ///
    /// ```
    /// use eventwire_tokio::Hub;
    /// use eventwire_tokio::sse::EventBuilder;
    /// use eventwire_tokio::ws::{CloseEvent, Message, WebSocket};
    ///
    /// /// Publishes what each client says.
    /// async fn chat(hub: Hub, socket: WebSocket) -> CloseEvent {
    ///     let say = |message| {
    ///         if let Message::Text(text) = message {
    ///             hub.publish(EventBuilder::new().data(&text));
    ///         }
    ///     };
    ///     hub.serve(socket).on_message(say).await
    /// }
    /// ```
    pub fn on_message<F: FnMut(Message)>(self, on_message: F) -> Serve<F> {
        Serve { events: self.events, socket: self.socket, on_message }
    }
}

impl<F> Serve<F> {
    /// Queues the events that are there, as far as there is room.
    fn feed(&mut self, cx: &mut Context<'_>) {
        while self.socket.ready_state() == ReadyState::Open {
            if !self.socket.has_room() {
                // The rest of the events cannot be sent before the end.
                if self.events.poll_shut(cx).is_ready() {
                    self.close(CloseCode::SERVICE_RESTART, "");
                }
                return;
            }
            match self.events.poll(cx, |event| event.frame().cloned()) {
                // There is room. If the connection has just failed, it is about to end.
                Poll::Ready(Some(Ok(frame))) => drop(self.socket.try_send(frame)),
                Poll::Ready(Some(Err(lagged))) => {
                    return self.close(CloseCode::TRY_AGAIN_LATER, &lagged.to_string());
                }
                Poll::Ready(None) => return self.close(CloseCode::SERVICE_RESTART, ""),
                Poll::Pending => return,
            }
        }
    }

    fn close(&mut self, code: CloseCode, reason: &str) {
        // The reason is short: some words and a number.
        self.socket.leave(code, reason);
    }
}

impl<F: FnMut(Message)> Future for Serve<F> {
    type Output = CloseEvent;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseEvent> {
        let this = self.get_mut();
        loop {
            this.feed(cx);
            let was_full = !this.socket.has_room();
            match this.socket.poll_message(cx) {
                Poll::Ready(Some(Ok(message))) => (this.on_message)(message),
                Poll::Ready(Some(Err(close))) => return Poll::Ready(close),
                Poll::Ready(None) => return this.socket.poll_closed(cx),
                // Something was written, so there is room for more events.
                Poll::Pending if was_full && this.socket.has_room() => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// The function is never pinned.
impl<F> Unpin for Serve<F> {}

impl<F> fmt::Debug for Serve<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("events", &self.events)
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
