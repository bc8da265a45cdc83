//! Encoding of events to bytes.

mod data_writer;
mod event_builder;
mod event_text;

pub use data_writer::{DataWriter, Output};
pub use event_builder::EventBuilder;
pub use event_text::EventText;
