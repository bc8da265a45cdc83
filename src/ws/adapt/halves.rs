//! [`WriteHalf`] and [`ReadHalf`], the halves of a stream of messages.

use super::message_stream::{MessageStream, StreamError};
use crate::ws::connection::{ConnectionState, IntoFrame, Message};
use crate::ws::frame::{IntoClose, Limits, MaskSource, NoMask};
use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};

/// The stream that both halves share. It is locked while one half polls it, and never while a half
/// waits.
#[derive(Debug)]
struct Shared<T, M>(Arc<Mutex<MessageStream<T, M>>>);

impl<T, M> Shared<T, M> {
    fn lock(&self) -> MutexGuard<'_, MessageStream<T, M>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The half of a [`MessageStream`] that sends, from [`MessageStream::split`]: a [`Sink`] of
/// [`Message`]s.
///
/// Dropping it leaves the connection open: [`close`](Self::close) it first. The transport is
/// dropped with the second half.
#[derive(Debug)]
#[must_use = "dropping both halves cuts the connection"]
pub struct WriteHalf<T, M = NoMask>(Shared<T, M>);

/// The half of a [`MessageStream`] that receives, from [`MessageStream::split`]: a [`Stream`] of
/// [`Message`]s.
///
/// Reading it answers the peer's pings, close frames and errors.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct ReadHalf<T, M = NoMask>(Shared<T, M>);

/// The error of [`WriteHalf::reunite`]: the halves belong to two different streams. It has both
/// halves.
#[derive(thiserror::Error)]
#[error("the halves belong to two different streams")]
pub struct ReuniteError<T, M = NoMask>(pub WriteHalf<T, M>, pub ReadHalf<T, M>);

/// Without the halves, because a closure that returns masking keys has no `Debug`.
impl<T, M> fmt::Debug for ReuniteError<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReuniteError").finish_non_exhaustive()
    }
}

pub(super) fn split<T, M>(stream: MessageStream<T, M>) -> (WriteHalf<T, M>, ReadHalf<T, M>) {
    let stream = Arc::new(Mutex::new(stream));
    (WriteHalf(Shared(Arc::clone(&stream))), ReadHalf(Shared(stream)))
}

impl<T, M> WriteHalf<T, M> {
    /// Joins both halves into one stream again.
    ///
    /// # Errors
    /// If the halves belong to two different streams. The error has both.
    pub fn reunite(self, other: ReadHalf<T, M>) -> Result<MessageStream<T, M>, ReuniteError<T, M>> {
        if !Arc::ptr_eq(&self.0.0, &other.0.0) {
            return Err(ReuniteError(self, other));
        }
        drop(other);
        match Arc::try_unwrap(self.0.0) {
            Ok(stream) => Ok(stream.into_inner().unwrap_or_else(PoisonError::into_inner)),
            // There is no third owner.
            Err(stream) => {
                let write = Self(Shared(Arc::clone(&stream)));
                Err(ReuniteError(write, ReadHalf(Shared(stream))))
            }
        }
    }

    /// Returns the state of the closing handshake.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        self.0.lock().connection().state()
    }
}

impl<T, M> WriteHalf<T, M>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    /// Sends a frame, as [`MessageStream::send`] does.
    ///
    /// # Errors
    /// As [`MessageStream::send`].
    pub async fn send<F: IntoFrame>(&mut self, frame: F) -> Result<(), StreamError> {
        self.feed(frame).await?;
        self.flush().await
    }

    /// Queues a frame, as [`MessageStream::feed`] does.
    ///
    /// # Errors
    /// As [`MessageStream::send`].
    pub async fn feed<F: IntoFrame>(&mut self, frame: F) -> Result<(), StreamError> {
        poll_fn(|cx| self.0.lock().poll_room(cx)).await?;
        Ok(self.0.lock().start(frame)?)
    }

    /// Writes everything that waits to be written, as [`MessageStream::flush`] does.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn flush(&mut self) -> Result<(), StreamError> {
        poll_fn(|cx| self.0.lock().write(cx)).await
    }

    /// Begins the closing handshake, as [`MessageStream::close`] does. The [`ReadHalf`] receives
    /// the peer's close frame.
    ///
    /// # Errors
    /// As [`MessageStream::close`].
    pub async fn close<C: IntoClose>(&mut self, close: C) -> Result<(), StreamError> {
        self.0.lock().begin_close(close)?;
        self.flush().await
    }
}

impl<T, M> ReadHalf<T, M> {
    /// Returns the state of the closing handshake.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        self.0.lock().connection().state()
    }

    /// Changes the limits on what the peer may send, as [`MessageStream::set_limits`] does.
    pub fn set_limits(&mut self, limits: Limits) {
        self.0.lock().set_limits(limits);
    }
}

impl<T, M> ReadHalf<T, M>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    /// Begins the closing handshake, as [`MessageStream::close`] does, for a task that has only
    /// this half. Read on until `None`.
    ///
    /// # Errors
    /// As [`MessageStream::close`].
    pub async fn close<C: IntoClose>(&mut self, close: C) -> Result<(), StreamError> {
        self.0.lock().begin_close(close)?;
        // Waits in the reader's place, because the other half may be writing.
        poll_fn(|cx| self.0.lock().poll_write(|tasks| &tasks.reader, cx)).await
    }
}

/// Nothing in them is pinned.
impl<T, M> Unpin for WriteHalf<T, M> {}
impl<T, M> Unpin for ReadHalf<T, M> {}

impl<T, M> Stream for ReadHalf<T, M>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    type Item = Result<Message, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.lock().poll_message(cx)
    }
}

impl<T, M> FusedStream for ReadHalf<T, M>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    fn is_terminated(&self) -> bool {
        self.0.lock().is_over()
    }
}

/// Closing the sink sends a close frame without a code, unless either side has closed.
impl<T, M> Sink<Message> for WriteHalf<T, M>
where
    T: AsyncRead + AsyncWrite + Unpin,
    M: MaskSource,
{
    type Error = StreamError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.0.lock().poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), StreamError> {
        Ok(self.0.lock().start(message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.0.lock().write(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.0.lock().poll_close_and_shut(cx)
    }
}
