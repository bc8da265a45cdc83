//! [`SendError`], the reasons why a frame is not sent.

use crate::BufferTooSmall;
use crate::ws::frame::{CloseCode, ControlTooLong, InvalidCloseCode, NoMaskKey};

/// Why a frame was not sent. Nothing was written, and the connection lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is not open yet. Wait for
    /// [`WebSocketEvent::Open`](crate::ws::WebSocketEvent::Open).
    #[error("not sent: the connection is not open yet")]
    Connecting,
    /// One side has sent a close frame, or the connection has ended. This is no misuse, because the
    /// peer may close at any time. After our close frame no message is sent. After the peer's close
    /// frame, nothing but our own close frame is sent ([RFC 6455, section
    /// 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    #[error("not sent: the connection is closing or closed")]
    Closed,
    /// A new message inside an unfinished one, or a fragment of a message of the other kind.
    #[error("misuse: new message inside an unfinished one")]
    UnfinishedMessage,
    /// A [continuing](crate::ws::Frame::continuing) frame without a message to continue.
    #[error("misuse: continuation frame outside a message")]
    UnexpectedContinuation,
    /// A run that [is compressed already](crate::ws::frame::Run::compressed), on a connection that
    /// does [not pass it on](crate::ws::connection::Writer::compression).
    #[error("misuse: compressed run on a connection that does not pass compression on")]
    CompressedRun,
    /// A further frame of a compressed message that would be sent uncompressed:
    /// [shared](crate::ws::connection::Writer::send_shared), [in
    /// place](crate::ws::connection::Writer::send_in_place), or prepared.
    #[error("misuse: plain frame inside a compressed message")]
    InCompressedMessage,
    /// Text that is not UTF-8, at least a part of which came in
    /// [runs](crate::ws::connection::Writer::send_run).
    #[error("misuse: text that is not UTF-8")]
    InvalidUtf8,
    /// The limit on bytes that wait to be written is reached. Wait until some of them are written.
    #[error("not sent: too much waits to be written; try again when some of it is written")]
    Full,
    /// A control frame or a fragment, sent to a
    /// [`ReconnectingWebSocket`](crate::ws::ReconnectingWebSocket), which keeps whole messages.
    #[error("misuse: frame that is not a whole message")]
    NoWholeMessage,
    /// A message to a `ReconnectingWebSocket` that is longer than [everything that may
    /// wait](crate::ws::ReconnectingWebSocketOptions::max_unsent).
    #[error("message of more than {limit} bytes, the limit on all unsent messages")]
    MessageTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A close code that no page may use, on a `WebSocket` that [acts like a
    /// browser](crate::ws::WebSocketOptions::browser_close_codes).
    #[error("misuse: close code {0}; pages may only use 1000 and 3000 to 4999")]
    ReservedCloseCode(CloseCode),
    /// A message that was [skipped](crate::ws::frame::OnLimit::Skip) when it was received, so it
    /// has no payload to send.
    #[error("not sent: the message was skipped when it was received")]
    Skipped,
    /// A close code that is not allowed in a close frame.
    #[error(transparent)]
    InvalidCloseCode(#[from] InvalidCloseCode),
    /// A close reason of more than 123 bytes.
    #[error(transparent)]
    ControlTooLong(#[from] ControlTooLong),
    /// The output is too small.
    #[error(transparent)]
    BufferTooSmall(#[from] BufferTooSmall),
    /// The source of masking keys failed.
    #[error(transparent)]
    NoMaskKey(#[from] NoMaskKey),
}
