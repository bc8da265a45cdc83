//! [`AcceptError`], why no WebSocket was accepted.

use eventwire::ws::handshake::{RequestError, Unsendable};
use std::io;
use std::time::Duration;

/// Why [`accept`](super::accept) accepted no WebSocket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The request opens no WebSocket. The client was told so.
    #[error("the client's request opens no WebSocket: {0}")]
    Request(#[from] RequestError),
    /// The program refused the request. The client was told so.
    #[error("the request was refused with status {status}")]
    Refused {
        /// The status of the [`Rejection`](super::Rejection).
        status: u16,
    },
    /// A header of the response cannot be sent.
    #[error(transparent)]
    Unsendable(#[from] Unsendable),
    /// TLS could not be set up.
    #[error("no TLS with the client: {0}")]
    Tls(#[source] io::Error),
    /// The client ended the connection before its request was complete.
    #[error("the client ended the connection before its request was complete")]
    EndOfStream,
    /// The deadline passed.
    #[error("the client's request was not complete after {after:?}")]
    Timeout {
        /// The deadline, counted from the start.
        after: Duration,
    },
    /// The transport failed.
    #[error("the transport failed during the opening handshake: {0}")]
    Transport(#[from] io::Error),
}
