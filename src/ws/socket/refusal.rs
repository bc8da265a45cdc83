//! A response that opens no WebSocket.

use crate::retry_after::{RETRY_AFTER, retry_after};
use crate::ws::handshake::Headers;
use bytes::{Buf, Bytes, BytesMut};
use core::fmt;
use core::time::Duration;
use httparse::Status;

/// A server's refusal to open a WebSocket: a response with another status than 101, such as a redirect
/// or a demand for credentials (RFC 6455, 4.1).
///
/// ```
/// use eventwire::ws::{CloseEvent, Failure};
///
/// /// Where to try again, if the server knows.
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
    /// 64 KiB: the body is kept up to here.
    pub const MAX_BODY: usize = 64 << 10;
    /// How long the line with a chunk's size may be, as it may have extensions.
    const MAX_CHUNK_LINE: usize = 256;

    /// The status, other than 101.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The value of the first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> Headers<'_> {
        Headers::new(&self.head)
    }

    /// The body, up to [`MAX_BODY`](Self::MAX_BODY) bytes of it, and no more than came before the
    /// [handshake's deadline](crate::ws::WebSocketOptions::handshake_timeout).
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// How long the server asks to wait (`Retry-After` in seconds; RFC 9110, 10.2.3). A date is ignored,
    /// as there is no calendar here.
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

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .field("head", &self.head)
            .field("body", &self.body)
            .finish()
    }
}

/// A refusal whose body is still to come.
#[derive(Debug)]
pub(super) struct Refusing {
    status: u16,
    head: Bytes,
    rest: Rest,
    body: BytesMut,
}

/// What is still to come of a body (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug)]
enum Rest {
    /// So many bytes.
    Bytes(u64),
    /// So many bytes of a chunk, and what is behind.
    Chunk(u64),
    /// The end of a chunk, or of none before the first, and the size of the next.
    ChunkSize {
        first: bool,
    },
    /// All until the transport ends.
    UntilEnd,
    Nothing,
}

impl Refusing {
    /// A refusal whose head is whole.
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

    /// Takes what is there of the body; returns whether that is all.
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

    /// With as much of the body as there is.
    pub(super) fn end(self) -> Refusal {
        Refusal { status: self.status, head: self.head, body: self.body.freeze() }
    }
}
