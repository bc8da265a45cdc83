//! [`connect`], the client's opening handshake.

use super::clock;
use super::connect_error::{ConnectError, ConnectErrorKind};
use super::masks::Masks;
#[cfg(feature = "connect")]
use super::redirect;
use super::websocket::WebSocket;
use super::wire::Wire;
#[cfg(feature = "tls")]
use crate::net::encrypt;
#[cfg(feature = "connect")]
use crate::net::{DialOptions, Progress, dial};
use crate::transport::BoxTransport;
use bytes::BytesMut;
use eventwire::Url;
use eventwire::ws::handshake::{ClientRequest, os_nonce};
use eventwire::ws::{WebSocket as Machine, WebSocketEvent, WebSocketOptions};
#[cfg(feature = "connect")]
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::header::{HeaderMap, HeaderName, HeaderValue, ORIGIN};
use std::fmt;
use std::future::poll_fn;
#[cfg(feature = "connect")]
use std::future::{Future, IntoFuture};
#[cfg(feature = "connect")]
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
#[cfg(feature = "connect")]
use tokio::time::timeout_at;

/// Connects to the WebSocket at this URL
/// ([RFC 6455, section 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
///
/// Awaiting it returns a [`WebSocket`]. By default it goes through the proxy that the environment
/// names, tries all addresses of a name, and trusts the authorities that browsers trust. It sends a
/// ping every 20 s, and gives up a peer that does not answer for 20 s. To stay connected, pass it to
/// [`reconnect`](super::reconnect).
///
/// ```no_run
/// use eventwire_tokio::ws;
/// use http::header::AUTHORIZATION;
///
/// # async fn run(token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = ws::connect("wss://example.com/chat")
///     .header(AUTHORIZATION, format!("Bearer {token}"))
///     .subprotocol("chat.v2")
///     .await?;
/// socket.send("hello").await?;
/// # Ok(())
/// # }
/// ```
pub fn connect(url: impl Into<String>) -> Connect {
    Connect {
        url: url.into(),
        headers: HeaderMap::new(),
        invalid_header: None,
        subprotocols: Vec::new(),
        options: WebSocket::DEFAULT_OPTIONS,
        timeout: Connect::DEFAULT_TIMEOUT,
        redirects: 0,
        #[cfg(feature = "connect")]
        dial: DialOptions::default(),
        #[cfg(feature = "deflate")]
        deflate: None,
    }
}

/// A connection to be made, from [`connect`]. Await it.
#[must_use = "a connection is not made unless this is awaited"]
pub struct Connect {
    pub(super) url: String,
    headers: HeaderMap,
    /// The first header that could not be added. Awaiting this returns the error.
    invalid_header: Option<http::Error>,
    pub(super) subprotocols: Vec<String>,
    pub(super) options: WebSocketOptions,
    pub(super) timeout: Duration,
    redirects: u8,
    #[cfg(feature = "connect")]
    dial: DialOptions,
    #[cfg(feature = "deflate")]
    pub(super) deflate: Option<eventwire::ws::Deflate>,
}

impl Connect {
    /// The default of [`timeout`](Self::timeout): 10 s.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Adds a header to the request, such as `Authorization` or `Cookie`. The headers of the
    /// handshake itself cannot be changed: awaiting this then fails.
    pub fn header<K, V>(mut self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K, Error: Into<http::Error>>,
        HeaderValue: TryFrom<V, Error: Into<http::Error>>,
    {
        let name = HeaderName::try_from(name).map_err(Into::into);
        let value = HeaderValue::try_from(value).map_err(Into::into);
        match name.and_then(|name| Ok((name, value?))) {
            Ok((name, value)) => drop(self.headers.append(name, value)),
            Err(error) => drop(self.invalid_header.get_or_insert(error)),
        }
        self
    }

    /// Adds these headers to the request, as [`header`](Self::header) does.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Sets the origin, which browsers send
    /// ([RFC 6454](https://www.rfc-editor.org/rfc/rfc6454)).
    pub fn origin<V>(mut self, origin: V) -> Self
    where
        HeaderValue: TryFrom<V, Error: Into<http::Error>>,
    {
        self.headers.remove(ORIGIN);
        self.header(ORIGIN, origin)
    }

    /// Offers a subprotocol, after those that were offered before
    /// ([RFC 6455, section 1.9](https://www.rfc-editor.org/rfc/rfc6455#section-1.9)). A server that
    /// chooses none of them is not connected to. [`WebSocket::protocol`] returns its choice.
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocols.push(name.into());
        self
    }

