#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod sse;
pub mod ws;

mod dial;
#[cfg(feature = "tls")]
mod tls;
mod transport;

pub use eventwire;
#[cfg(feature = "tls")]
pub use rustls;
pub use transport::Transport;
#[cfg(feature = "ureq")]
pub use ureq;
