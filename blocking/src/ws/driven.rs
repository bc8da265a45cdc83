//! [`Driven`], the one loop around a WebSocket's state machine.
//!
//! # For whoever changes this
//!
//! The machine decides, and this file does. The two halves share it, in two threads.
//!
//! * The lock is never held while a thread reads or writes. `is_writing` says that a thread writes,
//!   so that the bytes of two threads do not mix. Only one thread ever reads: that of the reader,
//!   or that of the writer once the reader is gone.
//! * Whoever queues something sees to it that it is written. If another thread writes, it goes on
//!   until nothing is left, and looks at the queue under the lock before it stops.
//! * The reader writes only for a moment at a time. Two ends that write and do not read would
//!   otherwise wait for each other.
//! * A thread that waits for the other one wakes at its next deadline. The last event shuts the
//!   transport, which wakes a thread that reads or writes.

use crate::dial::{FAR, left};
use crate::transport::{Transport, is_late};
use bytes::{Buf, BytesMut};
use eventwire::ws::connection::IntoFrame;
use eventwire::ws::frame::IntoClose;
use eventwire::ws::{
    CloseCode, CloseEvent, Limits, Message, OsMaskKeys, ReadyState, SendError,
    WebSocket as Machine, WebSocketEvent,
};
use std::fmt;
use std::io;
use std::mem;
use std::net::Shutdown;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much is read at once. A buffer of this size is kept for each direction.
const CHUNK: usize = 64 << 10;
/// How much is written at once. Fewer and longer writes wake the peer less often.
const LONGEST_WRITE: usize = 1 << 20;
/// How long the reader tries to write before it reads again.
const MOMENT: Duration = Duration::from_millis(1);
/// How long the reader waits for input while it has something to write that the peer does not take,
/// and the shortest time that any other wait may have.
const WHILE_BLOCKED: Duration = Duration::from_millis(20);
/// How long the reader waits before it looks whether the other half has begun to close.
const WHILE_SHARED: Duration = Duration::from_secs(5);

/// A state machine with its transport.
pub(super) struct Driven {
    transport: Box<dyn Transport>,
    /// The start of the machine's time.
    start: Instant,
    /// The subprotocol that was agreed on.
    pub(super) protocol: String,
    state: Mutex<State>,
    /// Notified when a thread stops writing, when a half is dropped, and at the end.
    changed: Condvar,
}

#[expect(clippy::struct_excessive_bools, reason = "each may be true whatever the others are")]
struct State {
    machine: Machine<OsMaskKeys>,
    /// The bytes that the machine has not taken yet.
    received: BytesMut,
    /// The buffer to read into, unless a thread reads.
    to_read: Vec<u8>,
    /// A copy of the front of what the machine has to write, unless a thread writes it.
    to_write: BytesMut,
    /// Whether a thread waits for messages, and so judges the peer's silence.
    is_reading: bool,
    is_writing: bool,
    /// Whether more may be read.
    reads: bool,
    /// Whether more may be written.
    writes: bool,
    is_shut: bool,
    /// Whether there is someone who takes messages, or who may send beside them.
    has_reader: bool,
    has_writer: bool,
    closed: Option<Box<CloseEvent>>,
    /// Whether the reader knows that the end was not clean.
    is_reported: bool,
}

type Guard<'a> = MutexGuard<'a, State>;

impl State {
    fn has_output(&mut self, now: Duration) -> bool {
        self.writes
            && (self.machine.to_write(now).has_remaining()
                || self.machine.wants_shutdown() && !self.is_shut)
    }
}

