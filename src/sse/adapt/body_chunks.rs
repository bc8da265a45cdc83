//! [`BodyChunks`], the chunks of a response's body.

use bytes::{Buf, Bytes};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::Stream;
use http_body::Body;
use pin_project_lite::pin_project;

pin_project! {
    /// The data of an [`http_body::Body`] as a [`Stream`] of chunks, for
    /// [`EventStream`](crate::sse::EventStream). Trailers are dropped.
    ///
    /// ```
    /// use eventwire::sse::EventStream;
    /// use eventwire::sse::adapt::BodyChunks;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let body = "data: a\n\n".to_owned(); // of any type that is a `Body`
    /// let mut events = EventStream::new(BodyChunks::new(body));
    /// let event = events.next().await.transpose()?;
    /// assert_eq!(event.map(|event| event.data), Some("a".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct BodyChunks<B> {
        #[pin]
        body: B,
    }
}

impl<B: Body> BodyChunks<B> {
    /// Returns the chunks of this body.
    pub const fn new(body: B) -> Self {
        Self { body }
    }

    /// Returns the body with its remaining data.
    pub fn into_inner(self) -> B {
        self.body
    }
}

impl<B: Body> Stream for BodyChunks<B> {
    type Item = Result<Bytes, B::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.project().body;
        while let Some(frame) = ready!(body.as_mut().poll_frame(cx)).transpose()? {
            if let Ok(mut data) = frame.into_data() {
                // This does not copy `Bytes`.
                return Poll::Ready(Some(Ok(data.copy_to_bytes(data.remaining()))));
            }
        }
        Poll::Ready(None)
    }
}
