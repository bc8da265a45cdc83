//! The server's side: [`Replay`], a history from which clients resume, and [`KeepAlive`], which
//! keeps a silent stream alive.
//!
//! [`KeepAlive`]: crate::sse::KeepAlive
//! [`Replay`]: crate::sse::Replay

pub(in crate::sse) mod keep_alive;
#[cfg(feature = "alloc")]
pub(in crate::sse) mod replay;

pub use keep_alive::KEEP_ALIVE;
