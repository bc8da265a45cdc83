//! [`ConnectError`], the reasons that no WebSocket was opened.

#[cfg(feature = "connect")]
use crate::net::DialError;
use eventwire::InvalidUrl;
use eventwire::ws::handshake::{NoNonce, ResponseError, Unsendable};
use eventwire::ws::socket::Refusal;
use eventwire::ws::{CloseEvent, Failure};
use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

/// The reason that [`connect`](super::connect) opened no WebSocket.
///
/// The text says which hop failed and why. The error of the operating system, of TLS or of the
/// handshake is the [`source`](Error::source). No text shows credentials.
///
/// ```no_run
/// use eventwire_tokio::ws::{self, ConnectError, WebSocket};
///
/// /// Returns `None` if the server wants a login.
/// async fn open(url: &str) -> Result<Option<WebSocket>, ConnectError> {
///     match ws::connect(url).await {
///         Ok(socket) => Ok(Some(socket)),
///         Err(ConnectError::Refused(refusal)) if refusal.status() == 401 => {
///             eprintln!("{}", String::from_utf8_lossy(refusal.body()));
///             Ok(None)
///         }
///         Err(error) => Err(error),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one of a WebSocket.
    Url(InvalidUrl),
    /// A header, an origin or a subprotocol cannot be sent.
    Request(Unsendable),
    /// A header's name or value is invalid.
    Header(http::Error),
    /// The operating system has no random number for the handshake.
    Nonce(NoNonce),
    /// The server could not be reached: the name, TCP, a proxy or TLS failed.
    #[cfg(feature = "connect")]
    Dial(DialError),
    /// The server refused to open a WebSocket. It has the status, the headers and the body.
    Refused(Box<Refusal>),
    /// The server redirects to this URL, which is not followed: there were too many
    /// [redirects](super::Connect::redirects), or the URL is invalid or less secure. If none are
    /// allowed, a redirect is [`Refused`](Self::Refused).
    Redirect(String),
    /// The server's answer is not that of a WebSocket.
    Response(ResponseError),
    /// The connection ended or failed before the server's answer was complete.
    Handshake(CloseEvent),
    /// The connection of HTTP/2 failed, or the server does not allow extended CONNECT.
    #[cfg(feature = "http2")]
    Http2(hyper::Error),
    /// The server did not answer the handshake in this time.
    Timeout(Duration),
}

impl ConnectError {
    /// Converts the end of a connection that never opened.
    pub(super) fn of(close: CloseEvent, timeout: Duration) -> Self {
        match close.failure {
            Some(Failure::Refused(refusal)) => Self::Refused(refusal),
            Some(Failure::Handshake(error)) => Self::Response(error),
            Some(Failure::HandshakeTimeout) => Self::Timeout(timeout),
            _ => Self::Handshake(close),
        }
    }

    /// Returns whether another attempt would end in the same way, unless something is changed: the
    /// request is invalid, the server is not trusted, or it refused with a status that is final
    /// (4xx other than 408, 425 and 429).
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Url(_) | Self::Request(_) | Self::Header(_) | Self::Redirect(_) => true,
            #[cfg(feature = "connect")]
            Self::Dial(error) => error.is_permanent(),
            Self::Refused(refusal) => {
                let status = refusal.status();
                matches!(status, 400..=499) && !matches!(status, 408 | 425 | 429)
            }
            #[cfg(feature = "http2")]
            Self::Http2(_) => false,
            Self::Nonce(_) | Self::Response(_) | Self::Handshake(_) | Self::Timeout(_) => false,
        }
    }

    /// Returns how long the server asks to wait before the next attempt.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after(),
            _ => None,
        }
    }
}

const OTHER_PROTOCOL: &str = "; the server may expect another protocol, such as TLS (wss)";

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => write!(f, "invalid URL: {error}"),
            Self::Request(error) => write!(f, "the request cannot be sent: {error}"),
            Self::Header(error) => write!(f, "invalid header: {error}"),
            Self::Nonce(error) => error.fmt(f),
            #[cfg(feature = "connect")]
            Self::Dial(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Redirect(url) => {
                write!(f, "the server redirects to {url}, which is not followed")
            }
            Self::Response(error) => {
                write!(f, "the server's answer opens no WebSocket: {error}")?;
                match error {
                    ResponseError::Malformed { offset: 0 } => f.write_str(OTHER_PROTOCOL),
                    _ => Ok(()),
                }
            }
            Self::Handshake(close) => {
                f.write_str("the opening handshake failed")?;
                if let Some(failure) = &close.failure {
                    write!(f, ": {failure}")?;
                }
                match &close.failure {
                    Some(failure) if is_hung_up(failure) => f.write_str(OTHER_PROTOCOL),
                    _ => Ok(()),
                }
            }
            #[cfg(feature = "http2")]
            Self::Http2(error) => write!(f, "the connection of HTTP/2 failed: {error}"),
            Self::Timeout(timeout) => {
                write!(f, "the server did not answer the opening handshake within {timeout:?}")
            }
        }
    }
}

/// Returns whether the server ended or reset the connection, as it does if it does not understand
/// the request.
fn is_hung_up(failure: &Failure) -> bool {
    match failure {
        Failure::EndOfStream => true,
        Failure::Transport(error) => error
            .source()
            .and_then(|it| it.downcast_ref::<io::Error>())
            .is_some_and(|it| it.kind() == io::ErrorKind::ConnectionReset),
        _ => false,
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url(error) => error.source(),
            Self::Request(error) => error.source(),
            Self::Header(error) => error.source(),
            Self::Nonce(error) => error.source(),
            #[cfg(feature = "connect")]
            Self::Dial(error) => error.source(),
            Self::Response(error) => error.source(),
            Self::Handshake(close) => close.source(),
            #[cfg(feature = "http2")]
            Self::Http2(error) => Some(error),
            Self::Refused(_) | Self::Redirect(_) | Self::Timeout(_) => None,
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
        Self::Request(error)
    }
}
