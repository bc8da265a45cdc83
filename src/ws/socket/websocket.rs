//! The `WebSocket` interface: a connection, what waits to be written, and time.

use super::close_event::{CloseEvent, Failure};
use super::heartbeat::Heartbeat;
#[cfg(feature = "handshake")]
use super::refusal::Refusing;
use super::send_queue::SendQueue;
use super::transport_error::TransportError;
use super::websocket_event::{Flow, ReadyState, WebSocketEvent};
use super::websocket_options::WebSocketOptions;
use crate::Utf8Bytes;
use crate::last_chance::LastChance;
use crate::ws::connection::{
    Connection, ConnectionState, Message, MessageDecoder, PreparedFrame, SendError,
};
#[cfg(feature = "deflate")]
use crate::ws::deflate::{Deflate, DeflateParams};
use crate::ws::frame::{Close, CloseCode, Frame, MaskSource, NoMask, NoMaskKey, OpCode, Role};
#[cfg(feature = "handshake")]
use crate::ws::handshake::{ClientHandshake, ClientRequest, ResponseError};
use alloc::boxed::Box;
#[cfg(feature = "deflate")]
use alloc::string::{String, ToString};
use bytes::{Buf, Bytes, BytesMut};
use core::error::Error;
use core::time::Duration;

/// A WebSocket as pages know it (WHATWG WebSocket), in either role, without its transport: bytes and
/// time in; events, bytes and deadlines out.
///
/// Time is a [`Duration`] since any fixed start, the same for all calls. Around the transport runs
/// this loop:
///
/// 1. Call [`poll`](Self::poll) with what was received until it gives `None`. After
///    [`WebSocketEvent::Close`] drop the transport.
/// 2. Write [`to_write`](Self::to_write). If [`wants_shutdown`](Self::wants_shutdown) then, shut the
///    writing side.
/// 3. Wait until there is more to read, room to write what is left, or [`deadline`](Self::deadline)
///    has come. That counts also while the transport takes its time to be shut, as one over HTTP/2 or
///    TLS may. If reading ends or fails, say so by [`end_of_stream`](Self::end_of_stream) or
///    [`read_failed`](Self::read_failed), and read no more; if writing fails, by
///    [`write_failed`](Self::write_failed).
///
/// A peer is never given up while something that it sent may lie unread. If a deadline has passed when `poll` is called, there
/// is a last chance first: a tenth of the timeout more, but no more than a second, in which step 3 reads
/// what is readable. If the next call comes a second late, there is another one, up to three in a row. So a
/// program that was stopped for a while, or was busy, keeps its connections.
///
/// Memory: what [`MessageDecoder`] takes; of what waits to be written the
/// [high-water mark](WebSocketOptions::high_water_mark), one message, and one frame of each other kind.
/// A peer that does not read cannot make it more.
///
/// Both ends, without a network in between:
///
#[cfg_attr(feature = "handshake", doc = "```")]
#[cfg_attr(not(feature = "handshake"), doc = "```ignore")]
/// use bytes::{BufMut, BytesMut};
/// use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
/// use eventwire::ws::{
///     Close, CloseCode, Flow, Frame, ReadyState, WebSocket, WebSocketEvent, WebSocketOptions,
/// };
/// use std::time::Duration;
///
/// let now = Duration::ZERO;
/// let request = ClientRequest::new("example.com", "/chat", rand::random())?;
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
/// assert_eq!(client.send(&Frame::text("hello"))?, Flow::Ready);
/// client.close(Some(Close { code: CloseCode::NORMAL, reason: "bye" }), now)?;
/// assert_eq!(client.ready_state(), ReadyState::Closing);
/// to_server.put(client.to_write(now));
///
/// assert_eq!(server.poll(&mut to_server, now), Some(WebSocketEvent::Text("hello".into())));
/// assert_eq!(server.poll(&mut to_server, now), None); // and the close frame is answered
/// to_client.put(server.to_write(now));
/// assert!(server.wants_shutdown());
///
/// client.end_of_stream(now); // as the server shuts the transport
/// let Some(WebSocketEvent::Close(close)) = client.poll(&mut to_client, now) else { unreachable!() };
/// assert_eq!((close.code, &*close.reason, close.was_clean), (1000, "bye", true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WebSocket<M = NoMask> {
    connection: Connection<M, MessageDecoder>,
    queue: SendQueue,
    phase: Phase,
    role: Role,
    options: WebSocketOptions,
    heartbeat: Heartbeat,
    protocol: Utf8Bytes,
    #[cfg(feature = "deflate")]
    agreed: Option<Box<Agreed>>,
    /// The code and reason of the peer's close frame.
    peer_close: Option<(u16, Utf8Bytes)>,
    failure: Option<Failure>,
    /// The first error of the transport.
    transport_error: Option<TransportError>,
    /// Set once either side closes, or nothing more can be read or written.
    closing_deadline: Option<Duration>,
    /// Before the peer is judged by its silence.
    chance: LastChance,
    /// Since when there was no message, and not a byte.
    last_message: Duration,
    last_byte: Duration,
    /// How many bytes the last call left.
    left: usize,
    /// Whether the last call gave an event of what was received, and whether that was a message.
    giving: Option<bool>,
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

