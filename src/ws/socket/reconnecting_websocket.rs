//! [`ReconnectingWebSocket`], a client that stays connected, with its options and events.

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

/// The options of a [`ReconnectingWebSocket`].
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
    /// The default of [`max_unsent`](Self::max_unsent): 1024 messages.
    pub const DEFAULT_MAX_UNSENT_MESSAGES: usize = 1024;
    /// The default of [`max_unsent`](Self::max_unsent): 1 MiB.
    pub const DEFAULT_MAX_UNSENT_BYTES: usize = 1 << 20;
    /// The default of [`connect_timeout`](Self::connect_timeout): 30 s.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

    /// Creates options that wait before each further connection as `backoff` says. [RFC 6455,
    /// section 7.2.3] proposes a random first wait of up to five seconds, and longer waits after
    /// that: see [`rfc_backoff`](Self::rfc_backoff).
    ///
    /// [RFC 6455, section 7.2.3]: https://www.rfc-editor.org/rfc/rfc6455#section-7.2.3
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

    /// Returns the back-off of [RFC 6455, section 7.2.3]: a random wait of up to 5 s, then of up to
    /// 10 s, 20 s and 40 s, and then of up to a minute each time. `seed` is a random number.
    #[must_use]
    pub const fn rfc_backoff(seed: u64) -> Backoff {
        Backoff::new(Duration::from_secs(5), Duration::from_secs(60), seed)
    }

    /// Sets the maximum number of messages that may wait, and their maximum total size in bytes.
    #[must_use]
    pub const fn max_unsent(mut self, messages: usize, bytes: usize) -> Self {
        self.max_messages = messages;
        self.max_bytes = bytes;
        self
    }

    /// Sets how long a transport may take to be connected, counted from
    /// [`ReconnectingWebSocketEvent::Connect`]. After that the attempt has failed, even if neither
    /// [`connected`](ReconnectingWebSocket::connected) nor
    /// [`connect_failed`](ReconnectingWebSocket::connect_failed) was called. Abandon it then.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets which ends of a connection are final, in place of [`is_final`](Self::is_final).
    #[must_use]
    pub const fn ends_on(mut self, is_final: fn(&CloseEvent) -> bool) -> Self {
        self.ends_on = is_final;
        self
    }

    /// Returns whether another connection would end in the same way. This is so in three cases:
    ///
    /// * The peer closed with 1000 (done), or with 1002, 1003, 1007, 1008, 1009 or 1010 (it does
    ///   not accept what we send).
    /// * The peer broke the protocol or passed a limit.
    /// * The server refused the handshake with a 4xx status other than 408, 425 and 429. Redirects
    ///   and temporary failures are not final.
    ///
    /// An ill-formed close frame, for example one with code 1005 or 1006 in it, is not final.
    #[must_use]
    pub fn is_final(close: &CloseEvent) -> bool {
        match (close.code, &close.failure) {
            (1000 | 1002 | 1003 | 1007..=1010, _) => true,
            (_, Some(Failure::Protocol(error))) => !error.fault.is_in_close_frame(),
            #[cfg(feature = "handshake")]
            (_, Some(Failure::Refused(refusal))) => refusal.is_permanent(),
            _ => false,
        }
    }
}

/// A client's WebSocket that is opened again whenever it ends ([RFC 6455, section 7.2.3]). It stops
/// when the application closes it, after an end that is
/// [final](ReconnectingWebSocketOptions::ends_on), or after [too many
/// attempts](Backoff::max_attempts).
///
/// Messages may be sent at any time. They are kept in order until they can be written, within
/// [limits](ReconnectingWebSocketOptions::max_unsent). Each message has a number, counted from 0. A
/// message is *written* when the transport has taken its last byte, and is never written again.
/// Only the peer knows whether it arrived, so [`Disconnected::written`] reports the numbers. A
/// message that was cut off before its last byte cannot have arrived, and goes first over the next
/// connection.
///
/// To send something before these messages on each connection, such as a login, call
/// [`send_now`](Self::send_now) at [`ReconnectingWebSocketEvent::Open`]. To make the messages wait
/// for the peer's answer to it, [`hold`](Self::hold) them until then.
///
/// Run it with the same loop as a [`WebSocket`]. On [`ReconnectingWebSocketEvent::Connect`], open a
/// transport, and call [`connected`](Self::connected) or [`connect_failed`](Self::connect_failed).
/// After [`ReconnectingWebSocketEvent::Disconnected`], drop the transport. If the server refused
/// with a `Retry-After`, the next attempt waits at least that long.
///
/// Memory: that of a `WebSocket`, and the kept messages.
///
/// [RFC 6455, section 7.2.3]: https://www.rfc-editor.org/rfc/rfc6455#section-7.2.3
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
/// /// Opens a WebSocket over a transport that is connected.
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
/// let event = link.poll(&mut received, Duration::ZERO);
/// let Some(ReconnectingWebSocketEvent::Disconnected(end)) = event else {
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

