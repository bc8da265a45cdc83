//! [`Reader`], the receiving half of a connection.

use super::reply::Reply;
use crate::ws::frame::{FrameDecoder, FrameEvent, OpCode, ProtocolError};
#[cfg(feature = "alloc")]
use {
    super::message::Message, super::message_decoder::MessageDecoder, crate::Utf8Bytes,
    bytes::BytesMut,
};

/// The receiving half of a connection. Decodes, and notes the reply that is owed to the peer: the
/// pong to a ping, the answer to a close frame, or the close frame after an error (RFC 6455,
/// sections [5.5] and [7.1.7]).
///
/// Carry the replies to the [`Writer`](crate::ws::connection::Writer), at the latest before the
/// next read. While a pong is owed, the pong to a further ping replaces it, as [section
/// 5.5.3][5.5.3] allows. So a peer cannot make us keep more than one.
///
/// [5.5]: https://www.rfc-editor.org/rfc/rfc6455#section-5.5
/// [5.5.3]: https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
/// [7.1.7]: https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
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
    /// The latest reply replaces the one before. Only a close frame answers a close frame.
    owed: Option<Reply>,
    done: bool,
}

impl<D> Reader<D> {
    /// Creates a reader on top of this decoder.
    #[must_use]
    pub const fn new(decoder: D) -> Self {
        Self { decoder, owed: None, done: false }
    }

    /// Takes the reply that is owed to the peer. Returns `None` if none is owed, or if it was taken
    /// before.
    pub const fn take_reply(&mut self) -> Option<Reply> {
        self.owed.take()
    }

    pub(super) const fn owed(&self) -> Option<&Reply> {
        self.owed.as_ref()
    }

    /// Returns whether the peer has closed or broken the protocol. Nothing more will be received
    /// then.
    #[must_use]
    #[inline]
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// Returns the decoder.
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

    /// Notes the reply that a result calls for.
    #[inline]
    fn note<T>(
        &mut self,
        result: &Result<Option<T>, ProtocolError>,
        reply: impl FnOnce(&T) -> Option<Reply>,
    ) {
        let reply = match result {
            Ok(Some(received)) => reply(received),
            Ok(None) => None,
            // A repeated error is not answered again.
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
    /// Takes the next event off the front of `input`, as [`FrameDecoder::decode`] does.
    ///
    /// # Errors
    /// If the peer broke the protocol or passed a limit. A reply is owed then.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<FrameEvent<&'a mut [u8], &'a str>>, ProtocolError> {
        let result = self.decoder.decode(input);
        self.note(&result, Reply::to_event);
        result
    }

    /// Takes the next event off the front of `buffer`, as [`FrameDecoder::decode_buffer`] does.
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
    /// Takes the next message or control frame off the front of `buffer`, as
    /// [`MessageDecoder::decode`] does.
    ///
    /// # Errors
    /// If the peer broke the protocol or passed a limit. A reply is owed then.
    #[inline]
    pub fn receive(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        let result = self.decoder.decode(buffer);
        self.note(&result, Reply::to_message);
        result
    }
}
