//! The handshake with the types of the `http` crate, and extended CONNECT, which needs them.

use super::deflate::Offer;
use super::fields::Fields;
use super::header_list;
use super::lent::Text;
use super::server_handshake::{self, check_version};
use super::subprotocols::Subprotocols;
use super::unsendable::{check_subprotocol, not_an_origin};
use super::{
    Acceptance, ClientRequest, Rejection, Request, RequestError, Response, ResponseCheck,
    ResponseError, Unsendable, Upgrade,
};
use crate::url::{is_scheme, not_a_host};
use crate::{InvalidUrl, Url};
use ::http::header::{
    ALLOW, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use ::http::uri::{Authority, PathAndQuery, Scheme};
use ::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, request, response};
use alloc::string::{String, ToString};

/// A handshake by extended CONNECT, over HTTP/2 ([RFC
/// 8441](https://www.rfc-editor.org/rfc/rfc8441)) or HTTP/3 ([RFC
/// 9220](https://www.rfc-editor.org/rfc/rfc9220)). It has no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect(());

/// Returns whether a request asks for a WebSocket: its `Upgrade` lists `websocket`.
///
/// A server that also serves other requests for the same target calls this first. The errors of
/// [`Request::from_http`] then say what is wrong with a request that does ask for a WebSocket.
///
/// ```
/// use eventwire::ws::handshake::{Request, is_upgrade};
///
/// /// Returns the answer to a request for a WebSocket, or to any other.
/// fn answer<B>(request: &http::Request<B>) -> http::Result<http::Response<&'static str>> {
///     if !is_upgrade(request.headers()) {
///         return Ok(http::Response::new("the page"));
///     }
///     match Request::from_http(request) {
///         Ok(checked) => Ok(checked.accept().to_http()?.map(|()| "")),
///         Err(error) => error.rejection().to_http(request.version()),
///     }
/// }
///
/// assert_eq!(answer(&http::Request::new(()))?.status(), 200);
/// let broken = http::Request::get("/").header("upgrade", "websocket").body(())?;
/// assert_eq!(answer(&broken)?.status(), 400); // it has no `Host`
/// # Ok::<(), http::Error>(())
/// ```
///
/// A request by extended CONNECT has no such header. Its `:protocol` is `websocket` instead.
#[must_use]
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    Fields::Map(headers).list_has("Upgrade", "websocket")
}

impl<'a> Request<'a> {
    /// Checks a request that an HTTP/1.1 server has read. The server keeps the bytes after its
    /// head, as hyper does.
    ///
    /// ```
    /// use eventwire::ws::handshake::Request;
    ///
    /// /// Returns the answer. After a 101 was sent, await the upgrade of `request`.
    /// fn answer<B>(request: &http::Request<B>) -> http::Result<http::Response<&'static str>> {
    ///     match Request::from_http(request) {
    ///         Ok(checked) => Ok(checked.accept().to_http()?.map(|()| "")),
    ///         Err(error) => error.rejection().to_http(request.version()),
    ///     }
    /// }
    ///
    /// let request = http::Request::get("/chat")
    ///     .header("host", "example.com")
    ///     .header("connection", "keep-alive, Upgrade")
    ///     .header("upgrade", "websocket")
    ///     .header("sec-websocket-version", "13")
    ///     .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    ///     .body(())?;
    /// let response = answer(&request)?;
    /// assert_eq!(response.status(), 101);
    /// assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    /// # Ok::<(), http::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the request does not open a WebSocket.
    pub fn from_http<B>(request: &'a ::http::Request<B>) -> Result<Self, RequestError> {
        Self::of_http(request.version(), request.method(), request.uri(), request.headers())
    }

    /// Checks the parts of a request, such as extractors have, as [`from_http`](Self::from_http)
    /// does.
    ///
    /// ```
    /// use eventwire::ws::handshake::{ClientRequest, Request};
    ///
    /// let sent = ClientRequest::from_url("ws://example.com/chat", rand::random())?;
    /// let (parts, _body) = sent.to_http()?.into_parts();
    /// let request = Request::from_parts(&parts)?;
    /// assert_eq!(request.path(), "/chat");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_http`](Self::from_http).
    pub fn from_parts(parts: &'a request::Parts) -> Result<Self, RequestError> {
        Self::of_http(parts.version, &parts.method, &parts.uri, &parts.headers)
    }

