//! [`EventStream`], a stream of events over a stream of chunks.

#[cfg(feature = "http-body")]
use super::body_chunks::BodyChunks;
use super::item_stream::ItemStream;
#[cfg(feature = "http-body")]
use super::not_an_event_stream::NotAnEventStream;
use super::read_error::ReadError;
use crate::Utf8Bytes;
use crate::sse::client::LastEvents;
use crate::sse::decode::{Item, OwnedDecoder, OwnedEvent};
use bytes::Bytes;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

pin_project! {
    /// The events of a body that is a [`Stream`] of chunks, such as `reqwest`'s `bytes_stream()`
    /// ([WHATWG HTML, 9.2.6]). A chunk is [`Bytes`], or a type that converts into `Bytes` without a
    /// copy, such as `Vec<u8>` and `String`.
    ///
    /// [`from_response`](Self::from_response) (feature `http-body`) takes a response, and checks
    /// its status and content type. [`new`](Self::new) takes only the chunks: check the response
    /// yourself, with [`is_event_stream`](crate::sse::header::is_event_stream).
    ///
    /// The stream yields only events. It drops comments, unknown lines, blocks without data, and
    /// everything that [`OnLimit::Skip`](crate::sse::decode::OnLimit::Skip) skips.
    /// [`items`](Self::items) yields them too. The stream does not reconnect, but
    /// [`EventSource`](crate::sse::EventSource) does.
    ///
    /// An `EventStream` is [`Unpin`] if the stream of chunks is. Pin any other with
    /// `core::pin::pin!` or `Box::pin`. A [`next`](Self::next) that is dropped before it is done,
    /// for example by `select!`, loses nothing.
    ///
    /// The stream is over after the last chunk, after an error, and after the [last
    /// event](Self::last_event). From then on it yields `None`. An unfinished event is discarded,
    /// as the standard says. At the end of the chunks, it is yielded if the decoder's options [ask
    /// for it](crate::sse::DecoderOptions::unfinished).
    ///
    /// For the next connection, take the decoder from [`into_parts`](Self::into_parts). Once the
    /// stream is over, its decoder was [`reset`](OwnedDecoder::reset), and keeps the last event ID.
    /// The next request must contain that ID: see
    /// [`last_event_id_value`](crate::sse::header::last_event_id_value). Pass the decoder to the
    /// next stream with [`decoder`](Self::decoder). [`Backoff`](crate::Backoff) has the waits
    /// between connections.
    ///
    /// Memory: that of the decoder, and the chunk that is being decoded.
    ///
    /// # Errors
    /// [`ReadError::Transport`] contains the error of the chunks. [`ReadError::Decode`] contains
    /// the limit that the stream passed. Events before the error were yielded. [`ReadError::Ended`]
    /// occurs only if there is a [last event](Self::last_event) to wait for.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use eventwire::sse::{EventStream, ReadError};
    /// use futures_util::stream;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), ReadError<std::io::Error>> {
    /// let body = ["id: 1\ndata: a\n\n: still here\n\nda", "ta: b\n\ndata: lost"];
    /// let chunks = stream::iter(body.map(|chunk| Ok(Bytes::from(chunk))));
    /// let mut events = EventStream::new(chunks);
    /// let mut seen = Vec::new();
    /// while let Some(event) = events.next().await {
    ///     seen.push(event?.data);
    /// }
    /// assert_eq!(seen, ["a", "b"]);
    /// assert_eq!(events.last_event_id(), "1");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [WHATWG HTML, 9.2.6]:
    /// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    #[derive(Clone, Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct EventStream<S> {
        #[pin]
        items: ItemStream<S>,
    }
}

