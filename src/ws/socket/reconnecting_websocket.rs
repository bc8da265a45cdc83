//! A client that stays connected.

use super::close_event::{CloseEvent, Failure};
use super::to_write::ToWrite;
use super::transport_error::TransportError;
use super::unsent::Unsent;
use super::websocket::WebSocket;
use super::websocket_event::{Flow, ReadyState, WebSocketEvent};
use crate::last_chance::LastChance;
use crate::ws::connection::{IntoFrame, SendError};
#[cfg(feature = "deflate")]
use crate::ws::deflate::DeflateParams;
use crate::ws::frame::{Close, Frame, IntoClose, Limits, MaskSource, ProtocolError, Shape};
use crate::{Backoff, Utf8Bytes};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use core::error::Error;
use core::ops::Range;
use core::time::Duration;

/// How a [`ReconnectingWebSocket`] stays connected.
///
/// ```
/// use eventwire::Backoff;
/// use eventwire::ws::{CloseEvent, ReconnectingWebSocketOptions};
/// use std::time::Duration;
///
/// let seed = rand::random();
/// let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30), seed);
/// let options = ReconnectingWebSocketOptions::new(backoff.max_attempts(10))
///     .max_unsent(100, 64 * 1024)
///     .ends_on(|close| close.code == 4000 || ReconnectingWebSocketOptions::is_final(close));
/// ```
#[derive(Clone, Debug)]
pub struct ReconnectingWebSocketOptions {
    backoff: Backoff,
    max_messages: usize,
    max_bytes: usize,
    connect_timeout: Duration,
    ends_on: fn(&CloseEvent) -> bool,
}

impl ReconnectingWebSocketOptions {
    /// 1024.
    pub const DEFAULT_MAX_UNSENT_MESSAGES: usize = 1024;
    /// 1 MiB.
    pub const DEFAULT_MAX_UNSENT_BYTES: usize = 1 << 20;
    /// 30 s.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

    /// Waits as `backoff` says before each further connection. RFC 6455, 7.2.3 proposes a random
    /// first wait of up to five seconds, and longer ones from then on: see
    /// [`rfc_backoff`](Self::rfc_backoff).
    #[must_use]
    pub const fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            max_messages: Self::DEFAULT_MAX_UNSENT_MESSAGES,
            max_bytes: Self::DEFAULT_MAX_UNSENT_BYTES,
            connect_timeout: Self::DEFAULT_CONNECT_TIMEOUT,
            ends_on: Self::is_final,
        }
    }

    /// The waits of RFC 6455, 7.2.3: a random one of up to 5 s, then of up to 10 s, 20 s, 40 s, and a
    /// minute from then on. `seed` is a random number.
    #[must_use]
    pub const fn rfc_backoff(seed: u64) -> Backoff {
        Backoff::new(Duration::from_secs(5), Duration::from_secs(60), seed)
    }

    /// Sets how many messages may wait, and how many bytes they may have together.
    #[must_use]
    pub const fn max_unsent(mut self, messages: usize, bytes: usize) -> Self {
        self.max_messages = messages;
        self.max_bytes = bytes;
        self
    }

    /// Sets how long a transport may take to be connected, from [`ReconnectingWebSocketEvent::Connect`] on. After that the
    /// attempt counts as failed, even if neither [`connected`](ReconnectingWebSocket::connected) nor
    /// [`connect_failed`](ReconnectingWebSocket::connect_failed) is called: abandon it.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets which ends of a connection are final, instead of those that [`is_final`](Self::is_final)
    /// names.
    #[must_use]
    pub const fn ends_on(mut self, is_final: fn(&CloseEvent) -> bool) -> Self {
        self.ends_on = is_final;
        self
    }

    /// Whether another connection would not end otherwise: the peer closed with 1000 (done), 1002,
    /// 1003, 1007, 1008, 1009 or 1010 (it does not like what we send); it sent what cannot be
    /// accepted; or the handshake was refused with a status that is no redirect and no passing
    /// trouble: 4xx, but not 408, 425 and 429.
    ///
    /// A close frame that is ill-formed, as with code 1005 or 1006 in it, is a goodbye all the same: the
    /// client comes back.
    #[must_use]
    pub fn is_final(close: &CloseEvent) -> bool {
        match (close.code, &close.failure) {
            (1000 | 1002 | 1003 | 1007..=1010, _) => true,
            (_, Some(Failure::Protocol(error))) => !error.fault.is_in_close_frame(),
            #[cfg(feature = "handshake")]
            (_, Some(Failure::Refused(refusal))) => {
                let status = refusal.status();
                matches!(status, 400..=499) && !matches!(status, 408 | 425 | 429)
            }
            _ => false,
        }
    }
}

