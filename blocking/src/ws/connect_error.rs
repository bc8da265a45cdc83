//! [`ConnectError`], why no WebSocket was opened.

use eventwire::InvalidUrl;
use eventwire::ws::handshake::{NoNonce, Unsendable};
use eventwire::ws::socket::Refusal;
use eventwire::ws::{CloseEvent, Failure};
use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Why [`connect`](super::connect) opened no WebSocket. The message names the hop that failed, and
/// the system's error is the [`source`](Error::source).
///
/// ```
/// use eventwire_blocking::ws::{self, ConnectError};
///
/// let error = ws::connect("ws://localhost:9/").open().unwrap_err();
/// assert!(matches!(error, ConnectError::Tcp { .. }));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is invalid. Another attempt would fail in the same way.
    Url(InvalidUrl),
    /// A header, the origin or a subprotocol cannot be sent. Another attempt would fail in the same
    /// way.
    Unsendable(Unsendable),
    /// The operating system has no random bytes.
    Random(NoNonce),
    /// The URL needs TLS, but the crate was built without the feature `tls`.
    NoTls,
    /// The host's name was not resolved.
    Resolve {
        /// The name.
        host: String,
        /// The error of the system.
        source: io::Error,
    },
    /// No address of the host could be connected to.
    Tcp {
        /// The host.
        host: String,
        /// The last address that was tried.
        address: Option<SocketAddr>,
        /// The error at this address.
        source: io::Error,
    },
    /// TLS could not be set up. The source contains a `rustls::Error` if rustls refused it.
    Tls {
        /// The host.
        host: String,
        /// The error of rustls or of the transport.
        source: io::Error,
    },
    /// The server answered with TLS, but the URL begins with `ws` or `http`.
    TlsExpected {
        /// The host.
        host: String,
    },
    /// The deadline passed before the opening handshake began.
    Timeout {
        /// What took too long: "name resolution", "TCP" or "TLS".
        hop: &'static str,
        /// The host.
        host: String,
        /// The deadline, counted from the start.
        after: Duration,
    },
    /// The opening handshake failed: see the event's [`failure`](CloseEvent::failure).
    Handshake(CloseEvent),
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
            Self::Handshake(CloseEvent { failure: Some(Failure::Refused(refusal)), .. }) => {
                Some(refusal)
            }
            _ => None,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::Unsendable(error) => error.fmt(f),
            Self::Random(error) => error.fmt(f),
            Self::NoTls => f.write_str("the URL needs TLS: enable the feature `tls`"),
            Self::Resolve { host, source } => {
                write!(f, "the name {host} was not resolved: {source}")
            }
            Self::Tcp { host, address: Some(address), source } => {
                write!(f, "no TCP connection to {host} at {address}: {source}")
            }
            Self::Tcp { host, address: None, source } => {
                write!(f, "no TCP connection to {host}: {source}")
            }
            Self::Tls { host, source } => {
                write!(f, "no TLS with {host}: {source}")?;
                if is_no_tls(source) {
                    f.write_str(" (if the server speaks no TLS, use ws:// in the URL)")?;
                }
                Ok(())
            }
            Self::TlsExpected { host } => {
                write!(f, "{host} answered with TLS: use wss:// in the URL")
            }
            Self::Timeout { hop, host, after } => {
                write!(f, "{hop} with {host} was not done after {after:?}")
            }
            Self::Handshake(CloseEvent { failure: Some(failure), .. }) => failure.fmt(f),
            Self::Handshake(close) => close.fmt(f),
        }
    }
}

/// Returns whether the peer's first bytes were no TLS record.
#[cfg(feature = "tls")]
fn is_no_tls(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(error, Some(rustls::Error::InvalidMessage(_)))
}

#[cfg(not(feature = "tls"))]
fn is_no_tls(_: &io::Error) -> bool {
    false
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Resolve { source, .. } | Self::Tcp { source, .. } | Self::Tls { source, .. } => {
                Some(source)
            }
            Self::Handshake(close) => close.source(),
            _ => None,
        }
    }
}

impl From<InvalidUrl> for ConnectError {
    fn from(error: InvalidUrl) -> Self {
        Self::Url(error)
    }
}

impl From<Unsendable> for ConnectError {
    fn from(error: Unsendable) -> Self {
        Self::Unsendable(error)
    }
}

impl From<NoNonce> for ConnectError {
    fn from(error: NoNonce) -> Self {
        Self::Random(error)
    }
}
