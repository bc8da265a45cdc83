//! The `WebSocket` interface: a connection, what waits to be written, and time.

#[cfg(feature = "handshake")]
use super::handshake::{ClientHandshake, ClientRequest};
use super::heartbeat::{Beat, Heartbeat};
use super::send_queue::SendQueue;
use super::{
    Close, CloseCode, CloseEvent, Connection, Failure, Flow, Frame, MaskSource, Message,
    MessageDecoder, NoMask, NoMaskKey, OpCode, PreparedFrame, ReadyState, Role, SendError,
    SocketEvent, SocketOptions, State,
};
#[cfg(feature = "deflate")]
use super::{Deflate, DeflateParams};
use crate::Utf8Bytes;
#[cfg(any(feature = "deflate", feature = "handshake"))]
use alloc::boxed::Box;
#[cfg(feature = "deflate")]
use alloc::string::{String, ToString};
use bytes::{Buf, Bytes, BytesMut};
use core::time::Duration;

/// A WebSocket as pages know it (WHATWG WebSocket), in either role, without its transport: bytes and
/// time in; events, bytes and deadlines out.
///
/// Time is a [`Duration`] since any fixed start, the same for all calls. Around the transport runs
/// this loop:
///
/// 1. Call [`poll`](Self::poll) with what was received until it gives `None`. After
///    [`SocketEvent::Close`] drop the transport.
/// 2. Write [`to_write`](Self::to_write). If [`wants_shutdown`](Self::wants_shutdown) then, shut the
///    writing side.
/// 3. Wait until there is more to read, room to write what is left, or [`deadline`](Self::deadline)
///    has come. That counts also while the transport takes its time to be shut, as one over HTTP/2 or
///    TLS may. If reading ends or fails, say so by [`end_of_stream`](Self::end_of_stream), and read no
///    more; if writing fails, by [`write_failed`](Self::write_failed).
///
/// Memory: what [`MessageDecoder`] takes; of what waits to be written the
/// [high-water mark](SocketOptions::high_water_mark), one message, and one frame of each other kind.
/// A peer that does not read cannot make it more.
///
/// Both ends, without a network in between:
///
#[cfg_attr(feature = "handshake", doc = "```")]
#[cfg_attr(not(feature = "handshake"), doc = "```ignore")]
/// use bytes::{BufMut, BytesMut};
/// use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
/// use eventwire::ws::{Close, CloseCode, Flow, Frame, ReadyState, SocketEvent, SocketOptions, WebSocket};
/// use std::time::Duration;
///
/// let now = Duration::ZERO;
/// let request = ClientRequest::new("example.com", "/chat", *b"16 random bytes!")?;
/// let masks = || [1, 2, 3, 4]; // use a strong source of randomness
/// let mut client = WebSocket::connect(&request, SocketOptions::new(), masks, now);
/// let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
/// to_server.put(client.to_write(now));
///
/// let accepted = ServerHandshake::new().decode(&to_server)?.expect("a whole request");
/// to_client.put(accepted.accept().to_bytes());
/// to_server.clear();
/// let mut server = WebSocket::server(SocketOptions::new(), now);
/// assert_eq!(server.poll(&mut to_server, now), Some(SocketEvent::Open));
///
/// assert_eq!(client.poll(&mut to_client, now), Some(SocketEvent::Open));
/// assert_eq!(client.send(&Frame::text("hello"))?, Flow::Ready);
/// client.close(Some(Close { code: CloseCode::NORMAL, reason: "bye" }), now)?;
/// assert_eq!(client.ready_state(), ReadyState::Closing);
/// to_server.put(client.to_write(now));
///
/// assert_eq!(server.poll(&mut to_server, now), Some(SocketEvent::Text("hello".into())));
/// assert_eq!(server.poll(&mut to_server, now), None); // and the close frame is answered
/// to_client.put(server.to_write(now));
/// assert!(server.wants_shutdown());
///
/// client.end_of_stream(); // as the server shuts the transport
/// let Some(SocketEvent::Close(close)) = client.poll(&mut to_client, now) else { unreachable!() };
/// assert_eq!((close.code, &*close.reason, close.was_clean), (1000, "bye", true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub struct WebSocket<M = NoMask> {
    connection: Connection<M, MessageDecoder>,
    queue: SendQueue,
    phase: Phase,
    role: Role,
    options: SocketOptions,
    heartbeat: Heartbeat,
    protocol: Utf8Bytes,
    #[cfg(feature = "deflate")]
    agreed: Option<Box<Agreed>>,
    /// The code and reason of the peer's close frame.
    peer_close: Option<(u16, Utf8Bytes)>,
    failure: Option<Failure>,
    /// Set once either side closes, or nothing more can be written.
    closing_deadline: Option<Duration>,
    last_message: Duration,
    /// How many bytes the last call left.
    left: usize,
    /// Whether the last call gave an event of what was received.
    giving: bool,
    /// Nothing more will be received.
    ended: bool,
    /// Nothing more can be written.
    failed: bool,
}

