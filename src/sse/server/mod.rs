//! The server's side: [`Replay`], a history from which clients resume, and [`KeepAlive`], which
//! keeps a silent stream alive.

mod keep_alive;
#[cfg(feature = "alloc")]
mod replay;

pub use keep_alive::{KEEP_ALIVE, KeepAlive};
#[cfg(feature = "alloc")]
pub use replay::{Replay, Resume, Subscription};
