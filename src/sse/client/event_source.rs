//! The client: when to connect, what to send, and what a response, an end or silence means.

use super::event_source_error::{EventSourceError, EventSourceErrorCause};
use super::event_source_options::{Attempt, EventSourceOptions};
use super::last_event::LastEvents;
#[cfg(feature = "alloc")]
use crate::Utf8Bytes;
use crate::last_chance::LastChance;
use crate::retry_after::{RETRY_AFTER, retry_after};
use crate::sse::decode::{DecodeError, Decoder, IdStorage, IdTooLong, Item, Text};
#[cfg(feature = "alloc")]
use crate::sse::decode::{OwnedDecoder, OwnedItem};
use crate::sse::event_id::EventId;
use crate::sse::header::{
    CONTENT_TYPE, LAST_EVENT_ID, last_event_id_value, last_type_is_event_stream,
};
#[cfg(feature = "alloc")]
use bytes::{Bytes, BytesMut};
use core::time::Duration;

/// A client that stays connected to an event stream, `EventSource` of WHATWG HTML (9.2), without
/// the HTTP: it says when to send a request and with which headers, is told what came of it, and
/// gives events.
///
/// 1. Call [`poll`](Self::poll). At [`EventSourceStep::Connect`] send a request with the
///    [`request_headers`](Self::request_headers); at [`EventSourceStep::Wait`] wait until then, for the response
///    or for input.
/// 2. Say what happens: [`response`](Self::response), then `receive` for what came with the head and
///    for each chunk of the body, again and again until it gives [`Received::More`]; at the body's end
///    `receive_eof` likewise, then [`end`](Self::end); or [`network_error`](Self::network_error). What `receive` leaves in a buffer of
///    yours is to stand before the next chunk; a source that is [`owned`](EventSource::owned) takes
///    chunks whole. At [`Received::Closed`] drop the response.
/// 3. An `Err` is the `error` event, but for [misuse](DecodeError::InputShrunk). Drop what is left of
///    the response and of your buffer; whether there will be another connection is in it, and
///    [`poll`](Self::poll) says when.
///
/// `now` is the time since any fixed start, the same for all calls; a clock that is set back does
/// no harm but to waits. A call out of turn, such as a second `end` or anything after
/// [`close`](Self::close), changes nothing: it gives `Ok`, and a body is dropped.
///
/// Redirects, TLS and cookies are the HTTP client's. It may follow redirects (9.2.3 allows all
/// that Fetch does), and is to give the last response.
///
/// # Servers that differ
///
/// * Language models: some of their servers stay connected behind the last event, others leave out the
///   blank line behind it. [`last_event`](EventSourceOptions::last_event) says which events end the stream.
///   [`unfinished`](crate::sse::DecoderOptions::unfinished) has an event given that the end of the body cut off, so
///   there is no need to feed `"\n\n"` behind the body. Some tell of an error by a line of bare JSON:
///   [`unknown_lines`](crate::sse::DecoderOptions::unknown_lines) shows it. A request by POST is not sent a second
///   time unless [`reconnect`](EventSourceOptions::reconnect) says so.
/// * A status other than 200, such as 201, or a response without a `content-type`: by the standard
///   neither is an event stream (9.2.3), and [`response`](Self::response) fails for good. A server
///   that you know to mean one can be accepted by a check of your own, if you tell `response` what it
///   should have said: 200, and a `content-type` of [`CONTENT_TYPE`]. Or leave the source out, and give
///   the body to a [`Decoder`] or `OwnedDecoder`.
/// * Streamable HTTP of the Model Context Protocol: a POST accepts
///   `application/json, text/event-stream`, so replace the value of `accept` among the
///   [`request_headers`](Self::request_headers). The answer may be JSON: look at its `content-type`
///   before you tell the source. A stream that broke off is resumed not by the same POST but by a GET
///   with `last-event-id`: set [`reconnect`](EventSourceOptions::reconnect), and send each request after
///   the first as a GET if there is a [`last_event_id`](Self::last_event_id). Where there is none, the
///   stream cannot be resumed: [`close`](Self::close) the source.
///
/// Memory: on 64-bit machines 224 bytes beside its decoder.
///
/// ```
/// use eventwire::sse::{
///     EventSource, Item, ReadyState, Received, EventSourceErrorCause, EventSourceOptions, EventSourceStep,
/// };
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let mut source = EventSource::new(EventSourceOptions::new());
/// assert_eq!(source.poll(0 * second)?, EventSourceStep::Connect); // send the request
/// assert_eq!(source.poll(0 * second)?, EventSourceStep::Wait(Some(120 * second))); // for the response
///
/// source.response(200, [("content-type", "text/event-stream")], 1 * second)?;
/// assert_eq!(source.ready_state(), ReadyState::Open);
/// let mut body = *b"retry: 2000\nid: 7\ndata: a\n\ndata: cut o";
/// let mut input = &mut body[..];
/// loop {
///     match source.receive(&mut input, 1 * second)? {
///         // As text, with U+FFFD for what is none.
///         Received::Item(Item::Event(event)) => assert_eq!(event.data.to_string(), "a"),
///         Received::Item(_) => {}
///         Received::More => break, // read more of the body, behind what is left
///         Received::Closed => return Ok(()), // drop the response
///     }
/// }
///
/// let error = source.end(10 * second).unwrap_err(); // the body's end
/// assert_eq!(error.cause, EventSourceErrorCause::Ended);
/// assert_eq!(error.reconnect_at, Some(12 * second));
/// assert_eq!(source.poll(10 * second)?, EventSourceStep::Wait(Some(12 * second)));
/// assert_eq!(source.poll(12 * second)?, EventSourceStep::Connect);
/// assert!(source.request_headers().any(|header| header == ("last-event-id", b"7")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EventSource<D = Decoder> {
    /// At the start of a stream whenever none is open.
    decoder: D,
    options: EventSourceOptions,
    state: State,
    /// Of a server that does not answer, or is silent.
    last_chance: LastChance,
    /// The last call of `receive` gave an item. While those are dealt with, nobody listens.
    busy: bool,
    /// There was an event in the stream that is open.
    brought_event: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting { until: Duration },
    Requested { since: Duration },
    Open { since: Duration, heard: Duration },
    Closed,
}

