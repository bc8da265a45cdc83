//! [`EventBuilder`], the events and other blocks that a server writes.

use super::event_text::EventText;
use crate::BufferTooSmall;
use crate::simd::Line;
use crate::sink::{self, Encode, Sink, decimal};
use crate::sse::decode::{Block, Event};
use crate::sse::event_id::{EventId, EventType, InvalidValue};
use core::hash::{Hash, Hasher};
use core::time::Duration;
use memchr::memchr2;

/// A block to write: an event if it has data, and otherwise a comment, an ID, a `retry`, or a
/// combination of these ([WHATWG HTML, 9.2.5]).
///
/// Data and comments may be any text. Each CR, LF or CRLF begins a new line of the field, and a
/// reader joins the lines with LF. No text can end the block or begin another field.
///
/// ```
/// use eventwire::sse::{EventBuilder, EventType};
///
/// const SUM: EventType<'_> = EventType::from_static("sum");
///
/// let message = EventBuilder::new().event_type(SUM).id(7).data("1 +\r\n2");
/// let mut buffer = [0; 64];
/// let len = message.encode(&mut buffer)?;
/// assert_eq!(&buffer[..len], b"event: sum\nid: 7\ndata: 1 +\ndata: 2\n\n");
/// # Ok::<(), eventwire::BufferTooSmall>(())
/// ```
///
/// Texts are borrowed or, with feature `alloc`, owned ([`EventText`]). A builder whose texts are
/// owned or `'static` is an `EventBuilder<'static>`. A function can return it, and a stream can
/// carry it:
///
#[cfg_attr(feature = "alloc", doc = "```")]
#[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
/// use eventwire::sse::{EventBuilder, InvalidValue};
///
/// fn progress(job: String, percent: u8) -> Result<EventBuilder<'static>, InvalidValue> {
///     Ok(EventBuilder::new().try_id(job)?.data(format!("{percent} %")))
/// }
///
/// assert_eq!(progress("job-5".to_owned(), 20)?.to_bytes(), "id: job-5\ndata: 20 %\n\n");
/// # Ok::<(), InvalidValue>(())
/// ```
///
/// To send one event to many clients, encode it once with [`to_bytes`](Self::to_bytes).
///
/// [WHATWG HTML, 9.2.5]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventBuilder<'a> {
    comment: Option<EventText<'a>>,
    /// Checked, or from an [`EventType`].
    event_type: Option<EventText<'a>>,
    id: Option<Id<'a>>,
    retry: Option<Duration>,
    data: Option<EventText<'a>>,
}

#[derive(Clone, Debug)]
enum Id<'a> {
    Checked(EventId<'a>),
    /// Checked.
    Text(EventText<'a>),
}

impl Id<'_> {
    fn get(&self) -> EventId<'_> {
        match self {
            Self::Checked(id) => *id,
            Self::Text(text) => EventId::known(text.as_str()),
        }
    }
}

impl PartialEq for Id<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Id<'_> {}

impl Hash for Id<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

impl<'a> EventBuilder<'a> {
    /// Creates an empty block, which a reader ignores.
    #[must_use]
    pub const fn new() -> Self {
        Self { comment: None, event_type: None, id: None, retry: None, data: None }
    }

    /// Sets the comment, which readers ignore. Each line of it becomes a comment.
    #[must_use]
    pub fn comment(mut self, text: impl Into<EventText<'a>>) -> Self {
        self.comment = Some(text.into());
        self
    }

