//! WebSocket ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455)): clients and servers.

mod accept;
mod byte_stream;
mod clock;
mod connect;
mod connect_error;
mod driven;
mod halves;
#[cfg(feature = "http2")]
mod http2;
mod masks;
mod read;
mod reconnect;
mod reconnect_event;
mod reconnect_options;
mod reconnecting_sender;
mod reconnecting_websocket;
#[cfg(feature = "connect")]
mod redirect;
mod websocket;
mod wire;

#[cfg(feature = "connect")]
pub use crate::net::{DialError, Hop};
pub use accept::{Accept, AcceptError, accept};
pub use byte_stream::ByteStream;
pub use connect::{Connect, connect};
pub use connect_error::ConnectError;
pub use eventwire::ws::{
    Close, CloseCode, CloseEvent, Failure, Frame, Limits, Message, PreparedFrame, ReadyState,
    SendError, WebSocketOptions, handshake,
};
pub use halves::{ReadHalf, WriteHalf};
pub use reconnect::{Attempt, reconnect};
pub use reconnect_event::{Disconnected, ReconnectEvent};
pub use reconnect_options::ReconnectOptions;
pub use reconnecting_sender::ReconnectingSender;
pub use reconnecting_websocket::ReconnectingWebSocket;
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
#[cfg(all(feature = "axum", feature = "deflate"))]
pub(crate) use websocket::Compression;
pub use websocket::WebSocket;
