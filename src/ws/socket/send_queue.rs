//! [`SendQueue`], the bytes to write, and the frames that they belong to.

use crate::ws::frame::{Encoded, FrameLen, OpCode};
use alloc::collections::VecDeque;
use bytes::{Buf, Bytes, BytesMut};

/// Payloads of at least this length are not copied into the tail.
const WORTH_SHARING: usize = 2048;

/// The memory that a queued frame takes besides its bytes, so that empty frames count too.
const FRAME_COST: usize = size_of::<Queued>();

/// The memory that the first frame of an empty queue takes, if it is not longer.
const FIRST_TAIL: usize = 512;
/// The number of frames that an empty queue makes room for.
const FIRST_FRAMES: usize = 16;

/// The bytes to write, in order, and the frames that they belong to.
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    /// The bytes before `tail`.
    chunks: VecDeque<Bytes>,
    /// The last bytes. New frames are appended here.
    tail: BytesMut,
    /// The length of all chunks and the tail. Shared chunks may add up to more than fits in memory.
    len: u64,
    frames: VecDeque<Queued>,
    buffered_amount: u64,
    /// The number of pings and of pongs in the queue, and whether a close frame is in it. They save
    /// a search.
    pings: usize,
    pongs: usize,
    close: bool,
    written_kept: u64,
}

/// A frame that was not wholly written, and the length of its unwritten part.
#[derive(Debug)]
struct Queued {
    /// The opcode of the message's first frame; `None` for the request of a handshake.
    opcode: Option<OpCode>,
    /// Whether the sender keeps the frame until it is written.
    kept: bool,
    unwritten: FrameLen,
}

impl SendQueue {
    /// Makes room for some short frames at once.
    fn begin_tail(&mut self) {
        if self.tail.capacity() == 0 {
            self.tail.reserve(FIRST_TAIL);
            self.frames.reserve(FIRST_FRAMES);
        }
    }

    /// Appends bytes that are not a frame.
    #[cfg(feature = "handshake")]
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.queued(None, false, FrameLen { header: bytes.len(), payload: 0 });
    }

    /// Appends the frame that `encode` writes, if it writes one. `encode` returns the length of the
    /// payload. A kept frame counts in [`written_kept`](Self::written_kept).
    pub(super) fn push<E>(
        &mut self,
        opcode: OpCode,
        kept: bool,
        encode: impl FnOnce(&mut BytesMut) -> Result<Option<usize>, E>,
    ) -> Result<(), E> {
        self.begin_tail();
        let before = self.tail.len();
        if let Some(payload) = encode(&mut self.tail)? {
            let header = self.tail.len() - before - payload;
            self.queued(Some(opcode), kept, FrameLen { header, payload });
        }
        Ok(())
    }

    /// Appends a frame. A long payload is shared, not copied.
    pub(super) fn push_shared(&mut self, opcode: OpCode, header: &[u8], payload: Bytes) {
        self.tail.extend_from_slice(header);
        let len = FrameLen { header: header.len(), payload: payload.len() };
        self.queued(Some(opcode), false, len);
        self.share(payload);
    }

    /// Appends a frame that was encoded for many receivers.
    pub(super) fn push_encoded(&mut self, opcode: OpCode, frame: Encoded) {
        self.queued(Some(opcode), false, frame.len());
        self.share(frame.bytes);
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

    fn queued(&mut self, opcode: Option<OpCode>, kept: bool, len: FrameLen) {
        self.len += (len.header + len.payload) as u64;
        let frame = Queued { opcode, kept, unwritten: len };
        match opcode {
            Some(OpCode::Ping) => self.pings += 1,
            Some(OpCode::Pong) => self.pongs += 1,
            Some(OpCode::Close) => self.close = true,
            Some(_) if frame.is_data() => self.buffered_amount += len.payload as u64,
            _ => {}
        }
        self.frames.push_back(frame);
    }

    /// Returns the number of unwritten payload bytes of messages.
    pub(super) const fn buffered_amount(&self) -> usize {
        saturated(self.buffered_amount)
    }

    /// Returns the memory that the queue takes: its bytes and its frames.
    pub(super) fn held(&self) -> usize {
        saturated(self.len).saturating_add(self.frames.len() * FRAME_COST)
    }

    /// Returns the number of bytes to write.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns whether a ping, or the rest of one, is queued.
    pub(super) const fn has_ping(&self) -> bool {
        self.pings > 0
    }

    /// Returns whether a pong, or the rest of one, is queued.
    pub(super) const fn has_pong(&self) -> bool {
        self.pongs > 0
    }

    /// Returns whether a close frame, or the rest of one, is queued.
    pub(super) const fn has_close(&self) -> bool {
        self.close
    }

    /// Returns the number of kept messages that were wholly written.
    pub(super) const fn written_kept(&self) -> u64 {
        self.written_kept
    }

    /// Marks the next `len` bytes as written, in the frames that they belong to.
    fn written(&mut self, mut len: usize) {
        self.len -= len as u64;
        while let Some(frame) = self.frames.front_mut() {
            let header = len.min(frame.unwritten.header);
            let payload = (len - header).min(frame.unwritten.payload);
            frame.unwritten.header -= header;
            frame.unwritten.payload -= payload;
            len -= header + payload;
            if frame.is_data() {
                self.buffered_amount -= payload as u64;
            }
            if frame.unwritten.header + frame.unwritten.payload > 0 {
                break;
            }
            self.written_kept += u64::from(frame.kept);
            match frame.opcode {
                Some(OpCode::Ping) => self.pings -= 1,
                Some(OpCode::Pong) => self.pongs -= 1,
                Some(OpCode::Close) => self.close = false,
                _ => {}
            }
            self.frames.pop_front();
        }
        if self.len == 0 {
            // Memory that was just freed is in the processor's cache, whoever takes it next.
            self.tail = BytesMut::new();
            self.frames = VecDeque::new();
        }
    }
}

/// Converts to `usize`, and saturates to `usize::MAX`.
#[allow(clippy::cast_possible_truncation, reason = "the value was compared with the maximum")]
const fn saturated(len: u64) -> usize {
    if len > usize::MAX as u64 { usize::MAX } else { len as usize }
}

impl Queued {
    fn is_data(&self) -> bool {
        self.opcode.is_some_and(|opcode| !opcode.is_control())
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
    /// If `len` is more than the number of bytes in the queue.
    fn advance(&mut self, len: usize) {
        assert!(len as u64 <= self.len, "advance by {len} bytes of {}", self.len);
        let mut rest = len;
        while let Some(chunk) = self.chunks.front_mut() {
            let part = rest.min(chunk.len());
            chunk.advance(part);
            rest -= part;
            if !chunk.is_empty() {
                break;
            }
            self.chunks.pop_front();
        }
        self.tail.advance(rest);
        self.written(len);
    }
}