    /// Sets several comments, in place of those that were set before.
    ///
    /// ```
    /// use eventwire::sse::EventBuilder;
    ///
    /// let block = EventBuilder::new().comments(["node 7", "eu-west"]).data("a").to_bytes();
    /// assert_eq!(block, ": node 7\n: eu-west\ndata: a\n\n");
    /// ```
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn comments<T: AsRef<str>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        let mut texts = texts.into_iter();
        self.comment = texts.next().map(|first| {
            let mut all = alloc::string::String::from(first.as_ref());
            for text in texts {
                // After a CR, a single LF would belong to the CR.
                all.push_str(if all.ends_with('\r') { "\n\n" } else { "\n" });
                all.push_str(text.as_ref());
            }
            all.into()
        });
        self
    }

    /// Sets the event's type. [`try_event_type`](Self::try_event_type) takes a text that is made at
    /// run time.
    ///
    /// ```
    /// use eventwire::sse::{EventBuilder, EventType};
    ///
    /// const TICK: EventType<'_> = EventType::from_static("tick"); // checked by the compiler
    ///
    /// let named = EventBuilder::new().event_type(TICK);
    /// let inline = EventBuilder::new().event_type(const { EventType::from_static("tick") });
    /// assert_eq!(named, inline);
    /// ```
    #[must_use]
    pub fn event_type(mut self, event_type: EventType<'a>) -> Self {
        self.event_type = Some(event_type.as_str().into());
        self
    }

    /// Sets the event's type to a text that is made at run time.
    ///
    /// # Errors
    /// If the text has a CR or LF.
    ///
    /// ```
    /// use eventwire::sse::{EventBuilder, InvalidValue};
    ///
    /// let event = EventBuilder::new().try_event_type("tick")?.data("1");
    /// assert_eq!(event.encoded_len(), "event: tick\ndata: 1\n\n".len());
    ///
    /// let error = EventBuilder::new().try_event_type("tick\ndata: 2").unwrap_err();
    /// assert_eq!(error, InvalidValue::LineEnd { offset: 4 });
    /// # Ok::<(), InvalidValue>(())
    /// ```
    pub fn try_event_type(
        mut self,
        event_type: impl Into<EventText<'a>>,
    ) -> Result<Self, InvalidValue> {
        let event_type = event_type.into();
        EventType::new(event_type.as_str())?;
        self.event_type = Some(event_type);
        Ok(self)
    }

    /// Sets the last event ID of this event and those that follow: a number, or an [`EventId`].
    /// [`try_id`](Self::try_id) takes a text.
    ///
    /// ```
    /// use eventwire::sse::EventBuilder;
    ///
    /// let mut buffer = [0; 32];
    /// let len = EventBuilder::new().id(17).data("a").encode(&mut buffer)?;
    /// assert_eq!(&buffer[..len], b"id: 17\ndata: a\n\n");
    /// # Ok::<(), eventwire::BufferTooSmall>(())
    /// ```
    #[must_use]
    pub fn id(mut self, id: impl Into<EventId<'a>>) -> Self {
        self.id = Some(Id::Checked(id.into()));
        self
    }

    /// Sets the last event ID of this event and those that follow to a text.
    ///
    /// # Errors
    /// If the text has a CR, LF or NUL.
    ///
    /// ```
    /// use eventwire::sse::{EventBuilder, InvalidValue};
    ///
    /// let event = EventBuilder::new().try_id("17-a")?.data("1");
    /// assert_eq!(event.encoded_len(), "id: 17-a\ndata: 1\n\n".len());
    ///
    /// let error = EventBuilder::new().try_id("17\n").unwrap_err();
    /// assert_eq!(error, InvalidValue::LineEnd { offset: 2 });
    /// # Ok::<(), InvalidValue>(())
    /// ```
    pub fn try_id(mut self, id: impl Into<EventText<'a>>) -> Result<Self, InvalidValue> {
        let id = id.into();
        EventId::new(id.as_str())?;
        self.id = Some(Id::Text(id));
        Ok(self)
    }

    /// Sets the reader's reconnection time, in whole milliseconds up to `u64::MAX`.
    #[must_use]
    pub const fn retry(mut self, reconnection_time: Duration) -> Self {
        self.retry = Some(reconnection_time);
        self
    }

    /// Sets the data. A block without data dispatches no event. Empty data is data.
    #[must_use]
    pub fn data(mut self, text: impl Into<EventText<'a>>) -> Self {
        self.data = Some(text.into());
        self
    }

    /// Returns the exact length of the encoded block, in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        sink::encoded_len(self)
    }

    /// Writes the block to the front of `buffer`. Returns its length.
    ///
    /// # Errors
    /// If the block does not fit. The buffer then holds only a part of it: do not send it.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        sink::encode(self, buffer)
    }

    /// Appends the block to `buffer`.
    ///
    /// # Errors
    /// If the buffer does not grow and has no room. Nothing is appended then.
    #[cfg(feature = "alloc")]
    pub fn encode_to<B: bytes::BufMut>(&self, buffer: &mut B) -> Result<(), BufferTooSmall> {
        sink::encode_to(self, buffer)
    }

    /// Returns the encoded block in memory of its own, which all receivers can share.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_bytes(&self) -> bytes::Bytes {
        sink::to_bytes(self)
    }

    fn of<T: AsRef<str>>(
        event_type: Option<&'a T>,
        id: Option<&'a T>,
        retry: Option<Duration>,
    ) -> Result<Self, InvalidValue> {
        let event_type = event_type.map(|it| EventType::new(it.as_ref())).transpose()?;
        let id = id.map(|id| EventId::new(id.as_ref())).transpose()?;
        Ok(Self {
            event_type: event_type.map(|it| it.as_str().into()),
            id: id.map(Id::Checked),
            retry,
            ..Self::new()
        })
    }

    /// Returns the ID, if one was set.
    #[must_use]
    pub fn get_id(&self) -> Option<EventId<'_>> {
        self.id.as_ref().map(Id::get)
    }

    /// Returns the data as it was set, if it was. A block without data is not an event.
    ///
    /// ```
    /// use eventwire::sse::EventBuilder;
    ///
    /// let event = EventBuilder::new().id(7).data("1 +\r\n2");
    /// assert_eq!(event.get_id(), Some(7.into()));
    /// assert_eq!(event.get_data(), Some("1 +\r\n2"));
    /// ```
    #[must_use]
    pub fn get_data(&self) -> Option<&str> {
        self.data.as_ref().map(EventText::as_str)
    }

    /// Returns the same block with this ID.
    #[cfg(feature = "alloc")]
    pub(in crate::sse) fn with_id<'b>(&'b self, id: EventId<'b>) -> EventBuilder<'b> {
        EventBuilder {
            comment: self.comment.as_ref().map(EventText::by_ref),
            event_type: self.event_type.as_ref().map(EventText::by_ref),
            id: Some(Id::Checked(id)),
            retry: self.retry,
            data: self.data.as_ref().map(EventText::by_ref),
        }
    }

    /// Writes everything except the data and the blank line.
    pub(super) fn write_fields<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        if let Some(comment) = &self.comment {
            sink.put(COMMENT)?;
            put_lines(sink, COMMENT_LINE, comment.as_str().as_bytes(), &mut false)?;
            sink.put(b"\n")?;
        }
        let event_type = text(self.event_type.as_ref());
        if !event_type.is_empty() {
            put_field(sink, b"event: ", event_type.as_bytes())?;
        }
        if let Some(id) = &self.id {
            put_field(sink, b"id: ", id.get().as_str().as_bytes())?;
        }
        if let Some(retry) = self.retry {
            let millis = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
            put_field(sink, b"retry: ", decimal(millis, &mut [0; 20]))?;
        }
        Ok(())
    }
}