    fn of_http(
        version: Version,
        method: &Method,
        uri: &'a Uri,
        headers: &'a HeaderMap,
    ) -> Result<Self, RequestError> {
        if version != Version::HTTP_11 {
            return Err(RequestError::HttpVersion);
        }
        if method != Method::GET {
            return Err(RequestError::Method);
        }
        let (host, target) = host_and_target(uri)?;
        Self::by_upgrade(target, host, Fields::Map(headers), 0)
    }
}

impl<'a> Request<'a, Connect> {
    /// Checks a request by extended CONNECT. `protocol` is the value of its `:protocol`, from the
    /// HTTP library. In hyper it is an extension of type `hyper::ext::Protocol`.
    ///
    /// # Errors
    /// If the request does not open a WebSocket.
    pub fn from_connect<B>(
        request: &'a ::http::Request<B>,
        protocol: &str,
    ) -> Result<Self, RequestError> {
        let (version, method) = (request.version(), request.method());
        Self::of_connect(version, method, request.uri(), request.headers(), protocol)
    }

    /// Checks the parts of a request, such as extractors have, as
    /// [`from_connect`](Self::from_connect) does.
    ///
    /// # Errors
    /// As [`from_connect`](Self::from_connect).
    pub fn from_connect_parts(
        parts: &'a request::Parts,
        protocol: &str,
    ) -> Result<Self, RequestError> {
        Self::of_connect(parts.version, &parts.method, &parts.uri, &parts.headers, protocol)
    }

    fn of_connect(
        version: Version,
        method: &Method,
        uri: &'a Uri,
        headers: &'a HeaderMap,
        protocol: &str,
    ) -> Result<Self, RequestError> {
        if version < Version::HTTP_2 {
            return Err(RequestError::HttpVersion);
        }
        if method != Method::CONNECT {
            return Err(RequestError::Method);
        }
        if protocol != "websocket" {
            return Err(RequestError::Protocol);
        }
        let fields = Fields::Map(headers);
        let (host, target) = host_and_target(uri)?;
        // Without an `:authority`, the host is in `Host` (RFC 9114, 4.3.1).
        let host = match host {
            Some(host) => host,
            None => server_handshake::host(fields)?.ok_or(RequestError::Host)?,
        };
        check_version(fields)?;
        Self::checked(target, host, fields, 0, Connect(()))
    }

    /// Accepts the request. By itself, this chooses no subprotocol.
    pub const fn accept(self) -> Acceptance<'a, Connect> {
        Acceptance::new(self)
    }
}

fn host_and_target(uri: &Uri) -> Result<(Option<&str>, &str), RequestError> {
    let host = uri.authority().map(Authority::as_str);
    let target = uri.path_and_query().map_or("", PathAndQuery::as_str);
    if host.is_some_and(|host| not_a_host(host.as_bytes()).is_some())
        || uri.scheme_str().is_some_and(|scheme| !is_scheme(scheme))
        || !(target.starts_with('/') || target.starts_with('?'))
    {
        return Err(RequestError::Target);
    }
    Ok((host, target))
}

impl Acceptance<'_> {
    /// Returns the response, with status 101.
    ///
    /// # Errors
    /// If the `http` crate refuses the headers. It limits their number and size.
    pub fn to_http(&self) -> ::http::Result<::http::Response<()>> {
        let (by, _) = self.parts();
        let response = ::http::Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "Upgrade")
            .header(SEC_WEBSOCKET_ACCEPT, &by.accept()[..]);
        self.finish(response)
    }
}

impl Acceptance<'_, Connect> {
    /// Returns the response, with status 200. Its version is HTTP/2. In HTTP/3 the response is the
    /// same.
    ///
    /// # Errors
    /// If the `http` crate refuses the headers. It limits their number and size.
    pub fn to_http(&self) -> ::http::Result<::http::Response<()>> {
        self.finish(::http::Response::builder().version(Version::HTTP_2))
    }
}

