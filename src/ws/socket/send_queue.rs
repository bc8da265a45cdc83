//! What is to be written: bytes in order, and which frames they are.

use crate::ws::frame::{OpCode, Shape, payload};
use alloc::collections::VecDeque;
use bytes::{Buf, Bytes, BytesMut};

/// Payloads from here on are not copied behind their headers.
const WORTH_SHARING: usize = 2048;

/// What a frame that waits costs in memory besides its bytes, so that empty ones count as well.
const FRAME_COST: usize = size_of::<Queued>();

/// An empty queue keeps no more memory than this.
const KEPT_EMPTY: usize = 64 << 10;

/// Bytes to be written, and the frames that they belong to.
#[derive(Debug, Default)]
pub(in crate::ws) struct SendQueue {
    /// What stands before `tail`.
    chunks: VecDeque<Bytes>,
    /// What frames are appended to.
    tail: BytesMut,
    /// How long all chunks and the tail are. What is shared may add up to more than memory has.
    len: u64,
    frames: VecDeque<Queued>,
    buffered_amount: u64,
    /// How many pings and pongs wait, and whether a close frame does, so that nobody has to look for
    /// them.
    pings: usize,
    pongs: usize,
    close: bool,
    written_kept: u64,
}

/// A frame that was not wholly written, and how much of it was not.
#[derive(Debug)]
struct Queued {
    /// `None`: no frame, but the handshake.
    shape: Option<Shape>,
    /// Whether its writer keeps it until it is written.
    kept: bool,
    overhead: usize,
    payload: usize,
}

impl SendQueue {
    /// Appends bytes that are no frame.
    #[cfg(feature = "handshake")]
    pub(in crate::ws) fn push_bytes(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.queued(None, false, bytes.len(), 0);
    }

    /// Appends what `encode` writes: one frame, or nothing. One that is kept counts in
    /// [`written_kept`](Self::written_kept).
    pub(in crate::ws) fn push<E>(
        &mut self,
        shape: Shape,
        kept: bool,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.tail.len();
        encode(&mut self.tail)?;
        let written = self.tail.len() - before;
        if written > 0 {
            let payload = payload(&self.tail[before..]).len();
            self.queued(Some(shape), kept, written - payload, payload);
        }
        Ok(())
    }

    /// Appends a frame, whose payload is shared if that is worth it.
    pub(in crate::ws) fn push_shared(&mut self, shape: Shape, header: &[u8], payload: Bytes) {
        self.tail.extend_from_slice(header);
        self.queued(Some(shape), false, header.len(), payload.len());
        self.share(payload);
    }

    /// Appends a frame that was encoded for many.
    pub(in crate::ws) fn push_encoded(&mut self, shape: Shape, frame: Bytes) {
        let payload = payload(&frame).len();
        self.queued(Some(shape), false, frame.len() - payload, payload);
        self.share(frame);
    }

    fn share(&mut self, bytes: Bytes) {
        if bytes.len() < WORTH_SHARING {
            self.tail.extend_from_slice(&bytes);
            return;
        }
        if !self.tail.is_empty() {
            self.chunks.push_back(self.tail.split().freeze());
        }
        self.chunks.push_back(bytes);
    }

    fn queued(&mut self, shape: Option<Shape>, kept: bool, overhead: usize, payload: usize) {
        self.len += (overhead + payload) as u64;
        let frame = Queued { shape, kept, overhead, payload };
        match frame.opcode() {
            Some(OpCode::Ping) => self.pings += 1,
            Some(OpCode::Pong) => self.pongs += 1,
            Some(OpCode::Close) => self.close = true,
            Some(_) if frame.is_data() => self.buffered_amount += payload as u64,
            _ => {}
        }
        self.frames.push_back(frame);
    }

    /// Payload bytes of messages that were not written.
    pub(in crate::ws) const fn buffered_amount(&self) -> usize {
        saturated(self.buffered_amount)
    }

    /// What the queue holds in memory, all counted.
    pub(in crate::ws) fn held(&self) -> usize {
        saturated(self.len).saturating_add(self.frames.len() * FRAME_COST)
    }

    /// How many bytes are to be written.
    pub(in crate::ws) const fn len(&self) -> u64 {
        self.len
    }

    pub(in crate::ws) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a ping waits, or the rest of one.
    pub(in crate::ws) const fn has_ping(&self) -> bool {
        self.pings > 0
    }

    /// Whether a pong waits, or the rest of one.
    pub(in crate::ws) const fn has_pong(&self) -> bool {
        self.pongs > 0
    }

    /// Whether a close frame waits, or the rest of one.
    pub(in crate::ws) const fn has_close(&self) -> bool {
        self.close
    }

    /// How many messages that are kept were wholly written.
    pub(in crate::ws) const fn written_kept(&self) -> u64 {
        self.written_kept
    }

    /// Notes which frames so many bytes belong to.
    fn written(&mut self, mut len: usize) {
        self.len -= len as u64;
        while let Some(frame) = self.frames.front_mut() {
            let overhead = len.min(frame.overhead);
            frame.overhead -= overhead;
            let payload = (len - overhead).min(frame.payload);
            frame.payload -= payload;
            len -= overhead + payload;
            if frame.is_data() {
                self.buffered_amount -= payload as u64;
            }
            if frame.overhead + frame.payload > 0 {
                break;
            }
            self.written_kept += u64::from(frame.kept);
            match frame.opcode() {
                Some(OpCode::Ping) => self.pings -= 1,
                Some(OpCode::Pong) => self.pongs -= 1,
                Some(OpCode::Close) => self.close = false,
                _ => {}
            }
            self.frames.pop_front();
        }
        if self.len == 0 {
            // Its capacity would not tell, as what was written counts no longer.
            if self.tail.try_reclaim(KEPT_EMPTY + 1) {
                self.tail = BytesMut::new();
            }
            self.frames.shrink_to(KEPT_EMPTY / FRAME_COST);
        }
    }
}

/// As much of it as there are numbers for.
#[allow(clippy::cast_possible_truncation, reason = "compared before")]
const fn saturated(len: u64) -> usize {
    if len > usize::MAX as u64 { usize::MAX } else { len as usize }
}

impl Queued {
    fn opcode(&self) -> Option<OpCode> {
        self.shape.map(|shape| shape.opcode)
    }

    fn is_data(&self) -> bool {
        self.opcode().is_some_and(|opcode| !opcode.is_control())
    }
}

impl Buf for SendQueue {
    fn remaining(&self) -> usize {
        saturated(self.len)
    }

    fn chunk(&self) -> &[u8] {
        self.chunks.front().map_or(&self.tail[..], |chunk| chunk)
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        let tail = (!self.tail.is_empty()).then_some(&self.tail[..]);
        let chunks = self.chunks.iter().map(|chunk| &chunk[..]).chain(tail);
        let mut count = 0;
        for (slice, chunk) in slices.iter_mut().zip(chunks) {
            *slice = std::io::IoSlice::new(chunk);
            count += 1;
        }
        count
    }

    /// # Panics
    /// If there are not so many bytes.
    fn advance(&mut self, len: usize) {
        assert!(len as u64 <= self.len, "advance by {len} bytes of {}", self.len);
        let mut left = len;
        while let Some(chunk) = self.chunks.front_mut() {
            let part = left.min(chunk.len());
            chunk.advance(part);
            left -= part;
            if !chunk.is_empty() {
                break;
            }
            self.chunks.pop_front();
        }
        self.tail.advance(left);
        self.written(len);
    }
}
