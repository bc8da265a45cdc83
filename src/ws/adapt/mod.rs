//! Thin adaptors to the traits of other crates, without protocol logic.

mod halves;
pub(in crate::ws) mod message_stream;

pub use halves::{ReadHalf, ReuniteError, WriteHalf};