    /// Offers compression ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)).
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: eventwire::ws::Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// Sets the options of the connection, in place of [`WebSocket::DEFAULT_OPTIONS`]: limits, pings,
    /// timeouts. Start from the defaults, which have pings:
    ///
    /// ```
    /// use eventwire_tokio::ws::{self, Limits, WebSocket};
    ///
    /// let options = WebSocket::DEFAULT_OPTIONS.limits(Limits::new().max_message(1 << 20));
    /// let connect = ws::connect("wss://example.com/").options(options);
    /// ```
    pub const fn options(mut self, options: WebSocketOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets how long everything may take together: finding the addresses, connecting, the proxy,
    /// TLS, and the handshake.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many redirects are followed, at most five. By default none are, as in browsers. A
    /// redirect from `wss` to `ws` is never followed. `Authorization`, `Cookie` and
    /// `Proxy-Authorization` are not sent to another server; other headers and the subprotocols are.
    pub const fn redirects(mut self, count: u8) -> Self {
        self.redirects = if count < 5 { count } else { 5 };
        self
    }

    /// Opens the WebSocket over a transport that is connected: a Unix socket, a stream through a proxy
    /// of your own, or one end of a [`tokio::io::duplex`]. The URL gives the path and the `Host`.
    ///
    /// If the URL begins with `wss`, this sets up TLS over the transport first. If the transport is
    /// encrypted already, begin the URL with `ws`. The options for proxies, addresses and redirects
    /// do nothing here.
    ///
    /// Dropping the future drops the transport.
    ///
    /// ```
    /// use eventwire_tokio::ws::{self, ConnectError, WebSocket};
    /// use tokio::net::UnixStream;
    ///
    /// async fn open(unix: UnixStream) -> Result<WebSocket, ConnectError> {
    ///     ws::connect("ws://localhost/control").over(unix).await
    /// }
    /// ```
    ///
    /// # Errors
    /// If the request cannot be sent, the transport fails, or the server does not open a WebSocket.
    pub async fn over<T>(mut self, io: T) -> Result<WebSocket, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let opened = self.open_over(Box::new(io)).await;
        opened.map_err(|kind| self.error(kind))
    }

    async fn open_over(&mut self, io: BoxTransport) -> Result<WebSocket, ConnectErrorKind> {
        self.check_headers()?;
        let deadline = self.deadline();
        let url = Url::parse(&self.url)?;
        let machine = self.machine(&url, deadline)?;
        if !url.is_encrypted() {
            return self.handshake(machine, io).await;
        }
        let io = self.encrypt(&url, io, deadline).await?;
        let machine = self.machine(&url, deadline)?; // with the time that is left
        self.handshake(machine, io).await
    }

    /// Sets up TLS over a transport.
    #[cfg(feature = "tls")]
    async fn encrypt(
        &self,
        url: &Url<'_>,
        io: BoxTransport,
        deadline: Instant,
    ) -> Result<BoxTransport, ConnectErrorKind> {
        let progress = Progress::new(url);
        match timeout_at(deadline, encrypt(url, io, &self.dial, &progress)).await {
            Ok(encrypted) => encrypted.map_err(ConnectErrorKind::Dial),
            Err(_) => Err(ConnectErrorKind::Dial(progress.timed_out())),
        }
    }

    #[cfg(not(feature = "tls"))]
    async fn encrypt(
        &self,
        _: &Url<'_>,
        _: BoxTransport,
        _: Instant,
    ) -> Result<BoxTransport, ConnectErrorKind> {
        std::future::ready(Err(ConnectErrorKind::NoTls)).await
    }

    /// Names the host in an error.
    fn error(&self, kind: ConnectErrorKind) -> ConnectError {
        ConnectError::new(Url::parse(&self.url).map_or("", |url| url.host_header()), kind)
    }

