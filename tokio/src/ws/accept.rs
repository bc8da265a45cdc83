//! [`accept`], the server's opening handshake.

use super::clock;
use super::masks::Masks;
use super::websocket::WebSocket;
use super::wire::Wire;
use crate::transport::BoxTransport;
use bytes::{Buf, BytesMut};
use eventwire::ws::frame::Role;
use eventwire::ws::handshake::{
    DEFAULT_MAX_HEAD, Rejection, Request, RequestError, ServerHandshake,
};
use eventwire::ws::{WebSocket as Machine, WebSocketOptions};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Serves the opening handshake of a WebSocket over a transport, such as a TCP or TLS stream
/// ([RFC 6455, section 4.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2)).
///
/// Awaiting it returns a [`WebSocket`], which sends a ping every 20 s. Call
/// [`set_nodelay`](tokio::net::TcpStream::set_nodelay) of a TCP stream first, so that the operating
/// system does not hold short messages back.
///
/// A request that does not open a WebSocket is answered with
/// the reason and an HTTP status, and is an error here.
///
/// ```no_run
/// use eventwire_tokio::ws;
/// use tokio::net::{TcpListener, TcpStream};
///
/// async fn echo(tcp: TcpStream) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     tcp.set_nodelay(true)?;
///     let mut socket = ws::accept(tcp).await?;
///     while let Some(message) = socket.next().await {
///         socket.send(message?).await?;
///     }
///     Ok(())
/// }
///
/// #[tokio::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = TcpListener::bind("127.0.0.1:9001").await?;
///     loop {
///         let (tcp, address) = listener.accept().await?;
///         tokio::spawn(async move {
///             if let Err(error) = echo(tcp).await {
///                 eprintln!("{address}: {error}");
///             }
///         });
///     }
/// }
/// ```
pub fn accept<T>(io: T) -> Accept<'static, T>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    Accept {
        io,
        options: WebSocket::DEFAULT_OPTIONS,
        timeout: Accept::<T>::DEFAULT_TIMEOUT,
        protocols: Vec::new(),
        check: None,
        #[cfg(feature = "deflate")]
        deflate: None,
    }
}

/// Decides whether a request is accepted.
type Check<'a> = Box<dyn FnMut(&Request<'_>) -> Result<(), Rejection<'static>> + Send + 'a>;

/// A server's opening handshake, from [`accept`]. Await it.
#[must_use = "a handshake does nothing unless awaited"]
pub struct Accept<'a, T> {
    io: T,
    options: WebSocketOptions,
    timeout: Duration,
    protocols: Vec<String>,
    check: Option<Check<'a>>,
    #[cfg(feature = "deflate")]
    deflate: Option<eventwire::ws::Deflate>,
}

