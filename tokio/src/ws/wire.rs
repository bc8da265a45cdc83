//! [`Wire`], a state machine with its transport, its timer and its unread bytes.
//!
//! Before it returns `Pending`, everything that could make progress has a waker: reading, if the
//! transport has not ended; writing, if there is something to write; and the timer.

use super::clock;
use super::masks::Masks;
use super::read::poll_read;
use crate::timer::Timer;
use crate::transport::BoxTransport;
use bytes::{Buf, BytesMut};
use eventwire::ws::socket::ToWrite;
use eventwire::ws::{
    Message, ReconnectingWebSocket, ReconnectingWebSocketEvent, WebSocket, WebSocketEvent,
};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio_util::io::poll_write_buf;

/// What the state machines of the core have in common.
pub(super) trait StateMachine {
    type Event;

    fn poll(&mut self, received: &mut BytesMut, now: Duration) -> Option<Self::Event>;
    fn to_write(&mut self, now: Duration) -> ToWrite<'_>;
    fn wants_shutdown(&self) -> bool;
    fn deadline(&self) -> Option<Duration>;
    fn end_of_stream(&mut self, now: Duration);
    fn read_failed(&mut self, error: io::Error, now: Duration);
    fn write_failed(&mut self, error: io::Error, now: Duration);
}

macro_rules! state_machine {
    ($machine:ident, $event:ident) => {
        impl StateMachine for $machine<Masks> {
            type Event = $event;

            fn poll(&mut self, received: &mut BytesMut, now: Duration) -> Option<$event> {
                self.poll(received, now)
            }

            fn to_write(&mut self, now: Duration) -> ToWrite<'_> {
                self.to_write(now)
            }

            fn wants_shutdown(&self) -> bool {
                self.wants_shutdown()
            }

            fn deadline(&self) -> Option<Duration> {
                self.deadline()
            }

            fn end_of_stream(&mut self, now: Duration) {
                self.end_of_stream(now);
            }

            fn read_failed(&mut self, error: io::Error, now: Duration) {
                self.read_failed(error, now);
            }

            fn write_failed(&mut self, error: io::Error, now: Duration) {
                self.write_failed(error, now);
            }
        }
    };
}

state_machine!(WebSocket, WebSocketEvent);
state_machine!(ReconnectingWebSocket, ReconnectingWebSocketEvent);

/// A state machine with its transport, its timer and its unread bytes. It reads and writes, and
/// decides nothing.
#[expect(clippy::struct_excessive_bools, reason = "each says one thing about the transport")]
pub(super) struct Wire<M> {
    machine: M,
    /// Whether the machine has no event and nothing to write, and was not touched since. Then a task
    /// that was woken has to look only at the transport and the timer.
    idle: bool,
    /// `None` after the end of the connection.
    io: Option<BoxTransport>,
    /// The bytes that the machine has not taken yet. Holds no memory while it is empty.
    received: BytesMut,
    timer: Timer,
    /// The time of this step. Reading the clock for each use of it would take longer than the rest.
    now: Duration,
    /// Whether more may be read.
    reads: bool,
    /// Whether more may be written.
    writes: bool,
    flushed: bool,
    shut: bool,
}

impl<M> Wire<M> {
    /// Joins a machine with its transport. `received` is what came after the handshake.
    pub(super) fn new(machine: M, io: Option<BoxTransport>, received: BytesMut) -> Self {
        Self {
            machine,
            idle: false,
            io,
            received,
            timer: Timer::default(),
            now: Duration::ZERO,
            reads: true,
            writes: true,
            flushed: true,
            shut: false,
        }
    }

    pub(super) const fn machine(&self) -> &M {
        &self.machine
    }

    pub(super) const fn machine_mut(&mut self) -> &mut M {
        self.idle = false;
        &mut self.machine
    }

    pub(super) const fn is_idle(&self) -> bool {
        self.idle
    }

    pub(super) const fn reads(&self) -> bool {
        self.reads
    }

    pub(super) const fn writes(&self) -> bool {
        self.writes
    }

    /// Returns whether nothing is left to write, as far as is known.
    pub(super) const fn is_flushed(&self) -> bool {
        self.flushed
    }

    /// Notes that the machine has something to write.
    pub(super) const fn note_queued(&mut self) {
        self.flushed = !self.writes;
    }

    pub(super) const fn is_connected(&self) -> bool {
        self.io.is_some()
    }

    /// Begins a step. Returns its time.
    pub(super) fn tick(&mut self) -> Duration {
        self.now = clock::now();
        self.now
    }

    /// Writes no more.
    pub(super) const fn stop_writing(&mut self) {
        self.idle = false;
        (self.writes, self.flushed, self.shut) = (false, true, true);
    }

    /// Drops the transport and what is unread.
    pub(super) fn disconnect(&mut self) {
        self.idle = false;
        self.io = None;
        self.received = BytesMut::new();
    }

