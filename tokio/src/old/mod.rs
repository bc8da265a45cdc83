//! The modules that the examples shared before the driver. Deleted with their last user.
#![allow(missing_docs)]
#[cfg(feature = "old-echo")]
pub mod echo;
#[cfg(feature = "old-transport")]
pub mod transport;
