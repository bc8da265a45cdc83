//! [`ConnectError`], why no WebSocket was opened.

use eventwire::InvalidUrl;
use eventwire::ws::Failure;
use eventwire::ws::handshake::{NoNonce, Unsendable};
use eventwire::ws::socket::Refusal;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Why [`connect`](super::connect) opened no WebSocket. The message names the hop that failed. The
/// error of the system or of TLS is the [`source`](std::error::Error::source).
///
/// ```
/// use eventwire_blocking::ws::{self, ConnectError};
///
/// let error = ws::connect("ws://localhost:9/").open().unwrap_err();
/// assert!(matches!(error, ConnectError::Tcp { .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is invalid. Another attempt would fail in the same way.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// A header, the origin or a subprotocol cannot be sent. Another attempt would fail in the same
    /// way.
    #[error(transparent)]
    Unsendable(#[from] Unsendable),
    /// The operating system has no random bytes.
    #[error(transparent)]
    Random(#[from] NoNonce),
    /// The URL needs TLS, but the crate was built without the feature `tls`.
    #[error("the URL needs TLS: enable the feature `tls`")]
    NoTls,
    /// The host's name was not resolved.
    #[error("the name {host} was not resolved: {source}")]
    Resolve {
        /// The name.
        host: String,
        /// The error of the system.
        source: io::Error,
    },
    /// No address of the host could be connected to.
    #[error("no TCP connection to {host} at {address}: {source}")]
    Tcp {
        /// The host.
        host: String,
        /// The last address that was tried.
        address: SocketAddr,
        /// The error at this address.
        source: io::Error,
    },
    /// The transport had ended already.
    #[error("the transport to {host} cannot be used: {source}")]
    Transport {
        /// The host.
        host: String,
        /// The error of the transport.
        source: io::Error,
    },
    /// TLS could not be set up. The source contains a `rustls::Error` if rustls refused it.
    #[error("no TLS with {host}: {source}{}", hint(source))]
    Tls {
        /// The host.
        host: String,
        /// The error of rustls or of the transport.
        source: io::Error,
    },
    /// The server answered with TLS, but the URL begins with `ws` or `http`.
    #[error("{host} answered with TLS: use wss:// in the URL")]
    TlsExpected {
        /// The host.
        host: String,
    },
    /// The deadline passed before the opening handshake began.
    #[error("{hop} took longer than {after:?}, for {host}")]
    Timeout {
        /// The step that took too long: `name resolution`, `TCP` or `TLS`.
        hop: &'static str,
        /// The host.
        host: String,
        /// The deadline, counted from the start.
        after: Duration,
    },
    /// The opening handshake failed.
    #[error(transparent)]
    Handshake(Failure),
}

impl ConnectError {
    /// Returns the server's response, if it refused: its status, its headers and its body.
    ///
    /// ```no_run
    /// use eventwire_blocking::ws;
    ///
    /// if let Err(error) = ws::connect("wss://example.com/private").open()
    ///     && let Some(refusal) = error.refusal()
    /// {
    ///     println!("{}: {:?}", refusal.status(), refusal.body());
    /// }
    /// ```
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Handshake(Failure::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }
}

/// Returns advice if the peer's first bytes were no TLS record.
#[cfg(feature = "tls")]
fn hint(error: &io::Error) -> &'static str {
    let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match error {
        Some(rustls::Error::InvalidMessage(_)) => {
            "; if the server has no TLS, use ws:// in the URL"
        }
        _ => "",
    }
}

#[cfg(not(feature = "tls"))]
const fn hint(_: &io::Error) -> &'static str {
    ""
}