    /// Takes over the transport and the unread bytes of another machine. Returns that machine.
    pub(super) fn connect<N>(&mut self, other: Wire<N>) -> N {
        (self.io, self.received, self.idle) = (other.io, other.received, false);
        (self.reads, self.writes) = (other.reads, other.writes);
        (self.flushed, self.shut) = (other.flushed, other.shut);
        other.machine
    }
}

impl Wire<WebSocket<Masks>> {
    /// Returns the next message, if it came together with the last one.
    #[inline]
    pub(super) fn poll_message(&mut self) -> Option<Message> {
        self.machine.poll_message(&mut self.received)
    }
}

impl Wire<ReconnectingWebSocket<Masks>> {
    /// Drops the transport, and takes the machine that was closed to its end.
    pub(super) fn abandon(&mut self) {
        self.disconnect();
        let now = self.tick();
        self.machine.write_failed(io::Error::from(io::ErrorKind::BrokenPipe), now);
        self.machine.end_of_stream(now);
        while self.poll_machine().is_some() {}
    }

    /// Begins a step, and returns the next event of time alone.
    pub(super) fn poll_machine_time(&mut self) -> Option<ReconnectingWebSocketEvent> {
        let now = self.tick();
        self.machine.poll_time(&mut self.received, now)
    }
}

impl<M: StateMachine> Wire<M> {
    /// Begins a step, and returns the next event of what was received, or of time.
    pub(super) fn poll_machine(&mut self) -> Option<M::Event> {
        let now = self.tick();
        self.idle = false;
        let event = self.machine.poll(&mut self.received, now);
        if self.received.is_empty() {
            self.received = BytesMut::new();
        }
        event
    }

    /// Goes on with the step: writes, and then reads or waits. `Ready` means that the machine may
    /// have an event.
    pub(super) fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.idle {
            self.idle = self.write(cx).is_ready();
        }
        if self.poll_read(cx).is_pending() {
            ready!(self.poll_deadline(cx));
        }
        self.idle = false;
        Poll::Ready(())
    }

    /// `Ready` means that the deadline may have passed.
    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.machine.deadline() {
            Some(deadline) if deadline <= self.now => Poll::Ready(()),
            deadline => match deadline.and_then(clock::instant) {
                Some(deadline) => self.timer.poll(deadline, cx),
                None => Poll::Pending,
            },
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(io) = self.io.as_mut().filter(|_| self.reads) else { return Poll::Pending };
        let read = ready!(poll_read(Pin::new(io), cx, &mut self.received));
        self.reads = matches!(read, Ok(1..));
        if !self.reads {
            self.tick();
        }
        match read {
            Ok(1..) => {}
            Ok(0) => self.machine.end_of_stream(self.now),
            Err(error) => self.machine.read_failed(error, self.now),
        }
        Poll::Ready(())
    }

    /// Begins a step, and writes, flushes and shuts, as far as the transport takes it. `Ready` means
    /// that nothing is left to do.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.tick();
        self.write(cx)
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(io) = &mut self.io else { return Poll::Ready(()) };
            let io = Pin::new(io);
            let mut to_write = self.machine.to_write(self.now);
            let result = if to_write.has_remaining() {
                self.flushed = false;
                match ready!(poll_write_some(io, cx, &mut to_write)) {
                    Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                    written => written.map(drop),
                }
            } else if !self.flushed {
                // TLS may hold written bytes back until it is flushed.
                let result = ready!(io.poll_flush(cx));
                self.flushed = true;
                result
            } else if self.machine.wants_shutdown() && !self.shut {
                let result = ready!(io.poll_shutdown(cx));
                self.shut = true;
                result
            } else {
                return Poll::Ready(());
            };
            if let Err(error) = result {
                self.stop_writing();
                self.machine.write_failed(error, self.now);
            }
        }
    }

    /// Ends a connection that cannot be closed: nothing more is read or written.
    pub(super) fn cut(&mut self) {
        let now = self.tick();
        self.stop_writing();
        self.reads = false;
        self.machine.write_failed(io::ErrorKind::BrokenPipe.into(), now);
        self.machine.end_of_stream(now);
    }

    /// Writes what is left, if the transport takes it at once, and shuts the transport.
    pub(super) fn finish(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        if self.poll_write(&mut cx).is_ready()
            && let Some(io) = &mut self.io
        {
            let _ = Pin::new(io).poll_shutdown(&mut cx);
        }
    }
}

/// Writes once. One piece needs no list of pieces, which costs the system more.
fn poll_write_some(
    io: Pin<&mut BoxTransport>,
    cx: &mut Context<'_>,
    to_write: &mut ToWrite<'_>,
) -> Poll<io::Result<usize>> {
    let piece = to_write.chunk();
    if piece.len() < to_write.remaining() {
        return poll_write_buf(io, cx, to_write);
    }
    let written = ready!(io.poll_write(cx, piece));
    if let Ok(len) = written {
        to_write.advance(len);
    }
    Poll::Ready(written)
}
