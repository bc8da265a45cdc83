//! Where the body of an HTTP/1.1 response is in what was received (RFC 9112, 6.3 and 7.1).

use httparse::{Header, Status};

/// What comes next.
#[derive(Clone, Copy)]
pub enum Body {
    /// Payload until the connection is closed, as the request demands, so that no length matters.
    UntilClose,
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    End,
}

impl Body {
    /// `None` if it is encoded otherwise than in chunks.
    pub fn of(headers: &[Header<'_>]) -> Option<Self> {
        let is_coding = |it: &&Header<'_>| it.name.eq_ignore_ascii_case("transfer-encoding");
        let mut codings = headers.iter().filter(is_coding).map(|it| it.value);
        match (codings.next(), codings.next()) {
            (None, _) => Some(Self::UntilClose),
            (Some(it), None) if it.eq_ignore_ascii_case(b"chunked") => Some(Self::ChunkSize),
            _ => None,
        }
    }

    /// Takes framing, and then payload, off the front of what was received: how many bytes of each,
    /// 0 if nothing is there whole. `None` if the framing is malformed.
    pub fn take(&mut self, received: &[u8]) -> Option<(usize, usize)> {
        let (next, framing, payload) = match *self {
            Self::UntilClose => (*self, 0, received.len()),
            Self::Chunk(left) => {
                let len = usize::try_from(left).map_or(received.len(), |it| it.min(received.len()));
                let left = left - len as u64;
                (if left == 0 { Self::ChunkEnd } else { Self::Chunk(left) }, 0, len)
            }
            Self::ChunkEnd => match received {
                [b'\r', b'\n', ..] => (Self::ChunkSize, 2, 0),
                [] | [b'\r'] => (*self, 0, 0),
                _ => return None,
            },
            // A line without a digit is 0 to `parse_chunk_size`.
            Self::ChunkSize if received.first().is_some_and(|it| !it.is_ascii_hexdigit()) => {
                return None;
            }
            Self::ChunkSize => match httparse::parse_chunk_size(received).ok()? {
                // Nobody looks at the trailers.
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
