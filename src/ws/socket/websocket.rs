//! [`WebSocket`]: a connection with a send queue, deadlines and timeouts.

use super::close_event::{CloseEvent, Failure};
use super::heartbeat::RoundTrip;
use super::send_queue::SendQueue;
use super::state::{Closing, Open, Silence, State, Transport};
use super::to_write::{Parts, ToWrite};
use super::transport_error::TransportError;
use super::websocket_event::{Flow, ReadyState, WebSocketEvent};
use super::websocket_options::WebSocketOptions;
use crate::Utf8Bytes;
use crate::last_chance::LastChance;
use crate::ws::connection::{
    Connection, ConnectionState, IntoFrame, Message, MessageDecoder, PreparedFrame, SendError,
};
use crate::ws::deflate::{Agreed, Deflate, DeflateParams};
use crate::ws::frame::{
    Close, CloseCode, Frame, IntoClose, Limits, MaskSource, NoMask, NoMaskKey, OpCode, Role,
};
use alloc::boxed::Box;
use bytes::{Bytes, BytesMut};
use core::error::Error;
use core::time::Duration;

/// A deadline that has always passed. [`WebSocket::poll`] has an event to report, or needs to be
/// told the time.
const AT_ONCE: Duration = Duration::ZERO;

/// A WebSocket with the interface that web pages know ([WHATWG WebSockets]), in either role,
/// without its transport. It takes bytes and the time, and returns events, bytes and deadlines.
///
/// Time is a [`Duration`] since a fixed start, which is the same for all calls, such as
/// [`Instant::elapsed`](std::time::Instant::elapsed) of an instant that the program keeps. It is
/// not an `Instant`, because a machine without an operating system has none, and a test sets its
/// own time. Run this loop around the transport:
///
/// 1. Call [`poll`](Self::poll) with the received bytes until it returns `None`. After
///    [`WebSocketEvent::Close`], drop the transport.
/// 2. Write [`to_write`](Self::to_write). If [`wants_shutdown`](Self::wants_shutdown) then returns
///    `true`, shut the writing side.
/// 3. Wait until there is more to read, there is room to write the rest, or
///    [`deadline`](Self::deadline) passes. Keep to the deadline while the transport shuts down too,
///    which can take a while over TLS or HTTP/2. If reading ends or fails, call
///    [`end_of_stream`](Self::end_of_stream) or [`read_failed`](Self::read_failed), and read no
///    more. If writing fails, call [`write_failed`](Self::write_failed).
///
/// A peer is never given up while input from it may still be unread. If a deadline has passed when
/// `poll` is called, the peer first gets a last chance: a tenth of the timeout more, but at most
/// one second. In that time, step 3 reads the input that is available. If the next call comes a
/// second late, the peer gets another chance, up to three in a row. So a program that was stopped
/// for a while, or was busy, keeps its connections.
///
/// Memory: that of [`MessageDecoder`], and of the send queue. The queue holds at most the
/// [high-water mark](WebSocketOptions::high_water_mark), one message, and one frame of each other
/// kind. A peer that does not read cannot make it larger.
///
/// Both ends, without a network between them:
///
/// [WHATWG WebSockets]: https://websockets.spec.whatwg.org/#the-websocket-interface
///
#[cfg_attr(feature = "handshake", doc = "```")]
#[cfg_attr(not(feature = "handshake"), doc = "```ignore")]
/// use bytes::{BufMut, BytesMut};
/// use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
/// use eventwire::ws::{Close, Flow, ReadyState, WebSocket, WebSocketEvent, WebSocketOptions};
/// use std::time::Duration;
///
/// let now = Duration::ZERO;
/// let request = ClientRequest::from_url("ws://example.com/chat", rand::random())?;
/// let masks = rand::random::<[u8; 4]>;
/// let mut client = WebSocket::connect(&request, WebSocketOptions::new(), masks, now);
/// let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
/// to_server.put(client.to_write(now));
///
/// let accepted = ServerHandshake::new().decode(&to_server)?.expect("a whole request");
/// to_client.put(accepted.accept().to_bytes());
/// to_server.clear();
/// let mut server = WebSocket::server(WebSocketOptions::new(), now);
/// assert_eq!(server.poll(&mut to_server, now), Some(WebSocketEvent::Open));
///
/// assert_eq!(client.poll(&mut to_client, now), Some(WebSocketEvent::Open));
/// assert_eq!(client.send("hello")?, Flow::Ready);
/// client.close(Close::new(1000, "bye"), now)?;
/// assert_eq!(client.ready_state(), ReadyState::Closing);
/// to_server.put(client.to_write(now));
///
/// assert_eq!(server.poll(&mut to_server, now), Some(WebSocketEvent::Text("hello".into())));
/// assert_eq!(server.poll(&mut to_server, now), None); // and the close frame is answered
/// to_client.put(server.to_write(now));
/// assert!(server.wants_shutdown());
///
/// client.end_of_stream(now); // as the server shuts the transport
/// let Some(WebSocketEvent::Close(close)) = client.poll(&mut to_client, now) else {
///     unreachable!()
/// };
/// assert_eq!((close.code, &*close.reason, close.was_clean), (1000, "bye", true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WebSocket<M = NoMask> {
    connection: Connection<M, MessageDecoder>,
    queue: SendQueue,
    state: State,
    transport: Transport,
    options: WebSocketOptions,
    round_trip: RoundTrip,
    protocol: Utf8Bytes,
    /// The compression that is in use.
    agreed: Option<Agreed>,
    /// The transport's first error.
    transport_error: Option<TransportError>,
    /// The last chance of a peer that was silent until a deadline.
    chance: LastChance,
    /// The time when the peer last sent something, or when the connection was reported as open.
    last_heard: Duration,
    /// The number of bytes that the last call left in the buffer.
    unread: usize,
}

