//! Whole events out of a caller's buffer, without an allocator.

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

/// Decodes an event stream in the caller's buffer (WHATWG HTML, 9.2.6).
///
/// Items borrow the buffer, not the decoder. Several `data` lines are joined where they stand, so
/// nothing is copied elsewhere; only the last event ID is, to `S`.
///
/// Memory: the decoder itself (on 64-bit machines 224 bytes beside the `N` of an
/// [`InlineId<N>`](InlineId)), and in the caller's buffer at most
/// [`max_event`](DecoderOptions::max_event) bytes of an unfinished block.
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
    /// A decoder with the default [`DecoderOptions`] that can keep ids of up to 256 bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_options(DecoderOptions::new())
    }

    /// A decoder with these options that can keep ids of up to 256 bytes.
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
    /// A decoder with these options that keeps the last event ID in this storage.
    ///
    /// ```
    /// use eventwire::sse::{Decoder, DecoderOptions, InlineId};
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
    /// * `Ok(Some(item))`: `input` begins behind the item; call again.
    /// * `Ok(None)`: there is no more for now. **Keep what is left of `input`, append to it, and
    ///   call again.** What is left may be moved as a whole, but not altered.
    /// * `Err(error)`: a limit was passed. The stream is dead and the decoder repeats the error until
    ///   [`reset`](Self::reset).
    ///
    /// At the end of the stream what is left is an unfinished event, to be discarded by the
    /// standard; [`decode_eof`](Self::decode_eof) gives it where that is
    /// [asked for](DecoderOptions::unfinished).
    ///
    /// # Errors
    /// If a limit was passed and the policy is [`OnLimit::Error`](crate::sse::OnLimit::Error), or on
    /// [misuse](DecodeError::InputShrunk), which leaves the decoder as it was.
    #[inline(always)]
    pub fn decode<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Item<Text<'a>>>, DecodeError> {
        next(&mut self.engine, input, &mut self.last_event_id, |_, _| {})
    }

    /// As [`decode`](Self::decode), once the stream has ended and `input` is all that is left of it:
    /// call it until it gives `Ok(None)`. The last item may be one that the end cut off, if the options
    /// [ask for it](DecoderOptions::unfinished). Then `input` is empty, and the decoder was
    /// [`reset`](Self::reset).
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

    /// Whether [`unfinished`](Self::unfinished) items are to be given.
    pub(in crate::sse) const fn gives_unfinished(&self) -> bool {
        self.engine.options().show(Shown::UNFINISHED)
    }

    /// The item that the stream ended in, behind `input`, all of which was decoded; it counts only if
    /// it is to be given. Then the decoder is to be reset.
    pub(in crate::sse) fn unfinished<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        give: bool,
    ) -> Result<Option<Item<Text<'a>>>, DecodeError> {
        unfinished(&mut self.engine, input, &mut self.last_event_id, give)
    }

    /// The last event ID as of the last item: what a reconnecting client sends as
    /// [`Last-Event-ID`](crate::sse::LAST_EVENT_ID), empty if there is none.
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

    /// How long the input is if it holds nothing new.
    #[inline]
    pub(in crate::sse) const fn looked_at(&self) -> usize {
        self.engine.looked_at()
    }
}

/// A buffer that an engine's ranges point into.
pub(in crate::sse) trait Input {
    type Front: Front;
    fn as_slice(&self) -> &[u8];
    fn discard(&mut self, len: usize);
    /// Splits the front off, its data joined as `block` says. `ascii` is what is known of it.
    fn split_front(&mut self, len: usize, block: &mut RawBlock, ascii: bool) -> Self::Front;
}

/// The front of an [`Input`], which outlives the call.
pub(in crate::sse) trait Front {
    type Text;
    fn text(&self, range: Range<usize>) -> Self::Text;
    /// The last text of a front, which needs no share of its own.
    fn into_text(self, range: Range<usize>) -> Self::Text;
}

