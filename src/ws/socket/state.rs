//! [`State`], the state machine of a `WebSocket`.

use super::close_event::Failure;
use super::connecting::Connecting;
use super::heartbeat::Heartbeat;
use super::websocket_options::WebSocketOptions;
use crate::Utf8Bytes;
use alloc::boxed::Box;
use core::time::Duration;

/// The states of a [`WebSocket`](super::websocket::WebSocket).
///
/// ```text
///           connect            server, client
///              │                     │
///              ▼          1          ▼
///         Connecting ───────────► Opening
///          │     │                   │
///        7 │     │                 2 │
///          ▼     │                   ▼     3
///       Aborted  │ 6               Open ──────► CloseSent
///          │     │                 │   │            │
///        8 │     │               5 │   └──────┐   4 │
///          │     │                 │        4 ▼     ▼
///          │     │                 │         Closing
///          ▼     ▼                 ▼         6 │
///       Closed ◄───────────────────────────────┘
/// ```
///
/// 1. The server's response opens the connection.
/// 2. `Open` is reported. A connection that is closing already goes on to `CloseSent` or `Closing`.
/// 3. The application sends a close frame with [`send`](super::websocket::WebSocket::send), which
///    is not told the time.
/// 4. A close frame is sent or received, the peer breaks the protocol, or the transport ends or
///    fails. After `CloseSent`, the next call that is told the time is enough.
/// 5. The peer does not answer a ping in time, or a masking key is missing for a frame that is due.
/// 6. The server refuses, or the closing handshake is done, or the transport ends or the deadline
///    passes before that.
/// 7. The application closes the connection before it is open.
/// 8. `Close` is reported. Every transition to `Closed` reports it.
///
/// Only [`begin_closing`](Self::begin_closing) makes a [`Closing`]. `Connecting` and `Opening` keep
/// it for later, because a connection that opens is always reported as open first.
#[derive(Debug)]
pub(super) enum State {
    /// The client awaits the server's response.
    #[cfg_attr(
        not(feature = "handshake"),
        expect(dead_code, reason = "only a handshake begins in this state")
    )]
    Connecting(Box<Connecting>),
    /// The connection is open, but this is not reported yet.
    Opening(Option<Closing>),
    Open(Open),
    /// Our close frame was sent. The wait for the peer's begins with the next call that is told the
    /// time.
    CloseSent,
    Closing(Closing),
    /// The application closed the connection before it was open. The last event is not reported
    /// yet.
    Aborted,
    Closed,
}

impl State {
    /// The first state of a connection that begins open.
    pub(super) const OPENING: Self = Self::Opening(None);

    /// Begins to close with this deadline, unless closing has begun already. Returns `None` if the
    /// connection has ended.
    pub(super) fn begin_closing(&mut self, deadline: Duration) -> Option<&mut Closing> {
        let closing = Closing { deadline, failure: None, peer: None };
        match self {
            Self::Connecting(connecting) => Some(connecting.closing().get_or_insert(closing)),
            Self::Opening(begun) => Some(begun.get_or_insert(closing)),
            Self::Open(_) | Self::CloseSent => {
                *self = Self::Closing(closing);
                self.closing()
            }
            Self::Closing(begun) => Some(begun),
            Self::Aborted | Self::Closed => None,
        }
    }

    /// Returns the progress of closing, if a connection that was open is closing.
    pub(super) const fn closing(&mut self) -> Option<&mut Closing> {
        match self {
            Self::Opening(closing) => closing.as_mut(),
            Self::Closing(closing) => Some(closing),
            _ => None,
        }
    }
}

/// A connection that is about to end, because of a close frame, a fault or its transport.
///
/// A transport that can no longer be written does not close the connection, because messages may
/// still arrive. It only sets the deadline.
#[derive(Debug)]
pub(super) struct Closing {
    /// The end of the wait.
    pub(super) deadline: Duration,
    /// The reason that the closing handshake will not complete, if one is known.
    pub(super) failure: Option<Failure>,
    /// The code and reason of the peer's close frame.
    pub(super) peer: Option<(u16, Utf8Bytes)>,
}

/// The timers of an open connection: its heartbeat, and how long the peer has been silent.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) heartbeat: Heartbeat,
    last_byte: Duration,
    last_message: Duration,
    /// Whether the last call's event was a message; `None` if the call reported no event.
    reported: Option<bool>,
}

/// The consequence of silence until a deadline.
#[derive(Clone, Copy, Debug)]
pub(super) enum Silence {
    NoPong,
    Idle,
}

impl Open {
    pub(super) const fn new(options: &WebSocketOptions, now: Duration) -> Self {
        Self {
            heartbeat: Heartbeat::new(options, now),
            last_byte: now,
            last_message: now,
            // The application is now handling `Open`.
            reported: Some(true),
        }
    }

    /// Notes that the peer sent something.
    pub(super) const fn heard(&mut self, now: Duration) {
        self.heartbeat.heard();
        self.last_byte = now;
    }

    /// Notes the event of this call: whether it is a message, or `None` if there is no event.
    /// Nobody reads while the application handles an event, so the peer's silence begins after the
    /// last event.
    pub(super) fn report(&mut self, is_message: Option<bool>, now: Duration) {
        let before = core::mem::replace(&mut self.reported, is_message);
        for is_message in before.into_iter().chain(is_message) {
            self.last_byte = now;
            if is_message {
                self.last_message = now;
            }
        }
    }

    /// Returns whether the last call's event was a message, so that the time of silence begins with
    /// the next call.
    #[inline]
    pub(super) const fn reported_message(&self) -> bool {
        matches!(self.reported, Some(true))
    }

    /// Restarts the time of silence, because the application does not read.
    pub(super) const fn begin_silence(&mut self, now: Duration) {
        self.last_message = now;
        self.last_byte = now;
    }

    /// Returns the deadline of the peer's silence, the timeout that sets it, and the consequence of
    /// longer silence.
    pub(super) fn patience(
        &self,
        options: &WebSocketOptions,
    ) -> Option<(Duration, Duration, Silence)> {
        let idle = |since: Duration, timeout: Duration| {
            let deadline = since.saturating_add(timeout);
            (!timeout.is_zero()).then_some((deadline, timeout, Silence::Idle))
        };
        let pong = self.heartbeat.pong_deadline(options);
        pong.map(|deadline| (deadline, options.pong_timeout, Silence::NoPong))
            .into_iter()
            .chain(idle(self.last_byte, options.idle_timeout))
            .chain(idle(self.last_message, options.message_timeout))
            .min_by_key(|(deadline, ..)| *deadline)
    }
}

/// The directions of the transport that still work.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) readable: bool,
    pub(super) writable: bool,
}
