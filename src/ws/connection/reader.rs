//! The receiving half of a connection.

use super::reply::Reply;
use crate::ws::frame::{FrameDecoder, FrameEvent, OpCode, ProtocolError};
#[cfg(feature = "alloc")]
use {
    super::message::Message, super::message_decoder::MessageDecoder, crate::Utf8Bytes,
    bytes::BytesMut,
};

/// The receiving half of a connection: decodes, and notes what is owed to the peer: the pong to a
/// ping, the answer to a close frame, the close frame after an error (RFC 6455, 5.5, 7.1.7).
///
/// Carry replies to the [`Writer`](crate::ws::connection::Writer), at the latest before the next read. Pings that
/// come while a pong is owed replace it, as the standard allows, so that a peer cannot make us keep
/// more than one.
///
/// ```
/// use eventwire::ws::Limits;
/// use eventwire::ws::connection::{Reader, Writer};
/// use eventwire::ws::frame::{FrameDecoder, Role};
///
/// let mut reader = Reader::new(FrameDecoder::new(Role::Client, Limits::new()));
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
pub struct Reader<D = FrameDecoder> {
    decoder: D,
    /// The latest counts: nothing but a close frame answers a close frame.
    owed: Option<Reply>,
    done: bool,
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

    pub(super) fn map(self, change: impl FnOnce(D) -> D) -> Self {
        Self { decoder: change(self.decoder), ..self }
    }

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
    /// As [`FrameDecoder::decode`].
    ///
    /// # Errors
    /// If the peer broke the protocol or passed a limit, which is to be answered: a reply is owed.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<FrameEvent<&'a mut [u8], &'a str>>, ProtocolError> {
        let result = self.decoder.decode(input);
        self.note(&result, Reply::to_event);
        result
    }

    /// As [`FrameDecoder::decode_buffer`].
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn receive_buffer(
        &mut self,
        buffer: &mut BytesMut,
    ) -> Result<Option<FrameEvent<BytesMut, Utf8Bytes>>, ProtocolError> {
        let result = self.decoder.decode_buffer(buffer);
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
