//! Reading from a transport without a buffer for each connection.

use bytes::BytesMut;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

/// The largest read.
const READ: usize = 64 << 10;
/// A read of more than this keeps the memory that was read into. A smaller one is copied, so that a
/// short message that the program keeps does not keep [`READ`] bytes.
const COPIED: usize = 16 << 10;
/// With this many bytes of an unfinished message, the rest of it is read to where it will lie.
const LONG: usize = 16 << 10;

thread_local! {
    /// Serves all connections of the thread, and stays in the processor's cache.
    static SCRATCH: RefCell<BytesMut> = RefCell::default();
}

/// Appends bytes to `received`. Returns their number, which is 0 at the end of the stream. Reserves
/// nothing if no bytes have arrived.
pub(super) fn poll_read<T: AsyncRead + ?Sized>(
    io: Pin<&mut T>,
    cx: &mut Context<'_>,
    received: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    if received.len() >= LONG {
        // In proportion to what has arrived, never to what the peer claims.
        received.reserve(received.len().clamp(READ, READ << 4));
        return poll_read_buf(io, cx, received);
    }
    // A transport that reads from another one of ours finds no scratch, and makes its own.
    let mut scratch = SCRATCH.take();
    scratch.reserve(READ);
    let read = poll_read_buf(io, cx, &mut scratch);
    if received.is_empty() && scratch.len() > COPIED {
        *received = scratch.split();
    } else {
        received.extend_from_slice(&scratch);
        scratch.clear();
    }
    SCRATCH.set(scratch);
    read
}
