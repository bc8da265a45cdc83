//! The client that stays connected to an event stream.

mod event_source;
mod event_source_error;
mod event_source_options;
mod last_event;
mod statuses;

pub use event_source::{EventSource, EventSourceDecoder, EventSourceStep, ReadyState, Received};
pub use event_source_error::{EventSourceError, EventSourceErrorCause};
pub use event_source_options::EventSourceOptions;
pub use last_event::{LastEvent, LastEvents};
pub use statuses::Statuses;
