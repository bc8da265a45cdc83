//! A response body over a stream of encoded blocks.

use crate::sse::header::RESPONSE_HEADERS;
use bytes::Bytes;
use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::Stream;
use http::{HeaderName, HeaderValue, Response};
use http_body::{Body, Frame};

/// The body of an event stream, over a [`Stream`] of encoded blocks, as
/// [`EventBuilder::to_bytes`](crate::sse::EventBuilder::to_bytes), [`Replay`](crate::sse::Replay) and
/// [`KEEP_ALIVE`](crate::sse::KEEP_ALIVE) give them (WHATWG HTML, 9.2.5). For hyper, axum and all that take
/// an [`http_body::Body`].
///
/// Each block becomes one frame, uncopied, so that one block can go to many. The blocks are sent as
/// they are: bytes that are no whole blocks make another event stream, or none. How many wait, and
/// when a keep-alive is due, is for the stream to say.
///
/// The stream must be [`Unpin`]; `Box::pin` makes any so. The body ends where it does, and never
/// fails.
///
/// ```
/// use bytes::Bytes;
/// use eventwire::sse::{EventBody, KEEP_ALIVE, EventBuilder};
/// use futures_util::stream;
///
/// let blocks = [EventBuilder::new().data("a").to_bytes(), Bytes::from_static(KEEP_ALIVE)];
/// let response = EventBody::new(stream::iter(blocks)).into_response(); // a handler of axum returns it
/// assert_eq!(response.headers()["content-type"], "text/event-stream");
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let body = axum::body::Body::new(response.into_body()); // whatever the stream is
/// assert_eq!(axum::body::to_bytes(body, usize::MAX).await?, "data: a\n\n:\n\n");
/// # Ok::<(), axum::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a body does nothing unless sent"]
pub struct EventBody<S> {
    stream: S,
    is_over: bool,
}

impl<S: Stream<Item = Bytes> + Unpin> EventBody<S> {
    /// The body of these blocks.
    pub const fn new(stream: S) -> Self {
        Self { stream, is_over: false }
    }

    /// A response with status 200, [`RESPONSE_HEADERS`] and this body.
    pub fn into_response(self) -> Response<Self> {
        let mut response = Response::new(self);
        for (name, value) in RESPONSE_HEADERS {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// The stream of blocks that are still to be sent.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: Stream<Item = Bytes> + Unpin> Body for EventBody<S> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        let block = ready!(Pin::new(&mut this.stream).poll_next(cx));
        this.is_over = block.is_none();
        Poll::Ready(block.map(|block| Ok(Frame::data(block))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}
