//! [`Frame`], a frame to send.

use super::close::{Close, CloseCode};
use super::fragments::Fragments;
use super::frame_header::{FrameHeader, HeaderBytes, MAX_CONTROL, OpCode, Rsv};
use super::mask::MaskKey;
#[cfg(feature = "alloc")]
use crate::Utf8Bytes;
use crate::{BufferTooSmall, simd, utf8};
#[cfg(feature = "alloc")]
use bytes::{BufMut, Bytes};
use core::str::Utf8Error;

/// A frame to send, valid by itself ([RFC 6455, section 5.2]).
///
/// A message is usually one frame. It is several frames if its end is not known at its beginning
/// ([`unfinished`](Self::unfinished), [`continuing`](Self::continuing)), or if you cut it up
/// ([`fragments`](Self::fragments)). On a connection, send frames through a
/// [`Writer`](crate::ws::connection::Writer), which checks their order and masks them if necessary.
///
/// [RFC 6455, section 5.2]: https://www.rfc-editor.org/rfc/rfc6455#section-5.2
///
/// ```
/// use eventwire::ws::{Close, CloseCode, Frame};
/// use eventwire::ws::frame::MaskKey;
///
/// let mut buffer = [0; 32];
/// let len = Frame::text("hello").encode(None, &mut buffer)?;
/// assert_eq!(&buffer[..len], b"\x81\x05hello");
///
/// let close = Frame::close(Some(Close { code: CloseCode::NORMAL, reason: "bye" }))?;
/// let len = close.encode(Some(MaskKey([0, 0, 1, 1])), &mut buffer)?;
/// assert_eq!(&buffer[..len], b"\x88\x85\x00\x00\x01\x01\x03\xE8cxe");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Frame<P> {
    pub(in crate::ws) shape: Shape,
    /// The code at the start of a close frame's payload.
    pub(in crate::ws) code: Option<CloseCode>,
    /// Whether to compress the message, if the caller has decided.
    pub(in crate::ws) compress: Option<bool>,
    pub(in crate::ws) payload: P,
}

/// The kind of a frame, and its place in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::ws) struct Shape {
    /// The opcode of the message's first frame, or of a control frame.
    pub(in crate::ws) opcode: OpCode,
    pub(in crate::ws) continuing: bool,
    pub(in crate::ws) fin: bool,
    /// Whether the message is compressed.
    pub(in crate::ws) compressed: bool,
}

/// The payload of a control frame would have more than 125 bytes ([RFC 6455, section 5.5]). In a
/// close frame the code takes 2 of them.
///
/// [RFC 6455, section 5.5]: https://www.rfc-editor.org/rfc/rfc6455#section-5.5
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("control frame with a payload of {len} bytes, more than the maximum of 125")]
pub struct ControlTooLong {
    /// The number of bytes that the payload would have.
    pub len: usize,
}

impl<'a> Frame<&'a [u8]> {
    /// Creates a text message.
    pub const fn text(text: &'a str) -> Self {
        Self::new(OpCode::Text, text.as_bytes())
    }

    /// Creates a close frame, with or without a code and reason.
    ///
    /// # Errors
    /// If the reason is longer than 123 bytes.
    pub const fn close(close: Option<Close<&'a str>>) -> Result<Self, ControlTooLong> {
        let Some(Close { code, reason }) = close else { return Ok(Self::new(OpCode::Close, &[])) };
        let len = 2 + reason.len();
        if len > MAX_CONTROL {
            return Err(ControlTooLong { len });
        }
        Ok(Self { code: Some(code), ..Self::new(OpCode::Close, reason.as_bytes()) })
    }

    /// Cuts the message into frames of at most `size` bytes, between which control frames may be
    /// sent. A frame is never shorter than one byte, or one character of text, even if that is more
    /// than `size`. Text is cut between characters, so that each frame is text by itself. A control
    /// frame is returned as it is.
    ///
    /// ```
    /// use eventwire::ws::Frame;
    ///
    /// let frames: Vec<_> = Frame::text("grüße").fragments(3).collect();
    /// assert_eq!(frames[0], Frame::text("gr").unfinished());
    /// assert_eq!(frames[1], Frame::text("ü").unfinished().continuing());
    /// assert_eq!(frames[2], Frame::text("ße").continuing());
    /// ```
    pub const fn fragments(self, size: usize) -> Fragments<'a> {
        Fragments { rest: Some(self), size }
    }
}

impl<P> Frame<P> {
    pub(in crate::ws) const fn new(opcode: OpCode, payload: P) -> Self {
        let shape = Shape { opcode, continuing: false, fin: true, compressed: false };
        Self::shaped(shape, payload)
    }

    pub(in crate::ws) const fn shaped(shape: Shape, payload: P) -> Self {
        Self { shape, code: None, compress: None, payload }
    }

    /// Creates a binary message.
    pub const fn binary(payload: P) -> Self {
        Self::new(OpCode::Binary, payload)
    }

    /// Marks the frame as not the last of its message. Does nothing to a control frame.
    pub const fn unfinished(mut self) -> Self {
        self.shape.fin = self.shape.opcode.is_control();
        self
    }

    /// Marks the frame as a further frame of a message that was left
    /// [`unfinished`](Self::unfinished). Does nothing to a control frame.
    pub const fn continuing(mut self) -> Self {
        self.shape.continuing = !self.shape.opcode.is_control();
        self
    }

