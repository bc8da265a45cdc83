//! [`ToWrite`], the bytes that a WebSocket has to write.

use super::heartbeat::RoundTrip;
use super::send_queue::SendQueue;
use super::state::State;
use super::unsent::Unsent;
use bytes::Buf;
use core::time::Duration;

/// The bytes that a [`WebSocket`](crate::ws::WebSocket) has to write. [`Buf::advance`] removes
/// those that were written.
#[derive(Debug)]
pub struct ToWrite<'s> {
    /// `None` if nothing can be written.
    pub(super) parts: Option<Parts<'s>>,
    pub(super) now: Duration,
}

/// The queue, and everything that a write affects.
#[derive(Debug)]
pub(super) struct Parts<'s> {
    pub(super) queue: &'s mut SendQueue,
    pub(super) state: &'s mut State,
    pub(super) round_trip: &'s mut RoundTrip,
    /// The closing deadline if the peer takes bytes now.
    pub(super) closes_at: Duration,
    /// The messages that a client keeps until they are written.
    pub(super) unsent: Option<&'s mut Unsent>,
}

impl<'s> ToWrite<'s> {
    /// Creates an empty buffer.
    pub(super) const fn nothing(now: Duration) -> Self {
        Self { parts: None, now }
    }

    /// Also removes the messages that were written from `unsent`.
    pub(super) fn settling(mut self, unsent: &'s mut Unsent) -> Self {
        if let Some(parts) = &mut self.parts {
            parts.unsent = Some(unsent);
        }
        self
    }

    fn queue(&self) -> Option<&SendQueue> {
        self.parts.as_ref().map(|parts| &*parts.queue)
    }
}

impl Buf for ToWrite<'_> {
    fn remaining(&self) -> usize {
        self.queue().map_or(0, Buf::remaining)
    }

    fn chunk(&self) -> &[u8] {
        self.queue().map_or(&[], Buf::chunk)
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        self.queue().map_or(0, |queue| queue.chunks_vectored(slices))
    }

    /// # Panics
    /// If `len` is more than the number of bytes that remain.
    fn advance(&mut self, len: usize) {
        let Some(Parts { queue, state, round_trip, closes_at, unsent }) = &mut self.parts else {
            return assert_eq!(len, 0, "nothing to write");
        };
        if len > 0
            && queue.has_close()
            && let Some(closing) = state.closing()
        {
            // The peer still reads, so it may still answer.
            closing.deadline = closing.deadline.max(*closes_at);
        }
        queue.advance(len);
        let is_progress = round_trip.written(len, self.now);
        if len > 0
            && let State::Open(open) = &mut **state
        {
            open.heartbeat.written();
            if is_progress {
                open.heartbeat.progress(self.now);
            }
        }
        if let Some(unsent) = unsent {
            unsent.settle(queue.written_kept());
        }
    }
}
