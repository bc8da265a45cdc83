//! [`WebSocket`](crate::ws::WebSocket) and
//! [`ReconnectingWebSocket`](crate::ws::ReconnectingWebSocket): a connection with a send queue,
//! deadlines and reconnection, but without its transport.

pub(super) mod close_event;
pub(super) mod reconnecting_websocket;
pub(super) mod websocket;
pub(super) mod websocket_event;
pub(super) mod websocket_options;

// Only a connection with feature `handshake` can be in this state.
#[cfg_attr(not(feature = "handshake"), path = "no_connecting.rs")]
mod connecting;
mod heartbeat;
mod send_queue;
mod state;
mod to_write;
mod transport_error;
mod unsent;

#[cfg(feature = "handshake")]
mod refusal;

pub use reconnecting_websocket::Disconnected;
#[cfg(feature = "handshake")]
pub use refusal::Refusal;
pub use to_write::ToWrite;
pub use transport_error::TransportError;
