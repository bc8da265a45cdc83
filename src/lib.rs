//! Server-Sent Events and WebSocket as a sans-IO library: bytes in, events out.
//!
//! The crate opens no socket, starts no task, reads no clock and draws no random number. Bytes,
//! time and randomness are arguments; events, bytes to send and deadlines are results. The same
//! code serves a microcontroller with one buffer on its stack, a browser through WebAssembly, and a
//! server with thousands of connections.
//!
//! # Which type to use
//!
//! | you have | use |
//! |---|---|
//! | the response of an HTTP client, such as reqwest or hyper | [`sse::EventStream::from_response`] (feature `http-body`) |
//! | a stream of chunks, such as reqwest's `bytes_stream()` | [`sse::EventStream::new`] (feature `stream`) |
//! | an HTTP client and a stream to follow over many connections | [`sse::EventSource`] |
//! | a server on axum or hyper, and events to send | [`sse::EventBuilder`] and [`sse::EventBody`] (feature `http-body`) |
//! | the same events for many clients, who may resume | [`sse::Replay`], or [`Fanout`] without ids |
//! | a WebSocket request in axum or hyper | [`handshake::Request::from_http`](ws::handshake::Request::from_http) (feature `http`), then [`ws::MessageStream`] or [`ws::WebSocket`] |
//! | a TCP or TLS stream of tokio, and a WebSocket to open or accept | [`ws::handshake`], then [`ws::MessageStream`] (feature `tokio-util`) |
//! | the same, with pings, deadlines and a send queue; or a blocking `TcpStream` | [`ws::WebSocket`], in [this loop](ws#driving-it-yourself) |
//! | a WebSocket client that reconnects | [`ws::ReconnectingWebSocket`] |
//! | a microcontroller with one buffer and no allocator | [`sse::Decoder`], [`Connection::frame_server`](ws::Connection::frame_server) and [`frame_client`](ws::Connection::frame_client) |
//! | a proxy that inspects or passes on either protocol | [`sse::decode::Lexer`]; [`FrameDecoder`](ws::frame::FrameDecoder) and [`Writer::send_run`](ws::connection::Writer::send_run) |
//!
//! [`sse`] and [`ws`] have a table of all their types, and the [server guide](server_guide) has the
//! numbers that decide how a server is built.
//!
//! # Receive events
//!
//! [`EventStream`](sse::EventStream) turns the body of one response into events.
//! [`from_response`](sse::EventStream::from_response) takes the response, and checks its status and
//! content type. [`new`](sse::EventStream::new) takes a stream of chunks. Check the response
//! yourself then ([`is_event_stream`](sse::header::is_event_stream)): the page of an error is an
//! empty stream of events.
//!
#![cfg_attr(feature = "stream", doc = "```")]
#![cfg_attr(not(feature = "stream"), doc = "```ignore")]
//! use bytes::Bytes;
//! use eventwire::sse::EventStream;
//! use futures_util::stream;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Of an HTTP client, such as `response.bytes_stream()`.
//! let body = ["id: 7\nevent: sum\ndata: 1 ", "+\ndata: 2\n\n"];
//! let body = stream::iter(body.map(|chunk| std::io::Result::Ok(Bytes::from(chunk))));
//!
//! let mut events = EventStream::new(body);
//! while let Some(event) = events.next().await {
//!     let event = event?; // the transport failed, or the stream passed a limit
//!     assert_eq!(event.event_type_or_default(), "sum");
//!     assert_eq!((&*event.data, &*event.last_event_id), ("1 +\n2", "7"));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Stay connected to an event stream
//!
//! [`EventSource`](sse::EventSource) tells when to send a request and with which headers, judges
//! the response, and resumes with the last event ID. Time and the transport are yours.
//!
//! ```
//! use eventwire::sse::{
//!     EventSource, EventSourceError, EventSourceOptions, EventSourceStep, Item, Received,
//! };
//! use std::time::Duration;
//!
//! /// A server that sends two more events on each connection, and breaks off inside the next one.
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
//!                         Received::More => break, // the body has ended here; else read more
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
//! The program `sse_client` in `examples/` is a whole client over `reqwest`.
//!
//! # Send events
//!
//! [`EventBuilder`](sse::EventBuilder) encodes an event, and [`EventBody`](sse::EventBody) makes a
//! response of a stream of encoded events. One event for many clients is encoded once.
//!
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use eventwire::sse::{EventBuilder, EventId, EventType};
//!
//! const TICK: EventType<'_> = EventType::from_static("tick"); // checked at compile time
//!
//! let event = EventBuilder::new().event_type(TICK).id(EventId::new("17")?).data("one\ntwo");
//! let shared = event.to_bytes(); // clones share its memory
//! assert_eq!(shared, "event: tick\nid: 17\ndata: one\ndata: two\n\n");
//!
//! let mut buffer = [0; 64]; // without an allocator
//! let len = event.encode(&mut buffer)?;
//! assert_eq!(buffer[..len], shared);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `encode_to` appends to any `BufMut`. `write_data` takes the data in pieces, as a JSON serialiser
//! writes it. [`RESPONSE_HEADERS`](sse::header::RESPONSE_HEADERS) are the headers of the response.
//!
//! # Speak WebSocket
//!
//! [`WebSocket`](ws::WebSocket) is a whole endpoint in either role: messages, the queue of what
//! waits to be written, pings, the closing handshake and all deadlines. Read into `received`, write
//! `to_write`, and call again at `deadline`: [Driving it yourself](ws#driving-it-yourself) has the
//! loop around a socket.
//!
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use bytes::{Buf, BytesMut};
//! use eventwire::ws::{Frame, WebSocket, WebSocketEvent, WebSocketOptions};
//! use std::time::Duration;
//!
//! let now = Duration::ZERO; // since a start of your choice
//! let options = WebSocketOptions::new().ping_interval(Duration::from_secs(20));
//! let mut socket = WebSocket::server(options, now); // the handshake is done
//!
//! let mut received = BytesMut::from(&b"\x81\x82\x01\x02\x03\x04\x69\x6b"[..]);
//! while let Some(event) = socket.poll(&mut received, now) {
//!     if let WebSocketEvent::Text(text) = event {
//!         socket.send(&Frame::text(&text))?;
//!     }
//! }
//! assert_eq!(socket.to_write(now).chunk(), b"\x81\x02hi"); // write it, and advance
//! assert_eq!(socket.deadline(), Some(Duration::from_secs(20))); // to ping then
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The one calling convention
//!
//! Every decoder of a stream has a method
//! `decode(&mut self, input) -> Result<Option<Item>, Error>`:
//!
//! * `Ok(Some(item))`: `input` was moved to the byte after the item. Call again.
//! * `Ok(None)`: there is nothing more for now. **Keep what is left of `input`, append to it, and
//!   call again.**
//! * `Err(error)`: the peer passed a limit or broke the protocol. The stream is dead, and the
//!   decoder repeats the error. Everything before the error was delivered.
//!
//! Items borrow the buffer or share its memory, and never borrow the decoder. The cuts of the input
//! into chunks change nothing: not the items, not the errors, not the offsets in them. (Payload of
//! WebSocket frames comes in runs, as it arrives. Joined, the runs are the same.)
//!
//! This loop decodes in a fixed buffer without an allocator, from any source of bytes:
//!
//! ```
//! use eventwire::sse::{Decoder, DecoderOptions, Event, Item};
//! use eventwire::sse::decode::{InlineId, Text};
//! use std::io::{self, Read};
//!
//! fn pump(mut source: impl Read, mut on_event: impl FnMut(Event<Text<'_>>)) -> io::Result<()> {
//!     let mut buffer = [0; 512];
//!     let mut filled = 0;
//!     let options = DecoderOptions::new().max_event(buffer.len() - 1);
//!     let mut decoder = Decoder::with_storage(options, InlineId::<64>::new());
//!     loop {
//!         let len = source.read(&mut buffer[filled..])?;
//!         if len == 0 {
//!             return Ok(()); // the rest is an unfinished event: discard it
//!         }
//!         filled += len;
//!         let mut input = &mut buffer[..filled];
//!         while let Some(item) = decoder.decode(&mut input).map_err(io::Error::other)? {
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
//! # Ok::<(), io::Error>(())
//! ```
//!
//! # Features
//!
//! Features only add: none changes a type or a behaviour.
//!
//! | feature | what it adds |
//! |---|---|
//! | none | all parsers, decoders and encoders over slices, without an allocator; [`sse::EventSource`], [`sse::KeepAlive`], [`Backoff`], [`Url`] |
//! | `alloc` | owned events and whole messages, with `BytesMut` and `Bytes` in and `Bytes` out; [`ws::WebSocket`], [`ws::ReconnectingWebSocket`], [`sse::Replay`], [`Fanout`] |
//! | `std` (default; implies `alloc`) | run-time CPU detection, `std::io::Write` for event data |
//! | `handshake` (default) | the [opening handshake](ws::handshake) of WebSocket over HTTP/1.1, in both roles |
//! | `http` (implies `handshake` and `std`) | the handshake over the `http` crate's types, also by extended CONNECT (RFC 8441) |
//! | `deflate` (implies `std`) | [`ws::Deflate`]: messages compressed by permessage-deflate (RFC 7692), in both roles |
//! | `stream` (implies `alloc`) | [`sse::EventStream`]: a `futures_core::Stream` of events over a stream of `Bytes`; [`sse::adapt::KeepAliveStream`] |
//! | `tokio-util` (implies `std`) | [`sse::EventCodec`], for `Framed` of `tokio-util`; [`ws::MessageStream`], a `Stream` and a `Sink` over a transport of tokio |
//! | `http-body` (implies `std` and `stream`) | [`sse::EventBody`]: an event stream as `http_body::Body` and `http::Response`, for hyper, axum and others |
//! | `axum` (implies `http-body`) | [`sse::EventBody`] as the return value of a handler of axum |
//! | `getrandom` | [`OsMaskKeys`](ws::OsMaskKeys) and [`os_nonce`](ws::handshake::os_nonce): a client's masking keys and nonce from the operating system |
//! | `simd` (default) | vector code for x86-64, aarch64 and WebAssembly, and with it all `unsafe` code. Without it the crate is `forbid(unsafe_code)` |
//!
//! With `simd` and `std` the program chooses the best instructions that the machine has when it
//! runs (AVX-512, AVX2 or SSE2; NEON). Without `std` it uses those that the target promises
//! (`-C target-cpu=...`). WebAssembly has vectors if it is built with `-C target-feature=+simd128`.
//!
//! # What it costs
//!
//! Bytes of state on 64-bit machines, and allocations. Tests guard both.
//!
//! | | state | allocations |
//! |---|---|---|
//! | [`sse::decode::Lexer`] | 4 | none |
//! | [`sse::Decoder`] | 224, and the `N` of its [`InlineId<N>`](sse::decode::InlineId) | none |
//! | [`sse::OwnedDecoder`] | 352 | a reference count for each chunk, and two for each event in several lines or chunks |
//! | [`sse::EventSource`] | 224 beside its decoder | those of its decoder, and [last events](sse::client::LastEvents) that are made at run time |
//! | [`ws::frame::FrameDecoder`] | 88 | none |
//! | [`ws::connection::MessageDecoder`] | 112 | a reference count for each read buffer; messages in several frames or reads are gathered |
//! | [`ws::Connection`] of a server | 248, or 272 for whole messages | those of its decoder |
//! | [`ws::WebSocket`] of a server | 784 | those of its decoder, and a queue that grows with what waits to be written |
//! | encoding into a buffer that is used again | | none |
//!
//! Feature `deflate` adds 8 to 32 bytes to each of the WebSocket rows. Where compression is in use,
//! [`ws::Deflate`] says what it takes.
//!
//! # Limits
//!
//! Nothing that a peer sends makes the crate panic, or hold more memory than the limits allow. They
//! are on by default, and judged at the first byte that passes them:
//!
//! * An event may have 8 MiB, unless [`DecoderOptions`](sse::DecoderOptions) say otherwise. A
//!   longer one fails the stream or is skipped, as you choose. Comments and unknown fields between
//!   events may have any length, unless they are shown.
//! * [`Decoder`](sse::Decoder) keeps ids of up to 256 bytes, unless its type says otherwise. A
//!   longer id fails the stream, or its event is skipped. [`OwnedDecoder`](sse::OwnedDecoder) has
//!   no such limit.
//! * A WebSocket message may have 16 MiB, in up to 131,072 frames, unless [`Limits`](ws::Limits)
//!   say otherwise. A longer message fails the connection with 1009, and too many frames with 1008.
//!   With [`OnLimit::Skip`](ws::frame::OnLimit::Skip) the message is skipped instead, unless it is
//!   compressed.
//! * The head of a [handshake](ws::handshake) may have 16 KiB and 100 headers, unless you say
//!   otherwise.
//! * [`Replay`](sse::Replay) can tell a dropped ID from an unknown one: always for IDs that it
//!   assigned, and for the last 1,024 of yours that were dropped.
//!
//! These things are not done, or not by default:
//!
//! * The decoders do not show a comment inside an event, because the event must stay in one piece.
//!   [`Lexer`](sse::decode::Lexer) shows it.
//! * An event that the end of the stream cuts off is discarded, as the standard demands, unless
//!   [`DecoderOptions::unfinished`](sse::DecoderOptions::unfinished) asks for it.
//! * Borrowed text is the bytes as they came: [`to_str`](sse::Event::to_str) is strict, and
//!   [`to_cow`](sse::Event::to_cow) puts U+FFFD for what is not UTF-8, as browsers do.
//!   `OwnedDecoder` always does the latter.
//! * An owned event or message keeps alive the buffer that it arrived in.
//! * [permessage-deflate](ws::Deflate) cannot write a window of 8 bits, and declines offers that
//!   demand it. It accepts references farther back than the agreed window, up to 32 KiB. If the
//!   first `BFINAL` of a connection comes after the first block of a message, later data cannot
//!   refer to what came before that message. Do not compress secrets beside the text of others.
//! * Redirects, cookies and TLS are your HTTP client's or transport's. `Retry-After` counts only in
//!   seconds, because a date needs a clock.
//!
//! # Output
//!
//! The encoders write nothing that the standards forbid: no newline through the type or id of an
//! event or through a header, no invalid text or close code in a frame, no control frame over 125
//! bytes, and nothing but pings and pongs after a close frame. Values are checked when they are
//! made, or an error comes before the first byte is written.
//!
//! # Errors
//!
//! An error is either a fault of the peer (it broke the protocol or passed a limit) or a misuse of
//! the API, and its type or variant says which. Errors are small types, mostly `Copy`. Those of a
//! decoder name the offset of the byte that decided, and the errors of a client keep the cause: the
//! transport's own error is their [`source`](core::error::Error::source).
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
    allow(rustdoc::broken_intra_doc_links, rustdoc::private_intra_doc_links)
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
