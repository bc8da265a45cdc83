//! A client that stays connected.

#[cfg(feature = "deflate")]
use super::DeflateParams;
use super::encoder::Shape;
use super::{
    Close, CloseEvent, Failure, Frame, MaskSource, ReadyState, SendError, SocketEvent, ToWrite,
    WebSocket,
};
use crate::{Backoff, Utf8Bytes};
use alloc::collections::VecDeque;
use bytes::{Bytes, BytesMut};
use core::ops::Range;
use core::time::Duration;

/// How a [`Reconnect`] stays connected.
///
/// ```
/// use eventwire::Backoff;
/// use eventwire::ws::{CloseEvent, ReconnectOptions};
/// use std::time::Duration;
///
/// let seed = 4; // draw it
/// let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30), seed);
/// let options = ReconnectOptions::new(backoff.max_attempts(10))
///     .max_unsent(100, 64 * 1024)
///     .ends_on(|close| close.code == 4000 || ReconnectOptions::is_final(close));
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub struct ReconnectOptions {
    backoff: Backoff,
    max_messages: usize,
    max_bytes: usize,
    ends_on: fn(&CloseEvent) -> bool,
}

impl ReconnectOptions {
    /// 1024.
    pub const DEFAULT_MAX_UNSENT_MESSAGES: usize = 1024;
    /// 1 MiB.
    pub const DEFAULT_MAX_UNSENT_BYTES: usize = 1 << 20;

    /// Waits as `backoff` says before each further connection. RFC 6455, 7.2.3 proposes a random
    /// first wait of up to five seconds, and longer ones from then on: see
    /// [`rfc_backoff`](Self::rfc_backoff).
    #[must_use]
    pub const fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            max_messages: Self::DEFAULT_MAX_UNSENT_MESSAGES,
            max_bytes: Self::DEFAULT_MAX_UNSENT_BYTES,
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
    #[must_use]
    pub fn is_final(close: &CloseEvent) -> bool {
        match (close.code, close.failure) {
            (1000 | 1002 | 1003 | 1007..=1010, _) | (_, Some(Failure::Protocol(_))) => true,
            #[cfg(feature = "handshake")]
            (
                _,
                Some(Failure::Handshake(super::handshake::ResponseError::Status {
                    status, ..
                })),
            ) => matches!(status, 400..=499) && !matches!(status, 408 | 425 | 429),
            _ => false,
        }
    }
}

/// A client's WebSocket that is opened again whenever it ends, until it is closed, the end was
/// [final](ReconnectOptions::ends_on), or there were
/// [too many attempts](Backoff::max_attempts) (RFC 6455, 7.2.3).
///
/// Messages may be sent at any time: they are kept in order until they can be written, within
/// [limits](ReconnectOptions::max_unsent). Each has a number, counted from 0. One is *written* when
/// the transport took its last byte, and is never written again: whether it arrived, only the peer
/// can tell, so [`Disconnected::written`] says which those are. One that was cut off before its last
/// byte cannot have arrived, and goes first over the next connection.
///
/// It is run as a [`WebSocket`] is, by the same loop, but always reads. On [`LinkEvent::Connect`]
/// open a transport, and give it as [`connected`](Self::connected) or say
/// [`connect_failed`](Self::connect_failed); after [`LinkEvent::Disconnected`] drop it.
///
/// Memory: that of a `WebSocket`, and what waits to be sent.
///
#[cfg_attr(feature = "handshake", doc = "```")]
#[cfg_attr(not(feature = "handshake"), doc = "```ignore")]
/// use bytes::BytesMut;
/// use eventwire::ws::handshake::ClientRequest;
/// use eventwire::ws::{
///     Frame, LinkEvent, MaskSource, Reconnect, ReconnectOptions, SocketOptions, WebSocket,
/// };
/// use std::time::Duration;
///
/// /// The transport is up: opens a WebSocket over it.
/// fn open<M: MaskSource>(link: &mut Reconnect<M>, masks: M, now: Duration) {
///     let nonce = [0; 16]; // use random bytes
///     let request = ClientRequest::new("example.com", "/chat", nonce).unwrap();
///     link.connected(WebSocket::connect(&request, SocketOptions::new(), masks, now));
/// }
///
/// let backoff = ReconnectOptions::rfc_backoff(4); // draw the seed
/// let mut link = Reconnect::new(ReconnectOptions::new(backoff));
/// let mut received = BytesMut::new();
/// assert_eq!(link.send(&Frame::text("first"))?, 0); // kept
///
/// assert_eq!(link.poll(&mut received, Duration::ZERO), Some(LinkEvent::Connect));
/// open(&mut link, || [1, 2, 3, 4], Duration::ZERO);
/// link.end_of_stream(); // the server hung up
/// let Some(LinkEvent::Disconnected(end)) = link.poll(&mut received, Duration::ZERO) else {
///     unreachable!()
/// };
/// assert_eq!((end.close.code, end.written), (1006, 0..0));
///
/// let later = end.reconnect_at.expect("no final end");
/// assert!(later <= Duration::from_secs(5));
/// assert_eq!(link.deadline(), Some(later));
/// assert_eq!(link.poll(&mut received, later), Some(LinkEvent::Connect));
/// # Ok::<(), eventwire::ws::SendError>(())
/// ```
#[derive(Debug)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub struct Reconnect<M> {
    options: ReconnectOptions,
    link: Link<M>,
    unsent: Unsent,
    /// Whether there will be no further connection.
    closing: bool,
}

