//! The items that a decoder yields: [`Item`], [`Event`] and [`Block`].

use super::decode_error::DecodeError;
use super::text::Text;
use core::str::Utf8Error;
use core::time::Duration;

/// The next item of an event stream.
///
/// Decoders yield only [`Event`](Self::Event)s, unless the
/// [`DecoderOptions`](crate::sse::DecoderOptions) ask for more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<T, L = ()> {
    /// A block with data, which is an event to dispatch.
    Event(Event<T, L>),
    /// A block without data, which dispatches nothing. Needs
    /// [`DecoderOptions::blocks`](crate::sse::DecoderOptions::blocks).
    Block(Block<T>),
    /// The text of a comment, without the colon and one space after it. Needs
    /// [`DecoderOptions::comments`](crate::sse::DecoderOptions::comments).
    ///
    /// A comment inside a block, that is, after the block's first field, is not shown, because the
    /// block must stay in one piece until its end. A [`Lexer`](crate::sse::decode::Lexer) shows
    /// every comment.
    Comment(T),
    /// A line outside any block that is neither a field nor a comment, whole, without its end.
    /// Needs [`DecoderOptions::unknown_lines`](crate::sse::DecoderOptions::unknown_lines).
    ///
    /// Like a comment, such a line is not shown inside a block.
    Unknown(T),
    /// A block (or a line to be shown) that passed a limit and was dropped. The value is the error
    /// that would otherwise have ended the stream. Needs
    /// [`OnLimit::Skip`](crate::sse::decode::OnLimit::Skip).
    Skipped(DecodeError),
}

/// An event, generic over the type of its text.
///
/// [`Decoder`](crate::sse::Decoder) yields `Event<Text>`, which borrows the caller's buffer and
/// holds the bytes as they arrived. [`to_str`](Self::to_str) is strict; [`to_cow`](Self::to_cow)
/// replaces bytes that are not UTF-8, as the standard says.
/// [`OwnedDecoder`](crate::sse::OwnedDecoder) yields `Event<Utf8Bytes, Utf8Bytes>`, which shares
/// the buffer, has such bytes already replaced, and carries its `last_event_id`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Event<T, L = ()> {
    /// The `event` field, never empty. `None` means [`Event::DEFAULT_TYPE`].
    pub event_type: Option<T>,
    /// All `data` lines, joined by LF.
    pub data: T,
    /// The `id` field, if this block had one. An empty one resets the last event ID.
    pub id: Option<T>,
    /// The `retry` field, if this block had one.
    pub retry: Option<Duration>,
    /// The last event ID after this event (`lastEventId`), whether set by this event or carried
    /// over. Only owned events have it. In a borrowed event it is `()`: ask the decoder for its
    /// [`last_event_id`](crate::sse::Decoder::last_event_id).
    pub last_event_id: L,
}

/// A block of fields without data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Block<T> {
    /// The `event` field, never empty.
    pub event_type: Option<T>,
    /// The `id` field. An empty one resets the last event ID.
    pub id: Option<T>,
    /// The `retry` field.
    pub retry: Option<Duration>,
}

impl<T> Block<T> {
    /// Converts the texts of the block by `f`.
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

impl<T, L: Default> Event<T, L> {
    /// Returns an event with this data and nothing else. The other fields can be assigned: for
    /// tests, and for events that did not come from a decoder.
    ///
    #[cfg_attr(feature = "alloc", doc = "```")]
    #[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
    /// use eventwire::sse::OwnedEvent;
    ///
    /// let mut event = OwnedEvent::new("1 + 2");
    /// event.event_type = Some("sum".into());
    /// event.last_event_id = "7".into();
    /// assert_eq!(event.data, "1 + 2");
    /// assert_eq!(event.event_type_or_default(), "sum");
    /// ```
    pub fn new(data: impl Into<T>) -> Self {
        let last_event_id = L::default();
        Self { event_type: None, data: data.into(), id: None, retry: None, last_event_id }
    }
}

impl<T, L> Event<T, L> {
    /// Converts the texts of the event by `f`.
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
    /// Returns the event with its text as `&str`, strictly. This costs nothing if the decoder has
    /// seen that all of it is ASCII.
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

    /// Returns the event with its text as `Cow<str>`, in which bytes that are not UTF-8 are
    /// replaced. Only a text in which something is replaced is copied.
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
    /// Returns the event's type as a web page would see it: `message` if the event names none. For
    /// an event that borrows, call [`to_str`](Event::to_str) or [`to_cow`](Event::to_cow) first.
    pub fn event_type_or_default(&self) -> &str {
        self.event_type.as_ref().map_or(Event::DEFAULT_TYPE, AsRef::as_ref)
    }
}
