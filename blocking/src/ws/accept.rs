//! [`accept`], which opens a WebSocket as a server.

use super::accept_error::AcceptError;
use super::driven::Driven;
use super::websocket::WebSocket;
use crate::dial::{FAR, left};
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::transport::{Transport, is_late};
use bytes::{Buf, BytesMut};
#[cfg(feature = "deflate")]
use eventwire::ws::Deflate;
use eventwire::ws::frame::Role;
use eventwire::ws::handshake::{Rejection, Request, ServerHandshake};
use eventwire::ws::{OsMaskKeys, WebSocket as Machine, WebSocketOptions};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a client that was refused may take to end the connection. Until then its input is read,
/// because otherwise some systems would drop the response.
const LINGER: Duration = Duration::from_secs(1);
/// How often such input is read.
const LINGER_READS: u32 = 16;

/// Prepares to accept a WebSocket from a client that has connected. [`Accept::open`] opens it.
///
/// ```no_run
/// use eventwire_blocking::ws;
/// use std::error::Error;
/// use std::net::{TcpListener, TcpStream};
/// use std::thread;
///
/// fn echo(tcp: TcpStream) -> Result<(), Box<dyn Error>> {
///     let mut socket = ws::accept(tcp).open()?;
///     while let Some(message) = socket.next() {
///         socket.send(message?)?;
///     }
///     Ok(())
/// }
///
/// fn main() -> std::io::Result<()> {
///     let listener = TcpListener::bind("127.0.0.1:9001")?;
///     loop {
///         let (tcp, address) = listener.accept()?;
///         thread::spawn(move || {
///             if let Err(error) = echo(tcp) {
///                 eprintln!("{address}: {error}");
///             }
///         });
///     }
/// }
/// ```
pub fn accept(transport: impl Transport + 'static) -> Accept<'static> {
    Accept {
        transport: Box::new(transport),
        protocols: Vec::new(),
        check: None,
        options: WebSocket::DEFAULT_OPTIONS,
        timeout: Accept::DEFAULT_TIMEOUT,
        #[cfg(feature = "deflate")]
        deflate: None,
        #[cfg(feature = "tls")]
        tls: None,
    }
}

/// Decides whether a request is accepted.
type Check<'a> = Box<dyn FnOnce(&Request<'_>) -> Result<(), Rejection<'static>> + Send + 'a>;

