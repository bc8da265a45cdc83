//! A connection for `tokio_util::codec`.

use super::{
    Connection, Frame, MaskSource, Message, MessageDecoder, NoMask, PreparedFrame, ProtocolError,
    SendError, State,
};
use bytes::BytesMut;
use std::io;
use tokio_util::codec::{Decoder, Encoder};

/// A [`Connection`] for `Framed` of [`tokio_util::codec`], in either role (RFC 6455, 5 to 7).
///
/// It reads whole [`Message`]s and control frames, with the limits of the connection's decoder, and
/// writes [`Frame`]s, masked if we are a client, a server [`PreparedFrame`]s too, and [`Owed`]. Messages
/// are compressed if [the connection](Connection::deflate) does that.
///
/// 1. After each item, **and after an error**, `send(Owed)`: pings, close frames and errors of the
///    peer are answered by it. If nothing is owed it writes nothing. Any other frame takes what is
///    owed along, before itself.
/// 2. After that look at [`state`](Connection::state). At [`State::Closed`] a server shuts the
///    transport, by `SinkExt::<Owed>::close`; a client reads until `None`, which comes when the
///    server has done so, for as long as it likes to wait. After an error of the peer both shut it.
///
/// No deadlines, no pings of our own: [`WebSocket`](super::WebSocket) has those. A read or a
/// `send(Owed)` that is dropped before it is done loses nothing: what was begun to be written goes
/// out with the next frame or flush. Another frame is lost if it was still waiting for room.
///
/// # Errors
/// Reading:
///
/// | what came last | the stream ends with |
/// |---|---|
/// | a close frame of the peer | `None` |
/// | anything else, or half of it | [`CodecError::Io`] of kind [`UnexpectedEof`](io::ErrorKind::UnexpectedEof), as the connection was cut (7.1.5, close code 1006) |
/// | what breaks the protocol or a limit | [`CodecError::Protocol`], when it comes; `send(Owed)` answers it with the right code |
///
/// Writing: [`CodecError::Send`] if the frame may not be sent now, and the connection lives on. What
/// was owed is then in the write buffer, and goes out with the next frame or flush; after the peer's
/// close frame that is ours, so that the error is [`SendError::CloseSent`].
///
/// ```
/// use eventwire::ws::{CodecError, Connection, Frame, Message, MessageCodec, Options, Owed, State};
/// use futures_util::{SinkExt, StreamExt};
/// use tokio::io::{AsyncRead, AsyncWrite};
/// use tokio_util::codec::Framed;
///
/// /// Sends back what it gets, on a connection whose handshake is done.
/// async fn echo(io: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), CodecError> {
///     let connection = Connection::message_server(Options::new());
///     let mut framed = Framed::new(io, MessageCodec::new(connection));
///     while framed.codec().connection().state() != State::Closed
///         && let Some(message) = framed.next().await
///     {
///         framed.send(Owed).await?;
///         match message {
///             Ok(Message::Text(text)) => framed.send(Frame::text(&text)).await?,
///             Ok(Message::Binary(payload)) => framed.send(Frame::binary(payload)).await?,
///             Ok(_) => {}
///             Err(error) => eprintln!("{error}"),
///         }
///     }
///     SinkExt::<Owed>::close(&mut framed).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (server, client) = tokio::io::duplex(64);
/// let server = tokio::spawn(echo(server));
///
/// let masks = || [1, 2, 3, 4]; // a strong source of randomness, such as `OsMaskKeys`
/// let connection = Connection::message_client(Options::new(), masks);
/// let mut framed = Framed::new(client, MessageCodec::new(connection));
/// framed.send(Frame::text("hello")).await?;
/// while let Some(message) = framed.next().await {
///     framed.send(Owed).await?;
///     if let Message::Text(text) = message? {
///         assert_eq!(text, "hello");
///         framed.send(Frame::close(None)?).await?;
///     }
/// }
/// assert_eq!(framed.codec().connection().state(), State::Closed);
/// server.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio-util")))]
pub struct MessageCodec<M = NoMask> {
    connection: Connection<M, MessageDecoder>,
}

