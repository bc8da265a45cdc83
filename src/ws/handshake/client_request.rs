//! What a client sends.

use super::basic::basic;
use super::deflate::Offer;
use super::head::Limits;
use super::header_list::EXTENSIONS;
use super::unsendable::{HeaderSlice, check_headers, check_subprotocols, not_an_origin};
use super::write::{encode_methods, end, header, header_in_pieces};
use super::{ClientHandshake, Unsendable, Upgrade};
use crate::sink::{Encode, Sink};
use crate::url::{not_a_host, not_a_target};
use crate::ws::deflate::Deflate;
use crate::{Credentials, Target, Url};

/// A request to open a WebSocket.
///
/// ```
/// use eventwire::ws::handshake::ClientRequest;
///
/// let request = ClientRequest::new("example.com", "/chat", rand::random())?
///     .origin("https://example.com")?
///     .subprotocols(&["chat", "superchat"])?
///     .headers(&[("Authorization", "Bearer abc")])?;
/// let mut buffer = [0; 512];
/// let len = request.encode(&mut buffer)?;
/// let head = std::str::from_utf8(&buffer[..len])?;
/// assert!(head.starts_with("GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n"));
/// assert!(head.ends_with(
///     "\r\nOrigin: https://example.com\r\n\
///      Sec-WebSocket-Protocol: chat, superchat\r\n\
///      Authorization: Bearer abc\r\n\r\n",
/// ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Write it as often as you like, and read the answer by [`handshake`](Self::handshake).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientRequest<'a, By = Upgrade> {
    pub(super) host: &'a str,
    pub(super) target: Target<'a>,
    credentials: Option<Credentials<'a>>,
    pub(super) origin: Option<&'a str>,
    pub(super) subprotocols: &'a [&'a str],
    pub(super) requires_subprotocol: bool,
    pub(super) limits: Limits,
    pub(in crate::ws) deflate: Option<&'a Deflate>,
    pub(super) headers: HeaderSlice<'a>,
    pub(super) by: By,
}

impl<'a> ClientRequest<'a> {
    /// A request to this host (with its port, if that is not the scheme's own) for this target: a
    /// path, and a query if there is one. A path that is missing is written as `/`. See
    /// [`from_url`](Self::from_url) to make it of a URL.
    ///
    /// `nonce` are 16 random bytes, drawn anew for each connection, as by `rand::random` or
    /// `getrandom::fill`.
    ///
    /// # Errors
    /// If the host or target cannot be sent: a target begins with a slash or a question mark, and
    /// neither has a space, a control character, or other than ASCII. Percent-encode those, and write
    /// names in Punycode.
    pub fn new(host: &'a str, target: &'a str, nonce: [u8; 16]) -> Result<Self, Unsendable> {
        Self::checked(host, target, Upgrade::of(nonce))
    }

    /// A request for what this URL names, with its user and password as `Authorization: Basic`, unless
    /// the [`headers`](Self::headers) have an `Authorization` of their own. `http` and `https` mean `ws`
    /// and `wss`, as in browsers.
    ///
    /// `nonce` are 16 random bytes, as for [`new`](Self::new).
    ///
    /// ```
    /// use eventwire::Url;
    /// use eventwire::ws::handshake::ClientRequest;
    ///
    /// let url = Url::parse("wss://user:secret@example.com:8443/chat?room=1")?;
    /// let request = ClientRequest::from_url(&url, rand::random());
    /// let mut buffer = [0; 512];
    /// let len = request.encode(&mut buffer)?;
    /// let head = std::str::from_utf8(&buffer[..len])?;
    /// assert!(head.starts_with("GET /chat?room=1 HTTP/1.1\r\nHost: example.com:8443\r\n"));
    /// assert!(head.contains("\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
    /// // Send it to `(url.host(), url.port())`, by TLS if `url.is_encrypted()`.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn from_url(url: &Url<'a>, nonce: [u8; 16]) -> Self {
        Self::of_url(url, Upgrade::of(nonce))
    }

    /// Sets how many bytes the head of the answer may have, instead of
    /// [`DEFAULT_MAX_HEAD`](super::DEFAULT_MAX_HEAD). [`handshake`](Self::handshake) keeps to it, and so
    /// does [`WebSocket::connect`](crate::ws::WebSocket::connect).
    #[must_use]
    pub const fn max_head(mut self, bytes: usize) -> Self {
        self.limits.max_head = bytes;
        self
    }

    /// Sets how many headers the answer may have, instead of
    /// [`DEFAULT_MAX_HEADERS`](super::DEFAULT_MAX_HEADERS), likewise.
    #[must_use]
    pub const fn max_headers(mut self, count: usize) -> Self {
        self.limits.max_headers = count;
        self
    }

    /// What reads the answer.
    #[must_use]
    pub fn handshake(&self) -> ClientHandshake<'a> {
        ClientHandshake::of(self)
    }

    encode_methods!();
}