/// The state of the connection.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is up most of the time")]
enum Link<M> {
    /// The time of the next attempt.
    Due(Duration),
    /// The application is connecting a transport.
    Connecting {
        deadline: Duration,
        chance: LastChance,
    },
    /// The attempt failed, and this is not reported yet.
    NotMade {
        failure: Failure,
        /// Whether the application closed the client, so that this was the last attempt.
        last: bool,
    },
    Up {
        socket: WebSocket<M>,
        /// The time when the WebSocket opened.
        opened: Option<Duration>,
        /// Whether kept messages are held back.
        held: bool,
        /// Whether the application closed the client, so that this is the last connection.
        last: bool,
    },
    Ended,
}

/// An event of a [`ReconnectingWebSocket`].
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
    /// A ping, if [`control_events`](crate::ws::WebSocketOptions::control_events) is set. The ping,
    /// or a later one in its place, is answered automatically.
    Ping(Bytes),
    /// A pong, if [`control_events`](crate::ws::WebSocketOptions::control_events) is set.
    Pong(Bytes),
    /// A message passed this limit and is dropped, because the policy is
    /// [`OnLimit::Skip`](crate::ws::frame::OnLimit::Skip).
    Skipped(ProtocolError),
    /// The connection ended, or could not be made. Drop the transport.
    Disconnected(Disconnected),
}

/// The end of a connection of a [`ReconnectingWebSocket`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disconnected {
    /// The end of the connection, as a WebSocket reports it.
    pub close: CloseEvent,
    /// The numbers of the messages that this connection wrote. The range may include numbers of
    /// messages that were [taken back](ReconnectingWebSocket::take_unsent), and were not written.
    /// Messages with higher numbers are kept.
    pub written: Range<u64>,
    /// The time of the next attempt. If this is `None`, there is no further attempt, and this is
    /// the last event.
    pub reconnect_at: Option<Duration>,
}

impl<M: MaskSource> ReconnectingWebSocket<M> {
    /// Creates a client that makes its first connection at once.
    #[must_use]
    pub fn new(options: ReconnectingWebSocketOptions) -> Self {
        let link = Link::Due(Duration::ZERO);
        Self { options, link, unsent: Unsent::default() }
    }

    /// Returns the next event, like [`WebSocket::poll`]. Always pass the same `received`. It is
    /// cleared when a connection ends.
    pub fn poll(
        &mut self,
        received: &mut BytesMut,
        now: Duration,
    ) -> Option<ReconnectingWebSocketEvent> {
        self.next_event(received, now, WebSocket::poll)
    }

    /// Returns the next event of time alone, like [`WebSocket::poll_time`]. Call this instead of
    /// [`poll`](Self::poll) while the application takes no messages, and does not read. Pass the
    /// same `received`.
    pub fn poll_time(
        &mut self,
        received: &mut BytesMut,
        now: Duration,
    ) -> Option<ReconnectingWebSocketEvent> {
        self.next_event(received, now, |socket, _, now| socket.poll_time(now))
    }

