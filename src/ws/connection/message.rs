//! Whole messages.

use crate::Utf8Bytes;
use crate::ws::frame::{Close, ProtocolError};
use bytes::Bytes;

/// A whole message, or a control frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Text, known to be valid.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
    /// A ping, at most 125 bytes, whose payload the pong is to repeat.
    Ping(Bytes),
    /// A pong, at most 125 bytes.
    Pong(Bytes),
    /// The peer closes, with a code and a reason or without. Whatever it sends after is ignored.
    Close(Option<Close<Utf8Bytes>>),
    /// A message passed this limit, and is dropped, as
    /// [`OnLimit::Skip`](crate::ws::frame::OnLimit::Skip) has it.
    Skipped(ProtocolError),
}
