//! sans-IO.
#![no_std]
#![deny(unreachable_pub)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "simd"), forbid(unsafe_code))]
#![cfg_attr(feature = "simd", deny(unsafe_code))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod sse;

#[cfg(feature = "alloc")]
mod utf8_bytes;

#[cfg(feature = "alloc")]
pub use utf8_bytes::Utf8Bytes;
