//! [`MessageStream`], a connection as a `Stream` and a `Sink`.

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
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Wake;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::{poll_read_buf, poll_write_buf};

/// The number of bytes to read at once, and of bytes of memory to keep for writing.
const BUFFER: usize = 8 << 10;

/// A [`Connection`] over a transport of tokio, in either role
/// ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455), sections 5 to 7): a [`Stream`] of
/// [`Message`]s, and a [`Sink`] of them.
///
/// [`send`](Self::send) takes more than messages: text, bytes, frames and prepared frames, in
/// [either role](Connection::with_role).
///
/// It reads whole messages and control frames, within the limits of the connection's decoder. A
/// client masks what it writes. Messages are compressed if [the connection](Connection::deflate)
/// compresses them.
///
/// **Reading does what the protocol demands**: it answers the peer's pings, close frames and
/// errors, even if you never send anything. Reading never waits for writing, so a peer that does
/// not read can still be read. At most one pong waits for such a peer: the answer to its latest
/// ping.
///
/// After the closing handshake the stream shuts the transport, and ends. A server shuts it at once,
/// a client after the server. The stream waits for this without a limit: put `tokio::time::timeout`
/// around `next()` once either side has closed. It also has no deadlines, and no pings of its own.
/// [`WebSocket`](crate::ws::WebSocket) has both.
///
/// [`split`](Self::split) returns two halves for two tasks. `forward` of `StreamExt` connects a
/// stream to a sink.
///
/// A `next()` that is dropped early loses nothing. A `send(frame)` that is dropped while it waits
/// for room loses the frame. If it is dropped later, the frame is still written.
///
/// Memory: the connection, 8 KiB to read into, and the bytes that wait to be written: up to the
/// [high-water mark](Self::high_water_mark) of 8 KiB, a frame, and a pong.
///
/// # Received messages can be sent
///
/// A stream sends messages in the form in which it receives them, so an echo or a relay needs no
/// conversion. A close frame is sent only if neither side has closed. Later close frames are
/// dropped without an error. A message that was [skipped](crate::ws::frame::OnLimit::Skip) has no
/// payload: sending it is the error [`SendError::Skipped`].
///
/// If you send a received ping on, it is a ping of our own. The pong that answers the received ping
/// is sent in any case. Two ends that also sent pings and pongs back would never stop, so an echo
/// sends back only [data](Message::is_data).
///
/// # Errors
/// | the peer's last act | the stream yields | then |
/// |---|---|---|
/// | it sent a close frame | [`Message::Close`] | `None`, once the transport is shut |
/// | it broke the protocol or passed a limit | [`StreamError::Protocol`] | likewise |
/// | anything else, or half of it | [`StreamError::Io`] | `None` |
///
/// In the first two cases, our close frame is under way already. [`StreamError::Io`] has the kind
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the connection was cut ([RFC 6455, section
/// 7.1.5](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5), close code 1006). Otherwise it is
/// the transport's own error.
///
/// A frame that may not be sent now is refused with [`StreamError::Send`]. The connection lives on.
///
/// ```
/// use bytes::BytesMut;
/// use eventwire::ws::{
///     Close, CloseCode, Connection, Limits, Message, MessageStream, StreamError,
/// };
/// use futures_util::StreamExt;
/// use tokio::io::{AsyncRead, AsyncWrite};
///
/// /// Echoes messages, on a connection whose handshake is done. `received` holds the bytes that
/// /// were read after the handshake's head.
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
///
/// # A client over any transport
///
/// With features `handshake` and `getrandom`, this opens a WebSocket over a TCP or TLS stream that
/// is connected. Put a `tokio::time::timeout` around it, because it waits for the server.
///
#[cfg_attr(all(feature = "handshake", feature = "getrandom"), doc = "```no_run")]
#[cfg_attr(not(all(feature = "handshake", feature = "getrandom")), doc = "```ignore")]
/// use bytes::{Buf, BytesMut};
/// use eventwire::ws::handshake::{ClientRequest, os_nonce};
/// use eventwire::ws::{Connection, Limits, MessageStream, OsMaskKeys};
/// use std::error::Error;
/// use std::io;
/// use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
///
/// async fn open<T>(
///     mut transport: T,
///     url: &str,
///     token: &str,
/// ) -> Result<MessageStream<T, OsMaskKeys>, Box<dyn Error>>
/// where
///     T: AsyncRead + AsyncWrite + Unpin,
/// {
///     let request = ClientRequest::from_url(url, os_nonce()?)?
///         .header("Authorization", format!("Bearer {token}"))?;
///     transport.write_all(&request.to_bytes()).await?;
///     transport.flush().await?;
///
///     let mut handshake = request.handshake();
///     let mut received = BytesMut::with_capacity(4096);
///     let head_len = loop {
///         if transport.read_buf(&mut received).await? == 0 {
///             return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
///         }
///         if let Some(response) = handshake.decode(&received)? {
///             break response.head_len();
///         }
///     };
///     received.advance(head_len); // the rest is frames
///     let connection = Connection::client(Limits::new(), OsMaskKeys::new());
///     Ok(MessageStream::new(transport, connection, received))
/// }
/// ```
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct MessageStream<T, M = NoMask> {
    transport: T,
    connection: Connection<M, MessageDecoder>,
    received: BytesMut,
    to_write: BytesMut,
    /// The number of bytes that may wait to be written before the next frame waits too.
    high_water_mark: usize,
    /// Whether something was written that may not have been flushed.
    unflushed: bool,
    reading: Reading,
    writing: Writing,
    tasks: Arc<Tasks>,
}

/// Why a [`MessageStream`] failed. See the table on that type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The transport failed, or it ended before the peer sent a close frame
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
    /// Reading, until both sides have closed.
    Open,
    /// The peer broke the protocol.
    Broken,
    /// Both sides have closed, and the peer has shut the transport.
    Shut,
    Over,
}

#[derive(Debug)]
enum Writing {
    Open,
    /// Writing failed. The next call that can fail returns the error.
    Failed(Option<io::Error>),
    Shut,
}

/// The tasks that wait until more can be written. A transport knows one task, but the halves of a
/// stream have two.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    pub(super) reader: Mutex<Task>,
    writer: Mutex<Task>,
}

