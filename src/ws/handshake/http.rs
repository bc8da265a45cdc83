//! The same handshake over the `http` crate's types, and extended CONNECT, which needs them.

use super::client_handshake::Requested;
use super::deflate::Offer;
use super::fields::Fields;
use super::server_handshake::{self, check_version};
use super::{
    Acceptance, ClientRequest, Rejection, Request, RequestError, Response, ResponseError,
    Unsendable,
};
use crate::Url;
use crate::url::{is_scheme, not_a_host};
use ::http::header::{
    ALLOW, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use ::http::uri::{Authority, PathAndQuery, Scheme};
use ::http::{HeaderValue, Method, StatusCode, Uri, Version};
use alloc::string::{String, ToString};

/// A handshake by extended CONNECT, over HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220), which has no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect(());

impl<'a> Request<'a> {
    /// Checks a request that an HTTP/1.1 server has read. Bytes behind its head are the server's to
    /// keep, as hyper does.
    ///
    /// ```
    /// use eventwire::ws::handshake::Request;
    ///
    /// /// The answer; on 101 await the upgrade of `request` after it was sent.
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
    /// If it does not open a WebSocket.
    pub fn from_http<B>(request: &'a ::http::Request<B>) -> Result<Self, RequestError> {
        if request.version() != Version::HTTP_11 {
            return Err(RequestError::HttpVersion);
        }
        if request.method() != Method::GET {
            return Err(RequestError::Method);
        }
        let (host, target) = host_and_target(request.uri())?;
        Self::by_upgrade(target, host, Fields::Map(request.headers()), 0)
    }
}

impl<'a> Request<'a, Connect> {
    /// Checks a request by extended CONNECT. `protocol` is what its `:protocol` says; the HTTP
    /// library has it, hyper in an extension of type `hyper::ext::Protocol`.
    ///
    /// # Errors
    /// If it does not open a WebSocket.
    pub fn from_connect<B>(
        request: &'a ::http::Request<B>,
        protocol: &str,
    ) -> Result<Self, RequestError> {
        if request.version() < Version::HTTP_2 {
            return Err(RequestError::HttpVersion);
        }
        if request.method() != Method::CONNECT {
            return Err(RequestError::Method);
        }
        if protocol != "websocket" {
            return Err(RequestError::Protocol);
        }
        let fields = Fields::Map(request.headers());
        let (host, target) = host_and_target(request.uri())?;
        // Where there is no `:authority` is `Host` (RFC 9114, 4.3.1).
        let host = match host {
            Some(host) => host,
            None => server_handshake::host(fields)?.ok_or(RequestError::Host)?,
        };
        check_version(fields)?;
        Self::checked(target, host, fields, 0, Connect(()))
    }

    /// Says yes. With no more than that, no subprotocol is chosen.
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
    /// The response, with status 101.
    ///
    /// # Errors
    /// If the `http` crate refuses the headers, as it has limits on their number and size.
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
    /// The response, with status 200. Its version says HTTP/2; it is the same in HTTP/3.
    ///
    /// # Errors
    /// If the `http` crate refuses the headers, as it has limits on their number and size.
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
    /// The response to a request of this version. Its length, and whether the connection closes,
    /// is left to the HTTP library.
    ///
    /// From HTTP/2 on there is no upgrade: 426 becomes 400.
    ///
    /// # Errors
    /// If the `http` crate refuses the headers, as it has limits on their number and size.
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

impl ClientRequest<'_> {
    /// The request, for a connection of HTTP/1.1: its URI is the target alone.
    ///
    /// # Errors
    /// If the `http` crate refuses the target or headers: it knows fewer characters, and has limits
    /// on number and size.
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
        let request = ::http::Request::get(self.target.to_string())
            .header(HOST, self.host)
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "Upgrade")
            .header(SEC_WEBSOCKET_KEY, &self.by.key()[..]);
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
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS if response.version() != Version::HTTP_11 => {
                Err(ResponseError::HttpVersion)
            }
            StatusCode::SWITCHING_PROTOCOLS => {
                let fields = Fields::Map(response.headers());
                Requested::of(self).by_upgrade(&self.by.accept(), fields, 0)
            }
            status => Err(ResponseError::Status { status: status.as_u16(), head_len: 0 }),
        }
    }
}

impl<'a> ClientRequest<'a, Connect> {
    /// A request by extended CONNECT, to be made where the server allows it by
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

    /// A request by extended CONNECT for what this URL names. Its user and password go the way of
    /// [`from_url`](ClientRequest::from_url).
    #[must_use]
    pub fn connect_url(url: &Url<'a>) -> Self {
        Self::of_url(url, Connect(()))
    }

    /// The request. Tell the HTTP library that its `:protocol` is `websocket`: hyper by an
    /// extension of type `hyper::ext::Protocol`.
    ///
    /// # Errors
    /// If the `http` crate refuses the host, target or headers: it knows fewer characters, and has
    /// limits on number and size.
    pub fn to_http(&self, scheme: Scheme) -> ::http::Result<::http::Request<()>> {
        let target = self.target.to_string();
        let uri = Uri::builder().scheme(scheme).authority(self.host).path_and_query(target);
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
        Requested::of(self).checked(Fields::Map(response.headers()), 0)
    }
}

impl<By> ClientRequest<'_, By> {
    fn finish(&self, mut request: ::http::request::Builder) -> ::http::Result<::http::Request<()>> {
        request = request.header(SEC_WEBSOCKET_VERSION, "13");
        if let Some(origin) = self.origin {
            request = request.header(ORIGIN, origin);
        }
        if !self.subprotocols.is_empty() {
            let list: String = self.subprotocols.join(", ");
            request = request.header(SEC_WEBSOCKET_PROTOCOL, list);
        }
        if let Some(deflate) = self.deflate {
            let list: String = Offer::of(deflate).pieces().collect();
            request = request.header(SEC_WEBSOCKET_EXTENSIONS, list);
        }
        if let Some(credentials) = self.authorization() {
            let mut value = HeaderValue::try_from(credentials.to_string())?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        for (name, value) in self.headers {
            request = request.header(*name, value.as_bytes());
        }
        request.body(())
    }
}
