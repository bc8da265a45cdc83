//! Adaptors to the traits of other crates: thin, without protocol logic.

mod halves;
mod message_stream;

pub use halves::{ReadHalf, WriteHalf};
pub use message_stream::{MessageStream, StreamError};