/// What is owed to the peer, as an item to send with a [`MessageCodec`]: the pong to a ping, the
/// answer to a close frame, the close frame after an error (RFC 6455, 5.5, 7.1.7); nothing, if
/// nothing is owed.
///
/// ```
/// use bytes::BytesMut;
/// use eventwire::ws::{Connection, MessageCodec, Options, Owed};
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let mut codec = MessageCodec::new(Connection::message_server(Options::new()));
/// codec.decode(&mut BytesMut::from(&b"\x89\x82\0\0\0\0hi"[..]))?;
/// let mut to_send = BytesMut::new();
/// codec.encode(Owed, &mut to_send)?;
/// codec.encode(Owed, &mut to_send)?;
/// assert_eq!(to_send, b"\x8A\x02hi"[..]);
/// # Ok::<(), eventwire::ws::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio-util")))]
pub struct Owed;

/// Why a [`MessageCodec`] failed, which has a table.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio-util")))]
#[non_exhaustive]
pub enum CodecError {
    /// The transport failed, or ended before a close frame of the peer
    /// ([`UnexpectedEof`](io::ErrorKind::UnexpectedEof)).
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer broke the protocol or passed a limit, which is to be answered: send [`Owed`].
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The frame may not be sent now.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl<M> MessageCodec<M> {
    /// The codec of this connection, from [`Connection::message_server`] or
    /// [`message_client`](Connection::message_client). What was read behind the head of the
    /// handshake belongs in the read buffer:
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use eventwire::ws::{Connection, Message, MessageCodec, Options, Owed};
    /// # use futures_util::StreamExt;
    /// use tokio_util::codec::{Framed, FramedParts};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), eventwire::ws::CodecError> {
    /// # let (transport, _client) = tokio::io::duplex(64);
    /// # let behind_the_head = BytesMut::from(&b"\x81\x82\0\0\0\0hi"[..]);
    /// let codec = MessageCodec::new(Connection::message_server(Options::new()));
    /// let mut parts = FramedParts::new::<Owed>(transport, codec);
    /// parts.read_buf = behind_the_head;
    /// let mut framed = Framed::from_parts(parts);
    /// # assert_eq!(framed.next().await.transpose()?, Some(Message::Text("hi".into())));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn new(connection: Connection<M, MessageDecoder>) -> Self {
        Self { connection }
    }

    /// The connection, which knows how far the closing handshake is.
    #[must_use]
    pub const fn connection(&self) -> &Connection<M, MessageDecoder> {
        &self.connection
    }

    /// The connection, to go on without the codec. What is left in the read buffer belongs to it.
    #[must_use]
    pub fn into_connection(self) -> Connection<M, MessageDecoder> {
        self.connection
    }
}

impl<M> Decoder for MessageCodec<M> {
    type Item = Message;
    type Error = CodecError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, CodecError> {
        Ok(self.connection.receive(buffer)?)
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, CodecError> {
        let message = self.decode(buffer)?;
        let peer_closed = matches!(self.connection.state(), State::RemoteClosing | State::Closed);
        if message.is_none() && !peer_closed {
            let cut = "the connection ended without a close frame";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, cut).into());
        }
        Ok(message)
    }
}

impl<M: MaskSource> Encoder<Owed> for MessageCodec<M> {
    type Error = CodecError;

    fn encode(&mut self, _: Owed, buffer: &mut BytesMut) -> Result<(), CodecError> {
        Ok(self.connection.reply_to(buffer)?)
    }
}

impl<M: MaskSource, P: AsRef<[u8]>> Encoder<Frame<P>> for MessageCodec<M> {
    type Error = CodecError;

    fn encode(&mut self, frame: Frame<P>, buffer: &mut BytesMut) -> Result<(), CodecError> {
        self.encode(Owed, buffer)?;
        Ok(self.connection.send_to(&frame, buffer)?)
    }
}

impl Encoder<PreparedFrame> for MessageCodec {
    type Error = CodecError;

    fn encode(&mut self, frame: PreparedFrame, buffer: &mut BytesMut) -> Result<(), CodecError> {
        self.encode(Owed, buffer)?;
        buffer.extend_from_slice(&self.connection.writer().send_prepared(&frame)?);
        Ok(())
    }
}