/// Where the connection is.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is up most of the time")]
enum Link<M> {
    /// To be made at this time.
    Due(Duration),
    /// Being made by the application.
    Connecting,
    /// Was not made, which was not said yet.
    Failed(Failure),
    Up {
        socket: WebSocket<M>,
        /// How many messages it was given before, by the application.
        foreign: u64,
        /// Since when.
        opened: Option<Duration>,
    },
    Ended,
}

/// What happened to a [`Reconnect`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub enum LinkEvent {
    /// Connect a transport now.
    Connect,
    /// The WebSocket is open.
    Open,
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// The connection ended, or was not to be had. Drop the transport.
    Disconnected(Disconnected),
}

/// How a connection of a [`Reconnect`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
#[non_exhaustive]
pub struct Disconnected {
    /// How it ended.
    pub close: CloseEvent,
    /// The numbers of the messages that were written to this connection. Those before were written
    /// to others, those after are kept.
    pub written: Range<u64>,
    /// When the next attempt is due; `None` if there will be none: this is the last event.
    pub reconnect_at: Option<Duration>,
}

/// Messages that were not wholly written.
#[derive(Debug, Default)]
struct Unsent {
    messages: VecDeque<Frame<Bytes>>,
    /// How long they are together.
    bytes: usize,
    /// How many of them, from the front, the connection has.
    handed: usize,
    /// How many messages were written, by all connections and by those before this one.
    written: u64,
    written_before: u64,
}

impl Unsent {
    /// Drops those that this connection has written, so many in all.
    fn settle(&mut self, written_messages: u64) {
        while self.written - self.written_before < written_messages {
            let message = self.messages.pop_front();
            self.bytes -= message.map_or(0, |message| message.payload.len());
            self.handed -= 1;
            self.written += 1;
        }
    }

    /// Gives the connection what it does not have, in order, until it takes no more.
    fn hand_over(
        &mut self,
        mut push: impl FnMut(&Frame<&[u8]>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        while let Some(message) = self.messages.get(self.handed) {
            push(&message.borrowed())?;
            self.handed += 1;
        }
        Ok(())
    }

    /// The number of the next message.
    fn end(&self) -> u64 {
        self.written + self.messages.len() as u64
    }

    /// What the connection that ended has written.
    fn cut(&mut self) -> Range<u64> {
        self.handed = 0;
        let before = core::mem::replace(&mut self.written_before, self.written);
        before..self.written
    }
}

impl<M: MaskSource> Reconnect<M> {
    /// A client whose first connection is to be made at once.
    #[must_use]
    pub fn new(options: ReconnectOptions) -> Self {
        let link = Link::Due(Duration::ZERO);
        Self { options, link, unsent: Unsent::default(), closing: false }
    }

