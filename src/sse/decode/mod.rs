//! Decoding: from the bytes of an event stream to events.

mod block;
pub(in crate::sse) mod decode_error;
pub(in crate::sse) mod decoder;
pub(in crate::sse) mod decoder_options;
mod engine;
pub(in crate::sse) mod event;
mod field;
mod id_storage;
mod lexer;
mod text;

#[cfg(feature = "alloc")]
pub(in crate::sse) mod owned_decoder;

pub(in crate::sse) use decode_error::DecodeError;
pub use decode_error::IdTooLong;
pub(in crate::sse) use decoder::Decoder;
pub use decoder_options::OnLimit;
pub use event::Block;
pub(in crate::sse) use event::{Event, Item};
pub use field::FieldName;
pub use id_storage::{IdStorage, InlineId};
pub use lexer::{Lexer, Token};
#[cfg(feature = "stream")]
pub(in crate::sse) use owned_decoder::OwnedEvent;
#[cfg(feature = "alloc")]
pub(in crate::sse) use owned_decoder::{OwnedDecoder, OwnedItem};
pub use text::{Pieces, Text};

/// The byte order mark, which is allowed at the start of a stream and nowhere else.
const BOM: &[u8] = "\u{FEFF}".as_bytes();