/// What a page sees as `readyState` (WHATWG HTML, 9.2.2), by the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ReadyState {
    /// There is no connection yet, or not again.
    Connecting = 0,
    /// A stream has begun.
    Open = 1,
    /// The source was closed, has failed for good, or is done. There will be no more.
    Closed = 2,
}

/// What a source is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventSourceStep {
    /// Send the request now; given once for each attempt. Begin with an empty buffer.
    Connect,
    /// There is nothing to do before that time; with `None`, until something happens.
    Wait(Option<Duration>),
    /// There is nothing to do any more. Drop the response, if there is one.
    Closed,
}

/// What an [`EventSource`] made of the body so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a stream that is closed gives nothing more: do not wait for it"]
pub enum Received<T> {
    /// The next item; call again.
    Item(T),
    /// The input is used up: call again when there is more of the body, or the source's `receive_eof`
    /// and [`end`](EventSource::end) if there is not.
    More,
    /// No stream is open (any more), and the input was dropped. Nothing comes of this response: drop
    /// it, even if the server stays connected. [`poll`](EventSource::poll) says what is next.
    ///
    /// It comes behind the [last event](EventSourceOptions::last_event), after
    /// [`close`](EventSource::close), and for the body of a response that was lost or refused, or that
    /// the source was not told of.
    Closed,
}

