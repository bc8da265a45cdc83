//! One request and its response, by any HTTP client.

use super::event_source_error::EventSourceErrorKind;
use super::http_client::{BoxError, HttpClient};
use bytes::{Buf, Bytes};
use eventwire::sse::adapt::BodyChunks;
use eventwire::sse::header::LAST_EVENT_ID;
use futures_core::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body::Body;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Sends a request with the headers that the source demands.
pub(super) type SendRequest = Box<dyn FnMut(HeaderMap) -> Responding + Send>;

/// Sends a request by an HTTP client of any type, so that all sources are of one type. The calls
/// through pointers cost nothing beside the system calls of a client.
pub(super) type Client = Arc<dyn Fn(Request<Bytes>) -> Responding + Send + Sync>;

/// Completes a request before it is sent.
pub(super) type Prepare = Box<dyn FnMut(Request<Bytes>) -> Preparing + Send>;

/// The request that is being completed.
type Preparing = Pin<Box<dyn Future<Output = Result<Request<Bytes>, BoxError>> + Send>>;

/// The response that is to come.
pub(super) type Responding =
    Pin<Box<dyn Future<Output = Result<Response<Chunks>, EventSourceErrorKind>> + Send>>;

/// The body of a response.
pub(super) type Chunks = Pin<Box<dyn PollChunk + Send>>;

/// A stream of chunks with errors of one type.
pub(super) trait PollChunk {
    fn poll_chunk(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BoxError>>>;
}

impl<B: Body<Data: Buf, Error: Into<BoxError>>> PollChunk for BodyChunks<B> {
    fn poll_chunk(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BoxError>>> {
        let chunk = ready!(self.poll_next(cx));
        Poll::Ready(chunk.map(|chunk| chunk.map_err(Into::into)))
    }
}

/// Returns a response with its body as chunks.
pub(super) fn chunked<B>(response: Response<B>) -> Response<Chunks>
where
    B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    response.map(|body| Box::pin(BodyChunks::new(body)) as Chunks)
}

/// Hides the type of a client.
pub(super) fn client<C>(client: C) -> Client
where
    C: HttpClient + Send + Sync + 'static,
{
    let client = Arc::new(client);
    Arc::new(move |request| {
        let client = Arc::clone(&client);
        Box::pin(async move { client.send(request).await.map(chunked).map_err(failure::<C>) })
    })
}

/// Returns why there is no response, from the error of a client.
pub(super) fn failure<C: HttpClient>(error: C::Error) -> EventSourceErrorKind {
    if C::is_permanent(&error) {
        EventSourceErrorKind::InvalidRequest(error.into())
    } else {
        EventSourceErrorKind::Network(error.into())
    }
}

/// Sends this request as often as it is asked to, each time as `prepare` completes it.
pub(super) fn repeat(
    client: Client,
    request: Request<Bytes>,
    mut prepare: Option<Prepare>,
) -> SendRequest {
    Box::new(move |headers| {
        let mut request = request.clone();
        add_headers(request.headers_mut(), headers);
        let Some(prepare) = &mut prepare else { return client(request) };
        let preparing = prepare(request);
        let client = Arc::clone(&client);
        Box::pin(async move {
            let request = preparing.await.map_err(EventSourceErrorKind::OnRequest)?;
            client(request).await
        })
    })
}

/// Fails with an error that was found before there was a request.
pub(super) fn fail(error: BoxError) -> SendRequest {
    let mut error = Some(error);
    Box::new(move |_| {
        // The source is closed after the first permanent error.
        let error = error.take().unwrap_or_else(|| "the request has already failed".into());
        Box::pin(std::future::ready(Err(EventSourceErrorKind::InvalidRequest(error))))
    })
}

/// Returns headers of the core as those of a request.
pub(super) fn header_map<'a>(headers: impl Iterator<Item = (&'static str, &'a [u8])>) -> HeaderMap {
    let pairs = headers.filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?))
    });
    pairs.collect()
}

/// Adds the headers of the source to those of the user, who may want another `accept`. Only the
/// source knows the last event ID.
pub(super) fn add_headers(all: &mut HeaderMap, headers: HeaderMap) {
    for (name, value) in headers {
        let Some(name) = name else { continue };
        if name == LAST_EVENT_ID {
            all.insert(name, value);
        } else if let header::Entry::Vacant(entry) = all.entry(name) {
            entry.insert(value);
        }
    }
}
