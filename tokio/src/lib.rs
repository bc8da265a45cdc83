//! Turns the state machines of `eventwire` into programs on tokio.
//!
//! This package is the home of the tokio driver, which takes over these modules. They are shared by
//! the examples until then, and are not published.

#[cfg(feature = "echo")]
pub mod echo;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "transport")]
pub mod transport;
