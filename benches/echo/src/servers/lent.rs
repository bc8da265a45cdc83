//! Buffers that a connection only has while they contain something. The buffers of a thread serve
//! all its connections, and stay in the processor's cache.

use bytes::BytesMut;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// The size of a read, where a library allows choosing it.
pub const READ: usize = 64 << 10;

#[derive(Default)]
pub struct Buffers {
    pub received: BytesMut,
    pub to_send: Vec<u8>,
}

thread_local! {
    static FREE: RefCell<Vec<Buffers>> = const { RefCell::new(Vec::new()) };
}

impl Buffers {
    /// Reads after the bytes that are left, or into the buffers that are free by then. Returns no
    /// buffers at the end of the stream.
    pub async fn read(self, socket: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut kept = self.release();
        poll_fn(|context| {
            let mut buffers = kept.take().unwrap_or_else(Self::borrow);
            buffers.received.reserve(READ);
            let read = pin!(socket.read_buf(&mut buffers.received)).poll(context);
            if read.is_pending() {
                kept = buffers.release();
                return Poll::Pending;
            }
            read.map_ok(|len| (len > 0).then_some(buffers))
        })
        .await
    }

    fn borrow() -> Self {
        FREE.with_borrow_mut(Vec::pop).unwrap_or_default()
    }

    /// Returns the buffers for others to use, unless they contain something.
    fn release(self) -> Option<Self> {
        if self.received.is_empty() && self.to_send.is_empty() {
            FREE.with_borrow_mut(|free| free.push(self));
            None
        } else {
            Some(self)
        }
    }
}
