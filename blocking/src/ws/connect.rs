//! [`connect`], which opens a WebSocket as a client.

use super::connect_error::{ConnectError, ConnectErrorKind};
use super::dial_error::{DialError, Hop};
use super::driven::Driven;
use super::websocket::WebSocket;
use crate::BoxError;
use crate::dial::{self, FAR, left};
#[cfg(feature = "tls")]
use crate::tls::{self, Tls};
use crate::transport::Transport;
use bytes::BytesMut;
use eventwire::Url;
#[cfg(feature = "deflate")]
use eventwire::ws::Deflate;
use eventwire::ws::handshake::{ClientRequest, os_nonce};
use eventwire::ws::{OsMaskKeys, WebSocket as Machine, WebSocketOptions};
#[cfg(feature = "tls")]
use rustls::pki_types::CertificateDer;
use std::fmt;
use std::io::{self, ErrorKind};
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::{Duration, Instant};

const ORIGIN: &str = "Origin";

/// Prepares to open a WebSocket at this URL. [`Connect::open`] opens it.
///
/// The schemes are `ws` and `wss`, or `http` and `https`, which mean the same. A user and password
/// in the URL are sent as `Authorization: Basic`.
///
/// ```no_run
/// use eventwire_blocking::ws;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let token = std::env::var("TOKEN")?;
///     let mut socket = ws::connect("wss://example.com/chat")
///         .header("Authorization", format!("Bearer {token}"))
///         .subprotocol("chat.v2")
///         .open()?;
///     socket.send("hello")?;
///     Ok(())
/// }
/// ```
pub fn connect(url: impl Into<String>) -> Connect {
    Connect {
        url: url.into(),
        headers: Vec::new(),
        subprotocols: Vec::new(),
        options: WebSocket::DEFAULT_OPTIONS,
        timeout: Connect::DEFAULT_TIMEOUT,
        #[cfg(feature = "deflate")]
        deflate: None,
        #[cfg(feature = "tls")]
        tls: TlsSetup::Roots(Vec::new()),
    }
}

/// A WebSocket to be opened, from [`connect`].
///
/// The addresses of a name are tried one after the other, and each has its share of the
/// [timeout](Self::timeout).
///
/// There is no support for proxies and redirects. To go through a proxy, connect to it yourself,
/// and pass the tunnel to [`over`](Self::over). A redirect is a [refusal](ConnectError::refusal)
/// with a `Location`.
#[must_use = "nothing is opened before `open` or `over`"]
pub struct Connect {
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    subprotocols: Vec<String>,
    options: WebSocketOptions,
    timeout: Duration,
    #[cfg(feature = "deflate")]
    deflate: Option<Deflate>,
    #[cfg(feature = "tls")]
    tls: TlsSetup,
}

/// The configuration of TLS.
#[cfg(feature = "tls")]
enum TlsSetup {
    Config(Arc<rustls::ClientConfig>),
    /// That of the crate's features, and these roots.
    Roots(Vec<CertificateDer<'static>>),
}

impl Connect {
    /// The default of [`timeout`](Self::timeout): 10 s.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Adds a header to the request, such as `Authorization` or `Cookie`. The headers of the
    /// handshake itself cannot be changed: [`open`](Self::open) then fails. So it does if the
    /// header cannot be sent.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the origin, which browsers send
    /// ([RFC 6454](https://www.rfc-editor.org/rfc/rfc6454)).
    pub fn origin(self, origin: impl Into<String>) -> Self {
        self.header(ORIGIN, origin.into())
    }

    /// Offers a subprotocol, after those that were offered before. If the server chooses none of
    /// them, [`open`](Self::open) fails.
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocols.push(name.into());
        self
    }

