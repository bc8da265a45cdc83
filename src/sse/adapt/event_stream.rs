//! A stream of events over a stream of chunks.

use super::read_error::ReadError;
use crate::Utf8Bytes;
use crate::sse::decode::{Item, OwnedDecoder, OwnedEvent};
use bytes::Bytes;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use futures_core::{FusedStream, Stream};

/// The events of a body that comes as a [`Stream`] of [`Bytes`] chunks, such as `reqwest`'s
/// `bytes_stream()`, or any `http_body::Body` in `http_body_util::BodyDataStream` (WHATWG HTML,
/// 9.2.6).
///
/// It gives events alone. Comments, unknown lines, blocks without data and what
/// [`OnLimit::Skip`](crate::sse::OnLimit::Skip) drops are passed over; `EventCodec` and
/// [`OwnedDecoder`] itself show them. Whether the response is an event stream at all is yours to
/// look at ([`is_event_stream`](crate::sse::is_event_stream)), and it does not reconnect, as
/// [`EventSource`](crate::sse::EventSource) does.
///
/// The stream of chunks must be [`Unpin`]; `Box::pin` or `core::pin::pin!` makes any so. A `next()`
/// that is dropped before it is done, as by `select!`, loses nothing.
///
/// It is over, and gives `None` from then on, once the chunks are or after an error. An unfinished
/// event is discarded then, by the standard (but given at the end of the chunks if the decoder's options
/// [ask for it](crate::sse::DecoderOptions::unfinished)), and the decoder is [`reset`](OwnedDecoder::reset). For the
/// next connection [`into_parts`](Self::into_parts) gives it with the last event ID, which the request
/// says by [`last_event_id_value`](crate::sse::last_event_id_value), and
/// [`with_decoder`](Self::with_decoder) takes it; [`Backoff`](crate::Backoff) has the waits between.
///
/// Memory: the decoder's, and the chunk that is being decoded.
///
/// # Errors
/// [`ReadError::Transport`] has the error of the chunks, [`ReadError::Decode`] the limit that the
/// stream went past. Events before it were delivered.
///
/// ```
/// use bytes::Bytes;
/// use eventwire::sse::{EventStream, ReadError};
/// use futures_util::{StreamExt, stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ReadError<std::io::Error>> {
/// let body = ["id: 1\ndata: a\n\n: still here\n\nda", "ta: b\n\ndata: lost"];
/// let chunks = stream::iter(body).map(|chunk| Ok(Bytes::from(chunk)));
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
#[derive(Clone, Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct EventStream<S> {
    stream: S,
    decoder: OwnedDecoder,
    /// What is not decoded of the last chunk.
    chunk: Bytes,
    is_over: bool,
}

impl<S, E> EventStream<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    /// The events of these chunks, with the default [`DecoderOptions`](crate::sse::DecoderOptions).
    pub fn new(stream: S) -> Self {
        Self::with_decoder(stream, OwnedDecoder::new())
    }

    /// The events of these chunks by this decoder, which has options or a last event ID. One that
    /// was left in the middle of another stream is to be [`reset`](OwnedDecoder::reset) first.
    pub const fn with_decoder(stream: S, decoder: OwnedDecoder) -> Self {
        Self { stream, decoder, chunk: Bytes::new(), is_over: false }
    }
}

impl<S> EventStream<S> {
    /// As [`OwnedDecoder::last_event_id`].
    #[must_use]
    pub const fn last_event_id(&self) -> &Utf8Bytes {
        self.decoder.last_event_id()
    }

    /// As [`OwnedDecoder::reconnection_time`].
    #[must_use]
    pub const fn reconnection_time(&self) -> Option<Duration> {
        self.decoder.reconnection_time()
    }

    /// The stream of chunks, the decoder, and what was taken from the one and not yet given to the
    /// other: the bytes to decode next, before those of further chunks.
    pub fn into_parts(self) -> (S, OwnedDecoder, Bytes) {
        (self.stream, self.decoder, self.chunk)
    }

    fn end(&mut self) {
        self.is_over = true;
        self.decoder.reset();
    }
}

impl<S, E> Stream for EventStream<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    type Item = Result<OwnedEvent, ReadError<E>>;

    /// Like the combinators of `futures-util` it has no budget: chunks that end no event are taken
    /// for as long as there are some at once.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        loop {
            match this.decoder.decode(&mut this.chunk) {
                Ok(Some(Item::Event(event))) => return Poll::Ready(Some(Ok(event))),
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) => {
                    this.end();
                    return Poll::Ready(Some(Err(ReadError::Decode(error))));
                }
            }
            match ready!(Pin::new(&mut this.stream).poll_next(cx)).transpose() {
                Ok(Some(chunk)) => this.chunk = chunk,
                Ok(None) => {
                    let last = this.decoder.decode_eof(&mut this.chunk);
                    this.end();
                    return Poll::Ready(match last {
                        Ok(Some(Item::Event(event))) => Some(Ok(event)),
                        Ok(_) => None,
                        Err(error) => Some(Err(ReadError::Decode(error))),
                    });
                }
                Err(error) => {
                    this.end();
                    return Poll::Ready(Some(Err(ReadError::Transport(error))));
                }
            }
        }
    }
}

impl<S, E> FusedStream for EventStream<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}
