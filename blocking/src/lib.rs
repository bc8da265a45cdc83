#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// Docs link to what the features add.
#![cfg_attr(not(all(feature = "tls", feature = "ureq")), allow(rustdoc::broken_intra_doc_links))]

pub mod sse;
pub mod ws;

mod dial;
#[cfg(feature = "tls")]
mod tls;
mod transport;

/// An error of any type, as a cause.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub use eventwire;
pub use transport::Transport;
#[cfg(feature = "ureq")]
pub use ureq;