/// A WebSocket to be accepted, from [`accept`].
///
/// A request that opens no WebSocket is answered with status 400, 405, 426 or another one that
/// [`RequestError`](eventwire::ws::handshake::RequestError) names. Bytes that arrive after the
/// request are kept.
#[must_use = "nothing is accepted before `open`"]
pub struct Accept<'a> {
    transport: Box<dyn Transport>,
    protocols: Vec<String>,
    check: Option<Check<'a>>,
    options: WebSocketOptions,
    timeout: Duration,
    #[cfg(feature = "deflate")]
    deflate: Option<Deflate>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl<'a> Accept<'a> {
    /// The default of [`timeout`](Self::timeout): 10 s.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Sets the subprotocols that this server speaks, the preferred one first. The first one that
    /// the client offers is chosen: see [`WebSocket::protocol`].
    pub fn protocols<I>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.protocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets a function that sees each request, and accepts or rejects it.
    ///
    /// Browsers let any page connect to any server, with that server's cookies. A server for pages
    /// has to compare [`Request::origin`] with its own.
    ///
    /// ```
    /// use eventwire_blocking::ws::handshake::Rejection;
    /// use eventwire_blocking::ws::{self, AcceptError, WebSocket};
    /// use std::net::TcpStream;
    ///
    /// /// Returns the socket and the path that the client asks for.
    /// fn serve(tcp: TcpStream) -> Result<(WebSocket, String), AcceptError> {
    ///     let mut path = String::new();
    ///     let socket = ws::accept(tcp)
    ///         .on_request(|request| {
    ///             path = request.path().to_owned();
    ///             match request.origin() {
    ///                 Some("https://example.com") => Ok(()),
    ///                 _ => Err(Rejection::FORBIDDEN),
    ///             }
    ///         })
    ///         .open()?;
    ///     Ok((socket, path))
    /// }
    /// ```
    pub fn on_request<'b, F>(self, check: F) -> Accept<'b>
    where
        F: FnOnce(&Request<'_>) -> Result<(), Rejection<'static>> + Send + 'b,
        'a: 'b,
    {
        Accept { check: Some(Box::new(check)), ..self }
    }

    /// Sets the options of the connection, in place of [`WebSocket::DEFAULT_OPTIONS`]: limits,
    /// pings, timeouts. Start from the defaults, which have pings:
    ///
    /// ```
    /// use eventwire_blocking::ws::{self, AcceptError, Limits, WebSocket};
    /// use std::net::TcpStream;
    ///
    /// fn serve(tcp: TcpStream) -> Result<WebSocket, AcceptError> {
    ///     let options = WebSocket::DEFAULT_OPTIONS.limits(Limits::new().max_message(1 << 20));
    ///     ws::accept(tcp).options(options).open()
    /// }
    /// ```
    pub const fn options(mut self, options: WebSocketOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets how long the client may take to send its request, including TLS. The default is
    /// [`DEFAULT_TIMEOUT`](Self::DEFAULT_TIMEOUT).
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Compresses messages if the client offers it ([RFC
    /// 7692](https://www.rfc-editor.org/rfc/rfc7692)).
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// Serves over TLS, with this certificate.
    #[cfg(feature = "tls")]
    pub fn tls_config(mut self, config: Arc<rustls::ServerConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Opens the socket. Waits for the client's request, and accepts it whatever its path and
    /// origin, unless [`on_request`](Self::on_request) rejects it.
    ///
    /// # Errors
    /// If the client sent no request for a WebSocket in time, or the request was rejected. See
    /// [`AcceptError`].
    pub fn open(self) -> Result<WebSocket, AcceptError> {
        let deadline = Instant::now() + self.timeout.min(FAR);
        self.transport.prepare()?;
        #[cfg(feature = "tls")]
        let transport = match self.tls {
            None => self.transport,
            Some(config) => match encrypt(self.transport, config, deadline) {
                Err(error) if is_late(&error) => {
                    return Err(AcceptError::Timeout(self.timeout));
                }
                encrypted => Box::new(encrypted.map_err(AcceptError::Tls)?),
            },
        };
        #[cfg(not(feature = "tls"))]
        let transport = self.transport;

        let mut received = BytesMut::new();
        let mut handshake = ServerHandshake::new();
        let request = loop {
            match handshake.decode(&received) {
                Ok(Some(request)) => break request,
                Ok(None) => {}
                Err(error) => {
                    refuse(&*transport, &error.rejection(), deadline);
                    return Err(error.into());
                }
            }
            let left = left(deadline);
            if left.is_zero() {
                return Err(AcceptError::Timeout(self.timeout));
            }
            let mut chunk = [0; 4096];
            match transport.read_within(&mut chunk, Some(left)) {
                Ok(0) => return Err(AcceptError::EndOfStream),
                Ok(len) => received.extend_from_slice(&chunk[..len.min(4096)]),
                Err(error) if is_late(&error) => {}
                Err(error) => return Err(error.into()),
            }
        };
        if let Some(check) = self.check
            && let Err(rejection) = check(&request)
        {
            refuse(&*transport, &rejection, deadline);
            return Err(AcceptError::Rejected { status: rejection.status() });
        }
        let mut acceptance = request.accept();
        let names: Vec<_> = self.protocols.iter().map(String::as_str).collect();
        let protocol = request.select_subprotocol(&names).unwrap_or_default().to_owned();
        if !protocol.is_empty() {
            // The client offered it, so this cannot fail.
            acceptance = acceptance.subprotocol(&protocol).unwrap_or(acceptance);
        }
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &self.deflate {
            acceptance = acceptance.deflate(deflate);
        }
        #[cfg(feature = "deflate")]
        let agreed = acceptance.deflate_params();
        write(&*transport, &acceptance.to_bytes(), deadline)?;
        let head_len = request.head_len();
        received.advance(head_len);

        let (masks, start) = (OsMaskKeys::new(), Instant::now());
        let machine = Machine::with_role(Role::Server, self.options, masks, Duration::ZERO);
        #[cfg(feature = "deflate")]
        let machine = match &self.deflate {
            Some(deflate) => machine.deflate(deflate, agreed),
            None => machine,
        };
        let mut driven = Driven::new(transport, machine, received, start);
        driven.protocol = protocol;
        Ok(WebSocket::new(driven))
    }
}

#[cfg(feature = "tls")]
fn encrypt(
    transport: Box<dyn Transport>,
    config: Arc<rustls::ServerConfig>,
    deadline: Instant,
) -> io::Result<Tls> {
    let connection = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
    Tls::handshake(transport, connection, deadline)
}

/// Tells the client that it was refused, and waits for a moment until it knows.
fn refuse(transport: &dyn Transport, rejection: &Rejection<'_>, deadline: Instant) {
    let told = write(transport, &rejection.to_bytes(), deadline);
    let told = told.and_then(|()| transport.shutdown(Shutdown::Write));
    let end = Instant::now() + LINGER.min(left(deadline));
    for _ in 0..LINGER_READS {
        let read = transport.read_within(&mut [0; 4096], Some(left(end)));
        if told.is_err() || left(end).is_zero() || matches!(read, Ok(0) | Err(_)) {
            return;
        }
    }
}

fn write(transport: &dyn Transport, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        match transport.write_within(bytes, Some(left(deadline))) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(len) => bytes = &bytes[len.min(bytes.len())..],
            Err(error) if is_late(&error) && !left(deadline).is_zero() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl fmt::Debug for Accept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept")
            .field("protocols", &self.protocols)
            .field("options", &self.options)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
