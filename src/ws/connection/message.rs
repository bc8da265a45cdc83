//! [`Message`], a whole message or a control frame.

use super::send_error::SendError;
use crate::Utf8Bytes;
use crate::ws::frame::{Close, Frame, OpCode, ProtocolError};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use core::fmt;

/// A whole message, or a control frame.
///
/// Text and bytes convert into a message, and a received message can be sent again:
///
/// ```
/// use bytes::BytesMut;
/// use eventwire::ws::{Connection, Limits, Message};
///
/// let mut connection = Connection::server(Limits::new());
/// let mut to_send = BytesMut::new();
/// connection.send_to(Message::from("hello"), &mut to_send)?;
/// assert_eq!(to_send, b"\x81\x05hello"[..]);
/// # Ok::<(), eventwire::ws::SendError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Text, which is valid UTF-8.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
    /// A ping of at most 125 bytes. The pong must repeat its payload.
    Ping(Bytes),
    /// A pong of at most 125 bytes.
    Pong(Bytes),
    /// The peer closes, with or without a code and reason. Anything that it sends afterwards is
    /// ignored.
    Close(Option<Close<Utf8Bytes>>),
    /// A message passed this limit and was dropped, because of
    /// [`OnLimit::Skip`](crate::ws::frame::OnLimit::Skip).
    Skipped(ProtocolError),
}

/// The message is not text, but text was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the message is not text")]
pub struct NotText;

impl Message {
    /// Returns whether this is a text or binary message, not a control frame or a skipped message.
    ///
    /// ```
    /// use eventwire::ws::Message;
    ///
    /// assert!(Message::from("hello").is_data());
    /// assert!(!Message::Close(None).is_data());
    /// ```
    #[must_use]
    pub const fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    /// Returns the text of a text message, or `None` if this is not one.
    ///
    /// ```
    /// use eventwire::ws::Message;
    ///
    /// assert_eq!(Message::from("hello").as_text(), Some("hello"));
    /// assert_eq!(Message::from(b"hello").as_text(), None);
    /// ```
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the text of a text message.
    ///
    /// ```
    /// use eventwire::ws::Message;
    ///
    /// assert_eq!(Message::from("hello").into_text()?, "hello");
    /// assert!(Message::from(b"hello").into_text().is_err());
    /// # Ok::<(), eventwire::ws::connection::NotText>(())
    /// ```
    ///
    /// # Errors
    /// If this is not a text message.
    pub fn into_text(self) -> Result<Utf8Bytes, NotText> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(NotText),
        }
    }
}

/// The text of a text message, and a description of any other.
///
/// ```
/// use eventwire::ws::Message;
///
/// assert_eq!(Message::from("hello").to_string(), "hello");
/// assert_eq!(Message::from(b"hello").to_string(), "<5 bytes>");
/// ```
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Binary(payload) => write!(f, "<{} bytes>", payload.len()),
            Self::Ping(_) => f.write_str("<ping>"),
            Self::Pong(_) => f.write_str("<pong>"),
            Self::Close(None) => f.write_str("<close>"),
            Self::Close(Some(close)) => write!(f, "<close with {}>", close.code),
            Self::Skipped(error) => write!(f, "<skipped: {error}>"),
        }
    }
}

impl From<Utf8Bytes> for Message {
    fn from(text: Utf8Bytes) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Bytes> for Message {
    fn from(payload: Bytes) -> Self {
        Self::Binary(payload)
    }
}

impl From<BytesMut> for Message {
    fn from(payload: BytesMut) -> Self {
        Self::Binary(payload.freeze())
    }
}

impl From<Vec<u8>> for Message {
    fn from(payload: Vec<u8>) -> Self {
        Self::Binary(payload.into())
    }
}

impl From<&[u8]> for Message {
    fn from(payload: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(payload))
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(payload: &[u8; N]) -> Self {
        payload.as_slice().into()
    }
}

/// Fails for a [`Skipped`](Message::Skipped) message, whose payload is gone, and for a control
/// frame of your own that is too long. Every other received message has a frame.
impl TryFrom<Message> for Frame<Bytes> {
    type Error = SendError;

    fn try_from(message: Message) -> Result<Self, SendError> {
        Ok(match message {
            Message::Text(text) => text.into(),
            Message::Binary(payload) => Self::binary(payload),
            Message::Ping(payload) => Self::ping(payload)?,
            Message::Pong(payload) => Self::pong(payload)?,
            Message::Close(None) => Self::new(OpCode::Close, Bytes::new()),
            Message::Close(Some(close)) => {
                let code = Frame::close(Some(close.borrowed()))?.code;
                Self { code, ..Self::new(OpCode::Close, close.reason.into_bytes()) }
            }
            Message::Skipped(_) => return Err(SendError::Skipped),
        })
    }
}

/// Fails in the same cases as `TryFrom<Message>`.
impl<'a> TryFrom<&'a Message> for Frame<&'a [u8]> {
    type Error = SendError;

    fn try_from(message: &'a Message) -> Result<Self, SendError> {
        Ok(match message {
            Message::Text(text) => Self::text(text),
            Message::Binary(payload) => Self::binary(payload),
            Message::Ping(payload) => Self::ping(payload)?,
            Message::Pong(payload) => Self::pong(payload)?,
            Message::Close(close) => Self::close(close.as_ref().map(Close::borrowed))?,
            Message::Skipped(_) => return Err(SendError::Skipped),
        })
    }
}
