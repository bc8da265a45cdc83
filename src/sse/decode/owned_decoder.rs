//! [`OwnedDecoder`], whose events share the memory that they arrived in.

use super::block::RawBlock;
use super::decode_error::{DecodeError, IdTooLong};
use super::decoder::{Front, Input, KeepId, next, unfinished};
use super::decoder_options::{DecoderOptions, Shown};
use super::engine::Engine;
use super::event::{Event, Item};
use crate::Utf8Bytes;
use crate::sse::event_id::EventId;
use bytes::{Buf, Bytes, BytesMut};
use core::ops::Range;
use core::time::Duration;

/// An item that owns its text. If it is an event, it carries its `last_event_id`.
pub type OwnedItem = Item<Utf8Bytes, Utf8Bytes>;

/// An event that owns its text and carries its `last_event_id`.
pub type OwnedEvent = Event<Utf8Bytes, Utf8Bytes>;

/// Decodes an event stream to owned events, which share the buffer that they arrived in.
///
/// Bytes that are not UTF-8 are replaced by U+FFFD, as the standard says. Only a value that
/// contains such bytes is copied.
///
/// This is the engine of [`Decoder`](crate::sse::Decoder) over reference-counted memory. Use
/// [`decode`](Self::decode) for bodies that arrive as [`Bytes`] chunks, and
/// [`decode_buffer`](Self::decode_buffer) for a buffer that you read into.
///
/// An event keeps its whole buffer alive, so copy what you keep for long. The decoder keeps no
/// buffer alive for long. Between inputs it holds itself (352 bytes on 64-bit machines), a copy of
/// the last event ID, and the unfinished block. The block is either the last chunk or, if it
/// several chunks, a buffer that grows by doubling to at most
/// [`max_event`](DecoderOptions::max_event) bytes and a few more.
///
/// ```
/// use bytes::Bytes;
/// use eventwire::sse::{OwnedDecoder, Item};
///
/// let mut decoder = OwnedDecoder::new();
/// let mut seen = Vec::new();
/// for body in ["id: 1\ndata: a\n\nda", "ta: b\n\ndata: lost"] {
///     let mut chunk = Bytes::from(body);
///     while let Some(item) = decoder.decode(&mut chunk)? {
///         if let Item::Event(event) = item {
///             seen.push(format!("{} {}", event.last_event_id, event.data));
///         }
///     }
/// }
/// assert_eq!(seen, ["1 a", "1 b"]);
/// # Ok::<(), eventwire::sse::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OwnedDecoder {
    engine: Engine,
    id: LastEventId,
    /// The front of an unfinished block, as a share of the last chunk.
    tail: Bytes,
    /// The front of an unfinished block, once it had to be gathered from several chunks.
    carry: BytesMut,
}

