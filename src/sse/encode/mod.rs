//! Encoding of events to bytes.

mod data_writer;
pub(in crate::sse) mod event_builder;
mod event_text;

pub use data_writer::{DataWriter, Output};
#[cfg(feature = "alloc")]
pub(in crate::sse) use event_builder::EventBuilder;
pub use event_text::EventText;
