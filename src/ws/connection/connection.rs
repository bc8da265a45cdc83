//! Both halves of a connection.

use super::connection_state::ConnectionState;
use super::into_frame::IntoFrame;
use super::reader::Reader;
use super::send_error::SendError;
use super::writer::Writer;
use crate::ws::frame::{
    FrameDecoder, FrameEvent, Limits, MaskSource, NoMask, OpCode, ProtocolError, Role,
};
#[cfg(feature = "alloc")]
use {
    super::message::Message,
    super::message_decoder::MessageDecoder,
    crate::Utf8Bytes,
    crate::ws::deflate::{Deflate, DeflateParams},
    bytes::{BufMut, BytesMut},
};

/// An established connection: bytes in, events out; frames in, bytes out; and what the protocol
/// demands in between (RFC 6455, 5 to 7).
///
/// 1. Call `receive` until it gives `Ok(None)` or an error.
/// 2. After each call, **whatever it gave**, call [`reply`](Self::reply) or
///    [`reply_to`](Self::reply_to): pings, close frames and errors of the peer are answered by it.
/// 3. Do what the events call for. Write all bytes that came out at once, also after an error, and
///    shut the transport by [`state`](Self::state). If it ends before [`ConnectionState::Closed`], the
///    connection was cut.
///
/// From `server` and `client` messages come whole. From `frame_server` and `frame_client` they come
/// in runs as they arrive, out of a `&mut [u8]` or `BytesMut`, and nothing is allocated.
///
/// A program that is a server or a client by its settings uses `with_role` or `frame_with_role`,
/// and has one type for both. The caller's own buffer holds what waits to be written: its length
/// tells when to receive no more.
///
/// Memory: on 64-bit machines 248 bytes, or 272 with whole messages, beside the source of masking
/// keys. With feature `deflate` 264 and 296, and [what compression takes](crate::ws::Deflate#memory) where it
/// is in use.
///
/// ```
/// use eventwire::ws::{Close, CloseCode, Connection, ConnectionState, Limits};
/// use eventwire::ws::frame::FrameEvent;
///
/// let mut connection = Connection::frame_server(Limits::new());
/// let mut received = *b"\x88\x82\x00\x00\x00\x00\x03\xE8";
/// let mut to_send = [0; 131];
///
/// let event = connection.receive(&mut &mut received[..])?;
/// assert_eq!(event, Some(FrameEvent::Close(Some(Close { code: CloseCode::NORMAL, reason: "" }))));
/// assert_eq!(connection.state(), ConnectionState::RemoteClosing);
///
/// let len = connection.reply(&mut to_send)?;
/// assert_eq!(&to_send[..len], b"\x88\x02\x03\xE8");
/// assert_eq!(connection.state(), ConnectionState::Closed); // write this, and shut the transport
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection<M = NoMask, D = FrameDecoder> {
    reader: Reader<D>,
    writer: Writer<M>,
}

#[cfg(feature = "alloc")]
impl Connection<NoMask, MessageDecoder> {
    /// A server's connection that receives whole messages, from the first byte after the handshake.
    #[must_use]
    pub fn server(limits: Limits) -> Self {
        let reader = Reader::new(MessageDecoder::new(Role::Server, limits));
        Self { reader, writer: Writer::server() }
    }
}

#[cfg(feature = "alloc")]
impl<M: MaskSource> Connection<M, MessageDecoder> {
    /// A client's connection that receives whole messages, from the first byte after the handshake.
    #[must_use]
    pub fn client(limits: Limits, masks: M) -> Self {
        Self::with_role(Role::Client, limits, masks)
    }

    /// A connection that receives whole messages, for a program that learns its own role at run
    /// time. A server drops `masks`.
    #[must_use]
    pub fn with_role(role: Role, limits: Limits, masks: M) -> Self {
        let reader = Reader::new(MessageDecoder::new(role, limits));
        Self { reader, writer: Writer::with_role(role, masks) }
    }
}

