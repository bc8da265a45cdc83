//! [`Url`], which parses a URL into its parts without copying.

use crate::number::number;
use core::convert::Infallible;
use core::fmt;
use core::net::Ipv6Addr;

/// The URL of a WebSocket or of an event stream, in its parts. Nothing is copied.
///
/// The schemes are `ws`, `wss`, `http` and `https`, in upper or lower case. A `Url` has everything
/// that a program needs to connect and to send a request:
///
/// ```
/// use eventwire::Url;
/// use std::net::{SocketAddr, ToSocketAddrs};
///
/// /// Where to connect to, and whether by TLS, with `url.host()` as the server's name.
/// fn address(url: &Url<'_>) -> std::io::Result<(SocketAddr, bool)> {
///     let found = (url.host(), url.port()).to_socket_addrs()?.next();
///     Ok((found.ok_or(std::io::ErrorKind::NotFound)?, url.is_encrypted()))
/// }
///
/// let url = Url::parse("https://[::1]:8443/events?room=1")?;
/// assert_eq!(address(&url)?, ("[::1]:8443".parse()?, true));
/// let head = format!("GET {} HTTP/1.1\r\nHost: {}\r\n", url.target(), url.host_header());
/// assert_eq!(head, "GET /events?room=1 HTTP/1.1\r\nHost: [::1]:8443\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// To make a WebSocket's request from it, use
/// [`ClientRequest::from_url`](crate::ws::handshake::ClientRequest::from_url).
///
/// # What is accepted
///
/// The syntax of [RFC 3986] is accepted and, in a path or query, any visible ASCII, as browsers
/// send it. Nothing is encoded here: a space or a character outside ASCII is an error, and so is
/// anything that the URL standard would repair, such as `ws:host` or a backslash. The path is sent
/// as it is written, including dot segments.
///
/// A fragment is never sent. In an `http` or `https` URL it is dropped. A WebSocket's URL must not
/// have one ([RFC 6455, section 3]), so there it is an error, as in browsers.
///
/// An [error](InvalidUrl) does not go away by itself: a program that reconnects should not try such
/// a URL again.
///
/// [RFC 3986]: https://www.rfc-editor.org/rfc/rfc3986
/// [RFC 6455, section 3]: https://www.rfc-editor.org/rfc/rfc6455#section-3
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    scheme: &'static Scheme,
    user_info: Option<Credentials<'a>>,
    /// The host, and the port if there is one, as written.
    authority: &'a str,
    /// The end of the host in `authority`, including its brackets.
    host_end: usize,
    port: Option<u16>,
    target: Target<'a>,
}

#[derive(Debug, PartialEq, Eq)]
struct Scheme {
    name: &'static str,
    port: u16,
    is_encrypted: bool,
    has_fragments: bool,
}

const SCHEMES: [Scheme; 4] = [
    Scheme { name: "ws", port: 80, is_encrypted: false, has_fragments: false },
    Scheme { name: "wss", port: 443, is_encrypted: true, has_fragments: false },
    Scheme { name: "http", port: 80, is_encrypted: false, has_fragments: true },
    Scheme { name: "https", port: 443, is_encrypted: true, has_fragments: true },
];

impl Scheme {
    fn of(name: &str) -> Option<&'static Self> {
        const { &SCHEMES }.iter().find(|scheme| scheme.name.eq_ignore_ascii_case(name))
    }
}

/// Returns whether this is the scheme of such a URL.
#[cfg(feature = "http")]
pub(crate) fn is_scheme(name: &str) -> bool {
    Scheme::of(name).is_some()
}

