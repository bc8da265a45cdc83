//! [`ReconnectingWebSocket`], a client that stays connected.

use super::clock;
use super::connect_error::ConnectError;
use super::driven::{MOST_WAITING, memory};
use super::masks::Masks;
use super::reconnect::{Attempt, BoxError, Open, Opening};
use super::reconnect_event::{Disconnected, ReconnectEvent};
use super::reconnect_options::ReconnectOptions;
use super::reconnecting_sender::{Link, ReconnectingSender, flushed, try_send};
use super::trace;
use super::websocket::WebSocket;
use super::wire::Wire;
use bytes::{Bytes, BytesMut};
use eventwire::ws::connection::IntoFrame;
use eventwire::ws::frame::IntoClose;
use eventwire::ws::socket::Disconnected as End;
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Failure, Frame, Message, ReadyState,
    ReconnectingWebSocket as Machine, ReconnectingWebSocketEvent as Event, SendError,
};
use futures_core::{FusedStream, Stream};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A client's WebSocket that is opened again whenever it ends, from
/// [`reconnect`](super::reconnect): a [`Stream`] of [`ReconnectEvent`]s.
///
/// Messages may be sent at any time, also without a connection. They are kept, in order, until they
/// are written, within [limits](ReconnectOptions::max_unsent). Each has a number, counted from 0. A
/// message that was written is never written again. A message that was cut off goes first over the
/// next connection. Only the server knows whether a message arrived that was written before the
/// connection broke: [`Disconnected::written`] has the numbers.
///
/// It connects, receives and writes while a task waits in [`next`](Self::next). To send from other
/// tasks, use a [`sender`](Self::sender).
///
/// Dropping the socket tells the server that this end goes away (code 1001), if the transport takes
/// that at once, and closes the transport. Messages that were kept are lost.
///
/// Memory: that of a [`WebSocket`], and the messages that are kept.
///
/// ```no_run
/// use eventwire_tokio::ws::{self, ReconnectEvent, ReconnectOptions};
/// use tokio::sync::mpsc;
///
/// /// Sends what other tasks report, and prints what comes back.
/// async fn report(mut reports: mpsc::Receiver<String>) -> Result<(), Box<dyn std::error::Error>> {
///     let options = ReconnectOptions::new();
///     let mut socket = ws::reconnect(options, |_| ws::connect("wss://example.com/reports"));
///     loop {
///         tokio::select! {
///             event = socket.next() => match event.transpose()? {
///                 Some(ReconnectEvent::Message(message)) => println!("{message}"),
///                 Some(ReconnectEvent::Disconnected(end)) => eprintln!("{end}"),
///                 Some(ReconnectEvent::Open) => {}
///                 None => return Ok(()),
///             },
///             Some(report) = reports.recv() => {
///                 socket.send(report).await?;
///             }
///         }
///     }
/// }
/// ```
#[must_use = "dropping a WebSocket closes it"]
pub struct ReconnectingWebSocket {
    link: Arc<Link>,
    open: Open,
    /// The attempt that is being made.
    opening: Option<Opening>,
    attempts: u64,
    last_close: Option<CloseEvent>,
    /// Whether there is a connection, and it was reported as open.
    is_open: bool,
    /// Events that came while [`send`](Self::send) waited. Few: see [`keep`](Self::keep) and
    /// [`reads_to_the_end`](Self::reads_to_the_end).
    waiting: VecDeque<ReconnectEvent>,
    /// The last end.
    end: Option<Box<Disconnected>>,
    /// Whether [`next`](Self::next) has reported the last end, if it is an error.
    reported: bool,
}

impl ReconnectingWebSocket {
    pub(super) fn new(options: ReconnectOptions, open: Open) -> Self {
        let machine: Machine<Masks> = Machine::new(options.into_core());
        Self {
            link: Arc::new(Link::new(Wire::new(machine, None, BytesMut::new()))),
            open,
            opening: None,
            attempts: 0,
            last_close: None,
            is_open: false,
            waiting: VecDeque::new(),
            end: None,
            reported: false,
        }
    }

    /// Waits for the next event: a message, or that a connection was opened or has ended.
    ///
    /// Returns `None` after the last connection. If that did not end with the closing handshake, or
    /// if the last attempt failed, the item before `None` is an error that says why. In both cases,
    /// [`end`](Self::end) has the peer's code and reason.
    ///
    /// Messages are [`Message::Text`] and [`Message::Binary`], and others only if the
    /// [options](super::WebSocketOptions) of the connection ask for them.
    ///
    /// Cancel safe: dropping the future loses no event, and an attempt to connect goes on with the
    /// next call.
    pub async fn next(&mut self) -> Option<Result<ReconnectEvent, Disconnected>> {
        poll_fn(|cx| self.poll_next_event(cx)).await
    }

