//! How reading an event stream fails: its transport, or its decoder.

use crate::sse::decode::DecodeError;

/// Why an [`EventStream`](crate::sse::EventStream) or an [`EventCodec`](crate::sse::EventCodec)
/// failed: its transport did, by an error `E` of its own, or the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The transport failed, and what was under way is lost: a client that stays connected asks
    /// again, with its last event ID.
    #[error(transparent)]
    Transport(#[from] E),
    /// The stream went past a limit.
    #[error(transparent)]
    Decode(DecodeError),
    /// The stream ended before its [last event](crate::sse::EventStream::last_event). Only an
    /// [`EventStream`](crate::sse::EventStream) that waits for one fails so.
    #[error("the event stream was cut off: it ended before its last event")]
    Ended,
}