/// A client's WebSocket that is opened again whenever it ends, until it is closed, the end was
/// [final](ReconnectingWebSocketOptions::ends_on), or there were
/// [too many attempts](Backoff::max_attempts) (RFC 6455, 7.2.3).
///
/// Messages may be sent at any time: they are kept in order until they can be written, within
/// [limits](ReconnectingWebSocketOptions::max_unsent). Each has a number, counted from 0. One is *written* when
/// the transport took its last byte, and is never written again: whether it arrived, only the peer
/// can tell, so [`Disconnected::written`] says which those are. One that was cut off before its last
/// byte cannot have arrived, and goes first over the next connection.
///
/// What has to go before them on each connection, such as a login, is sent by
/// [`send_now`](Self::send_now) at [`ReconnectingWebSocketEvent::Open`]; if they are to wait for the peer's answer to
/// that, [`hold`](Self::hold) them until then.
///
/// It is run as a [`WebSocket`] is, by the same loop, but always reads. On [`ReconnectingWebSocketEvent::Connect`]
/// open a transport, and give it as [`connected`](Self::connected) or say
/// [`connect_failed`](Self::connect_failed); after [`ReconnectingWebSocketEvent::Disconnected`] drop it. If the server
/// refused with a `Retry-After`, the next attempt waits at least that long.
///
/// Memory: that of a `WebSocket`, and what waits to be sent.
///
#[cfg_attr(feature = "handshake", doc = "```")]
#[cfg_attr(not(feature = "handshake"), doc = "```ignore")]
/// use bytes::BytesMut;
/// use eventwire::ws::handshake::{ClientRequest, Unsendable};
/// use eventwire::ws::{
///     Frame, MaskSource, ReconnectingWebSocket, ReconnectingWebSocketEvent,
///     ReconnectingWebSocketOptions, WebSocket, WebSocketOptions,
/// };
/// use std::time::Duration;
///
/// /// The transport is up: opens a WebSocket over it.
/// fn open<M: MaskSource>(
///     link: &mut ReconnectingWebSocket<M>,
///     masks: M,
///     now: Duration,
/// ) -> Result<(), Unsendable> {
///     let request = ClientRequest::new("example.com", "/chat", rand::random())?;
///     link.connected(WebSocket::connect(&request, WebSocketOptions::new(), masks, now));
///     Ok(())
/// }
///
/// let backoff = ReconnectingWebSocketOptions::rfc_backoff(rand::random());
/// let mut link = ReconnectingWebSocket::new(ReconnectingWebSocketOptions::new(backoff));
/// let mut received = BytesMut::new();
/// assert_eq!(link.send(&Frame::text("first"))?, 0); // kept
///
/// assert_eq!(link.poll(&mut received, Duration::ZERO), Some(ReconnectingWebSocketEvent::Connect));
/// open(&mut link, rand::random, Duration::ZERO)?;
/// link.end_of_stream(Duration::ZERO); // the server hung up
/// let Some(ReconnectingWebSocketEvent::Disconnected(end)) = link.poll(&mut received, Duration::ZERO) else {
///     unreachable!()
/// };
/// assert_eq!((end.close.code, end.written), (1006, 0..0));
///
/// let later = end.reconnect_at.expect("no final end");
/// assert!(later <= Duration::from_secs(5));
/// assert_eq!(link.deadline(), Some(later));
/// assert_eq!(link.poll(&mut received, later), Some(ReconnectingWebSocketEvent::Connect));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ReconnectingWebSocket<M> {
    options: ReconnectingWebSocketOptions,
    link: Link<M>,
    unsent: Unsent,
}

