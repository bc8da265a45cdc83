//! [`ServerHandshake`], which reads a [`Request`], and [`Acceptance`], the answer to it.

use super::fields::{Fields, Headers};
use super::head::{HeadFinder, check_lines, first_line};
use super::header_list::{EXTENSIONS, Extension};
use super::unsendable::{HeaderSlice, check_headers, not_an_origin};
use super::write::{encode_methods, end, header, header_in_pieces};
use super::{RequestError, Unsendable, Upgrade};
use crate::number::number;
use crate::sink::{Encode, Sink};
use crate::token::token;
use crate::url::{not_a_host, not_a_target};
use crate::ws::deflate::DeflateParams;
use crate::{Target, Url};
use httparse::Error;

/// Reads a client's request as it arrives.
///
/// ```
/// use eventwire::ws::handshake::{Rejection, ServerHandshake};
/// use std::io::{Read, Write};
///
/// /// Returns what was received, and where in it the first frame begins.
/// fn accept(mut stream: impl Read + Write) -> std::io::Result<(Vec<u8>, usize)> {
///     let mut handshake = ServerHandshake::new().max_head(8192);
///     let (mut input, mut output) = (Vec::new(), [0; 1024]);
///     loop {
///         let (len, frames) = match handshake.decode(&input) {
///             Ok(None) => {
///                 let mut chunk = [0; 2048];
///                 match stream.read(&mut chunk)? {
///                     0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
///                     len => input.extend_from_slice(&chunk[..len]),
///                 }
///                 continue;
///             }
///             Ok(Some(request)) if request.origin() == Some("https://example.com") => {
///                 (request.accept().encode(&mut output), Some(request.head_len()))
///             }
///             Ok(Some(_)) => {
///                 let rejection = Rejection::new(403).map_err(std::io::Error::other)?;
///                 (rejection.encode(&mut output), None)
///             }
///             Err(error) => (error.rejection().encode(&mut output), None),
///         };
///         stream.write_all(&output[..len.map_err(std::io::Error::other)?])?;
///         return match frames {
///             Some(at) => Ok((input, at)),
///             None => Err(std::io::ErrorKind::ConnectionRefused.into()),
///         };
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ServerHandshake {
    head: HeadFinder,
    failed: Option<RequestError>,
}

impl ServerHandshake {
    /// Creates a machine that waits for a request.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: HeadFinder::of_request(), failed: None }
    }

    /// Sets the maximum size of the head in bytes, including empty lines before it, instead of
    /// [`DEFAULT_MAX_HEAD`](super::DEFAULT_MAX_HEAD).
    #[must_use]
    pub const fn max_head(mut self, bytes: usize) -> Self {
        self.head.limits.max_head = bytes;
        self
    }

    /// Sets the maximum number of headers in the head, instead of
    /// [`DEFAULT_MAX_HEADERS`](super::DEFAULT_MAX_HEADERS).
    #[must_use]
    pub const fn max_headers(mut self, count: usize) -> Self {
        self.head.limits.max_headers = count;
        self
    }

    /// Looks for a complete request in everything received so far, from the start.
    ///
    /// After `None`, append to the input and call again.
    ///
    /// # Errors
    /// If this is not a request that opens a WebSocket. Later calls repeat this error. Also, as
    /// misuse, if the input is shorter than before.
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Option<Request<'a>>, RequestError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let found = self.find(input);
        self.failed =
            found.err().filter(|error| !matches!(error, RequestError::InputShrunk { .. }));
        found
    }

    fn find<'a>(&mut self, input: &'a [u8]) -> Result<Option<Request<'a>>, RequestError> {
        let Some(head) = self.head.find(input)? else { return Ok(None) };
        let start = head.start;
        match parse(&input[head], self.head.limits.max_headers) {
            Ok(request) => Ok(Some(request.behind(start))),
            Err(error) => Err(error.behind(start)),
        }
    }
}

impl Default for ServerHandshake {
    fn default() -> Self {
        Self::new()
    }
}

