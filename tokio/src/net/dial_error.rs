//! [`DialError`], a failure on the way to a server.

use super::progress::{Side, Stage, Step};
use bytes::Bytes;
use std::error::Error;
use std::fmt;

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// A part of the way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hop {
    /// The addresses of the server's name were looked up.
    Resolve,
    /// The server was connected to by TCP.
    Tcp,
    /// The proxy was connected to, or was asked to connect to the server, or its URL is invalid.
    Proxy,
    /// TLS was set up with the server.
    Tls,
}

/// The server could not be reached: a name without an address, a refused connection, a proxy that
/// refuses, or a certificate that is not trusted.
///
/// The text names the host and says what failed. It includes the text of the cause, which is the
/// [`source`](Error::source): an `io::Error`, a `rustls::Error` if TLS failed, or a text. It has no
/// credentials.
pub struct DialError(Box<Inner>);

struct Inner {
    stage: Stage,
    cause: BoxError,
    hint: Option<&'static str>,
    is_permanent: bool,
    response: Option<http::Response<Bytes>>,
}

impl DialError {
    /// Creates an error that may go away by itself.
    pub(super) fn new(stage: Stage, cause: BoxError) -> Self {
        Self(Box::new(Inner { stage, cause, hint: None, is_permanent: false, response: None }))
    }

    /// Says that another attempt would end in the same way.
    pub(super) fn permanent(self) -> Self {
        self.permanent_if(true)
    }

    /// Says whether another attempt would end in the same way.
    pub(super) fn permanent_if(mut self, is_permanent: bool) -> Self {
        self.0.is_permanent = is_permanent;
        self
    }

    /// Says what to do.
    pub(super) fn hint(mut self, hint: &'static str) -> Self {
        self.0.hint = Some(hint);
        self
    }

    /// Keeps the response of a proxy.
    pub(super) fn response(mut self, response: http::Response<Bytes>) -> Self {
        self.0.response = Some(response);
        self
    }

    /// Returns the part of the way that failed.
    #[must_use]
    pub fn hop(&self) -> Hop {
        match self.0.stage.step {
            Step::Resolve(Side::Server) => Hop::Resolve,
            Step::Tcp(Side::Server) => Hop::Tcp,
            Step::Tls(Side::Server) => Hop::Tls,
            Step::ChooseProxy
            | Step::Tunnel
            | Step::Resolve(Side::Proxy)
            | Step::Tcp(Side::Proxy)
            | Step::Tls(Side::Proxy) => Hop::Proxy,
        }
    }

    /// Returns the host and port that this hop was about, such as `example.com:443`. For
    /// [`Hop::Proxy`] they are the proxy's, or the server's if the proxy's URL is invalid.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.stage.host
    }

    /// Returns whether another attempt would end in the same way, so that it makes no sense to
    /// reconnect.
    ///
    /// This holds for an invalid proxy URL, for missing or wrong credentials of a proxy, for a
    /// certificate that is not trusted or is for another name, and for a server without TLS or
    /// without a version of TLS that both sides have. It does not hold for a certificate that has
    /// expired or is not yet valid, because certificates are renewed and clocks are set.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.0.is_permanent
    }

    /// Returns the response with which an HTTP proxy refused to connect: its status, its headers,
    /// and at most the first 16 KiB of its body.
    #[must_use]
    pub fn proxy_response(&self) -> Option<&http::Response<Bytes>> {
        self.0.response.as_ref()
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { stage: Stage { step, host }, cause, hint, .. } = &*self.0;
        match step {
            Step::Resolve(Side::Server) => write!(f, "cannot find an address of {host}"),
            Step::Resolve(Side::Proxy) => write!(f, "cannot find an address of the proxy {host}"),
            Step::ChooseProxy | Step::Tcp(Side::Server) => write!(f, "cannot connect to {host}"),
            Step::Tcp(Side::Proxy) => write!(f, "cannot connect to the proxy {host}"),
            Step::Tunnel => write!(f, "cannot connect through the proxy {host}"),
            Step::Tls(Side::Server) => write!(f, "cannot set up TLS with {host}"),
            Step::Tls(Side::Proxy) => write!(f, "cannot set up TLS with the proxy {host}"),
        }?;
        write!(f, ": {cause}")?;
        hint.map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// Shows the whole response of a proxy, which has no credentials of this program.
impl fmt::Debug for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialError")
            .field("hop", &self.hop())
            .field("host", &self.host())
            .field("cause", &self.0.cause)
            .field("is_permanent", &self.is_permanent())
            .field("proxy_response", &self.0.response)
            .finish()
    }
}

impl Error for DialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0.cause)
    }
}
