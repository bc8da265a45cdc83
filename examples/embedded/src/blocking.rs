//! An adapter that makes an async transport of a blocking one.
//!
//! Each future is ready at its first poll, so that any `block_on` runs it like a plain function.

use embedded_io_async::{ErrorType, Read, Write};

/// A blocking transport that implements the async traits.
#[derive(Debug)]
pub struct Blocking<T>(pub T);

impl<T: ErrorType> ErrorType for Blocking<T> {
    type Error = T::Error;
}

impl<T: embedded_io::Read> Read for Blocking<T> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, T::Error> {
        self.0.read(buffer)
    }
}

impl<T: embedded_io::Write> Write for Blocking<T> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, T::Error> {
        self.0.write(bytes)
    }

    async fn flush(&mut self) -> Result<(), T::Error> {
        self.0.flush()
    }
}
