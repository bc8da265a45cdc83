//! [`Connection`], which joins both halves of a connection.

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

/// An established connection. Turns received bytes into events and frames into bytes to send, and
/// does what the protocol demands in between ([RFC 6455, sections 5 to
/// 7](https://www.rfc-editor.org/rfc/rfc6455#section-5)).
///
/// 1. Call `receive` until it returns `Ok(None)` or an error.
/// 2. After each call, **whatever it returned**, call [`reply`](Self::reply) or
///    [`reply_to`](Self::reply_to). This answers the peer's pings, close frames and errors.
/// 3. Handle the events. Write all resulting bytes at once, also after an error. Shut the transport
///    when [`state`](Self::state) calls for it. If the transport ends before
///    [`ConnectionState::Closed`], the connection was cut.
///
/// Connections by `server` and `client` return whole messages. Those by `frame_server` and
/// `frame_client` return runs of a message as they arrive, from a `&mut [u8]` or `BytesMut`, and
/// allocate nothing.
///
/// A program that learns its role at run time uses `with_role` or `frame_with_role`, and has one
/// type for both roles. The bytes that wait to be written are in a buffer of yours. Its length
/// tells you when to stop receiving.
///
/// Memory: on 64-bit machines 248 bytes, or 272 with whole messages, in addition to the source of
/// masking keys. With feature `deflate` 264 and 296, plus the [memory of
/// compression](crate::ws::Deflate#memory) where it is in use.
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
    /// Creates a server's connection that receives whole messages, from the first byte after the
    /// handshake.
    #[must_use]
    pub fn server(limits: Limits) -> Self {
        let reader = Reader::new(MessageDecoder::new(Role::Server, limits));
        Self { reader, writer: Writer::server() }
    }
}

#[cfg(feature = "alloc")]
impl<M: MaskSource> Connection<M, MessageDecoder> {
    /// Creates a client's connection that receives whole messages, from the first byte after the
    /// handshake.
    #[must_use]
    pub fn client(limits: Limits, masks: M) -> Self {
        Self::with_role(Role::Client, limits, masks)
    }

    /// Creates a connection that receives whole messages, for a program that learns its role at run
    /// time. A server drops `masks`.
    #[must_use]
    pub fn with_role(role: Role, limits: Limits, masks: M) -> Self {
        let reader = Reader::new(MessageDecoder::new(role, limits));
        Self { reader, writer: Writer::with_role(role, masks) }
    }
}

impl Connection {
    /// Creates a server's connection that receives frames, from the first byte after the handshake.
    #[must_use]
    pub const fn frame_server(limits: Limits) -> Self {
        let reader = Reader::new(FrameDecoder::new(Role::Server, limits));
        Self { reader, writer: Writer::server() }
    }
}

impl<M: MaskSource> Connection<M> {
    /// Creates a client's connection that receives frames, from the first byte after the handshake.
    #[must_use]
    pub const fn frame_client(limits: Limits, masks: M) -> Self {
        let reader = Reader::new(FrameDecoder::new(Role::Client, limits));
        Self { reader, writer: Writer::client(masks) }
    }

    /// Creates a connection that receives frames, for a program that learns its role at run time. A
    /// server drops `masks`.
    #[must_use]
    pub fn frame_with_role(role: Role, limits: Limits, masks: M) -> Self {
        let reader = Reader::new(FrameDecoder::new(role, limits));
        Self { reader, writer: Writer::with_role(role, masks) }
    }
}

impl<M> Connection<M> {
    /// Sets whether messages may be compressed, in both directions, by an extension that this
    /// connection only passes on. See [`FrameDecoder::compression`] and [`Writer::compression`].
    #[must_use]
    pub fn compression(self, agreed: bool) -> Self {
        let reader = self.reader.map(|decoder| decoder.compression(agreed));
        Self { reader, writer: self.writer.compression(agreed) }
    }

    /// Changes the limits on what the peer may send, from its next data frame on. See
    /// [`FrameDecoder::set_limits`].
    pub const fn set_limits(&mut self, limits: Limits) {
        self.reader.decoder_mut().set_limits(limits);
    }

