//! How decoding an event stream fails, and how staying connected to one.

use core::convert::Infallible;
use core::error::Error;
use core::fmt::{self, Display};
use core::time::Duration;

/// Why a decoder failed, or was misused.
///
/// Every byte sequence is a valid event stream, so only limits end one, and the decoder repeats the
/// error. The one misuse is [`InputShrunk`](Self::InputShrunk), after which it can go on.
///
/// Offsets are 0-based in the stream, from the start or the last
/// [`reset`](super::Decoder::reset):
///
/// | error | offset |
/// |---|---|
/// | `LineTooLong` | the line's first byte past the limit |
/// | `EventTooLong` | the block's first byte past the limit, line ends included |
/// | `IdTooLong` | the end of the blank line that would have set the id |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A line went past [`Options::max_line`](super::Options::max_line).
    #[error("line longer than {limit} bytes, at byte {offset}")]
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
        /// Where the stream went past it.
        offset: u64,
    },
    /// A block went past [`Options::max_event`](super::Options::max_event).
    #[error("event longer than {limit} bytes, at byte {offset}")]
    EventTooLong {
        /// The limit in bytes.
        limit: usize,
        /// Where the stream went past it.
        offset: u64,
    },
    /// An event's id does not fit the decoder's [`IdStorage`](super::IdStorage). The last event
    /// ID is still the one before, and the event is lost.
    #[error("event id does not fit {capacity} bytes, at byte {offset}")]
    IdTooLong {
        /// What the storage can hold, in bytes.
        capacity: usize,
        /// Where the id would have been set.
        offset: u64,
    },
    /// Misuse: `input` is shorter than what the last call left in it to be kept. The decoder is as
    /// it was before this call.
    #[error("misuse: input of {found} bytes, where {expected} were left to be kept")]
    InputShrunk {
        /// How many bytes were left in the input by the last call.
        expected: usize,
        /// How many there are now.
        found: usize,
    },
}

impl DecodeError {
    /// Where the stream went past a limit; `None` for misuse.
    #[must_use]
    pub const fn offset(&self) -> Option<u64> {
        match *self {
            Self::LineTooLong { offset, .. }
            | Self::EventTooLong { offset, .. }
            | Self::IdTooLong { offset, .. } => Some(offset),
            Self::InputShrunk { .. } => None,
        }
    }
}

/// An id does not fit the [`IdStorage`](super::IdStorage) that was to hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("id does not fit {capacity} bytes")]
pub struct IdTooLong {
    /// What the storage can hold, in bytes.
    pub capacity: usize,
}

/// The `error` event of an [`EventSource`](super::EventSource): a connection was lost, or there will
/// be none.
///
/// `E` is what the HTTP client's errors are, which [`network_error`](super::EventSource::network_error)
/// takes and gives out again, by [`source`](core::error::Error::source) too. No other call gives such
/// an error: [`widen`](Self::widen) takes both to one type.
///
/// ```
/// use eventwire::sse::{EventSource, SourceError, SourceErrorCause, SourceOptions};
/// use std::error::Error;
/// use std::io;
/// use std::time::Duration;
///
/// fn lose(source: &mut EventSource) -> Result<(), SourceError<io::Error>> {
///     source.poll(Duration::ZERO).map_err(SourceError::widen)?;
///     source.network_error(io::Error::from(io::ErrorKind::ConnectionRefused), Duration::ZERO)
/// }
///
/// let error = lose(&mut EventSource::new(SourceOptions::new())).unwrap_err();
/// assert!(matches!(error.cause, SourceErrorCause::Network(_)));
/// assert_eq!(error.reconnect_at, Some(Duration::from_secs(3)));
/// assert_eq!(error.to_string(), "network error: connection refused");
/// assert!(error.source().is_some_and(|cause| cause.is::<io::Error>()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceError<E = Infallible> {
    /// What went wrong.
    pub cause: SourceErrorCause<E>,
    /// When there will be another attempt; `None` if the source has failed for good, and is closed.
    /// (On [misuse](DecodeError::InputShrunk) too it is `None`, and the stream as open as before.)
    pub reconnect_at: Option<Duration>,
}

impl SourceError {
    /// The same as an error that may have been one of the network, so that a function can return
    /// both.
    #[must_use]
    pub fn widen<E>(self) -> SourceError<E> {
        let cause = match self.cause {
            SourceErrorCause::Network(never) => match never {},
            SourceErrorCause::Aborted => SourceErrorCause::Aborted,
            SourceErrorCause::Ended => SourceErrorCause::Ended,
            SourceErrorCause::Status(status) => SourceErrorCause::Status(status),
            SourceErrorCause::ContentType => SourceErrorCause::ContentType,
            SourceErrorCause::NoResponse => SourceErrorCause::NoResponse,
            SourceErrorCause::Idle => SourceErrorCause::Idle,
            SourceErrorCause::Decode(error) => SourceErrorCause::Decode(error),
        };
        SourceError { cause, reconnect_at: self.reconnect_at }
    }
}

impl<E: Display> Display for SourceError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl<E: Error + 'static> Error for SourceError<E> {
    /// The network's error, if it was one.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

/// What went wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SourceErrorCause<E = Infallible> {
    /// A [network error](super::EventSource::network_error), which the HTTP client told of by this.
    #[error("network error: {0}")]
    Network(#[source] E),
    /// The request was [aborted](super::EventSource::aborted).
    #[error("request aborted")]
    Aborted,
    /// The body [ended](super::EventSource::end), where an event stream goes on.
    #[error("end of the event stream")]
    Ended,
    /// This status came instead of 200.
    #[error("status {0} instead of an event stream")]
    Status(u16),
    /// The response is not a `text/event-stream`.
    #[error("response is not an event stream")]
    ContentType,
    /// There was no response for the [response timeout](super::SourceOptions::response_timeout).
    #[error("no response to the request in time")]
    NoResponse,
    /// Nothing was heard for the [idle timeout](super::SourceOptions::idle_timeout).
    #[error("idle timeout of the event stream")]
    Idle,
    /// The decoder went past a limit, or was misused.
    #[error("{0}")]
    Decode(DecodeError),
}
