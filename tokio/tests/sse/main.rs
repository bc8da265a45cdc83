//! Event sources against servers on loopback, and over a client without a network.
#![cfg(feature = "reqwest")]

mod cancel;
mod following;
mod hyper_client;
mod memory;
#[cfg(feature = "tracing")]
#[path = "../support/notes.rs"]
mod notes;
mod on_request;
mod one_request;
mod refused;
mod server;
#[cfg(feature = "tracing")]
mod traced;
mod waits;
