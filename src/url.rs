//! URLs, taken apart.

use crate::number::number;
use core::fmt;
use core::net::Ipv6Addr;

/// The URL of a WebSocket or of an event stream, taken apart. Nothing is copied.
///
/// The schemes are `ws`, `wss`, `http` and `https`, in any case. It is what a program needs to
/// connect, and to send a request:
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
/// A WebSocket's request is made of it by
/// [`ClientRequest::from_url`](crate::ws::handshake::ClientRequest::from_url).
///
/// # What is taken
///
/// What RFC 3986 allows, and in a path or query any visible ASCII, as browsers send it. Nothing is
/// encoded here: a space or other than ASCII is an error, and so is what the URL standard would
/// mend, such as `ws:host` or a backslash. The path is sent as it is written, dot segments too.
///
/// A fragment is never sent. That of an `http` or `https` URL is dropped; a WebSocket's URL must
/// not have one (RFC 6455, 3), so there it is an error, as in browsers.
///
/// An [error](InvalidUrl) does not go away by itself: a program that reconnects does not try such
/// a URL again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    scheme: &'static Scheme,
    user_info: Option<Credentials<'a>>,
    /// The host, and the port if there is one, as they are written.
    authority: &'a str,
    /// Where in it the host ends, its brackets included.
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

/// Whether this is the scheme of such a URL.
#[cfg(feature = "http")]
pub(crate) fn is_scheme(name: &str) -> bool {
    Scheme::of(name).is_some()
}

impl<'a> Url<'a> {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// If it is none, or has to be written otherwise. The first byte that cannot stand where it
    /// does is named; one that can stand nowhere is named before all others.
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

    /// `ws`, `wss`, `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme.name
    }

    /// Whether the connection is to be made by TLS: of `wss` and `https`.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.scheme.is_encrypted
    }

    /// The host to connect to, and to know by its certificate: a name or an address. That of IPv6
    /// is without its brackets, as `ToSocketAddrs` wants it.
    #[must_use]
    pub fn host(&self) -> &'a str {
        let host = &self.authority[..self.host_end];
        host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host)
    }

    /// The port to connect to: if there is none, 80, or 443 by TLS.
    #[must_use]
    pub const fn port(&self) -> u16 {
        match self.port {
            Some(port) => port,
            None => self.scheme.port,
        }
    }

    /// The value of the header `Host`: the host, and the port if it is not the scheme's own.
    #[must_use]
    pub fn host_header(&self) -> &'a str {
        match self.port {
            Some(port) if port != self.scheme.port => self.authority,
            _ => &self.authority[..self.host_end],
        }
    }

    /// The host, and the port if there is one, as they are written.
    #[cfg(feature = "handshake")]
    pub(crate) const fn authority(&self) -> &'a str {
        self.authority
    }

    /// What the request line asks for: the path and the query.
    #[must_use]
    pub const fn target(&self) -> Target<'a> {
        self.target
    }

    /// The user and password, if there are any.
    #[must_use]
    pub fn credentials(&self) -> Option<Credentials<'a>> {
        self.user_info.filter(|it| !matches!(it.0, "" | ":"))
    }

    /// Whether there is an `@`, which a request's target must not have (RFC 9110, 4.2.4).
    #[cfg(feature = "handshake")]
    pub(crate) const fn has_user_info(&self) -> bool {
        self.user_info.is_some()
    }
}

/// A path and a query. As text it is what a request line has: a path that is missing is `/`.
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
    /// A target that [`not_a_target`] has nothing against.
    pub(crate) const fn of(text: &'a str) -> Self {
        Self(if text.is_empty() { "/" } else { text })
    }

    /// The path, as it is written.
    #[must_use]
    pub fn path(&self) -> &'a str {
        match self.0.split('?').next() {
            None | Some("") => "/",
            Some(path) => path,
        }
    }

    /// The query, without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.0.split_once('?').map(|(_, query)| query)
    }

    /// The text, as far as it is written.
    #[cfg(feature = "handshake")]
    pub(crate) const fn as_written(self) -> &'a str {
        self.0
    }

    /// The text in two pieces.
    pub(crate) fn pieces(self) -> [&'a str; 2] {
        [if self.0.starts_with('/') { "" } else { "/" }, self.0]
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().into_iter().try_for_each(|piece| f.write_str(piece))
    }
}

