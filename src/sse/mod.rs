//! Server-Sent Events (WHATWG HTML, section 9.2).
//!
//! | to | use |
//! |---|---|
//! | decode events in your own buffer, no allocator | [`Decoder`] |
//! | decode owned events from `BytesMut` or `Bytes` chunks | [`BytesDecoder`] |
//! | have a stream of events over an HTTP client's stream of chunks | [`EventStream`] (feature `stream`) |
//! | read and write by `Framed` of `tokio-util` | [`EventCodec`] (feature `tokio-util`) |
//! | see each field and comment, buffering nothing | [`Lexer`] |
//! | stay connected to a server, as a client | [`EventSource`] |
//! | write events | [`Message`], [`KeepAlive`] |
//! | send the same to many, and let them resume | [`Replay`] |
//! | answer with an event stream by hyper, axum and the like | [`EventBody`] (feature `http-body`) |
//! | set and check HTTP headers | [`RESPONSE_HEADERS`], [`is_event_stream`], [`last_event_id_value`] |

mod block;
mod checked;
mod data_writer;
mod decoder;
mod encoder;
mod engine;
mod error;
mod event;
mod field;
mod header;
mod id;
mod keep_alive;
mod last_event;
mod lexer;
mod options;
mod source;
mod source_options;
mod text;

#[cfg(feature = "alloc")]
mod bytes_decoder;
#[cfg(feature = "tokio-util")]
mod codec;
#[cfg(feature = "http-body")]
mod event_body;
#[cfg(feature = "stream")]
mod event_stream;
#[cfg(any(feature = "stream", feature = "tokio-util"))]
mod read_error;
#[cfg(feature = "alloc")]
mod replay;

#[cfg(feature = "alloc")]
pub use bytes_decoder::{BytesDecoder, OwnedEvent, OwnedItem};
pub use checked::{EventId, EventType, InvalidValue};
#[cfg(feature = "tokio-util")]
pub use codec::EventCodec;
pub use data_writer::{DataWriter, Output};
pub use decoder::Decoder;
pub use encoder::Message;
pub use error::{DecodeError, IdTooLong, SourceError, SourceErrorCause};
pub use event::{Block, Event, Item};
#[cfg(feature = "http-body")]
pub use event_body::EventBody;
#[cfg(feature = "stream")]
pub use event_stream::EventStream;
pub use field::FieldName;
pub use header::{
    CONTENT_TYPE, LAST_EVENT_ID, RESPONSE_HEADERS, UnsendableId, is_event_stream,
    last_event_id_value,
};
pub use id::{IdStorage, InlineId};
pub use keep_alive::{KEEP_ALIVE, KeepAlive};
pub use last_event::{LastEvent, LastEvents};
pub use lexer::{Lexer, Token};
pub use options::{OnLimit, Options};
#[cfg(any(feature = "stream", feature = "tokio-util"))]
pub use read_error::ReadError;
#[cfg(feature = "alloc")]
pub use replay::{Replay, Resume, Subscription};
pub use source::{EventSource, ReadyState, Received, SourceDecoder, Step};
pub use source_options::SourceOptions;
pub use text::{Pieces, Text};

/// The byte order mark that may stand at a stream's start, and only there.
const BOM: &[u8] = "\u{FEFF}".as_bytes();
