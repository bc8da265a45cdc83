//! [`KeepAliveStream`], which sends keep-alives between the events of a stream.

use super::into_event_bytes::IntoEventBytes;
use crate::sse::server::KEEP_ALIVE;
use bytes::Bytes;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// A stream of events to send, with a [`KEEP_ALIVE`] whenever the stream yielded nothing for an
    /// interval.
    ///
    /// The timer is that of your runtime: a function from a [`Duration`] to a future that is ready
    /// after it, such as `tokio::time::sleep`. The function is called when the stream has nothing
    /// to yield. [`EventBody::keep_alive`](crate::sse::EventBody::keep_alive) does the same for a
    /// body. Without futures, [`KeepAlive`](crate::sse::KeepAlive) says when a keep-alive is due.
    ///
    /// The items are encoded events, or the errors of the stream. When the stream ends, so do the
    /// keep-alives.
    ///
    /// ```
    /// use eventwire::sse::EventBuilder;
    /// use eventwire::sse::adapt::KeepAliveStream;
    /// use eventwire::sse::server::KEEP_ALIVE;
    /// use futures_util::{StreamExt, stream};
    /// use std::time::Duration;
    ///
    /// # let mut runtime = tokio::runtime::Builder::new_current_thread();
    /// # runtime.enable_time().start_paused(true).build()?.block_on(async {
    /// // One event, and then silence.
    /// let events = stream::iter([EventBuilder::new().data("a")]).chain(stream::pending());
    /// let stream = KeepAliveStream::new(events, Duration::from_secs(15), tokio::time::sleep);
    ///
    /// let sent: Vec<_> = stream.take(3).collect().await;
    /// assert_eq!(sent, [Ok("data: a\n\n".into()), Ok(KEEP_ALIVE.into()), Ok(KEEP_ALIVE.into())]);
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct KeepAliveStream<S, F, T> {
        #[pin]
        stream: S,
        interval: Duration,
        sleep: F,
        // Runs while the stream has nothing to yield.
        #[pin]
        timer: Option<T>,
        is_over: bool,
    }
}

impl<S, F, T> KeepAliveStream<S, F, T>
where
    S: Stream<Item: IntoEventBytes>,
    F: FnMut(Duration) -> T,
    T: Future,
{
    /// Returns the same events, with keep-alives between them.
    ///
    /// With an interval of zero there are no keep-alives. Proxies close a silent connection, so the
    /// interval must be shorter than their timeout:
    /// [`KeepAlive::DEFAULT_INTERVAL`](crate::sse::KeepAlive::DEFAULT_INTERVAL) is 15 s.
    pub const fn new(stream: S, interval: Duration, sleep: F) -> Self {
        Self { stream, interval, sleep, timer: None, is_over: false }
    }
}

impl<S, F, T> Stream for KeepAliveStream<S, F, T>
where
    S: Stream<Item: IntoEventBytes>,
    F: FnMut(Duration) -> T,
    T: Future,
{
    type Item = Result<Bytes, <S::Item as IntoEventBytes>::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if *this.is_over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(item) = this.stream.poll_next(cx) {
            this.timer.set(None);
            *this.is_over = item.is_none();
            return Poll::Ready(item.map(IntoEventBytes::into_event_bytes));
        }
        if this.interval.is_zero() {
            return Poll::Pending;
        }
        if this.timer.is_none() {
            this.timer.set(Some((this.sleep)(*this.interval)));
        }
        if let Some(timer) = this.timer.as_mut().as_pin_mut() {
            ready!(timer.poll(cx));
        }
        this.timer.set(None);
        Poll::Ready(Some(Ok(Bytes::from_static(KEEP_ALIVE))))
    }
}

impl<S: fmt::Debug, F, T> fmt::Debug for KeepAliveStream<S, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepAliveStream")
            .field("stream", &self.stream)
            .field("interval", &self.interval)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