/// The user and password of a URL, for HTTP's authentication by `Basic` (RFC 7617).
///
/// With feature `handshake` it is as text the value of the header `Authorization`. A
/// [`ClientRequest`](crate::ws::handshake::ClientRequest::from_url) sends it by itself.
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
    /// The user, a colon and the password, percent-decoded. Both are free of control characters,
    /// and the user of colons.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + use<'a> {
        let colon = if self.0.contains(':') { "" } else { ":" };
        decoded(self.0).map(|(_, byte)| byte).chain(colon.bytes())
    }
}

/// It does not show the secret.
impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Why a text is no [`Url`]. Each says what to do, and [where](Self::offset).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUrl {
    /// A space, a control character or one beyond ASCII.
    #[error(
        "a space, a control character or one beyond ASCII, at byte {offset} of the URL: \
         percent-encode it, or write it in Punycode in a host"
    )]
    Character {
        /// Where, in bytes.
        offset: usize,
    },
    /// It does not begin with one of the schemes and `://`.
    #[error("the URL does not begin with ws://, wss://, http:// or https://")]
    Scheme,
    /// The user or password has a character that has to be percent-encoded, is encoded in the wrong
    /// way, or is a user with a colon or either with a control character (RFC 7617, 2).
    #[error(
        "a user or password that cannot be sent, at byte {offset} of the URL: percent-encode \
         what is no letter, digit or -._~, and have no colon in a user"
    )]
    Credentials {
        /// Where, in bytes.
        offset: usize,
    },
    /// The host is neither a name nor an address. An address of IPv6 stands in brackets, and has no
    /// zone.
    #[error("no host's name or address, at byte {offset} of the URL")]
    Host {
        /// Where, in bytes.
        offset: usize,
    },
    /// The port is no number up to 65535.
    #[error("no port up to 65535, at byte {offset} of the URL")]
    Port {
        /// Where, in bytes.
        offset: usize,
    },
    /// The URL of a WebSocket has a fragment.
    #[error("a fragment, at byte {offset} of a WebSocket's URL: leave it out, or write # as %23")]
    Fragment {
        /// Where, in bytes.
        offset: usize,
    },
}

impl InvalidUrl {
    /// The first byte that cannot stand where it does, or the length if one is missing.
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

/// Where a user and password are none (RFC 3986, 3.2.1; RFC 7617, 2).
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
    // Decoding ends at what is no encoding.
    (end < text.len()).then_some(end)
}

/// The bytes that a percent-encoded text stands for and where they are in it, up to an encoding that is
/// none.
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

/// RFC 3986, 2.2 and 2.3.
fn is_unreserved_or_sub_delim(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || memchr::memchr(byte, b"-._~!$&'()*+;=,").is_some()
}

/// The parts of a host with an optional port.
struct Authority {
    /// Where the host ends, its brackets included.
    end: usize,
    port: Option<u16>,
}

/// Why it is none, and where.
enum AuthorityFault {
    Host { offset: usize },
    Port { offset: usize },
}

/// A host is a name or an address, and may have a port (RFC 3986, 3.2.2). Of names, what no DNS has
/// is refused: a percent sign, and a comma, with which proxies join two hosts.
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

/// Where a host with an optional port is none.
#[cfg(feature = "handshake")]
pub(crate) fn not_a_host(host: &[u8]) -> Option<usize> {
    match split_authority(host) {
        Ok(_) => None,
        Err(AuthorityFault::Host { offset } | AuthorityFault::Port { offset }) => Some(offset),
    }
}

/// Where a target is not a path and a query, either of which may be missing.
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