fn parse(head: &[u8], max_headers: usize) -> Result<Request<'_>, RequestError> {
    let line = first_line(head);
    let mut parsed = httparse::Request::new(&mut []);
    let target = match parsed.parse(line) {
        Ok(_) if parsed.version != Some(1) => return Err(RequestError::HttpVersion),
        Ok(_) if parsed.method != Some("GET") => return Err(RequestError::Method),
        Ok(_) => parsed.path.unwrap_or_default(),
        Err(Error::Version) if names_a_version(line) => return Err(RequestError::HttpVersion),
        Err(_) => return Err(RequestError::Malformed { offset: 0 }),
    };
    let (host, target) = host_and_target(target)?;
    check_lines(head, max_headers)?;
    Request::by_upgrade(target, host, Fields::Head(head), head.len())
}

/// Returns whether the first line is that of a request, of any version.
fn names_a_version(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r\n").unwrap_or(line);
    let mut words = line.split(|&byte| byte == b' ').skip(2);
    let version = words.next().unwrap_or_default();
    let digits = version.strip_prefix(b"HTTP/");
    words.next().is_none()
        && matches!(digits, Some([major, b'.', minor])
            if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// Splits a target that is a URI into its host and the rest. A target that is a path and query has
/// no host ([RFC 9112, section 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2)).
fn host_and_target(target: &str) -> Result<(Option<&str>, &str), RequestError> {
    if target.starts_with('/') {
        let is_target = not_a_target(target.as_bytes()).is_none();
        return is_target.then_some((None, target)).ok_or(RequestError::Target);
    }
    match Url::parse(target) {
        Ok(url) if !url.has_user_info() && !target.as_bytes().contains(&b'#') => {
            Ok((Some(url.authority()), url.target().as_written()))
        }
        _ => Err(RequestError::Target),
    }
}

/// A request that opens a WebSocket. Everything that the protocol demands of it has been checked.
///
/// You decide whether to accept its [`target`](Self::target), [`host`](Self::host) and
/// [`origin`](Self::origin).
///
/// `By` says how the request came: by HTTP/1.1's [`Upgrade`], or by extended CONNECT (feature
/// `http`).
#[derive(Clone, Copy, Debug)]
pub struct Request<'a, By = Upgrade> {
    pub(super) target: &'a str,
    pub(super) host: &'a str,
    pub(super) origin: Option<&'a str>,
    pub(super) fields: Fields<'a>,
    pub(super) head_len: usize,
    pub(super) by: By,
}

impl<'a> Request<'a> {
    /// Checks the headers of an upgrade ([RFC 6455, section
    /// 4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1)). The host in a target replaces
    /// the one in `Host`, but `Host` is still required ([RFC 9112, section
    /// 3.2.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2)).
    pub(super) fn by_upgrade(
        target: &'a str,
        own_host: Option<&'a str>,
        fields: Fields<'a>,
        head_len: usize,
    ) -> Result<Self, RequestError> {
        let header_host = host(fields)?.ok_or(RequestError::Host)?;
        if !fields.list_has("Upgrade", "websocket") {
            return Err(RequestError::NotAnUpgrade);
        }
        if !fields.list_has("Connection", "upgrade") {
            return Err(RequestError::Connection);
        }
        check_version(fields)?;
        let key = single(fields, "Sec-WebSocket-Key")?;
        let by = key.and_then(Upgrade::parse).ok_or(RequestError::Key)?;
        Self::checked(target, own_host.unwrap_or(header_host), fields, head_len, by)
    }

    /// Accepts the request. By itself, this chooses no [subprotocol](Acceptance::subprotocol).
    pub const fn accept(self) -> Acceptance<'a> {
        Acceptance::new(self)
    }
}

impl<'a, By> Request<'a, By> {
    /// Returns the same request, with its head after `start` bytes of empty lines.
    fn behind(mut self, start: usize) -> Self {
        self.head_len += start;
        self
    }

    /// Checks the headers that matter in every version of HTTP.
    pub(super) fn checked(
        target: &'a str,
        host: &'a str,
        fields: Fields<'a>,
        head_len: usize,
        by: By,
    ) -> Result<Self, RequestError> {
        if fields.all("Content-Length").any(|len| number(len) != Some(0))
            || fields.first("Transfer-Encoding").is_some()
        {
            return Err(RequestError::Body);
        }
        let origin = match single(fields, "Origin")? {
            Some(value) if not_an_origin(value).is_some() => return Err(RequestError::Origin),
            value => value.and_then(text),
        };
        // Clients must not repeat a subprotocol (RFC 6455, 4.1), but a repeated one is no reason
        // for a server to refuse (4.2.1).
        let mut subprotocols = fields.list("Sec-WebSocket-Protocol");
        if subprotocols.any(|it| token(it).is_none())
            || fields.is_empty_list("Sec-WebSocket-Protocol")
        {
            return Err(RequestError::Subprotocols);
        }
        let mut extensions = fields.list(EXTENSIONS);
        if extensions.any(|it| Extension::parse(it).is_none()) || fields.is_empty_list(EXTENSIONS) {
            return Err(RequestError::Extensions);
        }
        Ok(Self { target, host, origin, fields, head_len, by })
    }

