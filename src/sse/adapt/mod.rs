//! Adaptors to the traits of other crates. They are thin, without protocol logic.

#[cfg(feature = "http-body")]
mod body_chunks;
#[cfg(feature = "http-body")]
pub(in crate::sse) mod event_body;
#[cfg(feature = "tokio-util")]
pub(in crate::sse) mod event_codec;
#[cfg(feature = "stream")]
pub(in crate::sse) mod event_stream;
#[cfg(feature = "stream")]
mod into_event_bytes;
#[cfg(feature = "stream")]
mod item_stream;
#[cfg(feature = "stream")]
mod keep_alive_stream;
#[cfg(feature = "http-body")]
mod not_an_event_stream;
#[cfg(any(feature = "stream", feature = "tokio-util"))]
pub(in crate::sse) mod read_error;

#[cfg(feature = "http-body")]
pub use body_chunks::BodyChunks;
#[cfg(feature = "stream")]
pub use into_event_bytes::IntoEventBytes;
#[cfg(feature = "stream")]
pub use item_stream::ItemStream;
#[cfg(feature = "stream")]
pub use keep_alive_stream::KeepAliveStream;
#[cfg(feature = "http-body")]
pub use not_an_event_stream::NotAnEventStream;