/// The task in one of the two places.
#[derive(Debug, Default)]
pub(super) struct Task {
    waker: Option<Waker>,
    /// Whether its last call waits for a write or for the shutdown. A reader that waits only for
    /// the peer is noted too, because it goes on with a write that the other task gives up.
    waits: bool,
}

type Place = fn(&Tasks) -> &Mutex<Task>;

fn lock(task: &Mutex<Task>) -> MutexGuard<'_, Task> {
    task.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tasks {
    /// Notes whether the task in this place still waits. If it does not, wakes the other task if
    /// that one waits for the same, because the transport has forgotten it.
    fn settle(&self, place: Place, waits: bool) {
        lock(place(self)).waits = waits;
        if waits {
            return;
        }
        for task in [&self.reader, &self.writer] {
            if core::mem::take(&mut lock(task).waits) {
                wake(task);
            }
        }
    }
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        for task in [&self.reader, &self.writer] {
            wake(task);
        }
    }
}

fn wake(task: &Mutex<Task>) {
    // The lock is released first, because a waker may poll at once.
    let waker = core::mem::take(&mut *lock(task)).waker;
    waker.into_iter().for_each(Waker::wake);
}

fn note(task: &Mutex<Task>, cx: &Context<'_>) {
    let waker = &mut lock(task).waker;
    match waker {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *waker = Some(cx.waker().clone()),
    }
}

impl<T, M> MessageStream<T, M> {
    /// Creates the stream of a connection from [`Connection::server`] or
    /// [`client`](Connection::client), over the transport that made the handshake. `received` holds
    /// the bytes that were read after the handshake's head. They are decoded first.
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

    /// Sets how many bytes may wait to be written before `send` waits too. The default is 8 KiB,
    /// and the minimum is one byte. The last frame may pass the mark.
    pub fn high_water_mark(mut self, bytes: usize) -> Self {
        self.high_water_mark = bytes.max(1);
        self
    }

    /// Changes the limits on what the peer may send from now on. See [`Connection::set_limits`].
    pub fn set_limits(&mut self, limits: Limits) {
        self.connection.set_limits(limits);
    }

    /// Returns the connection, which knows the state of the closing handshake.
    #[must_use]
    pub const fn connection(&self) -> &Connection<M, MessageDecoder> {
        &self.connection
    }

    /// Returns whether there are no more messages.
    pub(super) fn is_over(&self) -> bool {
        self.reading == Reading::Over
    }

    /// Returns the transport, for example to ask for the peer's address.
    #[must_use]
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    /// Returns the transport, the connection, and the bytes that were received but not decoded, to
    /// go on without the stream. Bytes that still wait to be written are lost, so
    /// [`flush`](Self::flush) first.
    #[must_use]
    pub fn into_parts(self) -> (T, Connection<M, MessageDecoder>, BytesMut) {
        (self.transport, self.connection, self.received)
    }

    /// Splits the stream into a half that sends and a half that receives, for two tasks.
    ///
    /// The receiving half still does what the protocol demands: it answers pings and close frames
    /// even if the other half sends nothing.
    ///
    /// The halves of `StreamExt::split` work too. But their sink takes only messages, and holds
    /// each message back until it is polled again. If the peer's close frame comes in between, the
    /// message is too late.
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
    /// Sends a message, a fragment of one, or a ping of your own: anything that is [a frame or
    /// becomes one](IntoFrame). Waits until it is written.
    ///
    /// # Errors
    /// If the frame may not be sent now, or if the transport fails.
    pub async fn send<F: IntoFrame>(&mut self, frame: F) -> Result<(), StreamError> {
        self.feed(frame).await?;
        self.flush().await
    }