impl WebSocket {
    /// Creates a WebSocket for a connection that we serve, from the first byte after the handshake:
    /// one that [`handshake`](crate::ws::handshake) accepted, or that hyper or axum upgraded.
    #[must_use]
    pub fn server(options: WebSocketOptions, now: Duration) -> Self {
        let connection = Connection::server(options.limits);
        Self::new(connection, State::OPENING, options, now)
    }
}

impl<M: MaskSource> WebSocket<M> {
    /// Creates a WebSocket for a connection that we opened, from the first byte after a handshake
    /// that was made elsewhere.
    #[must_use]
    pub fn client(options: WebSocketOptions, masks: M, now: Duration) -> Self {
        let connection = Connection::client(options.limits, masks);
        Self::new(connection, State::OPENING, options, now)
    }

    /// A connection from the first byte after the handshake, which was made elsewhere, for a
    /// program that learns its own role at run time. A server drops `masks`.
    ///
    /// ```
    /// use eventwire::ws::frame::Role;
    /// use eventwire::ws::{WebSocket, WebSocketOptions};
    /// use std::time::Duration;
    ///
    /// /// One type for both roles.
    /// type Socket = WebSocket<fn() -> [u8; 4]>;
    ///
    /// fn open(role: Role, now: Duration) -> Socket {
    ///     WebSocket::with_role(role, WebSocketOptions::new(), rand::random, now)
    /// }
    ///
    /// let socket = open(Role::Server, Duration::ZERO);
    /// assert_eq!(socket.role(), Role::Server);
    /// ```
    #[must_use]
    pub fn with_role(role: Role, options: WebSocketOptions, masks: M, now: Duration) -> Self {
        let connection = Connection::with_role(role, options.limits, masks);
        Self::new(connection, State::OPENING, options, now)
    }

    pub(super) fn new(
        connection: Connection<M, MessageDecoder>,
        state: State,
        options: WebSocketOptions,
        now: Duration,
    ) -> Self {
        Self {
            connection,
            queue: SendQueue::default(),
            state,
            transport: Transport { readable: true, writable: true },
            options,
            round_trip: RoundTrip::default(),
            protocol: Utf8Bytes::default(),
            agreed: None,
            transport_error: None,
            chance: LastChance::new(),
            last_heard: now,
            unread: 0,
        }
    }

    /// Queues the request of an opening handshake.
    #[cfg(feature = "handshake")]
    pub(super) fn with_request(mut self, request: &[u8]) -> Self {
        self.queue.push_bytes(request);
        self
    }