impl<'a, By> ClientRequest<'a, By> {
    pub(super) fn checked(host: &'a str, target: &'a str, by: By) -> Result<Self, Unsendable> {
        if let Some(offset) = not_a_host(host.as_bytes()) {
            return Err(Unsendable::Host { offset });
        }
        if let Some(offset) = not_a_target(target.as_bytes()) {
            return Err(Unsendable::Target { offset });
        }
        Ok(Self::of(host, Target::of(target), by))
    }

    /// A URL has been checked.
    pub(super) fn of_url(url: &Url<'a>, by: By) -> Self {
        let mut request = Self::of(url.host_header(), url.target(), by);
        request.credentials = url.credentials();
        request
    }

    const fn of(host: &'a str, target: Target<'a>, by: By) -> Self {
        Self {
            host,
            target,
            credentials: None,
            origin: None,
            subprotocols: &[],
            requires_subprotocol: true,
            limits: Limits::new(),
            deflate: None,
            headers: &[],
            by,
        }
    }

    /// Sets the origin, which browsers send and other clients need not.
    ///
    /// # Errors
    /// If it is empty, or has other than visible ASCII.
    pub fn origin(mut self, origin: &'a str) -> Result<Self, Unsendable> {
        if let Some(offset) = not_an_origin(origin.as_bytes()) {
            return Err(Unsendable::Origin { offset });
        }
        self.origin = Some(origin);
        Ok(self)
    }

    /// Sets the subprotocols to choose from, the one you like best first. The server must choose one of
    /// them, unless it [need not](Self::require_subprotocol).
    ///
    /// # Errors
    /// If one is no token, or is there twice.
    pub fn subprotocols(mut self, names: &'a [&'a str]) -> Result<Self, Unsendable> {
        check_subprotocols(names)?;
        self.subprotocols = names;
        Ok(self)
    }

    /// Whether a response fails the handshake that chooses none of the
    /// [subprotocols](Self::subprotocols). By default it does, by
    /// [`NoSubprotocol`](super::ResponseError::NoSubprotocol): so it does in browsers, and MQTT demands
    /// it (5.0, section 6). RFC 6455 leaves it open, and some servers forget to answer.
    #[must_use]
    pub const fn require_subprotocol(mut self, require: bool) -> Self {
        self.requires_subprotocol = require;
        self
    }

    /// Offers compression (RFC 7692, 5.1). What the server makes of it is in the
    /// [response](super::Response::deflate_params).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate(mut self, deflate: &'a Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// Sets further headers, such as `Authorization` or `Cookie`. `Authorization` takes the place of a
    /// URL's user and password.
    ///
    /// # Errors
    /// If a name or value cannot be sent, or is for the handshake to write: `Connection`,
    /// `Content-Length`, `Host`, `Origin`, `Transfer-Encoding`, `Upgrade` and `Sec-WebSocket-*`
    /// are.
    pub fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Result<Self, Unsendable> {
        check_headers(headers, &["host", "origin"])?;
        self.headers = headers;
        Ok(self)
    }

    /// The user and password, if they are to be sent.
    pub(super) fn authorization(&self) -> Option<Credentials<'a>> {
        let is = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case("Authorization");
        self.credentials.filter(|_| !self.headers.iter().any(is))
    }
}

impl Encode for ClientRequest<'_> {
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.put(b"GET ")?;
        self.target.pieces().into_iter().try_for_each(|piece| sink.put(piece.as_bytes()))?;
        sink.put(b" HTTP/1.1\r\n")?;
        header(sink, "Host", self.host.as_bytes())?;
        header(sink, "Upgrade", b"websocket")?;
        header(sink, "Connection", b"Upgrade")?;
        header(sink, "Sec-WebSocket-Key", self.by.key())?;
        header(sink, "Sec-WebSocket-Version", b"13")?;
        if let Some(origin) = self.origin {
            header(sink, "Origin", origin.as_bytes())?;
        }
        if let [first, rest @ ..] = self.subprotocols {
            let rest = rest.iter().flat_map(|name| [", ", name]);
            header_in_pieces(sink, "Sec-WebSocket-Protocol", core::iter::once(*first).chain(rest))?;
        }
        if let Some(deflate) = self.deflate {
            header_in_pieces(sink, EXTENSIONS, Offer::of(deflate).pieces())?;
        }
        if let Some(credentials) = self.authorization() {
            header_in_pieces(sink, "Authorization", basic(credentials))?;
        }
        end(sink, self.headers)
    }

    #[cfg(feature = "alloc")]
    fn longest(&self) -> usize {
        self.encoded_len()
    }
}