/// Where the connection is.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is up most of the time")]
enum Link<M> {
    /// To be made at this time.
    Due(Duration),
    /// Being made by the application.
    Connecting {
        deadline: Duration,
        chance: LastChance,
    },
    /// Was not made, which is not reported yet.
    NotMade {
        failure: Failure,
        /// Whether no further connection is to be made.
        last: bool,
    },
    Up {
        socket: WebSocket<M>,
        /// Since when it is open.
        opened: Option<Duration>,
        /// Whether messages that are kept are held back.
        held: bool,
        /// Whether no further connection is to be made.
        last: bool,
    },
    Ended,
}

/// What happened to a [`ReconnectingWebSocket`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReconnectingWebSocketEvent {
    /// Connect a transport now.
    Connect,
    /// The WebSocket is open.
    Open,
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping, which is answered, or a later one in its place; if it [is to be shown](crate::ws::WebSocketOptions::control_events).
    Ping(Bytes),
    /// A pong; if it [is to be shown](crate::ws::WebSocketOptions::control_events).
    Pong(Bytes),
    /// A message passed this limit, and is dropped, as
    /// [`OnLimit::Skip`](crate::ws::frame::OnLimit::Skip) has it.
    Skipped(ProtocolError),
    /// The connection ended, or was not to be had. Drop the transport.
    Disconnected(Disconnected),
}

/// How a connection of a [`ReconnectingWebSocket`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disconnected {
    /// How it ended.
    pub close: CloseEvent,
    /// The numbers of the messages that this connection wrote. Numbers that were
    /// [taken back](ReconnectingWebSocket::take_unsent) may lie in the range, and were not written. Messages with
    /// higher numbers are kept.
    pub written: Range<u64>,
    /// When the next attempt is due; `None` if there will be none: this is the last event.
    pub reconnect_at: Option<Duration>,
}

impl<M: MaskSource> ReconnectingWebSocket<M> {
    /// A client whose first connection is to be made at once.
    #[must_use]
    pub fn new(options: ReconnectingWebSocketOptions) -> Self {
        let link = Link::Due(Duration::ZERO);
        Self { options, link, unsent: Unsent::default() }
    }

    /// Gives the next event, as [`WebSocket::poll`], with the same `received`, which is cleared when
    /// a connection ends.
    pub fn poll(
        &mut self,
        received: &mut BytesMut,
        now: Duration,
    ) -> Option<ReconnectingWebSocketEvent> {
        match &mut self.link {
            Link::Due(at) if now >= *at => {
                let deadline = now.saturating_add(self.options.connect_timeout);
                self.link = Link::Connecting { deadline, chance: LastChance::new() };
                Some(ReconnectingWebSocketEvent::Connect)
            }
            Link::Connecting { deadline, chance } => {
                let late = chance.was_missed(*deadline, self.options.connect_timeout, now);
                let close = late.then(|| CloseEvent::never_open(Failure::ConnectTimeout))?;
                Some(self.disconnect(close, received, now))
            }
            Link::Due(_) | Link::Ended => None,
            Link::NotMade { failure, .. } => {
                let close = CloseEvent::never_open(failure.clone());
                Some(self.disconnect(close, received, now))
            }
            Link::Up { socket, opened, .. } => {
                let event = socket.poll(received, now);
                if event == Some(WebSocketEvent::Open) {
                    // What is kept goes from the next call on, behind what is sent at once.
                    *opened = Some(now);
                    return Some(ReconnectingWebSocketEvent::Open);
                }
                self.deliver();
                Some(match event? {
                    WebSocketEvent::Open => ReconnectingWebSocketEvent::Open,
                    WebSocketEvent::Text(text) => ReconnectingWebSocketEvent::Text(text),
                    WebSocketEvent::Binary(bytes) => ReconnectingWebSocketEvent::Binary(bytes),
                    WebSocketEvent::Ping(payload) => ReconnectingWebSocketEvent::Ping(payload),
                    WebSocketEvent::Pong(payload) => ReconnectingWebSocketEvent::Pong(payload),
                    WebSocketEvent::Skipped(error) => ReconnectingWebSocketEvent::Skipped(error),
                    WebSocketEvent::Close(close) => self.disconnect(close, received, now),
                })
            }
        }
    }

