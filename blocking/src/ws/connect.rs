//! [`connect`], which opens a WebSocket as a client.

use super::connect_error::ConnectError;
use super::driven::Driven;
use super::websocket::WebSocket;
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
use std::fmt;
use std::io::{self, ErrorKind};
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::{Duration, Instant};

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
        origin: None,
        headers: Vec::new(),
        subprotocols: Vec::new(),
        options: WebSocket::DEFAULT_OPTIONS,
        timeout: Connect::DEFAULT_TIMEOUT,
        #[cfg(feature = "deflate")]
        deflate: None,
        #[cfg(feature = "tls")]
        tls: None,
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
    origin: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    subprotocols: Vec<String>,
    options: WebSocketOptions,
    timeout: Duration,
    #[cfg(feature = "deflate")]
    deflate: Option<Deflate>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Connect {
    /// The default of [`timeout`](Self::timeout): 10 s.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Adds a header to the request. If the request cannot have it, [`open`](Self::open) fails: see
    /// [`ClientRequest::header`].
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the origin, which browsers send.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Offers a subprotocol, after those that were offered before. If the server chooses none of
    /// them, [`open`](Self::open) fails.
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocols.push(name.into());
        self
    }

    /// Sets the limits and timeouts, in place of [`WebSocket::DEFAULT_OPTIONS`]. Their
    /// handshake timeout does not count: [`timeout`](Self::timeout) includes the handshake.
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

    /// Sets the TLS configuration: roots, client certificates, and the provider. Its ALPN protocols
    /// must be empty or have `http/1.1`.
    #[cfg(feature = "tls")]
    pub fn tls_config(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Opens the socket. Waits until the server has accepted it, but no longer than the
    /// [timeout](Self::timeout).
    ///
    /// # Errors
    /// If the URL or a header is invalid, or the socket was not opened. See [`ConnectError`].
    pub fn open(self) -> Result<WebSocket, ConnectError> {
        let clock = Clock { start: Instant::now(), after: self.timeout };
        let url = Url::parse(&self.url)?;
        let (host, deadline) = (url.host(), clock.deadline());
        let unresolved = |source| {
            let failed = |host, source| ConnectError::Resolve { host, source };
            clock.judge("name resolution", host, source, failed)
        };
        let addresses = dial::resolve(host, url.port(), deadline).map_err(unresolved)?;
        let stream = dial::connect(&addresses, deadline).map_err(|error| match error {
            None => unresolved(ErrorKind::NotFound.into()),
            Some((address, source)) => {
                let failed = |host, source| ConnectError::Tcp { host, address, source };
                clock.judge("TCP", host, source, failed)
            }
        })?;
        self.open_at(&url, Box::new(stream), clock)
    }

    /// Opens the socket over a transport that is connected to the server. If the URL begins with
    /// `wss`, this adds TLS. The host of the URL is not resolved.
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
        let clock = Clock { start: Instant::now(), after: self.timeout };
        let url = Url::parse(&self.url)?;
        self.open_at(&url, Box::new(transport), clock)
    }

    fn open_at(
        &self,
        url: &Url<'_>,
        transport: Box<dyn Transport>,
        clock: Clock,
    ) -> Result<WebSocket, ConnectError> {
        let names: Vec<_> = self.subprotocols.iter().map(String::as_str).collect();
        let mut request = ClientRequest::from_url(url, os_nonce()?)?.subprotocols(&names)?;
        if let Some(origin) = &self.origin {
            request = request.origin(origin)?;
        }
        for (name, value) in &self.headers {
            request = request.header(name, value)?;
        }
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &self.deflate {
            request = request.deflate(deflate);
        }
        let host = || url.host().to_owned();
        transport.prepare().map_err(|source| ConnectError::Transport { host: host(), source })?;
        let transport = self.encrypt(url, transport, clock)?;
        let options = self.options.handshake_timeout(left(clock.deadline()));
        let (masks, start) = (OsMaskKeys::new(), Instant::now());
        let machine = Machine::connect(&request, options, masks, Duration::ZERO);
        let mut driven = Driven::new(transport, machine, BytesMut::new(), start);
        match driven.open() {
            Ok(()) => Ok(WebSocket::new(driven)),
            Err(_) if driven.met_tls() => Err(ConnectError::TlsExpected { host: host() }),
            Err(failure) => Err(ConnectError::Handshake(failure)),
        }
    }

    #[cfg(feature = "tls")]
    fn encrypt(
        &self,
        url: &Url<'_>,
        transport: Box<dyn Transport>,
        clock: Clock,
    ) -> Result<Box<dyn Transport>, ConnectError> {
        if !url.is_encrypted() {
            return Ok(transport);
        }
        let encrypted = || {
            let config = self.tls.clone().map_or_else(tls::client_config, Ok)?;
            let name = url.host().to_owned().try_into().map_err(io::Error::other)?;
            let connection =
                rustls::ClientConnection::new(config, name).map_err(io::Error::other)?;
            Tls::handshake(transport, connection, clock.deadline())
        };
        match encrypted() {
            Ok(encrypted) => Ok(Box::new(encrypted)),
            Err(source) => {
                let failed = |host, source| ConnectError::Tls { host, source };
                Err(clock.judge("TLS", url.host(), source, failed))
            }
        }
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self)]
    fn encrypt(
        &self,
        url: &Url<'_>,
        transport: Box<dyn Transport>,
        _: Clock,
    ) -> Result<Box<dyn Transport>, ConnectError> {
        if url.is_encrypted() { Err(ConnectError::NoTls) } else { Ok(transport) }
    }
}

/// The one deadline.
#[derive(Clone, Copy)]
struct Clock {
    start: Instant,
    after: Duration,
}

impl Clock {
    fn deadline(self) -> Instant {
        self.start + self.after.min(FAR)
    }

    /// Tells a hop that took too long from one that failed.
    fn judge(
        self,
        hop: &'static str,
        host: &str,
        error: io::Error,
        failed: impl FnOnce(String, io::Error) -> ConnectError,
    ) -> ConnectError {
        if error.kind() == ErrorKind::TimedOut && left(self.deadline()).is_zero() {
            return ConnectError::Timeout { hop, host: host.into(), after: self.after };
        }
        failed(host.into(), error)
    }
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
