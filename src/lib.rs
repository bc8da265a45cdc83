//! The protocols that servers push events with, as a sans-IO library: bytes in, events out.
//!
//! It opens no socket, spawns no task, reads no clock. The same code serves a microcontroller with
//! one buffer on its stack, a browser in WebAssembly and a server with a million connections.
//!
//! * [`sse`]: Server-Sent Events, the parser, the decoder and the encoder;
//! * [`ws`]: WebSocket, frames, messages, connections and the opening handshake.
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
//! use eventwire::sse::{BytesDecoder, Item};
//!
//! let mut decoder = BytesDecoder::new();
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
//! # Write events
//!
//! ```
//! use eventwire::sse::{EventType, Message};
//!
//! const TICK: EventType<'_> = EventType::from_static("tick");
//!
//! let mut buffer = [0; 64];
//! let len = Message::new().event_type(TICK).data("12:00:00").encode(&mut buffer)?;
//! assert_eq!(&buffer[..len], b"event: tick\ndata: 12:00:00\n\n");
//! # Ok::<(), eventwire::BufferTooSmall>(())
//! ```
//!
//! # Speak WebSocket
//!
//! A connection takes what was received and gives what to send.
//!
//! ```
//! use eventwire::ws::{Connection, Data, Event, Frame, Options};
//!
//! let mut connection = Connection::server(Options::new());
//! let mut received = *b"\x81\x82\x01\x02\x03\x04\x69\x6b\x83\x80"; // "hi", masked, and nonsense
//! let mut to_send = [0; 131];
//! let mut input = &mut received[..];
//! let mut sent = Vec::new();
//! loop {
//!     let event = connection.receive(&mut input);
//!     let len = connection.reply(&mut to_send)?; // pongs, the closing handshake, errors
//!     sent.extend_from_slice(&to_send[..len]);
//!     match event {
//!         Ok(Some(Event::Data(Data { fin: true, .. }))) => {
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
//! use eventwire::sse::{Decoder, Event, InlineId, Item, Options, Text};
//! use std::io::Read;
//!
//! fn pump(mut source: impl Read, mut on_event: impl FnMut(Event<Text<'_>>)) -> std::io::Result<()> {
//!     let mut buffer = [0; 512];
//!     let mut filled = 0;
//!     let options = Options::new().max_event(buffer.len() - 1);
//!     let mut decoder = Decoder::<InlineId<64>>::with_options(options);
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
//! | `alloc` | owned events and whole messages: `BytesMut` and `Bytes` in, `Bytes` out |
//! | `std` (default; implies `alloc`) | run-time CPU detection, `std::io::Write` for event data |
//! | `handshake` (default) | the [opening handshake](ws::handshake) of WebSocket over HTTP/1.1, both roles |
//! | `http` (implies `handshake` and `std`) | the handshake over the `http` crate's types |
//! | `getrandom` | [`OsMaskKeys`](ws::OsMaskKeys): masking keys from the operating system |
//! | `simd` (default) | vector code for x86-64 and aarch64, and with it all that is `unsafe`. Without it the crate is `forbid(unsafe_code)` |
//!
//! With `simd` and `std` the best instructions that the machine has are chosen as the program runs
//! (AVX-512, AVX2 or SSE2; NEON), without `std` those that the target promises
//! (`-C target-cpu=...`).
//!
//! # What it costs
//!
//! Bytes of state on 64-bit machines, and what is allocated; tests hold both.
//!
//! | | state | allocations |
//! |---|---|---|
//! | [`sse::Lexer`] | 24 | none |
//! | [`sse::Decoder`] | 224 and the `N` of its [`InlineId<N>`](sse::InlineId) | none |
//! | [`sse::BytesDecoder`] | 352 | a reference count for each chunk, and two for each event in several lines or chunks |
//! | [`ws::Decoder`] | 88 | none |
//! | [`ws::MessageDecoder`] | 112 | a reference count for each read buffer; messages in several frames or reads are gathered |
//! | [`ws::Connection`] of a server | 248, or 272 for whole messages | those of its decoder |
//! | encoding into a buffer that is used again | | none |
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
    not(all(feature = "alloc", feature = "getrandom", feature = "http")),
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
mod simd;
mod sink;
mod utf8;

#[cfg(feature = "alloc")]
mod utf8_bytes;

pub use backoff::Backoff;
pub use sink::BufferTooSmall;
#[cfg(feature = "alloc")]
pub use utf8_bytes::Utf8Bytes;

/// The README's examples run as tests.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