    /// Sets whether the message is compressed, if compression [was agreed on](crate::ws::Deflate).
    /// Otherwise its length decides. In a message of several frames, the first frame decides.
    /// Without context takeover, a message that compression does not shorten is always sent
    /// uncompressed.
    ///
    /// Pass `false` for secrets next to text that an attacker may choose, and for data that is
    /// compressed already, such as images.
    #[cfg(feature = "deflate")]
    pub const fn compress(mut self, compress: bool) -> Self {
        self.compress = Some(compress);
        self
    }

    /// Replaces the payload.
    #[inline]
    pub(super) fn with<Q>(&self, payload: Q) -> Frame<Q> {
        Frame { shape: self.shape, code: self.code, compress: self.compress, payload }
    }

    /// Turns the payload into another type.
    #[cfg(feature = "alloc")]
    pub(in crate::ws) fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Frame<Q> {
        let Self { shape, code, compress, payload } = self;
        Frame { shape, code, compress, payload: change(payload) }
    }

    /// Returns the payload. In a close frame it is the reason.
    pub fn into_payload(self) -> P {
        self.payload
    }
}

impl<P: AsRef<[u8]>> Frame<P> {
    /// Creates a text message whose payload has another type than `str`, for example a buffer that
    /// is masked in place.
    ///
    /// # Errors
    /// If the payload is not UTF-8.
    pub fn text_from_utf8(payload: P) -> Result<Self, Utf8Error> {
        utf8::from_utf8(payload.as_ref())?;
        Ok(Self::new(OpCode::Text, payload))
    }

    /// Creates a ping, which the peer must answer with a pong of the same payload.
    ///
    /// # Errors
    /// If the payload is longer than 125 bytes.
    pub fn ping(payload: P) -> Result<Self, ControlTooLong> {
        Self::control(OpCode::Ping, payload)
    }

    /// Creates a pong that no ping asked for. An answer to a ping is a
    /// [`Reply`](crate::ws::connection::Reply).
    ///
    /// # Errors
    /// If the payload is longer than 125 bytes.
    pub fn pong(payload: P) -> Result<Self, ControlTooLong> {
        Self::control(OpCode::Pong, payload)
    }

    fn control(opcode: OpCode, payload: P) -> Result<Self, ControlTooLong> {
        let len = payload.as_ref().len();
        if len > MAX_CONTROL {
            return Err(ControlTooLong { len });
        }
        Ok(Self::new(opcode, payload))
    }

    /// Returns the payload. In a close frame it is the reason.
    pub fn payload(&self) -> &[u8] {
        self.payload.as_ref()
    }

    /// Returns the frame with its payload borrowed.
    #[inline]
    pub(in crate::ws) fn borrowed(&self) -> Frame<&[u8]> {
        self.with(self.payload())
    }

    /// Returns the encoded length without compression, masked or not. (Compressing incompressible
    /// data can make it longer.)
    #[must_use]
    pub fn encoded_len(&self, masked: bool) -> usize {
        self.header(masked.then_some(MaskKey([0; 4]))).0.len() + self.payload().len()
    }

    /// Writes the frame to the front of `buffer`, and returns its length. With a key it is masked,
    /// as every frame of a client must be.
    ///
    /// # Errors
    /// If the frame does not fit. Nothing is written then.
    #[inline]
    pub fn encode(
        &self,
        mask: Option<MaskKey>,
        buffer: &mut [u8],
    ) -> Result<usize, BufferTooSmall> {
        let (header, mask) = self.header(mask);
        let payload = self.payload();
        let needed = header.len() + payload.len();
        let room = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let rest = header.write(room);
        match mask {
            Some(MaskKey(key)) => simd::copy_masked(payload, rest, key),
            None => rest.copy_from_slice(payload),
        }
        Ok(needed)
    }

    /// Appends the frame to `buffer`, masked if there is a key.
    ///
    /// # Errors
    /// If the buffer does not grow and has no room. Nothing is written then.
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn encode_to<B: BufMut>(
        &self,
        mask: Option<MaskKey>,
        buffer: &mut B,
    ) -> Result<(), BufferTooSmall> {
        self.append_to(mask, buffer).map(drop)
    }

    /// Returns the bytes before the payload, and the key for the payload.
    #[inline]
    pub(in crate::ws) fn header(&self, mask: Option<MaskKey>) -> (HeaderBytes, Option<MaskKey>) {
        let Shape { opcode, continuing, fin, compressed } = self.shape;
        let rsv = if compressed && !continuing { Rsv::RSV1 } else { Rsv::NONE };
        let opcode = if continuing { OpCode::Continuation } else { opcode };
        let code_len = if self.code.is_some() { 2 } else { 0 };
        let payload_len = self.payload().len() as u64 + code_len;
        let header = FrameHeader { fin, rsv, opcode, mask, payload_len }.bytes();
        match self.code {
            None => (header, mask),
            Some(code) => header.with_code(code, mask),
        }
    }
}

/// A text message.
impl<'a> From<&'a str> for Frame<&'a [u8]> {
    fn from(text: &'a str) -> Self {
        Self::text(text)
    }
}

/// A text message, which is not validated again.
///
/// ```
/// use bytes::Bytes;
/// use eventwire::Utf8Bytes;
/// use eventwire::ws::Frame;
///
/// let frame: Frame<Bytes> = Utf8Bytes::from("hello").into();
/// assert_eq!(frame.payload(), b"hello");
/// ```
#[cfg(feature = "alloc")]
impl From<Utf8Bytes> for Frame<Bytes> {
    fn from(text: Utf8Bytes) -> Self {
        Self::new(OpCode::Text, text.into_bytes())
    }
}