    /// Compresses and inflates messages as agreed in a handshake that was made elsewhere; with
    /// `None`, nothing was agreed. Call this on a new WebSocket only. [`connect`](Self::connect)
    /// does it automatically.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: &Deflate, agreed: Option<DeflateParams>) -> Self {
        self.set_deflate(deflate, agreed);
        self
    }

    /// Notes the subprotocol that was chosen in a handshake that was made elsewhere, for
    /// [`protocol`](Self::protocol). [`connect`](Self::connect) does it automatically.
    #[must_use]
    pub fn with_protocol(mut self, protocol: impl Into<Utf8Bytes>) -> Self {
        self.protocol = protocol.into();
        self
    }

    fn set_deflate(&mut self, deflate: &Deflate, agreed: Option<DeflateParams>) {
        self.connection.set_deflate(deflate, agreed);
        self.agreed = agreed.map(Agreed::new);
    }

    /// Returns the next event, which comes from the received bytes or from time. Call again until
    /// this returns `None`.
    ///
    /// Bytes that were taken are removed from the front of `received`. **Keep the rest, and append
    /// to it.** Also call this when [`deadline`](Self::deadline) has passed although nothing was
    /// received, and after [`end_of_stream`](Self::end_of_stream). Received bytes count before
    /// deadlines. Messages that the peer sent before it answered our close frame are still
    /// reported.
    pub fn poll(&mut self, received: &mut BytesMut, now: Duration) -> Option<WebSocketEvent> {
        if received.len() > self.unread {
            self.last_heard = now;
            if let State::Open(open) = &mut self.state {
                open.heard(now);
            }
        }
        let event = self.receive(received, now);
        self.unread = received.len();
        if let State::Open(open) = &mut self.state {
            open.report(event.as_ref().map(WebSocketEvent::is_message), now);
        }
        event.or_else(|| self.time_event(now, self.transport.readable))
    }

    /// Returns the next message, if it came together with the last one and is whole. Otherwise call
    /// [`poll`](Self::poll).
    ///
    /// This needs no time. It saves reading the clock for each of many short messages that one read
    /// brought. A loop that only calls `poll` gets the same events.
    #[inline]
    pub fn poll_message(&mut self, received: &mut BytesMut) -> Option<Message> {
        let State::Open(open) = &mut self.state else { return None };
        // New bytes are a sign of life, which has a time.
        if received.len() > self.unread || !open.reported_message() {
            return None;
        }
        let message = self.connection.receive_whole(received)?;
        self.unread = received.len();
        Some(message)
    }

    /// Returns the next event of time alone. Call this instead of [`poll`](Self::poll) while the
    /// application takes no messages because it has no room for them. The idle and message timeouts
    /// do not run meanwhile, because the input may be waiting unread. The pong timeout runs only
    /// while bytes wait to be written, and starts again with each byte that the transport takes, so
    /// a peer that stops reading is still detected. Once the transport has ended, call
    /// [`poll`](Self::poll).
    pub fn poll_time(&mut self, now: Duration) -> Option<WebSocketEvent> {
        if let State::Open(open) = &mut self.state {
            open.begin_silence(now);
            if !self.round_trip.is_ping_queued() {
                open.heartbeat.unread(!self.queue.is_empty(), now);
            }
        }
        self.time_event(now, true)
    }

    /// Returns the next event of the received bytes.
    fn receive(&mut self, received: &mut BytesMut, now: Duration) -> Option<WebSocketEvent> {
        match &mut self.state {
            State::Connecting(connecting) => match connecting.receive(received)? {
                Ok(accepted) => {
                    self.state = State::Opening(connecting.closing().take());
                    self.protocol = accepted.subprotocol;
                    if let Some((deflate, agreed)) = accepted.compression {
                        self.set_deflate(&deflate, agreed);
                    }
                    None
                }
                Err(failure) => Some(self.finish(Some(failure))),
            },
            State::Closing(closing) if matches!(closing.failure, Some(Failure::Local)) => {
                received.clear();
                None
            }
            State::Open(_) | State::CloseSent | State::Closing(_) => {
                self.receive_message(received, now)
            }
            State::Opening(_) | State::Aborted | State::Closed => None,
        }
    }

    fn receive_message(
        &mut self,
        received: &mut BytesMut,
        now: Duration,
    ) -> Option<WebSocketEvent> {
        loop {
            let mut shown = None;
            match self.connection.receive(received) {
                Ok(Some(Message::Text(text))) => shown = Some(WebSocketEvent::Text(text)),
                Ok(Some(Message::Binary(bytes))) => shown = Some(WebSocketEvent::Binary(bytes)),
                Ok(Some(Message::Skipped(error))) => shown = Some(WebSocketEvent::Skipped(error)),
                Ok(Some(Message::Ping(payload))) => {
                    shown = self.options.control_events.then_some(WebSocketEvent::Ping(payload));
                }
                Ok(Some(Message::Pong(payload))) => {
                    self.round_trip.pong(&payload, now);
                    shown = self.options.control_events.then_some(WebSocketEvent::Pong(payload));
                }
                Ok(Some(Message::Close(close))) => {
                    let said = |close: Close<_>| (close.code.get(), close.reason);
                    let nothing = (CloseEvent::NO_STATUS, Utf8Bytes::default());
                    if let Some(closing) = self.begin_closing(now) {
                        closing.peer = Some(close.map_or(nothing, said));
                    }
                }
                Ok(None) => return self.reply_or_fail(),
                Err(error) => {
                    // Bytes after a fault have no meaning, and must not accumulate.
                    received.clear();
                    if let Some(closing) = self.begin_closing(now) {
                        closing.failure.get_or_insert(Failure::Protocol(error));
                    }
                    return self.reply_or_fail();
                }
            }
            if shown.as_ref().is_some_and(WebSocketEvent::is_message) {
                return shown;
            }
            let end = self.reply_or_fail();
            if end.is_some() || shown.is_some() {
                return end.or(shown);
            }
        }
    }

    fn reply_or_fail(&mut self) -> Option<WebSocketEvent> {
        self.reply().err().map(|failure| self.finish(Some(failure)))
    }

    /// Queues the reply that the peer is owed. While the queue is full, at most one pong is queued.
    /// The next pong then answers the latest ping.
    fn reply(&mut self) -> Result<(), Failure> {
        let Some(opcode) = self.connection.owed() else { return Ok(()) };
        if opcode == OpCode::Pong && self.is_full() && self.queue.has_pong() {
            return Ok(());
        }
        let Self { connection, queue, .. } = self;
        queue.push(opcode, false, |tail| connection.append_reply(tail)).map_err(unsendable)
    }

    /// Returns the next event of time. `readable` says whether more may be received.
    fn time_event(&mut self, now: Duration, readable: bool) -> Option<WebSocketEvent> {
        if matches!(self.state, State::CloseSent) {
            self.begin_closing(now);
        }
        let Self { state, chance, options, .. } = self;
        match state {
            State::Connecting(connecting) => {
                let (deadline, timeout) = connecting.patience(options);
                let late = chance.was_missed(deadline, timeout, now);
                if readable && !late {
                    return None;
                }
                let failure = connecting.refused().unwrap_or_else(|| {
                    let cut = !readable || !self.transport.writable;
                    if cut { self.cut() } else { Failure::HandshakeTimeout }
                });
                Some(self.finish(Some(failure)))
            }
            State::Opening(closing) => {
                *state = match closing.take() {
                    Some(closing) => State::Closing(closing),
                    None if self.connection.state() == ConnectionState::Open => {
                        State::Open(Open::new(options, now))
                    }
                    None => State::CloseSent,
                };
                self.last_heard = now;
                Some(WebSocketEvent::Open)
            }
            State::Open(_) => {
                let kept = self.keep_alive(now);
                kept.err().map(|failure| self.finish(Some(failure)))
            }
            State::Closing(closing) => {
                let late = chance.was_missed(closing.deadline, options.closing_timeout, now);
                (late || !readable && self.can_end()).then(|| self.finish(None))
            }
            State::Aborted => Some(self.finish(None)),
            State::CloseSent | State::Closed => None,
        }
    }

    /// Judges the peer's silence, and sends a ping that is due.
    fn keep_alive(&mut self, now: Duration) -> Result<(), Failure> {
        let Self { state: State::Open(open), chance, options, .. } = self else { return Ok(()) };
        open.heartbeat.catch_up(now);
        let patience = open.patience(options);
        if patience.is_none() {
            chance.clear();
        }
        let silence = patience.and_then(|(deadline, timeout, silence)| {
            chance.was_missed(deadline, timeout, now).then_some(silence)
        });
        match silence {
            Some(Silence::NoPong) => Err(Failure::PongTimeout),
            Some(Silence::Idle) => {
                let close = Close { code: CloseCode::GOING_AWAY, reason: "idle" };
                self.queue_close(Some(close), now).map_err(unsendable)
            }
            None if open.heartbeat.is_due(options, now) => self.ping(),
            None => Ok(()),
        }
    }

    /// Queues a ping, unless one is queued already: a peer that sends but does not read needs no
    /// more than one.
    fn ping(&mut self) -> Result<(), Failure> {
        let is_ours = !self.queue.has_ping();
        if is_ours {
            let ping = Frame::new(OpCode::Ping, &[][..]);
            self.push(&ping).map_err(unsendable)?;
        }
        if is_ours || !self.round_trip.is_our_ping_queued() {
            self.round_trip.ping_queued(self.queue.len(), is_ours);
        }
        Ok(())
    }

    /// Returns the bytes to write now, which may be none. [`Buf::advance`](bytes::Buf::advance)
    /// removes those that were written, and `tokio::io::AsyncWriteExt::write_buf` calls it. Call
    /// again until nothing remains, even if one write took everything. The last call tells when
    /// writing ended, and the [pong timeout](WebSocketOptions::pong_timeout) starts then. Without
    /// that call, it starts at the next call of [`poll`](Self::poll), so a dead peer is found later.
    ///
    /// Long payloads that are [shared](WebSocket::send_shared) are chunks of their own: see
    /// [`Buf::chunks_vectored`](bytes::Buf::chunks_vectored). Call this anew for each write,
    /// because `now` is the time of the write. Flush a transport that buffers, as TLS may, once
    /// nothing remains.
    pub fn to_write(&mut self, now: Duration) -> ToWrite<'_> {
        if let State::Open(open) = &mut self.state {
            open.heartbeat.catch_up(now);
        }
        // A pong may have waited for the one before it. If it cannot be sent, the next poll reports
        // that.
        let _ = self.reply();
        let Self { queue, state, round_trip, options, .. } = self;
        let closes_at = now.saturating_add(options.closing_timeout);
        let parts = Parts { queue, state, round_trip, closes_at, unsent: None };
        ToWrite { parts: self.transport.writable.then_some(parts), now }
    }

    /// Sends a message, one of its fragments, or a ping of your own: anything that is
    /// [a frame or becomes one](IntoFrame). Returns whether more may be sent now.
    ///
    /// The payload is copied to the queue, and compressed or masked there if it has to be.
    ///
    /// ```
    /// use eventwire::ws::{Flow, Frame, WebSocket, WebSocketOptions};
    /// use std::time::Duration;
    ///
    /// let mut socket = WebSocket::server(WebSocketOptions::new(), Duration::ZERO);
    /// assert_eq!(socket.send("hello")?, Flow::Ready);
    /// assert_eq!(socket.send(vec![1, 2, 3])?, Flow::Ready);
    /// assert_eq!(socket.send(Frame::ping(b"?")?)?, Flow::Ready);
    /// # Ok::<(), eventwire::ws::SendError>(())
    /// ```
    ///
    /// # Errors
    /// If the connection is not open or no longer open, the previous message is unfinished, the
    /// queue is full, the value [has no frame](IntoFrame::into_frame), or there is no masking key. The
    /// connection goes on.
    pub fn send<F: IntoFrame>(&mut self, frame: F) -> Result<Flow, SendError> {
        if let Some(prepared) = frame.prepared() {
            return self.send_prepared(prepared);
        }
        let frame = frame.into_frame()?;
        self.check(frame.shape.opcode)?;
        self.push(&frame)?;
        Ok(self.sent(frame.shape.opcode))
    }

    /// Sends like [`send`](Self::send), but does not copy a long payload, unless the payload is
    /// compressed or, on a client, masked.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_shared<F>(&mut self, frame: F) -> Result<Flow, SendError>
    where
        F: IntoFrame<Payload = Bytes>,
    {
        let frame = frame.into_frame()?;
        let opcode = frame.shape.opcode;
        self.check(opcode)?;
        if self.role() == Role::Client || self.connection.writer().compresses(&frame) {
            return self.send(&frame);
        }
        let (header, payload) = self.connection.writer().share(frame)?;
        self.queue.push_shared(opcode, &header, payload);
        Ok(self.sent(opcode))
    }

    /// Sends like [`send`](Self::send), but takes a frame that was encoded for many receivers. A
    /// client encodes it anew, because each of its frames has its own masking key.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_prepared(&mut self, frame: &PreparedFrame) -> Result<Flow, SendError> {
        let opcode = frame.shape.opcode;
        self.check(opcode)?;
        if self.role() == Role::Client {
            return self.send(frame.frame());
        }
        let encoded = self.connection.writer().share_prepared(frame)?;
        self.queue.push_encoded(opcode, encoded);
        Ok(self.sent(opcode))
    }

    /// Queues a frame, even if the queue is full.
    pub(super) fn push<P: AsRef<[u8]>>(&mut self, frame: &Frame<P>) -> Result<(), SendError> {
        let Self { connection, queue, .. } = self;
        queue.push(frame.shape.opcode, false, |tail| {
            connection.writer().append_to(frame, tail).map(Some)
        })
    }

    /// Queues a message like [`push`](Self::push). Its sender keeps it until it is written.
    pub(super) fn push_kept(&mut self, message: &Frame<&[u8]>) -> Result<(), SendError> {
        let Self { connection, queue, .. } = self;
        queue.push(message.shape.opcode, true, |tail| {
            connection.writer().append_to(message, tail).map(Some)
        })
    }

    pub(super) fn check(&self, opcode: OpCode) -> Result<(), SendError> {
        match self.state {
            State::Connecting(_) => return Err(SendError::Connecting),
            State::Opening(_) | State::Open(_) | State::CloseSent | State::Closing(_) => {}
            State::Aborted | State::Closed => return Err(SendError::Closed),
        }
        if !opcode.is_control() && self.is_full() { Err(SendError::Full) } else { Ok(()) }
    }

    /// Begins the closing handshake, after everything that is queued. A connection that is not open
    /// yet ends with [`Failure::Aborted`]. If the connection is closing or closed already, this
    /// does nothing.
    ///
    /// `close` is `None`, a code such as `1000`, or a [`Close`] with a reason: see [`IntoClose`].
    ///
    /// # Errors
    /// If the reason is longer than 123 bytes, the code is not allowed in a close frame, no [web page
    /// may use it](WebSocketOptions::browser_close_codes), or there is no masking key. Nothing
    /// happens then.
    pub fn close<C: IntoClose>(&mut self, close: C, now: Duration) -> Result<(), SendError> {
        let close = close.into_close()?;
        let close = close.as_ref().map(Close::borrowed);
        self.check_code(close)?;
        self.queue_close(close, now)
    }

    /// Checks that the options allow the code.
    pub(super) fn check_code(&self, close: Option<Close<&str>>) -> Result<(), SendError> {
        let forbidden = |code: &CloseCode| !matches!(code.get(), 1000 | 3000..=4999);
        if self.options.browser_close_codes
            && let Some(code) = close.map(|close| close.code).filter(forbidden)
        {
            return Err(SendError::ReservedCloseCode(code));
        }
        Ok(())
    }

    fn queue_close(&mut self, close: Option<Close<&str>>, now: Duration) -> Result<(), SendError> {
        let frame = Frame::close(close)?;
        match self.state {
            State::Connecting(_) => self.state = State::Aborted,
            State::Opening(_) | State::Open(_) | State::Closing(_)
                if self.connection.state() == ConnectionState::Open =>
            {
                self.push(&frame)?;
                self.begin_closing(now);
            }
            _ => {}
        }
        Ok(())
    }

    /// Fails the connection ([RFC 6455, section 7.1.7]): tells the peer why, after everything that
    /// is queued, and then asks for the transport to be shut, without waiting for the peer's
    /// answer. Anything that the peer still sends is dropped.
    ///
    /// The last event comes when the transport ends, or after the [closing
    /// timeout](WebSocketOptions::closing_timeout) at the latest. Its failure is
    /// [`Failure::Local`]. If the connection is not open yet, this is the same as
    /// [`close`](Self::close). After a close frame from the peer, this does nothing.
    ///
    /// [RFC 6455, section 7.1.7]: https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
    ///
    /// ```
    /// use eventwire::ws::{Close, CloseCode, SendError, WebSocket};
    /// use std::time::Duration;
    ///
    /// /// Fails the connection of a client that did not log in.
    /// fn refuse(socket: &mut WebSocket, now: Duration) -> Result<(), SendError> {
    ///     socket.fail(Close::new(CloseCode::POLICY_VIOLATION, "no login"), now)
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn fail<C: IntoClose>(&mut self, close: C, now: Duration) -> Result<(), SendError> {
        self.close(close, now)?;
        if self.connection.state() == ConnectionState::LocalClosing
            && let Some(closing) = self.begin_closing(now)
        {
            closing.failure.get_or_insert(Failure::Local);
            self.connection.writer().peer_closed();
        }
        Ok(())
    }

    /// Returns the last event. Its failure is the one that was known before, or else `failure`.
    fn finish(&mut self, failure: Option<Failure>) -> WebSocketEvent {
        let (known, peer) = match core::mem::replace(&mut self.state, State::Closed) {
            State::Closing(closing) => (closing.failure, closing.peer),
            State::Aborted => (Some(Failure::Aborted), None),
            _ => (None, None),
        };
        let mut failure = known.or(failure);
        let was_clean = failure.is_none()
            && self.connection.state() == ConnectionState::Closed
            && self.queue.is_empty();
        if !was_clean && failure.is_none() {
            let cut = !self.transport.readable || !self.transport.writable;
            failure = Some(if cut { self.cut() } else { Failure::ClosingTimeout });
        }
        let (code, reason) = peer.unwrap_or((CloseEvent::ABNORMAL, Utf8Bytes::default()));
        WebSocketEvent::Close(CloseEvent { code, reason, was_clean, failure })
    }
}

