//! The HTTP headers of an event stream.

use crate::token::token;

/// The `Content-Type` of an event stream.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// The headers of an event stream response, names in lower case. They set its type, keep caches
/// from storing it, and make nginx pass it on unbuffered.
pub const RESPONSE_HEADERS: [(&str, &str); 3] =
    [("content-type", CONTENT_TYPE), ("cache-control", "no-cache"), ("x-accel-buffering", "no")];

/// The name of the request header that carries the last event ID on a reconnect ([WHATWG HTML,
/// 9.2.4]), in lower case.
///
/// [WHATWG HTML, 9.2.4]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header
pub const LAST_EVENT_ID: &str = "last-event-id";

/// Returns whether a `Content-Type` value names an event stream, with or without parameters. A
/// response of any other type fails the connection ([WHATWG HTML, 9.2.3]). If the value lists
/// several types, the last one counts, as in [Fetch].
///
/// [WHATWG HTML, 9.2.3]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
/// [Fetch]: https://fetch.spec.whatwg.org/#concept-header-extract-mime-type
///
/// ```
/// use eventwire::sse::header::is_event_stream;
///
/// assert!(is_event_stream(b"text/event-stream"));
/// assert!(is_event_stream(b"Text/Event-Stream ; charset=utf-8"));
/// assert!(!is_event_stream(b"text/event-streams"));
/// ```
#[must_use]
pub fn is_event_stream(content_type: &[u8]) -> bool {
    last_type_is_event_stream(content_type).unwrap_or_default()
}

/// Returns the result of [`is_event_stream`], or `None` if the value contains no type (Fetch,
/// "extract a MIME type").
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

/// Returns type and subtype of a value that is a MIME type (WHATWG MIME Sniffing, "parse a MIME
/// type") and names a specific one, which `*/*` does not.
fn essence(mime_type: &[u8]) -> Option<&[u8]> {
    let essence = mime_type.split(|&byte| byte == b';').next()?.trim_ascii();
    let slash = memchr::memchr(b'/', essence)?;
    token(&essence[..slash])?;
    token(&essence[slash + 1..])?;
    (essence != b"*/*").then_some(essence)
}

/// Returns the value of a [`LAST_EVENT_ID`] header for this last event ID. Returns `None` if the ID
/// is empty, in which case no header is sent.
///
/// The value is the ID in UTF-8, as browsers send it. A valid [`EventId`](crate::sse::EventId) may
/// be refused here. A client can then only connect without the header.
///
/// # Errors
/// If the ID cannot be sent in a header ([RFC 9110, section 5.5]): it contains a control character
/// other than a tab, or it has a space or tab at its start or end, which recipients strip.
///
/// [RFC 9110, section 5.5]: https://www.rfc-editor.org/rfc/rfc9110#section-5.5
///
/// ```
/// use eventwire::sse::header::{last_event_id_value, UnsendableId};
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

/// A last event ID that cannot be sent in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("event id cannot be sent in a header, because of the byte at offset {offset}")]
pub struct UnsendableId {
    /// The offset of the first byte that a header cannot carry.
    pub offset: usize,
}
