//! [`ClientRequest`], a client's request.

#[cfg(feature = "alloc")]
use super::Headers;
use super::basic::basic;
use super::client_handshake::Requested;
use super::deflate::Offer;
use super::head::Limits;
use super::header_list::EXTENSIONS;
use super::lent::{Lent, Text};
use super::subprotocols::Subprotocols;
#[cfg(feature = "alloc")]
use super::unsendable::check_header;
use super::unsendable::{HeaderSlice, check_headers, check_subprotocols, not_an_origin};
use super::write::{encode_methods, end, header, header_in_pieces};
use super::{ClientHandshake, ResponseCheck, Unsendable, Upgrade};
use crate::sink::{Encode, Sink};
use crate::url::{not_a_host, not_a_target};
use crate::ws::deflate::Deflate;
use crate::{Credentials, InvalidUrl, Target, Url};
#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;

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
/// You can write the request any number of times. Read the answer with
/// [`handshake`](Self::handshake).
///
/// The request borrows its parts. With feature `alloc` it can own them too:
/// [`header`](Self::header) copies a header, and [`into_owned`](Self::into_owned) copies everything
/// else, so that a function can return the request:
///
#[cfg_attr(feature = "alloc", doc = "```")]
#[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
/// use eventwire::ws::handshake::{ClientRequest, Unsendable};
///
/// fn request(room: u32, token: &str) -> Result<ClientRequest<'static>, Unsendable> {
///     let url = format!("wss://example.com/chat?room={room}");
///     let request = ClientRequest::from_url(&url, rand::random())?;
///     Ok(request.header("Authorization", format!("Bearer {token}"))?.into_owned())
/// }
///
/// let head = request(7, "abc")?.to_bytes();
/// assert!(head.starts_with(b"GET /chat?room=7 HTTP/1.1\r\nHost: example.com\r\n"));
/// assert!(head.ends_with(b"\r\nAuthorization: Bearer abc\r\n\r\n"));
/// # Ok::<(), Unsendable>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRequest<'a, By = Upgrade> {
    host: Text<'a>,
    target: Text<'a>,
    credentials: Option<Secret<'a>>,
    pub(super) origin: Option<Text<'a>>,
    pub(super) subprotocols: Subprotocols<'a>,
    requires_subprotocol: bool,
    limits: Limits,
    deflate: Option<Lent<'a, Deflate>>,
    pub(super) headers: HeaderSlice<'a>,
    /// Further headers that the request owns, each with its line end.
    #[cfg(feature = "alloc")]
    lines: Vec<u8>,
    pub(super) by: By,
}

/// The user and password of a URL. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
struct Secret<'a>(Text<'a>);

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Credentials::of(&self.0).fmt(f)
    }
}

impl<'a> ClientRequest<'a> {
    /// Creates a request to this host for this target. The host includes the port, unless that is
    /// the default port of the scheme. The target is a path, optionally with a query. A missing
    /// path is written as `/`. To create a request from a URL, use [`from_url`](Self::from_url).
    ///
    /// `nonce` is 16 random bytes, drawn anew for each connection, for example with `rand::random`
    /// or `getrandom::fill`.
    ///
    /// # Errors
    /// If the host or target cannot be sent. A target must begin with a slash or a question mark.
    /// Neither may have spaces, control characters or non-ASCII characters. Percent-encode those,
    /// and write host names in Punycode.
    pub fn new(host: &'a str, target: &'a str, nonce: [u8; 16]) -> Result<Self, Unsendable> {
        Self::checked(host, target, Upgrade::new(nonce))
    }

    /// Creates a request for this URL. The URL's user and password are sent as `Authorization:
    /// Basic`, unless the [`headers`](Self::headers) have an `Authorization` of their own. `http`
    /// and `https` mean `ws` and `wss`, as in browsers.
    ///
    /// The URL is text or a [`Url`], which also tells where to connect to.
    ///
    /// `nonce` is 16 random bytes, as in [`new`](Self::new).
    ///
    /// ```
    /// use eventwire::Url;
    /// use eventwire::ws::handshake::ClientRequest;
    ///
    /// let url = Url::parse("wss://user:secret@example.com:8443/chat?room=1")?;
    /// let request = ClientRequest::from_url(&url, rand::random())?;
    /// let mut buffer = [0; 512];
    /// let len = request.encode(&mut buffer)?;
    /// let head = std::str::from_utf8(&buffer[..len])?;
    /// assert!(head.starts_with("GET /chat?room=1 HTTP/1.1\r\nHost: example.com:8443\r\n"));
    /// assert!(head.contains("\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
    /// // Send it to `(url.host(), url.port())`, by TLS if `url.is_encrypted()`.
    ///
    /// let request = ClientRequest::from_url("ws://localhost:8080/chat", rand::random())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the text is not a URL. A [`Url`] always is one.
    pub fn from_url<U>(url: U, nonce: [u8; 16]) -> Result<Self, InvalidUrl>
    where
        U: TryInto<Url<'a>, Error: Into<InvalidUrl>>,
    {
        let url = url.try_into().map_err(Into::into)?;
        Ok(Self::of_url(&url, Upgrade::new(nonce)))
    }

