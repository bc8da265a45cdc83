//! A slow transport: it passes a few bytes at a time, and is not ready before each of them.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport that reads as these pieces, and takes 3 bytes at a time.
#[derive(Debug, Default)]
pub struct Pieces {
    to_read: VecDeque<io::Result<Vec<u8>>>,
    /// The bytes that were written.
    pub written: Vec<u8>,
    /// Whether the writing side was shut down.
    pub shut: bool,
    may_read: bool,
    may_write: bool,
}

impl Pieces {
    /// Creates a transport that reads as these pieces, and then ends.
    pub fn new<'a>(to_read: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let pieces = to_read.into_iter().filter(|piece| !piece.is_empty());
        Self { to_read: pieces.map(|piece| Ok(piece.to_vec())).collect(), ..Self::default() }
    }

    /// Lets reading fail with this error after the pieces.
    #[must_use]
    pub fn then_fail(mut self, error: io::ErrorKind) -> Self {
        self.to_read.push_back(Err(error.into()));
        self
    }
}

/// Returns `Ready` every other time. The caller is woken for the next one.
pub fn every_other(ready: &mut bool, cx: &mut Context<'_>) -> Poll<()> {
    *ready = !*ready;
    if *ready {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(())
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        std::task::ready!(every_other(&mut self.may_read, cx));
        if let Some(mut piece) = self.to_read.pop_front().transpose()? {
            let rest = piece.split_off(piece.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
            if !rest.is_empty() {
                self.to_read.push_front(Ok(rest));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        std::task::ready!(every_other(&mut self.may_write, cx));
        let taken = &bytes[..bytes.len().min(3)];
        self.written.extend(taken);
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut = true;
        Poll::Ready(Ok(()))
    }
}