    /// Returns the target: a path and an optional query. If the client sent a URI, as to a proxy,
    /// this is the URI's path and query. If that URI has no path, the target begins with `?` or is
    /// `/`. Choose what to serve by [`path`](Self::path), which is `/` in both cases.
    #[must_use]
    pub const fn target(&self) -> &'a str {
        self.target
    }

    /// Returns the path of the target, as the client wrote it. It begins with a slash.
    #[must_use]
    pub fn path(&self) -> &'a str {
        Target::of(self.target).path()
    }

    /// Returns the query of the target, without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        Target::of(self.target).query()
    }

    /// Returns the host that the client asks for, with its port if the client wrote one.
    #[must_use]
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// Returns the origin of the page that opens the WebSocket, if a browser does ([RFC
    /// 6454](https://www.rfc-editor.org/rfc/rfc6454)).
    ///
    /// Browsers let any page connect to any server, and send that server's cookies. So a server
    /// that is meant for pages must check the origin.
    #[must_use]
    pub const fn origin(&self) -> Option<&'a str> {
        self.origin
    }

    /// Returns whether the page that opens the WebSocket is of the same host and port as this
    /// server, by the `Host` of the request. Also returns `true` if there is no page: programs other
    /// than browsers send no [`origin`](Self::origin), or any.
    ///
    /// ```
    /// use eventwire::ws::handshake::Request;
    ///
    /// /// Decides whether to accept a request that pages of this server send.
    /// fn is_allowed(request: &Request<'_>) -> bool {
    ///     request.path() == "/chat" && request.is_same_origin()
    /// }
    /// ```
    #[must_use]
    pub fn is_same_origin(&self) -> bool {
        self.origin.is_none_or(|origin| {
            let host = origin.split_once("://").map(|(_scheme, host)| host);
            host.is_some_and(|host| host.eq_ignore_ascii_case(self.host))
        })
    }

    /// Returns the subprotocols that the client offers, the preferred one first, including repeated
    /// ones.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> + use<'a, By> {
        self.fields.list("Sec-WebSocket-Protocol").filter_map(token)
    }

    /// Returns the first of `supported` that the client offers. A browser that offered subprotocols
    /// fails the connection if none is chosen.
    #[must_use]
    pub fn select_subprotocol(&self, supported: &[&str]) -> Option<&'a str> {
        supported.iter().find_map(|name| self.subprotocols().find(|it| it == name))
    }

    /// Returns the extensions that the client offers, the preferred one first.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + use<'a, By> {
        self.fields.list(EXTENSIONS).filter_map(Extension::parse)
    }

    /// Returns the value of the first header with this name, compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.first(name)
    }

    /// Returns all headers.
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        self.fields.headers()
    }

    /// Returns how many bytes of the input the request takes. WebSocket frames follow. 0 if the
    /// request came as `http::Request`.
    #[must_use]
    pub const fn head_len(&self) -> usize {
        self.head_len
    }
}

/// Returns the value of `Host`, which it checks.
pub(super) fn host(fields: Fields<'_>) -> Result<Option<&str>, RequestError> {
    match single(fields, "Host")? {
        Some(value) if not_a_host(value).is_some() => Err(RequestError::Host),
        value => Ok(value.and_then(text)),
    }
}

/// Checks the version of the WebSocket protocol (RFC 6455, sections
/// [4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1) and
/// [4.4](https://www.rfc-editor.org/rfc/rfc6455#section-4.4)).
pub(super) fn check_version(fields: Fields<'_>) -> Result<(), RequestError> {
    match single(fields, "Sec-WebSocket-Version")? {
        Some(b"13") => Ok(()),
        _ => Err(RequestError::WebSocketVersion),
    }
}

pub(super) fn single<'a>(
    fields: Fields<'a>,
    header: &'static str,
) -> Result<Option<&'a [u8]>, RequestError> {
    fields.single(header).map_err(|_| RequestError::Repeated { header })
}

