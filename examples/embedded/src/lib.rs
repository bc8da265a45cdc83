//! Clients for firmware, over `embedded-io` and `embedded-io-async`. Copy these modules.
//!
//! They need neither `std` nor an allocator.

#![no_std]

pub mod blocking;
mod body;
pub mod sse;
pub mod websocket;