/// Compression that is in use.
#[cfg(feature = "deflate")]
#[derive(Debug)]
struct Agreed {
    params: DeflateParams,
    text: String,
}

/// How far it is, the closing handshake apart.
#[derive(Debug)]
enum Phase {
    #[cfg(feature = "handshake")]
    Connecting(Box<Connecting>),
    /// It is open, but that was not said.
    Opened,
    Running,
    Closed,
}

/// What the server's answer is awaited with.
#[cfg(feature = "handshake")]
#[derive(Debug)]
struct Connecting {
    handshake: ClientHandshake<'static>,
    #[cfg(feature = "deflate")]
    deflate: Option<Deflate>,
    deadline: Duration,
}

impl WebSocket {
    /// A connection that we serve, from the first byte after the handshake: the one that
    /// [`handshake`](super::handshake) accepted, or that hyper or axum upgraded.
    #[must_use]
    pub fn server(options: SocketOptions, now: Duration) -> Self {
        let connection = Connection::message_server(options.limits);
        Self::new(connection, Role::Server, Phase::Opened, options, now)
    }

    /// As [`send`](Self::send), without a copy of a payload that is long, unless it is compressed.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_shared(&mut self, frame: Frame<Bytes>) -> Result<Flow, SendError> {
        self.check(frame.shape.opcode)?;
        #[cfg(feature = "deflate")]
        if self.connection.writer().compresses(&frame) {
            return self.send(&frame);
        }
        let shape = frame.shape;
        let (header, payload) = self.connection.writer().send_shared(frame)?;
        self.queue.push_shared(shape, &header, payload);
        Ok(self.flow())
    }

    /// As [`send`](Self::send), of a frame that was encoded for many.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_prepared(&mut self, frame: &PreparedFrame) -> Result<Flow, SendError> {
        self.check(frame.shape.opcode)?;
        let bytes = self.connection.writer().send_prepared(frame)?;
        self.queue.push_encoded(frame.shape, bytes);
        Ok(self.flow())
    }
}

impl<M: MaskSource> WebSocket<M> {
    /// Opens a connection over a transport that is connected: the request is the first thing to be
    /// written. The request itself is needed no longer.
    #[cfg(feature = "handshake")]
    #[cfg_attr(docsrs, doc(cfg(feature = "handshake")))]
    #[must_use]
    pub fn connect(
        request: &ClientRequest<'_>,
        options: SocketOptions,
        masks: M,
        now: Duration,
    ) -> Self {
        let connecting = Box::new(Connecting {
            handshake: request.handshake().into_owned(),
            #[cfg(feature = "deflate")]
            deflate: request.deflate.cloned(),
            deadline: now.saturating_add(options.handshake_timeout),
        });
        let connection = Connection::message_client(options.limits, masks);
        let phase = Phase::Connecting(connecting);
        let mut socket = Self::new(connection, Role::Client, phase, options, now);
        socket.queue.push_bytes(&request.to_bytes());
        socket
    }

    /// A connection that we opened, from the first byte after the handshake, which was made
    /// elsewhere.
    #[must_use]
    pub fn client(options: SocketOptions, masks: M, now: Duration) -> Self {
        let connection = Connection::message_client(options.limits, masks);
        Self::new(connection, Role::Client, Phase::Opened, options, now)
    }

