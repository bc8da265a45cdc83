//! [`Events`], the events of the response to one request.

use super::event_source::{EventSource, Machine, event};
use super::event_source_error::{EventSourceError, EventSourceErrorKind};
use super::exchange::SendRequest;
use eventwire::sse::client::LastEvents;
use eventwire::sse::{
    DecoderOptions, EventSourceOptions, OwnedDecoder, OwnedEvent, OwnedItem, ReadyState,
};
use futures_core::{FusedStream, Stream};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The events of the response to one request, which is never sent a second time.
/// [`RequestBuilderExt::events`](crate::sse::RequestBuilderExt::events) returns it.
///
/// The request is sent when the first event is asked for. If the response is not an event stream,
/// the first item is an [error](EventSourceErrorKind::Refused) with its status, headers and body.
///
/// The stream is over after the [last event](Self::last_event), after an error, and at the end of
/// the response. With a last event, a response that ends before it was cut off, and the last item
/// is the error [`Ended`](EventSourceErrorKind::Ended). Without one, only HTTP can tell: a body
/// that broke off is a [`Network`](EventSourceErrorKind::Network) error.
///
/// The methods that set something are for use before the first event.
///
/// ```no_run
/// use eventwire_tokio::sse::RequestBuilderExt;
///
/// # async fn ask(question: String) -> Result<(), Box<dyn std::error::Error>> {
/// let http = reqwest::Client::new();
/// let request = http.post("http://localhost:8080/v1/chat").body(question);
/// let mut events = request.events().until("[DONE]");
/// while let Some(event) = events.next().await {
///     println!("{}", event?.data);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before an event is asked for"]
pub struct Events {
    source: EventSource,
    options: EventSourceOptions,
    decoder_options: DecoderOptions,
    /// Whether a response without its last event was cut off.
    has_last_event: bool,
    yields_last_event: bool,
}

impl Events {
    pub(super) fn new(send: SendRequest, authority: &str) -> Self {
        let options = EventSourceOptions::new().reconnect(false);
        let decoder_options = DecoderOptions::new();
        let source = EventSource::new(machine(&options, decoder_options), send, authority);
        Self { source, options, decoder_options, has_last_event: false, yields_last_event: true }
    }

    /// Sets the event after which the stream is over, or [several](LastEvents), any one of which
    /// ends it. The last event is yielded like any other. The connection is closed, even if the
    /// server would keep it open.
    ///
    /// Each call of this or of [`until`](Self::until) replaces the one before.
    pub fn last_event(self, events: impl Into<LastEvents>) -> Self {
        self.end_at(events.into(), true)
    }

    /// Sets the event after which the stream is over, like [`last_event`](Self::last_event), but
    /// does not yield it. Use this for an event that carries nothing else, such as `[DONE]`.
    pub fn until(self, events: impl Into<LastEvents>) -> Self {
        self.end_at(events.into(), false)
    }

    /// Sets how long to wait for the head of the response. The default is
    /// [2 minutes](EventSourceOptions::DEFAULT_RESPONSE_TIMEOUT), and 0 means for ever.
    pub fn response_timeout(self, timeout: Duration) -> Self {
        self.change(|options| options.response_timeout(timeout))
    }

    /// Sets how long the server may be silent within its response. Every byte is a sign of life,
    /// also those of a comment. There is no limit by default, and 0 means none.
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        self.change(|options| options.idle_timeout(timeout))
    }

    /// Sets the limits of the decoder, and the items that [`next_item`](Self::next_item) returns
    /// besides events.
    pub fn decoder_options(mut self, options: DecoderOptions) -> Self {
        self.decoder_options = options;
        self.change(|options| options)
    }

    /// Returns the next event, or `None` if the stream is over.
    ///
    /// # Errors
    /// If there was no response, or it was not an event stream, or it was cut off.
    ///
    /// # Cancel safety
    /// This method is cancel safe. If its future is dropped, nothing is lost: a request that is
    /// under way and everything that was received stay in the stream.
    pub async fn next(&mut self) -> Option<Result<OwnedEvent, EventSourceError>> {
        poll_fn(|cx| self.poll_by(cx, event)).await
    }

    /// Returns the next item, like [`next`](Self::next), but also comments, blocks without data and
    /// lines that are no part of an event, if the [`DecoderOptions`] ask for them. Some servers of
    /// language models report errors in such a [line](DecoderOptions::unknown_lines).
    ///
    /// # Errors
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    /// This method is cancel safe, like [`next`](Self::next).
    pub async fn next_item(&mut self) -> Option<Result<OwnedItem, EventSourceError>> {
        poll_fn(|cx| self.poll_by(cx, Some)).await
    }

    fn end_at(mut self, events: LastEvents, yields_last_event: bool) -> Self {
        self.has_last_event = events != LastEvents::default();
        self.yields_last_event = yields_last_event;
        self.change(|options| options.last_event(events))
    }

    fn change(mut self, change: impl FnOnce(EventSourceOptions) -> EventSourceOptions) -> Self {
        self.options = change(self.options);
        self.source.set_machine(machine(&self.options, self.decoder_options));
        self
    }

    /// Polls for the next item that `pick` takes.
    fn poll_by<T>(
        &mut self,
        cx: &mut Context<'_>,
        pick: impl Fn(OwnedItem) -> Option<T>,
    ) -> Poll<Option<Result<T, EventSourceError>>> {
        let item = ready!(self.source.poll_by(cx, pick));
        // Of all items, only the last event closes the source.
        let is_last = self.source.ready_state() == ReadyState::Closed;
        Poll::Ready(item.filter(|item| match item {
            Ok(_) => self.yields_last_event || !is_last,
            Err(error) => {
                self.has_last_event || !matches!(error.kind(), EventSourceErrorKind::Ended)
            }
        }))
    }
}

fn machine(options: &EventSourceOptions, decoder_options: DecoderOptions) -> Machine {
    Machine::with_decoder(OwnedDecoder::with_options(decoder_options), options.clone())
}

impl Stream for Events {
    type Item = Result<OwnedEvent, EventSourceError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_by(cx, event)
    }
}

impl FusedStream for Events {
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}