impl Connection {
    /// A server's connection that receives frames, from the first byte after the handshake.
    #[must_use]
    pub const fn frame_server(limits: Limits) -> Self {
        let reader = Reader::new(FrameDecoder::new(Role::Server, limits));
        Self { reader, writer: Writer::server() }
    }
}

impl<M: MaskSource> Connection<M> {
    /// A client's connection that receives frames, from the first byte after the handshake.
    #[must_use]
    pub const fn frame_client(limits: Limits, masks: M) -> Self {
        let reader = Reader::new(FrameDecoder::new(Role::Client, limits));
        Self { reader, writer: Writer::client(masks) }
    }

    /// A connection that receives frames, for a program that learns its own role at run time. A
    /// server drops `masks`.
    #[must_use]
    pub fn frame_with_role(role: Role, limits: Limits, masks: M) -> Self {
        let reader = Reader::new(FrameDecoder::new(role, limits));
        Self { reader, writer: Writer::with_role(role, masks) }
    }
}

impl<M> Connection<M> {
    /// Sets whether messages may be compressed in both directions, by an extension that this
    /// connection passes on: [`FrameDecoder::compression`], [`Writer::compression`].
    #[must_use]
    pub fn compression(self, agreed: bool) -> Self {
        let reader = self.reader.map(|decoder| decoder.compression(agreed));
        Self { reader, writer: self.writer.compression(agreed) }
    }

    /// Sets what the peer may send from its next data frame on, as [`FrameDecoder::set_limits`].
    pub const fn set_limits(&mut self, limits: Limits) {
        self.reader.decoder_mut().set_limits(limits);
    }

    /// Takes the next event off the front of `input`, as [`FrameDecoder::decode`].
    ///
    /// # Errors
    /// If the peer broke the protocol or passed a limit, which is to be answered: a reply is owed.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<FrameEvent<&'a mut [u8], &'a str>>, ProtocolError> {
        let result = self.reader.receive(input);
        self.received();
        result
    }
}

#[cfg(feature = "alloc")]
impl<M> Connection<M> {
    /// Takes the next event off the front of `buffer`, as [`FrameDecoder::decode_buffer`].
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    #[inline]
    pub fn receive_buffer(
        &mut self,
        buffer: &mut BytesMut,
    ) -> Result<Option<FrameEvent<BytesMut, Utf8Bytes>>, ProtocolError> {
        let result = self.reader.receive_buffer(buffer);
        self.received();
        result
    }
}

#[cfg(feature = "alloc")]
impl<M> Connection<M, MessageDecoder> {
    /// Compresses and inflates messages as was agreed on in the handshake, if it was; for a connection
    /// that is new. For halves that are made apart: [`MessageDecoder::deflate`], [`Writer::deflate`].
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: &Deflate, agreed: Option<DeflateParams>) -> Self {
        self.set_deflate(deflate, agreed);
        self
    }

    pub(in crate::ws) fn set_deflate(&mut self, deflate: &Deflate, agreed: Option<DeflateParams>) {
        self.reader.decoder_mut().set_deflate(deflate, agreed);
        self.writer.set_deflate(deflate, agreed);
    }

    /// Sets what the peer may send from its next data frame on, as [`MessageDecoder::set_limits`].
    pub fn set_limits(&mut self, limits: Limits) {
        self.reader.decoder_mut().set_limits(limits);
    }

    /// Takes the next message or control frame off the front of `buffer`, as
    /// [`MessageDecoder::decode`].
    ///
    /// # Errors
    /// If the peer broke the protocol or passed a limit, which is to be answered: a reply is owed.
    #[inline]
    pub fn receive(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        let result = self.reader.receive(buffer);
        self.received();
        result
    }
}

impl<M, D> Connection<M, D> {
    /// How far the closing handshake is.
    #[must_use]
    pub const fn state(&self) -> ConnectionState {
        self.writer.state()
    }