    fn new(
        connection: Connection<M, MessageDecoder>,
        role: Role,
        phase: Phase,
        options: SocketOptions,
        now: Duration,
    ) -> Self {
        Self {
            connection,
            queue: SendQueue::default(),
            phase,
            role,
            heartbeat: Heartbeat::new(&options, now),
            options,
            protocol: Utf8Bytes::default(),
            #[cfg(feature = "deflate")]
            agreed: None,
            peer_close: None,
            failure: None,
            closing_deadline: None,
            last_message: now,
            left: 0,
            giving: false,
            ended: false,
            failed: false,
        }
    }

    /// Compresses and inflates messages as was agreed on in a handshake that was made elsewhere, if it
    /// was; for a socket that is new. [`connect`](Self::connect) sees to it itself.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    #[must_use]
    pub fn deflate(mut self, deflate: &Deflate, agreed: Option<DeflateParams>) -> Self {
        self.set_deflate(deflate, agreed);
        self
    }

    #[cfg(feature = "deflate")]
    fn set_deflate(&mut self, deflate: &Deflate, agreed: Option<DeflateParams>) {
        self.connection.set_deflate(deflate, agreed);
        self.agreed = agreed.map(|params| Box::new(Agreed { params, text: params.to_string() }));
    }

    /// Gives the next event, of what was received or of time. Call it again until it gives `None`.
    ///
    /// What is taken is removed from the front of `received`; **keep what is left, and append to
    /// it.** Call it as well when nothing was received but [`deadline`](Self::deadline) has come,
    /// and after [`end_of_stream`](Self::end_of_stream). What was received counts before what is
    /// due. Messages that the peer sent before it answered our close frame still come.
    pub fn poll(&mut self, received: &mut BytesMut, now: Duration) -> Option<SocketEvent> {
        if received.len() > self.left {
            self.heartbeat.heard(now);
        }
        let taken = self.take(received);
        self.left = received.len();
        // While events are dealt with, nobody listens: idleness begins when there are no more.
        if core::mem::replace(&mut self.giving, taken.is_some()) || self.giving {
            self.last_message = now;
        }
        taken.or_else(|| self.pass(now, self.ended))
    }

    /// Gives the next event of time alone, for an application that takes no messages while it has no
    /// room for them. As a pong or a message may be waiting to be read, neither is missed meanwhile;
    /// but a peer that does not take our ping is. Once the transport has ended, [`poll`](Self::poll).
    pub fn poll_time(&mut self, now: Duration) -> Option<SocketEvent> {
        self.last_message = now;
        self.heartbeat.postpone(now);
        self.pass(now, false)
    }

