//! [`Driven`], the one loop around a WebSocket's state machine.
//!
//! # For whoever changes this
//!
//! The machine decides, and [`Wire`] does: it owns the transport, the timer and the unread bytes.
//! Every public future of the module polls one of the functions below, and can be dropped at any
//! await point, because all state is in here and none in the future.
//!
//! * Poll the machine until it has no event, then write, then read. So all that one read brought
//!   about goes out in one write.
//! * Before `Pending` is returned, everything that could make progress has a waker: reading, if the
//!   transport has not ended; writing, if there is something to write; and the timer.
//! * While many messages wait that nobody has taken (`waiting`), or while a sender waits for room,
//!   do not read, and tell the machine only the time, so that the peer's silence is not held
//!   against it.
//! * Two tasks may use it, one for each direction. What the one waits for and the other may change
//!   is in [`standing`](Driven::standing): it is woken by a change there, and by nothing less, as
//!   both may be the same task.
//! * A loop here ends only in an event, in `Pending`, or after a step of the transport. tokio's
//!   budget for a task stops a transport that is always ready.

use super::masks::Masks;
use super::trace::Trace;
use super::wire::Wire;
use bytes::BytesMut;
use eventwire::ws::connection::IntoFrame;
use eventwire::ws::frame::{IntoClose, Role};
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Flow, Message, SendError, WebSocket as Machine, WebSocketEvent,
    WebSocketOptions,
};
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The number of bytes of messages after which a task that does not take them reads no more.
pub(super) const MOST_WAITING: usize = 64 << 10;

/// A WebSocket's state machine with its transport, and what the program has not taken yet.
pub(super) struct Driven {
    /// Without a transport after the last event.
    wire: Wire<Machine<Masks>>,
    /// Messages that were read while nobody waited for one.
    waiting: VecDeque<Message>,
    /// The number of bytes of these messages.
    waiting_size: usize,
    /// Whether the half that receives was dropped.
    is_reader_gone: bool,
    /// The last event.
    closed: Option<Box<CloseEvent>>,
    /// Whether [`poll_next`](Self::poll_next) has reported an unclean end.
    reported: bool,
    trace: Trace,
}

impl Driven {
    pub(super) fn new(wire: Wire<Machine<Masks>>) -> Self {
        let trace = Trace::open(wire.machine().role(), wire.machine().protocol());
        Self {
            wire,
            waiting: VecDeque::new(),
            waiting_size: 0,
            is_reader_gone: false,
            closed: None,
            reported: false,
            trace,
        }
    }

    /// Returns the connection, for another machine. Leaves one without a transport.
    pub(super) fn into_wire(mut self) -> Wire<Machine<Masks>> {
        let machine =
            Machine::with_role(Role::Client, WebSocketOptions::new(), Masks, Duration::ZERO);
        mem::replace(&mut self.wire, Wire::new(machine, None, BytesMut::new()))
    }

    pub(super) const fn machine(&self) -> &Machine<Masks> {
        self.wire.machine()
    }

    pub(super) const fn machine_mut(&mut self) -> &mut Machine<Masks> {
        self.wire.machine_mut()
    }

    /// Notes that the half that receives was dropped.
    pub(super) const fn reader_gone(&mut self) {
        self.is_reader_gone = true;
    }

    pub(super) const fn is_reader_gone(&self) -> bool {
        self.is_reader_gone
    }

    pub(super) fn close_event(&self) -> Option<&CloseEvent> {
        self.closed.as_deref()
    }

    pub(super) fn has_room(&self) -> bool {
        self.wire.machine().flow() == Flow::Ready
    }

    /// Returns all that a task of the other direction may wait for, so that it can be compared.
    pub(super) fn standing(&self) -> impl PartialEq + use<> {
        let Self { wire, waiting, .. } = self;
        let ends = (wire.reads(), wire.writes(), self.closed.is_some());
        (self.has_room(), wire.is_flushed(), waiting.len(), wire.machine().ready_state(), ends)
    }