impl<M> WebSocket<M> {
    /// Notes that the transport has ended and there is nothing more to read. Call
    /// [`poll`](Self::poll) once more.
    pub fn end_of_stream(&mut self, now: Duration) {
        self.transport.readable = false;
        self.begin_closing(now);
    }

    /// Notes that reading failed with this error of the transport, and that there is nothing more
    /// to read. Call [`poll`](Self::poll) once more. The error becomes the
    /// [source](core::error::Error::source) of the failure in the [`CloseEvent`], unless an error
    /// came before, or the connection had closed.
    pub fn read_failed(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>, now: Duration) {
        self.transport_error.get_or_insert_with(|| TransportError::new(error));
        self.end_of_stream(now);
    }

    /// Notes that writing failed with this error of the transport, and that nothing more can be
    /// written. Read on: the peer's last messages may still arrive, before the transport ends. If
    /// it does not end, the [closing timeout](WebSocketOptions::closing_timeout) ends the wait. The
    /// error is kept like that of [`read_failed`](Self::read_failed).
    pub fn write_failed(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>, now: Duration) {
        self.transport_error.get_or_insert_with(|| TransportError::new(error));
        self.transport.writable = false;
        self.begin_closing(now);
    }

    /// Returns whether the connection is open, and has reported that.
    pub(super) const fn has_opened(&self) -> bool {
        matches!(self.state, State::Open(_) | State::CloseSent | State::Closing(_))
    }

