//! [`WebSocketUpgrade`], the extractor that opens a WebSocket.

use super::upgrade_rejection::{UpgradeRejection, rejection};
use crate::ws::{WebSocket, WebSocketOptions};
use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use eventwire::Utf8Bytes;
use eventwire::ws::handshake::{Acceptance, Connect, Rejection, Request, RequestError, is_upgrade};
use http::request::Parts;
use http::{StatusCode, Version};
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::fmt;

/// Opens a WebSocket in a handler of axum: over HTTP/1.1 by an upgrade ([RFC 6455, section
/// 4.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2)), and over HTTP/2 by an extended
/// CONNECT ([RFC 8441](https://www.rfc-editor.org/rfc/rfc8441)). Use it with `axum::routing::any`.
///
/// A request that opens no WebSocket is answered before the handler is called:
/// [`UpgradeRejection`]. An `Option<WebSocketUpgrade>` is `None` if a request does not ask for a
/// WebSocket, so one path can also serve something else.
///
/// **Browsers let any page connect to any server, with that server's cookies.** A server for pages
/// has to check where they come from, with [`same_origin`](Self::same_origin) or
/// [`origins`](Self::origins).
///
/// ```no_run
/// use axum::Router;
/// use axum::response::Response;
/// use axum::routing::any;
/// use eventwire_tokio::axum::WebSocketUpgrade;
/// use eventwire_tokio::ws::WebSocket;
///
/// async fn open(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.same_origin().protocols(["echo.v2", "echo.v1"]).on_upgrade(echo)
/// }
///
/// async fn echo(mut socket: WebSocket) {
///     while let Some(Ok(message)) = socket.next().await {
///         if socket.send(message).await.is_err() {
///             break;
///         }
///     }
/// }
///
/// #[tokio::main]
/// async fn main() -> std::io::Result<()> {
///     let router = Router::new().route("/", any(open));
///     let listener = tokio::net::TcpListener::bind("127.0.0.1:9001").await?;
///     axum::serve(listener, router).await
/// }
/// ```
#[must_use = "the client waits for an answer"]
pub struct WebSocketUpgrade {
    /// The request. It was checked, so checking it again does not fail.
    parts: Parts,
    upgrade: OnUpgrade,
    options: WebSocketOptions,
    protocols: Vec<String>,
    origins: Origins,
    #[cfg(feature = "deflate")]
    deflate: Option<eventwire::ws::Deflate>,
    on_failed: Option<OnFailed>,
}

type OnFailed = Box<dyn FnOnce(axum_core::Error) + Send>;

/// The pages that may open a WebSocket.
#[derive(Debug)]
enum Origins {
    Any,
    Same,
    Listed(Vec<String>),
}

impl Origins {
    fn allow<By>(&self, request: &Request<'_, By>) -> bool {
        match self {
            Self::Any => true,
            Self::Same => request.is_same_origin(),
            Self::Listed(origins) => request
                .origin()
                .is_none_or(|origin| origins.iter().any(|it| it.eq_ignore_ascii_case(origin))),
        }
    }
}

/// An answer, and what it says about the connection.
struct Accepted {
    response: http::Result<Response<()>>,
    protocol: Utf8Bytes,
    #[cfg(feature = "deflate")]
    compression: Option<crate::ws::Compression>,
}