    /// Returns which end of the connection this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.writer.role()
    }

    /// Whether a reply is owed to the peer, so that [`reply`](Self::reply) would write something.
    ///
    /// ```
    /// use eventwire::ws::{Connection, Limits};
    ///
    /// let mut connection = Connection::frame_server(Limits::new());
    /// let mut ping = *b"\x89\x80\0\0\0\0";
    /// connection.receive(&mut &mut ping[..])?;
    /// assert!(connection.owes_reply());
    /// let mut to_send = [0; 131];
    /// assert_eq!(connection.reply(&mut to_send)?, 2);
    /// assert!(!connection.owes_reply());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn owes_reply(&self) -> bool {
        match self.reader.owed() {
            // The peer's close frame answered ours.
            Some(reply) if matches!(reply.opcode, OpCode::Close) => !self.writer.close_sent(),
            reply => reply.is_some(),
        }
    }

    /// The half that sends, for the other ways to do so.
    pub const fn writer(&mut self) -> &mut Writer<M> {
        &mut self.writer
    }

    /// The decoder of what is received.
    #[must_use]
    pub const fn decoder(&self) -> &D {
        self.reader.decoder()
    }

    /// Both halves, for two tasks. Replies are then to be carried from the one to the other.
    #[must_use]
    pub fn split(self) -> (Reader<D>, Writer<M>) {
        (self.reader, self.writer)
    }

    #[inline]
    fn received(&mut self) {
        if self.reader.is_done() {
            self.writer.peer_closed();
        }
    }
}

impl<M: MaskSource, D> Connection<M, D> {
    /// Writes a frame to the front of `buffer`; returns its length. Anything that is
    /// [a frame or becomes one](IntoFrame) can be sent.
    ///
    /// # Errors
    /// If the frame may not be sent now, does not fit, or there is no masking key.
    #[inline]
    pub fn send<F: IntoFrame>(&mut self, frame: F, buffer: &mut [u8]) -> Result<usize, SendError> {
        self.writer.send(frame, buffer)
    }

    /// Writes what is owed to the peer to the front of `buffer`; returns its length, which is 0 if
    /// nothing is.
    ///
    /// # Errors
    /// If it does not fit ([`FrameDecoder::MIN_BUFFER`] bytes are enough), or there is no masking key.
    /// It is then still owed.
    pub fn reply(&mut self, buffer: &mut [u8]) -> Result<usize, SendError> {
        let Some(reply) = self.reader.owed() else { return Ok(0) };
        let len = self.writer.reply(reply, buffer)?;
        self.reader.take_reply();
        Ok(len)
    }
}

#[cfg(feature = "alloc")]
impl<M: MaskSource, D> Connection<M, D> {
    /// Appends a frame to `buffer`.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn send_to<F: IntoFrame, B: BufMut>(
        &mut self,
        frame: F,
        buffer: &mut B,
    ) -> Result<(), SendError> {
        self.writer.send_to(frame, buffer)
    }

    /// Appends what is owed to the peer to `buffer`.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn reply_to<B: BufMut>(&mut self, buffer: &mut B) -> Result<(), SendError> {
        self.append_reply(buffer).map(drop)
    }

    /// As [`reply_to`](Self::reply_to); returns the length of the payload that was appended, if a
    /// frame was.
    pub(in crate::ws) fn append_reply<B: BufMut>(
        &mut self,
        buffer: &mut B,
    ) -> Result<Option<usize>, SendError> {
        let Some(reply) = self.reader.owed() else { return Ok(None) };
        let len = self.writer.append_reply(reply, buffer)?;
        self.reader.take_reply();
        Ok(len)
    }

    /// The opcode of the frame that is owed to the peer.
    pub(in crate::ws) fn owed(&self) -> Option<OpCode> {
        self.reader.owed().map(|reply| reply.opcode)
    }
}
