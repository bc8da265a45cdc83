//! [`connect`], which brings its own `reqwest::Client`, and [`HttpClient`] for any of them.

use super::connect::Connect;
use super::exchange;
use super::http_client::{BoxError, HttpClient};
use bytes::Bytes;
use http::{Request, Response};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Error};
use std::error::Error as _;
use std::time::Duration;

/// The time for resolving names, TCP, the proxy and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sets up a source of events at this URL, over a `reqwest::Client` of its own.
///
/// A URL that begins with `https://` needs feature `reqwest-tls`, or a TLS feature of `reqwest`.
///
/// The client has 10 s for connecting, and follows no redirects. It uses the proxy that
/// `HTTP_PROXY`, `HTTPS_PROXY` or `ALL_PROXY` names in the environment.
/// [`connect_with`](crate::sse::connect_with) takes a client with other settings.
///
/// The URL contains only ASCII. A user and a password in it are sent as Basic credentials. See
/// [`Connect`] for the rest.
///
/// # Panics
/// Only if your program enables feature `rustls-no-provider` of `reqwest` and has no default
/// provider, because `reqwest` panics then. Install a provider, or use
/// [`connect_with`](crate::sse::connect_with).
///
/// ```no_run
/// use eventwire_tokio::sse;
///
/// # async fn follow() -> Result<(), sse::EventSourceError> {
/// let mut source = sse::connect("http://localhost:3000/feed").last_event_id("42").await?;
/// while let Some(event) = source.next().await {
///     match event {
///         Ok(event) => println!("{} {}", event.last_event_id, event.data),
///         Err(error) if error.will_retry() => eprintln!("{error}, trying again"),
///         Err(error) => return Err(error),
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub fn connect(url: impl AsRef<str>) -> Connect {
    let client =
        Client::builder().connect_timeout(CONNECT_TIMEOUT).redirect(Policy::none()).build();
    Connect::new(client.map(exchange::client).map_err(Into::into), url.as_ref())
}

impl HttpClient for Client {
    type Body = Body;
    type Error = BoxError;

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, BoxError> {
        let (head, body) = request.into_parts();
        // Unlike a conversion of the request, this makes credentials of those in the URL.
        let mut request = self.request(head.method, head.uri.to_string()).headers(head.headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        Ok(request.send().await.map_err(explain)?.into())
    }

    fn is_permanent(error: &BoxError) -> bool {
        error.is::<NoTls>() || error.downcast_ref().is_some_and(Error::is_builder)
    }
}

/// An `https://` URL, and no TLS.
#[derive(Debug, thiserror::Error)]
#[error(
    "the HTTP client has no TLS: enable feature `reqwest-tls` of eventwire-tokio, or a TLS feature \
     of reqwest"
)]
struct NoTls(#[source] Error);

/// Returns the error of a request without its URL, which may contain credentials.
pub(super) fn explain(error: Error) -> BoxError {
    let error = error.without_url();
    let causes = std::iter::successors(error.source(), |&error| error.source());
    // The error has no other sign of it.
    if error.is_connect() && causes.last().is_some_and(|it| it.to_string().ends_with(NOT_HTTP)) {
        return Box::new(NoTls(error));
    }
    Box::new(error)
}

/// The end of the text of a connector that has no TLS.
const NOT_HTTP: &str = "scheme is not http";
