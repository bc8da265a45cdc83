//! [`NotAnEventStream`], the error for a response that is not an event stream.

use crate::sse::header::{CONTENT_TYPE, last_type_is_event_stream};
use alloc::boxed::Box;
use core::error::Error;
use core::fmt;
use http::{HeaderValue, Response, StatusCode, header};

/// A response that is not an event stream, with its headers and its body, which often says why.
///
/// An event stream has status 200 and, in the last of its `Content-Type` values, the type
/// `text/event-stream` ([WHATWG HTML, 9.2.3]).
/// [`EventStream::from_response`](crate::sse::EventStream::from_response) returns this error.
///
/// ```
/// use eventwire::sse::EventStream;
///
/// let response = http::Response::builder().status(429).header("retry-after", "7");
/// let response = response.body("slow down".to_owned())?;
/// if let Err(error) = EventStream::from_response(response) {
///     assert_eq!(error.to_string(), "status 429 instead of an event stream");
///     let response = error.into_response();
///     assert_eq!(response.headers()["retry-after"], "7");
///     assert_eq!(response.into_body(), "slow down");
/// }
/// # Ok::<(), http::Error>(())
/// ```
///
/// [WHATWG HTML, 9.2.3]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
// Boxed, to keep the error small.
pub struct NotAnEventStream<B>(Box<Response<B>>);

impl<B> NotAnEventStream<B> {
    /// Returns the response if it is an event stream. The body may be of any type.
    ///
    /// # Errors
    /// If the status is not 200 or the content type is not `text/event-stream`.
    ///
    /// ```
    /// use eventwire::sse::adapt::NotAnEventStream;
    ///
    /// let response = http::Response::builder().header("content-type", "text/event-stream");
    /// assert!(NotAnEventStream::check(response.body(())?).is_ok());
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn check(response: Response<B>) -> Result<Response<B>, Self> {
        let counts = content_type(&response).and_then(type_is_event_stream);
        if response.status() == StatusCode::OK && counts == Some(true) {
            Ok(response)
        } else {
            Err(Self(Box::new(response)))
        }
    }

    /// Returns the status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// Returns the `Content-Type` of the response. If there are several, the last one that is a
    /// MIME type counts.
    #[must_use]
    pub fn content_type(&self) -> Option<&HeaderValue> {
        content_type(&self.0)
    }

    /// Returns a reference to the response.
    #[must_use]
    pub const fn response(&self) -> &Response<B> {
        &self.0
    }

    /// Returns the response, to read its body.
    #[must_use]
    pub fn into_response(self) -> Response<B> {
        *self.0
    }
}

fn content_type<B>(response: &Response<B>) -> Option<&HeaderValue> {
    let all = response.headers().get_all(header::CONTENT_TYPE);
    let mut types = all.iter().rev().filter(|it| type_is_event_stream(it).is_some());
    types.next().or_else(|| all.iter().next_back())
}

fn type_is_event_stream(content_type: &HeaderValue) -> Option<bool> {
    last_type_is_event_stream(content_type.as_bytes())
}

/// Formats the error without the body.
impl<B> fmt::Debug for NotAnEventStream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotAnEventStream")
            .field("status", &self.status())
            .field("headers", self.0.headers())
            .finish_non_exhaustive()
    }
}

impl<B> fmt::Display for NotAnEventStream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status() != StatusCode::OK {
            return write!(f, "status {} instead of an event stream", self.status().as_u16());
        }
        match self.content_type() {
            Some(found) => {
                let found = found.as_bytes().escape_ascii();
                write!(f, "content type {found} instead of {CONTENT_TYPE}")
            }
            None => write!(f, "no content type, where {CONTENT_TYPE} was expected"),
        }
    }
}

impl<B> Error for NotAnEventStream<B> {}
