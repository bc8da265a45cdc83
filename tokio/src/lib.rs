//! Server-Sent Events and WebSocket on tokio, driven by the state machines of [`eventwire`].
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "axum")]
pub mod axum;
mod hub;
#[cfg(feature = "connect")]
mod net;
#[doc(hidden)]
pub mod old;
pub mod sse;
mod timer;
mod transport;
pub mod ws;

pub use eventwire;
pub use hub::{Blocks, Hub, HubEvent, HubOptions, LastEventId, Serve, Subscriber};
