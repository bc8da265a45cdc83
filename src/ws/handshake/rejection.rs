//! [`Rejection`], the response of a server that refuses to open a WebSocket.

use super::Unsendable;
use super::unsendable::{HeaderSlice, check_headers};
use super::write::{encode_methods, end, header};
use crate::sink::{Encode, Sink, decimal};

/// A refusal to open a WebSocket. It is a whole HTTP response. Close the connection after sending
/// it.
///
/// For a [`RequestError`](super::RequestError), call [`rejection`](super::RequestError::rejection).
/// A server also has reasons of its own. The most important one is an `Origin` that it does not
/// know, because browsers let any page connect anywhere:
///
/// ```
/// use eventwire::ws::handshake::Rejection;
///
/// let rejection = Rejection::FORBIDDEN.body("not from there\n");
/// let mut buffer = [0; 256];
/// let len = rejection.encode(&mut buffer)?;
/// assert_eq!(
///     std::str::from_utf8(&buffer[..len])?,
///     "HTTP/1.1 403 Forbidden\r\n\
///      Connection: close\r\n\
///      Content-Length: 15\r\n\
///      Content-Type: text/plain; charset=utf-8\r\n\r\n\
///      not from there\n",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Status 405 adds `Allow: GET`, and 426 adds that version 13 of WebSocket is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rejection<'a> {
    status: u16,
    body: &'a str,
    headers: HeaderSlice<'a>,
}

impl<'a> Rejection<'a> {
    /// Status 401: the client has to log in.
    pub const UNAUTHORIZED: Self = Self::of(401, "");
    /// Status 403: the client may not connect, for example because of its origin.
    pub const FORBIDDEN: Self = Self::of(403, "");
    /// Status 404: there is no WebSocket at this path.
    pub const NOT_FOUND: Self = Self::of(404, "");

    /// Creates a refusal without a body.
    ///
    /// # Errors
    /// If the status is neither a redirection (3xx) nor an error (4xx, 5xx), or if it is 304, which
    /// has no body.
    pub const fn new(status: u16) -> Result<Self, Unsendable> {
        match status {
            304 => Err(Unsendable::Status { status }),
            300..=599 => Ok(Self::of(status, "")),
            _ => Err(Unsendable::Status { status }),
        }
    }

    pub(super) const fn of(status: u16, body: &'a str) -> Self {
        Self { status, body, headers: &[] }
    }

    /// Sets the body, which is plain text unless the headers give another type.
    #[must_use]
    pub const fn body(mut self, body: &'a str) -> Self {
        self.body = body;
        self
    }

    /// Sets further headers, such as `Location` or `WWW-Authenticate`.
    ///
    /// # Errors
    /// If a name or value cannot be sent, or if the handshake itself writes the header: `Allow`,
    /// `Connection`, `Content-Length`, `Transfer-Encoding`, `Upgrade` and `Sec-WebSocket-*`.
    pub fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Result<Self, Unsendable> {
        check_headers(headers, &["allow"])?;
        self.headers = headers;
        Ok(self)
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    encode_methods!();

    #[cfg(feature = "http")]
    pub(super) const fn parts(&self) -> (&'a str, HeaderSlice<'a>) {
        (self.body, self.headers)
    }

    /// Returns the `Content-Type` of the body, if there is a body and the headers do not set one.
    pub(super) fn content_type(&self) -> Option<&'static str> {
        let given = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        (!given && !self.body.is_empty()).then_some("text/plain; charset=utf-8")
    }
}

impl Encode for Rejection<'_> {
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.put(b"HTTP/1.1 ")?;
        sink.put(&three_digits(self.status))?;
        sink.put(b" ")?;
        sink.put(reason(self.status).as_bytes())?;
        sink.put(b"\r\n")?;
        match self.status {
            405 => header(sink, "Allow", b"GET")?,
            426 => {
                header(sink, "Upgrade", b"websocket")?;
                header(sink, "Sec-WebSocket-Version", b"13")?;
            }
            _ => {}
        }
        let upgrade = self.status == 426;
        header(sink, "Connection", if upgrade { b"close, Upgrade" } else { b"close" })?;
        header(sink, "Content-Length", decimal(self.body.len() as u64, &mut [0; 20]))?;
        if let Some(content_type) = self.content_type() {
            header(sink, "Content-Type", content_type.as_bytes())?;
        }
        end(sink, self.headers)?;
        sink.put(self.body.as_bytes())
    }

    #[cfg(feature = "alloc")]
    fn longest(&self) -> usize {
        self.encoded_len()
    }
}

/// Returns the words for a status. They are only for people; an unknown status has none.
const fn reason(status: u16) -> &'static str {
    match status {
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

/// Returns the digits of a status from 300 to 599.
fn three_digits(status: u16) -> [u8; 3] {
    [status / 100, status / 10 % 10, status % 10].map(|digit| b'0' + (digit % 10) as u8)
}
