//! Frames to send.

use super::close::{Close, CloseCode};
use super::fragments::Fragments;
use super::frame_header::{FrameHeader, HeaderBytes, MAX_CONTROL, OpCode, Rsv};
use super::mask::MaskKey;
use crate::{BufferTooSmall, simd, utf8};
#[cfg(feature = "alloc")]
use bytes::{BufMut, Bytes};
use core::str::Utf8Error;

/// A frame to send, valid by itself (RFC 6455, 5.2).
///
/// A message is one frame, or several if its end is not known at its beginning
/// ([`unfinished`](Self::unfinished), [`continuing`](Self::continuing)) or it is cut up
/// ([`fragments`](Self::fragments)). On a connection frames go through a
/// [`Writer`](crate::ws::connection::Writer), which keeps their order right and masks them if it must.
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
    /// What a close frame's payload begins with.
    pub(in crate::ws) code: Option<CloseCode>,
    /// Whether to compress it, if that was said.
    #[cfg(feature = "deflate")]
    pub(in crate::ws) compress: Option<bool>,
    pub(in crate::ws) payload: P,
}

/// What a frame is, and which place it takes in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::ws) struct Shape {
    /// That of the message's first frame, or of a control frame.
    pub(in crate::ws) opcode: OpCode,
    pub(in crate::ws) continuing: bool,
    pub(in crate::ws) fin: bool,
    /// Its message is compressed.
    pub(in crate::ws) compressed: bool,
}

/// The payload of a control frame would have more than 125 bytes (RFC 6455, 5.5), of which the code
/// of a close frame takes 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("control frame with a payload of {len} bytes, more than 125")]
pub struct ControlTooLong {
    /// How many bytes it would have.
    pub len: usize,
}

impl<'a> Frame<&'a [u8]> {
    /// A text message.
    pub const fn text(text: &'a str) -> Self {
        Self::new(OpCode::Text, text.as_bytes())
    }

    /// A close frame, that says why or not.
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

    /// The message in frames of at most `size` bytes, between which control frames may be sent; or of
    /// one byte, or one character of text, if that is more. Text is cut between characters, so that
    /// each frame is text by itself. A control frame comes as it is.
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
        Self {
            shape,
            code: None,
            #[cfg(feature = "deflate")]
            compress: None,
            payload,
        }
    }

    /// A binary message.
    pub const fn binary(payload: P) -> Self {
        Self::new(OpCode::Binary, payload)
    }

    /// The same, with more of its message to follow. Of a control frame it changes nothing.
    pub const fn unfinished(mut self) -> Self {
        self.shape.fin = self.shape.opcode.is_control();
        self
    }

    /// The same, as a further frame of a message that was left [`unfinished`](Self::unfinished). Of
    /// a control frame it changes nothing.
    pub const fn continuing(mut self) -> Self {
        self.shape.continuing = !self.shape.opcode.is_control();
        self
    }

    /// The same message, to be compressed or not, where compression [was agreed](crate::ws::Deflate) on and
    /// would otherwise depend on its length. Of several frames the first one decides. Without context
    /// takeover a message that does not get shorter goes as it is in any case.
    ///
    /// Say `false` for secrets beside text that an attacker may choose, and for what is compressed
    /// already, such as images.
    #[cfg(feature = "deflate")]
    pub const fn compress(mut self, compress: bool) -> Self {
        self.compress = Some(compress);
        self
    }

    /// The same, its payload being that of a compressed message.
    #[cfg(feature = "deflate")]
    pub(in crate::ws) const fn compressed(mut self) -> Self {
        self.shape.compressed = true;
        self
    }

    /// The same with another payload.
    #[inline]
    fn with<Q>(&self, payload: Q) -> Frame<Q> {
        Frame {
            shape: self.shape,
            code: self.code,
            #[cfg(feature = "deflate")]
            compress: self.compress,
            payload,
        }
    }

    /// The payload; of a close frame the reason.
    pub fn into_payload(self) -> P {
        self.payload
    }
}

impl<P: AsRef<[u8]>> Frame<P> {
    /// A text message whose payload has another type than `str`, such as one that is to be masked
    /// where it lies.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn text_from_utf8(payload: P) -> Result<Self, Utf8Error> {
        utf8::from_utf8(payload.as_ref())?;
        Ok(Self::new(OpCode::Text, payload))
    }

    /// A ping, which the peer is to answer with a pong of the same payload.
    ///
    /// # Errors
    /// If the payload is longer than 125 bytes.
    pub fn ping(payload: P) -> Result<Self, ControlTooLong> {
        Self::control(OpCode::Ping, payload)
    }

    /// A pong that no ping asked for. Those that are asked for are a
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

    /// The payload; of a close frame the reason.
    pub fn payload(&self) -> &[u8] {
        self.payload.as_ref()
    }

    /// The same, its payload borrowed.
    #[inline]
    pub(in crate::ws) fn borrowed(&self) -> Frame<&[u8]> {
        self.with(self.payload())
    }

    /// The same, its payload copied.
    #[cfg(feature = "alloc")]
    pub(in crate::ws) fn to_owned(&self) -> Frame<Bytes> {
        self.with(Bytes::copy_from_slice(self.payload()))
    }

    /// How many bytes the frame takes, masked or not, where it is not compressed: what does not get shorter
    /// by that may get longer.
    #[must_use]
    pub fn encoded_len(&self, masked: bool) -> usize {
        self.header(masked.then_some(MaskKey([0; 4]))).0.len() + self.payload().len()
    }

    /// Writes the frame to the front of `buffer`, masked if there is a key, as a client's must be;
    /// returns its length.
    ///
    /// # Errors
    /// If it does not fit; nothing is written then.
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
    /// If a buffer that does not grow has no room; nothing is written then.
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn encode_to<B: BufMut>(
        &self,
        mask: Option<MaskKey>,
        buffer: &mut B,
    ) -> Result<(), BufferTooSmall> {
        let (header, mask) = self.header(mask);
        let payload = self.payload();
        let needed = header.len() + payload.len();
        if buffer.remaining_mut() < needed {
            return Err(BufferTooSmall { needed });
        }
        header.put(buffer);
        match mask {
            Some(MaskKey(key)) => simd::put_masked(buffer, payload, key),
            None => buffer.put_slice(payload),
        }
        Ok(())
    }

    /// All that goes before the payload, and the key for that.
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
