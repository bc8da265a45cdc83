//! [`EventSourceError`], why an `EventSource` lost its connection.

use crate::sse::decode::DecodeError;
use core::convert::Infallible;
use core::error::Error;
use core::fmt::{self, Display};
use core::time::Duration;

/// The `error` event of an [`EventSource`](crate::sse::EventSource): a connection was lost, or no
/// further connection will be made.
///
/// `E` is the error type of the HTTP client.
/// [`network_error`](crate::sse::EventSource::network_error) takes such an error and returns it in
/// this type, where [`source`](core::error::Error::source) finds it too. No other call returns such
/// an error. [`widen`](Self::widen) converts their errors to the same type.
///
/// ```
/// use eventwire::sse::{EventSource, EventSourceError, EventSourceErrorCause, EventSourceOptions};
/// use std::error::Error;
/// use std::io;
/// use std::time::Duration;
///
/// fn lose(source: &mut EventSource) -> Result<(), EventSourceError<io::Error>> {
///     source.poll(Duration::ZERO).map_err(EventSourceError::widen)?;
///     source.network_error(io::Error::from(io::ErrorKind::ConnectionRefused), Duration::ZERO)
/// }
///
/// let error = lose(&mut EventSource::new(EventSourceOptions::new())).unwrap_err();
/// assert!(matches!(error.cause, EventSourceErrorCause::Network(_)));
/// assert_eq!(error.reconnect_at, Some(Duration::from_secs(3)));
/// assert_eq!(error.to_string(), "network error: connection refused");
/// assert!(error.source().is_some_and(|cause| cause.is::<io::Error>()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventSourceError<E = Infallible> {
    /// The reason.
    pub cause: EventSourceErrorCause<E>,
    /// The time of the next attempt, or `None` if the source has failed and is closed. (It is
    /// `None` on [misuse](DecodeError::InputShrunk) too, which leaves the stream as open as
    /// before.)
    pub reconnect_at: Option<Duration>,
}

impl EventSourceError {
    /// Converts to an error type that can hold a network error, so that a function can return both.
    #[must_use]
    pub fn widen<E>(self) -> EventSourceError<E> {
        let cause = match self.cause {
            EventSourceErrorCause::Network(never) => match never {},
            EventSourceErrorCause::Aborted => EventSourceErrorCause::Aborted,
            EventSourceErrorCause::Ended => EventSourceErrorCause::Ended,
            EventSourceErrorCause::Status(status) => EventSourceErrorCause::Status(status),
            EventSourceErrorCause::ContentType => EventSourceErrorCause::ContentType,
            EventSourceErrorCause::NoResponse => EventSourceErrorCause::NoResponse,
            EventSourceErrorCause::Idle => EventSourceErrorCause::Idle,
            EventSourceErrorCause::Decode(error) => EventSourceErrorCause::Decode(error),
        };
        EventSourceError { cause, reconnect_at: self.reconnect_at }
    }
}

impl<E: Display> Display for EventSourceError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl<E: Error + 'static> Error for EventSourceError<E> {
    /// Returns the HTTP client's error, if this was a network error.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

/// Why a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EventSourceErrorCause<E = Infallible> {
    /// A [network error](crate::sse::EventSource::network_error), with the error of the HTTP
    /// client.
    #[error("network error: {0}")]
    Network(#[source] E),
    /// The request was [aborted](crate::sse::EventSource::aborted).
    #[error("request aborted")]
    Aborted,
    /// The body [ended](crate::sse::EventSource::end), though an event stream should go on.
    #[error("end of the event stream")]
    Ended,
    /// The response had this status instead of 200.
    #[error("status {0} instead of an event stream")]
    Status(u16),
    /// The response is not a `text/event-stream`.
    #[error("response is not an event stream")]
    ContentType,
    /// There was no response within the [response
    /// timeout](crate::sse::EventSourceOptions::response_timeout).
    #[error("no response to the request within the response timeout")]
    NoResponse,
    /// Nothing was received for the [idle timeout](crate::sse::EventSourceOptions::idle_timeout).
    #[error("no data from the event stream within the idle timeout")]
    Idle,
    /// The decoder passed a limit, or was misused.
    #[error("{0}")]
    Decode(DecodeError),
}
