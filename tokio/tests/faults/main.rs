//! Servers and proxies that fail, and how clients end.
//!
//! Each row of `FAULTS.md` is a test here. The module [`table`] prints that file's table, with
//! the default options and beside another client.
#![cfg(feature = "tls")]

mod client;
mod end;
mod fault;
mod identity;
mod peer;
mod scene;
mod table;
mod websocket;
