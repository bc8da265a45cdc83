//! A connection as a `Stream` and a `Sink`.

use super::halves::{ReadHalf, WriteHalf};
use crate::ws::connection::{
    Connection, ConnectionState, IntoFrame, Message, MessageDecoder, SendError,
};
use crate::ws::frame::{
    Close, Frame, IntoClose, Limits, MaskSource, NoMask, OpCode, ProtocolError, Role,
};
use alloc::sync::Arc;
use bytes::BytesMut;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::task::Wake;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::{poll_read_buf, poll_write_buf};

/// How much is read at once, and how much memory is kept for writing.
const BUFFER: usize = 8 << 10;

/// A [`Connection`] over a transport of tokio, in either role
/// ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455), sections 5 to 7): a [`Stream`] of
/// [`Message`]s, and a [`Sink`] of them.
///
/// [`send`](Self::send) takes more than messages: text, bytes, frames and prepared frames, in
/// [either role](Connection::with_role).
///
/// It reads whole messages and control frames, with the limits of the connection's decoder, and
/// masks what it writes if we are a client. Messages are compressed if [the
/// connection](Connection::deflate) does that.
///
/// **What the protocol demands it does while it is read**: pings are answered, close frames and
/// errors of the peer too, also if nothing is ever sent. Reading never waits for writing, so a peer
/// that does not read can still be read; no more than one pong waits for it then, the answer to its
/// latest ping.
///
/// After the closing handshake it shuts the transport, a server at once and a client after the
/// server, and ends. Neither is waited for longer than you wait: put `tokio::time::timeout` around
/// `next()` once either side has closed. There are no deadlines and no pings of our own either:
/// [`WebSocket`](crate::ws::WebSocket) has those.
///
/// [`split`](Self::split) returns two halves for two tasks. `forward` of `StreamExt` connects a
/// stream to a sink.
///
/// A `next()` that is dropped before it is done loses nothing. A `send(frame)` that is dropped has
/// taken the frame, which goes out later, unless it was still waiting for room: then the frame is
/// lost.
///
/// Memory: the connection, 8 KiB to read into, and what waits to be written: up to the
/// [high-water mark](Self::high_water_mark) of 8 KiB, a frame, and a pong.
///
/// # What was received can be sent
///
/// A stream sends messages as it receives them, so that an echo or a relay needs no conversion. A
/// close frame is sent only if neither side has closed; later ones are dropped without an error. A
/// message that was [skipped](crate::ws::frame::OnLimit::Skip) has no payload:
/// sending it is the error [`SendError::Skipped`].
///
/// A ping that is sent on is a ping of our own. The pong that answers the received one goes out in
/// any case. Two ends that send back their pings and pongs too would do so without end, so an echo
/// sends back what [is data](Message::is_data).
///
/// # Errors
/// | what the peer did last | the stream gives | then |
/// |---|---|---|
/// | it sent a close frame | the [`Message::Close`], which is being answered | `None`, once the transport is shut |
/// | anything else, or half of it | [`StreamError::Io`] of kind [`UnexpectedEof`](io::ErrorKind::UnexpectedEof), as the connection was cut (7.1.5, close code 1006), or the transport's own error | `None` |
/// | it broke the protocol or passed a limit | [`StreamError::Protocol`]; the close frame that answers it is under way | `None`, once the transport is shut |
///
/// A frame that may not be sent now is refused by [`StreamError::Send`], and the connection lives
/// on.
///
/// ```
/// use bytes::BytesMut;
/// use eventwire::ws::{
///     Close, CloseCode, Connection, Limits, Message, MessageStream, StreamError,
/// };
/// use futures_util::StreamExt;
/// use tokio::io::{AsyncRead, AsyncWrite};
///
/// /// Sends back what it gets, on a connection whose handshake is done. `received` is what was read behind
/// /// the handshake's head.
/// async fn echo<T>(transport: T, received: BytesMut) -> Result<(), StreamError>
/// where
///     T: AsyncRead + AsyncWrite + Unpin,
/// {
///     let connection = Connection::server(Limits::new());
///     let mut stream = MessageStream::new(transport, connection, received);
///     while let Some(message) = stream.next().await {
///         let message = message?;
///         if message.is_data() {
///             stream.send(message).await?;
///         }
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (server, client) = tokio::io::duplex(64);
/// let server = tokio::spawn(echo(server, BytesMut::new()));
///
/// let connection = Connection::client(Limits::new(), rand::random::<[u8; 4]>);
/// let mut stream = MessageStream::new(client, connection, BytesMut::new());
/// stream.send("hello").await?;
/// while let Some(message) = stream.next().await {
///     if let Message::Text(text) = message? {
///         assert_eq!(text, "hello");
///         stream.close(Close::new(CloseCode::NORMAL, "bye")).await?;
///     }
/// }
/// server.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct MessageStream<T, M = NoMask> {
    transport: T,
    connection: Connection<M, MessageDecoder>,
    received: BytesMut,
    to_write: BytesMut,
    /// How much may wait to be written before the next frame waits too.
    high_water_mark: usize,
    /// Something was written that may not have been flushed.
    unflushed: bool,
    reading: Reading,
    writing: Writing,
    tasks: Arc<Tasks>,
}

