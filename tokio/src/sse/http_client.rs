//! [`HttpClient`], the HTTP client that an event source sends its requests with.

use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body::Body;
use std::error::Error;

/// An error of any type, such as an HTTP client's.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// An HTTP client, for [`connect_with`](crate::sse::connect_with). With feature `reqwest`, it is
/// implemented for `reqwest::Client`.
///
/// The client decides about TLS, proxies, redirects and cookies. Give it a deadline for connecting.
/// The source itself limits how long it waits for a response
/// ([`response_timeout`](crate::sse::EventSourceOptions::response_timeout)). It limits the silence
/// of the server if it has an
/// [`idle_timeout`](crate::sse::EventSourceOptions::idle_timeout). So the client should have no
/// deadline for a whole response: an event stream has no end.
///
/// Leave URLs out of the client's errors if they may contain credentials. The source prints errors
/// with all their causes.
///
/// ```
/// use bytes::Bytes;
/// use eventwire_tokio::sse::{HttpClient, connect_with};
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use hyper::body::Incoming;
/// use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
/// use hyper_util::rt::TokioExecutor;
///
/// struct Hyper(Client<HttpConnector, Full<Bytes>>);
///
/// impl HttpClient for Hyper {
///     type Body = Incoming;
///     type Error = Error;
///
///     async fn send(&self, request: Request<Bytes>) -> Result<Response<Incoming>, Error> {
///         self.0.request(request.map(Full::new)).await
///     }
/// }
///
/// let client = Client::builder(TokioExecutor::new()).build_http();
/// let source = connect_with(Hyper(client), "http://localhost:3000/feed").build();
/// ```
pub trait HttpClient {
    /// The body of a response.
    type Body: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static;
    /// The error if there is no response.
    type Error: Into<BoxError>;

    /// Sends a request, and returns the response once its head has arrived. The future is dropped
    /// if the response takes too long or the source is closed.
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Self::Error>> + Send;

    /// Returns whether the error means that this request can never succeed, for example because the
    /// client does not know the scheme of its URL. The source then fails at once. It retries after
    /// any other error, which is the default for all errors.
    fn is_permanent(error: &Self::Error) -> bool {
        let _ = error;
        false
    }
}