impl<'a> Url<'a> {
    /// Parses a URL.
    ///
    /// # Errors
    /// If the text is not such a URL, or must be written differently. The error has the offset of
    /// the first byte that is not allowed there. A byte that is not allowed anywhere is reported
    /// before all others.
    pub fn parse(url: &'a str) -> Result<Self, InvalidUrl> {
        if let Some(offset) = url.bytes().position(|byte| !byte.is_ascii_graphic()) {
            return Err(InvalidUrl::Character { offset });
        }
        let colon = url.bytes().position(|byte| byte == b':').ok_or(InvalidUrl::Scheme)?;
        let scheme = Scheme::of(&url[..colon]).ok_or(InvalidUrl::Scheme)?;
        let rest = url[colon..].strip_prefix("://").ok_or(InvalidUrl::Scheme)?;
        let mut at = url.len() - rest.len();
        let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
        let (mut authority, target) = rest.split_at(end.unwrap_or(rest.len()));

        let mut user_info = None;
        if let Some(end) = authority.bytes().rposition(|byte| byte == b'@') {
            let text = &authority[..end];
            if let Some(offset) = not_user_info(text) {
                return Err(InvalidUrl::Credentials { offset: at + offset });
            }
            user_info = Some(Credentials(text));
            at += end + 1;
            authority = &authority[end + 1..];
        }
        let parts = split_authority(authority.as_bytes());
        let Authority { end: host_end, port } = parts.map_err(|fault| match fault {
            AuthorityFault::Host { offset } => InvalidUrl::Host { offset: at + offset },
            AuthorityFault::Port { offset } => InvalidUrl::Port { offset: at + offset },
        })?;
        let target = match target.bytes().position(|byte| byte == b'#') {
            None => target,
            Some(end) if scheme.has_fragments => &target[..end],
            Some(end) => {
                return Err(InvalidUrl::Fragment { offset: at + authority.len() + end });
            }
        };
        Ok(Self { scheme, user_info, authority, host_end, port, target: Target::of(target) })
    }

    /// Returns `ws`, `wss`, `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme.name
    }

    /// Returns whether the connection needs TLS, as `wss` and `https` do.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.scheme.is_encrypted
    }

    /// Returns the host to connect to and to expect in its certificate: a name or an address. An
    /// IPv6 address has no brackets, as `ToSocketAddrs` requires.
    #[must_use]
    pub fn host(&self) -> &'a str {
        let host = &self.authority[..self.host_end];
        host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host)
    }

    /// Returns the port to connect to. The default is 80, or 443 with TLS.
    #[must_use]
    pub const fn port(&self) -> u16 {
        match self.port {
            Some(port) => port,
            None => self.scheme.port,
        }
    }

    /// Returns the value of the header `Host`: the host, and the port unless it is the scheme's
    /// default.
    #[must_use]
    pub fn host_header(&self) -> &'a str {
        match self.port {
            Some(port) if port != self.scheme.port => self.authority,
            _ => &self.authority[..self.host_end],
        }
    }

    /// Returns the host, and the port if there is one, as written.
    #[cfg(feature = "handshake")]
    pub(crate) const fn authority(&self) -> &'a str {
        self.authority
    }

    /// Returns the target of the request line: the path and the query.
    #[must_use]
    pub const fn target(&self) -> Target<'a> {
        self.target
    }

    /// Returns the user and password, if there are any.
    #[must_use]
    pub fn credentials(&self) -> Option<Credentials<'a>> {
        self.user_info.filter(|it| !matches!(it.0, "" | ":"))
    }

    /// Returns whether there is an `@`, which is not allowed in a request's target ([RFC 9110,
    /// 4.2.4](https://www.rfc-editor.org/rfc/rfc9110#section-4.2.4)).
    #[cfg(feature = "handshake")]
    pub(crate) const fn has_user_info(&self) -> bool {
        self.user_info.is_some()
    }
}

impl<'a> TryFrom<&'a str> for Url<'a> {
    type Error = InvalidUrl;

    fn try_from(url: &'a str) -> Result<Self, InvalidUrl> {
        Self::parse(url)
    }
}

#[cfg(feature = "alloc")]
impl<'a> TryFrom<&'a alloc::string::String> for Url<'a> {
    type Error = InvalidUrl;

    fn try_from(url: &'a alloc::string::String) -> Result<Self, InvalidUrl> {
        Self::parse(url)
    }
}

impl From<&Self> for Url<'_> {
    fn from(url: &Self) -> Self {
        *url
    }
}

/// A path and a query. Formatted as text, it is the target of a request line: a missing path
/// becomes `/`.
///
/// ```
/// use eventwire::Url;
///
/// let target = Url::parse("wss://example.com?room=1")?.target();
/// assert_eq!(target.to_string(), "/?room=1");
/// assert_eq!((target.path(), target.query()), ("/", Some("room=1")));
/// # Ok::<(), eventwire::InvalidUrl>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a>(&'a str);

impl<'a> Target<'a> {
    /// Wraps a target to which [`not_a_target`] has no objection.
    pub(crate) const fn of(text: &'a str) -> Self {
        Self(if text.is_empty() { "/" } else { text })
    }

