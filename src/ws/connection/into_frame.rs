//! [`IntoFrame`], the values that can be sent as a frame.

use super::send_error::SendError;
#[cfg(feature = "alloc")]
use super::{message::Message, prepared_frame::PreparedFrame};
#[cfg(feature = "alloc")]
use crate::Utf8Bytes;
use crate::ws::frame::Frame;
#[cfg(feature = "alloc")]
use alloc::{borrow::Cow, string::String, vec::Vec};
#[cfg(feature = "alloc")]
use bytes::{Bytes, BytesMut};

/// A value that can be sent: a frame, a message, or text or bytes that become a message.
///
/// | value | sent as |
/// |---|---|
/// | `&str`, `String`, [`Utf8Bytes`](crate::Utf8Bytes) | a text message |
/// | `&[u8]`, `Vec<u8>`, `Bytes`, `BytesMut` | a binary message |
/// | [`Message`](crate::ws::Message) or `&Message` | the message, ping, pong or close frame |
/// | [`Frame`] or `&Frame` | itself |
/// | [`PreparedFrame`](crate::ws::PreparedFrame) or `&PreparedFrame` | itself |
///
/// Implement it for the messages of your own protocol, to send them directly:
///
/// ```
/// use eventwire::ws::{Connection, Frame, Limits, SendError};
/// use eventwire::ws::connection::IntoFrame;
///
/// struct Move {
///     x: u8,
///     y: u8,
/// }
///
/// impl IntoFrame for Move {
///     type Payload = [u8; 2];
///
///     fn into_frame(self) -> Result<Frame<[u8; 2]>, SendError> {
///         Ok(Frame::binary([self.x, self.y]))
///     }
/// }
///
/// let mut connection = Connection::frame_server(Limits::new());
/// let mut buffer = [0; 16];
/// let len = connection.send(Move { x: 3, y: 4 }, &mut buffer)?;
/// assert_eq!(&buffer[..len], b"\x82\x02\x03\x04");
/// let len = connection.send("hello", &mut buffer)?;
/// assert_eq!(&buffer[..len], b"\x81\x05hello");
/// # Ok::<(), SendError>(())
/// ```
pub trait IntoFrame: Sized {
    /// The type of the payload.
    type Payload: AsRef<[u8]>;

    /// Returns the frame to send.
    ///
    /// # Errors
    /// If the value is a message that was [skipped](crate::ws::frame::OnLimit::Skip), which has no
    /// frame, or a control frame that is too long.
    fn into_frame(self) -> Result<Frame<Self::Payload>, SendError>;

    /// Returns the frame encoded for many receivers, if the value is one. A server's
    /// [`WebSocket`](crate::ws::WebSocket) and [`MessageStream`](crate::ws::MessageStream) send
    /// that frame, so that it is compressed once for all receivers.
    #[cfg(feature = "alloc")]
    fn prepared(&self) -> Option<&PreparedFrame> {
        None
    }
}

impl<P: AsRef<[u8]>> IntoFrame for Frame<P> {
    type Payload = P;

    #[inline]
    fn into_frame(self) -> Result<Self, SendError> {
        Ok(self)
    }
}

impl<'a, P: AsRef<[u8]>> IntoFrame for &'a Frame<P> {
    type Payload = &'a [u8];

    #[inline]
    fn into_frame(self) -> Result<Frame<&'a [u8]>, SendError> {
        Ok(self.borrowed())
    }
}

/// Implements `IntoFrame` for text and bytes.
macro_rules! messages {
    (@ ($($generics:tt)*) $from:ty, $payload:ty, $it:ident, $frame:expr) => {
        impl<$($generics)*> IntoFrame for $from {
            type Payload = $payload;

            #[inline]
            fn into_frame(self) -> Result<Frame<$payload>, SendError> {
                let $it = self;
                Ok($frame)
            }
        }
    };
    ($($generics:tt $from:ty => $payload:ty: |$it:ident| $frame:expr;)*) => {
        $(messages!(@ $generics $from, $payload, $it, $frame);)*
    };
}

messages! {
    ('a) &'a str => &'a [u8]: |text| Frame::text(text);
    ('a) &'a [u8] => &'a [u8]: |bytes| Frame::binary(bytes);
    ('a, const N: usize) &'a [u8; N] => &'a [u8; N]: |bytes| Frame::binary(bytes);
}

#[cfg(feature = "alloc")]
messages! {
    () String => Bytes: |text| Frame::from(Utf8Bytes::from(text));
    ('a) &'a String => &'a [u8]: |text| Frame::text(text);
    ('a) Cow<'a, str> => Bytes: |text| Frame::from(Utf8Bytes::from(text.into_owned()));
    () Utf8Bytes => Bytes: |text| Frame::from(text);
    ('a) &'a Utf8Bytes => &'a [u8]: |text| Frame::text(text);
    () Vec<u8> => Bytes: |bytes| Frame::binary(bytes.into());
    ('a) &'a Vec<u8> => &'a [u8]: |bytes| Frame::binary(bytes);
    () Bytes => Bytes: |bytes| Frame::binary(bytes);
    ('a) &'a Bytes => &'a [u8]: |bytes| Frame::binary(bytes);
    () BytesMut => Bytes: |bytes| Frame::binary(bytes.freeze());
}

#[cfg(feature = "alloc")]
impl IntoFrame for Message {
    type Payload = Bytes;

    fn into_frame(self) -> Result<Frame<Bytes>, SendError> {
        self.try_into()
    }
}

#[cfg(feature = "alloc")]
impl<'a> IntoFrame for &'a Message {
    type Payload = &'a [u8];

    fn into_frame(self) -> Result<Frame<&'a [u8]>, SendError> {
        self.try_into()
    }
}

#[cfg(feature = "alloc")]
impl IntoFrame for PreparedFrame {
    type Payload = Bytes;

    fn into_frame(self) -> Result<Frame<Bytes>, SendError> {
        Ok(self.frame().map(|payload| self.encoded.bytes.slice_ref(payload)))
    }

    fn prepared(&self) -> Option<&PreparedFrame> {
        Some(self)
    }
}

#[cfg(feature = "alloc")]
impl<'a> IntoFrame for &'a PreparedFrame {
    type Payload = &'a [u8];

    fn into_frame(self) -> Result<Frame<&'a [u8]>, SendError> {
        Ok(self.frame())
    }

    fn prepared(&self) -> Option<&PreparedFrame> {
        Some(self)
    }
}
