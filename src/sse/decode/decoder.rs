//! [`Decoder`], which yields whole events from a caller's buffer, without an allocator; and the
//! calling convention that it shares with [`OwnedDecoder`](crate::sse::OwnedDecoder).
//!
//! The convention is written once, in [`next`], generic over the buffer ([`Input`]) and over the
//! place where the last event ID is kept ([`KeepId`]). A second copy of it for another buffer would
//! be a defect. What is inlined here was measured: keep events on the short path through [`next`],
//! and everything else in `no_event`.

use super::block::RawBlock;
use super::decode_error::{DecodeError, IdTooLong};
use super::decoder_options::{DecoderOptions, Shown};
use super::engine::{Engine, Step};
use super::event::{Block, Event, Item};
use super::id_storage::{IdStorage, InlineId};
use super::text::Text;
use crate::sse::event_id::EventId;
use core::ops::{ControlFlow, Range};
use core::time::Duration;

/// Decodes an event stream in the caller's buffer ([WHATWG HTML, 9.2.6]).
///
/// Items borrow the buffer, not the decoder. Several `data` lines are joined in place, so nothing
/// is copied elsewhere, except for the last event ID, which is copied to `S`.
///
/// Memory: the decoder itself (224 bytes on 64-bit machines, plus the `N` of an
/// [`InlineId<N>`](InlineId)), and at most [`max_event`](DecoderOptions::max_event) bytes of an
/// unfinished block in the caller's buffer.
///
/// [WHATWG HTML, 9.2.6]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
///
/// ```
/// use eventwire::sse::{Decoder, Item};
///
/// let mut decoder = Decoder::new();
/// let mut buffer = *b"id: 7\nevent: sum\ndata: 1 +\ndata: 2\n\ndata: unfinished";
/// let mut input = &mut buffer[..];
/// while let Some(item) = decoder.decode(&mut input)? {
///     if let Item::Event(event) = item {
///         let event = event.to_str()?;
///         assert_eq!(event.event_type, Some("sum"));
///         assert_eq!(event.data, "1 +\n2");
///     }
/// }
/// assert_eq!(decoder.last_event_id(), "7");
/// assert_eq!(input, b"data: unfinished"); // keep it, and append to it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder<S = InlineId<256>> {
    engine: Engine,
    last_event_id: S,
}

impl Decoder {
    /// Creates a decoder with the default [`DecoderOptions`], for IDs of up to 256 bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_options(DecoderOptions::new())
    }

    /// Creates a decoder with these options, for IDs of up to 256 bytes.
    #[must_use]
    pub const fn with_options(options: DecoderOptions) -> Self {
        Self::with_storage(options, InlineId::new())
    }
}

impl<S: IdStorage + Default> Default for Decoder<S> {
    fn default() -> Self {
        Self::with_storage(DecoderOptions::new(), S::default())
    }
}

impl<S> Decoder<S> {
    /// Creates a decoder with these options that keeps the last event ID in this storage.
    ///
    /// ```
    /// use eventwire::sse::{Decoder, DecoderOptions};
    /// use eventwire::sse::decode::InlineId;
    ///
    /// let options = DecoderOptions::new().max_event(511);
    /// let decoder = Decoder::with_storage(options, InlineId::<36>::new());
    /// ```
    #[must_use]
    pub const fn with_storage(options: DecoderOptions, last_event_id: S) -> Self {
        Self { engine: Engine::new(options), last_event_id }
    }
}

