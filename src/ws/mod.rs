//! WebSocket ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455)).
//!
//! Start with [`WebSocket`], which has deadlines and pings. On tokio, [`MessageStream`] is shorter
//! to use, but has neither.
//!
//! | to | use |
//! |---|---|
//! | open a connection, or accept one | [`handshake`] |
//! | run a whole client or server, with a send queue, deadlines and heartbeats | [`WebSocket`], in [this loop](#driving-it-yourself) |
//! | stay connected as a client | [`ReconnectingWebSocket`] |
//! | read and write messages over a transport of tokio, as a `Stream` and a `Sink` | [`MessageStream`] (feature `tokio-util`) |
//! | run the protocol alone: replies, the closing handshake, answers to errors | [`Connection`], or its halves [`Reader`](connection::Reader) and [`Writer`](connection::Writer) |
//! | compress messages | [`Deflate`] (feature `deflate`) |
//! | only decode, in your own buffer, with payload as it arrives | [`FrameDecoder`](frame::FrameDecoder) |
//! | only decode whole messages | [`MessageDecoder`](connection::MessageDecoder) |
//! | write a frame, or one for many receivers | [`Frame`], [`PreparedFrame`]; [`IntoFrame`](connection::IntoFrame) lists everything that you can send |
//! | say why a connection closes | [`Close`], [`CloseCode`]; [`IntoClose`](frame::IntoClose) lists every way |
//! | build something else | [`FrameHeader`](frame::FrameHeader), [`MaskKey`](frame::MaskKey), [`Utf8Validator`](frame::Utf8Validator), [`CloseCode`] |
//!
//! The connection of an echo server, without its transport:
//!
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use bytes::BytesMut;
//! use eventwire::ws::{Connection, ConnectionState, Limits};
//!
//! let mut connection = Connection::server(Limits::new());
//! let wire = b"\x81\x82\x01\x02\x03\x04\x69\x6b\x89\x80\x00\x00\x00\x00"; // "hi", and a ping
//! let mut received = BytesMut::from(&wire[..]);
//! let mut to_send = BytesMut::new();
//! loop {
//!     let message = connection.receive(&mut received);
//!     connection.reply_to(&mut to_send)?; // pongs, the closing handshake, the answer to an error
//!     match message {
//!         Ok(Some(message)) => {
//!             if message.is_data() && connection.state() == ConnectionState::Open {
//!                 connection.send_to(message, &mut to_send)?;
//!             }
//!         }
//!         Ok(None) | Err(_) => break, // write, then read more, or hang up if `Closed`
//!     }
//! }
//! assert_eq!(to_send, b"\x81\x02hi\x8A\x00"[..]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Driving it yourself
//!
//! [`WebSocket`] has no transport. The program around it has one loop, the same for servers and
//! clients. `now` is the time since any fixed start. **Before you wait, always write what
//! [`to_write`](WebSocket::to_write) holds: `poll` adds to it as well as `send`.**
//!
//! 1. Call [`poll`](WebSocket::poll) with what was received until it returns `None`, and handle
//!    each event. [`WebSocketEvent::Close`] is the last one: drop the transport and leave the loop.
//! 2. Write [`to_write`](WebSocket::to_write), flush, and advance it by what the transport took.
//! 3. If [`wants_shutdown`](WebSocket::wants_shutdown) is true and nothing is left to write, shut
//!    the writing side of the transport, once, and go on reading.
//! 4. Wait until the transport is readable, can take what is left to write, or
//!    [`deadline`](WebSocket::deadline) passes, whichever is first. Keep honouring the deadline
//!    while the transport shuts down, which can take a while over TLS or HTTP/2.
//! 5. Append what was read to the received bytes. If reading ends, call
//!    [`end_of_stream`](WebSocket::end_of_stream); if it fails, call
//!    [`read_failed`](WebSocket::read_failed). Read no more after either.
//! 6. If writing fails, call [`write_failed`](WebSocket::write_failed), write no more, and go on
//!    reading.
//! 7. Go to step 1. While a program takes no messages, it calls
//!    [`poll_time`](WebSocket::poll_time) in place of `poll`, until the transport has ended.
//!
//! This is the loop on a blocking socket. With pings it also notices a peer that does not read:
//!
#![cfg_attr(all(feature = "std", feature = "handshake"), doc = "```")]
#![cfg_attr(not(all(feature = "std", feature = "handshake")), doc = "```ignore")]
//! use bytes::{Buf, BytesMut};
//! use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
//! use eventwire::ws::{
//!     CloseEvent, Flow, Frame, MaskSource, WebSocket, WebSocketEvent, WebSocketOptions,
//! };
//! use std::io::{Error, ErrorKind, Read, Write};
//! use std::net::{Shutdown, TcpListener, TcpStream};
//! use std::time::{Duration, Instant};
//!
//! /// Runs a WebSocket until it is closed. Time counts from `start`.
//! fn run<M: MaskSource>(
//!     mut socket: WebSocket<M>,
//!     mut stream: TcpStream,
//!     mut received: BytesMut,
//!     start: Instant,
//!     mut on_event: impl FnMut(&mut WebSocket<M>, WebSocketEvent),
//! ) -> std::io::Result<CloseEvent> {
//!     use ErrorKind::{Interrupted, TimedOut, WouldBlock};
//!     let late = |error: &Error| matches!(error.kind(), TimedOut | WouldBlock | Interrupted);
//!     let mut chunk = [0; 4096];
//!     loop {
//!         while let Some(event) = socket.poll(&mut received, start.elapsed()) {
//!             match event {
//!                 WebSocketEvent::Close(close) => return Ok(close),
//!                 event => on_event(&mut socket, event),
//!             }
//!         }
//!         let wait = |deadline: Duration| deadline.saturating_sub(start.elapsed());
//!         let patience = socket.deadline().map(|it| wait(it).max(Duration::from_millis(1)));
//!         stream.set_write_timeout(patience)?;
//!         loop {
//!             let mut to_write = socket.to_write(start.elapsed());
//!             if !to_write.has_remaining() {
//!                 break;
//!             }
//!             match stream.write(to_write.chunk()) {
//!                 Ok(len) => to_write.advance(len),
//!                 Err(error) if late(&error) => break,
//!                 Err(error) => break socket.write_failed(error, start.elapsed()),
//!             }
//!         }
//!         if socket.wants_shutdown() {
//!             let _ = stream.shutdown(Shutdown::Write);
//!         }
//!         let patience = socket.deadline().map(|it| wait(it).max(Duration::from_millis(1)));
//!         stream.set_read_timeout(patience)?; // writing took some of it
//!         match stream.read(&mut chunk) {
//!             Ok(0) => socket.end_of_stream(start.elapsed()),
//!             Ok(len) => received.extend_from_slice(&chunk[..len]),
//!             Err(error) if late(&error) => {}
//!             Err(error) => socket.read_failed(error, start.elapsed()),
//!         }
//!     }
//! }
//!
//! // A server that sends back what it gets.
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! let server = std::thread::spawn(move || -> std::io::Result<CloseEvent> {
//!     let (mut stream, _) = listener.accept()?;
//!     let (mut received, mut chunk) = (BytesMut::new(), [0; 4096]);
//!     let mut handshake = ServerHandshake::new();
//!     let start = Instant::now();
//!     let head_len = loop {
//!         // A client has ten seconds for its request. No time left is an error here.
//!         let patience = Duration::from_secs(10).saturating_sub(start.elapsed());
//!         stream.set_read_timeout(Some(patience))?;
//!         let len = stream.read(&mut chunk)?;
//!         if len == 0 {
//!             return Err(ErrorKind::UnexpectedEof.into());
//!         }
//!         received.extend_from_slice(&chunk[..len]);
//!         if let Some(request) = handshake.decode(&received).map_err(std::io::Error::other)? {
//!             stream.write_all(&request.accept().to_bytes())?;
//!             break request.head_len();
//!         }
//!     };
//!     received.advance(head_len);
//!     let socket = WebSocket::server(WebSocketOptions::new(), start.elapsed());
//!     run(socket, stream, received, start, |socket, event| {
//!         if let WebSocketEvent::Text(text) = event {
//!             let _ = socket.send(&Frame::text(&text));
//!         }
//!     })
//! });
//! // A client that says hello to a server that repeats it, and then closes.
//! let stream = TcpStream::connect(address)?;
//! let start = Instant::now();
//! let options = WebSocketOptions::new()
//!     .ping_interval(Duration::from_secs(20))
//!     .pong_timeout(Duration::from_secs(10));
//! let host = address.to_string();
//! let request = ClientRequest::new(&host, "/chat", rand::random())?;
//! let masks = rand::random::<[u8; 4]>; // or `OsMaskKeys`
//! let socket = WebSocket::connect(&request, options, masks, start.elapsed());
//! let close = run(socket, stream, BytesMut::new(), start, |socket, event| match event {
//!     WebSocketEvent::Open => assert_eq!(socket.send(&Frame::text("hello")), Ok(Flow::Ready)),
//!     WebSocketEvent::Text(text) => {
//!         assert_eq!(text, "hello");
//!         socket.close(None, start.elapsed()).expect("no reason is too long");
//!     }
//!     _ => {}
//! })?;
//! assert!(close.was_clean);
//! assert!(server.join().unwrap()?.was_clean);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`ReconnectingWebSocket`] is driven by the same loop, and opens a client's WebSocket again
//! whenever it ends. A program with deadlines of its own waits for the earlier one. A program that
//! also waits for other things reads in a thread of its own, as the package `eventwire-blocking`
//! does, or uses an async runtime, as `eventwire-tokio` does.

pub mod connection;
pub mod frame;

#[cfg(feature = "deflate")]
pub mod deflate;
#[cfg(not(feature = "deflate"))]
#[path = "no_deflate.rs"]
mod deflate;
#[cfg(feature = "handshake")]
pub mod handshake;
#[cfg(feature = "alloc")]
pub mod socket;

#[cfg(feature = "tokio-util")]
pub mod adapt;

#[cfg(feature = "tokio-util")]
pub use adapt::message_stream::{MessageStream, StreamError};
pub use connection::connection::Connection;
pub use connection::connection_state::ConnectionState;
pub use connection::send_error::SendError;
#[cfg(feature = "deflate")]
pub use deflate::Deflate;
pub use frame::close::{Close, CloseCode};
pub use frame::frame::Frame;
pub use frame::limits::Limits;
pub use frame::mask::MaskSource;
#[cfg(feature = "getrandom")]
pub use frame::os_mask_keys::OsMaskKeys;
pub use frame::protocol_error::ProtocolError;
#[cfg(feature = "alloc")]
pub use {
    connection::message::Message,
    connection::prepared_frame::PreparedFrame,
    socket::close_event::{CloseEvent, Failure},
    socket::reconnecting_websocket::{
        ReconnectingWebSocket, ReconnectingWebSocketEvent, ReconnectingWebSocketOptions,
    },
    socket::websocket::WebSocket,
    socket::websocket_event::{Flow, ReadyState, WebSocketEvent},
    socket::websocket_options::WebSocketOptions,
};
