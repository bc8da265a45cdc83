//! [`Refusal`], a response that is not an event stream and whose body is being read.

use super::exchange::Chunks;
use crate::timer::Timer;
use bytes::{Bytes, BytesMut};
use eventwire::sse::EventSourceError;
use http::Response;
use http::header::SET_COOKIE;
use http::response::Parts;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// A response that was refused, with the part of its body that has arrived. The body often says
/// why there are no events.
pub(super) struct Refusal {
    /// Why the response was refused.
    pub(super) error: EventSourceError,
    head: Parts,
    chunks: Chunks,
    body: BytesMut,
    deadline: Instant,
    timer: Timer,
}

impl Refusal {
    /// The maximum size of the body in bytes. The rest is not read.
    pub(super) const MAX_BODY: usize = 64 << 10;
    /// The maximum time for reading the body.
    pub(super) const PATIENCE: Duration = Duration::from_secs(5);

    pub(super) fn new(response: Response<Chunks>, error: EventSourceError) -> Self {
        let (mut head, chunks) = response.into_parts();
        // Errors are printed, cookies are not.
        head.headers.iter_mut().filter(|(name, _)| *name == SET_COOKIE).for_each(|(_, cookie)| {
            cookie.set_sensitive(true);
        });
        let deadline = Instant::now() + Self::PATIENCE;
        Self { error, head, chunks, body: BytesMut::new(), deadline, timer: Timer::default() }
    }

    /// Reads the body until it ends or fails, or until a limit is reached.
    pub(super) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.body.len() < Self::MAX_BODY {
            match self.chunks.as_mut().poll_chunk(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    let len = chunk.len().min(Self::MAX_BODY - self.body.len());
                    self.body.extend_from_slice(&chunk[..len]);
                }
                Poll::Ready(None | Some(Err(_))) => break,
                Poll::Pending => return self.timer.poll(self.deadline, cx),
            }
        }
        Poll::Ready(())
    }

    /// Returns the reason and the response, with as much of the body as was read.
    pub(super) fn into_parts(self) -> (EventSourceError, Response<Bytes>) {
        (self.error, Response::from_parts(self.head, self.body.freeze()))
    }
}