    /// Returns whether there will be no more messages.
    pub(super) fn is_terminated(&self) -> bool {
        let ended = self.closed.as_ref();
        self.waiting.is_empty() && ended.is_some_and(|close| close.was_clean || self.reported)
    }

    /// Returns the next message, if it has been read already.
    #[inline]
    pub(super) fn take_message(&mut self) -> Option<Message> {
        if let Some(message) = self.waiting.pop_front() {
            self.waiting_size -= memory(&message);
            return Some(message);
        }
        self.wire.poll_message()
    }

    /// Waits for the next message. An end that was not clean is reported once.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, CloseEvent>>> {
        if let Some(message) = self.take_message() {
            return Poll::Ready(Some(Ok(message)));
        }
        loop {
            let reported = self.reported;
            match ready!(self.poll_event(cx)) {
                Ok(event) => {
                    if let Some(message) = into_message(event) {
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
                Err(close) if close.was_clean || reported => return Poll::Ready(None),
                Err(close) => {
                    let close = close.clone();
                    self.reported = true;
                    return Poll::Ready(Some(Err(close)));
                }
            }
        }
    }

    /// Waits for the end. Messages are dropped if `discard` is set. Otherwise they wait for
    /// [`poll_next`](Self::poll_next), and no more is read while [`MOST_WAITING`] bytes wait.
    pub(super) fn poll_closed(&mut self, discard: bool, cx: &mut Context<'_>) -> Poll<CloseEvent> {
        if discard {
            (self.waiting, self.waiting_size) = (VecDeque::new(), 0);
        }
        loop {
            if !discard && self.wire.reads() && self.closed.is_none() && self.is_waiting_full() {
                ready!(self.poll_unread(cx));
                continue;
            }
            let mut event = match ready!(self.poll_event(cx)) {
                Ok(event) => Some(event),
                Err(close) => return Poll::Ready(close.clone()),
            };
            // What was read is taken at once, so that it does not count as silence. One read may
            // hold many small messages, or some that were compressed a lot.
            while let Some(taken) = event {
                if !discard {
                    self.keep(taken);
                    if self.is_waiting_full() {
                        break;
                    }
                }
                event = self.take_event();
            }
        }
    }

    /// Keeps a message for [`poll_next`](Self::poll_next).
    fn keep(&mut self, event: WebSocketEvent) {
        if let Some(message) = into_message(event) {
            self.waiting_size += memory(&message);
            self.waiting.push_back(message);
        }
    }

    fn is_waiting_full(&self) -> bool {
        self.waiting_size >= MOST_WAITING
    }

    /// Queues the message as soon as there is room, and waits until it is written.
    pub(super) fn poll_send<F: IntoFrame>(
        &mut self,
        message: &mut Option<F>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        if message.is_some() {
            ready!(self.poll_room(cx))?;
            if let Some(message) = message.take() {
                self.push(message)?;
            }
        }
        self.poll_flush(cx)
    }

    /// Waits until there is room for a message.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_until(cx, Self::has_room)
    }

