//! WebSocket (RFC 6455).
//!
//! | to | use |
//! |---|---|
//! | open a connection, or accept one | [`handshake`] |
//! | have a whole client or server: what waits to be written, deadlines, heartbeats | [`WebSocket`] |
//! | stay connected as a client | [`ReconnectingWebSocket`] |
//! | run a connection alone: replies, closing handshake, errors answered | [`Connection`], or its halves [`Reader`](connection::Reader) and [`Writer`](connection::Writer) |
//! | run it over a transport of tokio, as a `Stream` and a `Sink` | [`MessageStream`] (feature `tokio-util`) |
//! | compress messages | [`Deflate`] (feature `deflate`) |
//! | only decode, in your own buffer, payload as it arrives | [`FrameDecoder`](frame::FrameDecoder) |
//! | only decode, whole messages | [`MessageDecoder`](connection::MessageDecoder) |
//! | write a frame, or one for many receivers | [`Frame`], [`PreparedFrame`] |
//! | build something else | [`FrameHeader`](frame::FrameHeader), [`MaskKey`](frame::MaskKey), [`Utf8Validator`](frame::Utf8Validator), [`CloseCode`] |
//!
//! An echo server's connection, its transport left out:
//!
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use bytes::BytesMut;
//! use eventwire::ws::{Connection, ConnectionState, Frame, Limits, Message};
//!
//! let mut connection = Connection::server(Limits::new());
//! let mut received = BytesMut::from(&b"\x81\x82\x01\x02\x03\x04\x69\x6b\x89\x80\x00\x00\x00\x00"[..]);
//! let mut to_send = BytesMut::new();
//! loop {
//!     let message = connection.receive(&mut received);
//!     connection.reply_to(&mut to_send)?; // pongs, the closing handshake, the answer to an error
//!     match message {
//!         Ok(Some(Message::Text(text))) if connection.state() == ConnectionState::Open => {
//!             connection.send_to(&Frame::text(&text), &mut to_send)?;
//!         }
//!         Ok(Some(_)) => {}
//!         Ok(None) | Err(_) => break, // write; at `ConnectionState::Closed` hang up, else read more
//!     }
//! }
//! assert_eq!(to_send, b"\x81\x02hi\x8A\x00"[..]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod connection;
pub mod frame;

#[cfg(feature = "deflate")]
pub mod deflate;
#[cfg(feature = "handshake")]
pub mod handshake;
#[cfg(feature = "alloc")]
pub mod socket;

#[cfg(feature = "tokio-util")]
mod adapt;

#[cfg(feature = "tokio-util")]
pub use adapt::{MessageStream, StreamError};
pub use connection::connection::Connection;
pub use connection::connection_state::ConnectionState;
#[cfg(feature = "alloc")]
pub use connection::message::Message;
#[cfg(feature = "alloc")]
pub use connection::prepared_frame::PreparedFrame;
pub use connection::send_error::SendError;
#[cfg(feature = "deflate")]
pub use deflate::Deflate;
pub use frame::close::{Close, CloseCode};
pub use frame::frame::Frame;
pub use frame::limits::Limits;
pub use frame::mask::MaskSource;
#[cfg(feature = "getrandom")]
pub use frame::mask::OsMaskKeys;
pub use frame::protocol_error::ProtocolError;
#[cfg(feature = "alloc")]
pub use socket::close_event::{CloseEvent, Failure};
#[cfg(feature = "alloc")]
pub use socket::reconnecting_websocket::{
    ReconnectingWebSocket, ReconnectingWebSocketEvent, ReconnectingWebSocketOptions,
};
#[cfg(feature = "alloc")]
pub use socket::websocket::WebSocket;
#[cfg(feature = "alloc")]
pub use socket::websocket_event::{Flow, ReadyState, WebSocketEvent};
#[cfg(feature = "alloc")]
pub use socket::websocket_options::WebSocketOptions;
