//! [`WebSocket`], a connection in either role.

use super::byte_stream::ByteStream;
use super::clock;
use super::driven::Driven;
use super::halves::{ReadHalf, WriteHalf, split};
use super::masks::Masks;
use super::tasks::{Side, Tasks};
use super::wire::Wire;
use crate::transport::BoxTransport;
use bytes::BytesMut;
use eventwire::ws::connection::IntoFrame;
use eventwire::ws::frame::{IntoClose, Role};
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Limits, Message, ReadyState, SendError, WebSocket as Machine,
    WebSocketOptions,
};
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// The compression of a connection, and what the handshake agreed on.
#[cfg(all(feature = "axum", feature = "deflate"))]
pub(crate) type Compression = (eventwire::ws::Deflate, eventwire::ws::deflate::DeflateParams);

/// A WebSocket: a [`Stream`] and a [`Sink`] of [`Message`]s, in either role and over any transport.
///
/// [`connect`](super::connect) and [`accept`](super::accept) open one. In a handler of axum,
/// `WebSocketUpgrade` (feature `axum`) does.
///
/// While the socket is used, it answers pings and close frames, sends its own pings, and keeps its
/// deadlines. Use it by receiving: a socket on which nobody waits in [`next`](Self::next) or
/// [`closed`](Self::closed) answers nothing. To send from one task and receive in another,
/// [`split`](Self::split) it.
///
/// Dropping a socket tells the peer that this end goes away (code 1001), if the transport takes
/// that at once, and closes the transport. [`close`](Self::close) waits for the peer's answer.
///
/// Memory: about one KiB while idle, and no buffer. A message that arrives takes what [`Limits`]
/// allow, and messages to be sent wait up to the
/// [high-water mark](WebSocketOptions::high_water_mark).
///
/// ```no_run
/// use eventwire_tokio::ws;
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let mut socket = ws::connect("wss://example.com/chat").await?;
///     socket.send("hello").await?;
///     while let Some(message) = socket.next().await {
///         println!("{}", message?);
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "dropping a WebSocket closes it"]
pub struct WebSocket {
    driven: Box<Driven>,
    /// For a stream and a sink that are used by two tasks, which other crates make of one. Created
    /// on their first use.
    tasks: Option<Tasks>,
}

impl WebSocket {
    /// The options of a socket that sets none, on both sides: the defaults of [`WebSocketOptions`],
    /// and a ping every 20 s. A peer that does not answer for 20 s is given up. A peer that is gone
    /// would otherwise be noticed only when something is sent to it.
    pub const DEFAULT_OPTIONS: WebSocketOptions =
        WebSocketOptions::new().ping_interval(Duration::from_secs(20));

