//! WebSocket ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455)): clients and servers.
//!
//! | to | use |
//! |---|---|
//! | connect to a server | [`connect`] |
//! | stay connected, or send while there is no connection | [`reconnect`] |
//! | serve clients on a TCP or TLS stream, or another transport | [`accept`] |
//! | send and receive in two tasks | [`WebSocket::split`] |
//! | pass a stream of bytes through a WebSocket | [`WebSocket::into_byte_stream`] |
//! | set limits, pings and timeouts | [`WebSocketOptions`] |
//! | send one message to many clients | [`PreparedFrame`], or a [`Hub`](crate::Hub) |
//! | know how a connection ended | [`CloseEvent`] |
//! | compress messages (feature `deflate`) | `Deflate` |
//!
//! # How a socket works
//!
//! A [`WebSocket`] has no task of its own. While the program waits in one of its methods, it reads
//! and writes, answers pings and close frames, and keeps its deadlines. So wait in
//! [`next`](WebSocket::next) most of the time: in a loop, or in one branch of `tokio::select!`.
//! Every method can be dropped there, and loses nothing.
//!
//! ```
//! use eventwire_tokio::ws::WebSocket;
//! use std::time::Duration;
//!
//! /// Sends a line every second, and prints what comes.
//! async fn talk(mut socket: WebSocket) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut second = tokio::time::interval(Duration::from_secs(1));
//!     loop {
//!         tokio::select! {
//!             message = socket.next() => match message {
//!                 Some(message) => println!("{}", message?),
//!                 None => return Ok(()),
//!             },
//!             _ = second.tick() => socket.send("tick").await?,
//!         }
//!     }
//! }
//! ```
//!
//! Messages wait in a queue until the transport takes them. [`send`](WebSocket::send) waits until
//! the queue is empty, [`feed`](WebSocket::feed) until it is below the
//! [high-water mark](WebSocketOptions::high_water_mark), and
//! [`try_send`](WebSocket::try_send) not at all. Everything that one read brought about, and
//! everything that was fed, is written at once.
//!
//! # How a socket ends
//!
//! After the closing handshake, [`next`](WebSocket::next) returns `None`. After any other end it
//! first returns the [`CloseEvent`] as an error, whose [`failure`](CloseEvent::failure) says why.
//! [`close`](WebSocket::close) waits for the peer's answer, but not for ever.
//! [`WebSocket::DEFAULT_OPTIONS`] has all deadlines.

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
mod sync;
mod tasks;
mod trace;
mod websocket;
mod wire;

#[cfg(feature = "connect")]
pub use crate::net::{DialError, Hop};
pub use accept::{Accept, AcceptError, accept};
pub use byte_stream::ByteStream;
pub use connect::{Connect, connect};
pub use connect_error::{ConnectError, ConnectErrorKind};
#[cfg(feature = "deflate")]
pub use eventwire::ws::Deflate;
pub use eventwire::ws::connection::IntoFrame;
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