impl<'a, T> Accept<'a, T> {
    /// The default of [`timeout`](Self::timeout): 10 s.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Sets the options of the connection, in place of [`WebSocket::DEFAULT_OPTIONS`]: limits, pings,
    /// timeouts.
    pub const fn options(mut self, options: WebSocketOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets how long the handshake may take.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the subprotocols that this server speaks, the preferred one first. The first one that
    /// the client offers is chosen. [`WebSocket::protocol`] returns it.
    pub fn protocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.protocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets a function that sees each request, and accepts or rejects it.
    ///
    /// Browsers let any page connect to any server, with that server's cookies. A server for pages
    /// has to compare [`Request::origin`] with its own.
    ///
    /// ```
    /// use eventwire_tokio::ws::{self, AcceptError, WebSocket};
    /// use eventwire_tokio::ws::handshake::{Rejection, Request};
    /// use tokio::net::TcpStream;
    ///
    /// /// Returns the socket and the path that the client asks for.
    /// async fn serve(tcp: TcpStream) -> Result<(WebSocket, String), AcceptError> {
    ///     let mut path = String::new();
    ///     let socket = ws::accept(tcp)
    ///         .on_request(|request| {
    ///             path = request.path().to_owned();
    ///             match request.origin() {
    ///                 Some("https://example.com") => Ok(()),
    ///                 _ => Err(Rejection::FORBIDDEN),
    ///             }
    ///         })
    ///         .await?;
    ///     Ok((socket, path))
    /// }
    /// ```
    pub fn on_request<'b, F>(self, check: F) -> Accept<'b, T>
    where
        F: FnMut(&Request<'_>) -> Result<(), Rejection<'static>> + Send + 'b,
        'a: 'b,
    {
        Accept { check: Some(Box::new(check)), ..self }
    }

    /// Agrees to compress messages if the client offers it
    /// ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)).
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: eventwire::ws::Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }
}

impl<T> Accept<'_, T>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    async fn run(mut self) -> Result<WebSocket, AcceptError> {
        match timeout(self.timeout, self.handshake()).await {
            Ok(Ok((machine, received))) => {
                let io: BoxTransport = Box::new(self.io);
                Ok(WebSocket::drive(Wire::new(machine, Some(io), received)))
            }
            Ok(Err(Refused { error, rejection })) => {
                if let Some(rejection) = rejection {
                    self.reject(&rejection).await;
                }
                Err(error)
            }
            Err(_) => Err(AcceptError::Timeout(self.timeout)),
        }
    }

    async fn handshake(&mut self) -> Result<(Machine<Masks>, BytesMut), Refused> {
        let mut received = BytesMut::with_capacity(1024);
        let mut handshake = ServerHandshake::new();
        loop {
            match handshake.decode(&received) {
                Ok(Some(request)) => {
                    let head_len = request.head_len();
                    let checked = self.check.as_mut().map_or(Ok(()), |check| check(&request));
                    if let Err(rejection) = checked {
                        let error = AcceptError::Rejected { status: rejection.status() };
                        return Err(Refused { error, rejection: Some(rejection) });
                    }
                    let (response, machine) = self.accept(request);
                    self.io.write_all(&response).await?;
                    self.io.flush().await?;
                    received.advance(head_len);
                    return Ok((machine, received));
                }
                Ok(None) => {}
                Err(error) => {
                    let rejection = Some(error.rejection());
                    return Err(Refused { error: error.into(), rejection });
                }
            }
            received.reserve(1024);
            if self.io.read_buf(&mut received).await? == 0 {
                return Err(AcceptError::EndOfStream.into());
            }
        }
    }

    /// Returns the response and the machine for an accepted request.
    fn accept(&self, request: Request<'_>) -> (bytes::Bytes, Machine<Masks>) {
        let protocols: Vec<&str> = self.protocols.iter().map(String::as_str).collect();
        let protocol = request.select_subprotocol(&protocols);
        let mut acceptance = request.accept();
        if let Some(name) = protocol {
            // The client offered it, so this cannot fail.
            acceptance = acceptance.subprotocol(name).unwrap_or(acceptance);
        }
        let machine = Machine::with_role(Role::Server, self.options, Masks, clock::now());
        #[cfg(feature = "deflate")]
        let (acceptance, machine) = match &self.deflate {
            Some(deflate) => {
                let acceptance = acceptance.deflate(deflate);
                let agreed = acceptance.deflate_params();
                (acceptance, machine.deflate(deflate, agreed))
            }
            None => (acceptance, machine),
        };
        let machine = machine.with_protocol(protocol.unwrap_or_default());
        (acceptance.to_bytes(), machine)
    }

    /// Answers, and reads what the client still sends, so that it can read the answer before the
    /// connection is reset.
    async fn reject(&mut self, rejection: &Rejection<'_>) {
        const LINGER: Duration = Duration::from_secs(1);
        // The request was refused in any case. What goes wrong here changes nothing.
        let _ = timeout(LINGER, async {
            self.io.write_all(&rejection.to_bytes()).await?;
            self.io.shutdown().await?;
            let rest = (&mut self.io).take(DEFAULT_MAX_HEAD as u64);
            tokio::io::copy(&mut { rest }, &mut tokio::io::sink()).await
        })
        .await;
    }
}

/// The error of a handshake, and the answer that the client still has to get.
struct Refused {
    error: AcceptError,
    rejection: Option<Rejection<'static>>,
}

impl<E: Into<AcceptError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { error: error.into(), rejection: None }
    }
}

impl<'a, T> IntoFuture for Accept<'a, T>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    type Output = Result<WebSocket, AcceptError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for Accept<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept")
            .field("options", &self.options)
            .field("timeout", &self.timeout)
            .field("protocols", &self.protocols)
            .finish_non_exhaustive()
    }
}

/// The reason that [`accept`] opened no WebSocket. The client has been told, if it could be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The request does not open a WebSocket. It was answered with
    /// [its status](RequestError::status).
    #[error("a request that opens no WebSocket: {0}")]
    Request(#[from] RequestError),
    /// The [function](Accept::on_request) of the program rejected the request.
    #[error("the program rejected the request with status {status}")]
    Rejected {
        /// The status of the answer.
        status: u16,
    },
    /// The client closed the connection before its request was complete.
    #[error("the client closed the connection before its request was complete")]
    EndOfStream,
    /// The transport failed.
    #[error("the transport failed during the handshake: {0}")]
    Transport(#[from] io::Error),
    /// The handshake took too long.
    #[error("the client sent no whole request within {0:?}")]
    Timeout(Duration),
}