/// Why a [`MessageStream`] failed, which has a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The transport failed, or ended before a close frame of the peer
    /// ([`UnexpectedEof`](io::ErrorKind::UnexpectedEof)).
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The peer broke the protocol or passed a limit.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The frame may not be sent now.
    #[error(transparent)]
    Send(#[from] SendError),
}

#[derive(Debug, PartialEq, Eq)]
enum Reading {
    /// Until both have closed.
    Open,
    /// The peer broke the protocol.
    Broken,
    /// Both have closed, and the peer has shut the transport.
    Shut,
    Over,
}

#[derive(Debug)]
enum Writing {
    Open,
    /// The error is for the next who asks.
    Failed(Option<io::Error>),
    Shut,
}

/// Who waits until more can be written. A transport knows one task, but the halves of a stream have
/// two.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    pub(super) reader: Mutex<Option<Waker>>,
    writer: Mutex<Option<Waker>>,
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        for task in [&self.reader, &self.writer] {
            let waker = task.lock().unwrap_or_else(PoisonError::into_inner).take();
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

fn note(task: &Mutex<Option<Waker>>, cx: &Context<'_>) {
    let mut task = task.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *task {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *task = Some(cx.waker().clone()),
    }
}

impl<T, M> MessageStream<T, M> {
    /// The messages of this connection, from [`Connection::server`] or
    /// [`client`](Connection::client), over the transport on which its handshake was made.
    /// `received` is what was read behind the handshake's head, and is decoded first.
    pub fn new(
        transport: T,
        connection: Connection<M, MessageDecoder>,
        received: BytesMut,
    ) -> Self {
        Self {
            transport,
            connection,
            received,
            to_write: BytesMut::new(),
            high_water_mark: BUFFER,
            unflushed: false,
            reading: Reading::Open,
            writing: Writing::Open,
            tasks: Arc::default(),
        }
    }

    /// Sets how many bytes may wait to be written before `send` waits too, instead of 8 KiB; at
    /// least
    /// 1. The last frame may pass the mark.
    pub fn high_water_mark(mut self, bytes: usize) -> Self {
        self.high_water_mark = bytes.max(1);
        self
    }

    /// Sets what the peer may send from now on, as [`Connection::set_limits`].
    pub fn set_limits(&mut self, limits: Limits) {
        self.connection.set_limits(limits);
    }

    /// The connection, which knows how far the closing handshake is.
    #[must_use]
    pub const fn connection(&self) -> &Connection<M, MessageDecoder> {
        &self.connection
    }

    /// Whether there will be no more messages.
    pub(super) fn is_over(&self) -> bool {
        self.reading == Reading::Over
    }

    /// The transport, such as to ask who the peer is.
    #[must_use]
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    /// The transport, the connection and what was received and not decoded, to go on without the
    /// stream. What still waits to be written is lost: [`flush`](Self::flush) first.
    #[must_use]
    pub fn into_parts(self) -> (T, Connection<M, MessageDecoder>, BytesMut) {
        (self.transport, self.connection, self.received)
    }

    /// Splits the stream into a half that sends and a half that receives, for two tasks.
    ///
    /// What the protocol demands is still done by the receiving half: it answers pings and close
    /// frames although the other half sends nothing.
    ///
    /// The halves of `StreamExt::split` work as well, but their sink takes messages alone, and
    /// keeps each until it is polled again: a message whose successor is the peer's close frame is
    /// then too late.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use eventwire::ws::{Connection, Limits, Message, MessageStream, StreamError};
    /// use futures_util::StreamExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (ours, theirs) = tokio::io::duplex(64);
    /// let connection = Connection::server(Limits::new());
    /// let (sender, receiver) = MessageStream::new(ours, connection, BytesMut::new()).split();
    /// let echo = tokio::spawn(receiver.forward(sender)); // until the client closes
    ///
    /// let connection = Connection::client(Limits::new(), rand::random::<[u8; 4]>);
    /// let stream = MessageStream::new(theirs, connection, BytesMut::new());
    /// let (mut sender, mut receiver) = stream.split();
    /// let sending = tokio::spawn(async move {
    ///     sender.send("hello").await?;
    ///     sender.close(1000).await
    /// });
    /// let Some(message) = receiver.next().await else { unreachable!() };
    /// assert_eq!(message?, Message::from("hello"));
    /// while receiver.next().await.transpose()?.is_some() {} // the closing handshake
    /// sending.await??;
    /// echo.await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn split(self) -> (WriteHalf<T, M>, ReadHalf<T, M>) {
        super::halves::split(self)
    }
}