/// A decoder for an [`EventSource`]: [`Decoder`] or [`OwnedDecoder`]. It is sealed.
///
/// A function that is generic over it can run any source:
///
#[cfg_attr(feature = "alloc", doc = "```")]
#[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
/// use bytes::Bytes;
/// use eventwire::sse::{
///     EventSource, EventSourceDecoder, EventSourceError, EventSourceOptions, Item, Received,
/// };
/// use std::time::Duration;
///
/// /// Returns the data of all events in `input`.
/// fn data<D: EventSourceDecoder>(
///     source: &mut EventSource<D>,
///     mut input: D::Input<'_>,
///     now: Duration,
/// ) -> Result<Vec<Vec<u8>>, EventSourceError> {
///     let mut data = Vec::new();
///     while let Received::Item(item) = source.receive(&mut input, now)? {
///         if let Item::Event(event) = item {
///             data.push(event.data.as_ref().to_vec());
///         }
///     }
///     Ok(data)
/// }
///
/// let now = Duration::ZERO;
/// let mut source = EventSource::owned(EventSourceOptions::new());
/// source.poll(now)?;
/// source.response(200, [("content-type", "text/event-stream")], now)?;
/// assert_eq!(data(&mut source, Bytes::from("data: a\n\n"), now)?, [b"a"]);
/// # Ok::<(), EventSourceError>(())
/// ```
pub trait EventSourceDecoder: sealed::EventSourceDecoder {
    /// The bytes that [`EventSource::receive`] takes items off: `&mut [u8]` or `Bytes`.
    type Input<'a>;
    /// The text of an item.
    type Text<'a>: AsRef<[u8]>;
    /// The last event ID that an event carries: none, as the decoder keeps it, or its own.
    type LastEventId;

    #[doc(hidden)]
    fn has_news(&self, input: &Self::Input<'_>) -> bool;
    #[doc(hidden)]
    fn drop_all(input: &mut Self::Input<'_>);
    #[doc(hidden)]
    fn take<'a>(
        &mut self,
        input: &mut Self::Input<'a>,
    ) -> Decoded<Self::Text<'a>, Self::LastEventId>;
    #[doc(hidden)]
    fn take_unfinished<'a>(
        &mut self,
        input: &mut Self::Input<'a>,
        give: bool,
    ) -> Decoded<Self::Text<'a>, Self::LastEventId>;
}

/// What a decoder made of its input.
type Taken<'a, D> =
    Received<Item<<D as EventSourceDecoder>::Text<'a>, <D as EventSourceDecoder>::LastEventId>>;
type Decoded<T, L> = Result<Option<Item<T, L>>, DecodeError>;

mod sealed {
    use crate::sse::{EventId, IdTooLong, LastEvents};
    use core::time::Duration;

    pub trait EventSourceDecoder {
        fn last_event_id(&self) -> &str;
        fn set_last_event_id(&mut self, id: EventId<'_>) -> Result<(), IdTooLong>;
        fn reconnection_time(&self) -> Option<Duration>;
        fn reset(&mut self);
        fn gives_unfinished(&self) -> bool;
        /// Whether the decoder holds an unfinished event that is one of these. Then it is to be reset.
        fn ends_in(&mut self, last_events: &LastEvents) -> bool;
    }
}

impl EventSource {
    /// A source of events in the caller's buffer, with the default
    /// [`DecoderOptions`](crate::sse::DecoderOptions) and ids of up to 256 bytes. Where there is an allocator,
    /// [`owned`](EventSource::owned) is simpler.
    #[must_use]
    pub const fn new(options: EventSourceOptions) -> Self {
        Self::start(Decoder::new(), options)
    }
}

#[cfg(feature = "alloc")]
impl EventSource<OwnedDecoder> {
    /// A source of owned events, with the default [`DecoderOptions`](crate::sse::DecoderOptions).
    #[must_use]
    pub fn owned(options: EventSourceOptions) -> Self {
        Self::with_decoder(OwnedDecoder::new(), options)
    }
}

impl<D> EventSource<D> {
    const fn start(decoder: D, options: EventSourceOptions) -> Self {
        Self {
            decoder,
            options,
            // No time is before this.
            state: State::Waiting { until: Duration::ZERO },
            last_chance: LastChance::new(),
            busy: false,
            brought_event: false,
        }
    }
}

impl<D: EventSourceDecoder> EventSource<D> {
    /// A source whose events come from this decoder, by its limits and with the items that it
    /// shows. It starts a new stream; its last event ID and reconnection time stay.
    ///
    /// ```
    /// use eventwire::sse::{Decoder, EventSource, InlineId, DecoderOptions, EventSourceOptions};
    ///
    /// let decoder = Decoder::with_storage(DecoderOptions::new().max_event(511), InlineId::<36>::new());
    /// let source = EventSource::with_decoder(decoder, EventSourceOptions::new());
    /// ```
    #[must_use]
    pub fn with_decoder(mut decoder: D, options: EventSourceOptions) -> Self {
        decoder.reset();
        Self::start(decoder, options)
    }

