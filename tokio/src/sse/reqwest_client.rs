//! [`connect`], which brings its own `reqwest::Client`, and [`HttpClient`] for any of them.

use super::connect::Connect;
use super::exchange;
use super::http_client::HttpClient;
use bytes::Bytes;
use http::{Request, Response};
use reqwest::redirect::Policy;
use reqwest::{Body, Error};
use std::time::Duration;

/// The time for resolving names, TCP, the proxy and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sets up a source of events at this URL, over a `reqwest::Client` of its own.
///
/// The client has 10 s for connecting, follows no redirects, and uses the proxy that the
/// environment names, if feature `system-proxy` of `reqwest` or one of the variables `HTTP_PROXY`,
/// `HTTPS_PROXY` and `ALL_PROXY` says so. A URL that begins with `https://` needs a TLS feature of
/// `reqwest`. [`connect_with`](crate::sse::connect_with) takes a client with other settings.
///
/// The URL contains only ASCII. A user and a password in it are sent as Basic credentials. See
/// [`Connect`] for the rest.
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
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::none())
        .build();
    Connect::new(client.map(exchange::client).map_err(Into::into), url.as_ref())
}

impl HttpClient for reqwest::Client {
    type Body = Body;
    type Error = Error;

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        // Unlike a conversion of the request, this makes credentials of those in the URL.
        let mut request = self.request(head.method, head.uri.to_string()).headers(head.headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        // A URL may contain credentials.
        let response = request.send().await.map_err(Error::without_url)?;
        Ok(response.into())
    }

    fn is_permanent(error: &Error) -> bool {
        error.is_builder()
    }
}
