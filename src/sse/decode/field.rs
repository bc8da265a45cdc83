//! Field names, and the meaning of one line of an event stream ([WHATWG HTML, 9.2.6]).
//!
//! [WHATWG HTML, 9.2.6]:
//! https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

use crate::number::number;
use core::time::Duration;

/// A field name that the standard defines. Names match case-sensitively and exactly, and every
/// other field is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldName {
    /// `data`: one line of the event's data.
    Data,
    /// `event`: the event's type.
    Event,
    /// `id`: the new last event ID.
    Id,
    /// `retry`: the new reconnection time.
    Retry,
}

impl FieldName {
    /// The length of the longest name, in bytes.
    pub(super) const MAX_LEN: usize = 5;

    /// Returns the name as it is written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Event => "event",
            Self::Id => "id",
            Self::Retry => "retry",
        }
    }

    /// Returns the only name that starts with this byte. No two names share a first byte.
    pub(super) const fn from_first_byte(byte: u8) -> Option<Self> {
        match byte {
            b'd' => Some(Self::Data),
            b'e' => Some(Self::Event),
            b'i' => Some(Self::Id),
            b'r' => Some(Self::Retry),
            _ => None,
        }
    }
}

/// Returns the field that a whole line sets, and where its value begins. The line must not be
/// empty, and must not be a comment.
#[inline]
pub(super) fn split(line: &[u8]) -> Option<(FieldName, usize)> {
    let (name, len) = if line.starts_with(b"data") {
        (FieldName::Data, 4)
    } else if line.starts_with(b"event") {
        (FieldName::Event, 5)
    } else if line.starts_with(b"id") {
        (FieldName::Id, 2)
    } else if line.starts_with(b"retry") {
        (FieldName::Retry, 5)
    } else {
        return None;
    };
    match &line[len..] {
        [] => Some((name, len)),
        [b':', b' ', ..] => Some((name, len + 2)),
        [b':', ..] => Some((name, len + 1)),
        _ => None,
    }
}

/// Returns whether no line that starts with these bytes can be a field.
pub(super) fn is_unknown(start: &[u8]) -> bool {
    let Some(&first) = start.first() else { return false };
    let Some(name) = FieldName::from_first_byte(first) else { return true };
    match start.strip_prefix(name.as_str().as_bytes()) {
        Some([] | [b':', ..]) => false,
        Some(_) => true,
        None => !name.as_str().as_bytes().starts_with(start),
    }
}

/// Parses a `retry` value, a number of milliseconds.
pub(super) fn reconnection_time(value: &[u8]) -> Option<Duration> {
    number(value).map(Duration::from_millis)
}
