//! Finds the body of an HTTP/1.1 response in the received bytes
//! ([RFC 9112, section 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3) and
//! [section 7.1](https://www.rfc-editor.org/rfc/rfc9112#section-7.1)).

use httparse::{Header, Status};

/// The next part of a body.
#[derive(Clone, Copy)]
pub enum Body {
    /// Payload until the connection is closed, as the request demands. A length does not matter.
    UntilClose,
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    End,
}

impl Body {
    /// Returns the first part, or `None` if the body has a coding other than chunks.
    pub fn of(headers: &[Header<'_>]) -> Option<Self> {
        let is_coding =
            |header: &&Header<'_>| header.name.eq_ignore_ascii_case("transfer-encoding");
        let mut codings = headers.iter().filter(is_coding).map(|header| header.value);
        match (codings.next(), codings.next()) {
            (None, _) => Some(Self::UntilClose),
            (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => {
                Some(Self::ChunkSize)
            }
            _ => None,
        }
    }

    /// Takes framing, and then payload, from the front of the received bytes. Returns the number of
    /// bytes of each. Both are 0 until more bytes arrive. Returns `None` if the framing is
    /// malformed.
    pub fn take(&mut self, received: &[u8]) -> Option<(usize, usize)> {
        let (next, framing, payload) = match *self {
            Self::UntilClose => (*self, 0, received.len()),
            Self::Chunk(left) => {
                let len =
                    usize::try_from(left).map_or(received.len(), |left| left.min(received.len()));
                let left = left - len as u64;
                (if left == 0 { Self::ChunkEnd } else { Self::Chunk(left) }, 0, len)
            }
            Self::ChunkEnd => match received {
                [b'\r', b'\n', ..] => (Self::ChunkSize, 2, 0),
                [] | [b'\r'] => (*self, 0, 0),
                _ => return None,
            },
            // `parse_chunk_size` takes a line without a digit as 0.
            Self::ChunkSize if received.first().is_some_and(|byte| !byte.is_ascii_hexdigit()) => {
                return None;
            }
            Self::ChunkSize => match httparse::parse_chunk_size(received).ok()? {
                // The trailers are ignored.
                Status::Complete((len, 0)) => (Self::End, len, 0),
                Status::Complete((len, size)) => (Self::Chunk(size), len, 0),
                Status::Partial => (*self, 0, 0),
            },
            Self::End => (*self, 0, 0),
        };
        *self = next;
        Some((framing, payload))
    }
}