/// What the silence of the peer until a deadline means.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    #[cfg(feature = "handshake")]
    Handshake,
    Pong,
    Idle,
    Closing,
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
    /// The answer, if it opens nothing and its body is still to come.
    refusing: Option<Refusing>,
    deadline: Duration,
}

impl WebSocket {
    /// A connection that we serve, from the first byte after the handshake: the one that
    /// [`handshake`](crate::ws::handshake) accepted, or that hyper or axum upgraded.
    #[must_use]
    pub fn server(options: WebSocketOptions, now: Duration) -> Self {
        let connection = Connection::server(options.limits);
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
    #[must_use]
    pub fn connect(
        request: &ClientRequest<'_>,
        options: WebSocketOptions,
        masks: M,
        now: Duration,
    ) -> Self {
        let connecting = Box::new(Connecting {
            handshake: request.handshake().into_owned(),
            #[cfg(feature = "deflate")]
            deflate: request.deflate.cloned(),
            refusing: None,
            deadline: now.saturating_add(options.handshake_timeout),
        });
        let connection = Connection::client(options.limits, masks);
        let phase = Phase::Connecting(connecting);
        let mut socket = Self::new(connection, Role::Client, phase, options, now);
        socket.queue.push_bytes(&request.to_bytes());
        socket
    }

    /// A connection that we opened, from the first byte after the handshake, which was made
    /// elsewhere.
    #[must_use]
    pub fn client(options: WebSocketOptions, masks: M, now: Duration) -> Self {
        let connection = Connection::client(options.limits, masks);
        Self::new(connection, Role::Client, Phase::Opened, options, now)
    }

    fn new(
        connection: Connection<M, MessageDecoder>,
        role: Role,
        phase: Phase,
        options: WebSocketOptions,
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
            transport_error: None,
            closing_deadline: None,
            chance: LastChance::new(),
            last_message: now,
            last_byte: now,
            left: 0,
            giving: None,
            ended: false,
            failed: false,
        }
    }

    /// Compresses and inflates messages as was agreed on in a handshake that was made elsewhere, if it
    /// was; for a socket that is new. [`connect`](Self::connect) sees to it itself.
    #[cfg(feature = "deflate")]
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
    pub fn poll(&mut self, received: &mut BytesMut, now: Duration) -> Option<WebSocketEvent> {
        if received.len() > self.left {
            self.heartbeat.heard(now);
            self.last_byte = now;
        }
        let taken = self.take(received, now);
        self.left = received.len();
        // While events are dealt with, nobody listens: silence begins when there are no more.
        let giving = taken.as_ref().map(WebSocketEvent::is_message);
        for is_message in core::mem::replace(&mut self.giving, giving).into_iter().chain(giving) {
            self.last_byte = now;
            if is_message {
                self.last_message = now;
            }
        }
        taken.or_else(|| self.pass(now, self.ended))
    }

    /// Gives the next event of time alone, for an application that takes no messages while it has no
    /// room for them. As a pong or a message may be waiting to be read, neither is missed meanwhile;
    /// but a peer that does not take our ping is. Once the transport has ended, [`poll`](Self::poll).
    pub fn poll_time(&mut self, now: Duration) -> Option<WebSocketEvent> {
        self.last_message = now;
        self.last_byte = now;
        self.heartbeat.postpone(now);
        self.pass(now, false)
    }

