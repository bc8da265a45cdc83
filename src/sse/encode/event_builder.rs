//! What a server writes.

use crate::BufferTooSmall;
use crate::simd::Line;
use crate::sink::{self, Encode, Sink, decimal};
use crate::sse::decode::{Block, Event};
use crate::sse::event_id::{EventId, EventType, InvalidValue};
use core::time::Duration;
use memchr::memchr2;

/// A block to be written: an event if it has data, else a comment, an id, a retry, or what you put
/// together (WHATWG HTML, 9.2.5).
///
/// Data and comments may be any text: CR, LF and CRLF each begin a new line of the field, which a
/// reader joins by LF. Nothing that is written here can end the block or begin another field.
///
/// ```
/// use eventwire::sse::{EventId, EventType, EventBuilder};
///
/// const SUM: EventType<'_> = EventType::from_static("sum");
///
/// let message = EventBuilder::new().event_type(SUM).id(EventId::new("7")?).data("1 +\r\n2");
/// let mut buffer = [0; 64];
/// let len = message.encode(&mut buffer)?;
/// assert_eq!(&buffer[..len], b"event: sum\nid: 7\ndata: 1 +\ndata: 2\n\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// To send one event to many, encode it once: [`to_bytes`](Self::to_bytes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventBuilder<'a> {
    comment: Option<&'a str>,
    event_type: Option<EventType<'a>>,
    id: Option<EventId<'a>>,
    retry: Option<Duration>,
    data: Option<&'a str>,
}

impl<'a> EventBuilder<'a> {
    /// An empty block, which a reader ignores.
    #[must_use]
    pub const fn new() -> Self {
        Self { comment: None, event_type: None, id: None, retry: None, data: None }
    }

    /// Sets the comment, which readers ignore.
    #[must_use]
    pub const fn comment(mut self, text: &'a str) -> Self {
        self.comment = Some(text);
        self
    }

    /// Sets the event's type.
    #[must_use]
    pub const fn event_type(mut self, event_type: EventType<'a>) -> Self {
        self.event_type = Some(event_type);
        self
    }

    /// Sets the last event ID of this event and those that follow.
    #[must_use]
    pub const fn id(mut self, id: EventId<'a>) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the reader's reconnection time, in whole milliseconds up to `u64::MAX`.
    #[must_use]
    pub const fn retry(mut self, reconnection_time: Duration) -> Self {
        self.retry = Some(reconnection_time);
        self
    }

    /// Sets the data, without which nothing is dispatched. Empty data is data.
    #[must_use]
    pub const fn data(mut self, text: &'a str) -> Self {
        self.data = Some(text);
        self
    }

    /// How many bytes the message takes, exactly.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        sink::encoded_len(self)
    }

    /// Writes the message to the front of `buffer`; returns its length.
    ///
    /// # Errors
    /// If it does not fit. What the buffer then holds is not to be sent.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        sink::encode(self, buffer)
    }

    /// Appends the message to `buffer`.
    ///
    /// # Errors
    /// If a buffer that does not grow has no room; nothing is appended then.
    #[cfg(feature = "alloc")]
    pub fn encode_to<B: bytes::BufMut>(&self, buffer: &mut B) -> Result<(), BufferTooSmall> {
        sink::encode_to(self, buffer)
    }

    /// The message in memory of its own, to be shared by all who receive it.
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
        Ok(Self { event_type, id, retry, ..Self::new() })
    }

    #[cfg(feature = "alloc")]
    pub(in crate::sse) const fn set_id(&self) -> Option<EventId<'a>> {
        self.id
    }

    pub(in crate::sse) const fn set_data(&self) -> &'a str {
        match self.data {
            Some(data) => data,
            None => "",
        }
    }

    /// Writes all but the data and the blank line.
    pub(in crate::sse) fn write_fields<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        if let Some(comment) = self.comment {
            sink.put(COMMENT)?;
            put_lines(sink, COMMENT_LINE, comment.as_bytes(), &mut false)?;
            sink.put(b"\n")?;
        }
        if let Some(event_type) = self.event_type.filter(|it| !it.as_str().is_empty()) {
            put_field(sink, b"event: ", event_type.as_str().as_bytes())?;
        }
        if let Some(id) = self.id {
            put_field(sink, b"id: ", id.as_str().as_bytes())?;
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
        if let Some(data) = self.data {
            sink.put(DATA)?;
            put_lines(sink, DATA_LINE, data.as_bytes(), &mut false)?;
            return sink.put(b"\n\n");
        }
        sink.put(b"\n")
    }

    /// Each byte may at worst become a line.
    #[cfg(feature = "alloc")]
    fn longest(&self) -> usize {
        let names = 64;
        let event_type = self.event_type.unwrap_or_default().as_str().len();
        let id = self.id.unwrap_or_default().as_str().len();
        let lines = self.comment.unwrap_or_default().len().saturating_add(self.set_data().len());
        lines.saturating_mul(1 + DATA.len()).saturating_add(event_type + id + names)
    }
}

/// An event that was decoded, to be sent on.
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
            data: Some(data.as_ref()),
            ..Self::of(event_type.as_ref(), id.as_ref(), *retry)?
        })
    }
}

/// A block without data that was decoded, to be sent on.
impl<'a, T: AsRef<str>> TryFrom<&'a Block<T>> for EventBuilder<'a> {
    type Error = InvalidValue;

    fn try_from(block: &'a Block<T>) -> Result<Self, InvalidValue> {
        Self::of(block.event_type.as_ref(), block.id.as_ref(), block.retry)
    }
}

pub(in crate::sse) const DATA: &[u8] = b"data: ";
pub(in crate::sse) const DATA_LINE: Line = Line::new(b"\ndata: ");
const COMMENT: &[u8] = b": ";
const COMMENT_LINE: Line = Line::new(b"\n: ");

/// Writes a field whose value is one line.
fn put_field<S: Sink>(sink: &mut S, name: &[u8], value: &[u8]) -> Result<(), S::Error> {
    sink.put(name)?;
    sink.put(value)?;
    sink.put(b"\n")
}

/// Writes `text`, beginning a new line at each line end. `after_cr` says that the text before ended
/// with CR, so that an LF in front belongs to it.
pub(in crate::sse) fn put_lines<S: Sink>(
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
