//! The driver for threads, over loopback.

mod support;

#[cfg(feature = "ureq")]
mod event_source;
mod events;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod ws;