    /// Takes the next event off the front of `input`, as [`FrameDecoder::decode`] does.
    ///
    /// # Errors
    /// If the peer broke the protocol or passed a limit. A reply is owed then.
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
    /// Takes the next event off the front of `buffer`, as [`FrameDecoder::decode_buffer`] does.
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
    /// Compresses and inflates messages as the handshake agreed, if it did. Call it on a new
    /// connection. For separate halves, use [`MessageDecoder::deflate`] and [`Writer::deflate`].
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

    /// Changes the limits on what the peer may send, from its next data frame on. See
    /// [`MessageDecoder::set_limits`].
    pub fn set_limits(&mut self, limits: Limits) {
        self.reader.decoder_mut().set_limits(limits);
    }

    /// Takes the next message or control frame off the front of `buffer`, as
    /// [`MessageDecoder::decode`] does.
    ///
    /// # Errors
    /// If the peer broke the protocol or passed a limit. A reply is owed then.
    #[inline]
    pub fn receive(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        let result = self.reader.receive(buffer);
        self.received();
        result
    }
}

#[cfg(feature = "alloc")]
impl<M> Connection<M, MessageDecoder> {
    /// Takes the next message off the front of `buffer`, if it is one that calls for no reply and
    /// no further look. Otherwise [`receive`](Self::receive) takes it.
    #[inline]
    pub(in crate::ws) fn receive_whole(&mut self, buffer: &mut BytesMut) -> Option<Message> {
        self.reader.decoder_mut().decode_whole(buffer)
    }
}

impl<M, D> Connection<M, D> {
    /// Returns the state of the closing handshake.
    #[must_use]
    pub const fn state(&self) -> ConnectionState {
        self.writer.state()
    }

    /// Returns which end of the connection this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.writer.role()
    }

    /// Returns whether a reply is owed to the peer. If so, [`reply`](Self::reply) writes it.
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

    /// Returns the sending half, for its other ways to send.
    pub const fn writer(&mut self) -> &mut Writer<M> {
        &mut self.writer
    }

    /// Returns the decoder of the receiving half.
    #[must_use]
    pub const fn decoder(&self) -> &D {
        self.reader.decoder()
    }

    /// Splits the connection into its halves, for two tasks. You must then carry the replies from
    /// the reader to the writer.
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
    /// Writes a frame to the front of `buffer`, and returns its length. You can send anything that
    /// is [a frame or becomes one](IntoFrame).
    ///
    /// # Errors
    /// If the frame may not be sent now or does not fit, or if there is no masking key.
    #[inline]
    pub fn send<F: IntoFrame>(&mut self, frame: F, buffer: &mut [u8]) -> Result<usize, SendError> {
        self.writer.send(frame, buffer)
    }

    /// Writes the owed reply to the front of `buffer`, and returns its length, which is 0 if no
    /// reply is owed.
    ///
    /// # Errors
    /// If the reply does not fit ([`FrameDecoder::MIN_BUFFER`] bytes are enough), or if there is no
    /// masking key. The reply is still owed then.
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

    /// Appends the owed reply to `buffer`, if there is one.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn reply_to<B: BufMut>(&mut self, buffer: &mut B) -> Result<(), SendError> {
        self.append_reply(buffer).map(drop)
    }

    /// Appends the owed reply, as [`reply_to`](Self::reply_to) does. Returns the length of its
    /// payload, or `None` if nothing was appended.
    pub(in crate::ws) fn append_reply<B: BufMut>(
        &mut self,
        buffer: &mut B,
    ) -> Result<Option<usize>, SendError> {
        let Some(reply) = self.reader.owed() else { return Ok(None) };
        let len = self.writer.append_reply(reply, buffer)?;
        self.reader.take_reply();
        Ok(len)
    }

    /// Returns the opcode of the reply that is owed to the peer.
    pub(in crate::ws) fn owed(&self) -> Option<OpCode> {
        self.reader.owed().map(|reply| reply.opcode)
    }
}