impl Encode for EventBuilder<'_> {
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        self.write_fields(sink)?;
        if let Some(data) = &self.data {
            sink.put(DATA)?;
            put_lines(sink, DATA_LINE, data.as_str().as_bytes(), &mut false)?;
            return sink.put(b"\n\n");
        }
        sink.put(b"\n")
    }

    /// In the worst case, each byte becomes a line.
    #[cfg(feature = "alloc")]
    fn longest(&self) -> usize {
        let names = 64;
        let event_type = text(self.event_type.as_ref()).len();
        let id = self.get_id().unwrap_or_default().as_str().len();
        let comment = text(self.comment.as_ref()).len();
        let lines = comment.saturating_add(self.get_data().unwrap_or_default().len());
        lines.saturating_mul(1 + DATA.len()).saturating_add(event_type + id + names)
    }
}

/// Makes a block of a decoded event, to send it on.
///
/// ```
/// use eventwire::sse::{Decoder, Item, EventBuilder};
///
/// let mut body = *b"id:7\ndata:a\ndata:b\n\n";
/// if let Some(Item::Event(event)) = Decoder::new().decode(&mut &mut body[..])? {
///     let event = event.to_str()?;
///     let mut buffer = [0; 64];
///     let len = EventBuilder::try_from(&event)?.encode(&mut buffer)?;
///     assert_eq!(&buffer[..len], b"id: 7\ndata: a\ndata: b\n\n");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<'a, T: AsRef<str>, L> TryFrom<&'a Event<T, L>> for EventBuilder<'a> {
    type Error = InvalidValue;

    fn try_from(event: &'a Event<T, L>) -> Result<Self, InvalidValue> {
        let Event { event_type, data, id, retry, .. } = event;
        Ok(Self {
            data: Some(data.as_ref().into()),
            ..Self::of(event_type.as_ref(), id.as_ref(), *retry)?
        })
    }
}

/// Makes a block of a decoded block without data, to send it on.
impl<'a, T: AsRef<str>> TryFrom<&'a Block<T>> for EventBuilder<'a> {
    type Error = InvalidValue;

    fn try_from(block: &'a Block<T>) -> Result<Self, InvalidValue> {
        Self::of(block.event_type.as_ref(), block.id.as_ref(), block.retry)
    }
}

fn text<'t>(text: Option<&'t EventText<'_>>) -> &'t str {
    text.map_or("", EventText::as_str)
}

pub(super) const DATA: &[u8] = b"data: ";
pub(super) const DATA_LINE: Line = Line::new(b"\ndata: ");
const COMMENT: &[u8] = b": ";
const COMMENT_LINE: Line = Line::new(b"\n: ");

/// Writes a field whose value is one line.
fn put_field<S: Sink>(sink: &mut S, name: &[u8], value: &[u8]) -> Result<(), S::Error> {
    sink.put(name)?;
    sink.put(value)?;
    sink.put(b"\n")
}

/// Writes `text`, and begins a new line at each line end. `after_cr` says that the text before
/// ended with a CR, so that an LF at the front belongs to that CR.
pub(super) fn put_lines<S: Sink>(
    sink: &mut S,
    line: Line,
    mut text: &[u8],
    after_cr: &mut bool,
) -> Result<(), S::Error> {
    if !text.is_empty() && core::mem::take(after_cr) {
        text = text.strip_prefix(b"\n").unwrap_or(text);
    }
    let copied = sink.copy_lines(text, line);
    if text[..copied].ends_with(b"\r") {
        *after_cr = copied == text.len();
        text = text[copied..].strip_prefix(b"\n").unwrap_or(&text[copied..]);
    } else {
        text = &text[copied..];
    }
    while let Some(end) = memchr2(b'\n', b'\r', text) {
        sink.put(&text[..end])?;
        sink.put(line.start())?;
        let cr = text[end] == b'\r';
        text = &text[end + 1..];
        if cr {
            *after_cr = text.is_empty();
            text = text.strip_prefix(b"\n").unwrap_or(text);
        }
    }
    sink.put(text)
}
