//! [`WebSocketEvent`], and the states [`ReadyState`] and [`Flow`] that an application can query.

use super::close_event::CloseEvent;
use crate::Utf8Bytes;
use crate::ws::frame::ProtocolError;
use bytes::Bytes;

/// The state of a [`WebSocket`](crate::ws::WebSocket) ([WHATWG WebSockets, `readyState`]).
///
/// [WHATWG WebSockets, `readyState`]: https://websockets.spec.whatwg.org/#dom-websocket-readystate
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ReadyState {
    /// The opening handshake is under way.
    Connecting = 0,
    /// Messages may be sent.
    Open = 1,
    /// The closing handshake has begun.
    Closing = 2,
    /// The connection is closed, or was never opened.
    Closed = 3,
}

/// An event of a [`WebSocket`](crate::ws::WebSocket).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebSocketEvent {
    /// The connection is open. This is the first event, unless the connection never opens.
    Open,
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping, if [`control_events`](crate::ws::WebSocketOptions::control_events) is set. The ping,
    /// or a later one in its place, is answered automatically.
    Ping(Bytes),
    /// A pong, if [`control_events`](crate::ws::WebSocketOptions::control_events) is set.
    Pong(Bytes),
    /// A message passed this limit and is dropped, because the policy is
    /// [`OnLimit::Skip`](crate::ws::frame::OnLimit::Skip).
    Skipped(ProtocolError),
    /// The connection is closed. This is the last event. Drop the transport.
    Close(CloseEvent),
}

impl WebSocketEvent {
    /// Returns whether the event is a message of the peer, including a skipped one.
    pub(super) const fn is_message(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_) | Self::Skipped(_))
    }
}

/// Whether another message can be sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "at `Flow::Full` this was taken, but the next will be refused"]
pub enum Flow {
    /// Another message can be sent.
    Ready,
    /// The queue has reached the [high-water mark](crate::ws::WebSocketOptions::high_water_mark).
    /// This message was taken, but the next one is refused until part of the queue has been
    /// written.
    Full,
}
