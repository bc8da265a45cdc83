//! The server's side: [`Replay`](crate::sse::Replay), a history from which clients resume, and [`KeepAlive`](crate::sse::KeepAlive), which
//! keeps a silent stream alive.

pub(in crate::sse) mod keep_alive;
#[cfg(feature = "alloc")]
pub(in crate::sse) mod replay;

pub use keep_alive::KEEP_ALIVE;
