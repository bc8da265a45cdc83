//! Decoding: from the bytes of an event stream to events.

mod block;
mod decode_error;
mod decoder;
mod decoder_options;
mod engine;
mod event;
mod field;
mod id_storage;
mod lexer;
mod text;

#[cfg(feature = "alloc")]
mod owned_decoder;

pub use decode_error::{DecodeError, IdTooLong};
pub use decoder::Decoder;
pub use decoder_options::{DecoderOptions, OnLimit};
pub use event::{Block, Event, Item};
pub use field::FieldName;
pub use id_storage::{IdStorage, InlineId};
pub use lexer::{Lexer, Token};
#[cfg(feature = "alloc")]
pub use owned_decoder::{OwnedDecoder, OwnedEvent, OwnedItem};
pub use text::{Pieces, Text};

/// The byte order mark, which is allowed at the start of a stream and nowhere else.
const BOM: &[u8] = "\u{FEFF}".as_bytes();
