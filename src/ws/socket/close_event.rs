//! How a WebSocket ended.

use super::transport_error::TransportError;
use crate::Utf8Bytes;
use crate::ws::frame::{NoMaskKey, ProtocolError};
use core::error::Error;
use core::fmt;
#[cfg(feature = "handshake")]
use {super::refusal::Refusal, crate::ws::handshake::ResponseError, alloc::boxed::Box};

/// How a connection ended (WHATWG WebSocket, `CloseEvent`). It is an error too, for those to whom each
/// end is one; its [`source`](Error::source) is that of its [failure](Self::failure).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseEvent {
    /// What the peer's close frame said; 1005 if that had no code, 1006 if there was none.
    pub code: u16,
    /// What the peer's close frame said, for people.
    pub reason: Utf8Bytes,
    /// Whether the closing handshake was completed.
    pub was_clean: bool,
    /// Why the closing handshake was not completed; `None` if it was.
    pub failure: Option<Failure>,
}

impl CloseEvent {
    /// The code for a close frame without one (RFC 6455, 7.1.5).
    pub const NO_STATUS: u16 = 1005;
    /// The code for a connection that ended without the peer's close frame (7.1.5).
    pub const ABNORMAL: u16 = 1006;

    /// The end of a connection that never was.
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

/// Why a connection did not end by a closing handshake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The transport ended without an error, but too soon: there was no close frame, or no whole
    /// response. With TLS it ended with a `close_notify`.
    #[error("the transport ended too soon")]
    EndOfStream,
    /// The transport could not be connected, read or written: its own error is the
    /// [`source`](Error::source).
    #[error(transparent)]
    Transport(TransportError),
    /// There was no transport within [`ReconnectingWebSocketOptions::connect_timeout`](
    /// crate::ws::ReconnectingWebSocketOptions::connect_timeout).
    #[error("no transport was connected in time")]
    ConnectTimeout,
    /// The server answered the opening handshake with a response that opens no WebSocket.
    #[cfg(feature = "handshake")]
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The server's answer to the opening handshake is wrong.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Handshake(ResponseError),
    /// The server did not answer the opening handshake in time.
    #[error("no answer to the opening handshake in time")]
    HandshakeTimeout,
    /// The peer broke the protocol or passed a limit, and was told so.
    #[error(transparent)]
    Protocol(ProtocolError),
    /// The peer did not answer a ping in time.
    #[error("no answer to a ping in time")]
    PongTimeout,
    /// The closing handshake was not completed in time.
    #[error("no closing handshake in time")]
    ClosingTimeout,
    /// It was closed from this side before it was open.
    #[error("closed before it was open")]
    Aborted,
    /// This side [failed](crate::ws::WebSocket::fail) it.
    #[error("failed by this side")]
    Local,
    /// There was no masking key for what the protocol demands to be sent.
    #[error(transparent)]
    NoMaskKey(#[from] NoMaskKey),
}