    /// How far it is. [`poll`](Self::poll) says what is to be done.
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        match self.state {
            State::Waiting { .. } | State::Requested { .. } => ReadyState::Connecting,
            State::Open { .. } => ReadyState::Open,
            State::Closed => ReadyState::Closed,
        }
    }

    /// The last event ID as of the last item, empty if there is none: what resumes the stream, also
    /// after a restart of the program.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.decoder.last_event_id()
    }

    /// How long it waits before it connects again, at least: the server's last `retry`, or what the
    /// options say.
    #[must_use]
    pub fn reconnection_time(&self) -> Duration {
        self.decoder.reconnection_time().unwrap_or(self.options.reconnection_time)
    }

    /// The headers that the standard has each request carry, names in lower case (9.2.2, 9.2.3). Your
    /// own stand beside them; where a server wants another `accept`, send that in place of this one.
    ///
    /// A last event ID that [cannot travel](crate::sse::UnsendableId) is left out, so that the server
    /// begins as for a new client; [`last_event_id_value`] tells.
    pub fn request_headers(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let id = last_event_id_value(self.last_event_id()).ok().flatten();
        [("accept", CONTENT_TYPE.as_bytes()), ("cache-control", b"no-cache")]
            .into_iter()
            .chain(id.map(|id| (LAST_EVENT_ID, id)))
    }

    /// What there is to do. Call it first, whenever you are about to wait, and when the time has come
    /// that it gave.
    ///
    /// # Errors
    /// If the [response timeout](EventSourceOptions::response_timeout) or the
    /// [idle timeout](EventSourceOptions::idle_timeout) has passed: drop the request, or the response.
    pub fn poll(&mut self, now: Duration) -> Result<EventSourceStep, EventSourceError> {
        match self.state {
            State::Closed => Ok(EventSourceStep::Closed),
            State::Waiting { until } if now < until => Ok(EventSourceStep::Wait(Some(until))),
            State::Waiting { .. } => {
                self.state = State::Requested { since: now };
                Ok(EventSourceStep::Connect)
            }
            State::Requested { since } => {
                let timeout = self.options.response_timeout;
                if timeout.is_zero() {
                    return Ok(EventSourceStep::Wait(None));
                }
                self.silence(since, timeout, EventSourceErrorCause::NoResponse, now)
            }
            State::Open { heard, .. } => match self.options.idle_timeout {
                Some(timeout) if !timeout.is_zero() => {
                    self.silence(heard, timeout, EventSourceErrorCause::Idle, now)
                }
                _ => Ok(EventSourceStep::Wait(None)),
            },
        }
    }

    /// Judges a server that was last heard at `since`.
    fn silence(
        &mut self,
        since: Duration,
        timeout: Duration,
        cause: EventSourceErrorCause,
        now: Duration,
    ) -> Result<EventSourceStep, EventSourceError> {
        let deadline = since.saturating_add(timeout);
        if self.last_chance.was_missed(deadline, timeout, now) {
            let attempt = self.attempt(since);
            return Err(self.lose(cause, attempt, self.reconnection_time(), now));
        }
        Ok(EventSourceStep::Wait(Some(self.last_chance.deadline(deadline))))
    }

    /// The head of the response has come. Status 200 with the type `text/event-stream` opens the
    /// stream; of several types in `content-type` headers the last counts. All others fail for good,
    /// but those [to be tried again](EventSourceOptions::retry_statuses); their body often says why.
    ///
    /// Headers are names and values in any case and order, such as those of `http::HeaderMap`.
    ///
    /// # Errors
    /// If the stream does not open: drop the response.
    pub fn response<N: AsRef<str>, V: AsRef<[u8]>>(
        &mut self,
        status: u16,
        headers: impl IntoIterator<Item = (N, V)>,
        now: Duration,
    ) -> Result<(), EventSourceError> {
        if !matches!(self.state, State::Requested { .. }) {
            return Ok(());
        }
        let mut of_type = false;
        let mut wait = Duration::ZERO;
        for (name, value) in headers {
            let (name, value) = (name.as_ref(), value.as_ref());
            if name.eq_ignore_ascii_case("content-type") {
                of_type = last_type_is_event_stream(value).unwrap_or(of_type);
            } else if name.eq_ignore_ascii_case(RETRY_AFTER) {
                wait = retry_after(value).unwrap_or_default();
            }
        }
        match status {
            200 if of_type => {
                self.state = State::Open { since: now, heard: now };
                self.last_chance.clear();
                Ok(())
            }
            200 => Err(self.fail(EventSourceErrorCause::ContentType)),
            204 => Err(self.fail(EventSourceErrorCause::Status(status))),
            _ if self.options.retry_statuses.contain(status) => {
                let wait = wait.max(self.reconnection_time());
                Err(self.lose(EventSourceErrorCause::Status(status), Attempt::default(), wait, now))
            }
            _ => Err(self.fail(EventSourceErrorCause::Status(status))),
        }
    }

    /// The body has ended. Call `receive_eof` until it gives [`Received::More`] first, with what is
    /// left of the input. What is left then is discarded; the server sends it again.
    ///
    /// # Errors
    /// Always while the stream is open, since there should have been more of it. After the
    /// [last event](EventSourceOptions::last_event) it is not.
    pub fn end(&mut self, now: Duration) -> Result<(), EventSourceError> {
        let State::Open { .. } = self.state else { return Ok(()) };
        if !self.options.last_events.are_none() && self.decoder.ends_in(&self.options.last_events) {
            self.leave(State::Closed);
            return Ok(());
        }
        let attempt = Attempt { ended: true, ..self.attempt(now) };
        Err(self.lose(EventSourceErrorCause::Ended, attempt, self.reconnection_time(), now))
    }

    /// The request could not be sent, had no response, or the body broke off, by this error of the HTTP
    /// client: it is given back inside the other. An error that says that the request can never
    /// succeed, such as an invalid URL, is one for [`aborted`](Self::aborted).
    ///
    /// # Errors
    /// Always while a request is under way.
    pub fn network_error<E>(&mut self, error: E, now: Duration) -> Result<(), EventSourceError<E>> {
        match self.state {
            State::Requested { .. } | State::Open { .. } => {
                let attempt = self.attempt(now);
                let cause = EventSourceErrorCause::Network(error);
                Err(self.lose(cause, attempt, self.reconnection_time(), now))
            }
            State::Waiting { .. } | State::Closed => Ok(()),
        }
    }

    /// The request was aborted, or can never succeed: by the standard that fails for good (9.2.3,
    /// "if res is an aborted network error", "unless the user agent knows that to be futile").
    ///
    /// # Errors
    /// Always while a request is under way.
    pub fn aborted(&mut self) -> Result<(), EventSourceError> {
        match self.state {
            State::Requested { .. } | State::Open { .. } => {
                Err(self.fail(EventSourceErrorCause::Aborted))
            }
            State::Waiting { .. } | State::Closed => Ok(()),
        }
    }

    /// Closes the source for good, in any state: nothing comes of it any more, not an event nor an
    /// error. Drop the response, if there is one.
    pub fn close(&mut self) {
        self.leave(State::Closed);
    }

    /// Takes the next item off the front of `input`. Call it until it returns [`Received::More`] or
    /// [`Received::Closed`]. Unless the stream is open, all of `input` is dropped.
    ///
    /// A [`Decoder`] takes `&mut &mut [u8]`: at [`Received::More`] keep what is left of `input`, append
    /// to it, and call again; with each new connection begin with an empty buffer. An
    /// [`OwnedDecoder`] takes chunks of the body, as `&mut Bytes`, and keeps by itself what is
    /// unfinished: at [`Received::More`] the chunk is used up.
    ///
    /// # Errors
    /// If the stream went past a limit, which fails for good; or on
    /// [misuse](DecodeError::InputShrunk), which changes nothing.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        input: &mut D::Input<'a>,
        now: Duration,
    ) -> Result<Taken<'a, D>, EventSourceError> {
        self.receive_by(input, now, D::has_news, D::take, D::drop_all)
    }

    /// As [`receive`](Self::receive), once the body has ended and `input` is all that is left of it:
    /// call it until it returns [`Received::More`], and then [`end`](Self::end). The last item may be one
    /// that the end cut off, if the decoder's options [ask for it](crate::sse::DecoderOptions::unfinished); if that is
    /// a [last event](EventSourceOptions::last_event), it closes the source all the same.
    ///
    #[cfg_attr(feature = "alloc", doc = "```")]
    #[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
    /// use bytes::Bytes;
    /// use eventwire::sse::{
    ///     OwnedDecoder, EventSource, Item, LastEvent, DecoderOptions, Received, EventSourceOptions,
    /// };
    /// use std::time::Duration;
    ///
    /// let now = Duration::ZERO;
    /// let decoder = OwnedDecoder::with_options(DecoderOptions::new().unfinished(true));
    /// let options = EventSourceOptions::new().last_event(LastEvent::Data("[DONE]"));
    /// let mut source = EventSource::with_decoder(decoder, options);
    /// source.poll(now)?;
    /// source.response(200, [("content-type", "text/event-stream")], now)?;
    ///
    /// let mut chunk = Bytes::from("data: [DONE]"); // and then the end of the body
    /// assert_eq!(source.receive(&mut chunk, now)?, Received::More);
    /// let Received::Item(Item::Event(event)) = source.receive_eof(&mut chunk, now)? else { panic!() };
    /// assert_eq!(event.data, "[DONE]");
    /// assert_eq!(source.receive_eof(&mut chunk, now)?, Received::Closed);
    /// assert_eq!(source.end(now), Ok(())); // no error: it was the last event
    /// # Ok::<(), eventwire::sse::EventSourceError>(())
    /// ```
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn receive_eof<'a>(
        &mut self,
        input: &mut D::Input<'a>,
        now: Duration,
    ) -> Result<Taken<'a, D>, EventSourceError> {
        let received = self.receive(input, now)?;
        self.receive_eof_by(received, |decoder, give| decoder.take_unfinished(input, give))
    }

    /// Sets the last event ID, to resume a stream after a restart of the program.
    ///
    /// # Errors
    /// If the id does not fit the decoder's [storage](IdStorage). An [`OwnedDecoder`] keeps any.
    pub fn set_last_event_id(&mut self, id: EventId<'_>) -> Result<(), IdTooLong> {
        self.decoder.set_last_event_id(id)
    }

    /// What the decoder gives is passed on, and counts; `has_news` is whether the input has bytes that
    /// were not there before. Inlined, as items cost much to move.
    #[inline(always)]
    fn receive_by<I, T: AsRef<[u8]>, L>(
        &mut self,
        input: &mut I,
        now: Duration,
        has_news: impl FnOnce(&D, &I) -> bool,
        decode: impl FnOnce(&mut D, &mut I) -> Result<Option<Item<T, L>>, DecodeError>,
        drop_all: impl FnOnce(&mut I),
    ) -> Result<Received<Item<T, L>>, EventSourceError> {
        let State::Open { heard, .. } = &mut self.state else {
            drop_all(input);
            return Ok(Received::Closed);
        };
        // Silence begins when there are no more items to deal with.
        if self.busy || has_news(&self.decoder, input) {
            *heard = now;
            self.last_chance.clear();
        }
        match decode(&mut self.decoder, input) {
            Ok(Some(item)) => {
                self.busy = true;
                self.give(&item);
                Ok(Received::Item(item))
            }
            Ok(None) => {
                self.busy = false;
                Ok(Received::More)
            }
            Err(error) => Err(self.decoding_failed(error)),
        }
    }

    /// An item is about to be given.
    #[inline(always)]
    fn give<T: AsRef<[u8]>, L>(&mut self, item: &Item<T, L>) {
        if let Item::Event(event) = item {
            self.brought_event = true;
            if self.options.last_events.contain(event) {
                self.leave(State::Closed);
            }
        }
    }

    /// Once `receive` gave `received` of a body that has ended; `unfinished` is what the end cut off,
    /// and whether that counts.
    fn receive_eof_by<T: AsRef<[u8]>, L>(
        &mut self,
        received: Received<Item<T, L>>,
        unfinished: impl FnOnce(&mut D, bool) -> Result<Option<Item<T, L>>, DecodeError>,
    ) -> Result<Received<Item<T, L>>, EventSourceError> {
        if !matches!(received, Received::More) {
            return Ok(received);
        }
        let give = self.decoder.gives_unfinished();
        let item = match unfinished(&mut self.decoder, give) {
            Ok(item) => item,
            Err(error) => return Err(self.decoding_failed(error)),
        };
        self.decoder.reset();
        match item {
            Some(item) if give => {
                self.give(&item);
                Ok(Received::Item(item))
            }
            Some(Item::Event(event)) if self.options.last_events.contain(&event) => {
                self.leave(State::Closed);
                Ok(Received::Closed)
            }
            _ => Ok(Received::More),
        }
    }

    /// The decoder failed, for good: the server would send the same again. Misuse is no failure.
    #[cold]
    fn decoding_failed(&mut self, error: DecodeError) -> EventSourceError {
        let cause = EventSourceErrorCause::Decode(error);
        if let DecodeError::InputShrunk { .. } = error {
            return EventSourceError { cause, reconnect_at: None };
        }
        self.fail(cause)
    }

    /// What became of the request, of which the server was heard until then.
    fn attempt(&self, until: Duration) -> Attempt {
        let lasted = match self.state {
            State::Open { since, .. } => until.saturating_sub(since),
            _ => Duration::ZERO,
        };
        Attempt { lasted, brought_event: self.brought_event, ended: false }
    }

    /// Reestablishes the connection (9.2.3) after `wait` or more, if that may be.
    fn lose<E>(
        &mut self,
        cause: EventSourceErrorCause<E>,
        attempt: Attempt,
        wait: Duration,
        now: Duration,
    ) -> EventSourceError<E> {
        let wait = self.options.next_wait(attempt, wait);
        let reconnect_at = wait.map(|wait| now.saturating_add(wait));
        self.leave(reconnect_at.map_or(State::Closed, |until| State::Waiting { until }));
        EventSourceError { cause, reconnect_at }
    }

    /// Fails the connection (9.2.3).
    fn fail(&mut self, cause: EventSourceErrorCause) -> EventSourceError {
        self.leave(State::Closed);
        EventSourceError { cause, reconnect_at: None }
    }

    #[cold]
    fn leave(&mut self, state: State) {
        self.decoder.reset();
        self.state = state;
        self.last_chance.clear();
        self.busy = false;
        self.brought_event = false;
    }
}

