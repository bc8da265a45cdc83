//! Adaptors to the traits of other crates: thin, without protocol logic.

mod message_stream;

pub use message_stream::{MessageStream, StreamError};