    /// Keeps a message until it can be written, and returns its number. Writes it at once if there
    /// is a connection that takes it.
    ///
    /// If as many messages wait as the [limits](ReconnectOptions::max_unsent) allow, this waits for
    /// room. It connects and writes meanwhile, but receives nothing, except up to 64 KiB of
    /// messages that arrive while a connection ends. If connections end meanwhile,
    /// [`next`](Self::next) reports one [`Disconnected`] for all of them.
    ///
    /// Cancel safe: if the future is dropped, the message was not kept. A future that has kept the
    /// message returns at once.
    ///
    /// # Errors
    /// [`SendError::Closed`] after [`close`](Self::close) and after the last connection.
    /// [`SendError::MessageTooLong`] if the message is longer than all that may wait together.
    /// [`SendError::NoWholeMessage`] for a control frame or a fragment: see
    /// [`send_now`](Self::send_now).
    pub async fn send<F: IntoFrame>(&mut self, message: F) -> Result<u64, SendError> {
        let message = message.into_frame()?;
        poll_fn(|cx| {
            let sent = ready!(self.poll_until(cx, |machine| try_send(machine, &message)));
            let _ = self.link.drive(|state| state.wire.poll_write(cx));
            Poll::Ready(sent)
        })
        .await
    }

    /// Waits until all messages that are kept now are written. It connects meanwhile, but receives
    /// nothing, as [`send`](Self::send). A message that was [taken back](Self::take_unsent) is not
    /// waited for.
    ///
    /// Call it before [`close`](Self::close), which does not wait for a connection.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// [`SendError::Closed`] if there will be no further connection.
    pub async fn flush(&mut self) -> Result<(), SendError> {
        let mark = self.link.lock().mark();
        poll_fn(|cx| self.poll_until(cx, |machine| flushed(machine, mark))).await
    }

    /// Keeps a message like [`send`](Self::send), but does not wait, and leaves it to
    /// [`next`](Self::next) to write it. This is faster for many small messages.
    ///
    /// # Errors
    /// [`SendError::Full`] if there is no room. Otherwise as [`send`](Self::send).
    pub fn try_send<F: IntoFrame>(&mut self, message: F) -> Result<u64, SendError> {
        self.link.lock().machine().send(message)
    }

    /// Sends a message over this connection or not at all, such as a position that is soon out of
    /// date. It has no number. Control frames are sent in this way too. [`next`](Self::next)
    /// writes it.
    ///
    /// # Errors
    /// [`SendError::Connecting`] if there is no connection now. [`SendError::Full`] if as much
    /// waits to be written as the connection's
    /// [high-water mark](super::WebSocketOptions::high_water_mark) allows.
    pub fn send_now<F: IntoFrame>(&mut self, message: F) -> Result<(), SendError> {
        let _ = self.link.lock().machine().send_now(message)?; // the next one is refused
        Ok(())
    }

    /// Returns a sender for other tasks.
    pub fn sender(&self) -> ReconnectingSender {
        ReconnectingSender::new(Arc::clone(&self.link))
    }

    /// Holds the kept messages back, until [`release`](Self::release) or the end of this
    /// connection. Messages that the connection already has are still written.
    ///
    /// What each connection must begin with goes into the [function](super::reconnect) that opens
    /// it.
    pub fn hold(&mut self) {
        self.link.lock().machine().hold();
    }

    /// Sends the messages that were [held](Self::hold) back. [`next`](Self::next) writes them.
    pub fn release(&mut self) {
        self.link.lock().machine().release();
    }

    /// Takes back the messages that `wanted` selects by number and content. Those that it does not
    /// select stay, so it can also be used to look at them.
    ///
    /// A message that the connection already has cannot be taken back. After
    /// [`ReconnectEvent::Disconnected`] and after the end, the connection has none. The function
    /// must not use a [`sender`](Self::sender) of this socket.
    ///
    /// ```
    /// use eventwire_tokio::ws::ReconnectingWebSocket;
    ///
    /// /// Drops the messages that are no longer worth sending. Returns their number.
    /// fn forget(socket: &mut ReconnectingWebSocket, up_to: u64) -> usize {
    ///     socket.take_unsent(|number, _| number <= up_to).len()
    /// }
    /// ```
    pub fn take_unsent(
        &mut self,
        wanted: impl FnMut(u64, &Frame<Bytes>) -> bool,
    ) -> Vec<(u64, Frame<Bytes>)> {
        let taken = self.link.lock().machine().take_unsent(wanted);
        self.link.tell_senders();
        taken
    }