fn text(value: &[u8]) -> Option<&str> {
    str::from_utf8(value).ok()
}

/// The answer that opens the WebSocket, from [`Request::accept`]. Frames may follow it at once.
///
/// ```
/// # use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
/// # let mut input = [0; 512];
/// # let len = ClientRequest::new("example.com", "/", *b"the sample nonce")?.encode(&mut input)?;
/// # let mut server = ServerHandshake::new();
/// # let request = server.decode(&input[..len])?.expect("a whole request");
/// let cookie = [("Set-Cookie", "seen=1")];
/// let mut buffer = [0; 256];
/// let len = request.accept().headers(&cookie)?.encode(&mut buffer)?;
/// assert_eq!(
///     std::str::from_utf8(&buffer[..len])?,
///     "HTTP/1.1 101 Switching Protocols\r\n\
///      Upgrade: websocket\r\n\
///      Connection: Upgrade\r\n\
///      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
///      Set-Cookie: seen=1\r\n\r\n",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "the client waits for an answer"]
pub struct Acceptance<'a, By = Upgrade> {
    request: Request<'a, By>,
    subprotocol: Option<&'a str>,
    deflate: Option<DeflateParams>,
    headers: HeaderSlice<'a>,
}

impl<'a, By> Acceptance<'a, By> {
    pub(super) const fn new(request: Request<'a, By>) -> Self {
        Self { request, subprotocol: None, deflate: None, headers: &[] }
    }

    /// Chooses a subprotocol. A client that offers subprotocols expects one: browsers fail the
    /// connection if none is chosen.
    ///
    /// # Errors
    /// If the client did not offer it.
    pub fn subprotocol(mut self, name: &str) -> Result<Self, Unsendable> {
        let offered = self.request.select_subprotocol(&[name]);
        self.subprotocol = Some(offered.ok_or(Unsendable::NotOffered)?);
        Ok(self)
    }

    /// Agrees on compression by the client's first offer that can be accepted, if there is one
    /// ([RFC 7692, section 5.1](https://www.rfc-editor.org/rfc/rfc7692#section-5.1)). Then pass
    /// [what was agreed on](Self::deflate_params) to the connection, for example with
    /// [`WebSocket::deflate`](crate::ws::WebSocket::deflate).
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: &crate::ws::Deflate) -> Self {
        self.deflate = super::deflate::accept(deflate, self.request.extensions());
        self
    }

    #[cfg(feature = "http")]
    pub(super) const fn agreed(&self) -> Option<DeflateParams> {
        self.deflate
    }

    /// Returns the compression that was agreed on, if any.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate_params(&self) -> Option<DeflateParams> {
        self.deflate
    }

    /// Sets further headers.
    ///
    /// # Errors
    /// If a name or value cannot be sent, or if the handshake itself writes the header:
    /// `Connection`, `Content-Length`, `Transfer-Encoding`, `Upgrade` and `Sec-WebSocket-*`.
    pub fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Result<Self, Unsendable> {
        check_headers(headers, &[])?;
        self.headers = headers;
        Ok(self)
    }

    /// Returns the header for the chosen subprotocol.
    pub(super) fn choice(&self) -> Option<(&'a str, &'a str)> {
        self.subprotocol.map(|name| ("Sec-WebSocket-Protocol", name))
    }

    #[cfg(feature = "http")]
    pub(super) const fn parts(&self) -> (&By, HeaderSlice<'a>) {
        (&self.request.by, self.headers)
    }
}

impl Acceptance<'_> {
    encode_methods!();
}

impl Encode for Acceptance<'_> {
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.put(b"HTTP/1.1 101 Switching Protocols\r\n")?;
        header(sink, "Upgrade", b"websocket")?;
        header(sink, "Connection", b"Upgrade")?;
        header(sink, "Sec-WebSocket-Accept", &self.request.by.accept())?;
        if let Some((name, value)) = self.choice() {
            header(sink, name, value.as_bytes())?;
        }
        if let Some(params) = self.deflate {
            header_in_pieces(sink, EXTENSIONS, params.pieces(false))?;
        }
        end(sink, self.headers)
    }

    #[cfg(feature = "alloc")]
    fn longest(&self) -> usize {
        self.encoded_len()
    }
}
