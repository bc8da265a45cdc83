//! Owned events that share the memory which they arrived in.

use super::block::RawBlock;
use super::decoder::{Input, Value, next};
use super::engine::Engine;
use super::{DecodeError, EventId, Item, Options};
use crate::Utf8Bytes;
use bytes::{Buf, Bytes, BytesMut};
use core::ops::Range;
use core::time::Duration;

/// An item that owns its bytes and, if it is an event, carries its `last_event_id`.
pub type OwnedItem = Item<Bytes, Utf8Bytes>;

/// Decodes an event stream to owned events, each a share of the buffer that it arrived in.
///
/// It is the engine of [`Decoder`](super::Decoder) over reference-counted memory:
/// [`decode`](Self::decode) for bodies that come as [`Bytes`] chunks,
/// [`decode_mut`](Self::decode_mut) for buffers that are read into.
///
/// An event keeps its whole buffer alive: copy out what is to be kept for long. The decoder does
/// not. Between inputs it holds itself (352 bytes on 64-bit machines), a copy of the last event ID,
/// and of an unfinished block either the last chunk or, if it straddles several, a buffer that
/// grows by doubling to at most [`max_event`](Options::max_event) bytes and a few.
///
/// ```
/// use bytes::Bytes;
/// use eventwire::sse::{BytesDecoder, Item};
///
/// let mut decoder = BytesDecoder::new();
/// let mut seen = Vec::new();
/// for body in ["id: 1\ndata: a\n\nda", "ta: b\n\ndata: lost"] {
///     let mut chunk = Bytes::from(body);
///     while let Some(item) = decoder.decode(&mut chunk)? {
///         if let Item::Event(event) = item {
///             let event = event.into_text();
///             seen.push(format!("{} {}", event.last_event_id, event.data));
///         }
///     }
/// }
/// assert_eq!(seen, ["1 a", "1 b"]);
/// # Ok::<(), eventwire::sse::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub struct BytesDecoder {
    engine: Engine,
    last_event_id: Utf8Bytes,
    /// It is part of the last input.
    id_is_shared: bool,
    /// Where it is kept between inputs.
    id_memory: BytesMut,
    /// The front of an unfinished block as it lies in the last chunk.
    tail: Bytes,
    /// The same once a further chunk had to be gathered with it.
    carry: BytesMut,
}

impl BytesDecoder {
    /// A decoder with the default [`Options`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// A decoder with these options.
    #[must_use]
    pub fn with_options(options: Options) -> Self {
        Self {
            engine: Engine::new(options),
            last_event_id: Utf8Bytes::default(),
            id_is_shared: false,
            id_memory: BytesMut::new(),
            tail: Bytes::new(),
            carry: BytesMut::new(),
        }
    }

    /// Takes the next item off the front of an immutable chunk, as HTTP clients give them.
    ///
    /// * `Ok(Some(item))`: `chunk` begins behind the item; call again.
    /// * `Ok(None)`: `chunk` is used up; call again with the next one.
    /// * `Err(error)`: a limit was passed. The stream is dead and the decoder repeats the error until
    ///   [`reset`](Self::reset).
    ///
    /// An event inside one chunk is sliced from it. One whose data is in several lines, or that
    /// straddles two chunks, is copied once, to one allocation and its reference count; one that
    /// straddles more may make that grow. At the end of the body an unfinished event is discarded,
    /// by the standard.
    ///
    /// # Errors
    /// If a limit was passed and the policy is [`OnLimit::Error`](super::OnLimit::Error).
    pub fn decode(&mut self, chunk: &mut Bytes) -> Result<Option<OwnedItem>, DecodeError> {
        while !self.tail.is_empty() || !self.carry.is_empty() {
            if self.tail.is_empty() {
                let mut carry = core::mem::take(&mut self.carry);
                let item = self.next(&mut carry)?;
                // An empty one would only keep an event's memory alive.
                if !carry.is_empty() {
                    self.carry = carry;
                }
                if item.is_some() {
                    return Ok(item);
                }
            }
            if chunk.is_empty() {
                return Ok(None);
            }
            self.gather(chunk);
        }
        let item = self.next(chunk)?;
        if item.is_none() {
            let tail = core::mem::take(chunk);
            self.tail = if tail.is_empty() { Bytes::new() } else { tail };
        }
        Ok(item)
    }

