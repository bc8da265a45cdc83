//! Transports in memory.

use std::cell::Cell;
use std::hint::black_box;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The maximum that a read returns.
pub const READ: usize = 16 << 10;

/// A stream that is read repeatedly. At its end there is nothing for now.
#[derive(Clone)]
pub struct Feed {
    stream: Rc<[u8]>,
    /// Shared, because not every peer gives access to its transport.
    at: Rc<Cell<usize>>,
}

impl Feed {
    pub fn new(stream: &Rc<[u8]>) -> Self {
        Self { stream: stream.clone(), at: Rc::default() }
    }

    pub fn rewind(&self) {
        self.at.set(0);
    }

    fn next(&self, room: usize) -> &[u8] {
        let rest = &self.stream[self.at.get()..];
        let part = &rest[..rest.len().min(room).min(READ)];
        self.at.set(self.at.get() + part.len());
        part
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let part = self.next(buffer.len());
        buffer[..part.len()].copy_from_slice(part);
        if part.is_empty() { Err(ErrorKind::WouldBlock.into()) } else { Ok(part.len()) }
    }
}

impl AsyncRead for Feed {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let part = self.next(buffer.remaining());
        buffer.put_slice(part);
        if part.is_empty() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

/// Nothing is written while reading.
impl Write for Feed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for Feed {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(ErrorKind::Unsupported.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Output goes to `bytes`. If it is already in one buffer and is not checked, it goes nowhere.
#[derive(Default)]
pub struct Drain {
    pub copy: bool,
    pub bytes: Vec<u8>,
}

impl Drain {
    fn put(&mut self, bytes: &[u8]) -> usize {
        if self.copy {
            self.bytes.extend_from_slice(bytes);
        } else {
            black_box(bytes);
        }
        bytes.len()
    }
}

impl Write for Drain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.put(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for Drain {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.put(bytes)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(slices.iter().map(|slice| self.put(slice)).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Nothing is read while writing.
impl Read for Drain {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }
}

impl AsyncRead for Drain {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(ErrorKind::Unsupported.into()))
    }
}
