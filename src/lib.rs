//! The protocols that servers push events with, as a sans-IO library: bytes in, events out.
//!
//! It opens no socket, spawns no task, reads no clock. The same code serves a microcontroller with
//! one buffer on its stack, a browser in WebAssembly and a server with a million connections.
//!
//! * [`sse`]: Server-Sent Events, the parser, the decoder, the encoder and the client;
//! * [`ws`]: WebSocket, frames, messages, the opening handshake, whole clients and servers.
//!
//! # Read events
//!
//! From a buffer of your own, without an allocator:
//!
//! ```
//! use eventwire::sse::{Decoder, Item};
//!
//! let mut body = *b"event: sum\ndata: 1 +\ndata: 2\n\n";
//! let mut input = &mut body[..];
//! let mut decoder = Decoder::new();
//! while let Some(item) = decoder.decode(&mut input)? {
//!     let Item::Event(event) = item else { continue };
//!     assert_eq!(event.to_str()?.data, "1 +\n2");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! From the `Bytes` that HTTP clients give, as events that own their text:
//!
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use bytes::Bytes;
//! use eventwire::sse::{OwnedDecoder, Item};
//!
//! let mut decoder = OwnedDecoder::new();
//! for body in ["id: 7\ndata: gr", "üße\n\n"] {
//!     let mut chunk = Bytes::from(body);
//!     while let Some(item) = decoder.decode(&mut chunk)? {
//!         let Item::Event(event) = item else { continue };
//!         assert_eq!((&*event.data, &*event.last_event_id), ("grüße", "7"));
//!     }
//! }
//! # Ok::<(), eventwire::sse::DecodeError>(())
//! ```
//!
//! # Stay connected to an event stream
//!
//! [`EventSource`](sse::EventSource) says when to send a request, with which headers, and what
//! comes of the response; time and the transport are yours.
//!
//! ```
//! use eventwire::sse::{EventSource, Item, Received, EventSourceError, EventSourceOptions, EventSourceStep};
//! use std::time::Duration;
//!
//! /// Each connection gives two events more, and ends inside the next one.
//! fn get<'a>(mut headers: impl Iterator<Item = (&'static str, &'a [u8])>) -> Vec<u8> {
//!     let id = headers.find(|(name, _)| *name == "last-event-id");
//!     let seen = id.map_or(0, |(_, id)| id[0] - b'0');
//!     let [a, b] = [seen + 1, seen + 2];
//!     format!("id: {a}\ndata: {a}\n\nid: {b}\ndata: {b}\n\nid: {}\ndata:", b + 1).into()
//! }
//!
//! fn main() -> Result<(), EventSourceError> {
//!     let mut now = Duration::ZERO;
//!     let mut source = EventSource::new(EventSourceOptions::new());
//!     let mut seen = Vec::new();
//!     while seen.len() < 6 {
//!         match source.poll(now)? {
//!             EventSourceStep::Wait(until) => now = until.unwrap_or(now), // sleep
//!             EventSourceStep::Closed => break,
//!             EventSourceStep::Connect => {
//!                 let mut body = get(source.request_headers());
//!                 source.response(200, [("content-type", "text/event-stream")], now)?;
//!                 let mut input = &mut body[..];
//!                 loop {
//!                     match source.receive(&mut input, now)? {
//!                         Received::Item(Item::Event(event)) => seen.push(event.data.to_string()),
//!                         Received::Item(_) => {}
//!                         Received::More => break, // of the body there is no more
//!                         Received::Closed => return Ok(()), // drop the response
//!                     }
//!                 }
//!                 let error = source.end(now).unwrap_err();
//!                 assert_eq!(error.reconnect_at, Some(now + Duration::from_secs(3)));
//!             }
//!         }
//!     }
//!     assert_eq!(seen, ["1", "2", "3", "4", "5", "6"]);
//!     Ok(())
//! }
//! ```
//!
//! `examples/sse_client.rs` is a whole client, over `reqwest`.
//!
//! # Write events
//!
//! ```
//! use eventwire::sse::{EventType, EventBuilder};
//!
//! const TICK: EventType<'_> = EventType::from_static("tick");
//!
//! let mut buffer = [0; 64];
//! let len = EventBuilder::new().event_type(TICK).data("12:00:00").encode(&mut buffer)?;
//! assert_eq!(&buffer[..len], b"event: tick\ndata: 12:00:00\n\n");
//! # Ok::<(), eventwire::BufferTooSmall>(())
//! ```
//!
//! # Speak WebSocket
//!
//! A connection takes what was received and gives what to send.
//!
//! ```
//! use eventwire::ws::{Connection, Frame, Limits};
//! use eventwire::ws::frame::{FrameEvent, Run};
//!
//! let mut connection = Connection::frame_server(Limits::new());
//! let mut received = *b"\x81\x82\x01\x02\x03\x04\x69\x6b\x83\x80"; // "hi", masked, and nonsense
//! let mut to_send = [0; 131];
//! let mut input = &mut received[..];
//! let mut sent = Vec::new();
//! loop {
//!     let event = connection.receive(&mut input);
//!     let len = connection.reply(&mut to_send)?; // pongs, the closing handshake, errors
//!     sent.extend_from_slice(&to_send[..len]);
//!     match event {
//!         Ok(Some(FrameEvent::Data(Run { fin: true, .. }))) => {
//!             let len = connection.send(&Frame::text("hello"), &mut to_send)?;
//!             sent.extend_from_slice(&to_send[..len]);
//!         }
//!         Ok(Some(_)) => {}
//!         Ok(None) | Err(_) => break, // write; at `State::Closed` hang up, else read more
//!     }
//! }
//! assert_eq!(sent, b"\x81\x05hello\x88\x02\x03\xEA"); // closed with 1002: protocol error
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With feature `alloc` messages come whole: see [`ws`].
//!
//! # Run a WebSocket
//!
//! [`ws::WebSocket`] is a whole endpoint, in either role: it also keeps what waits to be written, sends
//! pings, and knows when its patience ends. This loop around a blocking socket serves both; with pings
//! on, a peer that does not read is noticed too:
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
//! [`ws::ReconnectingWebSocket`] is run likewise, and opens a client's WebSocket again whenever it ends. A program
//! with deadlines of its own waits for the earlier one; one that also waits for other things reads in a
//! thread of its own, as `examples/ws_client_std.rs`, or uses an async runtime.
//!
//! # The one calling convention
//!
//! Every decoder of a stream has a method
//! `decode(&mut self, input) -> Result<Option<Item>, Error>`:
//!
//! * `Ok(Some(item))`: `input` was moved behind the item; call again.
//! * `Ok(None)`: there is no more for now. **Keep what is left of `input`, append to it, and call
//!   again.**
//! * `Err(error)`: a limit was passed, or the protocol broken. The stream is dead, and the decoder
//!   repeats the error. What came before the error was delivered.
//!
//! Items borrow the buffer or share it, and never borrow the decoder. How the input is cut into
//! chunks changes nothing: not the items, not the errors, not the offsets in them. (Payload of
//! WebSocket messages comes in runs, as it arrives: it is the same once those are joined.)
//!
//! A loop over a fixed buffer, whatever the bytes come from:
//!
//! ```
//! use eventwire::sse::{Decoder, Event, InlineId, Item, DecoderOptions, Text};
//! use std::io::Read;
//!
//! fn pump(mut source: impl Read, mut on_event: impl FnMut(Event<Text<'_>>)) -> std::io::Result<()> {
//!     let mut buffer = [0; 512];
//!     let mut filled = 0;
//!     let options = DecoderOptions::new().max_event(buffer.len() - 1);
//!     let mut decoder = Decoder::with_storage(options, InlineId::<64>::new());
//!     loop {
//!         let len = source.read(&mut buffer[filled..])?;
//!         if len == 0 {
//!             return Ok(()); // what is left is an unfinished event, to be discarded
//!         }
//!         filled += len;
//!         let mut input = &mut buffer[..filled];
//!         while let Some(item) = decoder.decode(&mut input).map_err(std::io::Error::other)? {
//!             if let Item::Event(event) = item {
//!                 on_event(event);
//!             }
//!         }
//!         let kept = input.len();
//!         buffer.copy_within(filled - kept..filled, 0);
//!         filled = kept;
//!     }
//! }
//!
//! let mut seen = Vec::new();
//! pump(&b"data: a\n\ndata: b\n\ndata"[..], |event| seen.push(event.data.to_string()))?;
//! assert_eq!(seen, ["a", "b"]);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Features
//!
//! Features only add: none changes a type or a behaviour.
//!
//! | feature | what it adds |
//! |---|---|
//! | none | every parser, decoder and encoder over slices, without an allocator |
//! | `alloc` | owned events and whole messages: `BytesMut` and `Bytes` in, `Bytes` out; [`ws::WebSocket`], [`ws::ReconnectingWebSocket`] |
//! | `std` (default; implies `alloc`) | run-time CPU detection, `std::io::Write` for event data |
//! | `handshake` (default) | the [opening handshake](ws::handshake) of WebSocket over HTTP/1.1, both roles |
//! | `http` (implies `handshake` and `std`) | the handshake over the `http` crate's types |
//! | `deflate` (implies `std`) | [`ws::Deflate`]: messages compressed by permessage-deflate (RFC 7692) |
//! | `stream` (implies `alloc`) | [`sse::EventStream`]: a `futures_core::Stream` of events over a stream of `Bytes` |
//! | `tokio-util` (implies `std`) | [`sse::EventCodec`], for `Framed` of `tokio-util`; [`ws::MessageStream`], a `Stream` and a `Sink` over a transport of tokio |
//! | `http-body` (implies `std` and `stream`) | [`sse::EventBody`]: an event stream as `http_body::Body` and `http::Response`, for hyper, axum and the rest |
//! | `getrandom` | [`OsMaskKeys`](ws::OsMaskKeys): masking keys from the operating system |
//! | `simd` (default) | vector code for x86-64, aarch64 and WebAssembly, and with it all that is `unsafe`. Without it the crate is `forbid(unsafe_code)` |
//!
//! With `simd` and `std` the best instructions that the machine has are chosen as the program runs
//! (AVX-512, AVX2 or SSE2; NEON), without `std` those that the target promises
//! (`-C target-cpu=...`). WebAssembly has vectors if it is built with `-C target-feature=+simd128`.
//!
//! # What it costs
//!
//! Bytes of state on 64-bit machines, and what is allocated; tests hold both.
//!
//! | | state | allocations |
//! |---|---|---|
//! | [`sse::Lexer`] | 4 | none |
//! | [`sse::Decoder`] | 224 and the `N` of its [`InlineId<N>`](sse::InlineId) | none |
//! | [`sse::OwnedDecoder`] | 352 | a reference count for each chunk, and two for each event in several lines or chunks |
//! | [`sse::EventSource`] | 224 beside its decoder | those of its decoder, and what [last events](sse::LastEvents) are made of at run time |
//! | [`ws::frame::FrameDecoder`] | 88 | none |
//! | [`ws::connection::MessageDecoder`] | 112 | a reference count for each read buffer; messages in several frames or reads are gathered |
//! | [`ws::Connection`] of a server | 248, or 272 for whole messages | those of its decoder |
//! | [`ws::WebSocket`] of a server | 896 | those of its decoder, and a queue that grows with what waits to be written |
//! | encoding into a buffer that is used again | | none |
//!
//! Feature `deflate` takes 8 to 32 bytes more for each of the WebSocket rows, and where compression is
//! in use, what [`ws::Deflate`] says.
//!
//! # Limits and errors
//!
//! Nothing that a peer sends makes the crate panic, or hold more memory than the limits say. They
//! are on by default. Errors are small `Copy` types; those of a decoder name the offset of the byte
//! that decided.
#![no_std]
#![deny(unreachable_pub)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// Docs link to what the features add.
#![cfg_attr(
    not(all(
        feature = "deflate",
        feature = "getrandom",
        feature = "http",
        feature = "http-body",
        feature = "tokio-util"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]
#![cfg_attr(not(feature = "simd"), forbid(unsafe_code))]
#![cfg_attr(feature = "simd", deny(unsafe_code))]
// Where it is said, the figures of the benchmarks show that it pays.
#![allow(clippy::inline_always)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod sse;
pub mod ws;

mod backoff;
mod last_chance;
mod number;
mod retry_after;
mod simd;
mod sink;
mod token;
mod url;
mod utf8;

#[cfg(feature = "alloc")]
mod fanout;
#[cfg(feature = "alloc")]
mod utf8_bytes;

pub use backoff::Backoff;
#[cfg(feature = "alloc")]
pub use fanout::{Fanout, FanoutOptions, Lagged, Subscriber};
pub use sink::BufferTooSmall;
pub use url::{Credentials, InvalidUrl, Target, Url};
#[cfg(feature = "alloc")]
pub use utf8_bytes::Utf8Bytes;

#[cfg(any(doc, all(doctest, feature = "alloc")))]
#[doc = include_str!("server_guide.md")]
pub mod server_guide {}

/// The README's examples run as tests.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
