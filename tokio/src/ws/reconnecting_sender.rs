//! [`ReconnectingSender`], which sends from other tasks than the one that receives.

use super::clock;
use super::masks::Masks;
use super::wire::Wire;
use eventwire::ws::connection::IntoFrame;
use eventwire::ws::frame::IntoClose;
use eventwire::ws::{
    Close, Frame, ReadyState, ReconnectingWebSocket as Machine,
    ReconnectingWebSocketEvent as Event, SendError,
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
        let sent = self.link.wait(|machine| try_send(machine, &message)).await;
        self.link.wake();
        sent
    }

    /// Waits until all messages that are kept now are written. A message that was
    /// [taken back](super::ReconnectingWebSocket::take_unsent) is not waited for.
    ///
    /// Call it before [`close`](Self::close), which does not wait for a connection.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// [`SendError::Closed`] if there will be no further connection.
    pub async fn flush(&self) -> Result<(), SendError> {
        let mark = self.link.lock().mark();
        self.link.wait(|machine| flushed(machine, mark)).await
    }

    /// Keeps a message like [`send`](Self::send), but does not wait.
    ///
    /// # Errors
    /// [`SendError::Full`] if there is no room. Otherwise as [`send`](Self::send).
    pub fn try_send<F: IntoFrame>(&self, message: F) -> Result<u64, SendError> {
        let sent = self.link.lock().machine().send(message);
        self.link.wake();
        sent
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
        self.link.lock().machine().close(Close::new(code, reason), clock::now())?;
        self.link.wake();
        Ok(())
    }
}

/// What a socket shares with its senders.
pub(super) struct Link {
    /// Locked while a task polls or sends, and never while it waits.
    state: Mutex<State>,
    /// Told when messages were written or taken back, and at the end.
    news: Notify,
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
        Self { state: Mutex::new(State { wire, task: None, told: 0 }), news: Notify::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A poll that panicked has left a connection that can be closed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the task that drives the machine, which has something new to write.
    fn wake(&self) {
        let task = self.lock().task.take();
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Waits until `attempt` returns something, which it must do after the end.
    async fn wait<T>(&self, mut attempt: impl FnMut(&mut Machine<Masks>) -> Option<T>) -> T {
        loop {
            let mut news = pin!(self.news.notified());
            // Before the attempt, so that no notice is lost.
            news.as_mut().enable();
            let done = attempt(self.lock().machine());
            match done {
                Some(done) => return done,
                None => news.await,
            }
        }
    }

    /// Wakes the senders that wait.
    pub(super) fn tell_senders(&self) {
        self.news.notify_waiters();
    }

    /// Polls the connection. Wakes the senders that wait, if messages were written.
    pub(super) fn drive(&self, poll: impl FnOnce(&mut State) -> Poll<()>) -> Poll<()> {
        let mut state = self.lock();
        let polled = poll(&mut state);
        let written = state.wire.machine().written();
        let has_news = state.told != written;
        state.told = written;
        drop(state);
        if has_news {
            self.tell_senders();
        }
        polled
    }
}

impl State {
    pub(super) const fn machine(&mut self) -> &mut Machine<Masks> {
        self.wire.machine_mut()
    }

    /// Returns the number after the last message that is kept.
    pub(super) fn mark(&mut self) -> u64 {
        self.machine().unsent().last().map_or(0, |(number, _)| number + 1)
    }

    /// Returns the machine's next event. If nothing is read, that is one of time.
    pub(super) fn poll_machine(&mut self, reads: bool, cx: &Context<'_>) -> Option<Event> {
        match &mut self.task {
            Some(task) => task.clone_from(cx.waker()),
            None => self.task = Some(cx.waker().clone()),
        }
        // A transport that has ended has few messages left, and no silence can follow them.
        if reads || !self.wire.reads() {
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
        let writes = self.wire.writes();
        let _ = self.wire.poll_write(cx);
        if writes != self.wire.writes() {
            return Poll::Ready(()); // From now on, what arrives is read.
        }
        self.wire.poll_deadline(cx)
    }
}

/// Keeps the message, unless there is no room.
pub(super) fn try_send<P: AsRef<[u8]>>(
    machine: &mut Machine<Masks>,
    message: &Frame<P>,
) -> Option<Result<u64, SendError>> {
    Some(machine.send(message)).filter(|sent| *sent != Err(SendError::Full))
}

/// Returns whether all messages before `mark` are written, once this is known.
pub(super) fn flushed(machine: &mut Machine<Masks>, mark: u64) -> Option<Result<(), SendError>> {
    if machine.unsent().next().is_none_or(|(number, _)| number >= mark) {
        return Some(Ok(()));
    }
    (machine.ready_state() == ReadyState::Closed).then_some(Err(SendError::Closed))
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("state", &self.lock().wire.machine().ready_state())
            .finish_non_exhaustive()
    }
}
