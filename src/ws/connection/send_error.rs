//! Why a frame was not sent.

use crate::BufferTooSmall;
use crate::ws::frame::{CloseCode, ControlTooLong, InvalidCloseCode, NoMaskKey};

/// We tried to send what may not be sent now. Nothing was written, and the connection lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is not open yet: wait for [`WebSocketEvent::Open`](crate::ws::WebSocketEvent::Open).
    #[error("not sent, as the connection is not open yet")]
    Connecting,
    /// One side has sent a close frame, or the connection has ended. That is no misuse: the peer may
    /// close at any time. After our close frame no message is sent, after the peer's nothing is
    /// (RFC 6455, 5.5.1).
    #[error("not sent, as the connection is closing or closed")]
    Closed,
    /// A new message inside an unfinished one, or a fragment of the other kind.
    #[error("misuse: message inside an unfinished one")]
    UnfinishedMessage,
    /// A [continuing](crate::ws::Frame::continuing) frame with no message to continue.
    #[error("misuse: continuation frame outside a message")]
    UnexpectedContinuation,
    /// A run that [was compressed](crate::ws::frame::Run::compressed) by others, which is
    /// [not to be passed on](crate::ws::connection::Writer::compression).
    #[error("misuse: message that others compressed")]
    CompressedRun,
    /// A further frame of a message that is compressed, which is to go as it is:
    /// [shared](crate::ws::connection::Writer::send_shared), [in place](crate::ws::connection::Writer::send_in_place), or prepared.
    #[error("misuse: plain frame inside a compressed message")]
    InCompressedMessage,
    /// Text that is not UTF-8, of which some came in [runs](crate::ws::connection::Writer::send_run).
    #[error("misuse: text that is not UTF-8")]
    InvalidUtf8,
    /// As much waits to be written as may: wait until some of it was.
    #[error("as much waits to be written as may")]
    Full,
    /// A control frame or a fragment to a [`ReconnectingWebSocket`](crate::ws::ReconnectingWebSocket), which keeps messages.
    #[error("misuse: frame that is no whole message")]
    NoWholeMessage,
    /// A message to a `ReconnectingWebSocket`, longer than [all that may
    /// wait](crate::ws::ReconnectingWebSocketOptions::max_unsent).
    #[error("message of more than {limit} bytes, which are all that may wait")]
    MessageTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A close code that no page may use, by a `WebSocket` that is to
    /// [act like one](crate::ws::WebSocketOptions::browser_close_codes).
    #[error("misuse: close code {0}, which no page may use")]
    ReservedCloseCode(CloseCode),
    /// A message that was [skipped](crate::ws::frame::OnLimit::Skip) when it was received, so that
    /// there is nothing of it to send.
    #[error("not sent, as the message was skipped when it was received")]
    Skipped,
    /// A close code that no close frame may have.
    #[error(transparent)]
    InvalidCloseCode(#[from] InvalidCloseCode),
    /// A close reason of more than 123 bytes.
    #[error(transparent)]
    ControlTooLong(#[from] ControlTooLong),
    /// The output has no room.
    #[error(transparent)]
    BufferTooSmall(#[from] BufferTooSmall),
    /// The source of masking keys failed.
    #[error(transparent)]
    NoMaskKey(#[from] NoMaskKey),
}
