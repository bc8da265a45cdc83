//! What may be written to a head: nothing that breaks out of its line.

use crate::token::is_token_byte;

/// Why something cannot be written to a head. Nothing was written then.
///
/// An offset is that of the first byte that cannot stand there, or the length if one is missing;
/// an index is that in the list that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unsendable {
    /// A host is a name or an address, and may have a port: `example.com:8080`, `[::1]`.
    #[error("no host with an optional port, at byte {offset}")]
    Host {
        /// Where, in bytes.
        offset: usize,
    },
    /// A target is a path, a query or both: it begins with a slash or a question mark, has visible
    /// ASCII only, and no `#`.
    #[error("no path or query, at byte {offset}")]
    Target {
        /// Where, in bytes.
        offset: usize,
    },
    /// An origin has visible ASCII only.
    #[error("no origin, at byte {offset}")]
    Origin {
        /// Where, in bytes.
        offset: usize,
    },
    /// A subprotocol is a token: letters, digits and ``!#$%&'*+-.^_`|~``, at least one.
    #[error("subprotocol {index} is no token, at byte {offset}")]
    Subprotocol {
        /// Which.
        index: usize,
        /// Where, in bytes.
        offset: usize,
    },
    /// A subprotocol was named before.
    #[error("subprotocol {index} is there twice")]
    RepeatedSubprotocol {
        /// Which.
        index: usize,
    },
    /// The client did not offer this subprotocol.
    #[error("the client did not offer this subprotocol")]
    NotOffered,
    /// A header's name is a token, as a subprotocol is.
    #[error("the name of header {index} is no token, at byte {offset}")]
    HeaderName {
        /// Which.
        index: usize,
        /// Where, in bytes.
        offset: usize,
    },
    /// A header's value has no control character but the tab, and no space or tab around.
    #[error("the value of header {index} cannot be sent, at byte {offset}")]
    HeaderValue {
        /// Which.
        index: usize,
        /// Where, in bytes.
        offset: usize,
    },
    /// The handshake itself writes this header, or it would change where the head's message ends.
    #[error("header {index} is written by the handshake, or not at all")]
    ReservedHeader {
        /// Which.
        index: usize,
    },
    /// A refusal has a status from 300 to 599, and not 304.
    #[error("status {status} is no refusal")]
    Status {
        /// The status.
        status: u16,
    },
}

/// Further headers: name and value.
pub(super) type HeaderSlice<'a> = &'a [(&'a str, &'a str)];

/// Names no head here may have besides those of `Sec-WebSocket-`.
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
        if let Some(offset) = not_a_token(name) {
            return Err(Unsendable::HeaderName { index, offset });
        }
        if let Some(offset) = not_a_value(value.as_bytes()) {
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
    }
    Ok(())
}

pub(super) fn check_subprotocols(names: &[&str]) -> Result<(), Unsendable> {
    for (index, name) in names.iter().enumerate() {
        if let Some(offset) = not_a_token(name) {
            return Err(Unsendable::Subprotocol { index, offset });
        }
        if names[..index].contains(name) {
            return Err(Unsendable::RepeatedSubprotocol { index });
        }
    }
    Ok(())
}

fn not_a_token(text: &str) -> Option<usize> {
    let bad = text.bytes().position(|byte| !is_token_byte(byte));
    if text.is_empty() { Some(0) } else { bad }
}

/// Recipients strip the whitespace around a value.
fn not_a_value(value: &[u8]) -> Option<usize> {
    let last = value.len().wrapping_sub(1);
    value.iter().enumerate().position(|(at, &byte)| match byte {
        b' ' | b'\t' => at == 0 || at == last,
        byte => byte.is_ascii_control(),
    })
}

/// Where an origin is none: empty, or with other than visible ASCII.
pub(super) fn not_an_origin(origin: &[u8]) -> Option<usize> {
    if origin.is_empty() { Some(0) } else { origin.iter().position(|it| !it.is_ascii_graphic()) }
}