#[cfg(feature = "alloc")]
impl EventSource<OwnedDecoder> {
    /// Takes the next item off the front of a buffer that is read into, as
    /// [`OwnedDecoder::decode_buffer`]: at [`Received::More`] leave what is left in `buffer`, and append to
    /// it. With each new connection begin with an empty buffer. Unless the stream is open, all of
    /// `buffer` is dropped.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and on misuse, which changes nothing.
    #[inline]
    pub fn receive_buffer(
        &mut self,
        buffer: &mut BytesMut,
        now: Duration,
    ) -> Result<Received<OwnedItem>, EventSourceError> {
        let has_news = |decoder: &OwnedDecoder, buffer: &BytesMut| decoder.has_news(buffer.len());
        self.receive_by(buffer, now, has_news, OwnedDecoder::decode_buffer, BytesMut::clear)
    }

    /// As [`receive_buffer`](Self::receive_buffer), once the body has ended and `buffer` is all that is left
    /// of it, in the way of [`receive_eof`](Self::receive_eof).
    ///
    /// # Errors
    /// As [`receive_buffer`](Self::receive_buffer).
    pub fn receive_buffer_eof(
        &mut self,
        buffer: &mut BytesMut,
        now: Duration,
    ) -> Result<Received<OwnedItem>, EventSourceError> {
        let received = self.receive_buffer(buffer, now)?;
        self.receive_eof_by(received, |decoder, give| decoder.unfinished_mut(buffer, give))
    }
}