    /// Waits until everything is written and flushed, which it is after a clean end.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        match &self.closed {
            Some(close) if close.was_clean => Poll::Ready(Ok(())),
            _ => self.poll_until(cx, |_| false),
        }
    }

    /// Writes until `enough`, or until nothing is left to write.
    fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        enough: fn(&Self) -> bool,
    ) -> Poll<Result<(), SendError>> {
        if self.is_reader_gone {
            // Nobody else answers the peer's pings. Messages are dropped.
            while let Poll::Ready(Ok(_)) = self.poll_event(cx) {}
        }
        loop {
            if self.closed.is_some() || !self.wire.reads() || !self.wire.writes() {
                return Poll::Ready(Err(SendError::Closed));
            }
            if enough(self) {
                return Poll::Ready(Ok(()));
            }
            let written = self.wire.poll_write(cx).is_ready();
            if self.wire.writes() {
                if written || enough(self) {
                    return Poll::Ready(Ok(()));
                }
                ready!(self.poll_unread(cx));
            }
        }
    }

    /// Queues a frame. It is written with the next poll.
    pub(super) fn push<F: IntoFrame>(&mut self, frame: F) -> Result<(), SendError> {
        let _ = self.wire.machine_mut().send(frame)?; // the next one waits for room
        self.wire.note_queued();
        Ok(())
    }

    /// Begins the closing handshake, unless it has begun.
    pub(super) fn begin_close<C: IntoClose>(&mut self, close: C) -> Result<(), SendError> {
        let now = self.wire.tick();
        self.wire.machine_mut().close(close, now)
    }

    /// Closes for a reason of the driver's own. If the program acts like a page, which may not send
    /// this code, the code is 1000.
    pub(super) fn leave(&mut self, code: CloseCode, reason: &str) {
        if self.begin_close(Close::new(code, reason)).is_err()
            && self.begin_close(CloseCode::NORMAL).is_err()
        {
            // There is no masking key for a close frame.
            self.wire.cut();
        }
    }

    /// Returns the next event, or the last one as an error.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<WebSocketEvent, &CloseEvent>> {
        while self.closed.is_none() {
            if self.wire.is_idle() {
                ready!(self.wire.poll_io(cx));
            }
            if let Some(event) = self.take_event() {
                return Poll::Ready(Ok(event));
            }
            if self.closed.is_none() {
                ready!(self.wire.poll_io(cx));
            }
        }
        let closed = self.closed.as_deref();
        closed.map_or(Poll::Pending, |close| Poll::Ready(Err(close)))
    }

    /// Returns the next event of what was received, or of time. Takes note of the last one.
    fn take_event(&mut self) -> Option<WebSocketEvent> {
        if self.closed.is_some() {
            return None;
        }
        match self.wire.poll_machine() {
            Some(WebSocketEvent::Close(close)) => {
                self.end(close);
                None
            }
            event => event,
        }
    }

    /// Does what is due by time alone, while no message is taken. `Ready` means that something may
    /// have changed.
    fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.closed.is_some() {
            return Poll::Ready(());
        }
        let now = self.wire.tick();
        if let Some(WebSocketEvent::Close(close)) = self.wire.machine_mut().poll_time(now) {
            self.end(close);
            return Poll::Ready(());
        }
        let _ = self.wire.poll_write(cx);
        self.wire.poll_deadline(cx)
    }

    fn end(&mut self, close: CloseEvent) {
        self.trace.closed(&close);
        self.closed = Some(Box::new(close));
        self.wire.disconnect();
    }
}

/// Tells the peer that this end goes away, if the transport takes that at once.
impl Drop for Driven {
    fn drop(&mut self) {
        if self.wire.is_connected() {
            // If closing has begun, this does nothing.
            self.leave(CloseCode::GOING_AWAY, "");
            self.wire.finish();
        }
    }
}

/// Returns the size of a message that waits, in bytes.
pub(super) fn memory(message: &Message) -> usize {
    let len = match message {
        Message::Text(text) => text.len(),
        Message::Binary(payload) | Message::Ping(payload) | Message::Pong(payload) => payload.len(),
        Message::Close(_) | Message::Skipped(_) => 0,
    };
    len + size_of::<Message>()
}

/// Returns the message of an event that is one.
fn into_message(event: WebSocketEvent) -> Option<Message> {
    match event {
        WebSocketEvent::Text(text) => Some(Message::Text(text)),
        WebSocketEvent::Binary(payload) => Some(Message::Binary(payload)),
        WebSocketEvent::Ping(payload) => Some(Message::Ping(payload)),
        WebSocketEvent::Pong(payload) => Some(Message::Pong(payload)),
        WebSocketEvent::Skipped(error) => Some(Message::Skipped(error)),
        WebSocketEvent::Open | WebSocketEvent::Close(_) => None,
    }
}

impl fmt::Debug for Driven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driven")
            .field("state", &self.machine().ready_state())
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
