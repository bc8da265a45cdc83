//! A writer for the output of a WebSocket.

use bytes::Buf;
use eventwire::ws::socket::ToWrite;
use std::future;
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Writes the output of a `WebSocket` to a transport. Flushes and shuts the transport down.
#[derive(Debug)]
pub struct Writer<W> {
    stream: W,
    flushed: bool,
    shut: bool,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Returns a writer for the writing half of a transport.
    pub const fn new(stream: W) -> Self {
        Self { stream, flushed: true, shut: false }
    }

    /// Writes, flushes or shuts down, as is due next. Waits for ever if nothing is due.
    ///
    /// Dropping the future loses nothing. Also wait for the deadline of the WebSocket, because a
    /// peer that reads nothing blocks every step. A flush or shutdown that failed is not tried
    /// again.
    ///
    /// # Errors
    ///
    /// Returns the error of the transport.
    pub async fn write(
        &mut self,
        to_write: &mut ToWrite<'_>,
        wants_shutdown: bool,
    ) -> io::Result<()> {
        if to_write.has_remaining() {
            self.stream.write_buf(to_write).await?;
            self.flushed = false;
            return Ok(());
        }
        if !self.flushed {
            // TLS may hold written bytes back until it is flushed.
            let result = self.stream.flush().await;
            self.flushed = true;
            return result;
        }
        if wants_shutdown && !self.shut {
            let result = self.stream.shutdown().await;
            self.shut = true;
            return result;
        }
        future::pending().await
    }
}