    /// The transport that was asked for is connected, and this is the WebSocket over it, by
    /// [`WebSocket::connect`] or [`WebSocket::client`]. It is dropped if none was asked for, or
    /// [`close`](Self::close) was called meanwhile; one that is closed already counts as a failed
    /// attempt. From now on poll only the `ReconnectingWebSocket`. Messages that it was given
    /// before go first, and have no numbers.
    pub fn connected(&mut self, socket: WebSocket<M>) {
        if socket.ready_state() == ReadyState::Closed {
            self.connect_failed("the WebSocket was closed before it was used");
        } else if matches!(self.link, Link::Connecting { .. }) {
            self.link = Link::Up { socket, opened: None, held: false, last: false };
        }
    }

    /// The transport that was asked for is not to be had, by this error. Poll once more. The error is
    /// the [source](Error::source) of the failure in [`Disconnected::close`].
    pub fn connect_failed(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        if matches!(self.link, Link::Connecting { .. }) {
            let failure = Failure::Transport(TransportError::new(error));
            self.link = Link::NotMade { failure, last: false };
        }
    }

    /// As [`WebSocket::end_of_stream`].
    pub fn end_of_stream(&mut self, now: Duration) {
        if let Link::Up { socket, .. } = &mut self.link {
            socket.end_of_stream(now);
        }
    }

    /// As [`WebSocket::read_failed`].
    pub fn read_failed(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>, now: Duration) {
        if let Link::Up { socket, .. } = &mut self.link {
            socket.read_failed(error, now);
        }
    }

    /// As [`WebSocket::write_failed`].
    pub fn write_failed(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>, now: Duration) {
        if let Link::Up { socket, .. } = &mut self.link {
            socket.write_failed(error, now);
        }
    }

