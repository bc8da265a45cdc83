//! [`reconnect`], which starts a reconnecting WebSocket.

use super::reconnect_options::ReconnectOptions;
use super::reconnecting_websocket::ReconnectingWebSocket;
use super::websocket::WebSocket;
use eventwire::ws::CloseEvent;
use std::error::Error;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

/// An error of any type.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;
/// An attempt that is being made.
pub(super) type Opening = Pin<Box<dyn Future<Output = Result<WebSocket, BoxError>> + Send>>;
/// The function that begins an attempt.
pub(super) type Open = Box<dyn FnMut(Attempt) -> Opening + Send>;

/// Keeps a client connected: calls `open` for the first connection, and whenever one has ended.
///
/// `open` returns a [`Connect`](super::Connect), or a future of an open [`WebSocket`]. So each
/// attempt can have another URL, and headers that are up to date.
///
/// ```no_run
/// use eventwire_tokio::ws::{self, ReconnectEvent, ReconnectOptions};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let options = ReconnectOptions::new();
///     let mut socket = ws::reconnect(options, |_| ws::connect("wss://example.com/feed"));
///     socket.send("hello").await?;
///     while let Some(event) = socket.next().await {
///         match event? {
///             ReconnectEvent::Open => eprintln!("connected"),
///             ReconnectEvent::Message(message) => println!("{message}"),
///             ReconnectEvent::Disconnected(end) => eprintln!("{end}"),
///         }
///     }
///     Ok(())
/// }
/// ```
///
/// The function can use the connection before it returns it. Whatever each connection must begin
/// with goes there, such as a login and the server's answer to it. Messages that were kept are
/// written after that.
///
/// ```
/// use eventwire_tokio::ws::{self, Attempt, ReconnectOptions, ReconnectingWebSocket, WebSocket};
/// use http::header::AUTHORIZATION;
/// use std::error::Error;
///
/// # async fn token() -> Result<String, std::io::Error> { Ok(String::new()) }
/// async fn open(_: Attempt) -> Result<WebSocket, Box<dyn Error + Send + Sync>> {
///     let token = token().await?;
///     let mut socket = ws::connect("wss://example.com/graphql")
///         .header(AUTHORIZATION, format!("Bearer {token}"))
///         .subprotocol("graphql-transport-ws")
///         .await?;
///     socket.send(r#"{"type":"connection_init"}"#).await?;
///     let answer = socket.next().await.ok_or("the server closed before it took the login")??;
///     if !answer.to_string().contains("connection_ack") {
///         return Err("the server did not take the login".into());
///     }
///     Ok(socket)
/// }
///
/// fn subscribe() -> ReconnectingWebSocket {
///     ws::reconnect(ReconnectOptions::new(), open)
/// }
/// ```
///
/// An error of `open` is reported, and tried again after a wait, unless the options make it
/// [final](ReconnectOptions::ends_on). By default, that is so if the error is or has as its source
/// a [`ConnectError`](super::ConnectError) that is [permanent](super::ConnectError::is_permanent).
///
/// Nothing happens until the socket is used.
pub fn reconnect<F, C, E>(options: ReconnectOptions, mut open: F) -> ReconnectingWebSocket
where
    F: FnMut(Attempt) -> C + Send + 'static,
    C: IntoFuture<Output = Result<WebSocket, E>, IntoFuture: Send + 'static>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let open = move |attempt| -> Opening {
        let opening = open(attempt).into_future();
        Box::pin(async { opening.await.map_err(Into::into) })
    };
    ReconnectingWebSocket::new(options, Box::new(open))
}

/// An attempt to connect, for the function that [`reconnect`] calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The number of earlier attempts and connections.
    pub number: u64,
    /// How the last attempt or connection ended, or `None` for the first attempt.
    ///
    /// A function that keeps its token for many attempts gets a new one if the server refused the
    /// last one with 401. The options must not make that status [final](ReconnectOptions::ends_on).
    pub last_close: Option<CloseEvent>,
}
