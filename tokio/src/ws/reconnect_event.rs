//! [`ReconnectEvent`], what happens to a reconnecting WebSocket.

use eventwire::ws::{CloseEvent, Failure, Message};
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// An event of a [`ReconnectingWebSocket`](super::ReconnectingWebSocket).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReconnectEvent {
    /// A connection is open. Messages that were kept are written after this.
    Open,
    /// The peer sent a message.
    Message(Message),
    /// The connection ended, or could not be made. There will be another attempt.
    Disconnected(Disconnected),
}

/// The end of a connection, or of an attempt to make one.
///
/// ```
/// use eventwire_tokio::ws::{Disconnected, Failure};
///
/// fn log(end: &Disconnected) {
///     eprintln!("{end}");
///     if let Some(Failure::Refused(refusal)) = &end.close.failure {
///         eprintln!("the server says: {}", String::from_utf8_lossy(refusal.body()));
///     }
///     if let Some(wait) = end.reconnect_in {
///         eprintln!("trying again in {wait:.1?}");
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disconnected {
    /// How the connection ended.
    ///
    /// If it was never open, the [failure](CloseEvent::failure) is a refusal by the server, or the
    /// error of the attempt is the [source](Error::source).
    pub close: CloseEvent,
    /// Whether the connection was open. Otherwise the attempt failed.
    pub was_open: bool,
    /// The numbers of the messages that were written to this connection. They may include messages
    /// that were [taken back](super::ReconnectingWebSocket::take_unsent). Messages with higher
    /// numbers are kept.
    ///
    /// A message is written when the transport has taken its last byte. Only the server knows
    /// whether it arrived.
    pub written: Range<u64>,
    /// The wait before the next attempt, or `None` if this is the last end.
    pub reconnect_in: Option<Duration>,
}

impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.close.failure {
            // There was no transport that could fail.
            Some(failure @ Failure::Transport(_)) if !self.was_open => match failure.source() {
                Some(error) => write!(f, "{error}"),
                None => write!(f, "{failure}"),
            },
            Some(failure) if !self.was_open => write!(f, "{failure}"),
            _ => write!(f, "{}", self.close),
        }
    }
}

impl Error for Disconnected {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.close.source()
    }
}