    /// Serves a connection over a transport on which the handshake was made elsewhere, such as
    /// hyper's `Upgraded`. To make the handshake too, use [`accept`](super::accept).
    ///
    /// # Panics
    /// Not here, but a wait with a deadline panics outside a tokio runtime that has timers.
    pub fn server<T>(io: T, options: WebSocketOptions) -> Self
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let machine = Machine::with_role(Role::Server, options, Masks, clock::now());
        let io: BoxTransport = Box::new(io);
        Self::drive(Wire::new(machine, Some(io), BytesMut::new()))
    }

    /// Serves a connection like [`server`](Self::server), after a handshake that chose this
    /// subprotocol and agreed on this compression.
    #[cfg(feature = "axum")]
    pub(crate) fn upgraded<T>(
        io: T,
        options: WebSocketOptions,
        protocol: eventwire::Utf8Bytes,
        #[cfg(feature = "deflate")] compression: Option<Compression>,
    ) -> Self
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let machine = Machine::with_role(Role::Server, options, Masks, clock::now());
        let machine = machine.with_protocol(protocol);
        #[cfg(feature = "deflate")]
        let machine = match compression {
            Some((deflate, agreed)) => machine.deflate(&deflate, Some(agreed)),
            None => machine,
        };
        Self::drive(Wire::new(machine, Some(Box::new(io)), BytesMut::new()))
    }

    pub(super) fn drive(wire: Wire<Machine<Masks>>) -> Self {
        Self { driven: Box::new(Driven::new(wire)), tasks: None }
    }

    pub(super) fn into_wire(self) -> Wire<Machine<Masks>> {
        self.driven.into_wire()
    }

    pub(super) fn poll_side<T>(
        &mut self,
        side: Side,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Driven, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let Self { driven, tasks } = self;
        tasks.get_or_insert_with(Tasks::new).poll(side, cx, || &mut **driven, poll)
    }

    /// Polls for the next message, for the one task that uses this socket.
    pub(crate) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, CloseEvent>>> {
        self.driven.poll_next(cx)
    }

    pub(super) fn push<F: IntoFrame>(&mut self, frame: F) -> Result<(), SendError> {
        self.driven.push(frame)
    }

    /// Closes the connection. Messages are left to the stream.
    pub(super) fn poll_close_sink(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_side(Side::Writer, cx, |driven, cx| {
            driven.begin_close(CloseCode::NORMAL)?;
            driven.poll_closed(false, cx).map(|_| Ok(()))
        })
    }

    /// Waits for the next message. Returns `None` after the end of the connection.
    ///
    /// If the connection did not end with the closing handshake, the item before `None` is an error
    /// that says why. In both cases [`close_event`](Self::close_event) has the peer's code and
    /// reason.
    ///
    /// Messages are [`Message::Text`] and [`Message::Binary`], and others only if the
    /// [options](WebSocketOptions) ask for them.
    ///
    /// Cancel safe: dropping the future loses no message.
    #[inline]
    pub async fn next(&mut self) -> Option<Result<Message, CloseEvent>> {
        if let Some(message) = self.driven.take_message() {
            return Some(Ok(message));
        }
        poll_fn(|cx| self.driven.poll_next(cx)).await
    }

    /// Sends a message: text, bytes, a [`Message`], or anything else that
    /// [becomes a frame](IntoFrame). Waits until the transport has taken it.
    ///
    /// Nothing is received meanwhile. If both ends send a lot without receiving, both wait for each
    /// other until the [pong timeout](WebSocketOptions::pong_timeout) ends the connection. Without
    /// pings there is no such limit. Programs that do that [`split`](Self::split) the socket, and
    /// receive in another task.
    ///
    /// Cancel safe: if the future is dropped, the message was queued whole and will be sent, or
    /// nothing of it will be. It was queued if there was room at the first poll.
    ///
    /// # Errors
    /// [`SendError::Closed`] if the connection has ended or is closing:
    /// [`close_event`](Self::close_event) or [`next`](Self::next) tells the cause. Other errors
    /// leave the connection as it was.
    pub async fn send<F: IntoFrame>(&mut self, message: F) -> Result<(), SendError> {
        let mut message = Some(message);
        poll_fn(|cx| self.driven.poll_send(&mut message, cx)).await
    }

    /// Queues a message like [`send`](Self::send), but waits only if as much waits to be written as
    /// the [high-water mark](WebSocketOptions::high_water_mark) allows.
    ///
    /// The message is written by the next [`next`](Self::next), [`send`](Self::send) or
    /// [`flush`](Self::flush), together with everything else that is queued. This is faster for
    /// many small messages.
    ///
    /// Cancel safe, as [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub async fn feed<F: IntoFrame>(&mut self, message: F) -> Result<(), SendError> {
        if !self.driven.has_room() {
            poll_fn(|cx| self.driven.poll_room(cx)).await?;
        }
        self.driven.push(message)
    }

    /// Queues a message like [`feed`](Self::feed), but does not wait.
    ///
    /// # Errors
    /// [`SendError::Full`] if there is no room. Otherwise as [`send`](Self::send).
    pub fn try_send<F: IntoFrame>(&mut self, message: F) -> Result<(), SendError> {
        self.driven.push(message)
    }

    /// Waits until the transport has taken everything that is queued.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn flush(&mut self) -> Result<(), SendError> {
        poll_fn(|cx| self.driven.poll_flush(cx)).await
    }

    /// Closes the connection with this code and reason, after everything that is queued, and waits
    /// for the peer's answer, but no longer than the
    /// [closing timeout](WebSocketOptions::closing_timeout). Messages that still arrive are
    /// dropped.
    ///
    /// The code is a number, such as 1000, or a [`CloseCode`](super::CloseCode). Returns how the
    /// connection ended. If it had ended or was closing already, the code and reason are not sent.
    ///
    /// Cancel safe: if the future is dropped, the connection goes on closing while it is used.
    ///
    /// # Errors
    /// If the code may not be sent, or the reason is longer than 123 bytes. The connection is then
    /// as it was.
    pub async fn close<'a, C>(&mut self, code: C, reason: &'a str) -> Result<CloseEvent, SendError>
    where
        Close<&'a str, C>: IntoClose,
    {
        self.driven.begin_close(Close::new(code, reason))?;
        Ok(self.closed().await)
    }

    /// Waits for the end of the connection, and returns how it ended. Messages are dropped.
    ///
    /// Cancel safe.
    pub async fn closed(&mut self) -> CloseEvent {
        poll_fn(|cx| self.driven.poll_closed(true, cx)).await
    }

    /// Returns whether there is room for a message.
    pub(crate) fn has_room(&self) -> bool {
        self.driven.has_room()
    }

    /// Begins the closing handshake, unless it has begun.
    pub(crate) fn leave(&mut self, code: CloseCode, reason: &str) {
        self.driven.leave(code, reason);
    }

    /// Waits for the end, like [`closed`](Self::closed).
    pub(crate) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<CloseEvent> {
        self.driven.poll_closed(true, cx)
    }

    /// Returns how the connection ended, or `None` if it has not ended.
    #[must_use]
    pub fn close_event(&self) -> Option<&CloseEvent> {
        self.driven.close_event()
    }

    /// Splits the socket into two halves, for two tasks.
    pub fn split(self) -> (WriteHalf, ReadHalf) {
        split(*self.driven)
    }

    /// Makes a stream of bytes of the socket, for protocols such as MQTT or VNC. It sends and takes
    /// binary messages. Where one ends and the next begins has no meaning.
    pub fn into_byte_stream(self) -> ByteStream {
        ByteStream::new(self)
    }

    /// Returns whether messages may be sent.
    #[must_use]
    pub fn ready_state(&self) -> ReadyState {
        self.driven.machine().ready_state()
    }

    /// Returns the subprotocol in use, or an empty string
    /// ([RFC 6455, section 1.9](https://www.rfc-editor.org/rfc/rfc6455#section-1.9)).
    #[must_use]
    pub fn protocol(&self) -> &str {
        self.driven.machine().protocol()
    }

    /// Returns the extensions in use, in the form of a server's response, or an empty string.
    #[must_use]
    pub fn extensions(&self) -> &str {
        self.driven.machine().extensions()
    }

    /// Returns the time from our last ping to its pong, or `None` before the first pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.driven.machine().round_trip()
    }

    /// Replaces the limits on the peer's messages, from its next message on. Raise them for a
    /// client that has logged in.
    pub fn set_limits(&mut self, limits: Limits) {
        self.driven.machine_mut().set_limits(limits);
    }
}

/// The same as [`WebSocket::next`].
impl Stream for WebSocket {
    type Item = Result<Message, CloseEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_side(Side::Reader, cx, Driven::poll_next)
    }
}

impl FusedStream for WebSocket {
    fn is_terminated(&self) -> bool {
        self.driven.is_terminated()
    }
}

/// The same as [`WebSocket::feed`], [`flush`](WebSocket::flush), and [`close`](WebSocket::close)
/// with code 1000, which leaves messages that still arrive to the [`Stream`]. If nobody takes them
/// there, the peer's answer stays unread after 64 KiB of them, until the closing timeout.
impl Sink<Message> for WebSocket {
    type Error = SendError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_side(Side::Writer, cx, Driven::poll_room)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        self.push(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_side(Side::Writer, cx, Driven::poll_flush)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_close_sink(cx)
    }
}
