//! [`ReadError`], a failure of an event stream's transport or decoder.

use crate::sse::decode::DecodeError;

/// The cause of a failure of an [`EventStream`](crate::sse::EventStream) or an
/// [`EventCodec`](crate::sse::EventCodec): its transport, with an error of type `E`, or its
/// decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The transport failed. An event that was under way is lost. A client that stays connected
    /// requests it again, with its last event ID.
    #[error(transparent)]
    Transport(#[from] E),
    /// The stream passed a limit.
    #[error(transparent)]
    Decode(DecodeError),
    /// The stream ended before its [last event](crate::sse::EventStream::last_event). Only an
    /// [`EventStream`](crate::sse::EventStream) that waits for a last event has this error.
    #[error("the event stream was cut off: it ended before its last event")]
    Ended,
}