    /// The next event of what was received.
    fn take(&mut self, received: &mut BytesMut) -> Option<SocketEvent> {
        match &mut self.phase {
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) if self.failure.is_some() => None,
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) => self.take_response(received),
            Phase::Running => self.take_message(received),
            Phase::Opened | Phase::Closed => None,
        }
    }

    #[cfg(feature = "handshake")]
    fn take_response(&mut self, received: &mut BytesMut) -> Option<SocketEvent> {
        let Phase::Connecting(connecting) = &mut self.phase else { return None };
        match connecting.handshake.decode(received) {
            Ok(None) => {}
            Ok(Some(response)) => {
                self.protocol = response.subprotocol().unwrap_or_default().into();
                let head_len = response.head_len();
                #[cfg(feature = "deflate")]
                let (deflate, agreed) = (connecting.deflate.take(), response.deflate_params());
                received.advance(head_len);
                self.phase = Phase::Opened;
                #[cfg(feature = "deflate")]
                if let Some(deflate) = deflate {
                    self.set_deflate(&deflate, agreed);
                }
            }
            Err(error) => return Some(self.fail(Failure::Handshake(error))),
        }
        None
    }

    fn take_message(&mut self, received: &mut BytesMut) -> Option<SocketEvent> {
        loop {
            match self.connection.receive(received) {
                Ok(Some(Message::Text(text))) => return Some(SocketEvent::Text(text)),
                Ok(Some(Message::Binary(bytes))) => return Some(SocketEvent::Binary(bytes)),
                Ok(Some(Message::Ping(_) | Message::Pong(_))) => {}
                Ok(Some(Message::Close(close))) => {
                    let said = |close: Close<_>| (close.code.get(), close.reason);
                    let nothing = (CloseEvent::NO_STATUS, Utf8Bytes::default());
                    self.peer_close = Some(close.map_or(nothing, said));
                }
                Ok(None) => return self.reply_or_fail(),
                Err(error) => {
                    // What follows a fault is nothing, and must not pile up.
                    received.clear();
                    self.failure.get_or_insert(Failure::Protocol(error));
                    return self.reply_or_fail();
                }
            }
            let failed = self.reply_or_fail();
            if failed.is_some() {
                return failed;
            }
        }
    }

    fn reply_or_fail(&mut self) -> Option<SocketEvent> {
        self.reply().err().map(|failure| self.fail(failure))
    }

    /// Queues what is owed to the peer. While the queue is full no more than one pong waits: the next
    /// one then answers the latest ping.
    fn reply(&mut self) -> Result<(), Failure> {
        let Some(shape) = self.connection.owed_shape() else { return Ok(()) };
        if shape.opcode == OpCode::Pong && self.is_full() && self.queue.has_pong() {
            return Ok(());
        }
        let Self { connection, queue, .. } = self;
        queue.push(shape, |tail| connection.reply_to(tail)).map_err(unsendable)
    }

    /// The next event of time.
    fn pass(&mut self, now: Duration, ended: bool) -> Option<SocketEvent> {
        self.heartbeat.passed(now);
        match self.phase {
            #[cfg(feature = "handshake")]
            Phase::Connecting(ref connecting) => {
                let late = (now >= connecting.deadline).then_some(Failure::HandshakeTimeout);
                let failure = self.failure.or(if ended { Some(Failure::Transport) } else { late });
                failure.map(|failure| self.fail(failure))
            }
            Phase::Running if self.connection.state() == State::Open => {
                self.pass_open(now, ended).err().map(|failure| self.fail(failure))
            }
            Phase::Running => {
                self.closes_from(now);
                (self.is_late(now) || ended && self.awaits_nothing()).then(|| self.finish())
            }
            Phase::Opened => {
                self.phase = Phase::Running;
                self.heartbeat = Heartbeat::new(&self.options, now);
                self.giving = true;
                Some(SocketEvent::Open)
            }
            Phase::Closed => None,
        }
    }

    fn pass_open(&mut self, now: Duration, ended: bool) -> Result<(), Failure> {
        if self.failed {
            self.closes_from(now);
        }
        match self.heartbeat.due(now) {
            _ if ended || self.is_late(now) => return Err(Failure::Transport),
            Some(Beat::Lost) => return Err(Failure::PongTimeout),
            Some(Beat::Ping) => self.ping()?,
            None => {}
        }
        if self.idle_deadline().is_some_and(|deadline| now >= deadline) {
            let close = Close { code: CloseCode::GOING_AWAY, reason: "idle" };
            self.queue_close(Some(close), now).map_err(unsendable)?;
        }
        Ok(())
    }

    /// Queues a ping, unless one waits: a peer that sends but does not read is owed no more.
    fn ping(&mut self) -> Result<(), Failure> {
        if !self.queue.has_ping() {
            let ping = Frame::new(OpCode::Ping, &[][..]);
            self.push(&ping).map_err(unsendable)?;
        }
        self.heartbeat.ping_is_behind(self.queue.len());
        Ok(())
    }

    /// What is to be written now, which may be nothing; what was written is to be taken off by
    /// [`Buf::advance`], as `tokio::io::AsyncWriteExt::write_buf` does. Ask again until nothing is
    /// left.
    ///
    /// It has several chunks if long payloads are [shared](WebSocket::send_shared): see
    /// [`Buf::chunks_vectored`]. Take a new one for each write, as `now` is when the bytes went. A
    /// transport that keeps what it took, as TLS may, wants to be flushed once nothing is left.
    pub fn to_write(&mut self, now: Duration) -> ToWrite<'_> {
        self.heartbeat.passed(now);
        // A pong may have waited for the one before. If it cannot be sent, the next poll says so.
        let _ = self.reply();
        let parts = (!self.failed).then_some((&mut self.queue, &mut self.heartbeat));
        ToWrite { parts, now }
    }

    /// Sends a frame: a message, one of its fragments, or a ping of your own. Says whether more may be
    /// sent now.
    ///
    /// # Errors
    /// If it may not be sent now, because the connection is not open or not any more, the message
    /// before is unfinished, or the queue is full; or if there is no masking key. The connection
    /// lives on.
    pub fn send<P: AsRef<[u8]>>(&mut self, frame: &Frame<P>) -> Result<Flow, SendError> {
        self.check(frame.shape.opcode)?;
        self.push(frame)?;
        Ok(self.flow())
    }

    /// Queues a frame however full the queue is.
    pub(super) fn push<P: AsRef<[u8]>>(&mut self, frame: &Frame<P>) -> Result<(), SendError> {
        let Self { connection, queue, .. } = self;
        queue.push(frame.shape, |tail| connection.send_to(frame, tail))
    }

    fn check(&self, opcode: OpCode) -> Result<(), SendError> {
        if !matches!(self.phase, Phase::Opened | Phase::Running) {
            return Err(SendError::NotOpen);
        }
        if !opcode.is_control() && self.is_full() { Err(SendError::Full) } else { Ok(()) }
    }

    /// Begins the closing handshake, behind what waits to be written; if the connection is not open
    /// yet, it fails. If it is closing or closed already, nothing happens.
    ///
    /// # Errors
    /// If the reason is longer than 123 bytes, the code one that
    /// [no page may use](SocketOptions::browser_close_codes), or there is no masking key. Nothing
    /// happens then.
    pub fn close(&mut self, close: Option<Close<&str>>, now: Duration) -> Result<(), SendError> {
        self.check_code(close)?;
        self.queue_close(close, now)
    }

    /// Whether the code may be said, where only some may.
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
        match self.phase {
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) => {
                self.failure.get_or_insert(Failure::Aborted);
            }
            Phase::Opened | Phase::Running if self.connection.state() == State::Open => {
                self.push(&frame)?;
                self.closes_from(now);
            }
            _ => {}
        }
        Ok(())
    }

    fn closes_from(&mut self, now: Duration) {
        let deadline = now.saturating_add(self.options.closing_timeout);
        self.closing_deadline.get_or_insert(deadline);
    }

    fn is_late(&self, now: Duration) -> bool {
        self.closing_deadline.is_some_and(|deadline| now >= deadline)
    }

    fn fail(&mut self, failure: Failure) -> SocketEvent {
        self.failure.get_or_insert(failure);
        self.finish()
    }

    /// The last event.
    fn finish(&mut self) -> SocketEvent {
        let was_clean = self.failure.is_none()
            && self.connection.state() == State::Closed
            && self.queue.is_empty();
        if !was_clean && self.failure.is_none() {
            let cut = if self.ended { Failure::Transport } else { Failure::ClosingTimeout };
            self.failure = Some(cut);
        }
        self.phase = Phase::Closed;
        let abnormal = (CloseEvent::ABNORMAL, Utf8Bytes::default());
        let (code, reason) = self.peer_close.take().unwrap_or(abnormal);
        SocketEvent::Close(CloseEvent { code, reason, was_clean, failure: self.failure })
    }
}

