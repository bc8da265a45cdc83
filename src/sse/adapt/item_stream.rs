//! [`ItemStream`], a stream of items over a stream of chunks.

use super::read_error::ReadError;
use crate::Utf8Bytes;
use crate::sse::client::LastEvents;
use crate::sse::decode::{Item, OwnedDecoder, OwnedItem};
use bytes::Bytes;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

pin_project! {
    /// All items of an event stream over a [`Stream`] of chunks: events, and everything else that
    /// the decoder's [options](crate::sse::DecoderOptions) ask for, such as comments and blocks
    /// without data. [`EventStream::items`](crate::sse::EventStream::items) returns it.
    ///
    /// In all other respects, including errors, it behaves like an
    /// [`EventStream`](crate::sse::EventStream).
    ///
    /// ```
    /// use eventwire::sse::{DecoderOptions, EventStream, Item, OwnedDecoder, ReadError};
    /// use futures_util::stream;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), ReadError<std::io::Error>> {
    /// let chunks = stream::iter([Ok("id: 1\nretry: 500\n\n: alive\n\ndata: a\n\n")]);
    /// let options = DecoderOptions::new().blocks(true).comments(true);
    /// let events = EventStream::new(chunks).decoder(OwnedDecoder::with_options(options));
    ///
    /// let mut items = events.items();
    /// while let Some(item) = items.next().await {
    ///     match item? {
    ///         Item::Block(block) => assert_eq!(block.id, Some("1".into())),
    ///         Item::Comment(text) => assert_eq!(text, "alive"),
    ///         Item::Event(event) => assert_eq!(event.data, "a"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[derive(Clone, Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct ItemStream<S> {
        #[pin]
        stream: S,
        decoder: OwnedDecoder,
        // The part of the last chunk that is not decoded yet.
        chunk: Bytes,
        last_events: LastEvents,
        yields_last: bool,
        state: State,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// The chunks ended before the last event, and this is not reported yet.
    Cut,
    Over,
}

impl<S> ItemStream<S> {
    pub(super) const fn new(stream: S, decoder: OwnedDecoder) -> Self {
        Self {
            stream,
            decoder,
            chunk: Bytes::new(),
            last_events: LastEvents::NONE,
            yields_last: true,
            state: State::Reading,
        }
    }

    pub(super) fn set_decoder(&mut self, decoder: OwnedDecoder) {
        self.decoder = decoder;
    }

    pub(super) fn set_last_events(&mut self, last_events: LastEvents, yields_last: bool) {
        self.last_events = last_events;
        self.yields_last = yields_last;
    }

    /// Returns the last event ID, like [`OwnedDecoder::last_event_id`].
    #[must_use]
    pub const fn last_event_id(&self) -> &Utf8Bytes {
        self.decoder.last_event_id()
    }

    /// Returns the last valid `retry`, like [`OwnedDecoder::reconnection_time`].
    #[must_use]
    pub const fn reconnection_time(&self) -> Option<Duration> {
        self.decoder.reconnection_time()
    }

    /// Returns the same parts as [`EventStream::into_parts`](crate::sse::EventStream::into_parts).
    pub fn into_parts(self) -> (S, OwnedDecoder, Bytes) {
        (self.stream, self.decoder, self.chunk)
    }

    /// Polls for the next item that `pick` takes. This is inlined, because items are expensive to
    /// move.
    #[inline(always)]
    pub(super) fn poll_by<C, E, T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pick: impl Fn(OwnedItem) -> Option<T>,
    ) -> Poll<Option<Result<T, ReadError<E>>>>
    where
        S: Stream<Item = Result<C, E>>,
        C: Into<Bytes>,
    {
        let mut this = self.project();
        match *this.state {
            State::Reading => {}
            State::Cut => {
                *this.state = State::Over;
                return Poll::Ready(Some(Err(ReadError::Ended)));
            }
            State::Over => return Poll::Ready(None),
        }
        loop {
            match this.decoder.decode(this.chunk) {
                Ok(Some(item)) => {
                    if is_one_of(this.last_events, &item) {
                        *this.state = State::Over;
                        this.decoder.reset();
                        return Poll::Ready(pick(item).filter(|_| *this.yields_last).map(Ok));
                    }
                    match pick(item) {
                        Some(picked) => return Poll::Ready(Some(Ok(picked))),
                        None => continue,
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    *this.state = State::Over;
                    this.decoder.reset();
                    return Poll::Ready(Some(Err(ReadError::Decode(error))));
                }
            }
            match ready!(this.stream.as_mut().poll_next(cx)).transpose() {
                Ok(Some(chunk)) => *this.chunk = chunk.into(),
                Ok(None) => break,
                Err(error) => {
                    *this.state = State::Over;
                    this.decoder.reset();
                    return Poll::Ready(Some(Err(ReadError::Transport(error))));
                }
            }
        }
        // The chunks have ended.
        let give = this.decoder.gives_unfinished();
        let unfinished = this.decoder.unfinished(give);
        this.decoder.reset();
        *this.state = State::Over;
        let item = match unfinished {
            Ok(item) => item,
            Err(error) => return Poll::Ready(Some(Err(ReadError::Decode(error)))),
        };
        let is_last = item.as_ref().is_some_and(|item| is_one_of(this.last_events, item));
        let is_cut = !is_last && !this.last_events.are_none();
        if give
            && (!is_last || *this.yields_last)
            && let Some(picked) = item.and_then(pick)
        {
            if is_cut {
                *this.state = State::Cut;
            }
            return Poll::Ready(Some(Ok(picked)));
        }
        Poll::Ready(is_cut.then_some(Err(ReadError::Ended)))
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }
}

#[inline(always)]
fn is_one_of(last_events: &LastEvents, item: &OwnedItem) -> bool {
    matches!(item, Item::Event(event) if last_events.contain(event))
}

impl<S, C, E> ItemStream<S>
where
    S: Stream<Item = Result<C, E>>,
    C: Into<Bytes>,
{
    /// Returns the next item, or `None` if the stream is over. This does the same as `next` of
    /// `futures_util::StreamExt`, without that crate.
    ///
    /// # Errors
    /// Those of an [`EventStream`](crate::sse::EventStream).
    ///
    /// # Cancel safety
    /// This method is cancel safe. If its future is dropped, nothing is lost: everything that was
    /// received stays in the stream.
    pub async fn next(&mut self) -> Option<Result<OwnedItem, ReadError<E>>>
    where
        Self: Unpin,
    {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<S, C, E> Stream for ItemStream<S>
where
    S: Stream<Item = Result<C, E>>,
    C: Into<Bytes>,
{
    type Item = Result<OwnedItem, ReadError<E>>;

    /// Polls for the next item. Like the combinators of `futures-util`, this has no budget: it
    /// takes chunks that complete no item for as long as they are ready.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_by(cx, Some)
    }
}

impl<S, C, E> FusedStream for ItemStream<S>
where
    S: Stream<Item = Result<C, E>>,
    C: Into<Bytes>,
{
    fn is_terminated(&self) -> bool {
        self.is_over()
    }
}