impl WebSocketUpgrade {
    /// Sets the options of the connection, in place of [`WebSocket::DEFAULT_OPTIONS`]: limits,
    /// pings, timeouts.
    pub const fn options(mut self, options: WebSocketOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the subprotocols that this server speaks, the preferred one first. The first one that
    /// the client offers is chosen. [`WebSocket::protocol`] returns it.
    pub fn protocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.protocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Accepts only pages of the host that the request is for, by its `Host`. Other pages get
    /// status 403. Programs other than browsers send no origin, and are accepted.
    ///
    /// A proxy before the server must pass `Host` on unchanged. If it does not, use
    /// [`origins`](Self::origins).
    pub fn same_origin(mut self) -> Self {
        self.origins = Origins::Same;
        self
    }

    /// Accepts only pages of these origins, such as `https://example.com`. Other pages get status
    /// 403. Programs other than browsers send no origin, and are accepted.
    pub fn origins<S: Into<String>>(mut self, origins: impl IntoIterator<Item = S>) -> Self {
        self.origins = Origins::Listed(origins.into_iter().map(Into::into).collect());
        self
    }

    /// Agrees to compress messages if the client offers it
    /// ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)).
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: eventwire::ws::Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// Sets a function that is called if the client has gone before the WebSocket was open. By
    /// default, this is only an event of feature `tracing`.
    pub fn on_failed_upgrade<F>(mut self, report: F) -> Self
    where
        F: FnOnce(axum_core::Error) + Send + 'static,
    {
        self.on_failed = Some(Box::new(report));
        self
    }

    /// Returns the answer, which opens the WebSocket. When it is open, `serve` is called, and a
    /// task of its own runs the future that `serve` returns. What that returns is dropped.
    ///
    /// Headers can be added to the answer, such as a cookie.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn on_upgrade<F, T>(self, serve: F) -> Response
    where
        F: FnOnce(WebSocket) -> T + Send + 'static,
        T: Future<Output: Send + 'static> + Send + 'static,
    {
        let version = self.parts.version;
        let accepted = match self.accept() {
            Ok(accepted) => accepted,
            Err(refusal) => return rejection(&refusal, version),
        };
        let Ok(response) = accepted.response else {
            // Nothing but the program's own headers could be refused, and there are none.
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let Self { upgrade, options, on_failed, .. } = self;
        let protocol = accepted.protocol;
        #[cfg(feature = "deflate")]
        let compression = accepted.compression;
        tokio::spawn(async move {
            match upgrade.await {
                Ok(io) => {
                    let socket = WebSocket::upgraded(
                        TokioIo::new(io),
                        options,
                        protocol,
                        #[cfg(feature = "deflate")]
                        compression,
                    );
                    // In a task that holds nothing of the handshake for as long as it runs.
                    tokio::spawn(serve(socket));
                }
                Err(error) => {
                    #[cfg(feature = "tracing")]
                    tracing::debug!(%error, "the client has gone before its WebSocket was open");
                    if let Some(report) = on_failed {
                        report(axum_core::Error::new(error));
                    }
                }
            }
        });
        response.map(|()| Body::empty())
    }

    fn accept(&self) -> Result<Accepted, Rejection<'static>> {
        if self.parts.version < Version::HTTP_2 {
            let request = Request::from_parts(&self.parts).map_err(|it| it.rejection())?;
            self.agree(request, request.accept(), |it| it.to_http())
        } else {
            let request = connect(&self.parts).map_err(|it| it.rejection())?;
            self.agree(request, request.accept(), |it| it.to_http())
        }
    }

    fn agree<'a, By: Copy>(
        &self,
        request: Request<'a, By>,
        mut acceptance: Acceptance<'a, By>,
        to_http: impl FnOnce(Acceptance<'a, By>) -> http::Result<Response<()>>,
    ) -> Result<Accepted, Rejection<'static>> {
        if !self.origins.allow(&request) {
            return Err(Rejection::FORBIDDEN.body("This page may not connect.\n"));
        }
        let protocols: Vec<&str> = self.protocols.iter().map(String::as_str).collect();
        let protocol = request.select_subprotocol(&protocols);
        if let Some(name) = protocol {
            // The client offered it, so this cannot fail.
            acceptance = acceptance.subprotocol(name).unwrap_or(acceptance);
        }
        #[cfg(feature = "deflate")]
        let compression = self.deflate.as_ref().and_then(|deflate| {
            acceptance = acceptance.deflate(deflate);
            Some((deflate.clone(), acceptance.deflate_params()?))
        });
        Ok(Accepted {
            response: to_http(acceptance),
            protocol: protocol.unwrap_or_default().into(),
            #[cfg(feature = "deflate")]
            compression,
        })
    }
}

/// Checks a request by extended CONNECT.
fn connect(parts: &Parts) -> Result<Request<'_, Connect>, RequestError> {
    let protocol = parts.extensions.get::<Protocol>();
    Request::from_connect_parts(parts, protocol.map_or("", Protocol::as_str))
}

impl<S: Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = UpgradeRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, UpgradeRejection> {
        let version = parts.version;
        let checked = if version < Version::HTTP_2 {
            Request::from_parts(parts).map(drop)
        } else {
            connect(parts).map(drop)
        };
        checked.map_err(|error| UpgradeRejection::Request { error, version })?;
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        Ok(Self {
            upgrade: upgrade.ok_or(UpgradeRejection::NotUpgradable)?,
            parts: copy(parts),
            options: WebSocket::DEFAULT_OPTIONS,
            protocols: Vec::new(),
            origins: Origins::Any,
            #[cfg(feature = "deflate")]
            deflate: None,
            on_failed: None,
        })
    }
}

/// `None` if the request does not ask for a WebSocket.
impl<S: Sync> OptionalFromRequestParts<S> for WebSocketUpgrade {
    type Rejection = UpgradeRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, UpgradeRejection> {
        if parts.extensions.get::<Protocol>().is_none() && !is_upgrade(&parts.headers) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

/// Copies what the handshake needs of a request. Other extractors need the rest.
fn copy(parts: &Parts) -> Parts {
    let (mut copy, ()) = http::Request::new(()).into_parts();
    copy.method = parts.method.clone();
    copy.uri = parts.uri.clone();
    copy.version = parts.version;
    copy.headers = parts.headers.clone();
    if let Some(protocol) = parts.extensions.get::<Protocol>() {
        copy.extensions.insert(protocol.clone());
    }
    copy
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("options", &self.options)
            .field("protocols", &self.protocols)
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}
