//! [`WriteHalf`] and [`ReadHalf`], the halves of a WebSocket for two tasks.

use super::driven::Driven;
use super::sync::{AtomicBool, Mutex, Ordering, lock};
use super::tasks::{Side, Tasks};
use eventwire::ws::connection::IntoFrame;
use eventwire::ws::frame::IntoClose;
use eventwire::ws::{Close, CloseCode, CloseEvent, Message, SendError};
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The half of a [`WebSocket`](super::WebSocket) that sends, from
/// [`split`](super::WebSocket::split): a [`Sink`] of [`Message`]s.
///
/// It sends while the [`ReadHalf`] waits in another task. If that half is idle, nobody answers the
/// peer's pings. If it was dropped, messages are dropped too, and pings are answered with each
/// [`send`](Self::send) and while a task waits in [`closed`](Self::closed).
///
/// Dropping it leaves the connection open; dropping both halves closes it, as [dropping the
/// socket](super::WebSocket) does.
#[derive(Debug)]
#[must_use = "dropping both halves closes the WebSocket"]
pub struct WriteHalf(Half);

/// The half of a [`WebSocket`](super::WebSocket) that receives, from
/// [`split`](super::WebSocket::split): a [`Stream`] of [`Message`]s.
///
/// Waiting in [`next`](Self::next) answers pings and close frames, and writes what waits to be
/// written, even if the [`WriteHalf`] is idle or was dropped.
#[derive(Debug)]
#[must_use = "dropping both halves closes the WebSocket"]
pub struct ReadHalf(Half);

/// One half's access to the connection.
#[derive(Debug)]
struct Half {
    shared: Arc<Shared>,
    side: Side,
}

/// The connection of both halves.
#[derive(Debug)]
struct Shared {
    /// Locked while one half polls the connection, and never while a half waits.
    driven: Mutex<Driven>,
    tasks: Tasks,
    /// Whether nobody takes messages any more.
    is_reader_gone: AtomicBool,
}

pub(super) fn split(driven: Driven) -> (WriteHalf, ReadHalf) {
    let shared = Arc::new(Shared {
        driven: Mutex::new(driven),
        tasks: Tasks::new(),
        is_reader_gone: AtomicBool::new(false),
    });
    let half = |side| Half { shared: Arc::clone(&shared), side };
    (WriteHalf(half(Side::Writer)), ReadHalf(half(Side::Reader)))
}

impl Half {
    /// Polls the connection.
    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Driven, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let Shared { driven, tasks, is_reader_gone } = &*self.shared;
        tasks.poll(
            self.side,
            cx,
            || lock(driven),
            |driven, cx| {
                // Asked for after this task can be woken, so that the reader's end is not missed.
                if is_reader_gone.load(Ordering::Acquire) {
                    driven.reader_gone();
                }
                poll(driven, cx)
            },
        )
    }

    /// Adds to what has to be written. Wakes the reader, which writes it.
    fn add(&self, add: impl FnOnce(&mut Driven) -> Result<(), SendError>) -> Result<(), SendError> {
        self.shared.tasks.change(Side::Reader, || lock(&self.shared.driven), add)
    }

    fn poll_closed(&self, discard: bool, cx: &mut Context<'_>) -> Poll<CloseEvent> {
        self.poll(cx, |driven, cx| driven.poll_closed(discard || driven.is_reader_gone(), cx))
    }

    fn close_event(&self) -> Option<CloseEvent> {
        lock(&self.shared.driven).close_event().cloned()
    }
}

/// The other half may wait for this one. Now it has to act alone.
impl Drop for Half {
    fn drop(&mut self) {
        if matches!(self.side, Side::Reader) {
            self.shared.is_reader_gone.store(true, Ordering::Release);
        }
        self.shared.tasks.wake();
    }
}

impl WriteHalf {
    /// Sends a message, as [`WebSocket::send`](super::WebSocket::send) does.
    ///
    /// Cancel safe, in the same way.
    ///
    /// # Errors
    /// As [`WebSocket::send`](super::WebSocket::send). The cause of the end is in
    /// [`close_event`](Self::close_event).
    pub async fn send<F: IntoFrame>(&mut self, message: F) -> Result<(), SendError> {
        let mut message = Some(message);
        poll_fn(|cx| self.0.poll(cx, |driven, cx| driven.poll_send(&mut message, cx))).await
    }