impl<By> Acceptance<'_, By> {
    fn finish(
        &self,
        mut response: ::http::response::Builder,
    ) -> ::http::Result<::http::Response<()>> {
        let (_, headers) = self.parts();
        for (name, value) in self.choice().into_iter().chain(headers.iter().copied()) {
            response = response.header(name, value.as_bytes());
        }
        if let Some(params) = self.agreed() {
            let value: String = params.pieces(false).collect();
            response = response.header(SEC_WEBSOCKET_EXTENSIONS, value);
        }
        response.body(())
    }
}

impl<'a> Rejection<'a> {
    /// Returns the response to a request of this version. The HTTP library sets its length, and
    /// decides whether the connection closes.
    ///
    /// From HTTP/2 on there is no upgrade, so 426 becomes 400.
    ///
    /// # Errors
    /// If the `http` crate refuses the headers. It limits their number and size.
    pub fn to_http(&self, version: Version) -> ::http::Result<::http::Response<&'a str>> {
        let (body, headers) = self.parts();
        let by_upgrade = version < Version::HTTP_2;
        let mut response = ::http::Response::builder().version(version).status(self.status());
        match self.status() {
            405 => response = response.header(ALLOW, if by_upgrade { "GET" } else { "CONNECT" }),
            426 => {
                response = response.header(SEC_WEBSOCKET_VERSION, "13");
                response = if by_upgrade {
                    response.header(UPGRADE, "websocket").header(CONNECTION, "Upgrade")
                } else {
                    response.status(StatusCode::BAD_REQUEST)
                };
            }
            _ => {}
        }
        if let Some(content_type) = self.content_type() {
            response = response.header(CONTENT_TYPE, content_type);
        }
        for (name, value) in headers {
            response = response.header(*name, value.as_bytes());
        }
        response.body(body)
    }
}

impl ClientRequest<'static> {
    /// Creates a request from a request of the `http` crate, which is copied.
    ///
    /// * The target is that of the URI. The host is that of the header `Host`, even if the URI has
    ///   another one. Without that header, it is the URI's host.
    /// * `Origin`, `Sec-WebSocket-Protocol` and all further headers are sent. Values may be any
    ///   bytes.
    /// * `Sec-WebSocket-Key`, if it is there, replaces `nonce`.
    /// * `Upgrade`, `Connection` and `Sec-WebSocket-Version: 13` are always written, so they may be
    ///   absent.
    ///
    /// ```
    /// use eventwire::ws::handshake::ClientRequest;
    ///
    /// let request = http::Request::get("wss://example.com/chat")
    ///     .header("sec-websocket-protocol", "chat, superchat")
    ///     .header("authorization", "Bearer abc")
    ///     .body(())?;
    /// let request = ClientRequest::from_http(&request, rand::random())?;
    /// let head = request.to_bytes();
    /// assert!(head.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
    /// assert!(head.ends_with(
    ///     b"\r\nSec-WebSocket-Protocol: chat, superchat\r\nauthorization: Bearer abc\r\n\r\n"
    /// ));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the method is not GET, if the URI or a header cannot be sent, or if `Host`, `Origin` or
    /// `Sec-WebSocket-Key` is repeated. A header cannot ask for an extension: use
    /// [`deflate`](ClientRequest::deflate). A header cannot describe a body, because there is none.
    pub fn from_http<B>(request: &::http::Request<B>, nonce: [u8; 16]) -> Result<Self, Unsendable> {
        if request.method() != Method::GET {
            return Err(Unsendable::Method);
        }
        let (uri, headers) = (request.uri(), request.headers());
        for header in ["Host", "Origin", "Sec-WebSocket-Key"] {
            let single = Fields::Map(headers).single(header);
            single.map_err(|_| Unsendable::RepeatedHeader { header })?;
        }
        let host = headers.get(HOST).map(HeaderValue::as_bytes);
        let host = host.map(|host| str::from_utf8(host).map_err(|error| error.valid_up_to()));
        let host = host.transpose().map_err(|offset| Unsendable::Host { offset })?;
        let mut made = if uri.authority().is_some() {
            let url = uri.to_string();
            let made = ClientRequest::from_url(&url, nonce)?.into_owned();
            match host {
                Some(host) => made.set_host(host)?,
                None => made,
            }
        } else {
            let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
            ClientRequest::new(host.unwrap_or_default(), target, nonce)?.into_owned()
        };
        let mut names = String::new();
        for (index, (name, value)) in headers.iter().enumerate() {
            let bytes = value.as_bytes();
            match *name {
                HOST | UPGRADE | CONNECTION => {}
                SEC_WEBSOCKET_VERSION if bytes == b"13" => {}
                SEC_WEBSOCKET_KEY => {
                    made.set_key(Upgrade::from_key(bytes).ok_or(Unsendable::Key)?);
                }
                SEC_WEBSOCKET_PROTOCOL => {
                    for name in header_list::elements(bytes).filter(|name| !name.is_empty()) {
                        let name = String::from_utf8_lossy(name);
                        let index = names.split(',').filter(|it| !it.is_empty()).count();
                        check_subprotocol(index, &name)?;
                        if names.split(',').any(|it| it == name) {
                            return Err(Unsendable::RepeatedSubprotocol { index });
                        }
                        let comma = if names.is_empty() { "" } else { "," };
                        names.extend([comma, &name]);
                    }
                }
                ORIGIN => {
                    if let Some(offset) = not_an_origin(bytes) {
                        return Err(Unsendable::Origin { offset });
                    }
                    let origin = String::from_utf8_lossy(bytes).into_owned();
                    made.origin = Some(Text::Owned(origin.into()));
                }
                _ => made.add_header(index, name.as_str(), header_list::trim(bytes))?,
            }
        }
        made.subprotocols = Subprotocols::Joined(names.into());
        Ok(made)
    }
}

