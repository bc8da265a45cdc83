//! [`Unsent`], the messages that a `ReconnectingWebSocket` keeps until they are written.

use crate::ws::connection::SendError;
use crate::ws::frame::Frame;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Range;

/// The messages that were not wholly written, in order.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    messages: VecDeque<Kept>,
    /// The total size of the messages, in bytes.
    bytes: usize,
    /// The number of messages, from the front, that were handed to the connection.
    handed: usize,
    /// The number of the next message.
    next: u64,
    /// The number after the last message that was written.
    written: u64,
    /// The number of messages that this connection has written.
    written_here: u64,
    /// The number after the last message that earlier connections wrote.
    written_before: u64,
}

#[derive(Debug)]
struct Kept {
    number: u64,
    frame: Frame<Bytes>,
}

impl Unsent {
    /// Keeps a message, and returns its number.
    pub(super) fn push(&mut self, frame: Frame<Bytes>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.bytes += frame.payload.len();
        self.messages.push_back(Kept { number, frame });
        number
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    /// Returns the messages and their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Frame<Bytes>)> {
        self.messages.iter().map(|Kept { number, frame }| (*number, frame))
    }

    /// Drops the messages that this connection has written, which are `written_here` in total.
    pub(super) fn settle(&mut self, written_here: u64) {
        while self.written_here < written_here
            && let Some(Kept { number, frame }) = self.messages.pop_front()
        {
            self.bytes -= frame.payload.len();
            self.handed -= 1;
            self.written = number + 1;
            self.written_here += 1;
        }
    }

    /// Hands the remaining messages to the connection, in order, until it refuses one.
    pub(super) fn hand_over(
        &mut self,
        mut push: impl FnMut(&Frame<&[u8]>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        while let Some(message) = self.messages.get(self.handed) {
            push(&message.frame.borrowed())?;
            self.handed += 1;
        }
        Ok(())
    }

    /// Takes the `wanted` messages out of those that were not handed to the connection.
    pub(super) fn take(
        &mut self,
        mut wanted: impl FnMut(u64, &Frame<Bytes>) -> bool,
    ) -> Vec<(u64, Frame<Bytes>)> {
        let mut out = Vec::new();
        for Kept { number, frame } in self.messages.split_off(self.handed) {
            if wanted(number, &frame) {
                self.bytes -= frame.payload.len();
                out.push((number, frame));
            } else {
                self.messages.push_back(Kept { number, frame });
            }
        }
        out
    }

    /// Notes that the connection has ended. Returns the numbers of the messages that it wrote.
    pub(super) fn disconnect(&mut self) -> Range<u64> {
        self.handed = 0;
        self.written_here = 0;
        let before = core::mem::replace(&mut self.written_before, self.written);
        before..self.written
    }
}
