//! [`ReconnectingSender`], which sends from other tasks than the one that receives.

use super::clock;
use super::masks::Masks;
use super::wire::Wire;
use eventwire::ws::connection::IntoFrame;
use eventwire::ws::frame::IntoClose;
use eventwire::ws::{
    Close, ReconnectingWebSocket as Machine, ReconnectingWebSocketEvent as Event, SendError,
};
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;

/// Sends messages over a [`ReconnectingWebSocket`](super::ReconnectingWebSocket) from other tasks.
/// Clones send over the same socket.
///
/// The messages are written by the task that waits in
/// [`next`](super::ReconnectingWebSocket::next).
///
/// ```no_run
/// use eventwire_tokio::ws::{ReconnectingSender, SendError};
/// use std::time::Duration;
///
/// async fn tick(sender: ReconnectingSender) -> Result<(), SendError> {
///     loop {
///         sender.send("tick").await?;
///         tokio::time::sleep(Duration::from_secs(1)).await;
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ReconnectingSender {
    link: Arc<Link>,
}

impl ReconnectingSender {
    pub(super) const fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// Keeps a message until it can be written, and returns its number. Waits for room if as many
    /// messages wait as the [limits](super::ReconnectOptions::max_unsent) allow.
    ///
    /// Cancel safe: if the future is dropped, the message was not kept. A future that has kept the
    /// message returns at once.
    ///
    /// # Errors
    /// As [`ReconnectingWebSocket::send`](super::ReconnectingWebSocket::send).
    pub async fn send<F: IntoFrame>(&self, message: F) -> Result<u64, SendError> {
        let message = message.into_frame()?;
        loop {
            let mut room = pin!(self.link.room.notified());
            // Before the attempt, so that no notice is lost.
            room.as_mut().enable();
            match self.try_send(&message) {
                Err(SendError::Full) => room.await,
                result => return result,
            }
        }
    }

    /// Keeps a message like [`send`](Self::send), but does not wait.
    ///
    /// # Errors
    /// [`SendError::Full`] if there is no room. Otherwise as [`send`](Self::send).
    pub fn try_send<F: IntoFrame>(&self, message: F) -> Result<u64, SendError> {
        self.link.add(|machine| machine.send(message))
    }

    /// Begins to close the socket permanently, as
    /// [`ReconnectingWebSocket::close`](super::ReconnectingWebSocket::close) does, but does not
    /// wait. Messages that still arrive are reported, and then the end.
    ///
    /// # Errors
    /// As [`ReconnectingWebSocket::close`](super::ReconnectingWebSocket::close).
    pub fn close<'a, C>(&self, code: C, reason: &'a str) -> Result<(), SendError>
    where
        Close<&'a str, C>: IntoClose,
    {
        self.link.add(|machine| machine.close(Close::new(code, reason), clock::now()))
    }
}

/// What a socket shares with its senders.
pub(super) struct Link {
    /// Locked while a task polls or sends, and never while it waits.
    state: Mutex<State>,
    /// Told when there may be room for messages, and at the end.
    room: Notify,
}

/// The machine with its transport, and the task that drives it.
pub(super) struct State {
    pub(super) wire: Wire<Machine<Masks>>,
    task: Option<Waker>,
    /// The number of finished messages that senders know of.
    told: u64,
}

impl Link {
    pub(super) fn new(wire: Wire<Machine<Masks>>) -> Self {
        Self { state: Mutex::new(State { wire, task: None, told: 0 }), room: Notify::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A poll that panicked has left a connection that can be closed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to what has to be written. Wakes the task that writes it.
    fn add<T>(
        &self,
        add: impl FnOnce(&mut Machine<Masks>) -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        let mut state = self.lock();
        let added = add(state.machine())?;
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
        Ok(added)
    }

    /// Wakes the senders that wait for room.
    pub(super) fn tell_senders(&self) {
        self.room.notify_waiters();
    }

    /// Polls the connection. Wakes the senders that wait for room, if messages were written.
    pub(super) fn drive(&self, poll: impl FnOnce(&mut State) -> Poll<()>) -> Poll<()> {
        let mut state = self.lock();
        let polled = poll(&mut state);
        let written = state.wire.machine.written();
        let has_room = state.told != written;
        state.told = written;
        drop(state);
        if has_room {
            self.tell_senders();
        }
        polled
    }
}

impl State {
    pub(super) const fn machine(&mut self) -> &mut Machine<Masks> {
        &mut self.wire.machine
    }

    /// Returns the machine's next event. If no messages are wanted, returns only events of time.
    pub(super) fn poll_machine(&mut self, wants_messages: bool, cx: &Context<'_>) -> Option<Event> {
        match &mut self.task {
            Some(task) => task.clone_from(cx.waker()),
            None => self.task = Some(cx.waker().clone()),
        }
        // A transport that has ended has few messages left, and no silence can follow them.
        if wants_messages || !self.wire.reads() {
            self.wire.poll_machine()
        } else {
            self.wire.poll_machine_time()
        }
    }

    /// Writes, and then reads or waits. `Ready` means that the machine may have an event.
    pub(super) fn poll_io(&mut self, reads: bool, cx: &mut Context<'_>) -> Poll<()> {
        if reads {
            return self.wire.poll_io(cx);
        }
        let _ = self.wire.poll_write(cx);
        self.wire.poll_deadline(cx)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("state", &self.lock().wire.machine.ready_state())
            .finish_non_exhaustive()
    }
}