    /// What is to be written now, as [`WebSocket::to_write`]. Ask again until nothing is left.
    pub fn to_write(&mut self, now: Duration) -> ToWrite<'_> {
        self.deliver();
        match &mut self.link {
            Link::Up { socket, .. } => socket.to_write(now).settling(&mut self.unsent),
            _ => ToWrite::nothing(now),
        }
    }

    /// Keeps a message until it can be written; returns its number, counted from 0.
    ///
    /// # Errors
    /// If the frame is no whole message, or longer than all that [may wait](
    /// ReconnectingWebSocketOptions::max_unsent), there is no room for it now, or the client is closed. It is not
    /// kept then, and gets no number.
    pub fn send<F: IntoFrame>(&mut self, frame: F) -> Result<u64, SendError> {
        let frame = frame.into_frame()?;
        let Shape { opcode, continuing, fin, .. } = frame.shape;
        if opcode.is_control() || continuing || !fin {
            return Err(SendError::NoWholeMessage);
        }
        if self.is_last() {
            return Err(SendError::Closed);
        }
        let Self { options, unsent, .. } = self;
        let payload = frame.payload();
        if payload.len() > options.max_bytes {
            return Err(SendError::MessageTooLong { limit: options.max_bytes });
        }
        let room = options.max_bytes - unsent.bytes();
        if unsent.len() >= options.max_messages || payload.len() > room {
            return Err(SendError::Full);
        }
        Ok(unsent.push(frame.to_owned()))
    }

    /// Sends a frame over this connection alone, as [`WebSocket::send`]: it is not kept, and has no
    /// number. At [`ReconnectingWebSocketEvent::Open`] it goes before all messages that are kept, so that it can be what
    /// each connection has to begin with: a login, or the `connection_init` of GraphQL. Control frames
    /// are sent like this too.
    ///
    /// ```
    /// use eventwire::ws::{
    ///     Frame, MaskSource, ReconnectingWebSocket, ReconnectingWebSocketEvent, SendError,
    /// };
    ///
    /// /// Subscriptions wait until the server has answered to what is first.
    /// fn handle<M: MaskSource>(link: &mut ReconnectingWebSocket<M>, event: &ReconnectingWebSocketEvent) -> Result<(), SendError> {
    ///     match event {
    ///         ReconnectingWebSocketEvent::Open => {
    ///             link.send_now(&Frame::text(r#"{"type":"connection_init"}"#))?;
    ///             link.hold();
    ///         }
    ///         ReconnectingWebSocketEvent::Text(text) if text.contains("connection_ack") => link.release(),
    ///         _ => {}
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn send_now<F: IntoFrame>(&mut self, frame: F) -> Result<Flow, SendError> {
        match &mut self.link {
            Link::Up { socket, .. } => socket.send(frame),
            Link::NotMade { last: true, .. } | Link::Ended => Err(SendError::Closed),
            _ => Err(SendError::Connecting),
        }
    }

    /// Holds back the messages that are kept, until [`release`](Self::release) or the end of this
    /// connection. Those that were handed to it already still go.
    pub const fn hold(&mut self) {
        self.set_held(true);
    }

    /// Sends the messages that were [held](Self::hold) back.
    pub const fn release(&mut self) {
        self.set_held(false);
    }

    const fn set_held(&mut self, hold: bool) {
        if let Link::Up { held, .. } = &mut self.link {
            *held = hold;
        }
    }

    /// The messages that are kept and their numbers, in order. Part of the first one may have been
    /// written already.
    pub fn unsent(&self) -> impl Iterator<Item = (u64, &Frame<Bytes>)> {
        self.unsent.iter()
    }

    /// Takes back the messages that `wanted` chooses by number and content: to drop them, to change
    /// them, or to keep them elsewhere. A message that was handed to the connection stays; after
    /// [`ReconnectingWebSocketEvent::Disconnected`] no message is.
    ///
    /// ```
    /// use eventwire::ws::{MaskSource, ReconnectingWebSocket};
    ///
    /// /// What was to be sent is not worth it any more.
    /// fn forget<M: MaskSource>(link: &mut ReconnectingWebSocket<M>) {
    ///     link.take_unsent(|_, _| true);
    /// }
    /// ```
    pub fn take_unsent(
        &mut self,
        wanted: impl FnMut(u64, &Frame<Bytes>) -> bool,
    ) -> Vec<(u64, Frame<Bytes>)> {
        self.unsent.take(wanted)
    }

    /// Fails this connection, as [`WebSocket::fail`], and connects again after the back-off; without a
    /// connection nothing happens.
    ///
    /// # Errors
    /// As [`WebSocket::fail`].
    pub fn fail<C: IntoClose>(&mut self, close: C, now: Duration) -> Result<(), SendError> {
        match &mut self.link {
            Link::Up { socket, .. } => socket.fail(close, now),
            _ => Ok(()),
        }
    }

    /// Closes for good: what waits is written first, if the connection is open and nothing is
    /// [held](Self::hold) back. Messages that are left when the last [`Disconnected`] comes were not written.
    ///
    /// # Errors
    /// As [`WebSocket::close`]. Nothing happens then, unless there is no masking key: what waited may
    /// have been written by then.
    pub fn close<C: IntoClose>(&mut self, close: C, now: Duration) -> Result<(), SendError> {
        let close = close.into_close()?;
        let close = close.as_ref().map(Close::borrowed);
        let _: Frame<_> = Frame::close(close)?;
        match &mut self.link {
            Link::Up { socket, held, last, .. } => {
                socket.check_code(close)?;
                if socket.ready_state() == ReadyState::Open && !*held {
                    let handed = self.unsent.hand_over(|message| socket.push_kept(message));
                    // By any other error they cannot go, which is no reason to stay open.
                    if let Err(error @ SendError::NoMaskKey(_)) = handed {
                        return Err(error);
                    }
                }
                socket.close(close, now)?;
                *last = true;
            }
            Link::Due(_) | Link::Connecting { .. } => {
                self.link = Link::NotMade { failure: Failure::Aborted, last: true };
            }
            Link::NotMade { last, .. } => *last = true,
            Link::Ended => {}
        }
        Ok(())
    }

    /// Hands over what the connection has room for.
    fn deliver(&mut self) {
        if let Link::Up { socket, held: false, .. } = &mut self.link {
            // What cannot be sent now stays.
            let _ = self.unsent.hand_over(|message| {
                socket.check(message.shape.opcode)?;
                socket.push_kept(message)
            });
        }
    }

    fn disconnect(
        &mut self,
        close: CloseEvent,
        received: &mut BytesMut,
        now: Duration,
    ) -> ReconnectingWebSocketEvent {
        received.clear();
        if let Link::Up { opened: Some(since), socket, .. } = &self.link {
            let is_silent = close.failure == Some(Failure::PongTimeout);
            let until = if is_silent { socket.last_heard() } else { now };
            self.options.backoff.connection_lasted(until.saturating_sub(*since));
        }
        let again = !self.is_last() && !(self.options.ends_on)(&close);
        let wait = if again { self.options.backoff.next_wait() } else { None };
        let reconnect_at = wait.map(|wait| now.saturating_add(wait.max(asked_wait(&close))));
        self.link = reconnect_at.map_or(Link::Ended, Link::Due);
        let written = self.unsent.disconnect();
        ReconnectingWebSocketEvent::Disconnected(Disconnected { close, written, reconnect_at })
    }
}

