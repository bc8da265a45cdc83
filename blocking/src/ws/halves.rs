//! [`WriteHalf`] and [`ReadHalf`], the halves of a WebSocket for two threads.

use super::driven::Driven;
use eventwire::ws::connection::IntoFrame;
use eventwire::ws::frame::IntoClose;
use eventwire::ws::{Close, CloseEvent, Message, SendError};
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::Duration;

/// The half of a [`WebSocket`](super::WebSocket) that sends, from
/// [`split`](super::WebSocket::split).
///
/// It sends while the [`ReadHalf`] waits in another thread. Dropping it leaves the connection open.
/// Dropping both halves closes the connection, as [dropping the socket](super::WebSocket) does.
#[derive(Debug)]
#[must_use = "dropping both halves closes the WebSocket"]
pub struct WriteHalf(Arc<Driven>);

/// The half of a [`WebSocket`](super::WebSocket) that receives, from
/// [`split`](super::WebSocket::split): an [`Iterator`] over the messages.
///
/// While a thread waits in [`next`](Iterator::next), this half answers pings and close frames, even
/// if the [`WriteHalf`] does nothing or was dropped.
#[derive(Debug)]
#[must_use = "dropping both halves closes the WebSocket"]
pub struct ReadHalf(Arc<Driven>);

impl WriteHalf {
    pub(super) fn new(driven: Arc<Driven>) -> Self {
        driven.set_writer(true);
        Self(driven)
    }

    /// Sends a message, as [`WebSocket::send`](super::WebSocket::send) does.
    ///
    /// # Errors
    /// As [`WebSocket::send`](super::WebSocket::send). The reason for the end is in
    /// [`close_event`](Self::close_event).
    pub fn send<F: IntoFrame>(&mut self, message: F) -> Result<(), SendError> {
        self.0.send(message)
    }

    /// Closes the connection, as [`WebSocket::close`](super::WebSocket::close) does. Messages that
    /// still arrive are left to the [`ReadHalf`]. If nobody takes them there, the peer's answer may
    /// stay unread, and the wait is as long as the closing timeout. If the `ReadHalf` was dropped,
    /// they are dropped too.
    ///
    /// # Errors
    /// As [`WebSocket::close`](super::WebSocket::close).
    pub fn close<'a, C>(&mut self, code: C, reason: &'a str) -> Result<CloseEvent, SendError>
    where
        Close<&'a str, C>: IntoClose,
    {
        self.0.begin_close(Close::new(code, reason))?;
        Ok(self.0.wait_for_end())
    }

    /// Returns how the connection ended, or `None` if it has not ended.
    #[must_use]
    pub fn close_event(&self) -> Option<CloseEvent> {
        self.0.close_event()
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        self.0.set_writer(false);
    }
}

impl ReadHalf {
    pub(super) const fn new(driven: Arc<Driven>) -> Self {
        Self(driven)
    }

    /// Waits for the next message, but no longer than this time, as
    /// [`WebSocket::next_within`](super::WebSocket::next_within) does.
    ///
    /// # Errors
    /// If the connection has ended, cleanly or not: the error says how.
    pub fn next_within(&mut self, time: Duration) -> Result<Option<Message>, CloseEvent> {
        self.0.next_within(time)
    }

    /// Closes the connection, as [`WebSocket::close`](super::WebSocket::close) does.
    ///
    /// # Errors
    /// As [`WebSocket::close`](super::WebSocket::close).
    pub fn close<'a, C>(&mut self, code: C, reason: &'a str) -> Result<CloseEvent, SendError>
    where
        Close<&'a str, C>: IntoClose,
    {
        self.0.begin_close(Close::new(code, reason))?;
        Ok(self.0.read_to_end())
    }

    /// Waits for the end of the connection, and returns how it ended. Messages are dropped.
    pub fn closed(&mut self) -> CloseEvent {
        self.0.read_to_end()
    }

    /// Returns how the connection ended, or `None` if it has not ended.
    #[must_use]
    pub fn close_event(&self) -> Option<CloseEvent> {
        self.0.close_event()
    }
}

/// Waits for the next message, as [`WebSocket`](super::WebSocket) does.
impl Iterator for ReadHalf {
    type Item = Result<Message, CloseEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl FusedIterator for ReadHalf {}

/// A writer that waits for the end now reads.
impl Drop for ReadHalf {
    fn drop(&mut self) {
        self.0.reader_is_gone();
    }
}