    /// The next event of what was received.
    fn take(&mut self, received: &mut BytesMut, now: Duration) -> Option<WebSocketEvent> {
        match &mut self.phase {
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) if self.failure.is_some() => None,
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) => self.take_response(received),
            Phase::Running if matches!(self.failure, Some(Failure::Local)) => {
                received.clear();
                None
            }
            Phase::Running => self.take_message(received, now),
            Phase::Opened | Phase::Closed => None,
        }
    }

    #[cfg(feature = "handshake")]
    fn take_response(&mut self, received: &mut BytesMut) -> Option<WebSocketEvent> {
        let Phase::Connecting(connecting) = &mut self.phase else { return None };
        if let Some(refusing) = &mut connecting.refusing {
            return refusing.take(received).then(|| self.refused())?;
        }
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
            Err(ResponseError::Status { status, head_len }) => {
                let head = received.split_to(head_len.min(received.len())).freeze();
                connecting.refusing = Some(Refusing::new(status, head));
                return self.take_response(received);
            }
            Err(error) => return Some(self.fail_by(Failure::Handshake(error))),
        }
        None
    }

    /// The server does not open the connection, and nothing more is to come of why.
    #[cfg(feature = "handshake")]
    fn refused(&mut self) -> Option<WebSocketEvent> {
        let Phase::Connecting(connecting) = &mut self.phase else { return None };
        let refusal = connecting.refusing.take()?.end();
        Some(self.fail_by(Failure::Refused(Box::new(refusal))))
    }

    fn take_message(&mut self, received: &mut BytesMut, now: Duration) -> Option<WebSocketEvent> {
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
                    self.heartbeat.pong(&payload, now);
                    shown = self.options.control_events.then_some(WebSocketEvent::Pong(payload));
                }
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
            if shown.as_ref().is_some_and(WebSocketEvent::is_message) {
                return shown;
            }
            let failed = self.reply_or_fail();
            if failed.is_some() || shown.is_some() {
                return failed.or(shown);
            }
        }
    }

    fn reply_or_fail(&mut self) -> Option<WebSocketEvent> {
        self.reply().err().map(|failure| self.fail_by(failure))
    }

    /// Queues what is owed to the peer. While the queue is full no more than one pong waits: the next
    /// one then answers the latest ping.
    fn reply(&mut self) -> Result<(), Failure> {
        let Some(shape) = self.connection.owed_shape() else { return Ok(()) };
        if shape.opcode == OpCode::Pong && self.is_full() && self.queue.has_pong() {
            return Ok(());
        }
        let Self { connection, queue, .. } = self;
        queue.push(shape, false, |tail| connection.reply_to(tail)).map_err(unsendable)
    }

    /// The next event of time.
    fn pass(&mut self, now: Duration, ended: bool) -> Option<WebSocketEvent> {
        self.heartbeat.passed(now);
        match self.phase {
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) if self.failure.is_some() => Some(self.finish()),
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) => {
                let late = self.judge(now).is_some();
                let cut = ended || self.failed;
                let failure = if cut { self.cut() } else { Failure::HandshakeTimeout };
                let refused = if ended || late { self.refused() } else { return None };
                refused.or_else(|| Some(self.fail_by(failure)))
            }
            Phase::Running if self.connection.state() == ConnectionState::Open => {
                self.pass_open(now, ended).err().map(|failure| self.fail_by(failure))
            }
            Phase::Running => {
                self.closes_from(now);
                let late = self.judge(now).is_some();
                (late || ended && self.awaits_nothing()).then(|| self.finish())
            }
            Phase::Opened => {
                self.phase = Phase::Running;
                self.heartbeat = Heartbeat::new(&self.options, now);
                self.last_message = now;
                self.last_byte = now;
                self.giving = Some(true);
                Some(WebSocketEvent::Open)
            }
            Phase::Closed => None,
        }
    }

    fn pass_open(&mut self, now: Duration, ended: bool) -> Result<(), Failure> {
        if ended {
            return Err(self.cut());
        }
        match self.judge(now) {
            Some(Verdict::Closing) => return Err(self.cut()),
            Some(Verdict::Pong) => return Err(Failure::PongTimeout),
            Some(Verdict::Idle) => {
                let close = Close { code: CloseCode::GOING_AWAY, reason: "idle" };
                return self.queue_close(Some(close), now).map_err(unsendable);
            }
            #[cfg(feature = "handshake")]
            Some(Verdict::Handshake) => {}
            None => {}
        }
        let is_due = self.closing_deadline.is_none() && self.heartbeat.is_due(now);
        if is_due { self.ping() } else { Ok(()) }
    }

    /// What the peer's silence means, if the time for it has come.
    fn judge(&mut self, now: Duration) -> Option<Verdict> {
        let (deadline, timeout, verdict) = self.judgement()?;
        self.chance.was_missed(deadline, timeout, now).then_some(verdict)
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
        let Self { queue, heartbeat, closing_deadline, options, .. } = self;
        let closes_at = now.saturating_add(options.closing_timeout);
        let parts = Parts { queue, heartbeat, closing_deadline, closes_at };
        ToWrite { parts: (!self.failed).then_some(parts), now }
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
    pub(in crate::ws) fn push<P: AsRef<[u8]>>(
        &mut self,
        frame: &Frame<P>,
    ) -> Result<(), SendError> {
        let Self { connection, queue, .. } = self;
        queue.push(frame.shape, false, |tail| connection.send_to(frame, tail))
    }

    /// As [`push`](Self::push), of a message that its sender keeps until it is written.
    pub(in crate::ws) fn push_kept(&mut self, message: &Frame<&[u8]>) -> Result<(), SendError> {
        let Self { connection, queue, .. } = self;
        queue.push(message.shape, true, |tail| connection.send_to(message, tail))
    }

    pub(in crate::ws) fn check(&self, opcode: OpCode) -> Result<(), SendError> {
        match self.phase {
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) if self.failure.is_none() => return Err(SendError::Connecting),
            Phase::Opened | Phase::Running => {}
            _ => return Err(SendError::Closed),
        }
        if !opcode.is_control() && self.is_full() { Err(SendError::Full) } else { Ok(()) }
    }

    /// Begins the closing handshake, behind what waits to be written. A connection that is not open yet
    /// ends as [`Failure::Aborted`]. If it is closing or closed already, nothing happens.
    ///
    /// # Errors
    /// If the reason is longer than 123 bytes, the code one that
    /// [no page may use](WebSocketOptions::browser_close_codes), or there is no masking key. Nothing
    /// happens then.
    pub fn close(&mut self, close: Option<Close<&str>>, now: Duration) -> Result<(), SendError> {
        self.check_code(close)?;
        self.queue_close(close, now)
    }

    /// Whether the code may be said, where only some may.
    pub(in crate::ws) fn check_code(&self, close: Option<Close<&str>>) -> Result<(), SendError> {
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
            Phase::Opened | Phase::Running if self.connection.state() == ConnectionState::Open => {
                self.push(&frame)?;
                self.closes_from(now);
            }
            _ => {}
        }
        Ok(())
    }

    /// Fails the connection (RFC 6455, 7.1.7): tells the peer why, behind what waits to be written, and
    /// then wants the transport shut, without waiting for the peer's answer. What it still sends is
    /// dropped. The last event comes when the transport ends, at the latest after the
    /// [closing timeout](WebSocketOptions::closing_timeout), and says [`Failure::Local`]. If the connection is not open yet, this is
    /// [`close`](Self::close); after a close frame of the peer nothing happens.
    ///
    /// ```
    /// use eventwire::ws::{Close, CloseCode, Failure, SendError, WebSocket, WebSocketOptions};
    /// use std::time::Duration;
    ///
    /// /// The client has not said who it is.
    /// fn refuse(socket: &mut WebSocket, now: Duration) -> Result<(), SendError> {
    ///     let close = Close { code: CloseCode::POLICY_VIOLATION, reason: "no login" };
    ///     socket.fail(Some(close), now)
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn fail(&mut self, close: Option<Close<&str>>, now: Duration) -> Result<(), SendError> {
        self.close(close, now)?;
        let running = matches!(self.phase, Phase::Opened | Phase::Running);
        if running && self.connection.state() == ConnectionState::LocalClosing {
            self.connection.writer().peer_closed();
            self.failure.get_or_insert(Failure::Local);
        }
        Ok(())
    }

    fn fail_by(&mut self, failure: Failure) -> WebSocketEvent {
        self.failure.get_or_insert(failure);
        self.finish()
    }

    /// The last event.
    fn finish(&mut self) -> WebSocketEvent {
        let was_clean = self.failure.is_none()
            && self.connection.state() == ConnectionState::Closed
            && self.queue.is_empty();
        if !was_clean && self.failure.is_none() {
            let cut = self.ended || self.failed;
            self.failure = Some(if cut { self.cut() } else { Failure::ClosingTimeout });
        }
        self.phase = Phase::Closed;
        let abnormal = (CloseEvent::ABNORMAL, Utf8Bytes::default());
        let (code, reason) = self.peer_close.take().unwrap_or(abnormal);
        let failure = self.failure.clone();
        WebSocketEvent::Close(CloseEvent { code, reason, was_clean, failure })
    }
}