impl<M> WebSocket<M> {
    /// The transport ended, or reading failed: there is nothing more to read. Poll once more.
    pub const fn end_of_stream(&mut self) {
        self.ended = true;
    }

    /// Writing failed, and there is nothing more to write. Read on: what the peer said last may still
    /// come, and then the transport ends. If it does not, the [closing timeout](
    /// SocketOptions::closing_timeout) ends the wait.
    pub const fn write_failed(&mut self) {
        self.failed = true;
    }

    /// Whether the writing side of the transport is to be shut now, as nothing more will be written:
    /// on a server once both close frames are out, on either side once a peer that broke the
    /// protocol was told (RFC 6455, 7.1.1, 7.1.7). It stays so until the last event; read on until
    /// then.
    #[must_use]
    pub fn wants_shutdown(&self) -> bool {
        matches!(self.phase, Phase::Running)
            && self.connection.state() == State::Closed
            && self.queue.is_empty()
            && (self.role == Role::Server || self.failure.is_some())
    }

    /// Whether nothing is to be written that counts once the transport has ended: behind the peer's
    /// close frame ours may be under way.
    fn awaits_nothing(&self) -> bool {
        self.failed || self.queue.is_empty() || self.connection.state() != State::Closed
    }

    /// When to call [`poll`](Self::poll) at the latest, even if nothing was received. With `None`
    /// nothing is due by itself: that is so while it is open without pings and without an idle timeout,
    /// and after the last event.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Closed => None,
            _ if self.ended && self.awaits_nothing() => Some(Duration::ZERO),
            #[cfg(feature = "handshake")]
            Phase::Connecting(it) if self.failure.is_none() => Some(it.deadline),
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) => Some(Duration::ZERO),
            Phase::Opened => Some(Duration::ZERO),
            Phase::Running if self.failed || self.connection.state() != State::Open => {
                Some(self.closing_deadline.unwrap_or_default())
            }
            Phase::Running => {
                self.heartbeat.deadline().into_iter().chain(self.idle_deadline()).min()
            }
        }
    }

    fn idle_deadline(&self) -> Option<Duration> {
        let timeout = self.options.idle_timeout;
        (!timeout.is_zero()).then(|| self.last_message.saturating_add(timeout))
    }

    /// How far it is.
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        match (&self.phase, self.connection.state()) {
            #[cfg(feature = "handshake")]
            (Phase::Connecting(_), _) if self.failure.is_none() => ReadyState::Connecting,
            #[cfg(feature = "handshake")]
            (Phase::Connecting(_), _) => ReadyState::Closing,
            (Phase::Opened | Phase::Running, State::Open) => ReadyState::Open,
            (Phase::Opened | Phase::Running, _) => ReadyState::Closing,
            (Phase::Closed, _) => ReadyState::Closed,
        }
    }

    /// How many bytes of messages wait to be written, as they are sent, compressed or not; framing does not
    /// count. Closing does not set it back.
    #[must_use]
    pub const fn buffered_amount(&self) -> usize {
        self.queue.buffered_amount()
    }

    /// Whether the queue has room for a message.
    pub fn flow(&self) -> Flow {
        if self.is_full() { Flow::Full } else { Flow::Ready }
    }

    fn is_full(&self) -> bool {
        self.queue.held() >= self.options.high_water_mark
    }

    /// The subprotocol that the server chose; empty if there is none, or the handshake was made
    /// elsewhere.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// The extensions in use, written as a server answers; empty if there is none.
    #[must_use]
    #[cfg_attr(
        not(feature = "deflate"),
        expect(clippy::unnecessary_literal_bound, reason = "with feature `deflate` it is more")
    )]
    pub fn extensions(&self) -> &str {
        #[cfg(feature = "deflate")]
        if let Some(agreed) = &self.agreed {
            return &agreed.text;
        }
        ""
    }

    /// The parameters of the compression that is in use.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    #[must_use]
    pub fn deflate_params(&self) -> Option<DeflateParams> {
        self.agreed.as_ref().map(|agreed| agreed.params)
    }

    /// When the peer last sent something, or the connection began.
    pub(super) const fn last_heard(&self) -> Duration {
        self.heartbeat.last_heard()
    }

    /// How many messages were wholly written.
    pub(super) const fn written_messages(&self) -> u64 {
        self.queue.written_messages()
    }

    /// How many messages were taken, and may have been written.
    pub(super) const fn taken_messages(&self) -> u64 {
        self.queue.taken_messages()
    }
}