    /// Returns the time at which the handshake has failed.
    fn deadline(&self) -> Instant {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        Instant::now() + self.timeout.min(YEAR)
    }

    async fn handshake(
        &self,
        machine: Machine<Masks>,
        io: BoxTransport,
    ) -> Result<WebSocket, ConnectErrorKind> {
        let mut wire = Wire::new(machine, Some(io), BytesMut::new());
        loop {
            match wire.poll_machine() {
                Some(WebSocketEvent::Open) => return Ok(WebSocket::drive(wire)),
                Some(WebSocketEvent::Close(close)) => {
                    return Err(ConnectErrorKind::of(close, self.timeout));
                }
                Some(_) => {}
                None => poll_fn(|cx| wire.poll_io(cx)).await,
            }
        }
    }

    #[cfg(feature = "connect")]
    async fn run(mut self) -> Result<WebSocket, ConnectError> {
        let opened = self.dial_and_open().await;
        opened.map_err(|kind| self.error(kind))
    }

    #[cfg(feature = "connect")]
    async fn dial_and_open(&mut self) -> Result<WebSocket, ConnectErrorKind> {
        self.check_headers()?;
        let deadline = self.deadline();
        let follows = self.redirects > 0;
        loop {
            let url = self.url.clone();
            let url = Url::parse(&url)?;
            // Before any connection is made for a request that cannot be sent.
            self.machine(&url, deadline)?;
            let io = self.dial(&url, deadline).await?;
            let machine = self.machine(&url, deadline)?;
            let refusal = match self.handshake(machine, io).await {
                Err(ConnectErrorKind::Refused(refusal)) if follows => refusal,
                result => return result,
            };
            let Some(location) = redirect::location(&refusal) else {
                return Err(ConnectErrorKind::Refused(refusal));
            };
            let target = redirect::resolve(&url, location).filter(|_| self.redirects > 0);
            let Some(target) = target else {
                return Err(ConnectErrorKind::Redirect(location.to_owned()));
            };
            if !Url::parse(&target).is_ok_and(|target| redirect::is_same_server(&url, &target)) {
                for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                    self.headers.remove(name);
                }
            }
            self.redirects -= 1;
            self.url = target;
        }
    }

    /// Connects a transport, through a proxy if there is one.
    #[cfg(feature = "connect")]
    async fn dial(
        &self,
        url: &Url<'_>,
        deadline: Instant,
    ) -> Result<BoxTransport, ConnectErrorKind> {
        let progress = Progress::new(url);
        match timeout_at(deadline, dial(url, &self.dial, &progress)).await {
            Ok(dialled) => dialled.map_err(ConnectErrorKind::Dial),
            Err(_) => Err(ConnectErrorKind::Dial(progress.timed_out())),
        }
    }

    /// Returns the machine that makes the handshake.
    fn machine(
        &self,
        url: &Url<'_>,
        deadline: Instant,
    ) -> Result<Machine<Masks>, ConnectErrorKind> {
        let nonce = os_nonce().map_err(ConnectErrorKind::Nonce)?;
        let names: Vec<&str> = self.subprotocols.iter().map(String::as_str).collect();
        let request = ClientRequest::from_url(url, nonce)?;
        let request = self.complete(request, &names)?;
        let patience = deadline.saturating_duration_since(Instant::now());
        let options = self.options.handshake_timeout(patience);
        Ok(Machine::connect(&request, options, Masks, clock::now()))
    }

    /// Adds everything that was set.
    pub(super) fn complete<'a, By>(
        &'a self,
        request: ClientRequest<'a, By>,
        names: &'a [&'a str],
    ) -> Result<ClientRequest<'a, By>, ConnectErrorKind> {
        let mut request = request.subprotocols(names)?;
        for (name, value) in &self.headers {
            request = match (name, value.to_str()) {
                (&ORIGIN, Ok(origin)) => request.origin(origin)?,
                _ => request.header(name, value)?,
            };
        }
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &self.deflate {
            request = request.deflate(deflate);
        }
        Ok(request)
    }

    /// Returns the first error of a header.
    fn check_headers(&mut self) -> Result<(), ConnectErrorKind> {
        self.invalid_header.take().map_or(Ok(()), |error| Err(ConnectErrorKind::Header(error)))
    }
}