impl Driven {
    /// Drives a machine whose time began at `start`. `received` is what came after the handshake.
    pub(super) fn new(
        transport: Box<dyn Transport>,
        machine: Machine<OsMaskKeys>,
        received: BytesMut,
        start: Instant,
    ) -> Self {
        let state = State {
            machine,
            received,
            to_read: Vec::new(),
            to_write: BytesMut::new(),
            is_reading: false,
            is_writing: false,
            reads: true,
            writes: true,
            is_shut: false,
            has_reader: true,
            has_writer: false,
            closed: None,
            is_reported: false,
        };
        let protocol = String::new();
        Self { transport, start, protocol, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> Guard<'_> {
        // A thread that panicked has left a connection that can be closed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns the time until the machine's deadline.
    fn patience(&self, state: &State) -> Option<Duration> {
        state.machine.deadline().map(|deadline| deadline.saturating_sub(self.now()))
    }

    pub(super) fn close_event(&self) -> Option<CloseEvent> {
        self.lock().closed.as_deref().cloned()
    }

    /// Waits until the connection is open.
    pub(super) fn open(&mut self) -> Result<(), CloseEvent> {
        while self.event()? != WebSocketEvent::Open {}
        let protocol = self.lock().machine.protocol().to_owned();
        self.protocol = protocol;
        Ok(())
    }

    /// Waits for the next message. An end that was not clean is reported once.
    pub(super) fn next(&self) -> Option<Result<Message, CloseEvent>> {
        loop {
            match self.event() {
                Ok(event) => {
                    if let Some(message) = into_message(event) {
                        return Some(Ok(message));
                    }
                }
                Err(close) => {
                    let is_reported = mem::replace(&mut self.lock().is_reported, true);
                    return (!close.was_clean && !is_reported).then_some(Err(close));
                }
            }
        }
    }

    /// Waits for the next message, but no longer than this time.
    pub(super) fn next_within(&self, time: Duration) -> Result<Option<Message>, CloseEvent> {
        let until = Instant::now() + time.min(FAR);
        loop {
            match self.event_until(Some(until)) {
                Ok(Some(event)) => {
                    if let Some(message) = into_message(event) {
                        return Ok(Some(message));
                    }
                }
                Ok(None) => return Ok(None),
                Err(close) => {
                    self.lock().is_reported = true;
                    return Err(close);
                }
            }
        }
    }

    pub(super) fn ready_state(&self) -> ReadyState {
        self.lock().machine.ready_state()
    }

    pub(super) fn set_limits(&self, limits: Limits) {
        self.lock().machine.set_limits(limits);
    }

    /// Sends a frame. Waits until it is written.
    pub(super) fn send<F: IntoFrame>(&self, frame: F) -> Result<(), SendError> {
        let mut state = self.write_all(self.lock());
        let _ = state.machine.send(frame)?; // there is room again when it is written
        let mut state = self.write_all(state);
        let is_written = !state.machine.to_write(self.now()).has_remaining();
        if state.writes && is_written { Ok(()) } else { Err(SendError::Closed) }
    }

    /// Begins the closing handshake, unless it has begun.
    pub(super) fn begin_close<C: IntoClose>(&self, close: C) -> Result<(), SendError> {
        let now = self.now();
        self.lock().machine.close(close, now)
    }

    /// Waits for the end, and drops the messages before it.
    pub(super) fn read_to_end(&self) -> CloseEvent {
        loop {
            if let Err(close) = self.event() {
                self.lock().is_reported = true;
                return close;
            }
        }
    }

    /// Waits for the end, and leaves the messages before it to the reader, as long as there is one.
    pub(super) fn wait_for_end(&self) -> CloseEvent {
        let mut state = self.write_all(self.lock());
        while state.has_reader {
            // A thread that reads may have begun to wait before the closing timeout ran.
            let is_closing = state.machine.ready_state() != ReadyState::Open;
            self.pass_time(&mut state, is_closing);
            if let Some(close) = state.closed.as_deref() {
                return close.clone();
            }
            state = self.wait(state, None);
        }
        drop(state);
        self.read_to_end()
    }

    /// Returns the next event, or the last one as an error.
    fn event(&self) -> Result<WebSocketEvent, CloseEvent> {
        loop {
            if let Some(event) = self.event_until(None)? {
                return Ok(event);
            }
        }
    }

    /// Returns the next event, or the last one as an error. Returns `None` if none has come until
    /// this time. Reads at least once before that.
    fn event_until(&self, until: Option<Instant>) -> Result<Option<WebSocketEvent>, CloseEvent> {
        let mut has_read = false;
        let mut state = self.lock();
        state.is_reading = true;
        let event = loop {
            if let Some(close) = state.closed.as_deref() {
                break Err(close.clone());
            }
            let now = self.now();
            let State { machine, received, .. } = &mut *state;
            match machine.poll(received, now) {
                Some(WebSocketEvent::Close(close)) => self.end(&mut state, close),
                Some(event) => break Ok(Some(event)),
                None if has_read && until.is_some_and(|until| left(until).is_zero()) => {
                    break Ok(None);
                }
                None => {
                    state = self.write_for_a_moment(state);
                    state = self.read(state, until);
                    has_read = true;
                }
            }
        };
        state.is_reading = false;
        event
    }

    /// Reads once, and waits for input until this time at most.
    fn read<'a>(&'a self, mut state: Guard<'a>, until: Option<Instant>) -> Guard<'a> {
        if !state.reads {
            return self.wait(state, until);
        }
        let now = self.now();
        let is_blocked = !state.is_writing && state.has_output(now);
        let at_most = [
            self.patience(&state),
            is_blocked.then_some(WHILE_BLOCKED),
            state.has_writer.then_some(WHILE_SHARED),
            until.map(left),
        ];
        let patience = at_most.into_iter().flatten().min();
        let mut buffer = mem::take(&mut state.to_read);
        buffer.resize(CHUNK, 0);
        drop(state);
        let read = self.transport.read_within(&mut buffer, patience);
        let mut state = self.lock();
        let now = self.now();
        match read {
            Ok(len @ 1..) => state.received.extend_from_slice(&buffer[..len.min(CHUNK)]),
            Err(error) if is_late(&error) => {}
            Ok(0) => {
                state.reads = false;
                state.machine.end_of_stream(now);
            }
            Err(error) => {
                state.reads = false;
                state.machine.read_failed(error, now);
            }
        }
        state.to_read = buffer;
        state
    }

    /// Writes everything, however long that takes, unless the connection ends.
    fn write_all<'a>(&'a self, mut state: Guard<'a>) -> Guard<'a> {
        while state.closed.is_none() {
            if state.is_writing {
                state = self.wait(state, None);
                continue;
            }
            if !state.has_output(self.now()) {
                break;
            }
            self.pass_time(&mut state, false);
            if state.closed.is_some() {
                break;
            }
            let patience = self.patience(&state).map(|time| time.max(WHILE_BLOCKED));
            (state, _) = self.write(state, patience);
        }
        state
    }

    /// Writes for as long as the peer takes it at once, unless another thread writes.
    fn write_for_a_moment<'a>(&'a self, mut state: Guard<'a>) -> Guard<'a> {
        let mut progressed = true;
        while progressed && !state.is_writing && state.has_output(self.now()) {
            (state, progressed) = self.write(state, Some(MOMENT));
        }
        state
    }

    /// Writes once, or shuts the writing side. Returns whether there was progress.
    fn write<'a>(&'a self, mut state: Guard<'a>, time: Option<Duration>) -> (Guard<'a>, bool) {
        let mut buffer = mem::take(&mut state.to_write);
        if buffer.is_empty() {
            let to_write = state.machine.to_write(self.now());
            let front = to_write.chunk();
            buffer.extend_from_slice(&front[..front.len().min(LONGEST_WRITE)]);
        }
        state.is_writing = true;
        drop(state);
        let written = match &buffer[..] {
            [] => self.transport.shutdown(Shutdown::Write).map(|()| 0),
            bytes => self.transport.write_within(bytes, time).and_then(|len| match len {
                0 => Err(io::ErrorKind::WriteZero.into()),
                _ => Ok(len.min(bytes.len())),
            }),
        };
        let mut state = self.lock();
        let now = self.now();
        state.is_writing = false;
        state.is_shut |= buffer.is_empty();
        let progressed = written.is_ok();
        match written {
            Ok(len) => {
                buffer.advance(len);
                let mut to_write = state.machine.to_write(now);
                let len = len.min(to_write.remaining());
                to_write.advance(len);
            }
            Err(error) if is_late(&error) => {}
            Err(error) => {
                state.writes = false;
                state.machine.write_failed(error, now);
            }
        }
        if !buffer.is_empty() || buffer.capacity() <= CHUNK {
            state.to_write = buffer;
        }
        self.changed.notify_all();
        (state, progressed)
    }

    /// Does what is due by time alone, unless a thread waits for messages and does it.
    fn pass_time(&self, state: &mut State, anyway: bool) {
        if (anyway || !state.is_reading)
            && state.closed.is_none()
            && let Some(WebSocketEvent::Close(close)) = state.machine.poll_time(self.now())
        {
            self.end(state, close);
        }
    }

    /// Waits for the other thread, but no longer than until the machine's deadline or this time.
    fn wait<'a>(&'a self, state: Guard<'a>, until: Option<Instant>) -> Guard<'a> {
        let patience = self.patience(&state).unwrap_or(WHILE_SHARED).max(WHILE_BLOCKED);
        let patience = until.map_or(patience, |until| patience.min(left(until)));
        let waited = self.changed.wait_timeout(state, patience);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn end(&self, state: &mut State, close: CloseEvent) {
        state.closed = Some(Box::new(close));
        let _ = self.transport.shutdown(Shutdown::Both);
        self.changed.notify_all();
    }

    pub(super) fn reader_is_gone(&self) {
        self.lock().has_reader = false;
        self.changed.notify_all();
    }

    pub(super) fn set_writer(&self, there: bool) {
        self.lock().has_writer = there;
    }
}

/// Tells the peer that this end goes away, if the transport takes that at once.
impl Drop for Driven {
    fn drop(&mut self) {
        let is_open = self.ready_state() == ReadyState::Open;
        if is_open && self.begin_close(CloseCode::GOING_AWAY).is_ok() {
            drop(self.write_for_a_moment(self.lock()));
        }
        let _ = self.transport.shutdown(Shutdown::Write);
    }
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
        let state = self.lock();
        f.debug_struct("Driven")
            .field("state", &state.machine.ready_state())
            .field("closed", &state.closed)
            .finish_non_exhaustive()
    }
}