impl<M> WebSocket<M> {
    /// The transport has ended: there is nothing more to read. [`poll`](Self::poll) once more.
    pub fn end_of_stream(&mut self, now: Duration) {
        self.ended = true;
        self.closes_from(now);
    }

    /// Reading failed with this error of the transport, and there is nothing more to read.
    /// [`poll`](Self::poll) once more. The error is the [source](core::error::Error::source) of the
    /// failure in the [`CloseEvent`], unless an error came before, or the connection had closed.
    pub fn read_failed(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>, now: Duration) {
        self.transport_error.get_or_insert_with(|| TransportError::new(error));
        self.end_of_stream(now);
    }

    /// Writing failed with this error of the transport, and there is nothing more to write. Read on:
    /// what the peer said last may still come, and then the transport ends. If it does not, the
    /// [closing timeout](WebSocketOptions::closing_timeout) ends the wait. The error is kept as that of
    /// [`read_failed`](Self::read_failed).
    pub fn write_failed(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>, now: Duration) {
        self.transport_error.get_or_insert_with(|| TransportError::new(error));
        self.failed = true;
        self.closes_from(now);
    }

    fn closes_from(&mut self, now: Duration) {
        let deadline = now.saturating_add(self.options.closing_timeout);
        self.closing_deadline.get_or_insert(deadline);
    }