    /// Sets the options of the connection, in place of [`WebSocket::DEFAULT_OPTIONS`]: limits,
    /// pings, timeouts. Their handshake timeout does not count, because [`timeout`](Self::timeout)
    /// includes the handshake. Start from the defaults, which have pings:
    ///
    /// ```
    /// use eventwire_blocking::ws::{self, Limits, WebSocket};
    ///
    /// let options = WebSocket::DEFAULT_OPTIONS.limits(Limits::new().max_message(1 << 20));
    /// let connect = ws::connect("wss://example.com/").options(options);
    /// ```
    pub const fn options(mut self, options: WebSocketOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets how long everything may take until the socket is open: name resolution, TCP, TLS and
    /// the opening handshake. The default is [`DEFAULT_TIMEOUT`](Self::DEFAULT_TIMEOUT).
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Offers compression ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)).
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// Trusts these authorities too, besides those that the crate's features name. A
    /// [configuration](Self::tls_config) that was set before is dropped.
    ///
    /// ```no_run
    /// use eventwire_blocking::ws;
    /// use eventwire_blocking::ws::rustls::pki_types::{CertificateDer, pem::PemObject};
    ///
    /// # fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let authority = CertificateDer::from_pem_file("authority.pem")?;
    /// let socket = ws::connect("wss://intranet/").root_certificates([authority]).open()?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn root_certificates(
        mut self,
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Self {
        let mut roots = match self.tls {
            TlsSetup::Roots(roots) => roots,
            TlsSetup::Config(_) => Vec::new(),
        };
        roots.extend(certificates);
        self.tls = TlsSetup::Roots(roots);
        self
    }

    /// Sets the whole configuration of TLS, such as one with a client certificate. If it has no ALPN
    /// protocols, `http/1.1` is added.
    ///
    /// Make it with `ClientConfig::builder_with_provider`. `ClientConfig::builder` panics if the
    /// program has two providers, or none.
    #[cfg(feature = "tls")]
    pub fn tls_config(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.tls = TlsSetup::Config(tls::with_alpn(config));
        self
    }

    /// Opens the socket. Waits until the server has accepted it, but no longer than the
    /// [timeout](Self::timeout).
    ///
    /// # Errors
    /// If the URL or a header is invalid, the server cannot be reached, or it does not open a
    /// WebSocket. See [`ConnectError`].
    pub fn open(self) -> Result<WebSocket, ConnectError> {
        self.open_at(None)
    }

    /// Opens the socket over a transport that is connected to the server. The host of the URL is
    /// not resolved, but names the server in the request and for TLS.
    ///
    /// If the URL begins with `wss` or `https`, this sets up TLS over the transport. For a transport
    /// that has TLS already, such as a tunnel, write `ws`: the request is the same.
    ///
    /// ```no_run
    /// # #[cfg(unix)] {
    /// use eventwire_blocking::ws;
    /// use std::os::unix::net::UnixStream;
    ///
    /// let stream = UnixStream::connect("/run/chat.sock")?;
    /// let socket = ws::connect("ws://localhost/chat").over(stream)?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn over(self, transport: impl Transport + 'static) -> Result<WebSocket, ConnectError> {
        self.open_at(Some(Box::new(transport)))
    }

    /// Opens the socket over this transport, or over one that is yet to be connected.
    fn open_at(&self, transport: Option<Box<dyn Transport>>) -> Result<WebSocket, ConnectError> {
        let opened = Url::parse(&self.url).map_err(Into::into).and_then(|url| {
            let deadline = Instant::now() + self.timeout.min(FAR);
            // Before any connection is made for a request that cannot be sent.
            self.machine(&url, deadline)?;
            let transport = match transport {
                Some(transport) => transport,
                None => dial(&url, deadline).map_err(ConnectErrorKind::Dial)?,
            };
            transport.prepare().map_err(ConnectErrorKind::Transport)?;
            let transport = self.encrypt(&url, transport, deadline);
            self.handshake(&url, transport.map_err(ConnectErrorKind::Dial)?, deadline)
        });
        opened.map_err(|kind| {
            ConnectError::new(Url::parse(&self.url).map_or("", |url| url.host_header()), kind)
        })
    }

    fn handshake(
        &self,
        url: &Url<'_>,
        transport: Box<dyn Transport>,
        deadline: Instant,
    ) -> Result<WebSocket, ConnectErrorKind> {
        let start = Instant::now();
        let machine = self.machine(url, deadline)?;
        let mut driven = Driven::new(transport, machine, BytesMut::new(), start);
        match driven.open() {
            Ok(()) => Ok(WebSocket::new(driven)),
            Err(close) => Err(ConnectErrorKind::of(close, self.timeout)),
        }
    }

    /// Returns the machine that makes the handshake.
    fn machine(
        &self,
        url: &Url<'_>,
        deadline: Instant,
    ) -> Result<Machine<OsMaskKeys>, ConnectErrorKind> {
        let nonce = os_nonce().map_err(ConnectErrorKind::Nonce)?;
        let names: Vec<_> = self.subprotocols.iter().map(String::as_str).collect();
        let mut request = ClientRequest::from_url(url, nonce)?.subprotocols(&names)?;
        for (name, value) in &self.headers {
            request = match str::from_utf8(value) {
                Ok(origin) if name.eq_ignore_ascii_case(ORIGIN) => request.origin(origin)?,
                _ => request.header(name, value)?,
            };
        }
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &self.deflate {
            request = request.deflate(deflate);
        }
        let options = self.options.handshake_timeout(left(deadline));
        Ok(Machine::connect(&request, options, OsMaskKeys::new(), Duration::ZERO))
    }

    #[cfg(feature = "tls")]
    fn encrypt(
        &self,
        url: &Url<'_>,
        transport: Box<dyn Transport>,
        deadline: Instant,
    ) -> Result<Box<dyn Transport>, DialError> {
        if !url.is_encrypted() {
            return Ok(transport);
        }
        let config = match &self.tls {
            TlsSetup::Config(config) => Ok(Arc::clone(config)),
            TlsSetup::Roots(roots) if roots.is_empty() => tls::default_config(),
            TlsSetup::Roots(roots) => tls::config_with(roots),
        };
        let invalid = |error| DialError::new(Hop::Tls, url, error).permanent_if(true);
        let config = config.map_err(invalid)?;
        let name = url.host().to_owned().try_into().map_err(|error| invalid(Box::new(error)))?;
        let connection = rustls::ClientConnection::new(config, name)
            .map_err(|error| invalid(Box::new(error)))?;
        let error = match Tls::handshake(transport, connection, deadline) {
            Ok(encrypted) => return Ok(Box::new(encrypted)),
            Err(error) => error,
        };
        Err(match error.downcast() {
            Ok(error) => {
                let hint = tls::is_plain(&error).then_some(tls::PLAIN);
                let is_permanent = tls::is_permanent(&error);
                DialError::new(Hop::Tls, url, error).hint(hint).permanent_if(is_permanent)
            }
            Err(error) => {
                let is_end =
                    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset);
                let hint = is_end.then_some("check that the port is for TLS");
                failed(Hop::Tls, url, error, deadline).hint(hint)
            }
        })
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self, reason = "with TLS it is used")]
    fn encrypt(
        &self,
        url: &Url<'_>,
        transport: Box<dyn Transport>,
        _: Instant,
    ) -> Result<Box<dyn Transport>, DialError> {
        if !url.is_encrypted() {
            return Ok(transport);
        }
        let missing = "TLS is missing: enable feature `tls` of eventwire-blocking";
        Err(DialError::new(Hop::Tls, url, missing).permanent_if(true))
    }
}

/// Connects to the server by TCP.
fn dial(url: &Url<'_>, deadline: Instant) -> Result<Box<dyn Transport>, DialError> {
    let addresses = dial::resolve(url.host(), url.port(), deadline)
        .map_err(|error| failed(Hop::Resolve, url, error, deadline))?;
    if addresses.is_empty() {
        return Err(DialError::new(Hop::Resolve, url, "the name has no address"));
    }
    let stream = dial::connect(&addresses, deadline);
    Ok(Box::new(stream.map_err(|error| failed(Hop::Tcp, url, error, deadline))?))
}

/// Returns the error of a hop that failed or took too long.
fn failed(hop: Hop, url: &Url<'_>, error: io::Error, deadline: Instant) -> DialError {
    let is_late = error.kind() == ErrorKind::TimedOut && left(deadline).is_zero();
    let cause = if is_late { BoxError::from("no answer in time") } else { error.into() };
    DialError::new(hop, url, cause)
}

/// Does not show the URL and the headers, which may have secrets.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("subprotocols", &self.subprotocols)
            .field("options", &self.options)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