impl<S: IdStorage> Decoder<S> {
    /// Takes the next item off the front of `input`.
    ///
    /// * `Ok(Some(item))`: `input` now begins after the item. Call again.
    /// * `Ok(None)`: there is no more for now. **Keep the rest of `input`, append to it, and call
    ///   again.** The rest may be moved as a whole, but not altered.
    /// * `Err(error)`: a limit was passed. The stream is dead, and the decoder repeats the error
    ///   until [`reset`](Self::reset).
    ///
    /// When the stream ends, the rest is an unfinished event, which the standard discards.
    /// [`decode_eof`](Self::decode_eof) returns it if the [options](DecoderOptions::unfinished) say
    /// so.
    ///
    /// # Errors
    /// If a limit was passed and the policy is
    /// [`OnLimit::Error`](crate::sse::decode::OnLimit::Error), or on
    /// [misuse](DecodeError::InputShrunk), which leaves the decoder as it was.
    #[inline(always)]
    pub fn decode<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Item<Text<'a>>>, DecodeError> {
        next(&mut self.engine, input, &mut self.last_event_id, |_, _| {})
    }

    /// Takes the next item like [`decode`](Self::decode), once the stream has ended and `input` is
    /// all that is left of it. Call it until it returns `Ok(None)`.
    ///
    /// The last item may be one that the end cut off, if the [options](DecoderOptions::unfinished)
    /// say so. Once it has returned `Ok(None)`, or such an item, `input` is empty and the decoder
    /// was [`reset`](Self::reset).
    ///
    /// ```
    /// use eventwire::sse::{Decoder, Item, DecoderOptions};
    ///
    /// let mut decoder = Decoder::with_options(DecoderOptions::new().unfinished(true));
    /// let mut buffer = *b"data: {}\n\ndata: [DONE]"; // a body that has ended
    /// let mut input = &mut buffer[..];
    /// let mut seen = Vec::new();
    /// while let Some(item) = decoder.decode_eof(&mut input)? {
    ///     let Item::Event(event) = item else { continue };
    ///     seen.push(event.data.to_string());
    /// }
    /// assert_eq!(seen, ["{}", "[DONE]"]);
    /// # Ok::<(), eventwire::sse::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_eof<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Item<Text<'a>>>, DecodeError> {
        let item = self.decode(input)?;
        if item.is_some() {
            return Ok(item);
        }
        let give = self.gives_unfinished();
        let item = self.unfinished(input, give)?;
        self.reset();
        Ok(item.filter(|_| give))
    }

    /// Returns whether [`unfinished`](Self::unfinished) items are returned.
    pub(in crate::sse) const fn gives_unfinished(&self) -> bool {
        self.engine.options().show(Shown::UNFINISHED)
    }

    /// Returns the item that the end of the stream cut off. `input` is its front, and was decoded
    /// already. The item counts only if `give` is set. Reset the decoder afterwards.
    pub(in crate::sse) fn unfinished<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        give: bool,
    ) -> Result<Option<Item<Text<'a>>>, DecodeError> {
        unfinished(&mut self.engine, input, &mut self.last_event_id, give)
    }

    /// Returns the last event ID as of the last item, or an empty string if there is none. A client
    /// that reconnects sends it as [`Last-Event-ID`](crate::sse::header::LAST_EVENT_ID).
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.last_event_id.as_str()
    }

    /// Seeds the last event ID, for a client that reconnects after a restart.
    ///
    /// # Errors
    /// If the ID does not fit the storage.
    pub fn set_last_event_id(&mut self, id: EventId<'_>) -> Result<(), IdTooLong> {
        self.last_event_id.store(Text::new(id.as_str().as_bytes()))
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
    }

    /// Returns whether an input of this length holds anything new to decode.
    #[inline]
    pub(in crate::sse) const fn has_news(&self, len: usize) -> bool {
        self.engine.has_news(len)
    }
}

/// A buffer that an engine's ranges point into.
pub(super) trait Input {
    type Front: Front;
    fn as_slice(&self) -> &[u8];
    fn discard(&mut self, len: usize);
    /// Splits off the front, and joins its data as `block` says. `ascii` tells whether all of it is
    /// known to be ASCII.
    fn split_front(&mut self, len: usize, block: &mut RawBlock, ascii: bool) -> Self::Front;
}

/// The front of an [`Input`], which outlives the call.
pub(super) trait Front {
    type Text;
    fn text(&self, range: Range<usize>) -> Self::Text;
    /// Returns the last text of a front, which takes over the front's share of the memory.
    fn into_text(self, range: Range<usize>) -> Self::Text;
}

/// A place where the last event ID is kept.
pub(super) trait KeepId<T> {
    /// The part of it that each event carries.
    type Kept;
    fn keep(&mut self, id: &T) -> Result<(), IdTooLong>;
    fn kept(&self) -> Self::Kept;
}

impl<'a> Input for &'a mut [u8] {
    type Front = Text<'a>;

    #[inline]
    fn as_slice(&self) -> &[u8] {
        self
    }

    #[inline]
    fn discard(&mut self, len: usize) {
        *self = &mut core::mem::take(self)[len..];
    }

    #[inline]
    fn split_front(&mut self, len: usize, block: &mut RawBlock, ascii: bool) -> Text<'a> {
        let (front, rest) = core::mem::take(self).split_at_mut(len);
        *self = rest;
        block.join(front);
        Text::known(front, ascii)
    }
}

impl Front for Text<'_> {
    type Text = Self;

    #[inline]
    fn text(&self, range: Range<usize>) -> Self {
        self.slice(range)
    }

    #[inline]
    fn into_text(self, range: Range<usize>) -> Self {
        self.slice(range)
    }
}

impl<S: IdStorage> KeepId<Text<'_>> for S {
    type Kept = ();

    #[inline]
    fn keep(&mut self, id: &Text<'_>) -> Result<(), IdTooLong> {
        self.store(*id)
    }

    #[inline]
    fn kept(&self) {}
}

/// The result of decoding from the input `I`, with IDs kept in `K`.
type Decoded<I, K> = Result<Option<ItemOf<I, K>>, DecodeError>;
type ItemOf<I, K> = Item<TextOf<I>, <K as KeepId<TextOf<I>>>::Kept>;
type TextOf<I> = <<I as Input>::Front as Front>::Text;

/// The convention of every `decode`, over any buffer. It calls `used_up` before it returns `None`.
///
/// It is inlined all the way into the caller, because moving an event out of a result costs as much
/// as decoding it.
#[inline(always)]
pub(super) fn next<I: Input, K: KeepId<TextOf<I>>>(
    engine: &mut Engine,
    input: &mut I,
    ids: &mut K,
    used_up: impl FnOnce(&mut I, &mut K),
) -> Decoded<I, K> {
    next_by(engine, input, ids, used_up, Engine::step)
}

