//! What a decoder yields.

use super::decode_error::DecodeError;
use super::text::Text;
use core::str::Utf8Error;
use core::time::Duration;

/// The next thing in an event stream.
///
/// Only [`Event`](Self::Event) comes unless the [`DecoderOptions`](crate::sse::DecoderOptions) ask for more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<T, L = ()> {
    /// A block with data: an event to dispatch.
    Event(Event<T, L>),
    /// A block without data, of which nothing is dispatched; with
    /// [`DecoderOptions::blocks`](crate::sse::DecoderOptions::blocks).
    Block(Block<T>),
    /// A comment's text, without the colon and one space behind it; with
    /// [`DecoderOptions::comments`](crate::sse::DecoderOptions::comments).
    ///
    /// A comment inside a block, behind its first field, is not shown: the block must stay in one
    /// piece until its end. A [`Lexer`](crate::sse::Lexer) shows each.
    Comment(T),
    /// A line outside any block that is neither a field nor a comment, whole, without its end; with
    /// [`DecoderOptions::unknown_lines`](crate::sse::DecoderOptions::unknown_lines).
    ///
    /// Inside a block such a line is not shown, like a comment there.
    Unknown(T),
    /// A block (or a line that was to be shown) went past a limit and was dropped, of which this
    /// would have been the error; with [`OnLimit::Skip`](crate::sse::OnLimit::Skip).
    Skipped(DecodeError),
}

/// An event, generic over how its text is held.
///
/// [`Decoder`](crate::sse::Decoder) yields `Event<Text>`, which borrows the caller's buffer and holds the
/// bytes as they came: [`to_str`](Self::to_str) is strict, [`to_cow`](Self::to_cow) replaces what
/// is not UTF-8, as the standard has it. [`OwnedDecoder`](crate::sse::OwnedDecoder) yields
/// `Event<Utf8Bytes, Utf8Bytes>`, which shares the buffer, has such bytes replaced, and carries its
/// `last_event_id`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Event<T, L = ()> {
    /// The `event` field, never empty; `None` means [`Event::DEFAULT_TYPE`].
    pub event_type: Option<T>,
    /// All `data` lines, joined by LF.
    pub data: T,
    /// The `id` field, if this block had one; empty resets the last event ID.
    pub id: Option<T>,
    /// The `retry` field, if this block had one.
    pub retry: Option<Duration>,
    /// The last event ID after this event (`lastEventId`), its own or carried over, in owned
    /// events. A borrowed event has `()` here: ask the decoder's
    /// [`last_event_id`](crate::sse::Decoder::last_event_id).
    pub last_event_id: L,
}

/// A block of fields without data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Block<T> {
    /// The `event` field, never empty.
    pub event_type: Option<T>,
    /// The `id` field; empty resets the last event ID.
    pub id: Option<T>,
    /// The `retry` field.
    pub retry: Option<Duration>,
}

impl<T> Block<T> {
    /// The same block with its text held otherwise.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Block<U> {
        Block {
            event_type: self.event_type.map(&mut f),
            id: self.id.map(&mut f),
            retry: self.retry,
        }
    }
}

impl Event<&str> {
    /// The type of an event that names none: `message`.
    pub const DEFAULT_TYPE: &'static str = "message";
}

impl<T, L> Event<T, L> {
    /// The same event with its text held otherwise.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Event<U, L> {
        Event {
            event_type: self.event_type.map(&mut f),
            data: f(self.data),
            id: self.id.map(&mut f),
            retry: self.retry,
            last_event_id: self.last_event_id,
        }
    }
}

impl<'a, L> Event<Text<'a>, L> {
    /// Its text, strictly. Costs nothing where the decoder has seen that all is ASCII.
    ///
    /// # Errors
    /// The first byte that is not UTF-8, in the first value that has one.
    #[inline(always)]
    pub fn to_str(&self) -> Result<Event<&'a str>, Utf8Error> {
        Ok(Event {
            event_type: self.event_type.map(Text::to_str).transpose()?,
            data: self.data.to_str()?,
            id: self.id.map(Text::to_str).transpose()?,
            retry: self.retry,
            last_event_id: (),
        })
    }

    /// Its text with replacement, copied only where something had to be replaced.
    #[cfg(feature = "alloc")]
    pub fn to_cow(&self) -> Event<alloc::borrow::Cow<'a, str>> {
        Event {
            event_type: self.event_type.map(Text::to_cow),
            data: self.data.to_cow(),
            id: self.id.map(Text::to_cow),
            retry: self.retry,
            last_event_id: (),
        }
    }
}

impl<T: AsRef<str>, L> Event<T, L> {
    /// The event's type as a page would see it: `message` where it names none. Of an event that
    /// borrows call [`to_str`](Event::to_str) or [`to_cow`](Event::to_cow) first.
    pub fn event_type_or_default(&self) -> &str {
        self.event_type.as_ref().map_or(Event::DEFAULT_TYPE, AsRef::as_ref)
    }
}