    /// Returns the number up to which messages are finished: all messages with lower numbers were
    /// written or [taken back](Self::take_unsent). The others are kept.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.link.lock().machine().written()
    }

    /// Closes the socket permanently with this code and reason, and waits for the peer's answer,
    /// but no longer than the [closing timeout](super::WebSocketOptions::closing_timeout). Messages
    /// that still arrive are dropped.
    ///
    /// Messages that were kept are written first if the connection is open, and nothing is
    /// [held](Self::hold) back. Otherwise they stay unsent: [`flush`](Self::flush) them before, or
    /// [take them back](Self::take_unsent) after this. An attempt to connect is given up, and the
    /// failure is then [`Failure::Aborted`].
    ///
    /// To receive what still arrives, call [`ReconnectingSender::close`], and then
    /// [`next`](Self::next) until it returns `None`.
    ///
    /// Cancel safe: if the future is dropped, the connection goes on closing while it is used.
    ///
    /// # Errors
    /// If the code may not be sent, or the reason is longer than 123 bytes. The connection is then
    /// as it was.
    pub async fn close<'a, C>(
        &mut self,
        code: C,
        reason: &'a str,
    ) -> Result<Disconnected, SendError>
    where
        Close<&'a str, C>: IntoClose,
    {
        self.link.lock().machine().close(Close::new(code, reason), clock::now())?;
        loop {
            // The events before the last one are not wanted.
            poll_fn(|cx| self.poll_event(true, cx)).await;
            if let Some(end) = &self.end {
                self.waiting.clear();
                self.reported = true;
                return Ok((**end).clone());
            }
        }
    }

    /// Returns how the last connection ended, or `None` if there will be another one.
    #[must_use]
    pub fn end(&self) -> Option<&Disconnected> {
        self.end.as_deref()
    }

    /// Returns the state of the connection. It is `Connecting` between two connections, and
    /// `Closed` after the last one.
    #[must_use]
    pub fn ready_state(&self) -> ReadyState {
        self.link.lock().machine().ready_state()
    }

    /// Returns the subprotocol of this connection, or an empty string
    /// ([RFC 6455, section 1.9](https://www.rfc-editor.org/rfc/rfc6455#section-1.9)).
    #[must_use]
    pub fn protocol(&self) -> String {
        self.link.lock().machine().protocol().to_owned()
    }

    /// Returns the time from our last ping over this connection to its pong, or `None` before the
    /// first pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.link.lock().machine().round_trip()
    }

    fn poll_next_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<ReconnectEvent, Disconnected>>> {
        if let Some(event) = self.waiting.pop_front() {
            return Poll::Ready(Some(Ok(event)));
        }
        let event = ready!(self.poll_event(true, cx));
        Poll::Ready(event.map(Ok).or_else(|| self.take_error().map(Err)))
    }

    /// Returns the last end once, if it is an error.
    fn take_error(&mut self) -> Option<Disconnected> {
        let end = self.end.as_deref().filter(|end| !self.reported && is_error(&end.close))?;
        self.reported = true;
        Some(end.clone())
    }

    /// Connects and writes until `attempt` returns something, which it must do after the end.
    fn poll_until<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut Machine<Masks>) -> Option<T>,
    ) -> Poll<T> {
        loop {
            if let Some(done) = attempt(self.link.lock().machine()) {
                return Poll::Ready(done);
            }
            if let Poll::Ready(event) = self.poll_event(false, cx) {
                if let Some(event) = event {
                    self.keep(event);
                }
            } else {
                // Writing may have been enough.
                let done = attempt(self.link.lock().machine());
                return done.map_or(Poll::Pending, Poll::Ready);
            }
        }
    }

    /// Keeps an event for [`next`](Self::next). Joins the ends of connections and attempts that
    /// nobody has seen, so that few events are kept.
    fn keep(&mut self, mut event: ReconnectEvent) {
        if let ReconnectEvent::Disconnected(end) = &mut event {
            if self.waiting.back() == Some(&ReconnectEvent::Open) {
                self.waiting.pop_back();
            }
            if let Some(ReconnectEvent::Disconnected(before)) = self.waiting.back() {
                end.written.start = before.written.start;
                end.was_open |= before.was_open;
                self.waiting.pop_back();
            }
        }
        self.waiting.push_back(event);
    }

    /// Returns the next event, or `None` after the last connection. If no messages are wanted, does
    /// not read.
    fn poll_event(
        &mut self,
        wants_messages: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Option<ReconnectEvent>> {
        while self.end.is_none() {
            let reads = wants_messages || self.reads_to_the_end();
            let event = self.link.lock().poll_machine(reads, cx);
            match event {
                Some(event) => {
                    if let Some(event) = self.take(event) {
                        return Poll::Ready(Some(event));
                    }
                }
                None if self.poll_opening(cx).is_ready() => {}
                None => {
                    ready!(self.link.drive(|state| state.poll_io(reads, cx)));
                }
            }
        }
        Poll::Ready(None)
    }

    /// Returns whether the transport takes no more, so that the next event is its end. What arrives
    /// before that is kept, within a limit.
    fn reads_to_the_end(&self) -> bool {
        let waiting = self.waiting.iter().map(|event| match event {
            ReconnectEvent::Message(message) => memory(message),
            ReconnectEvent::Open | ReconnectEvent::Disconnected(_) => 0,
        });
        !self.link.lock().wire.writes() && waiting.sum::<usize>() < MOST_WAITING
    }

    /// Goes on with the attempt to connect, without the lock, because it runs foreign code.
    fn poll_opening(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(opening) = &mut self.opening else { return Poll::Pending };
        let opened = ready!(opening.as_mut().poll(cx));
        self.opening = None;
        let mut state = self.link.lock();
        match opened.and_then(into_open) {
            Ok(socket) => {
                let machine = state.wire.connect(socket.into_wire());
                state.machine().connected(machine);
            }
            Err(error) => match refusal(&*error) {
                Some(refusal) => state.machine().handshake_failed(refusal),
                None => state.machine().connect_failed(error),
            },
        }
        Poll::Ready(())
    }

    /// Does what an event asks for. Returns the event for the program.
    fn take(&mut self, event: Event) -> Option<ReconnectEvent> {
        Some(ReconnectEvent::Message(match event {
            Event::Connect => {
                let (number, last_close) = (self.attempts, self.last_close.take());
                self.attempts += 1;
                self.opening = Some((self.open)(Attempt { number, last_close }));
                return None;
            }
            Event::Open => {
                self.is_open = true;
                return Some(ReconnectEvent::Open);
            }
            Event::Disconnected(end) => return self.disconnect(end),
            Event::Text(text) => Message::Text(text),
            Event::Binary(payload) => Message::Binary(payload),
            Event::Ping(payload) => Message::Ping(payload),
            Event::Pong(payload) => Message::Pong(payload),
            Event::Skipped(error) => Message::Skipped(error),
        }))
    }

    /// Drops the connection or attempt. Returns the event, unless this is the last end.
    fn disconnect(&mut self, end: End) -> Option<ReconnectEvent> {
        self.opening = None;
        self.link.lock().wire.disconnect();
        let End { close, written, reconnect_at, .. } = end;
        let reconnect_in = reconnect_at.map(|at| at.saturating_sub(clock::now()));
        let was_open = mem::take(&mut self.is_open);
        self.last_close = Some(close.clone());
        let end = Disconnected { close, was_open, written, reconnect_in };
        trace::disconnected(&end);
        if end.reconnect_in.is_some() {
            return Some(ReconnectEvent::Disconnected(end));
        }
        self.end = Some(Box::new(end));
        self.link.tell_senders();
        None
    }
}