    /// Moves from `chunk` to the carry what belongs to the block whose front is held.
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

    /// Takes the next item off the front of a buffer that is read into, joining its data there.
    ///
    /// The convention is that of [`Decoder::decode`](super::Decoder::decode): after `Ok(None)`
    /// leave what is left in `buffer`, and append to it. No event is copied, and nothing allocated
    /// beyond the one reference count of each buffer.
    ///
    /// Use one of the two methods for a stream, not both: each knows only of the bytes that it left
    /// itself.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and on misuse.
    pub fn decode_mut(&mut self, buffer: &mut BytesMut) -> Result<Option<OwnedItem>, DecodeError> {
        self.next(buffer)
    }

    fn next<I: Input<Value = Bytes>>(
        &mut self,
        input: &mut I,
    ) -> Result<Option<OwnedItem>, DecodeError> {
        let Self { engine, last_event_id, id_is_shared, .. } = self;
        let item = next(engine, input, |id| {
            if id != last_event_id.as_bytes() {
                *last_event_id = Utf8Bytes::from_utf8_lossy(id);
                *id_is_shared = true;
            }
            Ok(())
        })?;
        let Some(item) = item else {
            self.own_id();
            return Ok(None);
        };
        Ok(Some(match item {
            Item::Event(event) => Item::Event(event.with_last_event_id(last_event_id.clone())),
            Item::Block(block) => Item::Block(block),
            Item::Comment(text) => Item::Comment(text),
            Item::Skipped(error) => Item::Skipped(error),
        }))
    }

    /// Moves the last event ID out of the buffer that it came in, which it would keep alive, once
    /// for each buffer; into the same memory as before, if no event shares it any more.
    fn own_id(&mut self) {
        if core::mem::take(&mut self.id_is_shared) {
            let id = core::mem::take(&mut self.last_event_id);
            self.id_memory.extend_from_slice(id.as_bytes());
            self.last_event_id = Utf8Bytes::from_utf8_lossy(self.id_memory.split().freeze());
        }
    }

    /// The last event ID as of the last item: what a reconnecting client sends as
    /// [`Last-Event-ID`](super::LAST_EVENT_ID), empty if there is none.
    #[must_use]
    pub const fn last_event_id(&self) -> &Utf8Bytes {
        &self.last_event_id
    }

    /// Seeds the last event ID, as a client does that reconnects after a restart.
    pub fn set_last_event_id(&mut self, id: EventId<'_>) {
        self.last_event_id = Utf8Bytes::from(id.as_str());
        self.id_is_shared = false;
    }

    /// The last valid `retry`, which counts from its line on; `None` before the first.
    #[must_use]
    pub const fn reconnection_time(&self) -> Option<Duration> {
        self.engine.reconnection_time()
    }

    /// Starts a new stream, as after a reconnect: drops what is unfinished or failed, keeps the
    /// last event ID and the reconnection time.
    pub fn reset(&mut self) {
        self.engine.reset();
        self.own_id();
        self.tail = Bytes::new();
        self.carry = BytesMut::new();
    }
}

impl Default for BytesDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Input for BytesMut {
    type Value = Bytes;

    fn as_slice(&self) -> &[u8] {
        self
    }

    fn discard(&mut self, len: usize) {
        self.advance(len);
    }

    fn split_front(&mut self, len: usize, block: &mut RawBlock) -> Bytes {
        let mut front = self.split_to(len);
        block.join(&mut front);
        front.freeze()
    }
}

impl Input for Bytes {
    type Value = Self;

    fn as_slice(&self) -> &[u8] {
        self
    }

    fn discard(&mut self, len: usize) {
        self.advance(len);
    }

    fn split_front(&mut self, len: usize, block: &mut RawBlock) -> Self {
        let front = self.split_to(len);
        if !block.is_scattered() {
            return front;
        }
        let mut copy = BytesMut::from(&front[block.start..]);
        block.move_front(block.start);
        block.join(&mut copy);
        copy.freeze()
    }
}

impl Value for Bytes {
    fn slice(&self, range: Range<usize>) -> Self {
        Self::slice(self, range)
    }

    fn into_slice(mut self, range: Range<usize>) -> Self {
        self.truncate(range.end);
        self.advance(range.start);
        self
    }
}
