//! [`AcceptError`], the reason that no WebSocket was accepted.

use eventwire::ws::handshake::RequestError;
use std::io;
use std::time::Duration;

/// The reason that [`accept`](super::accept) opened no WebSocket. The client has been told, if it
/// could be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The request does not open a WebSocket. It was answered with
    /// [its status](RequestError::status).
    #[error("a request that opens no WebSocket: {0}")]
    Request(#[from] RequestError),
    /// The [function](super::Accept::on_request) of the program rejected the request.
    #[error("the program rejected the request with status {status}")]
    Rejected {
        /// The status of the answer.
        status: u16,
    },
    /// The client closed the connection before its request was complete.
    #[error("the client closed the connection before its request was complete")]
    EndOfStream,
    /// TLS could not be set up.
    #[error("cannot set up TLS with the client: {0}")]
    Tls(#[source] io::Error),
    /// The transport failed.
    #[error("the transport failed during the handshake: {0}")]
    Transport(#[from] io::Error),
    /// The handshake took too long.
    #[error("the client sent no whole request within {0:?}")]
    Timeout(Duration),
}
