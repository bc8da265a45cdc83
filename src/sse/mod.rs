//! Server-Sent Events ([WHATWG HTML, 9.2]).
//!
//! [WHATWG HTML, 9.2]:
//! https://html.spec.whatwg.org/multipage/server-sent-events.html#server-sent-events
//!
//! | to | use |
//! |---|---|
//! | decode events in your own buffer, no allocator | [`Decoder`] |
//! | decode owned events from `BytesMut` or `Bytes` chunks | [`OwnedDecoder`] |
//! | read a `Stream` of events from an HTTP client's response or chunks | [`EventStream`] (feature `stream`) |
//! | read and write with `Framed` of `tokio-util` | [`EventCodec`] (feature `tokio-util`) |
//! | see each field and comment, buffering nothing | [`Lexer`](decode::Lexer) |
//! | stay connected to a server, as a client | [`EventSource`] |
//! | write events | [`EventBuilder`], [`KeepAlive`] |
//! | send the same events to many clients, and let them resume | [`Replay`] |
//! | answer with an event stream in hyper, axum and others | [`EventBody`] (feature `http-body`) |
//! | set and check HTTP headers | [`RESPONSE_HEADERS`](header::RESPONSE_HEADERS), [`is_event_stream`](header::is_event_stream), [`last_event_id_value`](header::last_event_id_value) |

pub mod client;
pub mod decode;
pub mod encode;
pub mod header;
pub mod server;

#[cfg(any(feature = "stream", feature = "tokio-util"))]
pub mod adapt;

mod event_id;

#[cfg(feature = "http-body")]
pub use adapt::event_body::EventBody;
#[cfg(feature = "tokio-util")]
pub use adapt::event_codec::EventCodec;
#[cfg(feature = "stream")]
pub use adapt::event_stream::EventStream;
#[cfg(any(feature = "stream", feature = "tokio-util"))]
pub use adapt::read_error::ReadError;
pub use client::event_source::{EventSource, EventSourceStep, ReadyState, Received};
pub use client::event_source_error::{EventSourceError, EventSourceErrorCause};
pub use client::event_source_options::EventSourceOptions;
pub use client::last_event::LastEvent;
pub use decode::decode_error::DecodeError;
pub use decode::decoder::Decoder;
pub use decode::decoder_options::DecoderOptions;
pub use decode::event::{Event, Item};
#[cfg(feature = "alloc")]
pub use decode::owned_decoder::{OwnedDecoder, OwnedEvent, OwnedItem};
pub use encode::event_builder::EventBuilder;
pub use event_id::{EventId, EventType, InvalidValue};
pub use server::keep_alive::KeepAlive;
#[cfg(feature = "alloc")]
pub use server::replay::{Replay, Resume, Subscription};
