//! Servers and proxies that fail, and how clients end.
//!
//! Each row of `FAULTS.md` is a test here. The module [`table`] prints that file's table, with
//! the default options and beside another client.
#![cfg(all(feature = "tls", feature = "reqwest"))]

mod blocking;
mod client;
mod end;
mod events;
mod fault;
mod identity;
mod patience;
mod peer;
mod scene;
mod source;
mod table;
mod websocket;
