//! [`CloseEvent`] and [`Failure`]: how a WebSocket ended.

use super::transport_error::TransportError;
use crate::Utf8Bytes;
use crate::ws::frame::{NoMaskKey, ProtocolError};
use core::error::Error;
use core::fmt;
#[cfg(feature = "handshake")]
use {super::refusal::Refusal, crate::ws::handshake::ResponseError, alloc::boxed::Box};

/// The end of a connection ([WHATWG WebSockets, `CloseEvent`]).
///
/// This type is also an error, for applications that treat every end as one. Its
/// [`source`](Error::source) is the source of its [failure](Self::failure).
///
/// [WHATWG WebSockets, `CloseEvent`]: https://websockets.spec.whatwg.org/#the-closeevent-interface
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseEvent {
    /// The code in the peer's close frame. It is 1005 if the frame had no code, and 1006 if there
    /// was no close frame.
    pub code: u16,
    /// The reason in the peer's close frame, for people.
    pub reason: Utf8Bytes,
    /// Whether the closing handshake was completed.
    pub was_clean: bool,
    /// The cause, if the closing handshake was not completed; `None` if it was.
    pub failure: Option<Failure>,
}

impl CloseEvent {
    /// The code for a close frame without a code ([RFC 6455, section 7.1.5]).
    ///
    /// [RFC 6455, section 7.1.5]: https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5
    pub const NO_STATUS: u16 = 1005;
    /// The code for a connection that ended without the peer's close frame ([RFC 6455, section
    /// 7.1.5]).
    ///
    /// [RFC 6455, section 7.1.5]: https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5
    pub const ABNORMAL: u16 = 1006;

    /// Creates the event for a connection that was never open.
    pub(super) const fn never_open(failure: Failure) -> Self {
        let reason = Utf8Bytes::from_static("");
        Self { code: Self::ABNORMAL, reason, was_clean: false, failure: Some(failure) }
    }
}

impl fmt::Display for CloseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "closed with {}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, " ({:?})", &*self.reason)?;
        }
        self.failure.iter().try_for_each(|failure| write!(f, ": {failure}"))
    }
}

impl Error for CloseEvent {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.as_ref().and_then(Error::source)
    }
}

/// The cause of an end without a closing handshake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The transport ended without an error, but before a close frame or before the whole response
    /// to the opening handshake. With TLS, it ended with a `close_notify`.
    #[error("the transport ended too soon")]
    EndOfStream,
    /// The transport could not be connected, read or written. Its own error is the
    /// [`source`](Error::source).
    #[error(transparent)]
    Transport(TransportError),
    /// No transport was connected within [`ReconnectingWebSocketOptions::connect_timeout`](
    /// crate::ws::ReconnectingWebSocketOptions::connect_timeout).
    #[error("no transport was connected in time")]
    ConnectTimeout,
    /// The server refused the opening handshake: its response does not open a WebSocket.
    #[cfg(feature = "handshake")]
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The server's response to the opening handshake is wrong.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Handshake(ResponseError),
    /// The server did not answer the opening handshake in time.
    #[error("the server did not answer the opening handshake in time")]
    HandshakeTimeout,
    /// The peer broke the protocol or passed a limit, and was told so in a close frame.
    #[error(transparent)]
    Protocol(ProtocolError),
    /// The peer did not answer a ping in time.
    #[error("the peer did not answer a ping in time")]
    PongTimeout,
    /// The closing handshake was not completed in time.
    #[error("no closing handshake in time")]
    ClosingTimeout,
    /// The application closed the connection before it was open.
    #[error("the application closed the connection before it was open")]
    Aborted,
    /// The application [failed](crate::ws::WebSocket::fail) the connection.
    #[error("the application failed the connection")]
    Local,
    /// The mask source had no key for a frame that the protocol demands.
    #[error(transparent)]
    NoMaskKey(#[from] NoMaskKey),
}