/// How long the server asks to wait.
fn asked_wait(close: &CloseEvent) -> Duration {
    match &close.failure {
        #[cfg(feature = "handshake")]
        Some(Failure::Refused(refusal)) => refusal.retry_after().unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

impl<M> ReconnectingWebSocket<M> {
    /// Whether no further connection is to be made.
    const fn is_last(&self) -> bool {
        match self.link {
            Link::Due(_) | Link::Connecting { .. } => false,
            Link::NotMade { last, .. } | Link::Up { last, .. } => last,
            Link::Ended => true,
        }
    }

    /// When to call [`poll`](Self::poll) at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.link {
            Link::Due(at) => Some(*at),
            Link::NotMade { .. } => Some(Duration::ZERO),
            Link::Up { socket, .. } => socket.deadline(),
            Link::Connecting { deadline, chance } => Some(chance.deadline(*deadline)),
            Link::Ended => None,
        }
    }

    /// As [`WebSocket::set_limits`], of this connection. Without a connection nothing happens, and
    /// the next one has the limits of its own [options](crate::ws::WebSocketOptions::limits).
    pub fn set_limits(&mut self, limits: Limits) {
        if let Link::Up { socket, .. } = &mut self.link {
            socket.set_limits(limits);
        }
    }

    /// As [`WebSocket::round_trip`], of this connection.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        if let Link::Up { socket, .. } = &self.link { socket.round_trip() } else { None }
    }

    /// As [`WebSocket::wants_shutdown`].
    #[must_use]
    pub fn wants_shutdown(&self) -> bool {
        matches!(&self.link, Link::Up { socket, .. } if socket.wants_shutdown())
    }

    /// That of the connection; `Connecting` between two of them, `Closed` after the last one.
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        match &self.link {
            Link::Up { socket, .. } => socket.ready_state(),
            Link::NotMade { last: true, .. } => ReadyState::Closing,
            Link::Due(_) | Link::Connecting { .. } | Link::NotMade { .. } => ReadyState::Connecting,
            Link::Ended => ReadyState::Closed,
        }
    }

    /// How many bytes of messages are not written, those of a message that is partly written
    /// included.
    #[must_use]
    pub const fn buffered_amount(&self) -> usize {
        self.unsent.bytes()
    }

    /// How far messages were written: all with lower numbers were written or
    /// [taken back](Self::take_unsent); the others are kept.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.unsent.written()
    }

    /// The subprotocol of the connection, as [`WebSocket::protocol`]; empty if there is none.
    #[must_use]
    pub fn protocol(&self) -> &str {
        if let Link::Up { socket, .. } = &self.link { socket.protocol() } else { "" }
    }

    /// The parameters of the connection's compression, as [`WebSocket::deflate_params`].
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate_params(&self) -> Option<DeflateParams> {
        if let Link::Up { socket, .. } = &self.link { socket.deflate_params() } else { None }
    }

    /// The extensions of the connection, as [`WebSocket::extensions`]; empty if there are none.
    #[must_use]
    pub fn extensions(&self) -> &str {
        if let Link::Up { socket, .. } = &self.link { socket.extensions() } else { "" }
    }
}
