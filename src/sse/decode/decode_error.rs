//! How decoding an event stream fails, and how staying connected to one.

/// Why a decoder failed, or was misused.
///
/// Every byte sequence is a valid event stream, so only limits end one, and the decoder repeats the
/// error. The one misuse is [`InputShrunk`](Self::InputShrunk), after which it can go on.
///
/// Offsets are 0-based in the stream, from the start or the last
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
    /// A line went past [`DecoderOptions::max_line`](crate::sse::DecoderOptions::max_line).
    #[error("line longer than {limit} bytes, at byte {offset}")]
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
        /// Where the stream went past it.
        offset: u64,
    },
    /// A block went past [`DecoderOptions::max_event`](crate::sse::DecoderOptions::max_event).
    #[error("event longer than {limit} bytes, at byte {offset}")]
    EventTooLong {
        /// The limit in bytes.
        limit: usize,
        /// Where the stream went past it.
        offset: u64,
    },
    /// An event's id does not fit the decoder's [`IdStorage`](crate::sse::IdStorage). The last event
    /// ID is still the one before, and the event is lost.
    #[error("event id does not fit {capacity} bytes, at byte {offset}")]
    IdTooLong {
        /// What the storage can hold, in bytes.
        capacity: usize,
        /// Where the id would have been set.
        offset: u64,
    },
    /// Misuse: `input` is shorter than what the last call left in it to be kept. The decoder is as
    /// it was before this call.
    #[error("misuse: input of {found} bytes, where {expected} were left to be kept")]
    InputShrunk {
        /// How many bytes were left in the input by the last call.
        expected: usize,
        /// How many there are now.
        found: usize,
    },
}

impl DecodeError {
    /// Where the stream went past a limit; `None` for misuse.
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

/// An id does not fit the [`IdStorage`](crate::sse::IdStorage) that was to hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("id does not fit {capacity} bytes")]
pub struct IdTooLong {
    /// What the storage can hold, in bytes.
    pub capacity: usize,
}
