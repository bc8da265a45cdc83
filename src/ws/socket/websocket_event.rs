//! What a WebSocket tells its application.

use super::close_event::CloseEvent;
use crate::Utf8Bytes;
use crate::ws::frame::ProtocolError;
use bytes::Bytes;

/// How far a [`WebSocket`](crate::ws::WebSocket) is (WHATWG WebSocket, `readyState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ReadyState {
    /// The opening handshake is under way.
    Connecting = 0,
    /// Messages may be sent.
    Open = 1,
    /// The closing handshake is under way, or was begun.
    Closing = 2,
    /// The connection is closed, or was never opened.
    Closed = 3,
}

/// What happened to a [`WebSocket`](crate::ws::WebSocket).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebSocketEvent {
    /// It is open: the first event, unless it never opened.
    Open,
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping, which is answered, or a later one in its place; if it [is to be shown](crate::ws::WebSocketOptions::control_events).
    Ping(Bytes),
    /// A pong; if it [is to be shown](crate::ws::WebSocketOptions::control_events).
    Pong(Bytes),
    /// A message passed this limit, and is dropped, as
    /// [`OnLimit::Skip`](crate::ws::frame::OnLimit::Skip) has it.
    Skipped(ProtocolError),
    /// It is closed: the last event. Drop the transport.
    Close(CloseEvent),
}

impl WebSocketEvent {
    /// Whether the peer sent a message.
    pub(super) const fn is_message(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_) | Self::Skipped(_))
    }
}

/// Whether more may be sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "at `Flow::Full` this was taken, but the next will be refused"]
pub enum Flow {
    /// Yes.
    Ready,
    /// No: the [high-water mark](crate::ws::WebSocketOptions::high_water_mark) was reached. This message was
    /// taken, the next one will be refused until some of what waits was written.
    Full,
}
