#![doc = include_str!("../README.md")]
//! # Where things are
//!
//! | to | use |
//! |---|---|
//! | connect to a WebSocket | [`ws::connect`] |
//! | stay connected to one | [`ws::reconnect`] |
//! | serve one on any transport | [`ws::accept`] |
//! | serve one in axum | [`axum::WebSocketUpgrade`] (feature `axum`) |
//! | serve one after a handshake that was made elsewhere | [`ws::WebSocket::server`] |
//! | follow an event stream | [`sse::connect`] (feature `reqwest`), [`sse::connect_with`] |
//! | read the events of one response | [`sse::RequestBuilderExt`] (feature `reqwest`), [`sse::EventStream`] |
//! | send events to one client | [`sse::EventBody`] |
//! | send the same events to many clients | [`Hub`] |
//! | do something else with the protocols | [`eventwire`] |
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(feature = "axum", feature = "reqwest")),
    allow(rustdoc::broken_intra_doc_links, reason = "docs link to what features add")
)]
#![forbid(unsafe_code)]

#[cfg(feature = "axum")]
pub mod axum;
mod hub;
#[cfg(feature = "connect")]
mod net;
pub mod sse;
mod timer;
mod transport;
pub mod ws;

pub use eventwire;
pub use hub::{Blocks, Hub, HubEvent, HubOptions, LastEventId, Serve, Subscriber};

#[cfg(doc)]
#[doc = include_str!("../FAULTS.md")]
pub mod faults {}

/// The examples of the project's front page run as tests.
#[cfg(all(doctest, feature = "axum", feature = "reqwest"))]
#[doc = include_str!("../../README.md")]
struct FrontPage;
