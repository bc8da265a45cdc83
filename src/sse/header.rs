//! The HTTP headers of an event stream.

use super::field;
use core::time::Duration;

/// The `Content-Type` of an event stream.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// The headers of a response that is an event stream, names in lower case: its type, that no cache
/// keeps it, and that nginx passes it on unbuffered.
pub const RESPONSE_HEADERS: [(&str, &str); 3] =
    [("content-type", CONTENT_TYPE), ("cache-control", "no-cache"), ("x-accel-buffering", "no")];

/// The name of the request header that carries the last event ID on a reconnect (WHATWG HTML,
/// 9.2.4), in lower case.
pub const LAST_EVENT_ID: &str = "last-event-id";

/// When a server asks to be tried again (RFC 9110, 10.2.3), in lower case.
pub(super) const RETRY_AFTER: &str = "retry-after";

/// Whether a `Content-Type` value names an event stream, with any parameters or none (WHATWG HTML,
/// 9.2.3: a response of another type fails the connection).
///
/// ```
/// use eventwire::sse::is_event_stream;
///
/// assert!(is_event_stream(b"text/event-stream"));
/// assert!(is_event_stream(b"Text/Event-Stream ; charset=utf-8"));
/// assert!(!is_event_stream(b"text/event-streams"));
/// ```
#[must_use]
pub fn is_event_stream(content_type: &[u8]) -> bool {
    let essence = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = essence.iter().position(|byte| !is_space(byte)).unwrap_or(essence.len());
    let end = essence.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    essence[start..end].eq_ignore_ascii_case(CONTENT_TYPE.as_bytes())
}

/// A `Retry-After` value, if it is one in seconds; saturates.
pub(super) fn retry_after(value: &[u8]) -> Option<Duration> {
    field::number(value.trim_ascii()).map(Duration::from_secs)
}

/// The value of a [`LAST_EVENT_ID`] header for this last event ID; `None` if there is none, and no
/// header to send.
///
/// The value is the id's UTF-8, as browsers send it. An [`EventId`](super::EventId) may be one that
/// this refuses; a client can then only connect without the header.
///
/// # Errors
/// If the id cannot travel in a header (RFC 9110, 5.5): one with a control character other than a
/// tab, or with a space or tab at its start or end, which recipients strip.
///
/// ```
/// use eventwire::sse::{UnsendableId, last_event_id_value};
///
/// assert_eq!(last_event_id_value("17"), Ok(Some(&b"17"[..])));
/// assert_eq!(last_event_id_value(""), Ok(None));
/// assert_eq!(last_event_id_value("17 "), Err(UnsendableId { offset: 2 }));
/// ```
pub fn last_event_id_value(id: &str) -> Result<Option<&[u8]>, UnsendableId> {
    let value = id.as_bytes();
    let last = value.len().wrapping_sub(1);
    let bad = value.iter().enumerate().position(|(at, &byte)| match byte {
        b' ' | b'\t' => at == 0 || at == last,
        byte => byte.is_ascii_control(),
    });
    match bad {
        Some(offset) => Err(UnsendableId { offset }),
        None => Ok((!value.is_empty()).then_some(value)),
    }
}

/// A last event ID that cannot travel in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("id with a byte that cannot travel in a header, at byte {offset}")]
pub struct UnsendableId {
    /// Where the first such byte is.
    pub offset: usize,
}
