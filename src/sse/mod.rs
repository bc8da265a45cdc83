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
//! | see each field and comment, buffering nothing | [`Lexer`] |
//! | stay connected to a server, as a client | [`EventSource`] |
//! | write events | [`EventBuilder`], [`KeepAlive`] |
//! | send the same events to many clients, and let them resume | [`Replay`] |
//! | answer with an event stream in hyper, axum and others | [`EventBody`] (feature `http-body`) |
//! | set and check HTTP headers | [`RESPONSE_HEADERS`], [`is_event_stream`], [`last_event_id_value`] |

mod adapt;
mod client;
mod decode;
mod encode;
mod event_id;
mod header;
mod server;

#[cfg(feature = "tokio-util")]
pub use adapt::EventCodec;
#[cfg(any(feature = "stream", feature = "tokio-util"))]
pub use adapt::ReadError;
#[cfg(feature = "http-body")]
pub use adapt::{BodyChunks, EventBody, NotAnEventStream};
#[cfg(feature = "stream")]
pub use adapt::{EventStream, IntoEventBytes, ItemStream, KeepAliveStream};
pub use client::{
    EventSource, EventSourceDecoder, EventSourceError, EventSourceErrorCause, EventSourceOptions,
    EventSourceStep, LastEvent, LastEvents, ReadyState, Received, Statuses,
};
pub use decode::{
    Block, DecodeError, Decoder, DecoderOptions, Event, FieldName, IdStorage, IdTooLong, InlineId,
    Item, Lexer, OnLimit, Pieces, Text, Token,
};
#[cfg(feature = "alloc")]
pub use decode::{OwnedDecoder, OwnedEvent, OwnedItem};
pub use encode::{DataWriter, EventBuilder, EventText, Output};
pub use event_id::{EventId, EventType, InvalidValue};
pub use header::{
    CONTENT_TYPE, LAST_EVENT_ID, RESPONSE_HEADERS, UnsendableId, is_event_stream,
    last_event_id_value,
};
pub use server::{KEEP_ALIVE, KeepAlive};
#[cfg(feature = "alloc")]
pub use server::{Replay, Resume, Subscription};