    /// Gives the next event, as [`WebSocket::poll`], with the same `received`, which is cleared when
    /// a connection ends.
    pub fn poll(&mut self, received: &mut BytesMut, now: Duration) -> Option<LinkEvent> {
        match &mut self.link {
            Link::Due(at) if now >= *at => {
                self.link = Link::Connecting;
                Some(LinkEvent::Connect)
            }
            Link::Due(_) | Link::Connecting | Link::Ended => None,
            Link::Failed(failure) => {
                let close = CloseEvent::never_open(*failure);
                Some(self.disconnect(close, received, now))
            }
            Link::Up { socket, opened, .. } => {
                let event = socket.poll(received, now);
                if event == Some(SocketEvent::Open) {
                    *opened = Some(now);
                }
                self.deliver();
                Some(match event? {
                    SocketEvent::Open => LinkEvent::Open,
                    SocketEvent::Text(text) => LinkEvent::Text(text),
                    SocketEvent::Binary(bytes) => LinkEvent::Binary(bytes),
                    SocketEvent::Close(close) => self.disconnect(close, received, now),
                })
            }
        }
    }

    /// The transport that was asked for is connected, and this is the WebSocket over it, by
    /// [`WebSocket::connect`] or [`WebSocket::client`]. It is dropped if none was asked for, or
    /// [`close`](Self::close) was called meanwhile; one that is closed counts as
    /// [not to be had](Self::connect_failed). Poll it only through this. Messages that it was given
    /// before go first, and have no numbers.
    pub fn connected(&mut self, socket: WebSocket<M>) {
        if socket.ready_state() == ReadyState::Closed {
            self.connect_failed();
        } else if matches!(self.link, Link::Connecting) {
            let foreign = socket.taken_messages();
            self.link = Link::Up { socket, foreign, opened: None };
        }
    }

    /// The transport that was asked for is not to be had. Poll once more.
    pub fn connect_failed(&mut self) {
        if matches!(self.link, Link::Connecting) {
            self.link = Link::Failed(Failure::Transport);
        }
    }

    /// As [`WebSocket::end_of_stream`].
    pub fn end_of_stream(&mut self) {
        if let Link::Up { socket, .. } = &mut self.link {
            socket.end_of_stream();
        }
    }

    /// As [`WebSocket::write_failed`].
    pub fn write_failed(&mut self) {
        if let Link::Up { socket, .. } = &mut self.link {
            socket.write_failed();
        }
    }

    /// What is to be written now, as [`WebSocket::to_write`]. Ask again until nothing is left.
    pub fn to_write(&mut self, now: Duration) -> ToWrite<'_> {
        self.deliver();
        match &mut self.link {
            Link::Up { socket, .. } => socket.to_write(now),
            _ => ToWrite { parts: None, now },
        }
    }

    /// Keeps a message until it can be written; returns its number, counted from 0.
    ///
    /// # Errors
    /// If the frame is no whole message, or longer than all that [may wait](
    /// ReconnectOptions::max_unsent), there is no room for it now, or the client is closed. It is not
    /// kept then, and gets no number.
    pub fn send<P: AsRef<[u8]>>(&mut self, frame: &Frame<P>) -> Result<u64, SendError> {
        let Shape { opcode, continuing, fin, .. } = frame.shape;
        if opcode.is_control() || continuing || !fin {
            return Err(SendError::NoWholeMessage);
        }
        if self.closing || matches!(self.link, Link::Ended) {
            return Err(SendError::NotOpen);
        }
        self.settle();
        let Self { options, unsent, .. } = self;
        let payload = frame.payload();
        if payload.len() > options.max_bytes {
            return Err(SendError::MessageTooLong { limit: options.max_bytes });
        }
        let room = options.max_bytes - unsent.bytes;
        if unsent.messages.len() >= options.max_messages || payload.len() > room {
            return Err(SendError::Full);
        }
        unsent.bytes += payload.len();
        unsent.messages.push_back(frame.to_owned());
        Ok(unsent.end() - 1)
    }

