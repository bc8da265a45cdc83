//! [`EventSourceError`], why an event source lost its connection.

use super::http_client::BoxError;
use bytes::Bytes;
use eventwire::sse::DecodeError;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;

/// A connection of an [`EventSource`](crate::sse::EventSource) was lost, or there was none.
///
/// [`will_retry`](Self::will_retry) says whether the source connects again. If not, the source is
/// closed, and this error is the last item that it yields.
///
/// The text of the error begins with the host, and contains the texts of all causes, so that a line
/// in a log says all. [`source`](Error::source) returns the error of the HTTP client itself.
///
#[cfg_attr(feature = "reqwest", doc = "```")]
#[cfg_attr(not(feature = "reqwest"), doc = "```ignore")]
/// use eventwire_tokio::sse;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// if let Err(error) = sse::connect("localhost:3000/feed").await {
///     assert!(!error.will_retry());
///     eprintln!("{error}"); // the URL does not begin with http:// or https://
///     if let Some(refusal) = error.refusal() {
///         eprintln!("{}", String::from_utf8_lossy(refusal.body()));
///     }
/// }
/// # }
/// ```
pub struct EventSourceError {
    kind: EventSourceErrorKind,
    reconnect_at: Option<Instant>,
    /// The server's host and port, or nothing if the URL is invalid.
    host: Arc<str>,
}

/// The reason for an [`EventSourceError`].
#[non_exhaustive]
pub enum EventSourceErrorKind {
    /// The request can never succeed, for example because its URL is invalid. The source does not
    /// try again.
    InvalidRequest(BoxError),
    /// There was no connection or no response, or the connection broke off, inside an event or
    /// between events. The HTTP client's error says why.
    Network(BoxError),
    /// The response is not an event stream: its status is not 200 or its type is not
    /// `text/event-stream` ([WHATWG HTML, 9.2.3]). The response is included, with its headers and
    /// the first 64 KiB of its body, or the part that arrived within 5 s. The source tries again
    /// only if its [`retry_statuses`](crate::sse::EventSourceOptions::retry_statuses) contain the
    /// status.
    ///
    /// [WHATWG HTML, 9.2.3]:
    /// https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
    Refused(Box<Response<Bytes>>),
    /// The function of [`on_request`](crate::sse::Connect::on_request) returned this error, and no
    /// request was sent.
    OnRequest(BoxError),
    /// There was no response within the
    /// [`response_timeout`](crate::sse::EventSourceOptions::response_timeout).
    NoResponse,
    /// Nothing was received for the
    /// [`idle_timeout`](crate::sse::EventSourceOptions::idle_timeout), not even a comment.
    Idle,
    /// The server ended the stream. If there is a
    /// [`last_event`](crate::sse::EventSourceOptions::last_event), the stream ended before it.
    Ended,
    /// The stream passed a limit of the [`DecoderOptions`](crate::sse::DecoderOptions). The source
    /// does not try again, because the server would send the same again.
    Decode(DecodeError),
}

impl EventSourceError {
    pub(super) const fn new(
        kind: EventSourceErrorKind,
        reconnect_at: Option<Instant>,
        host: Arc<str>,
    ) -> Self {
        Self { kind, reconnect_at, host }
    }

    /// Returns the error of a source that is dropped, and so does not connect again.
    pub(super) fn without_retry(self) -> Self {
        Self { reconnect_at: None, ..self }
    }

    /// Returns whether the source connects again. It does so when it is next asked for an event.
    #[must_use]
    pub const fn will_retry(&self) -> bool {
        self.reconnect_at.is_some()
    }

    /// Returns the time of the next attempt, or `None` if there is none.
    #[must_use]
    pub const fn reconnect_at(&self) -> Option<Instant> {
        self.reconnect_at
    }

    /// Returns the reason.
    #[must_use]
    pub const fn kind(&self) -> &EventSourceErrorKind {
        &self.kind
    }

    /// Returns the response that is [not an event stream](EventSourceErrorKind::Refused), if this
    /// is the reason: its status, headers and body.
    #[must_use]
    pub fn refusal(&self) -> Option<&Response<Bytes>> {
        match &self.kind {
            EventSourceErrorKind::Refused(response) => Some(response),
            _ => None,
        }
    }
}

impl fmt::Display for EventSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.host.is_empty() {
            write!(f, "{}: ", self.host)?;
        }
        fmt::Display::fmt(&self.kind, f)
    }
}

/// The text, so that a program whose `main` returns the error prints it readably.
impl fmt::Debug for EventSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventSourceError").field(&format_args!("{self}")).finish()
    }
}

/// The text of the error without the host.
impl fmt::Display for EventSourceErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRequest(error) => {
                write!(f, "the request cannot be sent: {}", WithCauses(&**error))
            }
            Self::Network(error) => {
                write!(f, "network error: {}", WithCauses(&**error))
            }
            Self::OnRequest(error) => {
                write!(f, "the request could not be prepared: {}", WithCauses(&**error))
            }
            Self::Refused(response) => {
                f.write_str("the response is not an event stream: ")?;
                refused(response, f)
            }
            Self::NoResponse => {
                f.write_str("no response to the request within the response timeout")
            }
            Self::Idle => f.write_str("no data from the event stream within the idle timeout"),
            Self::Ended => f.write_str("unexpected end of the event stream"),
            Self::Decode(error) => {
                write!(f, "the event stream passed a limit: {error}")
            }
        }
    }
}

/// Formats a refused response without its body and the values of its headers, because errors are
/// printed, and cookies and tokens must not be.
impl fmt::Debug for EventSourceErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRequest(error) => f.debug_tuple("InvalidRequest").field(error).finish(),
            Self::Network(error) => f.debug_tuple("Network").field(error).finish(),
            Self::OnRequest(error) => f.debug_tuple("OnRequest").field(error).finish(),
            Self::Refused(response) => f
                .debug_struct("Refused")
                .field("status", &response.status())
                .field("header_names", &response.headers().keys().collect::<Vec<_>>())
                .field("body_len", &response.body().len())
                .finish(),
            Self::NoResponse => f.write_str("NoResponse"),
            Self::Idle => f.write_str("Idle"),
            Self::Ended => f.write_str("Ended"),
            Self::Decode(error) => f.debug_tuple("Decode").field(error).finish(),
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

impl Error for EventSourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            EventSourceErrorKind::InvalidRequest(error)
            | EventSourceErrorKind::Network(error)
            | EventSourceErrorKind::OnRequest(error) => Some(&**error),
            EventSourceErrorKind::Decode(error) => Some(error),
            _ => None,
        }
    }
}

/// The text of an error and of its causes. Many HTTP clients say only in the last cause what
/// happened.
struct WithCauses<'a>(&'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        f.write_str(&text)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            // Some errors contain the text of their cause.
            let cause_text = error.to_string();
            if !text.contains(&cause_text) {
                write!(f, ": {cause_text}")?;
            }
            text = cause_text;
            cause = error.source();
        }
        Ok(())
    }
}