/// Runs the convention of [`next`] with the given steps.
#[inline(always)]
fn next_by<I: Input, K: KeepId<TextOf<I>>>(
    engine: &mut Engine,
    input: &mut I,
    ids: &mut K,
    used_up: impl FnOnce(&mut I, &mut K),
    mut step: impl FnMut(&mut Engine, &[u8]) -> Result<Step, DecodeError>,
) -> Decoded<I, K> {
    loop {
        if engine.has_seen(input.as_slice().len()) {
            used_up(input, ids);
            return Ok(None);
        }
        let (end, ascii) = match step(engine, input.as_slice()) {
            Ok(Step::Block { end, ascii }) if engine.block().has_data() => (end, ascii),
            Ok(Step::More { discard }) => {
                input.discard(discard);
                used_up(input, ids);
                return Ok(None);
            }
            step => match no_event(engine, input, ids, step) {
                ControlFlow::Continue(()) => continue,
                ControlFlow::Break(result) => return result,
            },
        };
        let Taken { front, event_type, id, kept } = take_fields(engine, input, ids, end, ascii);
        if let Err(too_long) = kept {
            return refuse_id(engine, too_long);
        }
        let data = front.into_text(engine.block().take_data().unwrap_or_default());
        let retry = engine.end_block();
        let last_event_id = ids.kept();
        return Ok(Some(Item::Event(Event { event_type, data, id, retry, last_event_id })));
    }
}

/// A block that was taken off an input.
struct Taken<I: Input> {
    front: I::Front,
    event_type: Option<TextOf<I>>,
    id: Option<TextOf<I>>,
    /// Whether the ID could be kept. There is no `Result` around the whole, as moving one is slow.
    kept: Result<(), IdTooLong>,
}

/// Takes the block that has just ended off the front of `input`, and keeps its id.
#[inline(always)]
fn take_fields<I: Input, K: KeepId<TextOf<I>>>(
    engine: &mut Engine,
    input: &mut I,
    ids: &mut K,
    end: usize,
    ascii: bool,
) -> Taken<I> {
    let front = input.split_front(end, engine.block(), ascii);
    let event_type = engine.block().take_event_type().map(|range| front.text(range));
    let id = engine.block().take_id().map(|range| front.text(range));
    let kept = id.as_ref().map_or(Ok(()), |id| ids.keep(id));
    Taken { front, event_type, id, kept }
}

/// Returns the item that the end of the stream cut off. `input` is its front, and was decoded
/// already. Nothing of it counts unless `give` is set. Reset the engine afterwards.
pub(super) fn unfinished<I: Input, K: KeepId<TextOf<I>>>(
    engine: &mut Engine,
    input: &mut I,
    ids: &mut K,
    give: bool,
) -> Decoded<I, K> {
    let mut step = engine.finish(input.as_slice(), give);
    let item = match step {
        Some(_) => next_by(
            engine,
            input,
            ids,
            |_, _| {},
            |_, _| Ok(step.take().unwrap_or(Step::More { discard: 0 })),
        )?,
        None => None,
    };
    input.discard(input.as_slice().len());
    Ok(item)
}

/// Handles every step except one with an event.
#[inline(never)]
fn no_event<I: Input, K: KeepId<TextOf<I>>>(
    engine: &mut Engine,
    input: &mut I,
    ids: &mut K,
    step: Result<Step, DecodeError>,
) -> ControlFlow<Decoded<I, K>> {
    let item = match step {
        Err(error) => return ControlFlow::Break(Err(error)),
        Ok(Step::More { discard }) => {
            input.discard(discard);
            return ControlFlow::Break(Ok(None));
        }
        Ok(Step::Line { comment, text, end, ascii }) => {
            let front = input.split_front(end, engine.block(), ascii);
            let kind = if comment { Item::Comment } else { Item::Unknown };
            kind(front.into_text(text))
        }
        Ok(Step::Skipped { error, end }) => {
            let id = engine.block().take_id();
            engine.end_block();
            let front = input.split_front(end, engine.block(), false);
            if let Some(id) = id {
                // An ID that does not fit is dropped with the rest of its block.
                let _ = ids.keep(&front.into_text(id));
            }
            Item::Skipped(error)
        }
        Ok(Step::Block { end, ascii }) => {
            let Taken { event_type, id, kept, .. } = take_fields(engine, input, ids, end, ascii);
            let retry = engine.end_block();
            if let Err(too_long) = kept {
                return ControlFlow::Break(refuse_id(engine, too_long));
            }
            if !engine.options().show(Shown::BLOCKS) {
                return ControlFlow::Continue(());
            }
            Item::Block(Block { event_type, id, retry })
        }
    };
    ControlFlow::Break(Ok(Some(item)))
}

/// Drops the event whose ID cannot be kept.
#[cold]
fn refuse_id<T, L>(
    engine: &mut Engine,
    too_long: IdTooLong,
) -> Result<Option<Item<T, L>>, DecodeError> {
    engine.end_block();
    Ok(Some(Item::Skipped(engine.refuse_id(too_long.capacity)?)))
}
