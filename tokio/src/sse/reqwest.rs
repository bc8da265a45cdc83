//! Event streams over `reqwest`.

use super::connect::Connect;
use super::events::Events;
use super::exchange::{self, Failure, SendRequest};
use super::http_client::HttpClient;
use bytes::Bytes;
use http::{Request, Response};
use reqwest::redirect::Policy;
use reqwest::{Body, Error, RequestBuilder};
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

/// Reads the response to a request of `reqwest` as an event stream.
///
/// The trait is sealed: only [`RequestBuilder`] implements it.
pub trait RequestBuilderExt: sealed::RequestBuilderExt {
    /// Sends the request once, and returns the events of its response. Unless the request has them,
    /// the headers `accept: text/event-stream` and `cache-control: no-cache` are added.
    ///
    /// [`Events`] has an example.
    fn events(self) -> Events;
}

mod sealed {
    pub trait RequestBuilderExt {}
}

impl sealed::RequestBuilderExt for RequestBuilder {}

impl RequestBuilderExt for RequestBuilder {
    fn events(self) -> Events {
        let (client, request) = self.build_split();
        let request = match request.map_err(Error::without_url) {
            Ok(request) => request,
            Err(error) => return Events::new(exchange::fail(error.into()), ""),
        };
        let host = request.url().host_str().unwrap_or_default().to_owned();
        Events::new(once(client, request), &host)
    }
}

/// Sends the request once. The source of [`Events`] asks for no more.
fn once(client: reqwest::Client, request: reqwest::Request) -> SendRequest {
    let mut request = Some(request);
    Box::new(move |headers| {
        let Some(mut request) = request.take() else {
            let failure = Failure::permanent("the request was sent before");
            return Box::pin(std::future::ready(Err(failure)));
        };
        exchange::add_headers(request.headers_mut(), headers);
        let responding = client.execute(request);
        Box::pin(async move {
            match responding.await {
                Ok(response) => Ok(exchange::chunked(response.into())),
                Err(error) => {
                    let is_permanent = reqwest::Client::is_permanent(&error);
                    Err(Failure { error: error.without_url().into(), is_permanent })
                }
            }
        })
    })
}
