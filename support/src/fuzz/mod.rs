//! The assertions of the fuzz targets. `tests/it/fuzz.rs` runs the same bodies for a short while.

pub mod sse_decoder;
pub mod sse_encoder;
pub mod sse_lexer;
mod stream;
pub mod ws_decoder;
#[cfg(feature = "deflate")]
pub mod ws_deflate;
pub mod ws_encoder;
#[cfg(feature = "handshake")]
pub mod ws_handshake;