impl ClientRequest<'_> {
    /// Returns the request, for an HTTP/1.1 connection: its URI is only the target.
    ///
    /// # Errors
    /// If the `http` crate refuses the target or headers. It allows fewer characters, and limits
    /// number and size.
    ///
    /// ```
    /// use eventwire::ws::handshake::{ClientRequest, Request};
    ///
    /// let request = ClientRequest::new("example.com", "/chat", rand::random())?;
    /// let sent = request.to_http()?;
    /// let response = Request::from_http(&sent)?.accept().to_http()?;
    /// assert_eq!(request.verify(&response)?.subprotocol(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_http(&self) -> ::http::Result<::http::Request<()>> {
        let request = ::http::Request::get(self.target().to_string())
            .header(HOST, self.host())
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "Upgrade")
            .header(SEC_WEBSOCKET_KEY, self.by.key());
        self.finish(request)
    }

    /// Checks the response that an HTTP/1.1 client has read.
    ///
    /// # Errors
    /// If the server did not open the WebSocket as requested.
    pub fn verify<'b, B>(
        &self,
        response: &'b ::http::Response<B>,
    ) -> Result<Response<'b>, ResponseError> {
        self.response_check().verify(response)
    }
}

impl ResponseCheck<'_> {
    /// Checks the response that an HTTP/1.1 client has read.
    ///
    /// # Errors
    /// If the server did not open the WebSocket as requested.
    pub fn verify<'b, B>(
        &self,
        response: &'b ::http::Response<B>,
    ) -> Result<Response<'b>, ResponseError> {
        self.of_http(response.status(), response.version(), response.headers())
    }

    /// Checks the parts of a response, as [`verify`](Self::verify) does.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_parts<'b>(
        &self,
        parts: &'b response::Parts,
    ) -> Result<Response<'b>, ResponseError> {
        self.of_http(parts.status, parts.version, &parts.headers)
    }

    fn of_http<'b>(
        &self,
        status: StatusCode,
        version: Version,
        headers: &'b HeaderMap,
    ) -> Result<Response<'b>, ResponseError> {
        match status {
            StatusCode::SWITCHING_PROTOCOLS if version != Version::HTTP_11 => {
                Err(ResponseError::HttpVersion)
            }
            StatusCode::SWITCHING_PROTOCOLS => {
                self.requested.by_upgrade(&self.by.accept(), Fields::Map(headers), 0)
            }
            status => Err(ResponseError::Status { status: status.as_u16(), head_len: 0 }),
        }
    }
}

