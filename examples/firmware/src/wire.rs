//! A transport in memory, in place of a serial line.

use core::convert::Infallible;
use embedded_io::{ErrorType, Read, Write};

/// Reads these chunks one by one, and passes sent bytes to `on_sent`.
pub struct Wire<'a, F> {
    chunks: &'a [&'a [u8]],
    chunk: &'a [u8],
    on_sent: F,
}

impl<'a, F: FnMut(&[u8])> Wire<'a, F> {
    pub const fn new(chunks: &'a [&'a [u8]], on_sent: F) -> Self {
        Self { chunks, chunk: &[], on_sent }
    }
}

impl<F> ErrorType for Wire<'_, F> {
    type Error = Infallible;
}

impl<F> Read for Wire<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        while self.chunk.is_empty() {
            let Some((chunk, rest)) = self.chunks.split_first() else { return Ok(0) };
            (self.chunk, self.chunks) = (chunk, rest);
        }
        let (front, rest) = self.chunk.split_at(self.chunk.len().min(buffer.len()));
        buffer[..front.len()].copy_from_slice(front);
        self.chunk = rest;
        Ok(front.len())
    }
}

impl<F: FnMut(&[u8])> Write for Wire<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        (self.on_sent)(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