/// Returns whether the last end is worth an error.
fn is_error(close: &CloseEvent) -> bool {
    !close.was_clean && close.failure != Some(Failure::Aborted)
}

/// Returns an error if the socket has been closed.
fn into_open(socket: WebSocket) -> Result<WebSocket, BoxError> {
    match socket.close_event() {
        Some(close) => Err(close.clone().into()),
        None => Ok(socket),
    }
}

/// Finds the server's refusal in an error of an attempt.
fn refusal(error: &(dyn Error + 'static)) -> Option<Failure> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref().and_then(ConnectError::refusal) {
            return Some(Failure::Refused(Box::new(refusal.clone())));
        }
        cause = error.source();
    }
    None
}

/// Tells the peer that this end goes away, if the transport takes that at once.
impl Drop for ReconnectingWebSocket {
    fn drop(&mut self) {
        let mut state = self.link.lock();
        // If closing has begun, this does nothing. A page may send only the second code.
        for code in [CloseCode::GOING_AWAY, CloseCode::NORMAL] {
            if state.machine().close(code, clock::now()).is_ok() {
                break;
            }
        }
        state.wire.finish();
        state.wire.abandon();
        drop(state);
        self.link.tell_senders();
    }
}

/// The same as [`ReconnectingWebSocket::next`].
impl Stream for ReconnectingWebSocket {
    type Item = Result<ReconnectEvent, Disconnected>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_next_event(cx)
    }
}

impl FusedStream for ReconnectingWebSocket {
    fn is_terminated(&self) -> bool {
        let ended = self.end.as_deref();
        self.waiting.is_empty() && ended.is_some_and(|end| self.reported || !is_error(&end.close))
    }
}

impl fmt::Debug for ReconnectingWebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReconnectingWebSocket")
            .field("link", &self.link)
            .field("attempts", &self.attempts)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