    /// Why a connection ended that was cut.
    fn cut(&self) -> Failure {
        self.transport_error.clone().map_or(Failure::EndOfStream, Failure::Transport)
    }

    /// Until when the peer may be silent, after which wait, and what it means if it is.
    fn judgement(&self) -> Option<(Duration, Duration, Verdict)> {
        let options = &self.options;
        match &self.phase {
            #[cfg(feature = "handshake")]
            Phase::Connecting(it) => {
                let handshake = (it.deadline, options.handshake_timeout, Verdict::Handshake);
                let closing = self.closing_deadline;
                let closing = closing.map(|at| (at, options.closing_timeout, Verdict::Closing));
                closing.into_iter().chain([handshake]).min_by_key(|(deadline, ..)| *deadline)
            }
            Phase::Running if self.is_closing() => {
                self.closing_deadline.map(|at| (at, options.closing_timeout, Verdict::Closing))
            }
            Phase::Running => {
                let silence = |since: Duration, timeout: Duration| {
                    let deadline = since.saturating_add(timeout);
                    (!timeout.is_zero()).then_some((deadline, timeout, Verdict::Idle))
                };
                let pong = self.heartbeat.pong_deadline();
                pong.map(|at| (at, options.pong_timeout, Verdict::Pong))
                    .into_iter()
                    .chain(silence(self.last_byte, options.idle_timeout))
                    .chain(silence(self.last_message, options.message_timeout))
                    .min_by_key(|(deadline, ..)| *deadline)
            }
            Phase::Opened | Phase::Closed => None,
        }
    }

