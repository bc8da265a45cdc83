//! [`DialError`], a failure on the way to a server.

use crate::BoxError;
use eventwire::Url;
use std::error::Error;
use std::fmt;

/// A part of the way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hop {
    /// The addresses of the server's name were looked up.
    Resolve,
    /// The server was connected to by TCP.
    Tcp,
    /// TLS was set up with the server.
    Tls,
}

/// The server could not be reached: a name without an address, a refused connection, or a
/// certificate that is not trusted.
///
/// The text names the host and says what failed. It includes the text of the cause, which is the
/// [`source`](Error::source): an `io::Error`, a `rustls::Error` if TLS failed, or a text.
pub struct DialError(Box<Inner>);

struct Inner {
    hop: Hop,
    /// The host and port. An IPv6 address has brackets.
    host: String,
    cause: BoxError,
    hint: Option<&'static str>,
    is_permanent: bool,
}

impl DialError {
    /// Creates an error that may go away by itself.
    pub(super) fn new(hop: Hop, url: &Url<'_>, cause: impl Into<BoxError>) -> Self {
        let (host, port) = (url.host(), url.port());
        let host =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Self(Box::new(Inner { hop, host, cause: cause.into(), hint: None, is_permanent: false }))
    }

    /// Says whether another attempt would end in the same way.
    pub(super) fn permanent_if(mut self, is_permanent: bool) -> Self {
        self.0.is_permanent = is_permanent;
        self
    }

    /// Says what to do.
    #[cfg(feature = "tls")]
    pub(super) fn hint(mut self, hint: Option<&'static str>) -> Self {
        self.0.hint = hint;
        self
    }

    /// Returns the part of the way that failed.
    #[must_use]
    pub fn hop(&self) -> Hop {
        self.0.hop
    }

    /// Returns the server's host and port, such as `example.com:443`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// Returns whether another attempt would end in the same way, so that it makes no sense to
    /// connect again.
    ///
    /// This holds for a certificate that is not trusted or is for another name, and for a server
    /// without TLS or without a version of TLS that both sides have. It does not hold for a
    /// certificate that has expired or is not yet valid, because certificates are renewed and
    /// clocks are set.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.0.is_permanent
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { hop, host, cause, hint, .. } = &*self.0;
        f.write_str(match hop {
            Hop::Resolve => "cannot find an address of",
            Hop::Tcp => "cannot connect to",
            Hop::Tls => "cannot set up TLS with",
        })?;
        write!(f, " {host}: {cause}")?;
        hint.map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl fmt::Debug for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialError")
            .field("hop", &self.hop())
            .field("host", &self.host())
            .field("cause", &self.0.cause)
            .field("is_permanent", &self.is_permanent())
            .finish()
    }
}

impl Error for DialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0.cause)
    }
}
