//! Whole events out of a caller's buffer, without an allocator.

use super::block::RawBlock;
use super::engine::{Engine, Step};
use super::{
    Block, DecodeError, Event, EventId, IdStorage, IdTooLong, InlineId, Item, Options, Text,
};
use core::ops::Range;
use core::time::Duration;

/// Decodes an event stream in the caller's buffer (WHATWG HTML, 9.2.6).
///
/// Items borrow the buffer, not the decoder. Several `data` lines are joined where they stand, so
/// nothing is copied elsewhere; only the last event ID is, to `S`.
///
/// Memory: the decoder itself (on 64-bit machines 224 bytes beside the `N` of an
/// [`InlineId<N>`](InlineId)), and in the caller's buffer at most
/// [`max_event`](Options::max_event) bytes of an unfinished block.
///
/// ```
/// use eventwire::sse::{Decoder, Item};
///
/// let mut decoder = Decoder::new();
/// let mut buffer = *b"id: 7\nevent: sum\ndata: 1 +\ndata: 2\n\ndata: unfinished";
/// let mut input = &mut buffer[..];
/// while let Some(item) = decoder.decode(&mut input)? {
///     if let Item::Event(event) = item {
///         assert_eq!(event.event_type, Some(&b"sum"[..]));
///         assert_eq!(event.data, b"1 +\n2");
///     }
/// }
/// assert_eq!(decoder.last_event_id(), "7");
/// assert_eq!(input, b"data: unfinished"); // keep it, and append to it
/// # Ok::<(), eventwire::sse::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder<S = InlineId<256>> {
    engine: Engine,
    last_event_id: S,
}

impl Decoder {
    /// A decoder with the default [`Options`] that can keep ids of up to 256 bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_storage(Options::new(), InlineId::new())
    }
}

impl<S: IdStorage + Default> Default for Decoder<S> {
    fn default() -> Self {
        Self::with_options(Options::new())
    }
}

impl<S> Decoder<S> {
    /// A decoder with these options, that keeps the last event ID in this storage.
    #[must_use]
    pub const fn with_storage(options: Options, last_event_id: S) -> Self {
        Self { engine: Engine::new(options), last_event_id }
    }
}

impl<S: IdStorage + Default> Decoder<S> {
    /// A decoder with these options, whose type must say where it keeps the last event ID:
    /// `Decoder` alone stands for `Decoder<InlineId<256>>`.
    ///
    /// ```
    /// use eventwire::sse::{Decoder, InlineId, Options};
    ///
    /// let options = Options::new().max_event(511);
    /// let decoder = Decoder::<InlineId<36>>::with_options(options);
    /// ```
    #[must_use]
    pub fn with_options(options: Options) -> Self {
        Self::with_storage(options, S::default())
    }
}

impl<S: IdStorage> Decoder<S> {
    /// Takes the next item off the front of `input`.
    ///
    /// * `Ok(Some(item))`: `input` begins behind the item; call again.
    /// * `Ok(None)`: there is no more for now. **Keep what is left of `input`, append to it, and
    ///   call again.** What is left may be moved as a whole, but not altered.
    /// * `Err(error)`: a limit was passed. The stream is dead and the decoder repeats the error until
    ///   [`reset`](Self::reset).
    ///
    /// At the end of the stream what is left is an unfinished event, to be discarded by the
    /// standard.
    ///
    /// # Errors
    /// If a limit was passed and the policy is [`OnLimit::Error`](super::OnLimit::Error), or on
    /// [misuse](DecodeError::InputShrunk), which leaves the decoder as it was.
    pub fn decode<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Item<&'a [u8]>>, DecodeError> {
        next(&mut self.engine, input, |id| self.last_event_id.store(Text::new(id)))
    }

    /// The last event ID as of the last item: what a reconnecting client sends as
    /// [`Last-Event-ID`](super::LAST_EVENT_ID), empty if there is none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.last_event_id.as_str()
    }

    /// Seeds the last event ID, as a client does that reconnects after a restart.
    ///
    /// # Errors
    /// If the id does not fit.
    pub fn set_last_event_id(&mut self, id: EventId<'_>) -> Result<(), IdTooLong> {
        self.last_event_id.store(Text::new(id.as_str().as_bytes()))
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
    }
}

/// A buffer that an engine's ranges point into.
pub(super) trait Input {
    type Value: Value;
    fn as_slice(&self) -> &[u8];
    fn discard(&mut self, len: usize);
    /// Splits the front off, its data joined as `block` says.
    fn split_front(&mut self, len: usize, block: &mut RawBlock) -> Self::Value;
}

/// Bytes of an [`Input`] that outlive the call.
pub(super) trait Value {
    fn slice(&self, range: Range<usize>) -> Self;
    /// The last slice of a front, which needs no share of its own.
    fn into_slice(self, range: Range<usize>) -> Self;
}

impl<'a> Input for &'a mut [u8] {
    type Value = &'a [u8];

    fn as_slice(&self) -> &[u8] {
        self
    }

    fn discard(&mut self, len: usize) {
        *self = &mut core::mem::take(self)[len..];
    }

    fn split_front(&mut self, len: usize, block: &mut RawBlock) -> &'a [u8] {
        let (front, rest) = core::mem::take(self).split_at_mut(len);
        *self = rest;
        block.join(front);
        front
    }
}

impl Value for &[u8] {
    fn slice(&self, range: Range<usize>) -> Self {
        &self[range]
    }

    fn into_slice(self, range: Range<usize>) -> Self {
        &self[range]
    }
}

/// The convention of every `decode`, over any buffer.
pub(super) fn next<I: Input>(
    engine: &mut Engine,
    input: &mut I,
    mut keep_id: impl FnMut(I::Value) -> Result<(), IdTooLong>,
) -> Result<Option<Item<I::Value>>, DecodeError> {
    loop {
        let no_data = &mut RawBlock::new();
        match engine.step(input.as_slice())? {
            Step::More { discard } => {
                input.discard(discard);
                return Ok(None);
            }
            Step::Comment { text, end } => {
                let front = input.split_front(end, no_data);
                return Ok(Some(Item::Comment(front.into_slice(text))));
            }
            Step::Skipped { id, error, end } => {
                let front = input.split_front(end, no_data);
                if let Some(id) = id {
                    // An id that does not fit goes with the rest of its block.
                    let _ = keep_id(front.into_slice(id));
                }
                return Ok(Some(Item::Skipped(error)));
            }
            Step::Block { mut block, end } => {
                let front = input.split_front(end, &mut block);
                if let Some(id) = block.id.clone()
                    && let Err(IdTooLong { capacity }) = keep_id(front.slice(id))
                {
                    return Ok(Some(Item::Skipped(engine.refuse_id(capacity)?)));
                }
                let slice = |range| front.slice(range);
                let event_type = block.event_type.map(slice);
                let id = block.id.map(slice);
                let retry = block.retry;
                if let Some(data) = block.data {
                    let data = front.into_slice(data);
                    let event = Event { event_type, data, id, retry, last_event_id: () };
                    return Ok(Some(Item::Event(event)));
                }
                if engine.options().blocks {
                    return Ok(Some(Item::Block(Block { event_type, id, retry })));
                }
            }
        }
    }
}
