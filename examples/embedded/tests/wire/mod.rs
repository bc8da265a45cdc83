//! Difficult transports in memory, blocking and async.

use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::{ErrorKind, ErrorType};
pub use eventwire_test_support::transport::Pieces;

/// The lengths of the pieces that the tests use.
pub const SIZES: [usize; 5] = [1, 2, 3, 7, usize::MAX];

/// A blocking transport that reads and writes up to `size` bytes at a time. It holds written bytes
/// back until they are flushed.
#[derive(Debug)]
pub struct Wire<'a> {
    pub to_read: &'a [u8],
    size: usize,
    kept: Vec<u8>,
    pub written: Vec<u8>,
}

impl<'a> Wire<'a> {
    pub fn new(to_read: &'a [u8], size: usize) -> Self {
        Self { to_read, size, kept: Vec::new(), written: Vec::new() }
    }
}

impl ErrorType for Wire<'_> {
    type Error = ErrorKind;
}

impl embedded_io::Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        assert!(!buffer.is_empty(), "reading into an empty buffer would look like the end");
        let (piece, rest) =
            self.to_read.split_at(self.to_read.len().min(self.size).min(buffer.len()));
        buffer[..piece.len()].copy_from_slice(piece);
        self.to_read = rest;
        Ok(piece.len())
    }
}

impl embedded_io::Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let taken = &bytes[..bytes.len().min(self.size)];
        self.kept.extend(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.written.append(&mut self.kept);
        Ok(())
    }
}

/// Returns an async transport that reads `size` bytes and writes three bytes at a time. It is not
/// ready before each of these.
pub fn pieces(to_read: &[u8], size: usize) -> FromTokio<Pieces> {
    FromTokio::new(Pieces::new(to_read.chunks(size)))
}