impl OwnedDecoder {
    /// Creates a decoder with the default [`DecoderOptions`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(DecoderOptions::new())
    }

    /// Creates a decoder with these options.
    #[must_use]
    pub fn with_options(options: DecoderOptions) -> Self {
        Self {
            engine: Engine::new(options),
            id: LastEventId::default(),
            tail: Bytes::new(),
            carry: BytesMut::new(),
        }
    }

    /// Takes the next item off the front of an immutable chunk, as HTTP clients return them.
    ///
    /// * `Ok(Some(item))`: `chunk` now begins after the item. Call again.
    /// * `Ok(None)`: `chunk` is used up. Call again with the next one.
    /// * `Err(error)`: a limit was passed. The stream is dead, and the decoder repeats the error
    ///   until [`reset`](Self::reset).
    ///
    /// An event inside one chunk is a slice of it. An event that has its data in several lines, or
    /// that straddles two chunks, is copied once, into one allocation and its reference count. An
    /// event that straddles more chunks may make that allocation grow.
    ///
    /// At the end of the body the standard discards an unfinished event.
    /// [`decode_eof`](Self::decode_eof) returns it if the [options](DecoderOptions::unfinished) say
    /// so.
    ///
    /// # Errors
    /// If a limit was passed and the policy is
    /// [`OnLimit::Error`](crate::sse::decode::OnLimit::Error).
    #[inline(always)]
    pub fn decode(&mut self, chunk: &mut Bytes) -> Result<Option<OwnedItem>, DecodeError> {
        if (!self.tail.is_empty() || !self.carry.is_empty())
            && let Some(result) = self.decode_held(chunk)
        {
            return result;
        }
        let Self { engine, id, tail, .. } = self;
        next(engine, chunk, id, |chunk, id| {
            id.own();
            if !chunk.is_empty() {
                *tail = core::mem::take(chunk);
            }
        })
    }

    /// Continues with what is held of earlier chunks. Returns `None` once nothing is held.
    #[inline(never)]
    fn decode_held(&mut self, chunk: &mut Bytes) -> Option<Result<Option<OwnedItem>, DecodeError>> {
        while !self.tail.is_empty() || !self.carry.is_empty() {
            if self.tail.is_empty() {
                let mut carry = core::mem::take(&mut self.carry);
                let item = self.next(&mut carry);
                // An empty buffer would only keep an event's memory alive.
                if !carry.is_empty() {
                    self.carry = carry;
                }
                if !matches!(item, Ok(None)) {
                    return Some(item);
                }
            }
            if chunk.is_empty() {
                return Some(Ok(None));
            }
            self.gather(chunk);
        }
        None
    }

    /// Moves the bytes that belong to the held block from `chunk` to the carry.
    fn gather(&mut self, chunk: &mut Bytes) {
        let held = if self.tail.is_empty() { &self.carry[..] } else { &self.tail };
        if !held.is_empty() {
            let len = self.engine.same_block(held, chunk);
            self.carry.reserve(self.tail.len() + len);
            self.carry.extend_from_slice(&core::mem::take(&mut self.tail));
            self.carry.extend_from_slice(&chunk[..len]);
            chunk.advance(len);
        }
    }

    /// Takes the next item off the front of a buffer that you read into, and joins its data there.
    ///
    /// The convention is that of [`Decoder::decode`](crate::sse::Decoder::decode): after `Ok(None)`
    /// leave the rest in `buffer`, and append to it. No event is copied, and nothing is allocated
    /// except one reference count for each buffer.
    ///
    /// Use only one of the two methods for a stream: each knows only the bytes that it left itself.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and on misuse.
    #[inline(always)]
    pub fn decode_buffer(
        &mut self,
        buffer: &mut BytesMut,
    ) -> Result<Option<OwnedItem>, DecodeError> {
        self.next(buffer)
    }

    /// Takes the next item like [`decode`](Self::decode), once the body has ended, with the last
    /// chunk or an empty one. Call it until it returns `Ok(None)`.
    ///
    /// The last item may be one that the end cut off, if the [options](DecoderOptions::unfinished)
    /// say so. After that item, or after `Ok(None)`, the decoder was [`reset`](Self::reset).
    ///
    /// ```
    /// use bytes::Bytes;
    /// use eventwire::sse::{OwnedDecoder, Item, DecoderOptions};
    ///
    /// let mut decoder = OwnedDecoder::with_options(DecoderOptions::new().unfinished(true));
    /// let mut chunk = Bytes::from("data: {}\n\ndata: [DONE]"); // a body that has ended
    /// let mut seen = Vec::new();
    /// while let Some(item) = decoder.decode_eof(&mut chunk)? {
    ///     let Item::Event(event) = item else { continue };
    ///     seen.push(event.data);
    /// }
    /// assert_eq!(seen, ["{}", "[DONE]"]);
    /// # Ok::<(), eventwire::sse::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_eof(&mut self, chunk: &mut Bytes) -> Result<Option<OwnedItem>, DecodeError> {
        let item = self.decode(chunk)?;
        if item.is_some() {
            return Ok(item);
        }
        let give = self.gives_unfinished();
        let item = self.unfinished(give)?;
        self.reset();
        Ok(item.filter(|_| give))
    }

    /// Takes the next item like [`decode_buffer`](Self::decode_buffer), once the stream has ended
    /// and `buffer` is all that is left of it. Call it until it returns `Ok(None)`, like
    /// [`decode_eof`](Self::decode_eof). At the end `buffer` is empty, and the decoder was
    /// [`reset`](Self::reset).
    ///
    /// # Errors
    /// As [`decode_buffer`](Self::decode_buffer).
    pub fn decode_buffer_eof(
        &mut self,
        buffer: &mut BytesMut,
    ) -> Result<Option<OwnedItem>, DecodeError> {
        let item = self.decode_buffer(buffer)?;
        if item.is_some() {
            return Ok(item);
        }
        let give = self.gives_unfinished();
        let item = self.unfinished_mut(buffer, give)?;
        self.reset();
        Ok(item.filter(|_| give))
    }

    /// Returns whether unfinished items are returned.
    pub(in crate::sse) const fn gives_unfinished(&self) -> bool {
        self.engine.options().show(Shown::UNFINISHED)
    }

    /// Returns the item that the end of the stream cut off. The bytes held are its front. The item
    /// counts only if `give` is set. Reset the decoder afterwards.
    pub(in crate::sse) fn unfinished(
        &mut self,
        give: bool,
    ) -> Result<Option<OwnedItem>, DecodeError> {
        let mut tail = core::mem::take(&mut self.tail);
        if tail.is_empty() {
            let mut carry = core::mem::take(&mut self.carry);
            self.unfinished_mut(&mut carry, give)
        } else {
            unfinished(&mut self.engine, &mut tail, &mut self.id, give)
        }
    }

    /// Returns the item that the end of the stream cut off, with `buffer` as its front.
    pub(in crate::sse) fn unfinished_mut(
        &mut self,
        buffer: &mut BytesMut,
        give: bool,
    ) -> Result<Option<OwnedItem>, DecodeError> {
        unfinished(&mut self.engine, buffer, &mut self.id, give)
    }

    #[inline(always)]
    fn next<I: Input<Front = Shared>>(
        &mut self,
        input: &mut I,
    ) -> Result<Option<OwnedItem>, DecodeError> {
        next(&mut self.engine, input, &mut self.id, |_, id| id.own())
    }

    /// Returns the last event ID as of the last item, or an empty string if there is none. A client
    /// that reconnects sends it as [`Last-Event-ID`](crate::sse::header::LAST_EVENT_ID).
    #[must_use]
    pub const fn last_event_id(&self) -> &Utf8Bytes {
        &self.id.id
    }

    /// Seeds the last event ID, for a client that reconnects after a restart.
    pub fn set_last_event_id(&mut self, id: EventId<'_>) {
        self.id.id = Utf8Bytes::from(id.as_str());
        self.id.is_shared = false;
    }

    /// Returns the last valid `retry`, which counts as soon as its line is read, or `None` before
    /// the first.
    #[must_use]
    pub const fn reconnection_time(&self) -> Option<Duration> {
        self.engine.reconnection_time()
    }

    /// Starts a new stream, as after a reconnect. Drops an unfinished event or a failure, and keeps
    /// the last event ID and the reconnection time.
    pub fn reset(&mut self) {
        self.engine.reset();
        self.id.own();
        self.tail = Bytes::new();
        self.carry = BytesMut::new();
    }

    /// Returns whether a buffer of this length, which you read into, holds anything new to decode.
    #[inline]
    pub(in crate::sse) const fn has_news(&self, len: usize) -> bool {
        self.engine.has_news(len)
    }
}