impl<S: IdStorage> EventSourceDecoder for Decoder<S> {
    type Input<'a> = &'a mut [u8];
    type Text<'a> = Text<'a>;
    type LastEventId = ();

    #[inline]
    fn has_news(&self, input: &&mut [u8]) -> bool {
        self.has_news(input.len())
    }

    fn drop_all(input: &mut &mut [u8]) {
        *input = &mut [];
    }

    #[inline(always)]
    fn take<'a: 'a>(&mut self, input: &mut &'a mut [u8]) -> Decoded<Text<'a>, ()> {
        self.decode(input)
    }

    fn take_unfinished<'a: 'a>(
        &mut self,
        input: &mut &'a mut [u8],
        give: bool,
    ) -> Decoded<Text<'a>, ()> {
        self.unfinished(input, give)
    }
}

impl<S: IdStorage> sealed::EventSourceDecoder for Decoder<S> {
    fn last_event_id(&self) -> &str {
        self.last_event_id()
    }

    fn set_last_event_id(&mut self, id: EventId<'_>) -> Result<(), IdTooLong> {
        self.set_last_event_id(id)
    }

    fn reconnection_time(&self) -> Option<Duration> {
        self.reconnection_time()
    }

    fn reset(&mut self) {
        self.reset();
    }

    fn gives_unfinished(&self) -> bool {
        self.gives_unfinished()
    }