/// Why what the protocol demands cannot be sent: its order is right, and the queue grows.
fn unsendable(_: SendError) -> Failure {
    NoMaskKey.into()
}

/// What a [`WebSocket`] has to write: what was written is taken off by [`Buf::advance`].
#[derive(Debug)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub struct ToWrite<'s> {
    /// `None`: nothing can be written.
    pub(super) parts: Option<(&'s mut SendQueue, &'s mut Heartbeat)>,
    pub(super) now: Duration,
}

impl ToWrite<'_> {
    fn queue(&self) -> Option<&SendQueue> {
        self.parts.as_ref().map(|(queue, _)| &**queue)
    }
}

impl Buf for ToWrite<'_> {
    fn remaining(&self) -> usize {
        self.queue().map_or(0, Buf::remaining)
    }

    fn chunk(&self) -> &[u8] {
        self.queue().map_or(&[], Buf::chunk)
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        self.queue().map_or(0, |queue| queue.chunks_vectored(slices))
    }

    /// # Panics
    /// If there are not so many bytes.
    fn advance(&mut self, len: usize) {
        let Some((queue, heartbeat)) = &mut self.parts else {
            return assert_eq!(len, 0, "nothing to write");
        };
        queue.advance(len);
        heartbeat.written(len, self.now);
    }
}
