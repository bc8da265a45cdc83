//! [`connect`], which brings its own `reqwest::Client`, and [`HttpClient`] for any of them.

use super::connect::{Connect, NotHttp};
use super::exchange;
use super::http_client::{BoxError, HttpClient};
use bytes::Bytes;
use http::{Request, Response};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Error, Url};
use std::error::Error as StdError;
use std::io;
use std::str::FromStr;
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
/// use std::time::Duration;
///
/// # async fn follow() -> Result<(), sse::EventSourceError> {
/// // The server sends keep-alives, so a minute of silence means that it has gone.
/// let options = sse::Connect::default_options().idle_timeout(Duration::from_secs(60));
/// let feed = "http://localhost:3000/feed";
/// let mut source = sse::connect(feed).last_event_id("42").options(options).await?;
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
        error.is::<NotHttp>()
            || error.is::<NoTls>()
            || error.is::<PlainPort>()
            || error.downcast_ref().is_some_and(Error::is_builder)
    }
}

/// An `https://` URL, and no TLS.
#[derive(Debug, thiserror::Error)]
#[error(
    "the HTTP client has no TLS: enable feature `reqwest-tls` of eventwire-tokio, or a TLS feature \
     of reqwest"
)]
struct NoTls(#[source] Error);

/// An `https://` URL, and a server without TLS.
#[derive(Debug, thiserror::Error)]
#[error("the port answers without TLS: use the port for TLS, or http:// in the URL")]
struct PlainPort(#[source] Error);

/// Returns the error of a request without its URL, which may contain credentials.
pub(super) fn explain(error: Error) -> BoxError {
    if is_not_http(&error) {
        return Box::new(NotHttp);
    }
    let error = error.without_url();
    if error.is_connect() {
        // The error has no other sign of it.
        if causes(&error).last().is_some_and(|it| it.to_string().ends_with(NO_TLS)) {
            return Box::new(NoTls(error));
        }
        if causes(&error).any(is_plain) {
            return Box::new(PlainPort(error));
        }
    }
    Box::new(error)
}

/// The end of the text of a connector that has no TLS.
const NO_TLS: &str = "scheme is not http";

/// Returns whether the URL of a request has another scheme than HTTP, or none.
fn is_not_http(error: &Error) -> bool {
    type ParseError = <Url as FromStr>::Err;
    error.is_builder()
        && match error.url() {
            Some(url) => !matches!(url.scheme(), "http" | "https"),
            None => causes(error)
                .any(|it| it.downcast_ref() == Some(&ParseError::RelativeUrlWithoutBase)),
        }
}

/// Returns whether this is the error of TLS for a server that answers without it.
#[cfg(any(feature = "tls", feature = "reqwest-tls"))]
fn is_plain(error: &(dyn StdError + 'static)) -> bool {
    use tokio_rustls::rustls::{Error, InvalidMessage};

    let plain = Error::InvalidMessage(InvalidMessage::InvalidContentType);
    error.downcast_ref() == Some(&plain)
}

#[cfg(not(any(feature = "tls", feature = "reqwest-tls")))]
fn is_plain(_: &(dyn StdError + 'static)) -> bool {
    false
}

/// Returns the causes of an error. The `source` of an `io::Error` leaves out the first one.
fn causes(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&error| match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().map(|it| it as &(dyn StdError + 'static)),
        None => error.source(),
    })
}
