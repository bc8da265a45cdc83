//! Encoding: from events to bytes.

mod data_writer;
mod event_builder;

pub use data_writer::{DataWriter, Output};
pub use event_builder::EventBuilder;
