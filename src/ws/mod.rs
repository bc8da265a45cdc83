//! WebSocket (RFC 6455).
//!
//! | to | use |
//! |---|---|
//! | open a connection, or accept one | [`handshake`] |
//! | have a whole client or server: what waits to be written, deadlines, heartbeats | [`WebSocket`] |
//! | stay connected as a client | [`Reconnect`] |
//! | run a connection alone: replies, closing handshake, errors answered | [`Connection`], or its halves [`Reader`] and [`Writer`] |
//! | run it over a transport of tokio, as a `Stream` and a `Sink` | [`MessageStream`] (feature `tokio-util`) |
//! | compress messages | [`Deflate`] (feature `deflate`) |
//! | only decode, in your own buffer, payload as it arrives | [`Decoder`] |
//! | only decode, whole messages | [`MessageDecoder`] |
//! | write a frame, or one for many receivers | [`Frame`], [`PreparedFrame`] |
//! | build something else | [`FrameHeader`], [`MaskKey`], [`Utf8Validator`], [`CloseCode`] |
//!
//! An echo server's connection, its transport left out:
//!
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use bytes::BytesMut;
//! use eventwire::ws::{Connection, Frame, Message, Options, State};
//!
//! let mut connection = Connection::message_server(Options::new());
//! let mut received = BytesMut::from(&b"\x81\x82\x01\x02\x03\x04\x69\x6b\x89\x80\x00\x00\x00\x00"[..]);
//! let mut to_send = BytesMut::new();
//! loop {
//!     let message = connection.receive(&mut received);
//!     connection.reply_to(&mut to_send)?; // pongs, the closing handshake, the answer to an error
//!     match message {
//!         Ok(Some(Message::Text(text))) if connection.state() == State::Open => {
//!             connection.send_to(&Frame::text(&text), &mut to_send)?;
//!         }
//!         Ok(Some(_)) => {}
//!         Ok(None) | Err(_) => break, // write; at `State::Closed` hang up, else read more
//!     }
//! }
//! assert_eq!(to_send, b"\x81\x02hi\x8A\x00"[..]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "handshake")]
#[cfg_attr(docsrs, doc(cfg(feature = "handshake")))]
pub mod handshake;

mod close;
mod connection;
mod decoder;
mod encoder;
mod error;
mod event;
mod header;
mod mask;
mod options;
mod reader;
mod utf8;
mod writer;

#[cfg(feature = "deflate")]
mod deflate;
#[cfg(feature = "alloc")]
mod heartbeat;
#[cfg(feature = "alloc")]
mod message;
#[cfg(feature = "tokio-util")]
mod message_stream;
#[cfg(feature = "alloc")]
mod reconnect;
#[cfg(all(feature = "alloc", feature = "handshake"))]
mod refusal;
#[cfg(feature = "alloc")]
mod send_queue;
#[cfg(feature = "alloc")]
mod socket_event;
#[cfg(feature = "alloc")]
mod socket_options;
#[cfg(feature = "alloc")]
mod transport_error;
#[cfg(feature = "alloc")]
mod websocket;

pub use close::{Close, CloseCode};
pub use connection::Connection;
pub use decoder::Decoder;
#[cfg(feature = "deflate")]
pub use deflate::{Deflate, DeflateParams, WindowBits};
#[cfg(feature = "alloc")]
pub use encoder::PreparedFrame;
pub use encoder::{ControlTooLong, Fragments, Frame};
pub use error::{Fault, ProtocolError, SendError};
pub use event::{Data, DataKind, Event};
pub use header::{FrameHeader, HeaderBytes, OpCode, Rsv};
#[cfg(feature = "getrandom")]
pub use mask::OsMaskKeys;
pub use mask::{MaskKey, MaskSource, NoMask, NoMaskKey};
#[cfg(feature = "alloc")]
pub use message::{Message, MessageDecoder};
#[cfg(feature = "tokio-util")]
pub use message_stream::{MessageStream, StreamError};
pub use options::{OnLimit, Options};
pub use reader::{Reader, Reply};
#[cfg(feature = "alloc")]
pub use reconnect::{Disconnected, LinkEvent, Reconnect, ReconnectOptions};
#[cfg(all(feature = "alloc", feature = "handshake"))]
pub use refusal::Refusal;
#[cfg(feature = "alloc")]
pub use socket_event::{CloseEvent, Failure, Flow, ReadyState, SocketEvent};
#[cfg(feature = "alloc")]
pub use socket_options::SocketOptions;
#[cfg(feature = "alloc")]
pub use transport_error::TransportError;
pub use utf8::{InvalidUtf8, Utf8Validator};
#[cfg(feature = "alloc")]
pub use websocket::{ToWrite, WebSocket};
pub use writer::{State, Writer};

/// Which end of a connection we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Frames that we send are masked, and those that we receive are not.
    Client,
    /// Frames that we receive are masked, and those that we send are not.
    Server,
}
