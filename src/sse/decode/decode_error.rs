//! [`DecodeError`], the error of a decoder, and [`IdTooLong`].

/// The error of a decoder that failed or was misused.
///
/// Every byte sequence is a valid event stream, so only limits can end one. The decoder then
/// repeats the error. The one misuse is [`InputShrunk`](Self::InputShrunk), and the decoder can
/// continue after it.
///
/// Offsets are 0-based, from the start of the stream or from the last
/// [`reset`](crate::sse::Decoder::reset):
///
/// | error | offset |
/// |---|---|
/// | `LineTooLong` | the line's first byte past the limit |
/// | `EventTooLong` | the block's first byte past the limit, line ends included |
/// | `IdTooLong` | the end of the blank line that would have set the id |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A line is longer than [`DecoderOptions::max_line`](crate::sse::DecoderOptions::max_line).
    #[error("line longer than {limit} bytes, at byte {offset}")]
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
        /// The offset at which the stream passed it.
        offset: u64,
    },
    /// A block is longer than [`DecoderOptions::max_event`](crate::sse::DecoderOptions::max_event).
    #[error("event longer than {limit} bytes, at byte {offset}")]
    EventTooLong {
        /// The limit in bytes.
        limit: usize,
        /// The offset at which the stream passed it.
        offset: u64,
    },
    /// An event's ID does not fit the decoder's [`IdStorage`](crate::sse::decode::IdStorage). The
    /// last event ID stays as it was, and the event is lost.
    #[error("event id does not fit {capacity} bytes, at byte {offset}")]
    IdTooLong {
        /// The capacity of the storage, in bytes.
        capacity: usize,
        /// The offset at which the ID would have been set.
        offset: u64,
    },
    /// Misuse: `input` is shorter than the part that the last call left in it. The decoder is as it
    /// was before this call.
    #[error("misuse: the input has {found} bytes, but the last call left {expected} to be kept")]
    InputShrunk {
        /// The number of bytes that the last call left in the input.
        expected: usize,
        /// The number of bytes that the input has now.
        found: usize,
    },
}

impl DecodeError {
    /// Returns the offset at which the stream passed a limit, or `None` for misuse.
    #[must_use]
    pub const fn offset(&self) -> Option<u64> {
        match *self {
            Self::LineTooLong { offset, .. }
            | Self::EventTooLong { offset, .. }
            | Self::IdTooLong { offset, .. } => Some(offset),
            Self::InputShrunk { .. } => None,
        }
    }
}

/// The error of an [`IdStorage`](crate::sse::decode::IdStorage) that is too small for an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("id does not fit {capacity} bytes")]
pub struct IdTooLong {
    /// The capacity of the storage, in bytes.
    pub capacity: usize,
}
