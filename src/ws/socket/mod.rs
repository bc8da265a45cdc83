//! A whole `WebSocket`: a connection with its queue, its deadlines and its reconnection.

pub(in crate::ws) mod close_event;
pub(in crate::ws) mod reconnecting_websocket;
pub(in crate::ws) mod websocket;
pub(in crate::ws) mod websocket_event;
pub(in crate::ws) mod websocket_options;

mod heartbeat;
mod send_queue;
mod transport_error;

#[cfg(feature = "handshake")]
mod refusal;

pub use reconnecting_websocket::Disconnected;
#[cfg(feature = "handshake")]
pub use refusal::Refusal;
pub use transport_error::TransportError;
pub use websocket::ToWrite;
