//! [`EventSourceError`], why an event source lost its connection.

use bytes::Bytes;
use eventwire::sse::DecodeError;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{Response, StatusCode};

/// A connection of an [`EventSource`](super::EventSource) was lost, or there was none.
///
/// [`will_retry`](Self::will_retry) says whether the source connects again. If not, the source is
/// closed, and this error is its last item.
///
/// The text of the error begins with the host, and contains the texts of all causes, so that a line
/// in a log says all. [`source`](Error::source) returns the error of ureq itself. No text shows
/// credentials.
///
/// ```
/// use eventwire_blocking::sse;
///
/// if let Err(error) = sse::connect("localhost:3000/feed").open() {
///     assert!(!error.will_retry());
///     eprintln!("{error}"); // the URL does not begin with http:// or https://
///     if let Some(response) = error.refusal() {
///         eprintln!("{}", String::from_utf8_lossy(response.body()));
///     }
/// }
/// ```
pub struct EventSourceError(Box<Inner>);

struct Inner {
    kind: EventSourceErrorKind,
    reconnect_at: Option<Instant>,
    /// The server's host and port, or nothing if the URL is invalid.
    host: Arc<str>,
}

/// The reason for an [`EventSourceError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum EventSourceErrorKind {
    /// The request can never succeed, for example because its URL is invalid. The source does not
    /// try again.
    InvalidRequest(Box<dyn Error + Send + Sync>),
    /// There was no connection or no response, or the connection broke off, inside an event or
    /// between events. The error of ureq says why.
    Network(ureq::Error),
    /// The response is not an event stream: its status is not 200 or its type is not
    /// `text/event-stream` ([WHATWG HTML, 9.2.3]). The response is included, with its headers and
    /// the first 64 KiB of its body, or the part that arrived within 5 s. The source tries again
    /// only if its [`retry_statuses`](super::EventSourceOptions::retry_statuses) contain the
    /// status.
    ///
    /// [WHATWG HTML, 9.2.3]:
    /// https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
    Refused(Box<Response<Bytes>>),
    /// There was no response within the
    /// [`response_timeout`](super::EventSourceOptions::response_timeout) or the
    /// [`idle_timeout`](super::EventSourceOptions::idle_timeout).
    NoResponse,
    /// Nothing was received for the [`idle_timeout`](super::EventSourceOptions::idle_timeout), not
    /// even a comment.
    Idle,
    /// The server ended the stream. If there is a
    /// [`last_event`](super::EventSourceOptions::last_event), the stream ended before it.
    Ended,
    /// The stream passed a limit of the [`DecoderOptions`](super::DecoderOptions). The source does
    /// not try again, because the server would send the same again.
    Decode(DecodeError),
}

impl EventSourceError {
    pub(super) fn new(
        kind: EventSourceErrorKind,
        reconnect_at: Option<Instant>,
        host: Arc<str>,
    ) -> Self {
        Self(Box::new(Inner { kind, reconnect_at, host }))
    }

    /// Returns the error of a source that is dropped, and so does not connect again.
    pub(super) fn without_retry(mut self) -> Self {
        self.0.reconnect_at = None;
        self
    }

    /// Returns whether the source connects again. It does so when it is next asked for an event.
    #[must_use]
    pub fn will_retry(&self) -> bool {
        self.0.reconnect_at.is_some()
    }

    /// Returns the time of the next attempt, or `None` if there is none.
    #[must_use]
    pub fn reconnect_at(&self) -> Option<Instant> {
        self.0.reconnect_at
    }

    /// Returns the reason.
    #[must_use]
    pub fn kind(&self) -> &EventSourceErrorKind {
        &self.0.kind
    }

    /// Returns the response that is [not an event stream](EventSourceErrorKind::Refused), if this
    /// is the reason.
    #[must_use]
    pub fn refusal(&self) -> Option<&Response<Bytes>> {
        match self.kind() {
            EventSourceErrorKind::Refused(response) => Some(response),
            _ => None,
        }
    }
}

impl fmt::Display for EventSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.host.is_empty() {
            write!(f, "{}: ", self.0.host)?;
        }
        match self.kind() {
            EventSourceErrorKind::InvalidRequest(error) => {
                write!(f, "the request cannot be sent: {error}")
            }
            EventSourceErrorKind::Network(error) => {
                write!(f, "network error: {error}")?;
                hint(error).map_or(Ok(()), |hint| write!(f, "; {hint}"))
            }
            EventSourceErrorKind::Refused(response) => {
                f.write_str("the response is not an event stream: ")?;
                refused(response, f)
            }
            EventSourceErrorKind::NoResponse => f.write_str("no response to the request in time"),
            EventSourceErrorKind::Idle => {
                f.write_str("no data from the event stream within the idle timeout")
            }
            EventSourceErrorKind::Ended => f.write_str("unexpected end of the event stream"),
            EventSourceErrorKind::Decode(error) => {
                write!(f, "the event stream passed a limit: {error}")
            }
        }
    }
}

fn refused(response: &Response<Bytes>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let status = response.status();
    if status != StatusCode::OK {
        write!(f, "status {status}")?;
        return f.write_str(match status {
            StatusCode::NO_CONTENT => ", by which the server asks its clients to stop",
            _ if status.is_redirection() => ", a redirect that the HTTP client did not follow",
            _ => "",
        });
    }
    match response.headers().get_all(CONTENT_TYPE).iter().next_back() {
        Some(found) => write!(f, "content type {}", found.as_bytes().escape_ascii()),
        None => f.write_str("no content type"),
    }
}

/// Returns advice if the server answered without TLS.
#[cfg(feature = "tls")]
fn hint(error: &ureq::Error) -> Option<&'static str> {
    let ureq::Error::Io(error) = error else { return None };
    let error = error.get_ref().and_then(|error| error.downcast_ref())?;
    crate::tls::is_plain(error).then_some(crate::tls::PLAIN)
}

#[cfg(not(feature = "tls"))]
const fn hint(_: &ureq::Error) -> Option<&'static str> {
    None
}

/// The text, so that a program whose `main` returns the error prints it readably.
impl fmt::Debug for EventSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventSourceError").field(&format_args!("{self}")).finish()
    }
}

impl Error for EventSourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.kind() {
            EventSourceErrorKind::InvalidRequest(error) => Some(&**error),
            EventSourceErrorKind::Network(error) => Some(error),
            EventSourceErrorKind::Decode(error) => Some(error),
            _ => None,
        }
    }
}