    /// Returns the path, as written.
    #[must_use]
    pub fn path(&self) -> &'a str {
        match self.0.split('?').next() {
            None | Some("") => "/",
            Some(path) => path,
        }
    }

    /// Returns the query, without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.0.split_once('?').map(|(_, query)| query)
    }

    /// Returns the text, as far as it is written.
    #[cfg(feature = "handshake")]
    pub(crate) const fn as_written(self) -> &'a str {
        self.0
    }

    /// Returns the text in two pieces.
    pub(crate) fn pieces(self) -> [&'a str; 2] {
        [if self.0.starts_with('/') { "" } else { "/" }, self.0]
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().into_iter().try_for_each(|piece| f.write_str(piece))
    }
}

/// The user and password of a URL, for HTTP's `Basic` authentication ([RFC 7617]).
///
/// With feature `handshake` it can be formatted as text, which is the value of the header
/// `Authorization`. A [`ClientRequest`](crate::ws::handshake::ClientRequest::from_url) sends that
/// header by itself.
///
/// [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617
///
#[cfg_attr(feature = "handshake", doc = "```")]
#[cfg_attr(not(feature = "handshake"), doc = "```ignore")]
/// use eventwire::Url;
///
/// let url = Url::parse("https://user:p%40ss@example.com/")?;
/// let credentials = url.credentials().map(|it| it.to_string());
/// assert_eq!(credentials.as_deref(), Some("Basic dXNlcjpwQHNz"));
/// # Ok::<(), eventwire::InvalidUrl>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'a>(&'a str);

impl<'a> Credentials<'a> {
    /// Those that [`as_written`](Self::as_written) returned.
    #[cfg(feature = "handshake")]
    pub(crate) const fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// The text of the URL.
    #[cfg(feature = "handshake")]
    pub(crate) const fn as_written(self) -> &'a str {
        self.0
    }

    /// Returns the user, a colon and the password, percent-decoded. Neither contains control
    /// characters, and the user contains no colon.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + use<'a> {
        let colon = if self.0.contains(':') { "" } else { ":" };
        decoded(self.0).map(|(_, byte)| byte).chain(colon.bytes())
    }
}

/// Does not show the secret.
impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Why a text is not a [`Url`]. Each message says what to do, and [where](Self::offset).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUrl {
    /// A space, a control character or a character outside ASCII.
    #[error(
        "a space, a control character or a character outside ASCII, at byte {offset} of the URL: \
         percent-encode it, or write it in Punycode in a host"
    )]
    Character {
        /// The offset, in bytes.
        offset: usize,
    },
    /// The URL does not begin with one of the schemes and `://`.
    #[error("the URL does not begin with ws://, wss://, http:// or https://")]
    Scheme,
    /// The user or password has a character that must be percent-encoded, or an invalid encoding,
    /// or a control character, or the user has a colon ([RFC 7617,
    /// 2](https://www.rfc-editor.org/rfc/rfc7617#section-2)).
    #[error(
        "a user or password that cannot be sent, at byte {offset} of the URL: percent-encode \
         everything except letters, digits and -._~, and use no colon in a user"
    )]
    Credentials {
        /// The offset, in bytes.
        offset: usize,
    },
    /// The host is neither a name nor an address. An IPv6 address must be in brackets, and must
    /// have no zone.
    #[error(
        "invalid host, at byte {offset} of the URL: write a name or an address, IPv6 in brackets"
    )]
    Host {
        /// The offset, in bytes.
        offset: usize,
    },
    /// The port is not a number up to 65535.
    #[error("invalid port, at byte {offset} of the URL: write a number up to 65535")]
    Port {
        /// The offset, in bytes.
        offset: usize,
    },
    /// The URL of a WebSocket has a fragment.
    #[error("a fragment, at byte {offset} of a WebSocket's URL: leave it out, or write # as %23")]
    Fragment {
        /// The offset, in bytes.
        offset: usize,
    },
}