    /// Queues a frame, as [`send`](Self::send) does, but waits only until there is room.
    /// [`flush`](Self::flush) writes the queued bytes, and so does reading.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn feed<F: IntoFrame>(&mut self, frame: F) -> Result<(), StreamError> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        Ok(self.start(frame)?)
    }

    /// Writes everything that waits to be written.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn flush(&mut self) -> Result<(), StreamError> {
        poll_fn(|cx| self.write(cx)).await
    }

    /// Begins the closing handshake, after the bytes that wait to be written, and writes
    /// everything. If either side has closed already, nothing more is sent. Read on until `None`,
    /// because messages that the peer sent before its close frame still come.
    ///
    /// `close` is `None`, a code such as `1000`, or a [`Close`] with a reason: see [`IntoClose`].
    ///
    /// # Errors
    /// If the code is not allowed in a close frame, if the reason is longer than 123 bytes, if
    /// there is no masking key, or if the transport fails.
    pub async fn close<C: IntoClose>(&mut self, close: C) -> Result<(), StreamError> {
        self.begin_close(close)?;
        self.flush().await
    }

    pub(super) fn begin_close<C: IntoClose>(&mut self, close: C) -> Result<(), SendError> {
        let close = close.into_close()?;
        let frame = Frame::close(close.as_ref().map(Close::borrowed))?;
        self.start(frame)
    }

    /// Queues a frame, after the reply that is owed to the peer.
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

    /// Returns whether we shut the writing side once everything is written, rather than after the
    /// peer.
    fn shuts(&self) -> bool {
        self.reading == Reading::Broken
            || self.connection.state() == ConnectionState::Closed
                && self.connection.role() == Role::Server
    }

    /// Queues the reply that is owed to the peer. While other bytes wait, only a close frame is
    /// queued, so that the answer to a later ping can replace a pong.
    fn reply(&mut self) -> Result<(), SendError> {
        if self.to_write.is_empty() || self.connection.owed() == Some(OpCode::Close) {
            self.connection.reply_to(&mut self.to_write)?;
        }
        Ok(())
    }

    /// Writes the waiting bytes and the owed reply, for the task in this place.
    pub(super) fn poll_write(
        &mut self,
        place: Place,
        cx: &Context<'_>,
    ) -> Poll<Result<(), StreamError>> {
        if let Writing::Failed(error) = &mut self.writing {
            let again = || io::Error::new(io::ErrorKind::BrokenPipe, "writing failed before");
            return Poll::Ready(Err(error.take().unwrap_or_else(again).into()));
        }
        self.reply()?;
        note(place(&self.tasks), cx);
        if self.to_write.is_empty() && !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let waker = Waker::from(Arc::clone(&self.tasks));
        let written = self.poll_transport(&mut Context::from_waker(&waker));
        if let Poll::Ready(Err(StreamError::Io(_))) = written {
            self.writing = Writing::Failed(None);
            self.to_write = BytesMut::new();
        }
        self.tasks.settle(place, written.is_pending());
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
            // The memory of a long message is not kept.
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

    /// Writes as much as possible now, for the task that reads. If the transport fails, there may
    /// still be something to read, so the error is kept.
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
    fn poll_shutdown(&mut self, place: Place, cx: &Context<'_>) -> Poll<Result<(), StreamError>> {
        if let Writing::Open = self.writing {
            note(place(&self.tasks), cx);
            let waker = Waker::from(Arc::clone(&self.tasks));
            let mut cx = Context::from_waker(&waker);
            let shut = Pin::new(&mut self.transport).poll_shutdown(&mut cx);
            self.tasks.settle(place, shut.is_pending());
            let shut = ready!(shut);
            self.writing = Writing::Shut;
            shut?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.received.reserve(BUFFER);
        poll_read_buf(Pin::new(&mut self.transport), cx, &mut self.received)
    }

    /// Ends the stream, once it has nothing more to yield. `written` tells how far writing is.
    fn poll_end(&mut self, cx: &mut Context<'_>, written: Poll<()>) -> Poll<()> {
        if !self.shuts() && self.reading == Reading::Open {
            while let 1.. = ready!(self.poll_read(cx)).unwrap_or_default() {
                self.received.clear();
            }
            self.received = BytesMut::new();
            self.reading = Reading::Shut;
        }
        ready!(written);
        // Whether this succeeds or fails, there is nothing more to do.
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
                    // Nothing after a fault is read.
                    self.received = BytesMut::new();
                    self.reading = Reading::Broken;
                    Some(Err(error.into()))
                }
            };
            if let Some(received) = received {
                // The answer is written even if the caller does not read on. A later call returns
                // an error.
                let _ = self.write_along(cx);
                return Poll::Ready(Some(received));
            }
            match ready!(self.poll_read(cx)) {
                Ok(1..) => {}
                // The peer has closed, even if our own close frame could not be written.
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
        let failed = matches!(self.writing, Writing::Failed(_));
        let has_room = !failed && self.to_write.len() < self.high_water_mark;
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

/// Nothing in it is pinned.
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

/// Closing the sink sends a close frame without a code, unless either side has closed.
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