/// What keeps the last event ID.
pub(in crate::sse) trait KeepId<T> {
    /// What each event carries of it.
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

/// What comes of decoding from an input, whose ids go to `K`.
type Decoded<I, K> = Result<Option<ItemOf<I, K>>, DecodeError>;
type ItemOf<I, K> = Item<TextOf<I>, <K as KeepId<TextOf<I>>>::Kept>;
type TextOf<I> = <<I as Input>::Front as Front>::Text;

/// The convention of every `decode`, over any buffer; `used_up` is called before it gives `None`. It
/// is inlined into what is inlined into the caller, since to move an event out of a result costs as
/// much as to decode it.
#[inline(always)]
pub(in crate::sse) fn next<I: Input, K: KeepId<TextOf<I>>>(
    engine: &mut Engine,
    input: &mut I,
    ids: &mut K,
    used_up: impl FnOnce(&mut I, &mut K),
) -> Decoded<I, K> {
    next_by(engine, input, ids, used_up, Engine::step)
}

/// The same by these steps.
#[inline(always)]
fn next_by<I: Input, K: KeepId<TextOf<I>>>(
    engine: &mut Engine,
    input: &mut I,
    ids: &mut K,
    used_up: impl FnOnce(&mut I, &mut K),
    mut step: impl FnMut(&mut Engine, &[u8]) -> Result<Step, DecodeError>,
) -> Decoded<I, K> {
    loop {
        if input.as_slice().len() == engine.looked_at() {
            used_up(input, ids);
            return Ok(None);
        }
        let (end, ascii) = match step(engine, input.as_slice()) {
            Ok(Step::Block { end, ascii }) if engine.block.data.is_some() => (end, ascii),
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
        let front = input.split_front(end, &mut engine.block, ascii);
        let event_type = engine.block.event_type.take().map(|range| front.text(range));
        let id = engine.block.id.take().map(|range| front.text(range));
        if let Some(id) = &id
            && let Err(too_long) = ids.keep(id)
        {
            return refuse_id(engine, too_long);
        }
        let retry = engine.block.retry;
        let data = front.into_text(engine.block.data.take().unwrap_or_default());
        engine.block.clear();
        let last_event_id = ids.kept();
        return Ok(Some(Item::Event(Event { event_type, data, id, retry, last_event_id })));
    }
}

/// What the stream ended in, behind `input`, all of which was decoded. Nothing of it counts unless it
/// is to be given. Then the engine is to be reset.
pub(in crate::sse) fn unfinished<I: Input, K: KeepId<TextOf<I>>>(
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

/// All that a step may give but an event, and an end.
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
            let front = input.split_front(end, &mut engine.block, ascii);
            let kind = if comment { Item::Comment } else { Item::Unknown };
            kind(front.into_text(text))
        }
        Ok(Step::Skipped { error, end }) => {
            let id = engine.block.id.take();
            engine.block.clear();
            let front = input.split_front(end, &mut engine.block, false);
            if let Some(id) = id {
                // An id that does not fit goes with the rest of its block.
                let _ = ids.keep(&front.into_text(id));
            }
            Item::Skipped(error)
        }
        Ok(Step::Block { end, ascii }) => {
            let front = input.split_front(end, &mut engine.block, ascii);
            let event_type = engine.block.event_type.take().map(|range| front.text(range));
            let id = engine.block.id.take().map(|range| front.text(range));
            let retry = engine.block.retry;
            engine.block.clear();
            if let Some(id) = &id
                && let Err(too_long) = ids.keep(id)
            {
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

/// Gives up the event whose id cannot be kept.
#[cold]
fn refuse_id<T, L>(
    engine: &mut Engine,
    too_long: IdTooLong,
) -> Result<Option<Item<T, L>>, DecodeError> {
    engine.block.clear();
    Ok(Some(Item::Skipped(engine.refuse_id(too_long.capacity)?)))
}