    /// What is unfinished is in the caller's buffer.
    fn ends_in(&mut self, _: &LastEvents) -> bool {
        false
    }
}

#[cfg(feature = "alloc")]
impl EventSourceDecoder for OwnedDecoder {
    type Input<'a> = Bytes;
    type Text<'a> = Utf8Bytes;
    type LastEventId = Utf8Bytes;

    #[inline]
    fn has_news(&self, chunk: &Bytes) -> bool {
        !chunk.is_empty()
    }

    fn drop_all(chunk: &mut Bytes) {
        chunk.clear();
    }

    #[inline(always)]
    fn take<'a: 'a>(&mut self, chunk: &mut Bytes) -> Decoded<Utf8Bytes, Utf8Bytes> {
        self.decode(chunk)
    }

    fn take_unfinished<'a: 'a>(
        &mut self,
        _: &mut Bytes,
        give: bool,
    ) -> Decoded<Utf8Bytes, Utf8Bytes> {
        self.unfinished(give)
    }
}

#[cfg(feature = "alloc")]
impl sealed::EventSourceDecoder for OwnedDecoder {
    fn last_event_id(&self) -> &str {
        self.last_event_id()
    }

    fn set_last_event_id(&mut self, id: EventId<'_>) -> Result<(), IdTooLong> {
        self.set_last_event_id(id);
        Ok(())
    }

    fn reconnection_time(&self) -> Option<Duration> {
        self.reconnection_time()
    }

    fn reset(&mut self) {
        self.reset();
    }

    fn gives_unfinished(&self) -> bool {
        self.gives_unfinished()
    }

    fn ends_in(&mut self, last_events: &LastEvents) -> bool {
        matches!(self.unfinished(false), Ok(Some(Item::Event(event))) if last_events.contain(&event))
    }
}