    /// Sets the maximum size of the answer's head in bytes, instead of
    /// [`DEFAULT_MAX_HEAD`](super::DEFAULT_MAX_HEAD). It applies to [`handshake`](Self::handshake)
    /// and [`response_check`](Self::response_check), and to
    /// [`WebSocket::connect`](crate::ws::WebSocket::connect).
    #[must_use]
    pub const fn max_head(mut self, bytes: usize) -> Self {
        self.limits.max_head = bytes;
        self
    }

    /// Sets the maximum number of headers in the answer, instead of
    /// [`DEFAULT_MAX_HEADERS`](super::DEFAULT_MAX_HEADERS). It applies to the same machines as
    /// [`max_head`](Self::max_head).
    #[must_use]
    pub const fn max_headers(mut self, count: usize) -> Self {
        self.limits.max_headers = count;
        self
    }

    /// Returns the machine that reads the answer.
    #[must_use]
    pub fn handshake(&self) -> ClientHandshake<'a> {
        ClientHandshake::of(self.limits, &self.by, self.requested())
    }

    /// Returns the check of the answer, without the request itself.
    #[must_use]
    pub fn response_check(&self) -> ResponseCheck<'a> {
        ResponseCheck { by: self.by, limits: self.limits, requested: self.requested() }
    }

    /// Returns the key that the request sends.
    #[must_use]
    pub fn key(&self) -> &str {
        self.by.key()
    }

    /// Sets the key, in place of the one from the nonce.
    #[cfg(feature = "http")]
    pub(super) fn set_key(&mut self, key: Upgrade) {
        self.by = key;
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
        Ok(Self::of(Text::Borrowed(host), Target::of(target), by))
    }

    /// Creates a request for a URL, which has been checked.
    pub(super) fn of_url(url: &Url<'a>, by: By) -> Self {
        let mut request = Self::of(Text::Borrowed(url.host_header()), url.target(), by);
        let credentials = url.credentials();
        request.credentials = credentials.map(|it| Secret(Text::Borrowed(it.as_written())));
        request
    }

    const fn of(host: Text<'a>, target: Target<'a>, by: By) -> Self {
        Self {
            host,
            target: Text::Borrowed(target.as_written()),
            credentials: None,
            origin: None,
            subprotocols: Subprotocols::Listed(&[]),
            requires_subprotocol: true,
            limits: Limits::new(),
            deflate: None,
            headers: &[],
            #[cfg(feature = "alloc")]
            lines: Vec::new(),
            by,
        }
    }

    /// Returns the same request to another host, which is copied.
    #[cfg(feature = "http")]
    pub(super) fn set_host(mut self, host: &str) -> Result<Self, Unsendable> {
        if let Some(offset) = not_a_host(host.as_bytes()) {
            return Err(Unsendable::Host { offset });
        }
        self.host = Text::Owned(host.into());
        Ok(self)
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn target(&self) -> Target<'_> {
        Target::of(&self.target)
    }

    pub(super) fn requested(&self) -> Requested<'a> {
        Requested {
            subprotocols: self.subprotocols.clone(),
            requires_subprotocol: self.requires_subprotocol,
            deflate: self.offered_deflate().map(Offer::of),
        }
    }

    /// Returns the compression that the request offers.
    pub(in crate::ws) fn offered_deflate(&self) -> Option<&Deflate> {
        self.deflate.as_deref()
    }

    /// Returns the same request, with everything that it borrows copied.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn into_owned(self) -> ClientRequest<'static, By> {
        let mut lines = Vec::new();
        for (name, value) in self.headers {
            add_line(&mut lines, name, value.as_bytes());
        }
        lines.extend_from_slice(&self.lines);
        ClientRequest {
            host: self.host.into_owned(),
            target: self.target.into_owned(),
            credentials: self.credentials.map(|it| Secret(it.0.into_owned())),
            origin: self.origin.map(Text::into_owned),
            subprotocols: self.subprotocols.into_owned(),
            requires_subprotocol: self.requires_subprotocol,
            limits: self.limits,
            deflate: self.deflate.map(Lent::cloned),
            headers: &[],
            lines,
            by: self.by,
        }
    }

    /// Sets the origin. Browsers send one. Other clients need not.
    ///
    /// # Errors
    /// If the origin is empty or is not visible ASCII.
    pub fn origin(mut self, origin: &'a str) -> Result<Self, Unsendable> {
        if let Some(offset) = not_an_origin(origin.as_bytes()) {
            return Err(Unsendable::Origin { offset });
        }
        self.origin = Some(Text::Borrowed(origin));
        Ok(self)
    }

    /// Sets the subprotocols that the server can choose from, the preferred one first. The server
    /// must choose one of them, unless you [allow it not to](Self::require_subprotocol).
    ///
    /// # Errors
    /// If a name is not a token or is listed twice.
    pub fn subprotocols(mut self, names: &'a [&'a str]) -> Result<Self, Unsendable> {
        check_subprotocols(names)?;
        self.subprotocols = Subprotocols::Listed(names);
        Ok(self)
    }

    /// Sets whether a response that chooses none of the [subprotocols](Self::subprotocols) fails
    /// the handshake. By default it does, with the error
    /// [`NoSubprotocol`](super::ResponseError::NoSubprotocol), as in browsers and as MQTT demands
    /// ([version 5.0](https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html), section 6). RFC
    /// 6455 leaves the choice to the client, and some servers forget to answer.
    #[must_use]
    pub const fn require_subprotocol(mut self, require: bool) -> Self {
        self.requires_subprotocol = require;
        self
    }

    /// Offers compression ([RFC 7692, section
    /// 5.1](https://www.rfc-editor.org/rfc/rfc7692#section-5.1)). The
    /// [response](super::Response::deflate_params) tells what the server agreed to.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: &'a Deflate) -> Self {
        self.deflate = Some(Lent::Borrowed(deflate));
        self
    }

    /// Sets further headers, such as `Authorization` or `Cookie`. An `Authorization` replaces the
    /// user and password of a URL. Headers that were added with [`header`](Self::header) stay.
    ///
    /// # Errors
    /// If a name or value cannot be sent, or if the handshake itself writes the header:
    /// `Connection`, `Content-Length`, `Host`, `Origin`, `Transfer-Encoding`, `Upgrade` and
    /// `Sec-WebSocket-*`.
    pub fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Result<Self, Unsendable> {
        check_headers(headers, &OWN)?;
        self.headers = headers;
        Ok(self)
    }

    /// Adds a header, which is copied. `name` and `value` may be text or types of the `http` crate.
    /// `value` may also be any bytes that are allowed in a header.
    ///
    /// ```
    /// use eventwire::ws::handshake::ClientRequest;
    ///
    /// let token = String::from("abc");
    /// let request = ClientRequest::new("example.com", "/chat", rand::random())?
    ///     .header("Authorization", format!("Bearer {token}"))?
    ///     .header("X-Name", b"gr\xFCn")?; // Latin-1
    /// assert!(request.to_bytes().ends_with(b"\r\nX-Name: gr\xFCn\r\n\r\n"));
    /// # Ok::<(), eventwire::ws::handshake::Unsendable>(())
    /// ```
    ///
    /// # Errors
    /// As [`headers`](Self::headers), with index 0.
    #[cfg(feature = "alloc")]
    pub fn header(
        mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, Unsendable> {
        self.add_header(0, name.as_ref(), value.as_ref())?;
        Ok(self)
    }

    #[cfg(feature = "alloc")]
    pub(super) fn add_header(
        &mut self,
        index: usize,
        name: &str,
        value: &[u8],
    ) -> Result<(), Unsendable> {
        check_header(index, name, value, &OWN)?;
        add_line(&mut self.lines, name, value);
        Ok(())
    }

    /// Returns all further headers.
    pub(super) fn further_headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        #[cfg(feature = "alloc")]
        let headers = headers.chain(Headers::of_lines(&self.lines));
        headers
    }

    /// Returns the user and password, if the request sends them.
    pub(super) fn authorization(&self) -> Option<Credentials<'_>> {
        let is = |(name, _): (&str, _)| name.eq_ignore_ascii_case("Authorization");
        let credentials = self.credentials.as_ref().filter(|_| !self.further_headers().any(is))?;
        Some(Credentials::of(&credentials.0))
    }
}

