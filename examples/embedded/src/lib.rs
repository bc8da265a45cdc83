//! Clients for firmware, over `embedded-io` and `embedded-io-async`, to be taken along.
//!
//! They need neither `std` nor an allocator.

#![no_std]

pub mod blocking;
mod body;
pub mod sse;
pub mod websocket;
