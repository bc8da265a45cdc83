//! The writing side of a transport, in the loop around a WebSocket.

use bytes::Buf;
use eventwire::ws::socket::ToWrite;
use std::future;
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Writes the output of a `WebSocket` to a transport, flushes it, and shuts it down.
#[derive(Debug)]
pub struct Writer<W> {
    stream: W,
    flushed: bool,
    shut: bool,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Creates a writer for the writing half of a transport.
    pub const fn new(stream: W) -> Self {
        Self { stream, flushed: true, shut: false }
    }

    /// Does the next step: writes, flushes or shuts down. Waits for ever if there is nothing to do.
    ///
    /// Nothing is lost if the future is dropped. Wait for the deadline beside it, as a peer that reads
    /// nothing blocks every step. A flush or shutdown that failed is not tried again.
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
            // TLS may keep what it took until then.
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
