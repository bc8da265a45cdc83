//! Server-Sent Events ([WHATWG HTML, 9.2]): clients.
//!
//! | to | use |
//! |---|---|
//! | read the events of one response, or of anything else that is [`Read`](std::io::Read) | [`events`] |
//! | do so after the check of a response of ureq (feature `ureq`) | [`Events::from_response`] |
//! | stay connected to a server (feature `ureq`) | [`connect`] |
//!
//! Events, options and errors are those of [`eventwire::sse`].
//!
//! [WHATWG HTML, 9.2]:
//! https://html.spec.whatwg.org/multipage/server-sent-events.html#server-sent-events

#[cfg(feature = "ureq")]
mod connect;
#[cfg(feature = "ureq")]
mod event_source;
#[cfg(feature = "ureq")]
mod event_source_error;
mod events;
#[cfg(feature = "ureq")]
mod refusal;

#[cfg(feature = "ureq")]
pub use connect::{Connect, connect};
#[cfg(feature = "ureq")]
pub use event_source::EventSource;
#[cfg(feature = "ureq")]
pub use event_source_error::{EventSourceError, EventSourceErrorKind};
pub use events::{Events, events};
#[cfg(feature = "ureq")]
pub use eventwire::sse::adapt::NotAnEventStream;
pub use eventwire::sse::client::LastEvents;
pub use eventwire::sse::{
    DecodeError, DecoderOptions, EventSourceOptions, LastEvent, OwnedDecoder, OwnedEvent,
    ReadError, ReadyState,
};
