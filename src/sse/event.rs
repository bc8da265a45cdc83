//! What a decoder yields.

use super::{DecodeError, Text};
use core::str::Utf8Error;
use core::time::Duration;

/// The next thing in an event stream.
///
/// Only [`Event`](Self::Event) comes unless the [`Options`](super::Options) ask for more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<T, L = ()> {
    /// A block with data: an event to dispatch.
    Event(Event<T, L>),
    /// A block without data, of which nothing is dispatched; with
    /// [`Options::blocks`](super::Options::blocks).
    Block(Block<T>),
    /// A comment's text, without the colon and one space behind it; with
    /// [`Options::comments`](super::Options::comments).
    ///
    /// A comment inside a block, behind its first field, is not shown: the block must stay in one
    /// piece until its end. A [`Lexer`](super::Lexer) shows each.
    Comment(T),
    /// A block (or a comment that was to be shown) went past a limit and was dropped, of which this
    /// would have been the error; with [`OnLimit::Skip`](super::OnLimit::Skip).
    Skipped(DecodeError),
}

/// An event, generic over how its text is held.
///
/// [`Decoder`](super::Decoder) yields `Event<&[u8]>`, which borrows the caller's buffer;
/// [`BytesDecoder`](super::BytesDecoder) yields `Event<Bytes, Utf8Bytes>`, which shares it and
/// carries its `last_event_id`. Both hold the bytes as they came: [`to_str`](Self::to_str) is
/// strict, [`text`](Self::text), [`to_cow`](Self::to_cow) and [`into_text`](Self::into_text)
/// replace what is not UTF-8, as the standard has it.
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
    /// [`last_event_id`](super::Decoder::last_event_id).
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

    /// The same event with another `last_event_id`.
    #[cfg(feature = "alloc")]
    pub(super) fn with_last_event_id<M>(self, last_event_id: M) -> Event<T, M> {
        Event {
            event_type: self.event_type,
            data: self.data,
            id: self.id,
            retry: self.retry,
            last_event_id,
        }
    }

    fn as_ref(&self) -> Event<&T> {
        Event {
            event_type: self.event_type.as_ref(),
            data: &self.data,
            id: self.id.as_ref(),
            retry: self.retry,
            last_event_id: (),
        }
    }
}

impl<T: AsRef<[u8]>, L> Event<T, L> {
    /// Its text, strictly.
    ///
    /// # Errors
    /// The first byte that is not UTF-8, in the first value that has one.
    pub fn to_str(&self) -> Result<Event<&str>, Utf8Error> {
        fn strict<T: AsRef<[u8]>>(value: &T) -> Result<&str, Utf8Error> {
            Text::new(value.as_ref()).to_str()
        }
        Ok(Event {
            event_type: self.event_type.as_ref().map(strict).transpose()?,
            data: strict(&self.data)?,
            id: self.id.as_ref().map(strict).transpose()?,
            retry: self.retry,
            last_event_id: (),
        })
    }

    /// Its text, to be read with replacement.
    pub fn text(&self) -> Event<Text<'_>> {
        self.as_ref().map(|value| Text::new(value.as_ref()))
    }

    /// Its text with replacement, copied only where something had to be replaced.
    #[cfg(feature = "alloc")]
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    pub fn to_cow(&self) -> Event<alloc::borrow::Cow<'_, str>> {
        self.text().map(Text::to_cow)
    }
}

#[cfg(feature = "alloc")]
impl<L> Event<bytes::Bytes, L> {
    /// Its text with replacement: the same bytes, copied only where something had to be replaced.
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    #[must_use]
    pub fn into_text(self) -> Event<crate::Utf8Bytes, L> {
        self.map(crate::Utf8Bytes::from_utf8_lossy)
    }
}

impl<T: AsRef<str>, L> Event<T, L> {
    /// The event's type as a page would see it: `message` where it names none. Of text only: call
    /// [`to_str`](Event::to_str) or [`to_cow`](Event::to_cow) first where the event holds bytes.
    pub fn event_type_or_default(&self) -> &str {
        self.event_type.as_ref().map_or(Event::DEFAULT_TYPE, AsRef::as_ref)
    }
}
