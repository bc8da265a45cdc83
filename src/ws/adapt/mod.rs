//! Adaptors to the traits of other crates: thin, without protocol logic.

mod halves;
pub(in crate::ws) mod message_stream;

pub use halves::{ReadHalf, WriteHalf};
