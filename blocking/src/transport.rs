//! [`Transport`], anything that a connection can run over.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A connected stream of bytes, such as a [`TcpStream`], that two threads can use at once: one
/// reads, and one writes.
///
/// Every call waits for a limited time, so that a WebSocket can keep its deadlines. Implement it
/// for streams of your own, such as a serial line or a tunnel:
///
/// ```
/// use eventwire_blocking::Transport;
/// use std::io;
/// use std::net::{Shutdown, TcpStream};
/// use std::time::Duration;
///
/// /// A connection that reports how much it reads.
/// struct Counted(TcpStream, fn(usize));
///
/// impl Transport for Counted {
///     fn read_within(&self, buffer: &mut [u8], time: Option<Duration>) -> io::Result<usize> {
///         self.0.read_within(buffer, time).inspect(|&len| self.1(len))
///     }
///
///     fn write_within(&self, bytes: &[u8], time: Option<Duration>) -> io::Result<usize> {
///         self.0.write_within(bytes, time)
///     }
///
///     fn shutdown(&self, how: Shutdown) -> io::Result<()> {
///         self.0.shutdown(how)
///     }
/// }
/// ```
pub trait Transport: Send + Sync {
    /// Prepares the stream for messages. This is called once, before everything else. From now on
    /// calls of a socket wait, even if it was set to be non-blocking, and a [`TcpStream`] sends
    /// small messages at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// If the stream has ended already.
    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }

    /// Waits until there is something to read, and reads it. Returns 0 at the end of the stream.
    /// Without a `time`, waits for ever. One thread reads at a time.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] or [`ErrorKind::TimedOut`] if nothing arrived in this time. The
    /// stream goes on. Any other error ends it, except [`ErrorKind::Interrupted`].
    fn read_within(&self, buffer: &mut [u8], time: Option<Duration>) -> io::Result<usize>;

    /// Waits until something can be written, and writes the front of `bytes`. Returns how much was
    /// written. Without a `time`, waits for ever. One thread writes at a time. Nothing is flushed
    /// afterwards: written bytes must be on their way.
    ///
    /// # Errors
    /// As [`read_within`](Self::read_within). If the time is over, the next call has the same bytes
    /// again, perhaps with more after them.
    fn write_within(&self, bytes: &[u8], time: Option<Duration>) -> io::Result<usize>;

    /// Ends one direction or both, and wakes the threads that wait in them. This does not wait.
    ///
    /// # Errors
    /// If the stream has ended already.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
}

/// Returns whether an error says that the stream goes on.
pub(crate) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// A system's timer has no shorter time, and takes 0 for an error.
const SHORTEST: Duration = Duration::from_millis(1);

macro_rules! socket {
    ($socket:ty, $prepare:expr) => {
        impl Transport for $socket {
            fn prepare(&self) -> io::Result<()> {
                self.set_nonblocking(false)?;
                $prepare(self)
            }

            fn read_within(&self, buffer: &mut [u8], time: Option<Duration>) -> io::Result<usize> {
                self.set_read_timeout(time.map(|time| time.max(SHORTEST)))?;
                let mut socket = self;
                socket.read(buffer)
            }

            fn write_within(&self, bytes: &[u8], time: Option<Duration>) -> io::Result<usize> {
                self.set_write_timeout(time.map(|time| time.max(SHORTEST)))?;
                let mut socket = self;
                socket.write(bytes)
            }

            fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                Self::shutdown(self, how)
            }
        }
    };
}

socket!(TcpStream, |socket: &Self| socket.set_nodelay(true));
#[cfg(unix)]
socket!(UnixStream, |_: &Self| Ok(()));
