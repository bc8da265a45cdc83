//! Both protocols in firmware: no allocator, one buffer, any transport. `main.rs` runs them over a
//! transport in memory. On hardware the transport is a UART or a TCP stack.

#![no_std]

#[cfg(feature = "sse")]
pub mod sse;
#[cfg(feature = "websocket")]
pub mod websocket;

/// The size of the buffer in bytes.
pub const BUFFER: usize = 2048;