    /// Whether it is on its way to its end.
    const fn is_closing(&self) -> bool {
        self.closing_deadline.is_some() || !matches!(self.connection.state(), ConnectionState::Open)
    }
    /// Whether the writing side of the transport is to be shut now, as nothing more will be written:
    /// on a server once both close frames are out, on either side once a peer that broke the
    /// protocol was told (RFC 6455, 7.1.1, 7.1.7). It stays so until the last event; read on until
    /// then.
    #[must_use]
    pub fn wants_shutdown(&self) -> bool {
        matches!(self.phase, Phase::Running)
            && self.connection.state() == ConnectionState::Closed
            && self.queue.is_empty()
            && (self.role == Role::Server || self.failure.is_some())
    }

    /// Whether nothing is to be written that counts once the transport has ended: behind the peer's
    /// close frame ours may be under way.
    fn awaits_nothing(&self) -> bool {
        self.failed || self.queue.is_empty() || self.connection.state() != ConnectionState::Closed
    }

    /// When to call [`poll`](Self::poll) at the latest, even if nothing was received. With `None`
    /// nothing is due by itself: that is so while it is open without pings and without timeouts of
    /// silence, and after the last event.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Closed => return None,
            _ if self.ended && self.awaits_nothing() => return Some(Duration::ZERO),
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) if self.failure.is_some() => return Some(Duration::ZERO),
            #[cfg(feature = "handshake")]
            Phase::Connecting(_) => {}
            Phase::Opened => return Some(Duration::ZERO),
            // The peer closed, since when is for `poll` to say.
            Phase::Running if self.is_closing() && self.closing_deadline.is_none() => {
                return Some(Duration::ZERO);
            }
            Phase::Running => {}
        }
        let judgement = self.judgement().map(|(deadline, ..)| self.chance.deadline(deadline));
        let pings = matches!(self.phase, Phase::Running) && !self.is_closing();
        let ping = if pings { self.heartbeat.next_ping() } else { None };
        judgement.into_iter().chain(ping).min()
    }

    /// How far it is.
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        match (&self.phase, self.connection.state()) {
            #[cfg(feature = "handshake")]
            (Phase::Connecting(_), _) if self.failure.is_none() => ReadyState::Connecting,
            #[cfg(feature = "handshake")]
            (Phase::Connecting(_), _) => ReadyState::Closing,
            (Phase::Opened | Phase::Running, ConnectionState::Open) => ReadyState::Open,
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
    #[must_use]
    pub fn deflate_params(&self) -> Option<DeflateParams> {
        self.agreed.as_ref().map(|agreed| agreed.params)
    }

    /// The latest time from writing a ping of the [heartbeat](WebSocketOptions::ping_interval) to receiving
    /// a pong for it; `None` until the first. Those pings are empty, so any empty pong counts as one.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.heartbeat.round_trip()
    }

    /// When the peer last sent something, or the connection began.
    pub(in crate::ws) const fn last_heard(&self) -> Duration {
        self.heartbeat.last_heard()
    }

    /// How many messages that are kept were wholly written.
    pub(in crate::ws) const fn written_kept(&self) -> u64 {
        self.queue.written_kept()
    }
}

/// Why what the protocol demands cannot be sent: its order is right, and the queue grows.
fn unsendable(_: SendError) -> Failure {
    NoMaskKey.into()
}

/// What a [`WebSocket`] has to write: what was written is taken off by [`Buf::advance`].
#[derive(Debug)]
pub struct ToWrite<'s> {
    /// `None`: nothing can be written.
    pub(in crate::ws) parts: Option<Parts<'s>>,
    pub(in crate::ws) now: Duration,
}

/// What is written to, and who is told of it.
#[derive(Debug)]
pub(in crate::ws) struct Parts<'s> {
    queue: &'s mut SendQueue,
    heartbeat: &'s mut Heartbeat,
    closing_deadline: &'s mut Option<Duration>,
    /// The closing deadline, if the peer takes something now.
    closes_at: Duration,
}

impl ToWrite<'_> {
    fn queue(&self) -> Option<&SendQueue> {
        self.parts.as_ref().map(|parts| &*parts.queue)
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
        let Some(Parts { queue, heartbeat, closing_deadline, closes_at }) = &mut self.parts else {
            return assert_eq!(len, 0, "nothing to write");
        };
        if len > 0
            && queue.has_close()
            && let Some(deadline) = closing_deadline
        {
            *deadline = (*closes_at).max(*deadline);
        }
        queue.advance(len);
        heartbeat.written(len, self.now);
    }
}