    /// Closes for good: what waits is written first, if the connection is open. Messages that are
    /// left when the last [`Disconnected`] comes were not written.
    ///
    /// # Errors
    /// As [`WebSocket::close`]. Nothing happens then, unless there is no masking key: what waited may
    /// have been written by then.
    pub fn close(&mut self, close: Option<Close<&str>>, now: Duration) -> Result<(), SendError> {
        let _: Frame<_> = Frame::close(close)?;
        match &mut self.link {
            Link::Up { socket, .. } => {
                socket.check_code(close)?;
                if socket.ready_state() == ReadyState::Open {
                    self.unsent.hand_over(|frame| socket.push(frame))?;
                }
                socket.close(close, now)?;
            }
            Link::Due(_) | Link::Connecting => self.link = Link::Failed(Failure::Aborted),
            Link::Failed(_) | Link::Ended => {}
        }
        self.closing = true;
        Ok(())
    }

    /// Hands over what the connection has room for.
    fn deliver(&mut self) {
        self.settle();
        if let Link::Up { socket, .. } = &mut self.link {
            // What cannot be sent now stays.
            let _ = self.unsent.hand_over(|frame| socket.send(frame).map(drop));
        }
    }

    fn disconnect(
        &mut self,
        close: CloseEvent,
        received: &mut BytesMut,
        now: Duration,
    ) -> LinkEvent {
        received.clear();
        let backoff = &mut self.options.backoff;
        if let Link::Up { opened: Some(since), socket, .. } = &self.link {
            let is_silent = close.failure == Some(Failure::PongTimeout);
            let until = if is_silent { socket.last_heard() } else { now };
            backoff.connection_lasted(until.saturating_sub(*since));
        }
        let again = !self.closing && !(self.options.ends_on)(&close);
        let wait = if again { backoff.next_wait() } else { None };
        let reconnect_at = wait.map(|wait| now.saturating_add(wait));
        self.link = reconnect_at.map_or(Link::Ended, Link::Due);
        let written = self.unsent.cut();
        LinkEvent::Disconnected(Disconnected { close, written, reconnect_at })
    }
}

impl<M> Reconnect<M> {
    fn settle(&mut self) {
        if let Link::Up { socket, foreign, .. } = &self.link {
            self.unsent.settle(socket.written_messages().saturating_sub(*foreign));
        }
    }

    /// When to call [`poll`](Self::poll) at the latest. While a transport is being connected there is
    /// none: limit that yourself.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.link {
            Link::Due(at) => Some(*at),
            Link::Failed(_) => Some(Duration::ZERO),
            Link::Up { socket, .. } => socket.deadline(),
            Link::Connecting | Link::Ended => None,
        }
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
            Link::Failed(_) if self.closing => ReadyState::Closing,
            Link::Due(_) | Link::Connecting | Link::Failed(_) => ReadyState::Connecting,
            Link::Ended => ReadyState::Closed,
        }
    }

    /// How many bytes of messages are not written, those of a message that is partly written
    /// included.
    #[must_use]
    pub fn buffered_amount(&mut self) -> usize {
        self.settle();
        self.unsent.bytes
    }

    /// How many messages were written: all whose numbers are lower. The others are kept.
    #[must_use]
    pub fn written(&mut self) -> u64 {
        self.settle();
        self.unsent.written
    }

    /// The subprotocol of the connection, as [`WebSocket::protocol`]; empty if there is none.
    #[must_use]
    pub fn protocol(&self) -> &str {
        if let Link::Up { socket, .. } = &self.link { socket.protocol() } else { "" }
    }

    /// The parameters of the connection's compression, as [`WebSocket::deflate_params`].
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
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