impl<'a> ClientRequest<'a, Connect> {
    /// Creates a request by extended CONNECT. Send it only if the server allows this by
    /// `SETTINGS_ENABLE_CONNECT_PROTOCOL`.
    ///
    /// # Errors
    /// As [`new`](ClientRequest::new).
    ///
    /// ```
    /// use eventwire::ws::handshake::{ClientRequest, Request};
    ///
    /// let request = ClientRequest::connect("example.com", "/chat")?.subprotocols(&["chat"])?;
    /// let sent = request.to_http(http::uri::Scheme::HTTPS)?;
    /// let accepted = Request::from_connect(&sent, "websocket")?.accept().subprotocol("chat")?;
    /// assert_eq!(request.verify(&accepted.to_http()?)?.subprotocol(), Some("chat"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect(host: &'a str, target: &'a str) -> Result<Self, Unsendable> {
        Self::checked(host, target, Connect(()))
    }

    /// Creates a request by extended CONNECT for this URL. See
    /// [`from_url`](ClientRequest::from_url).
    ///
    /// # Errors
    /// If the text is not a URL. A [`Url`] always is one.
    pub fn connect_url<U>(url: U) -> Result<Self, InvalidUrl>
    where
        U: TryInto<Url<'a>, Error: Into<InvalidUrl>>,
    {
        let url = url.try_into().map_err(Into::into)?;
        Ok(Self::of_url(&url, Connect(())))
    }

    /// Returns the request. Tell the HTTP library that its `:protocol` is `websocket`. For hyper,
    /// add an extension of type `hyper::ext::Protocol`.
    ///
    /// # Errors
    /// If the `http` crate refuses the host, target or headers. It allows fewer characters, and
    /// limits number and size.
    pub fn to_http(&self, scheme: Scheme) -> ::http::Result<::http::Request<()>> {
        let target = self.target().to_string();
        let uri = Uri::builder().scheme(scheme).authority(self.host()).path_and_query(target);
        let request = ::http::Request::builder()
            .method(Method::CONNECT)
            .version(Version::HTTP_2)
            .uri(uri.build()?);
        self.finish(request)
    }

    /// Checks the response that an HTTP client has read.
    ///
    /// # Errors
    /// If the server did not open the WebSocket as requested.
    pub fn verify<'b, B>(
        &self,
        response: &'b ::http::Response<B>,
    ) -> Result<Response<'b>, ResponseError> {
        let status = response.status();
        if !status.is_success() {
            return Err(ResponseError::Status { status: status.as_u16(), head_len: 0 });
        }
        if response.version() < Version::HTTP_2 {
            return Err(ResponseError::HttpVersion);
        }
        self.requested().checked(Fields::Map(response.headers()), 0)
    }
}

impl<By> ClientRequest<'_, By> {
    fn finish(&self, mut request: ::http::request::Builder) -> ::http::Result<::http::Request<()>> {
        request = request.header(SEC_WEBSOCKET_VERSION, "13");
        if let Some(origin) = &self.origin {
            request = request.header(ORIGIN, &**origin);
        }
        if !self.subprotocols.is_empty() {
            let list: String = self.subprotocols.pieces().collect();
            request = request.header(SEC_WEBSOCKET_PROTOCOL, list);
        }
        if let Some(deflate) = self.offered_deflate() {
            let list: String = Offer::of(deflate).pieces().collect();
            request = request.header(SEC_WEBSOCKET_EXTENSIONS, list);
        }
        if let Some(credentials) = self.authorization() {
            let mut value = HeaderValue::try_from(credentials.to_string())?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        for (name, value) in self.further_headers() {
            request = request.header(name, value);
        }
        request.body(())
    }
}