#[cfg(feature = "alloc")]
fn add_line(lines: &mut Vec<u8>, name: &str, value: &[u8]) {
    for piece in [name.as_bytes(), b": ", value, b"\r\n"] {
        lines.extend_from_slice(piece);
    }
}

/// The headers that only this request reserves, besides those that no head may have.
const OWN: [&str; 2] = ["host", "origin"];

impl Encode for ClientRequest<'_> {
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.put(b"GET ")?;
        self.target().pieces().into_iter().try_for_each(|piece| sink.put(piece.as_bytes()))?;
        sink.put(b" HTTP/1.1\r\n")?;
        header(sink, "Host", self.host().as_bytes())?;
        header(sink, "Upgrade", b"websocket")?;
        header(sink, "Connection", b"Upgrade")?;
        header(sink, "Sec-WebSocket-Key", self.by.key().as_bytes())?;
        header(sink, "Sec-WebSocket-Version", b"13")?;
        if let Some(origin) = &self.origin {
            header(sink, "Origin", origin.as_bytes())?;
        }
        if !self.subprotocols.is_empty() {
            header_in_pieces(sink, "Sec-WebSocket-Protocol", self.subprotocols.pieces())?;
        }
        if let Some(deflate) = self.offered_deflate() {
            header_in_pieces(sink, EXTENSIONS, Offer::of(deflate).pieces())?;
        }
        if let Some(credentials) = self.authorization() {
            header_in_pieces(sink, "Authorization", basic(credentials))?;
        }
        for (name, value) in self.further_headers() {
            header(sink, name, value)?;
        }
        end(sink, &[])
    }

    #[cfg(feature = "alloc")]
    fn longest(&self) -> usize {
        self.encoded_len()
    }
}
