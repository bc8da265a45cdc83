//! The writing side of a transport, in the loop around a WebSocket.

use bytes::Buf;
use eventwire::ws::socket::ToWrite;
use std::future;
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt};

pub struct Writer<W> {
    stream: W,
    flushed: bool,
    shut: bool,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub const fn new(stream: W) -> Self {
        Self { stream, flushed: true, shut: false }
    }

    /// Does the next thing that is to be done; waits for ever if there is none. Nothing is lost if it
    /// is dropped: it is to stand beside the deadline, as each thing waits for a peer that takes nothing.
    /// What failed is not tried again.
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
