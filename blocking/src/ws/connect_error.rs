//! [`ConnectError`], the reason that no WebSocket was opened.

use super::dial_error::DialError;
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
/// The text says which hop failed, with its host, and why. The error of the operating system, of TLS
/// or of the handshake is the [`source`](Error::source). No text shows credentials.
///
/// ```no_run
/// use eventwire_blocking::ws::{self, ConnectError, WebSocket};
///
/// /// Returns `None` if the server wants a login.
/// fn open(url: &str) -> Result<Option<WebSocket>, ConnectError> {
///     match ws::connect(url).open() {
///         Ok(socket) => Ok(Some(socket)),
///         Err(error) => match error.refusal() {
///             Some(refusal) if refusal.status() == 401 => {
///                 eprintln!("{}", String::from_utf8_lossy(refusal.body()));
///                 Ok(None)
///             }
///             _ => Err(error),
///         },
///     }
/// }
/// ```
pub struct ConnectError(Box<Inner>);

struct Inner {
    /// The server's host, and its port if the URL names one.
    host: String,
    kind: ConnectErrorKind,
}

/// The subject of a [`ConnectError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The URL is not one of a WebSocket.
    Url(InvalidUrl),
    /// A header, an origin or a subprotocol cannot be sent.
    Request(Unsendable),
    /// The operating system has no random number for the handshake.
    Nonce(NoNonce),
    /// The server could not be reached: the name, TCP or TLS failed.
    Dial(DialError),
    /// The transport could not be [prepared](crate::Transport::prepare).
    Transport(io::Error),
    /// The server refused to open a WebSocket. The refusal has the status, the headers and the
    /// body.
    Refused(Box<Refusal>),
    /// The server's answer is not that of a WebSocket.
    Response(ResponseError),
    /// The connection ended or failed before the server's answer was complete.
    Handshake(CloseEvent),
    /// The server did not answer the handshake in this time, which began with the attempt.
    Timeout(Duration),
}

impl ConnectError {
    pub(super) fn new(host: &str, kind: ConnectErrorKind) -> Self {
        Self(Box::new(Inner { host: host.to_owned(), kind }))
    }

    /// Returns the subject of the error.
    #[must_use]
    pub fn kind(&self) -> &ConnectErrorKind {
        &self.0.kind
    }

    /// Returns the response of a server that refused to open a WebSocket: its status, headers and
    /// body.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self.kind() {
            ConnectErrorKind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Returns whether another attempt would end in the same way, unless something is changed: the
    /// request is invalid, the server is not trusted, or it refused with a status that is final
    /// (4xx other than 408, 425 and 429).
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self.kind() {
            ConnectErrorKind::Url(_) | ConnectErrorKind::Request(_) => true,
            ConnectErrorKind::Dial(error) => error.is_permanent(),
            ConnectErrorKind::Refused(refusal) => refusal.is_permanent(),
            ConnectErrorKind::Nonce(_)
            | ConnectErrorKind::Transport(_)
            | ConnectErrorKind::Response(_)
            | ConnectErrorKind::Handshake(_)
            | ConnectErrorKind::Timeout(_) => false,
        }
    }

    /// Returns how long the server asks to wait before the next attempt.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(Refusal::retry_after)
    }
}

impl ConnectErrorKind {
    /// Converts the end of a connection that never opened.
    pub(super) fn of(close: CloseEvent, timeout: Duration) -> Self {
        match close.failure {
            Some(Failure::Refused(refusal)) => Self::Refused(refusal),
            Some(Failure::Handshake(error)) => Self::Response(error),
            Some(Failure::HandshakeTimeout) => Self::Timeout(timeout),
            _ => Self::Handshake(close),
        }
    }
}

const OTHER_PROTOCOL: &str = "; the server may expect another protocol, such as TLS (wss)";

impl fmt::Display for ConnectErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => write!(f, "invalid URL: {error}"),
            Self::Request(error) => write!(f, "the request cannot be sent: {error}"),
            Self::Nonce(error) => error.fmt(f),
            Self::Dial(error) => error.fmt(f),
            Self::Transport(error) => write!(f, "the transport cannot be used: {error}"),
            Self::Refused(refusal) => refusal.fmt(f),
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

/// The error names the host. That of a hop has named it already.
impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ConnectErrorKind::Url(_)
            | ConnectErrorKind::Request(_)
            | ConnectErrorKind::Nonce(_)
            | ConnectErrorKind::Dial(_) => self.kind().fmt(f),
            kind => write!(f, "{}: {kind}", self.0.host),
        }
    }
}

/// The text, so that a program whose `main` returns the error prints it readably.
impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectError").field(&format_args!("{self}")).finish()
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.kind() {
            ConnectErrorKind::Url(error) => error.source(),
            ConnectErrorKind::Request(error) => error.source(),
            ConnectErrorKind::Nonce(error) => error.source(),
            ConnectErrorKind::Dial(error) => error.source(),
            ConnectErrorKind::Transport(error) => Some(error),
            ConnectErrorKind::Response(error) => error.source(),
            ConnectErrorKind::Handshake(close) => close.source(),
            ConnectErrorKind::Refused(_) | ConnectErrorKind::Timeout(_) => None,
        }
    }
}

impl From<InvalidUrl> for ConnectErrorKind {
    fn from(error: InvalidUrl) -> Self {
        Self::Url(error)
    }
}

impl From<Unsendable> for ConnectErrorKind {
    fn from(error: Unsendable) -> Self {
        Self::Request(error)
    }
}
