//! Server-Sent Events: clients that follow an event stream, and what servers send.
//!
//! | to | use |
//! |---|---|
//! | stay connected to an event stream | `sse::connect` (feature `reqwest`) |
//! | do so with an HTTP client of your own | [`connect_with`] |
//! | send one request, such as a question to a language model, and read the events of its response | `RequestBuilderExt::events` (feature `reqwest`) |
//! | read the events of a response that you already have | [`EventStream::from_response`] |
//! | send events to one client | [`EventBuilder`] and [`EventBody`] |
//! | send the same events to many clients | [`Hub`](crate::Hub) |
//!
//! A source decides nothing itself. [`eventwire::sse::EventSource`] decides when to connect and
//! judges every response, as the standard says ([WHATWG HTML, 9.2]). This module sends the
//! requests, reads the responses, and waits.
//!
//! [WHATWG HTML, 9.2]:
//! https://html.spec.whatwg.org/multipage/server-sent-events.html#server-sent-events
//!
#![cfg_attr(feature = "reqwest", doc = "```no_run")]
#![cfg_attr(not(feature = "reqwest"), doc = "```ignore")]
//! use eventwire_tokio::sse;
//! use std::time::Duration;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), sse::EventSourceError> {
//!     // The server sends keep-alives, so a minute of silence means that it has gone.
//!     let options = sse::Connect::default_options().idle_timeout(Duration::from_secs(60));
//!     let mut source = sse::connect("http://localhost:3000/feed").options(options).build();
//!     while let Some(event) = source.next().await {
//!         match event {
//!             Ok(event) => println!("{}", event.data),
//!             Err(error) if error.will_retry() => eprintln!("{error}, trying again"),
//!             Err(error) => return Err(error),
//!         }
//!     }
//!     Ok(())
//! }
//! ```

mod connect;
mod event_source;
mod event_source_error;
mod exchange;
mod http_client;
mod refusal;
mod trace;

#[cfg(feature = "reqwest")]
mod events;
#[cfg(feature = "reqwest")]
mod request_builder_ext;
#[cfg(feature = "reqwest")]
mod reqwest_client;

pub use connect::{Connect, connect_with};
pub use event_source::EventSource;
pub use event_source_error::{EventSourceError, EventSourceErrorKind};
pub use http_client::{BoxError, HttpClient};

#[cfg(feature = "reqwest")]
pub use events::Events;
#[cfg(feature = "reqwest")]
pub use request_builder_ext::RequestBuilderExt;
#[cfg(feature = "reqwest")]
pub use reqwest_client::connect;

pub use eventwire::sse::adapt::IntoEventBytes;
pub use eventwire::sse::client::LastEvents;
pub use eventwire::sse::{
    DecodeError, DecoderOptions, EventBody, EventBuilder, EventId, EventSourceOptions, EventStream,
    EventType, Item, KeepAlive, LastEvent, OwnedEvent, OwnedItem, ReadyState,
};