    /// Begins to close with the closing timeout, counted from `now`, unless closing has begun
    /// already. Returns `None` if the connection has ended.
    fn begin_closing(&mut self, now: Duration) -> Option<&mut Closing> {
        self.state.begin_closing(now.saturating_add(self.options.closing_timeout))
    }

    /// Returns the failure of a connection whose transport ended or failed.
    fn cut(&self) -> Failure {
        self.transport_error.clone().map_or(Failure::EndOfStream, Failure::Transport)
    }

    /// Returns whether to shut the writing side of the transport now, because nothing more will be
    /// written. A server shuts it once both close frames are out. Either side shuts it once a peer
    /// that broke the protocol was told, and after [`fail`](Self::fail) ([RFC 6455, section 7.1.1],
    /// [RFC 6455, section 7.1.7]). This returns `true` until the last event. Read on until then.
    ///
    /// [RFC 6455, section 7.1.1]: https://www.rfc-editor.org/rfc/rfc6455#section-7.1.1
    /// [RFC 6455, section 7.1.7]: https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
    #[must_use]
    pub fn wants_shutdown(&self) -> bool {
        let State::Closing(closing) = &self.state else { return false };
        self.connection.state() == ConnectionState::Closed
            && self.queue.is_empty()
            && (self.connection.role() == Role::Server || closing.failure.is_some())
    }

