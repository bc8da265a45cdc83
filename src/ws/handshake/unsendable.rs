//! [`Unsendable`], and the checks that nothing in a head breaks out of its line.

use crate::InvalidUrl;
use crate::token::is_token_byte;

/// Why a value cannot be written to a head. Nothing was written.
///
/// An offset is that of the first byte that is not allowed there, or the length if a byte is
/// missing. An index is that of the value in the list that was passed. It is 0 where one header was
/// passed alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unsendable {
    /// A host must be a name or an address, optionally with a port: `example.com:8080`, `[::1]`.
    #[error("invalid host or port, at byte {offset}")]
    Host {
        /// The offset, in bytes.
        offset: usize,
    },
    /// A target must be a path, a query or both. It begins with a slash or a question mark, and
    /// consists of visible ASCII without `#`.
    #[error("invalid path or query, at byte {offset}")]
    Target {
        /// The offset, in bytes.
        offset: usize,
    },
    /// An origin must be visible ASCII.
    #[error("invalid origin, at byte {offset}")]
    Origin {
        /// The offset, in bytes.
        offset: usize,
    },
    /// A subprotocol must be a token: at least one letter, digit or one of ``!#$%&'*+-.^_`|~``.
    #[error("subprotocol {index} is not a token, at byte {offset}")]
    Subprotocol {
        /// The index of the subprotocol.
        index: usize,
        /// The offset, in bytes.
        offset: usize,
    },
    /// A subprotocol is listed twice.
    #[error("subprotocol {index} is listed twice")]
    RepeatedSubprotocol {
        /// The index of the subprotocol.
        index: usize,
    },
    /// The client did not offer this subprotocol.
    #[error("the client did not offer this subprotocol")]
    NotOffered,
    /// A header's name must be a token, like a subprotocol.
    #[error("the name of header {index} is not a token, at byte {offset}")]
    HeaderName {
        /// The index of the header.
        index: usize,
        /// The offset, in bytes.
        offset: usize,
    },
    /// A header's value must not contain control characters, except tabs, and must not begin or end
    /// with a space or tab.
    #[error("the value of header {index} cannot be sent, at byte {offset}")]
    HeaderValue {
        /// The index of the header.
        index: usize,
        /// The offset, in bytes.
        offset: usize,
    },
    /// The handshake itself writes this header, or the header would change where the message of
    /// this head ends.
    #[error("header {index} is reserved for the handshake")]
    ReservedHeader {
        /// The index of the header.
        index: usize,
    },
    /// A request has this header more than once.
    #[error("repeated header {header}")]
    RepeatedHeader {
        /// The name of the header.
        header: &'static str,
    },
    /// A request to open a WebSocket must have the method GET.
    #[error("the method of the request is not GET")]
    Method,
    /// A key must be 16 bytes in base64.
    #[error("Sec-WebSocket-Key is not 16 bytes in base64")]
    Key,
    /// A text is not a URL.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// A refusal must have a status from 300 to 599, except 304.
    #[error("status {status} is not valid for a refusal")]
    Status {
        /// The status.
        status: u16,
    },
}

/// Further headers, as pairs of name and value.
pub(super) type HeaderSlice<'a> = &'a [(&'a str, &'a str)];

/// Names that no head here may have, in addition to `Sec-WebSocket-*`.
const RESERVED: [&str; 6] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn check_headers(headers: HeaderSlice<'_>, reserved: &[&str]) -> Result<(), Unsendable> {
    for (index, (name, value)) in headers.iter().enumerate() {
        check_header(index, name, value.as_bytes(), reserved)?;
    }
    Ok(())
}

pub(super) fn check_header(
    index: usize,
    name: &str,
    value: &[u8],
    reserved: &[&str],
) -> Result<(), Unsendable> {
    if let Some(offset) = not_a_token(name) {
        return Err(Unsendable::HeaderName { index, offset });
    }
    if let Some(offset) = not_a_value(value) {
        return Err(Unsendable::HeaderValue { index, offset });
    }
    let is = |reserved: &&str| reserved.eq_ignore_ascii_case(name);
    let prefix = name.as_bytes().get(.."sec-websocket-".len());
    if RESERVED.iter().any(is)
        || reserved.iter().any(is)
        || prefix.is_some_and(|it| it.eq_ignore_ascii_case(b"sec-websocket-"))
    {
        return Err(Unsendable::ReservedHeader { index });
    }
    Ok(())
}

pub(super) fn check_subprotocols(names: &[&str]) -> Result<(), Unsendable> {
    for (index, name) in names.iter().enumerate() {
        check_subprotocol(index, name)?;
        if names[..index].contains(name) {
            return Err(Unsendable::RepeatedSubprotocol { index });
        }
    }
    Ok(())
}

pub(super) fn check_subprotocol(index: usize, name: &str) -> Result<(), Unsendable> {
    match not_a_token(name) {
        Some(offset) => Err(Unsendable::Subprotocol { index, offset }),
        None => Ok(()),
    }
}

fn not_a_token(text: &str) -> Option<usize> {
    let bad = text.bytes().position(|byte| !is_token_byte(byte));
    if text.is_empty() { Some(0) } else { bad }
}

/// Returns the offset of the first byte that a value may not have. Recipients strip whitespace
/// around a value.
fn not_a_value(value: &[u8]) -> Option<usize> {
    let last = value.len().wrapping_sub(1);
    value.iter().enumerate().position(|(at, &byte)| match byte {
        b' ' | b'\t' => at == 0 || at == last,
        byte => byte.is_ascii_control(),
    })
}

/// Returns the offset at which an origin is invalid: it is empty, or not visible ASCII.
pub(super) fn not_an_origin(origin: &[u8]) -> Option<usize> {
    if origin.is_empty() { Some(0) } else { origin.iter().position(|it| !it.is_ascii_graphic()) }
}
