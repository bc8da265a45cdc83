//! WebSocket ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455)): clients and servers.
//!
//! | to | use |
//! |---|---|
//! | open a connection | [`connect`] |
//! | accept one | [`accept`] |
//! | send and receive | [`WebSocket`] |
//! | send in one thread and receive in another | [`WebSocket::split`] |
//!
//! Messages, options and errors are those of [`eventwire::ws`].

mod accept;
mod accept_error;
mod connect;
mod connect_error;
mod dial_error;
mod driven;
mod halves;
mod websocket;

pub use accept::{Accept, accept};
pub use accept_error::AcceptError;
pub use connect::{Connect, connect};
pub use connect_error::{ConnectError, ConnectErrorKind};
pub use dial_error::{DialError, Hop};
#[cfg(feature = "deflate")]
pub use eventwire::ws::Deflate;
pub use eventwire::ws::connection::IntoFrame;
pub use eventwire::ws::socket::Refusal;
pub use eventwire::ws::{
    Close, CloseCode, CloseEvent, Failure, Frame, Limits, Message, PreparedFrame, ReadyState,
    SendError, WebSocketOptions, handshake,
};
pub use halves::{ReadHalf, WriteHalf};
#[cfg(feature = "tls")]
pub use rustls;
pub use websocket::WebSocket;
