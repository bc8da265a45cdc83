//! [`Refusal`], a response that does not open a WebSocket.

use crate::retry_after::{RETRY_AFTER, retry_after};
use crate::ws::handshake::Headers;
use bytes::{Buf, Bytes, BytesMut};
use core::fmt;
use core::time::Duration;
use httparse::Status;

/// A server's refusal to open a WebSocket: a response with a status other than 101, such as a
/// redirect or a demand for credentials ([RFC 6455, section 4.1]).
///
/// [RFC 6455, section 4.1]: https://www.rfc-editor.org/rfc/rfc6455#section-4.1
///
/// ```
/// use eventwire::ws::{CloseEvent, Failure};
///
/// /// Returns the address to try instead, if the server names one.
/// fn redirect(close: &CloseEvent) -> Option<&[u8]> {
///     let Some(Failure::Refused(refusal)) = &close.failure else { return None };
///     matches!(refusal.status(), 301 | 302 | 307 | 308).then(|| refusal.header("location"))?
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    head: Bytes,
    body: Bytes,
}

impl Refusal {
    /// The maximum size of the part of the body that is kept: 64 KiB.
    pub const MAX_BODY: usize = 64 << 10;
    /// The maximum length of the line with a chunk's size, which may have extensions.
    const MAX_CHUNK_LINE: usize = 256;

    /// Creates the refusal of a handshake that was made elsewhere, such as over HTTP/2. `body` is as
    /// much of the response's body as was read.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use eventwire::ws::socket::Refusal;
    /// use http::Response;
    ///
    /// let response = Response::builder().status(429).header("retry-after", "7").body(())?;
    /// let (parts, ()) = response.into_parts();
    /// let refusal = Refusal::from_parts(&parts, Bytes::from("too many connections"));
    /// assert_eq!(refusal.status(), 429);
    /// assert_eq!(refusal.retry_after(), Some(std::time::Duration::from_secs(7)));
    /// # Ok::<(), http::Error>(())
    /// ```
    #[cfg(feature = "http")]
    #[must_use]
    pub fn from_parts(parts: &::http::response::Parts, body: Bytes) -> Self {
        // A first line, which is not read again.
        let mut head = BytesMut::from(&b"HTTP\r\n"[..]);
        for (name, value) in &parts.headers {
            for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(piece);
            }
        }
        Self { status: parts.status.as_u16(), head: head.freeze(), body }
    }

    /// Returns the status, which is not 101.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the value of the first header with this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns all headers.
    #[must_use]
    pub fn headers(&self) -> Headers<'_> {
        Headers::new(&self.head)
    }

    /// Returns the body: at most its first [`MAX_BODY`](Self::MAX_BODY) bytes, and only what
    /// arrived before the [handshake's deadline](crate::ws::WebSocketOptions::handshake_timeout).
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns whether another request would be refused in the same way: the status is 4xx, other
    /// than 408, 425 and 429. Redirects and temporary failures are not permanent.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        matches!(self.status, 400..=499) && !matches!(self.status, 408 | 425 | 429)
    }

    /// Returns how long the server asks to wait: its `Retry-After`, if that is in seconds ([RFC
    /// 9110, section 10.2.3]). A date is ignored, because the crate has no calendar.
    ///
    /// [RFC 9110, section 10.2.3]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.header(RETRY_AFTER).and_then(retry_after)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server refused to open a WebSocket, with status {}", self.status)
    }
}

/// Formats the refusal without the values of its headers and without its body, because errors are
/// printed, and cookies and tokens must not be.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "Refusal", self.status, &self.head, self.body.len())
    }
}

fn debug(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    status: u16,
    head: &[u8],
    body_len: usize,
) -> fmt::Result {
    f.debug_struct(name)
        .field("status", &status)
        .field("header_names", &HeaderNames(head))
        .field("body_len", &body_len)
        .finish()
}

struct HeaderNames<'a>(&'a [u8]);

impl fmt::Debug for HeaderNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(Headers::new(self.0).map(|(name, _)| name)).finish()
    }
}

/// A refusal whose body has not all arrived.
pub(super) struct Refusing {
    status: u16,
    head: Bytes,
    rest: Rest,
    body: BytesMut,
}

/// The rest of a body ([RFC 9112, section 6.3]).
///
/// [RFC 9112, section 6.3]: https://www.rfc-editor.org/rfc/rfc9112#section-6.3
#[derive(Clone, Copy, Debug)]
enum Rest {
    /// This many bytes.
    Bytes(u64),
    /// This many bytes of a chunk, and everything after the chunk.
    Chunk(u64),
    /// The line end after a chunk, except before the first one, and the line with the next
    /// chunk's size.
    ChunkSize {
        first: bool,
    },
    /// Everything until the transport ends.
    UntilEnd,
    Nothing,
}

/// Formats the refusal like a whole [`Refusal`].
impl fmt::Debug for Refusing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "Refusing", self.status, &self.head, self.body.len())
    }
}

impl Refusing {
    /// Creates a refusal from a whole head.
    pub(super) fn new(status: u16, head: Bytes) -> Self {
        let mut rest = Rest::UntilEnd;
        for (name, value) in Headers::new(&head) {
            if name.eq_ignore_ascii_case("transfer-encoding") {
                let chunked = value.to_ascii_lowercase().ends_with(b"chunked");
                rest = if chunked { Rest::ChunkSize { first: true } } else { Rest::UntilEnd };
                break;
            }
            if name.eq_ignore_ascii_case("content-length") {
                rest = crate::number::number(value).map_or(Rest::UntilEnd, Rest::Bytes);
            }
        }
        if matches!(status, 100..=199 | 204 | 304) {
            rest = Rest::Nothing;
        }
        Self { status, head, rest, body: BytesMut::new() }
    }

    /// Takes the received part of the body. Returns whether the body is complete.
    pub(super) fn receive(&mut self, received: &mut BytesMut) -> bool {
        loop {
            let left = match &mut self.rest {
                Rest::Nothing | Rest::Bytes(0) => return true,
                Rest::Chunk(0) => {
                    self.rest = Rest::ChunkSize { first: false };
                    continue;
                }
                Rest::ChunkSize { first } => {
                    let end = if *first { 0 } else { 2 };
                    let Some(line) = received.get(end..) else { return false };
                    match httparse::parse_chunk_size(line) {
                        Ok(Status::Complete((len, size))) if len <= Refusal::MAX_CHUNK_LINE => {
                            received.advance(end + len);
                            self.rest = if size == 0 { Rest::Nothing } else { Rest::Chunk(size) };
                        }
                        Ok(Status::Partial) if line.len() < Refusal::MAX_CHUNK_LINE => {
                            return false;
                        }
                        _ => self.rest = Rest::Nothing,
                    }
                    continue;
                }
                Rest::Bytes(left) | Rest::Chunk(left) => Some(left),
                Rest::UntilEnd => None,
            };
            if received.is_empty() {
                return false;
            }
            let room = Refusal::MAX_BODY - self.body.len();
            let there = received.len();
            let len = match left {
                Some(left) => {
                    let len = usize::try_from(*left).map_or(there, |left| left.min(there));
                    *left -= len as u64;
                    len
                }
                None => there,
            };
            self.body.extend_from_slice(&received[..len.min(room)]);
            received.advance(len);
            if len >= room {
                self.rest = Rest::Nothing;
            }
        }
    }

    /// Returns the refusal with the part of the body that has arrived.
    pub(super) fn end(self) -> Refusal {
        Refusal { status: self.status, head: self.head, body: self.body.freeze() }
    }
}
