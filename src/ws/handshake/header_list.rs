//! The grammar of header values: tokens, lists and extensions.

use crate::token::{is_token_byte, token};
use core::fmt;

/// The name of the header that lists extensions.
pub(super) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// Removes spaces and tabs at both ends.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().position(|byte| !is_space(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Returns the elements of a list, including empty ones. No list of the handshake allows a comma
/// inside quotes.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim)
}

/// An element of `Sec-WebSocket-Extensions`: a name with parameters ([RFC 6455, section 9.1]).
///
/// [RFC 6455, section 9.1]: https://www.rfc-editor.org/rfc/rfc6455#section-9.1
///
/// ```
/// use eventwire::ws::handshake::ServerHandshake;
///
/// let head = b"GET / HTTP/1.1\r\nHost: example.com\r\n\
///     Upgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
///     Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"10\"; x\r\n\r\n";
/// let mut server = ServerHandshake::new();
/// let request = server.decode(head)?.expect("a whole request");
/// let extension = request.extensions().next().expect("an extension");
/// assert_eq!(extension.name(), "permessage-deflate");
/// let mut params = extension.params();
/// let (name, value) = params.next().expect("a parameter");
/// assert_eq!(name, "server_max_window_bits");
/// assert_eq!(value.expect("it has one"), "10");
/// assert_eq!(params.next(), Some(("x", None)));
/// # Ok::<(), eventwire::ws::handshake::RequestError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a> {
    name: &'a str,
    /// The text after the first semicolon.
    params: Option<&'a [u8]>,
}

impl<'a> Extension<'a> {
    /// Parses an element, if all of it is well-formed.
    pub(super) fn parse(element: &'a [u8]) -> Option<Self> {
        let (name, params) = split_once(element, b';');
        let extension = Self { name: token(trim(name))?, params };
        extension.raw_params().all(|it| param(it).is_some()).then_some(extension)
    }

    /// Returns the name, which is case-sensitive.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the parameters in their order, including repeated ones: the name, and the value if
    /// there is one.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<ParamValue<'a>>)> + use<'a> {
        self.raw_params().filter_map(param)
    }

    fn raw_params(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.params.into_iter().flat_map(|params| params.split(|&byte| byte == b';'))
    }
}

/// The value of an extension's parameter.
///
/// Some peers write the value in quotes, and may escape any byte of it with a backslash. The quotes
/// are removed, but the backslashes are still in the buffer. All methods of this type skip them.
#[derive(Clone, Copy)]
pub struct ParamValue<'a>(&'a [u8]);

impl<'a> ParamValue<'a> {
    /// Returns the bytes of the value, which is a token.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + use<'a> {
        // A token contains no backslash.
        self.0.iter().copied().filter(|&byte| byte != b'\\')
    }
}

impl PartialEq for ParamValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for ParamValue<'_> {}

impl PartialEq<str> for ParamValue<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl PartialEq<&str> for ParamValue<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Display for ParamValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().try_for_each(|byte| fmt::Write::write_char(f, byte.into()))
    }
}

impl fmt::Debug for ParamValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

fn param(bytes: &[u8]) -> Option<(&str, Option<ParamValue<'_>>)> {
    let (name, value) = split_once(bytes, b'=');
    let value = match value {
        Some(value) => Some(ParamValue(unquote(trim(value))?)),
        None => None,
    };
    Some((token(trim(name))?, value))
}

/// Returns the content of a token or a quoted token, including backslashes.
fn unquote(value: &[u8]) -> Option<&[u8]> {
    let Some(quoted) = value.strip_prefix(b"\"") else { return token(value).map(str::as_bytes) };
    let quoted = quoted.strip_suffix(b"\"")?;
    let mut bytes = quoted.iter().copied();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'\\' { bytes.next()? } else { byte };
        if !is_token_byte(byte) {
            return None;
        }
    }
    (!quoted.is_empty()).then_some(quoted)
}

fn split_once(bytes: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(at, bytes) {
        Some(found) => (&bytes[..found], Some(&bytes[found + 1..])),
        None => (bytes, None),
    }
}