/// A URL that has been parsed cannot be invalid.
impl From<Infallible> for InvalidUrl {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl InvalidUrl {
    /// Returns the offset of the first byte that is not allowed there, or the length if one is
    /// missing.
    #[must_use]
    pub const fn offset(&self) -> usize {
        match *self {
            Self::Scheme => 0,
            Self::Character { offset }
            | Self::Credentials { offset }
            | Self::Host { offset }
            | Self::Port { offset }
            | Self::Fragment { offset } => offset,
        }
    }
}

/// Returns the offset at which a text is not a valid user and password ([RFC 3986,
/// 3.2.1](https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1), [RFC 7617,
/// 2](https://www.rfc-editor.org/rfc/rfc7617#section-2)).
fn not_user_info(text: &str) -> Option<usize> {
    let of_text = |byte| is_unreserved_or_sub_delim(byte) || matches!(byte, b':' | b'%');
    if let Some(offset) = text.bytes().position(|byte| !of_text(byte)) {
        return Some(offset);
    }
    let user_end = text.bytes().position(|byte| byte == b':').unwrap_or(text.len());
    let mut end = 0;
    for (offset, byte) in decoded(text) {
        if byte.is_ascii_control() || (byte == b':' && offset < user_end) {
            return Some(offset);
        }
        end = offset + if text.as_bytes()[offset] == b'%' { 3 } else { 1 };
    }
    // Decoding ends at an invalid encoding.
    (end < text.len()).then_some(end)
}

/// Returns the bytes of a percent-encoded text and their offsets in it, up to an invalid encoding.
fn decoded(text: &str) -> impl Iterator<Item = (usize, u8)> + use<'_> {
    let mut bytes = text.bytes().enumerate();
    core::iter::from_fn(move || {
        let (offset, byte) = bytes.next()?;
        if byte != b'%' {
            return Some((offset, byte));
        }
        let mut digit = || char::from(bytes.next()?.1).to_digit(16);
        let value = digit()? << 4 | digit()?;
        Some((offset, u8::try_from(value).ok()?))
    })
}

/// Returns whether a byte is unreserved or a sub-delimiter ([RFC 3986, 2.2 and
/// 2.3](https://www.rfc-editor.org/rfc/rfc3986#section-2.2)).
fn is_unreserved_or_sub_delim(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || memchr::memchr(byte, b"-._~!$&'()*+;=,").is_some()
}

/// A host with an optional port.
struct Authority {
    /// The end of the host, including its brackets.
    end: usize,
    port: Option<u16>,
}

/// Why a text is not a host with an optional port, and where.
enum AuthorityFault {
    Host { offset: usize },
    Port { offset: usize },
}

/// Splits a host with an optional port. A host is a name or an address ([RFC 3986,
/// 3.2.2](https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2)). Names that no DNS has are
/// refused: those with a percent sign, and those with a comma, with which proxies join two hosts.
fn split_authority(text: &[u8]) -> Result<Authority, AuthorityFault> {
    let in_name = |byte| byte != b',' && is_unreserved_or_sub_delim(byte);
    let end = if text.first() == Some(&b'[') {
        let end = text.iter().position(|&byte| byte == b']').unwrap_or(text.len());
        let address = str::from_utf8(&text[1..end]).unwrap_or_default();
        if end == text.len() || address.parse::<Ipv6Addr>().is_err() {
            return Err(AuthorityFault::Host { offset: 1 });
        }
        end + 1
    } else {
        text.iter().position(|&byte| !in_name(byte)).unwrap_or(text.len())
    };
    match text.get(end) {
        _ if end == 0 => Err(AuthorityFault::Host { offset: 0 }),
        None => Ok(Authority { end, port: None }),
        Some(b':') => {
            let digits = &text[end + 1..];
            if let Some(at) = digits.iter().position(|byte| !byte.is_ascii_digit()) {
                return Err(AuthorityFault::Port { offset: end + 1 + at });
            }
            // A port may be empty.
            let port = number(digits).map(u16::try_from).transpose();
            let port = port.map_err(|_| AuthorityFault::Port { offset: end + 1 })?;
            Ok(Authority { end, port })
        }
        Some(_) => Err(AuthorityFault::Host { offset: end }),
    }
}

/// Returns the offset at which a text is not a host with an optional port.
#[cfg(feature = "handshake")]
pub(crate) fn not_a_host(host: &[u8]) -> Option<usize> {
    match split_authority(host) {
        Ok(_) => None,
        Err(AuthorityFault::Host { offset } | AuthorityFault::Port { offset }) => Some(offset),
    }
}

/// Returns the offset at which a text is not a path and a query, either of which may be missing.
///
/// RFC 3986 allows fewer characters, but browsers send more in a query.
#[cfg(feature = "handshake")]
pub(crate) fn not_a_target(target: &[u8]) -> Option<usize> {
    match target.first() {
        None | Some(b'/' | b'?') => {
            target.iter().position(|byte| !byte.is_ascii_graphic() || *byte == b'#')
        }
        Some(_) => Some(0),
    }
}
