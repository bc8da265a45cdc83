//! The client: when to connect, what to send, and what a response, an end or silence means.

use super::header::last_type_is_event_stream;
use super::source_options::Attempt;
#[cfg(feature = "alloc")]
use super::{BytesDecoder, OwnedItem};
use super::{
    CONTENT_TYPE, DecodeError, Decoder, EventId, IdStorage, IdTooLong, Item, LAST_EVENT_ID,
    LastEvents, SourceError, SourceErrorCause, SourceOptions, Text, last_event_id_value,
};
use crate::last_chance::LastChance;
use crate::retry_after::{RETRY_AFTER, retry_after};
#[cfg(feature = "alloc")]
use bytes::{Bytes, BytesMut};
use core::time::Duration;

/// A client that stays connected to an event stream, `EventSource` of WHATWG HTML (9.2), without
/// the HTTP: it says when to send a request and with which headers, is told what came of it, and
/// gives events.
///
/// 1. Call [`poll`](Self::poll). At [`Step::Connect`] send a request with the
///    [`request_headers`](Self::request_headers); at [`Step::Wait`] wait until then, for the response
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
///   blank line behind it. [`last_event`](SourceOptions::last_event) says which events end the stream.
///   [`unfinished`](super::Options::unfinished) has an event given that the end of the body cut off, so
///   there is no need to feed `"\n\n"` behind the body. Some tell of an error by a line of bare JSON:
///   [`unknown_lines`](super::Options::unknown_lines) shows it. A request by POST is not sent a second
///   time unless [`reconnect`](SourceOptions::reconnect) says so.
/// * A status other than 200, such as 201, or a response without a `content-type`: by the standard
///   neither is an event stream (9.2.3), and [`response`](Self::response) fails for good. A server
///   that you know to mean one can be accepted by a check of your own, if you tell `response` what it
///   should have said: 200, and a `content-type` of [`CONTENT_TYPE`]. Or leave the source out, and give
///   the body to a [`Decoder`] or `BytesDecoder`.
/// * Streamable HTTP of the Model Context Protocol: a POST accepts
///   `application/json, text/event-stream`, so replace the value of `accept` among the
///   [`request_headers`](Self::request_headers). The answer may be JSON: look at its `content-type`
///   before you tell the source. A stream that broke off is resumed not by the same POST but by a GET
///   with `last-event-id`: set [`reconnect`](SourceOptions::reconnect), and send each request after
///   the first as a GET if there is a [`last_event_id`](Self::last_event_id). Where there is none, the
///   stream cannot be resumed: [`close`](Self::close) the source.
///
/// Memory: on 64-bit machines 224 bytes beside its decoder.
///
/// ```
/// use eventwire::sse::{
///     EventSource, Item, ReadyState, Received, SourceErrorCause, SourceOptions, Step,
/// };
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let mut source = EventSource::new(SourceOptions::new());
/// assert_eq!(source.poll(0 * second)?, Step::Connect); // send the request
/// assert_eq!(source.poll(0 * second)?, Step::Wait(Some(120 * second))); // for the response
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
/// assert_eq!(error.cause, SourceErrorCause::Ended);
/// assert_eq!(error.reconnect_at, Some(12 * second));
/// assert_eq!(source.poll(10 * second)?, Step::Wait(Some(12 * second)));
/// assert_eq!(source.poll(12 * second)?, Step::Connect);
/// assert!(source.request_headers().any(|header| header == ("last-event-id", b"7")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EventSource<D = Decoder> {
    /// At the start of a stream whenever none is open.
    decoder: D,
    options: SourceOptions,
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
pub enum Step {
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
    /// It comes behind the [last event](SourceOptions::last_event), after
    /// [`close`](EventSource::close), and for the body of a response that was lost or refused, or that
    /// the source was not told of.
    Closed,
}

/// A decoder for an [`EventSource`]: [`Decoder`] or [`BytesDecoder`](super::BytesDecoder). It is
/// sealed.
pub trait SourceDecoder: sealed::SourceDecoder {}

mod sealed {
    use super::LastEvents;
    use core::time::Duration;