impl<S, C, E> EventStream<S>
where
    S: Stream<Item = Result<C, E>>,
    C: Into<Bytes>,
{
    /// Returns the events of these chunks, with the default
    /// [`DecoderOptions`](crate::sse::DecoderOptions).
    pub fn new(stream: S) -> Self {
        Self::with_decoder(stream, OwnedDecoder::new())
    }

    /// Returns the events of these chunks, with this decoder, and so with its options and its last
    /// event ID. [`reset`](OwnedDecoder::reset) a decoder that was used for part of another stream.
    pub const fn with_decoder(stream: S, decoder: OwnedDecoder) -> Self {
        Self { items: ItemStream::new(stream, decoder) }
    }

    /// Returns the next event, or `None` if the stream is over. This does the same as `next` of
    /// `futures_util::StreamExt`, without that crate.
    ///
    /// # Errors
    /// The errors of the stream: see [above](#errors).
    ///
    /// # Cancel safety
    /// This method is cancel safe. If its future is dropped, nothing is lost: everything that was
    /// received stays in the stream.
    pub async fn next(&mut self) -> Option<Result<OwnedEvent, ReadError<E>>>
    where
        Self: Unpin,
    {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

#[cfg(feature = "http-body")]
impl<B: http_body::Body> EventStream<BodyChunks<B>> {
    /// Returns the events of a response, if it is an event stream. The response is an
    /// [`http::Response`] with any [`http_body::Body`], such as hyper's, or a type that converts
    /// into one, such as `reqwest::Response`.
    ///
    /// # Errors
    /// If the status is not 200 or the content type is not `text/event-stream`. The error contains
    /// the response, whose body often says why.
    ///
    /// ```
    /// use eventwire::sse::EventStream;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let response = http::Response::builder().header("content-type", "text/event-stream");
    /// let response = response.body("data: {}\n\ndata: [DONE]\n\n".to_owned())?; // from a client
    ///
    /// let mut events = EventStream::from_response(response)?.until("[DONE]");
    /// while let Some(event) = events.next().await {
    ///     assert_eq!(event?.data, "{}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// With `reqwest`, read the body of a refusal with
    /// `reqwest::Response::from(error.into_response()).text()`.
    pub fn from_response<R>(response: R) -> Result<Self, NotAnEventStream<B>>
    where
        R: Into<http::Response<B>>,
    {
        let response = NotAnEventStream::check(response.into())?;
        Ok(Self::new(BodyChunks::new(response.into_body())))
    }
}

impl<S> EventStream<S> {
    /// Sets the decoder, which may have options or a last event ID, like
    /// [`with_decoder`](Self::with_decoder). Call this before you read the first event.
    ///
    /// ```
    /// use eventwire::sse::{DecoderOptions, EventStream, OwnedDecoder};
    /// use futures_util::stream;
    ///
    /// let chunks = stream::iter([Ok::<_, std::io::Error>("data: a\n\n")]);
    /// let decoder = OwnedDecoder::with_options(DecoderOptions::new().max_event(1 << 20));
    /// let events = EventStream::new(chunks).decoder(decoder);
    /// ```
    pub fn decoder(mut self, decoder: OwnedDecoder) -> Self {
        self.items.set_decoder(decoder);
        self
    }

    /// Sets the event after which the stream is over, or [several](LastEvents), any one of which
    /// ends it. The last event is yielded like any other. The stream then yields `None`, even if
    /// the server stays connected.
    ///
    /// A stream that ends without the last event was cut off. It yields the error
    /// [`ReadError::Ended`] before `None`. A last event without its blank line, from a server that
    /// forgets it, counts too. It is yielded if the decoder's options [ask for
    /// it](crate::sse::DecoderOptions::unfinished).
    ///
    /// Each call of this or of [`until`](Self::until) replaces the one before.
    ///
    /// ```
    /// use eventwire::sse::{EventStream, LastEvent, ReadError};
    /// use futures_util::{StreamExt, stream};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let read = async |body: &'static str| {
    ///     let chunks = stream::iter([Ok::<_, std::io::Error>(body)]);
    ///     let events = EventStream::new(chunks).last_event(LastEvent::EventType("stop"));
    ///     events.collect::<Vec<_>>().await
    /// };
    ///
    /// let whole = read("data: a\n\nevent: stop\ndata: usage\n\n").await;
    /// assert!(matches!(&whole[..], [Ok(_), Ok(last)] if last.data == "usage"));
    /// let cut = read("data: a\n\n").await;
    /// assert!(matches!(&cut[..], [Ok(_), Err(ReadError::Ended)]));
    /// # }
    /// ```
    pub fn last_event(mut self, events: impl Into<LastEvents>) -> Self {
        self.items.set_last_events(events.into(), true);
        self
    }

    /// Sets the event after which the stream is over, like [`last_event`](Self::last_event), but
    /// does not yield it. Use this for an event that carries nothing else, such as `[DONE]`.
    ///
    /// ```
    /// use eventwire::sse::{EventStream, ReadError};
    /// use futures_util::stream;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), ReadError<std::io::Error>> {
    /// let chunks = stream::iter([Ok("data: {}\n\ndata: [DONE]\n\n")]);
    /// let mut events = EventStream::new(chunks).until("[DONE]");
    /// while let Some(event) = events.next().await {
    ///     assert_eq!(event?.data, "{}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn until(mut self, events: impl Into<LastEvents>) -> Self {
        self.items.set_last_events(events.into(), false);
        self
    }

    /// Returns the stream of all items. It also yields comments, blocks without data, and
    /// everything else that the decoder's [options](crate::sse::DecoderOptions) ask for.
    /// [`ItemStream`] has an example.
    pub fn items(self) -> ItemStream<S> {
        self.items
    }

    /// Returns the last event ID, like [`OwnedDecoder::last_event_id`].
    #[must_use]
    pub const fn last_event_id(&self) -> &Utf8Bytes {
        self.items.last_event_id()
    }

    /// Returns the last valid `retry`, like [`OwnedDecoder::reconnection_time`].
    #[must_use]
    pub const fn reconnection_time(&self) -> Option<Duration> {
        self.items.reconnection_time()
    }

    /// Returns the stream of chunks, the decoder, and the rest of the last chunk. Decode that rest
    /// before any further chunks.
    pub fn into_parts(self) -> (S, OwnedDecoder, Bytes) {
        self.items.into_parts()
    }
}

impl<S, C, E> Stream for EventStream<S>
where
    S: Stream<Item = Result<C, E>>,
    C: Into<Bytes>,
{
    type Item = Result<OwnedEvent, ReadError<E>>;

    /// Polls for the next event. Like the combinators of `futures-util`, this has no budget: it
    /// takes chunks that complete no event for as long as they are ready.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project().items.poll_by(cx, |item| match item {
            Item::Event(event) => Some(event),
            _ => None,
        })
    }
}

impl<S, C, E> FusedStream for EventStream<S>
where
    S: Stream<Item = Result<C, E>>,
    C: Into<Bytes>,
{
    fn is_terminated(&self) -> bool {
        self.items.is_over()
    }
}
