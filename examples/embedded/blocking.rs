//! A transport that blocks, as an async one: what it does is done when it returns.
//!
//! A future that waits for nothing else is ready when it is polled once, so that any `block_on` runs
//! it as the function that it would be without async.

use embedded_io_async::{ErrorType, Read, Write};

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
