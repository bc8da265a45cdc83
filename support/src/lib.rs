//! Helpers shared by eventwire's tests. A helper that two suites need belongs here; a helper of one
//! suite stays in that suite.
#![allow(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    missing_debug_implementations,
    missing_docs,
    reason = "the callers are tests"
)]

mod cut;
#[cfg(feature = "handshake")]
pub mod handshake;
pub mod program;
pub mod sse;
pub mod vectors;
pub mod ws;

#[cfg(feature = "std")]
pub mod echo;
#[cfg(all(feature = "fuzz", feature = "std"))]
pub mod fuzz;
#[cfg(feature = "line-echo")]
pub mod line_echo;
#[cfg(feature = "std")]
pub mod transport;

pub use cut::cut;