    /// Queues a message, as [`WebSocket::feed`](super::WebSocket::feed) does. The [`ReadHalf`]
    /// writes it too, if a task waits there.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn feed<F: IntoFrame>(&mut self, message: F) -> Result<(), SendError> {
        poll_fn(|cx| self.0.poll(cx, Driven::poll_room)).await?;
        self.try_send(message)
    }

    /// Queues a message like [`feed`](Self::feed), but does not wait.
    ///
    /// # Errors
    /// [`SendError::Full`] if there is no room. Otherwise as [`send`](Self::send).
    pub fn try_send<F: IntoFrame>(&mut self, message: F) -> Result<(), SendError> {
        self.0.add(|driven| driven.push(message))
    }

    /// Waits until the transport has taken everything that is queued.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn flush(&mut self) -> Result<(), SendError> {
        poll_fn(|cx| self.0.poll(cx, Driven::poll_flush)).await
    }

    /// Closes the connection, as [`WebSocket::close`](super::WebSocket::close) does. Messages that
    /// still arrive are left to the [`ReadHalf`]. If nobody takes them there, the peer's answer
    /// stays unread after 64 KiB of them, until the closing timeout.
    ///
    /// Cancel safe: if the future is dropped, the connection goes on closing while it is used.
    ///
    /// # Errors
    /// As [`WebSocket::close`](super::WebSocket::close).
    pub async fn close<'a, C>(&mut self, code: C, reason: &'a str) -> Result<CloseEvent, SendError>
    where
        Close<&'a str, C>: IntoClose,
    {
        self.0.add(|driven| driven.begin_close(Close::new(code, reason)))?;
        Ok(self.closed().await)
    }

    /// Waits for the end of the connection, and returns how it ended. Messages are left to the
    /// [`ReadHalf`].
    ///
    /// Cancel safe.
    pub async fn closed(&mut self) -> CloseEvent {
        poll_fn(|cx| self.0.poll_closed(false, cx)).await
    }

    /// Returns how the connection ended, or `None` if it has not ended.
    #[must_use]
    pub fn close_event(&self) -> Option<CloseEvent> {
        self.0.close_event()
    }
}

impl ReadHalf {
    /// Waits for the next message, as [`WebSocket::next`](super::WebSocket::next) does.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Result<Message, CloseEvent>> {
        poll_fn(|cx| self.0.poll(cx, Driven::poll_next)).await
    }

    /// Closes the connection, as [`WebSocket::close`](super::WebSocket::close) does. Messages that
    /// still arrive are dropped.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// As [`WebSocket::close`](super::WebSocket::close).
    pub async fn close<'a, C>(&mut self, code: C, reason: &'a str) -> Result<CloseEvent, SendError>
    where
        Close<&'a str, C>: IntoClose,
    {
        self.0.add(|driven| driven.begin_close(Close::new(code, reason)))?;
        Ok(self.closed().await)
    }

    /// Waits for the end of the connection, and returns how it ended. Messages are dropped.
    ///
    /// Cancel safe.
    pub async fn closed(&mut self) -> CloseEvent {
        poll_fn(|cx| self.0.poll_closed(true, cx)).await
    }

    /// Returns how the connection ended, or `None` if it has not ended.
    #[must_use]
    pub fn close_event(&self) -> Option<CloseEvent> {
        self.0.close_event()
    }
}

/// The same as [`ReadHalf::next`].
impl Stream for ReadHalf {
    type Item = Result<Message, CloseEvent>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll(cx, Driven::poll_next)
    }
}

impl FusedStream for ReadHalf {
    fn is_terminated(&self) -> bool {
        lock(&self.0.shared.driven).is_terminated()
    }
}

/// The same as [`WriteHalf::feed`], [`flush`](WriteHalf::flush), and [`close`](WriteHalf::close)
/// with code 1000.
impl Sink<Message> for WriteHalf {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.0.poll(cx, Driven::poll_room)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        self.0.add(|driven| driven.push(message))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.0.poll(cx, Driven::poll_flush)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.0.add(|driven| driven.begin_close(CloseCode::NORMAL))?;
        self.0.poll_closed(false, cx).map(|_| Ok(()))
    }
}