/// Over a connection that others share.
#[cfg(feature = "http2")]
impl Connect {
    /// Opens the WebSocket as a stream of a connection of HTTP/2, by an extended CONNECT
    /// ([RFC 8441](https://www.rfc-editor.org/rfc/rfc8441)). The connection is hyper's, and may
    /// carry other requests and sockets. The task that hyper demands has to run it.
    ///
    /// The URL gives the path, the authority and the scheme. `B` is the type of the bodies of the
    /// connection's requests.
    ///
    /// Cancel safe: dropping the future resets the stream.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use eventwire_tokio::ws::{self, ConnectError, WebSocket};
    /// use http_body_util::Empty;
    /// use hyper::client::conn::http2::SendRequest;
    ///
    /// async fn open(http2: &mut SendRequest<Empty<Bytes>>) -> Result<WebSocket, ConnectError> {
    ///     ws::connect("wss://example.com/chat").over_http2(http2).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`over`](Self::over). A server that does not allow extended CONNECT resets the stream.
    pub async fn over_http2<B>(
        mut self,
        connection: &mut hyper::client::conn::http2::SendRequest<B>,
    ) -> Result<WebSocket, ConnectError>
    where
        B: http_body::Body + Default + Send + 'static,
    {
        let checked = self.check_headers();
        let opened = match checked {
            Ok(()) => super::http2::open(&self, connection, self.deadline()).await,
            Err(kind) => Err(kind),
        };
        opened.map_err(|kind| self.error(kind))
    }
}

/// Shows neither the URL nor the headers, because they may have credentials.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut connect = f.debug_struct("Connect");
        connect
            .field("subprotocols", &self.subprotocols)
            .field("options", &self.options)
            .field("timeout", &self.timeout)
            .field("redirects", &self.redirects);
        #[cfg(feature = "connect")]
        connect.field("dial", &self.dial);
        #[cfg(feature = "deflate")]
        connect.field("deflate", &self.deflate);
        connect.finish_non_exhaustive()
    }
}

/// The options for reaching the server.
#[cfg(feature = "connect")]
impl Connect {
    /// Connects through this proxy, in place of the one that the environment names: an `http`,
    /// `https`, `socks5` or `socks4` URL, with user and password if the proxy wants them.
    pub fn proxy(mut self, url: &str) -> Self {
        self.dial = self.dial.proxy(url);
        self
    }

    /// Connects directly, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.dial = self.dial.no_proxy();
        self
    }

    /// Connects to these addresses when the URL, or its proxy, names this host.
    pub fn resolve(
        mut self,
        host: &str,
        addresses: impl IntoIterator<Item = std::net::IpAddr>,
    ) -> Self {
        self.dial = self.dial.resolve(host, addresses);
        self
    }

    /// Trusts these authorities too, besides those that the crate's features name.
    ///
    /// ```no_run
    /// use eventwire_tokio::ws;
    /// use eventwire_tokio::ws::rustls::pki_types::{CertificateDer, pem::PemObject};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let authority = CertificateDer::from_pem_file("authority.pem")?;
    /// let socket = ws::connect("wss://intranet/").root_certificates([authority]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn root_certificates(
        mut self,
        certificates: impl IntoIterator<Item = crate::ws::rustls::pki_types::CertificateDer<'static>>,
    ) -> Self {
        self.dial = self.dial.root_certificates(certificates);
        self
    }

    /// Sets the whole configuration of TLS, such as one with a client certificate. If it has no ALPN
    /// protocols, `http/1.1` is added.
    ///
    /// An `https` proxy is connected to with the same configuration, client certificate included.
    ///
    /// Make it with `ClientConfig::builder_with_provider`. `ClientConfig::builder` panics if the
    /// program has two providers, or none.
    #[cfg(feature = "tls")]
    pub fn tls_config(mut self, config: std::sync::Arc<crate::ws::rustls::ClientConfig>) -> Self {
        self.dial = self.dial.tls_config(config);
        self
    }
}

/// Cancel safe: dropping the future drops the connection.
#[cfg(feature = "connect")]
impl IntoFuture for Connect {
    type Output = Result<WebSocket, ConnectError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
