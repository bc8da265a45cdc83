//! [`EventSourceError`], why an event source lost its connection.

use bytes::Bytes;
use eventwire::sse::EventSourceErrorCause;
use std::error::Error;
use std::fmt;
use std::time::Duration;
use ureq::http::Response;

/// A connection of an [`EventSource`](super::EventSource) was lost, or there will be no further
/// one.
///
/// The error of ureq is the [`source`](Error::source), if there is one.
#[derive(Debug)]
pub struct EventSourceError {
    pub(super) cause: EventSourceErrorCause<ureq::Error>,
    pub(super) retry_in: Option<Duration>,
    // Boxed, to keep the error small.
    pub(super) response: Option<Box<Response<Bytes>>>,
}

impl EventSourceError {
    /// The maximum size of the part of a refusal's body that is kept: 64 KiB.
    pub const MAX_BODY: usize = 64 << 10;

    /// Returns the reason.
    #[must_use]
    pub const fn cause(&self) -> &EventSourceErrorCause<ureq::Error> {
        &self.cause
    }

    /// Returns whether there will be another attempt. If not, this is the last item of the source.
    #[must_use]
    pub const fn will_retry(&self) -> bool {
        self.retry_in.is_some()
    }

    /// Returns the time from this error to the next attempt, or `None` if there will be none.
    #[must_use]
    pub const fn retry_in(&self) -> Option<Duration> {
        self.retry_in
    }

    /// Returns the response that is not an event stream, if there was one: its status, its headers,
    /// and at most the first [`MAX_BODY`](Self::MAX_BODY) bytes of its body.
    #[must_use]
    pub fn response(&self) -> Option<&Response<Bytes>> {
        self.response.as_deref()
    }
}

impl fmt::Display for EventSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for EventSourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}