impl<T, M> MessageStream<T, M>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    /// Sends a message, one of its fragments, or a ping of your own: anything that is
    /// [a frame or becomes one](IntoFrame). Waits until it is written.
    ///
    /// # Errors
    /// If it may not be sent now, or the transport fails.
    pub async fn send<F: IntoFrame>(&mut self, frame: F) -> Result<(), StreamError> {
        self.feed(frame).await?;
        self.flush().await
    }

    /// As [`send`](Self::send), but waits only until there is room. [`flush`](Self::flush) writes
    /// what waits, and reading does too.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn feed<F: IntoFrame>(&mut self, frame: F) -> Result<(), StreamError> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        Ok(self.start(frame)?)
    }

    /// Writes all that waits to be written.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn flush(&mut self) -> Result<(), StreamError> {
        poll_fn(|cx| self.write(cx)).await
    }

    /// Begins the closing handshake, after what waits to be written, and writes that. If either
    /// side has closed already, nothing more is sent. Read on until `None`: what the peer sent
    /// before still comes.
    ///
    /// `close` is `None`, a code such as `1000`, or a [`Close`] with a reason: see [`IntoClose`].
    ///
    /// # Errors
    /// If no close frame may have the code, the reason is longer than 123 bytes, there is no
    /// masking key, or the transport fails.
    pub async fn close<C: IntoClose>(&mut self, close: C) -> Result<(), StreamError> {
        self.begin_close(close)?;
        self.flush().await
    }

    pub(super) fn begin_close<C: IntoClose>(&mut self, close: C) -> Result<(), SendError> {
        let close = close.into_close()?;
        let frame = Frame::close(close.as_ref().map(Close::borrowed))?;
        self.start(frame)
    }

    /// Takes over a frame, after what is owed to the peer.
    pub(super) fn start<F: IntoFrame>(&mut self, frame: F) -> Result<(), SendError> {
        let Self { connection, to_write, .. } = self;
        let closing = connection.state() != ConnectionState::Open;
        if let Some(prepared) = frame.prepared()
            && connection.role() == Role::Server
        {
            if closing && prepared.shape.opcode == OpCode::Close {
                return Ok(());
            }
            connection.reply_to(to_write)?;
            let encoded = connection.writer().share_prepared(prepared)?;
            to_write.extend_from_slice(&encoded.bytes);
            return Ok(());
        }
        let frame = frame.into_frame()?;
        if closing && frame.shape.opcode == OpCode::Close {
            return Ok(());
        }
        connection.reply_to(to_write)?;
        connection.send_to(&frame, to_write)
    }

    /// Whether the writing side is to be shut by us once all is written, and not after the peer's.
    fn shuts(&self) -> bool {
        self.reading == Reading::Broken
            || self.connection.state() == ConnectionState::Closed
                && self.connection.role() == Role::Server
    }

    /// Takes over what is owed to the peer. While something waits that is only a close frame: the
    /// answer to a later ping may take a pong's place.
    fn reply(&mut self) -> Result<(), SendError> {
        if self.to_write.is_empty() || self.connection.owed() == Some(OpCode::Close) {
            self.connection.reply_to(&mut self.to_write)?;
        }
        Ok(())
    }

    /// Writes what waits and what is owed, for the task in this place.
    pub(super) fn poll_write(
        &mut self,
        place: fn(&Tasks) -> &Mutex<Option<Waker>>,
        cx: &Context<'_>,
    ) -> Poll<Result<(), StreamError>> {
        if let Writing::Failed(error) = &mut self.writing {
            let again = || io::Error::new(io::ErrorKind::BrokenPipe, "writing has failed before");
            return Poll::Ready(Err(error.take().unwrap_or_else(again).into()));
        }
        self.reply()?;
        if self.to_write.is_empty() && !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        note(place(&self.tasks), cx);
        let waker = Waker::from(Arc::clone(&self.tasks));
        let written = self.poll_transport(&mut Context::from_waker(&waker));
        if let Poll::Ready(Err(StreamError::Io(_))) = written {
            self.writing = Writing::Failed(None);
            self.to_write = BytesMut::new();
        }
        written
    }

    fn poll_transport(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        loop {
            while !self.to_write.is_empty() {
                let transport = Pin::new(&mut self.transport);
                if ready!(poll_write_buf(transport, cx, &mut self.to_write))? == 0 {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
                }
                self.unflushed = true;
            }
            // A long message's memory is not kept.
            if self.to_write.capacity() > BUFFER {
                self.to_write = BytesMut::new();
            }
            self.reply()?;
            if self.to_write.is_empty() {
                break;
            }
        }
        ready!(Pin::new(&mut self.transport).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    pub(super) fn write(&mut self, cx: &Context<'_>) -> Poll<Result<(), StreamError>> {
        self.poll_write(|tasks| &tasks.writer, cx)
    }

    /// Writes what can be written now, on behalf of who reads. A transport that fails may still
    /// have something to be read; the error is kept.
    fn write_along(&mut self, cx: &Context<'_>) -> Result<Poll<()>, SendError> {
        if let Writing::Failed(_) | Writing::Shut = self.writing {
            return Ok(Poll::Ready(()));
        }
        match self.poll_write(|tasks| &tasks.reader, cx) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(Err(StreamError::Send(error))) => return Err(error),
            Poll::Ready(Err(StreamError::Io(error))) => self.writing = Writing::Failed(Some(error)),
            Poll::Ready(_) => {}
        }
        Ok(Poll::Ready(()))
    }

    /// Shuts the writing side, for the task in this place.
    fn poll_shutdown(
        &mut self,
        place: fn(&Tasks) -> &Mutex<Option<Waker>>,
        cx: &Context<'_>,
    ) -> Poll<Result<(), StreamError>> {
        if let Writing::Open = self.writing {
            note(place(&self.tasks), cx);
            let waker = Waker::from(Arc::clone(&self.tasks));
            let mut cx = Context::from_waker(&waker);
            let shut = ready!(Pin::new(&mut self.transport).poll_shutdown(&mut cx));
            self.writing = Writing::Shut;
            shut?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.received.reserve(BUFFER);
        poll_read_buf(Pin::new(&mut self.transport), cx, &mut self.received)
    }

    /// The end, where nothing more is to be received and `written` is how far writing is.
    fn poll_end(&mut self, cx: &mut Context<'_>, written: Poll<()>) -> Poll<()> {
        if !self.shuts() && self.reading == Reading::Open {
            while let 1.. = ready!(self.poll_read(cx)).unwrap_or_default() {
                self.received.clear();
            }
            self.received = BytesMut::new();
            self.reading = Reading::Shut;
        }
        ready!(written);
        // Whether that goes well or not, there is nothing more to be done.
        self.poll_shutdown(|tasks| &tasks.reader, cx).map(drop)
    }

    pub(super) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, StreamError>>> {
        if self.reading == Reading::Over {
            return Poll::Ready(None);
        }
        loop {
            let written = match self.write_along(cx) {
                Ok(written) => written,
                Err(error) => return self.over(error.into()),
            };
            if self.reading == Reading::Broken || self.connection.state() == ConnectionState::Closed
            {
                ready!(self.poll_end(cx, written));
                self.reading = Reading::Over;
                return Poll::Ready(None);
            }
            let received = match self.connection.receive(&mut self.received) {
                Ok(received) => received.map(Ok),
                Err(error) => {
                    // What follows a fault is nothing.
                    self.received = BytesMut::new();
                    self.reading = Reading::Broken;
                    Some(Err(error.into()))
                }
            };
            if let Some(received) = received {
                // The answer is on its way, even if nobody reads on. What fails is told then.
                let _ = self.write_along(cx);
                return Poll::Ready(Some(received));
            }
            match ready!(self.poll_read(cx)) {
                Ok(1..) => {}
                // The peer has closed, even if it could not be told that we have too.
                _ if self.connection.state() == ConnectionState::RemoteClosing => {
                    self.reading = Reading::Over;
                    return Poll::Ready(None);
                }
                Ok(0) => {
                    let cut = || {
                        let cut = "the connection ended without a close frame";
                        io::Error::new(io::ErrorKind::UnexpectedEof, cut)
                    };
                    let error = match &mut self.writing {
                        Writing::Failed(error) => error.take(),
                        _ => None,
                    };
                    return self.over(error.unwrap_or_else(cut).into());
                }
                Err(error) => return self.over(error.into()),
            }
        }
    }

    fn over(&mut self, error: StreamError) -> Poll<Option<Result<Message, StreamError>>> {
        self.reading = Reading::Over;
        self.received = BytesMut::new();
        Poll::Ready(Some(Err(error)))
    }

    pub(super) fn poll_room(&mut self, cx: &Context<'_>) -> Poll<Result<(), StreamError>> {
        let has_room = self.to_write.len() < self.high_water_mark;
        if has_room { Poll::Ready(Ok(())) } else { self.write(cx) }
    }

    pub(super) fn poll_close_and_shut(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), StreamError>> {
        self.begin_close(None)?;
        ready!(self.write(cx))?;
        if !self.shuts() {
            return Poll::Ready(Ok(()));
        }
        self.poll_shutdown(|tasks| &tasks.writer, cx)
    }
}

/// Nothing is pinned in it.
impl<T: Unpin, M> Unpin for MessageStream<T, M> {}

impl<T, M> Stream for MessageStream<T, M>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    type Item = Result<Message, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_message(cx)
    }
}

impl<T, M> FusedStream for MessageStream<T, M>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    fn is_terminated(&self) -> bool {
        self.is_over()
    }
}

/// Closing it sends a close frame without a code, unless either side has closed.
impl<T, M> Sink<Message> for MessageStream<T, M>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    type Error = StreamError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.get_mut().poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), StreamError> {
        Ok(self.get_mut().start(message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.get_mut().write(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.get_mut().poll_close_and_shut(cx)
    }
}
