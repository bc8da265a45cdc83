//! Adaptors to the traits of other crates: thin, without protocol logic.

#[cfg(feature = "http-body")]
mod event_body;
#[cfg(feature = "tokio-util")]
mod event_codec;
#[cfg(feature = "stream")]
mod event_stream;
#[cfg(any(feature = "stream", feature = "tokio-util"))]
mod read_error;

#[cfg(feature = "http-body")]
pub use event_body::EventBody;
#[cfg(feature = "tokio-util")]
pub use event_codec::EventCodec;
#[cfg(feature = "stream")]
pub use event_stream::EventStream;
#[cfg(any(feature = "stream", feature = "tokio-util"))]
pub use read_error::ReadError;
