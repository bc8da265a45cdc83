//! The receiving half of a connection.

use super::{Close, CloseCode, Decoder, Event, Frame, OpCode, ProtocolError};
#[cfg(feature = "alloc")]
use super::{Message, MessageDecoder};
#[cfg(feature = "alloc")]
use crate::Utf8Bytes;
#[cfg(feature = "alloc")]
use bytes::BytesMut;
use core::fmt;

/// The receiving half of a connection: decodes, and notes what is owed to the peer: the pong to a
/// ping, the answer to a close frame, the close frame after an error (RFC 6455, 5.5, 7.1.7).
///
/// Carry replies to the [`Writer`](super::Writer), at the latest before the next read. Pings that
/// come while a pong is owed replace it, as the standard allows, so that a peer cannot make us keep
/// more than one.
///
/// ```
/// use eventwire::ws::{Decoder, Options, Reader, Role, Writer};
///
/// let mut reader = Reader::new(Decoder::new(Role::Client, Options::new()));
/// let mut writer = Writer::client(rand::random::<[u8; 4]>);
/// let mut received = *b"\x89\x02hi";
/// reader.receive(&mut &mut received[..])?;
/// let mut buffer = [0; 131];
/// while let Some(reply) = reader.take_reply() {
///     let len = writer.reply(&reply, &mut buffer)?;
///     assert_eq!((len, &buffer[..2]), (8, &b"\x8A\x82"[..])); // a masked pong, to be written
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reader<D = Decoder> {
    decoder: D,
    /// The latest counts: nothing but a close frame answers a close frame.
    owed: Option<Reply>,
    done: bool,
}

/// What a [`Reader`] owes to the peer: a pong, which repeats the ping's payload, or a close frame,
/// which repeats the code and reason of the peer's or tells what it did wrong.
pub struct Reply {
    opcode: OpCode,
    code: Option<CloseCode>,
    len: usize,
    payload: [u8; 125],
}

impl<D> Reader<D> {
    /// The reader on top of this decoder.
    #[must_use]
    pub const fn new(decoder: D) -> Self {
        Self { decoder, owed: None, done: false }
    }

    /// What is owed to the peer, if it has not been taken.
    pub const fn take_reply(&mut self) -> Option<Reply> {
        self.owed.take()
    }

    pub(super) const fn owed(&self) -> Option<&Reply> {
        self.owed.as_ref()
    }

    /// Whether the peer closed or broke the protocol: nothing more will be received.
    #[must_use]
    #[inline]
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// The decoder.
    #[must_use]
    pub const fn decoder(&self) -> &D {
        &self.decoder
    }

    #[cfg(feature = "deflate")]
    pub(super) const fn decoder_mut(&mut self) -> &mut D {
        &mut self.decoder
    }

    /// Notes what a result calls for.
    #[inline]
    fn note<T>(
        &mut self,
        result: &Result<Option<T>, ProtocolError>,
        reply: impl FnOnce(&T) -> Option<Reply>,
    ) {
        let reply = match result {
            Ok(Some(received)) => reply(received),
            Ok(None) => None,
            // Repeated errors are not answered again.
            Err(_) if self.done => None,
            Err(error) => Some(Reply::close(Some((error.close_code(), "")))),
        };
        if let Some(reply) = reply {
            self.done |= reply.opcode == OpCode::Close;
            self.owed = Some(reply);
        }
    }
}

impl Reader {
    /// As [`Decoder::decode`].
    ///
    /// # Errors
    /// If the peer broke the protocol or passed a limit, which is to be answered: a reply is owed.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Event<&'a mut [u8], &'a str>>, ProtocolError> {
        let result = self.decoder.decode(input);
        self.note(&result, Reply::to_event);
        result
    }

    /// As [`Decoder::decode_mut`].
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    #[cfg(feature = "alloc")]
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    #[inline]
    pub fn receive_mut(
        &mut self,
        buffer: &mut BytesMut,
    ) -> Result<Option<Event<BytesMut, Utf8Bytes>>, ProtocolError> {
        let result = self.decoder.decode_mut(buffer);
        self.note(&result, Reply::to_event);
        result
    }
}

#[cfg(feature = "alloc")]
impl Reader<MessageDecoder> {
    /// As [`MessageDecoder::decode`].
    ///
    /// # Errors
    /// If the peer broke the protocol or passed a limit, which is to be answered: a reply is owed.
    #[inline]
    pub fn receive(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        let result = self.decoder.decode(buffer);
        self.note(&result, Reply::to_message);
        result
    }
}

impl Reply {
    fn new(opcode: OpCode, payload: &[u8]) -> Self {
        let mut reply = Self { opcode, code: None, len: payload.len(), payload: [0; 125] };
        reply.payload[..payload.len()].copy_from_slice(payload);
        reply
    }

    fn close(close: Option<(CloseCode, &str)>) -> Self {
        let (code, reason) = close.unzip();
        Self { code, ..Self::new(OpCode::Close, reason.unwrap_or_default().as_bytes()) }
    }

    #[inline]
    fn to_event<P: AsRef<[u8]>, R: AsRef<str>>(event: &Event<P, R>) -> Option<Self> {
        match event {
            Event::Data(_) | Event::Pong(_) | Event::Skipped(_) => None,
            Event::Ping(payload) => Some(Self::new(OpCode::Pong, payload.as_ref())),
            Event::Close(close) => Some(Self::to_close(close.as_ref())),
        }
    }

    #[cfg(feature = "alloc")]
    #[inline]
    fn to_message(message: &Message) -> Option<Self> {
        match message {
            Message::Text(_) | Message::Binary(_) | Message::Pong(_) | Message::Skipped(_) => None,
            Message::Ping(payload) => Some(Self::new(OpCode::Pong, payload)),
            Message::Close(close) => Some(Self::to_close(close.as_ref())),
        }
    }

    fn to_close<R: AsRef<str>>(close: Option<&Close<R>>) -> Self {
        Self::close(close.map(|Close { code, reason }| (*code, reason.as_ref())))
    }

    /// The frame to be sent.
    pub fn frame(&self) -> Frame<&[u8]> {
        Frame { code: self.code, ..Frame::new(self.opcode, &self.payload[..self.len]) }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reply").field(&self.frame()).finish()
    }
}
