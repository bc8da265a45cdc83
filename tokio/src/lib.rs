//! Drives the state machines of `eventwire` on tokio.
//!
//! The examples share these modules. A driver for tokio will replace them; until then the package
//! is not published.

#[cfg(feature = "echo")]
pub mod echo;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "transport")]
pub mod transport;