    /// Returns whether the connection can end once nothing more can be read. It cannot while our
    /// reply to the peer's close frame is queued.
    const fn can_end(&self) -> bool {
        !self.transport.writable
            || self.queue.is_empty()
            || !matches!(self.connection.state(), ConnectionState::Closed)
    }

    /// Returns the latest time to call [`poll`](Self::poll), even if nothing was received. This is
    /// `None` if no event is due by time alone: while the connection is open without pings and
    /// without timeouts for silence, and after the last event.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let options = &self.options;
        match &self.state {
            State::Connecting(_) if !self.transport.readable => Some(AT_ONCE),
            State::Connecting(connecting) => {
                let (deadline, _) = connecting.patience(options);
                Some(self.chance.deadline(deadline))
            }
            State::Opening(_) | State::CloseSent | State::Aborted => Some(AT_ONCE),
            State::Open(open) => {
                let patience = open.patience(options);
                let silence = patience.map(|(deadline, ..)| self.chance.deadline(deadline));
                silence.into_iter().chain(open.heartbeat.next_ping(options)).min()
            }
            State::Closing(_) if !self.transport.readable && self.can_end() => Some(AT_ONCE),
            State::Closing(closing) => Some(self.chance.deadline(closing.deadline)),
            State::Closed => None,
        }
    }

    /// Replaces the [limits](WebSocketOptions::limits) from the peer's next data frame on. See
    /// [`MessageDecoder::set_limits`] for an unfinished message.
    ///
    /// ```
    /// use eventwire::ws::{Limits, WebSocket, WebSocketOptions};
    /// use std::time::Duration;
    ///
    /// let options = WebSocketOptions::new().limits(Limits::new().max_message(1024));
    /// let mut socket = WebSocket::server(options, Duration::ZERO);
    /// // Once the client has logged in:
    /// socket.set_limits(Limits::new().max_message(16 << 20));
    /// ```
    pub fn set_limits(&mut self, limits: Limits) {
        self.options.limits = limits;
        self.connection.set_limits(limits);
    }

    /// Returns which end of the connection this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.connection.role()
    }

    /// Returns the state of the connection.
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        match (&self.state, self.connection.state()) {
            (State::Connecting(_), _) => ReadyState::Connecting,
            (State::Closed, _) => ReadyState::Closed,
            (State::Aborted, _) => ReadyState::Closing,
            // A transport that fails does not begin the closing handshake.
            (_, ConnectionState::Open) => ReadyState::Open,
            (_, _) => ReadyState::Closing,
        }
    }

    /// Returns how many bytes of messages are queued, in the form in which they are sent,
    /// compressed or not. Framing does not count. Closing does not reset the number.
    #[must_use]
    pub const fn buffered_amount(&self) -> usize {
        self.queue.buffered_amount()
    }

    /// Notes that the application sent a frame. After a close frame, the next call that is told the
    /// time begins to close.
    fn sent(&mut self, opcode: OpCode) -> Flow {
        if opcode == OpCode::Close && matches!(self.state, State::Open(_)) {
            self.state = State::CloseSent;
        }
        self.flow()
    }

    /// Returns whether the queue has room for a message.
    pub fn flow(&self) -> Flow {
        if self.is_full() { Flow::Full } else { Flow::Ready }
    }

    fn is_full(&self) -> bool {
        self.queue.held() >= self.options.high_water_mark
    }

    /// Returns the subprotocol that the server chose. It is empty if there is none, or if the
    /// handshake was made elsewhere and [`with_protocol`](Self::with_protocol) was not called.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// Returns the extensions in use, in the form of a server's response. It is empty if there are
    /// none.
    #[must_use]
    pub fn extensions(&self) -> &str {
        self.agreed.as_ref().map_or("", Agreed::text)
    }

    /// Returns the parameters of the compression in use.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate_params(&self) -> Option<DeflateParams> {
        self.agreed.as_ref().map(Agreed::params)
    }

    /// Returns the latest time from the write of a [heartbeat](WebSocketOptions::ping_interval)
    /// ping to the arrival of its pong; `None` until the first pong. These pings are empty, so any
    /// empty pong counts.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.round_trip.latest()
    }

    /// Returns the time when the peer last sent something, or when the connection was reported as
    /// open.
    pub(super) const fn last_heard(&self) -> Duration {
        self.last_heard
    }
}

/// Converts the error of a frame that the protocol demands. Its order is right and the queue grows,
/// so only the masking key can be missing.
fn unsendable(_: SendError) -> Failure {
    NoMaskKey.into()
}