    pub trait SourceDecoder {
        fn last_event_id(&self) -> &str;
        fn reconnection_time(&self) -> Option<Duration>;
        fn reset(&mut self);
        fn gives_unfinished(&self) -> bool;
        /// Whether the decoder holds an unfinished event that is one of these. Then it is to be reset.
        fn ends_in(&mut self, last_events: &LastEvents) -> bool;
    }
}

impl EventSource {
    /// A source of events in the caller's buffer, with the default
    /// [`Options`](super::Options) and ids of up to 256 bytes. Where there is an allocator,
    /// [`owned`](EventSource::owned) is simpler.
    #[must_use]
    pub const fn new(options: SourceOptions) -> Self {
        Self::start(Decoder::new(), options)
    }
}

#[cfg(feature = "alloc")]
impl EventSource<BytesDecoder> {
    /// A source of owned events, with the default [`Options`](super::Options).
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    #[must_use]
    pub fn owned(options: SourceOptions) -> Self {
        Self::with_decoder(BytesDecoder::new(), options)
    }
}

impl<D> EventSource<D> {
    const fn start(decoder: D, options: SourceOptions) -> Self {
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

impl<D: SourceDecoder> EventSource<D> {
    /// A source whose events come from this decoder, by its limits and with the items that it
    /// shows. It starts a new stream; its last event ID and reconnection time stay.
    ///
    /// ```
    /// use eventwire::sse::{Decoder, EventSource, InlineId, Options, SourceOptions};
    ///
    /// let decoder = Decoder::<InlineId<36>>::with_options(Options::new().max_event(511));
    /// let source = EventSource::with_decoder(decoder, SourceOptions::new());
    /// ```
    #[must_use]
    pub fn with_decoder(mut decoder: D, options: SourceOptions) -> Self {
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
    /// A last event ID that [cannot travel](super::UnsendableId) is left out, so that the server
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
    /// If the [response timeout](SourceOptions::response_timeout) or the
    /// [idle timeout](SourceOptions::idle_timeout) has passed: drop the request, or the response.
    pub fn poll(&mut self, now: Duration) -> Result<Step, SourceError> {
        match self.state {
            State::Closed => Ok(Step::Closed),
            State::Waiting { until } if now < until => Ok(Step::Wait(Some(until))),
            State::Waiting { .. } => {
                self.state = State::Requested { since: now };
                Ok(Step::Connect)
            }
            State::Requested { since } => {
                let timeout = self.options.response_timeout;
                if timeout.is_zero() {
                    return Ok(Step::Wait(None));
                }
                self.silence(since, timeout, SourceErrorCause::NoResponse, now)
            }
            State::Open { heard, .. } => match self.options.idle_timeout {
                Some(timeout) if !timeout.is_zero() => {
                    self.silence(heard, timeout, SourceErrorCause::Idle, now)
                }
                _ => Ok(Step::Wait(None)),
            },
        }
    }

    /// Judges a server that was last heard at `since`.
    fn silence(
        &mut self,
        since: Duration,
        timeout: Duration,
        cause: SourceErrorCause,
        now: Duration,
    ) -> Result<Step, SourceError> {
        let deadline = since.saturating_add(timeout);
        if self.last_chance.was_missed(deadline, timeout, now) {
            let attempt = self.attempt(since);
            return Err(self.lose(cause, attempt, self.reconnection_time(), now));
        }
        Ok(Step::Wait(Some(self.last_chance.deadline(deadline))))
    }

    /// The head of the response has come. Status 200 with the type `text/event-stream` opens the
    /// stream; of several types in `content-type` headers the last counts. All others fail for good,
    /// but those [to be tried again](SourceOptions::retry_statuses); their body often says why.
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
    ) -> Result<(), SourceError> {
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
            200 => Err(self.fail(SourceErrorCause::ContentType)),
            204 => Err(self.fail(SourceErrorCause::Status(status))),
            _ if self.options.retry_statuses.contains(&status) => {
                let wait = wait.max(self.reconnection_time());
                Err(self.lose(SourceErrorCause::Status(status), Attempt::default(), wait, now))
            }
            _ => Err(self.fail(SourceErrorCause::Status(status))),
        }
    }

    /// The body has ended. Call `receive_eof` until it gives [`Received::More`] first, with what is
    /// left of the input. What is left then is discarded; the server sends it again.
    ///
    /// # Errors
    /// Always while the stream is open, since there should have been more of it. After the
    /// [last event](SourceOptions::last_event) it is not.
    pub fn end(&mut self, now: Duration) -> Result<(), SourceError> {
        let State::Open { .. } = self.state else { return Ok(()) };
        if !self.options.last_events.are_none() && self.decoder.ends_in(&self.options.last_events) {
            self.leave(State::Closed);
            return Ok(());
        }
        let attempt = Attempt { ended: true, ..self.attempt(now) };
        Err(self.lose(SourceErrorCause::Ended, attempt, self.reconnection_time(), now))
    }

    /// The request could not be sent, had no response, or the body broke off, by this error of the HTTP
    /// client: it is given back inside the other. An error that says that the request can never
    /// succeed, such as an invalid URL, is one for [`aborted`](Self::aborted).
    ///
    /// # Errors
    /// Always while a request is under way.
    pub fn network_error<E>(&mut self, error: E, now: Duration) -> Result<(), SourceError<E>> {
        match self.state {
            State::Requested { .. } | State::Open { .. } => {
                let attempt = self.attempt(now);
                let cause = SourceErrorCause::Network(error);
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
    pub fn aborted(&mut self) -> Result<(), SourceError> {
        match self.state {
            State::Requested { .. } | State::Open { .. } => {
                Err(self.fail(SourceErrorCause::Aborted))
            }
            State::Waiting { .. } | State::Closed => Ok(()),
        }
    }

    /// Closes the source for good, in any state: nothing comes of it any more, not an event nor an
    /// error. Drop the response, if there is one.
    pub fn close(&mut self) {
        self.leave(State::Closed);
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
    ) -> Result<Received<Item<T, L>>, SourceError> {
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
    ) -> Result<Received<Item<T, L>>, SourceError> {
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
    fn decoding_failed(&mut self, error: DecodeError) -> SourceError {
        let cause = SourceErrorCause::Decode(error);
        if let DecodeError::InputShrunk { .. } = error {
            return SourceError { cause, reconnect_at: None };
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
        cause: SourceErrorCause<E>,
        attempt: Attempt,
        wait: Duration,
        now: Duration,
    ) -> SourceError<E> {
        let wait = self.options.next_wait(attempt, wait);
        let reconnect_at = wait.map(|wait| now.saturating_add(wait));
        self.leave(reconnect_at.map_or(State::Closed, |until| State::Waiting { until }));
        SourceError { cause, reconnect_at }
    }

    /// Fails the connection (9.2.3).
    fn fail(&mut self, cause: SourceErrorCause) -> SourceError {
        self.leave(State::Closed);
        SourceError { cause, reconnect_at: None }
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

impl<S: IdStorage> EventSource<Decoder<S>> {
    /// Takes the next item off the front of `input`, as [`Decoder::decode`]: at
    /// [`Received::More`] keep what is left of `input`, append to it, and call again. With each new
    /// connection begin with an empty buffer. Unless the stream is open, all of `input` is dropped.
    ///
    /// # Errors
    /// If the stream went past a limit, which fails for good; or on
    /// [misuse](DecodeError::InputShrunk), which changes nothing.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        now: Duration,
    ) -> Result<Received<Item<Text<'a>>>, SourceError> {
        let has_news = |decoder: &Decoder<S>, input: &&mut [u8]| input.len() > decoder.looked_at();
        self.receive_by(input, now, has_news, Decoder::decode, |input| *input = &mut [])
    }

    /// As [`receive`](Self::receive), once the body has ended and `input` is all that is left of it:
    /// call it until it gives [`Received::More`], and then [`end`](Self::end). The last item may be one
    /// that the end cut off, if the decoder's options [ask for it](super::Options::unfinished); if that is
    /// a [last event](SourceOptions::last_event), it closes the source all the same.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn receive_eof<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        now: Duration,
    ) -> Result<Received<Item<Text<'a>>>, SourceError> {
        let received = self.receive(input, now)?;
        self.receive_eof_by(received, |decoder, give| decoder.unfinished(input, give))
    }

    /// Seeds the last event ID, with which to resume after a restart of the program.
    ///
    /// # Errors
    /// If the id does not fit.
    pub fn set_last_event_id(&mut self, id: EventId<'_>) -> Result<(), IdTooLong> {
        self.decoder.set_last_event_id(id)
    }
}

#[cfg(feature = "alloc")]
impl EventSource<BytesDecoder> {
    /// Takes the next item off the front of a chunk of the body, as [`BytesDecoder::decode`]: at
    /// [`Received::More`] it is used up. Unless the stream is open, all of `chunk` is dropped.
    ///
    /// # Errors
    /// If the stream went past a limit, which fails for good.
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    #[inline]
    pub fn receive(
        &mut self,
        chunk: &mut Bytes,
        now: Duration,
    ) -> Result<Received<OwnedItem>, SourceError> {
        let has_news = |_: &BytesDecoder, chunk: &Bytes| !chunk.is_empty();
        self.receive_by(chunk, now, has_news, BytesDecoder::decode, Bytes::clear)
    }

    /// As [`receive`](Self::receive), once the body has ended, with an empty `chunk` or the last one:
    /// call it until it gives [`Received::More`], and then [`end`](Self::end). The last item may be one
    /// that the end cut off, if the decoder's options [ask for it](super::Options::unfinished); if that is
    /// a [last event](SourceOptions::last_event), it closes the source all the same.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use eventwire::sse::{
    ///     BytesDecoder, EventSource, Item, LastEvent, Options, Received, SourceOptions,
    /// };
    /// use std::time::Duration;
    ///
    /// let now = Duration::ZERO;
    /// let decoder = BytesDecoder::with_options(Options::new().unfinished(true));
    /// let options = SourceOptions::new().last_event(LastEvent::Data("[DONE]"));
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
    /// # Ok::<(), eventwire::sse::SourceError>(())
    /// ```
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    pub fn receive_eof(
        &mut self,
        chunk: &mut Bytes,
        now: Duration,
    ) -> Result<Received<OwnedItem>, SourceError> {
        let received = self.receive(chunk, now)?;
        self.receive_eof_by(received, BytesDecoder::unfinished)
    }

    /// Takes the next item off the front of a buffer that is read into, as
    /// [`BytesDecoder::decode_mut`]: at [`Received::More`] leave what is left in `buffer`, and append to
    /// it. With each new connection begin with an empty buffer. Unless the stream is open, all of
    /// `buffer` is dropped.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and on misuse, which changes nothing.
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    #[inline]
    pub fn receive_mut(
        &mut self,
        buffer: &mut BytesMut,
        now: Duration,
    ) -> Result<Received<OwnedItem>, SourceError> {
        let has_news =
            |decoder: &BytesDecoder, buffer: &BytesMut| buffer.len() > decoder.looked_at();
        self.receive_by(buffer, now, has_news, BytesDecoder::decode_mut, BytesMut::clear)
    }

    /// As [`receive_mut`](Self::receive_mut), once the body has ended and `buffer` is all that is left
    /// of it, in the way of [`receive_eof`](Self::receive_eof).
    ///
    /// # Errors
    /// As [`receive_mut`](Self::receive_mut).
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    pub fn receive_mut_eof(
        &mut self,
        buffer: &mut BytesMut,
        now: Duration,
    ) -> Result<Received<OwnedItem>, SourceError> {
        let received = self.receive_mut(buffer, now)?;
        self.receive_eof_by(received, |decoder, give| decoder.unfinished_mut(buffer, give))
    }

    /// Seeds the last event ID, with which to resume after a restart of the program.
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    pub fn set_last_event_id(&mut self, id: EventId<'_>) {
        self.decoder.set_last_event_id(id);
    }
}

impl<S: IdStorage> SourceDecoder for Decoder<S> {}

impl<S: IdStorage> sealed::SourceDecoder for Decoder<S> {
    fn last_event_id(&self) -> &str {
        self.last_event_id()
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
impl SourceDecoder for BytesDecoder {}

#[cfg(feature = "alloc")]
impl sealed::SourceDecoder for BytesDecoder {
    fn last_event_id(&self) -> &str {
        self.last_event_id()
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
