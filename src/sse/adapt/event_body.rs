//! [`EventBody`], a response body over a stream of events.

use super::into_event_bytes::IntoEventBytes;
use super::keep_alive_stream::KeepAliveStream;
use crate::sse::encode::EventBuilder;
use crate::sse::header::RESPONSE_HEADERS;
use bytes::Bytes;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use futures_core::Stream;
use http::{HeaderName, HeaderValue, Response};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of an event stream, over any [`Stream`] of [events to send](IntoEventBytes)
    /// ([WHATWG HTML, 9.2.5]). Use it with hyper, axum and everything that takes an
    /// [`http_body::Body`].
    ///
    /// An item is an [`EventBuilder`], or the [`Bytes`] of an event that was encoded before, for
    /// example by [`EventBuilder::to_bytes`] or [`Replay`](crate::sse::Replay), or a
    /// [`KEEP_ALIVE`](crate::sse::server::KEEP_ALIVE). An item may also be a `Result` of either. An
    /// `Err` ends the body with that error, and the server cuts the response off. If the items are
    /// not a `Result`, the body never fails.
    ///
    /// Each item becomes one frame. `Bytes` are sent without a copy, so one event can be sent to
    /// many clients. They must be whole blocks: anything else changes the events that clients see.
    ///
    /// The stream does not have to be [`Unpin`]. The body ends when the stream ends.
    ///
    /// ```
    /// use eventwire::sse::{EventBody, EventBuilder};
    /// use futures_util::stream;
    ///
    /// let events = stream::iter(["a", "b"].map(|data| EventBuilder::new().data(data)));
    /// let response = EventBody::new(events).into_http();
    /// assert_eq!(response.headers()["content-type"], "text/event-stream");
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let body = axum::body::Body::new(response.into_body()); // for any type of stream
    /// let sent = axum::body::to_bytes(body, usize::MAX).await?;
    /// assert_eq!(sent, "data: a\n\ndata: b\n\n");
    /// # Ok::<(), axum::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # With axum
    ///
    /// With feature `axum`, a handler can return the body directly. Without that feature, a handler
    /// returns `EventBody::new(events).into_http().map(axum::body::Body::new)`.
    ///
    #[cfg_attr(feature = "axum", doc = "```")]
    #[cfg_attr(not(feature = "axum"), doc = "```ignore")]
    /// use axum::response::IntoResponse;
    /// use eventwire::sse::{EventBody, EventBuilder, KeepAlive};
    /// use futures_util::StreamExt;
    /// use std::time::Duration;
    ///
    /// async fn handler() -> impl IntoResponse {
    ///     let numbers = futures_util::stream::iter(1..).then(async |number| {
    ///         tokio::time::sleep(Duration::from_secs(1)).await;
    ///         EventBuilder::new().id(number).data(format!("number {number}"))
    ///     });
    ///     EventBody::new(numbers).keep_alive(KeepAlive::DEFAULT_INTERVAL, tokio::time::sleep)
    /// }
    ///
    /// axum::Router::<()>::new().route("/events", axum::routing::get(handler));
    /// ```
    ///
    /// [WHATWG HTML, 9.2.5]:
    /// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    #[derive(Clone, Debug)]
    #[must_use = "a body does nothing unless sent"]
    pub struct EventBody<S> {
        #[pin]
        stream: S,
        first: Option<Bytes>,
        is_over: bool,
    }
}

impl<S: Stream<Item: IntoEventBytes>> EventBody<S> {
    /// Creates the body of these events.
    pub const fn new(stream: S) -> Self {
        Self { stream, first: None, is_over: false }
    }

    /// Sends a [`KEEP_ALIVE`](crate::sse::server::KEEP_ALIVE) whenever there was no event for an interval.
    /// So proxies do not close the connection, and the server notices a client that has gone.
    ///
    /// `sleep` is the timer of your runtime, such as `tokio::time::sleep`. See
    /// [`KeepAliveStream::new`].
    ///
    /// ```
    /// use bytes::Bytes;
    /// use eventwire::sse::{EventBody, KeepAlive};
    /// use eventwire::sse::server::KEEP_ALIVE;
    /// use futures_util::stream;
    /// use http_body_util::BodyExt;
    ///
    /// # let mut runtime = tokio::runtime::Builder::new_current_thread();
    /// # runtime.enable_time().start_paused(true).build()?.block_on(async {
    /// let silent = stream::pending::<Bytes>();
    /// let body = EventBody::new(silent)
    ///     .keep_alive(KeepAlive::DEFAULT_INTERVAL, tokio::time::sleep);
    /// let mut body = std::pin::pin!(body);
    /// let frame = body.frame().await.transpose()?.and_then(|frame| frame.into_data().ok());
    /// assert_eq!(frame.as_deref(), Some(KEEP_ALIVE)); // after 15 s
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep_alive<F, T>(
        self,
        interval: Duration,
        sleep: F,
    ) -> EventBody<KeepAliveStream<S, F, T>>
    where
        F: FnMut(Duration) -> T,
        T: Future,
    {
        let Self { stream, first, is_over } = self;
        EventBody { stream: KeepAliveStream::new(stream, interval, sleep), first, is_over }
    }

    /// Sets the reconnection time of the client, in whole milliseconds. The body sends it first.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use eventwire::sse::EventBody;
    /// use futures_util::stream;
    /// use http_body_util::BodyExt;
    /// use std::time::Duration;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let body = EventBody::new(stream::empty::<Bytes>()).retry(Duration::from_secs(1));
    /// assert_eq!(body.collect().await?.to_bytes(), "retry: 1000\n\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retry(mut self, reconnection_time: Duration) -> Self {
        self.first = Some(EventBuilder::new().retry(reconnection_time).to_bytes());
        self
    }

    /// Returns a response with status 200, [`RESPONSE_HEADERS`] and this body.
    pub fn into_http(self) -> Response<Self> {
        let mut response = Response::new(self);
        for (name, value) in RESPONSE_HEADERS {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// Returns the stream of the remaining events.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: Stream<Item: IntoEventBytes>> Body for EventBody<S> {
    type Data = Bytes;
    type Error = <S::Item as IntoEventBytes>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if *this.is_over {
            return Poll::Ready(None);
        }
        let item = ready!(this.stream.poll_next(cx)).map(IntoEventBytes::into_event_bytes);
        *this.is_over = !matches!(item, Some(Ok(_)));
        Poll::Ready(item.map(|item| item.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over && self.first.is_none()
    }
}

/// Makes the response of [`into_http`](EventBody::into_http), with a boxed body.
#[cfg(feature = "axum")]
impl<S> axum_core::response::IntoResponse for EventBody<S>
where
    S: Stream<Item: IntoEventBytes<Error: Into<axum_core::BoxError>>> + Send + 'static,
{
    fn into_response(self) -> axum_core::response::Response {
        self.into_http().map(axum_core::body::Body::new)
    }
}