impl Default for OwnedDecoder {
    fn default() -> Self {
        Self::new()
    }
}

/// The last event ID, and the memory that it is kept in.
#[derive(Clone, Debug, Default)]
struct LastEventId {
    id: Utf8Bytes,
    /// Whether the ID is a share of the last input.
    is_shared: bool,
    /// The memory that the ID is kept in between inputs.
    memory: BytesMut,
}

impl LastEventId {
    /// Copies the ID out of the buffer that it came in, which it would otherwise keep alive. This
    /// happens once for each buffer, and reuses the same memory if no event shares it any more.
    fn own(&mut self) {
        if core::mem::take(&mut self.is_shared) {
            self.memory.extend_from_slice(core::mem::take(&mut self.id).as_bytes());
            self.id = Utf8Bytes::from_valid(self.memory.split().freeze());
        }
    }
}

impl KeepId<Utf8Bytes> for LastEventId {
    type Kept = Utf8Bytes;

    #[inline]
    fn keep(&mut self, id: &Utf8Bytes) -> Result<(), IdTooLong> {
        if *id != self.id {
            self.id = id.clone();
            self.is_shared = true;
        }
        Ok(())
    }

    #[inline]
    fn kept(&self) -> Utf8Bytes {
        // Most servers send no ID.
        if self.id.is_empty() { Utf8Bytes::default() } else { self.id.clone() }
    }
}

/// The front of an input. Its texts share its memory.
pub(super) struct Shared {
    bytes: Bytes,
    ascii: bool,
}

impl Shared {
    #[inline]
    fn validate(bytes: Bytes, ascii: bool) -> Utf8Bytes {
        if ascii { Utf8Bytes::from_valid(bytes) } else { Utf8Bytes::from_utf8_lossy(bytes) }
    }
}

impl Front for Shared {
    type Text = Utf8Bytes;

    #[inline]
    fn text(&self, range: Range<usize>) -> Utf8Bytes {
        Self::validate(self.bytes.slice(range), self.ascii)
    }

    #[inline]
    fn into_text(mut self, range: Range<usize>) -> Utf8Bytes {
        self.bytes.truncate(range.end);
        self.bytes.advance(range.start);
        Self::validate(self.bytes, self.ascii)
    }
}

impl Input for BytesMut {
    type Front = Shared;

    #[inline]
    fn as_slice(&self) -> &[u8] {
        self
    }

    #[inline]
    fn discard(&mut self, len: usize) {
        self.advance(len);
    }

    #[inline]
    fn split_front(&mut self, len: usize, block: &mut RawBlock, ascii: bool) -> Shared {
        let mut front = self.split_to(len);
        block.join(&mut front);
        Shared { bytes: front.freeze(), ascii }
    }
}

impl Input for Bytes {
    type Front = Shared;

    #[inline]
    fn as_slice(&self) -> &[u8] {
        self
    }

    #[inline]
    fn discard(&mut self, len: usize) {
        self.advance(len);
    }

    #[inline]
    fn split_front(&mut self, len: usize, block: &mut RawBlock, ascii: bool) -> Shared {
        let front = self.split_to(len);
        if !block.is_scattered() {
            return Shared { bytes: front, ascii };
        }
        let mut copy = BytesMut::from(&front[block.start()..]);
        block.move_front(block.start());
        block.join(&mut copy);
        Shared { bytes: copy.freeze(), ascii }
    }
}
