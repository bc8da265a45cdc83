//! What firmware does with either protocol: no allocator, one buffer, any transport. `main.rs` runs
//! it over a wire in memory; on hardware it is a UART or a TCP stack.

#![no_std]

#[cfg(feature = "sse")]
pub mod sse;
#[cfg(feature = "websocket")]
pub mod websocket;

/// The size of the one buffer.
pub const BUFFER: usize = 2048;
