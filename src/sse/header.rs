//! The HTTP headers of an event stream.

use crate::token::token;

/// The `Content-Type` of an event stream.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// The headers of a response that is an event stream, names in lower case: its type, that no cache
/// keeps it, and that nginx passes it on unbuffered.
pub const RESPONSE_HEADERS: [(&str, &str); 3] =
    [("content-type", CONTENT_TYPE), ("cache-control", "no-cache"), ("x-accel-buffering", "no")];

/// The name of the request header that carries the last event ID on a reconnect (WHATWG HTML,
/// 9.2.4), in lower case.
pub const LAST_EVENT_ID: &str = "last-event-id";

/// Whether a `Content-Type` value names an event stream, with any parameters or none (WHATWG HTML,
/// 9.2.3: a response of another type fails the connection). Of several types in one value the last
/// counts, as Fetch extracts it.
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
    last_type_is_event_stream(content_type).unwrap_or_default()
}

/// As [`is_event_stream`]; `None` if no type is in it (Fetch, "extract a MIME type").
pub(super) fn last_type_is_event_stream(content_type: &[u8]) -> Option<bool> {
    let mut quoted = false;
    let mut escaped = false;
    let types = content_type.split(|&byte| {
        let was_escaped = escaped;
        escaped = quoted && byte == b'\\' && !was_escaped;
        quoted ^= byte == b'"' && !was_escaped;
        byte == b',' && !quoted
    });
    let is_event_stream = |essence: &[u8]| essence.eq_ignore_ascii_case(CONTENT_TYPE.as_bytes());
    types.filter_map(essence).map(is_event_stream).last()
}

/// Type and subtype, if it is a MIME type (WHATWG MIME Sniffing, "parse a MIME type") and says which.
fn essence(mime_type: &[u8]) -> Option<&[u8]> {
    let essence = mime_type.split(|&byte| byte == b';').next()?.trim_ascii();
    let slash = memchr::memchr(b'/', essence)?;
    token(&essence[..slash])?;
    token(&essence[slash + 1..])?;
    (essence != b"*/*").then_some(essence)
}

/// The value of a [`LAST_EVENT_ID`] header for this last event ID; `None` if there is none, and no
/// header to send.
///
/// The value is the id's UTF-8, as browsers send it. An [`EventId`](crate::sse::EventId) may be one that
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