    fn next_event(
        &mut self,
        received: &mut BytesMut,
        now: Duration,
        poll: fn(&mut WebSocket<M>, &mut BytesMut, Duration) -> Option<WebSocketEvent>,
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
                // A socket that was opened before it was handed over has reported that already.
                let is_news = opened.is_none() && socket.has_opened();
                let event =
                    if is_news { Some(WebSocketEvent::Open) } else { poll(socket, received, now) };
                if event == Some(WebSocketEvent::Open) {
                    // Kept messages go from the next call on, after everything that is sent at
                    // `Open`.
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

    /// Takes the WebSocket over the transport that [`ReconnectingWebSocketEvent::Connect`] asked
    /// for. Make it with [`WebSocket::connect`] or [`WebSocket::client`]. From now on, poll only
    /// the `ReconnectingWebSocket`.
    ///
    /// The WebSocket is dropped if none was asked for, or if [`close`](Self::close) was called
    /// meanwhile. If it is closed already, the attempt has failed. Messages that were sent on it
    /// before go first, and have no numbers. It may have reported
    /// [`Open`](WebSocketEvent::Open) already. Then pass what it left of its received bytes to
    /// [`poll`](Self::poll).
    pub fn connected(&mut self, socket: WebSocket<M>) {
        if socket.ready_state() == ReadyState::Closed {
            self.connect_failed("the WebSocket was closed before it was used");
        } else if matches!(self.link, Link::Connecting { .. }) {
            self.link = Link::Up { socket, opened: None, held: false, last: false };
        }
    }

    /// Notes that the transport could not be connected, because of this error. Poll once more. The
    /// error becomes the [source](Error::source) of the failure in [`Disconnected::close`].
    pub fn connect_failed(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.handshake_failed(Failure::Transport(TransportError::new(error)));
    }

    /// Notes that the WebSocket for this attempt ended with this failure before it was open, and was
    /// not handed over. Poll once more. A refusal by the server is final or waits for its
    /// `Retry-After`, as if the WebSocket had been handed over.
    pub fn handshake_failed(&mut self, failure: Failure) {
        if matches!(self.link, Link::Connecting { .. }) {
            self.link = Link::NotMade { failure, last: false };
        }
    }

    /// Does the same as [`WebSocket::end_of_stream`].
    pub fn end_of_stream(&mut self, now: Duration) {
        if let Link::Up { socket, .. } = &mut self.link {
            socket.end_of_stream(now);
        }
    }

    /// Does the same as [`WebSocket::read_failed`].
    pub fn read_failed(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>, now: Duration) {
        if let Link::Up { socket, .. } = &mut self.link {
            socket.read_failed(error, now);
        }
    }

    /// Does the same as [`WebSocket::write_failed`].
    pub fn write_failed(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>, now: Duration) {
        if let Link::Up { socket, .. } = &mut self.link {
            socket.write_failed(error, now);
        }
    }

    /// Returns the bytes to write now, like [`WebSocket::to_write`]. Call again until nothing
    /// remains.
    pub fn to_write(&mut self, now: Duration) -> ToWrite<'_> {
        self.deliver();
        match &mut self.link {
            Link::Up { socket, .. } => socket.to_write(now).settling(&mut self.unsent),
            _ => ToWrite::nothing(now),
        }
    }

    /// Keeps a message until it can be written. Returns its number, counted from 0.
    ///
    /// # Errors
    /// If the frame is not a whole message, it is longer than
    /// [`max_unsent`](ReconnectingWebSocketOptions::max_unsent) allows for all messages together,
    /// there is no room for it now, or the client is closed. The message is not kept then, and gets
    /// no number.
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

    /// Sends a frame over this connection only, like [`WebSocket::send`]. It is not kept, and has
    /// no number. A frame that is sent at [`ReconnectingWebSocketEvent::Open`] goes before all kept
    /// messages. So it can be what each connection must begin with, such as a login or the
    /// `connection_init` of GraphQL. Also send control frames with this method.
    ///
    /// ```
    /// use eventwire::ws::{
    ///     Frame, MaskSource, ReconnectingWebSocket, ReconnectingWebSocketEvent, SendError,
    /// };
    ///
    /// /// Makes subscriptions wait until the server has answered the first message.
    /// fn handle<M: MaskSource>(
    ///     link: &mut ReconnectingWebSocket<M>,
    ///     event: &ReconnectingWebSocketEvent,
    /// ) -> Result<(), SendError> {
    ///     match event {
    ///         ReconnectingWebSocketEvent::Open => {
    ///             link.send_now(&Frame::text(r#"{"type":"connection_init"}"#))?;
    ///             link.hold();
    ///         }
    ///         ReconnectingWebSocketEvent::Text(text) if text.contains("connection_ack") => {
    ///             link.release();
    ///         }
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

    /// Holds back the kept messages, until [`release`](Self::release) or the end of this
    /// connection. Messages that the connection already has are still sent.
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

    /// Returns the kept messages and their numbers, in order. Part of the first message may have
    /// been written already.
    pub fn unsent(&self) -> impl Iterator<Item = (u64, &Frame<Bytes>)> {
        self.unsent.iter()
    }

    /// Takes back the messages that `wanted` selects by number and content, to drop them, change
    /// them, or keep them elsewhere. A message that the connection already has cannot be taken
    /// back. After [`ReconnectingWebSocketEvent::Disconnected`], the connection has none.
    ///
    /// ```
    /// use eventwire::ws::{MaskSource, ReconnectingWebSocket};
    ///
    /// /// Drops the messages that are no longer worth sending.
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

    /// Fails this connection, like [`WebSocket::fail`], and connects again after the back-off.
    /// Without a connection, this does nothing.
    ///
    /// # Errors
    /// As [`WebSocket::fail`].
    pub fn fail<C: IntoClose>(&mut self, close: C, now: Duration) -> Result<(), SendError> {
        match &mut self.link {
            Link::Up { socket, .. } => socket.fail(close, now),
            _ => Ok(()),
        }
    }

    /// Closes the client permanently. Kept messages are written first, if the connection is open
    /// and nothing is [held](Self::hold) back. Messages that remain at the last [`Disconnected`]
    /// were not written.
    ///
    /// # Errors
    /// As [`WebSocket::close`]. Nothing happens then, but if a masking key is missing, some kept
    /// messages may already be queued.
    pub fn close<C: IntoClose>(&mut self, close: C, now: Duration) -> Result<(), SendError> {
        let close = close.into_close()?;
        let close = close.as_ref().map(Close::borrowed);
        let _: Frame<_> = Frame::close(close)?;
        match &mut self.link {
            Link::Up { socket, held, last, .. } => {
                socket.check_code(close)?;
                if socket.ready_state() == ReadyState::Open && !*held {
                    let handed = self.unsent.hand_over(|message| socket.push_kept(message));
                    // After any other error they cannot be sent, but that is no reason to stay
                    // open.
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

    /// Hands over the messages that the connection has room for.
    fn deliver(&mut self) {
        if let Link::Up { socket, held: false, .. } = &mut self.link {
            // Messages that cannot be sent now are kept.
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

/// Returns how long the server asks to wait.
fn asked_wait(close: &CloseEvent) -> Duration {
    match &close.failure {
        #[cfg(feature = "handshake")]
        Some(Failure::Refused(refusal)) => refusal.retry_after().unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

impl<M> ReconnectingWebSocket<M> {
    /// Returns whether no further connection will be made.
    const fn is_last(&self) -> bool {
        match self.link {
            Link::Due(_) | Link::Connecting { .. } => false,
            Link::NotMade { last, .. } | Link::Up { last, .. } => last,
            Link::Ended => true,
        }
    }

    /// Returns the latest time to call [`poll`](Self::poll).
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

    /// Sets the limits of this connection, like [`WebSocket::set_limits`]. Without a connection
    /// nothing happens. The next connection has the limits of its own
    /// [options](crate::ws::WebSocketOptions::limits).
    pub fn set_limits(&mut self, limits: Limits) {
        if let Link::Up { socket, .. } = &mut self.link {
            socket.set_limits(limits);
        }
    }

    /// Returns the round-trip time of this connection, like [`WebSocket::round_trip`].
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        if let Link::Up { socket, .. } = &self.link { socket.round_trip() } else { None }
    }

    /// Returns whether to shut the writing side of the transport, like
    /// [`WebSocket::wants_shutdown`].
    #[must_use]
    pub fn wants_shutdown(&self) -> bool {
        matches!(&self.link, Link::Up { socket, .. } if socket.wants_shutdown())
    }

    /// Returns the state of the connection. It is `Connecting` between two connections, and
    /// `Closed` after the last one.
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        match &self.link {
            Link::Up { socket, .. } => socket.ready_state(),
            Link::NotMade { last: true, .. } => ReadyState::Closing,
            Link::Due(_) | Link::Connecting { .. } | Link::NotMade { .. } => ReadyState::Connecting,
            Link::Ended => ReadyState::Closed,
        }
    }

    /// Returns the number of unwritten bytes of messages. A partly written message counts as a
    /// whole.
    #[must_use]
    pub const fn buffered_amount(&self) -> usize {
        self.unsent.bytes()
    }

    /// Returns the number up to which messages are finished: all messages with lower numbers were
    /// written or [taken back](Self::take_unsent). The others are kept.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.unsent.written()
    }

    /// Returns the subprotocol of the connection, like [`WebSocket::protocol`]. It is empty if
    /// there is none.
    #[must_use]
    pub fn protocol(&self) -> &str {
        if let Link::Up { socket, .. } = &self.link { socket.protocol() } else { "" }
    }

    /// Returns the parameters of the connection's compression, like [`WebSocket::deflate_params`].
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate_params(&self) -> Option<DeflateParams> {
        if let Link::Up { socket, .. } = &self.link { socket.deflate_params() } else { None }
    }

    /// Returns the extensions of the connection, like [`WebSocket::extensions`]. It is empty if
    /// there are none.
    #[must_use]
    pub fn extensions(&self) -> &str {
        if let Link::Up { socket, .. } = &self.link { socket.extensions() } else { "" }
    }
}
