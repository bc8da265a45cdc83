//! The client that stays connected to an event stream.

pub(in crate::sse) mod event_source;
pub(in crate::sse) mod event_source_error;
pub(in crate::sse) mod event_source_options;
pub(in crate::sse) mod last_event;
mod statuses;

pub use event_source::EventSourceDecoder;
pub use last_event::LastEvents;
pub use statuses::Statuses;
