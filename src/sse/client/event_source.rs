//! [`EventSource`], a client that decides when to connect and what to send, and judges responses,
//! the end of a body and silence.

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

/// A client that stays connected to an event stream ([WHATWG HTML, 9.2]), without the HTTP. It
/// decides when to send a request and with which headers, takes the outcome, and returns events.
///
/// 1. Call [`poll`](Self::poll). At [`EventSourceStep::Connect`], send a request with the
///    [`request_headers`](Self::request_headers). At [`EventSourceStep::Wait`], wait for the
///    response or for input, but no longer than until the given time.
/// 2. Report what happens. Call [`response`](Self::response) for the head. Call `receive` for the
///    bytes that came with the head and for each chunk of the body, each time until it returns
///    [`Received::More`]. At the body's end, call `receive_eof` in the same way, and then
///    [`end`](Self::end). (`receive_eof` matters only if the end may cut off the blank line of an
///    event that you want, or of the last event.) If the request or the body fails, call
///    [`network_error`](Self::network_error). Keep the bytes that `receive` leaves in your buffer
///    in front of the next chunk. An [`owned`](EventSource::owned) source takes whole chunks
///    instead. At [`Received::Closed`], drop the response.
/// 3. An `Err` is the `error` event, except on [misuse](DecodeError::InputShrunk). Drop the rest of
///    the response and of your buffer. The error says whether there will be another connection, and
///    [`poll`](Self::poll) says when.
///
/// `now` is the time since a fixed start, which is the same for all calls. If the clock goes
/// backwards, waits get longer, and nothing else breaks. A call out of order, such as a second
/// `end` or any call after [`close`](Self::close), changes nothing. It returns `Ok`, and a body is
/// dropped.
///
/// Redirects, TLS and cookies are the task of the HTTP client. It may follow redirects ([WHATWG
/// HTML, 9.2.3] allows all that Fetch does). Report its last response.
///
/// [WHATWG HTML, 9.2]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#server-sent-events
/// [WHATWG HTML, 9.2.3]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
///
/// # Servers that differ
///
/// * Language models: some of their servers stay connected after the last event, and others omit
///   the blank line after it. [`last_event`](EventSourceOptions::last_event) says which events end
///   the stream. With [`unfinished`](crate::sse::DecoderOptions::unfinished), an event that the end
///   of the body cut off is yielded too, so there is no need to append `"\n\n"` to the body. Some
///   servers report an error in a line of bare JSON, which
///   [`unknown_lines`](crate::sse::DecoderOptions::unknown_lines) yields. A POST request is not
///   sent a second time unless [`reconnect`](EventSourceOptions::reconnect) allows it.
/// * A status other than 200, such as 201, or a response without a `content-type`: in the standard,
///   neither is an event stream ([WHATWG HTML, 9.2.3]), and [`response`](Self::response) fails
///   permanently. If you know that a server means one, check its response yourself, and pass to
///   `response` what the server should have sent: 200, and a `content-type` of [`CONTENT_TYPE`]. Or
///   use no source, and pass the body to a [`Decoder`] or `OwnedDecoder`.
/// * Streamable HTTP of the Model Context Protocol: a POST accepts `application/json,
///   text/event-stream`, so replace the value of `accept` in the
///   [`request_headers`](Self::request_headers). The answer may be JSON: check its `content-type`
///   before you pass it to the source. A stream that broke off is not resumed by the same POST, but
///   by a GET with `last-event-id`. Set [`reconnect`](EventSourceOptions::reconnect), and send each
///   request after the first as a GET if there is a [`last_event_id`](Self::last_event_id). If
///   there is none, the stream cannot be resumed: [`close`](Self::close) the source.
///
/// Memory: 224 bytes in addition to the decoder, on 64-bit machines.
///
/// ```
/// use eventwire::sse::{
///     EventSource, EventSourceErrorCause, EventSourceOptions, EventSourceStep, Item, ReadyState,
///     Received,
/// };
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let mut source = EventSource::new(EventSourceOptions::new());
/// assert_eq!(source.poll(0 * second)?, EventSourceStep::Connect); // send the request
/// // Wait for the response.
/// assert_eq!(source.poll(0 * second)?, EventSourceStep::Wait(Some(120 * second)));
///
/// source.response(200, [("content-type", "text/event-stream")], 1 * second)?;
/// assert_eq!(source.ready_state(), ReadyState::Open);
/// let mut body = *b"retry: 2000\nid: 7\ndata: a\n\ndata: cut o";
/// let mut input = &mut body[..];
/// loop {
///     match source.receive(&mut input, 1 * second)? {
///         // As text, with U+FFFD in place of invalid UTF-8.
///         Received::Item(Item::Event(event)) => assert_eq!(event.data.to_string(), "a"),
///         Received::Item(_) => {}
///         Received::More => break, // read more of the body, and append it to the rest
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
    /// At the start of a stream, whenever none is open.
    decoder: D,
    options: EventSourceOptions,
    state: State,
    /// The last chance of a server that does not answer or is silent.
    last_chance: LastChance,
    /// Whether the last call of `receive` returned an item. Nobody reads while the application
    /// handles items.
    busy: bool,
    /// Whether the open stream has had an event.
    brought_event: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting { until: Duration },
    Requested { since: Duration },
    Open { since: Duration, heard: Duration },
    Closed,
}

/// The state of an [`EventSource`], with the numbers of `readyState` on a web page ([WHATWG HTML,
/// 9.2.2]).
///
/// [WHATWG HTML, 9.2.2]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ReadyState {
    /// No stream is open. There will be another attempt.
    Connecting = 0,
    /// A stream has begun.
    Open = 1,
    /// The source was closed, has failed permanently, or is done. There will be no more attempts.
    Closed = 2,
}

/// The next thing to do for an [`EventSource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventSourceStep {
    /// Send the request now. This is returned once for each attempt. Begin with an empty buffer.
    Connect,
    /// There is nothing to do before this time. With `None`, there is nothing to do until something
    /// happens.
    Wait(Option<Duration>),
    /// There is nothing more to do. Drop the response, if there is one.
    Closed,
}

/// The result of passing a part of the body to an [`EventSource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a stream that is closed gives nothing more: do not wait for it"]
pub enum Received<T> {
    /// The next item. Call again.
    Item(T),
    /// The input is used up. Call again when there is more of the body. At its end, call the
    /// source's `receive_eof`, and then [`end`](EventSource::end).
    More,
    /// No stream is open or it is no longer open, and the input was dropped. Drop the response,
    /// even if the server stays connected. [`poll`](EventSource::poll) says what to do next.
    ///
    /// This is returned after the [last event](EventSourceOptions::last_event), after
    /// [`close`](EventSource::close), and for the body of a response that was lost or refused, or
    /// that was never passed to the source.
    Closed,
}

/// A decoder for an [`EventSource`]: [`Decoder`] or [`OwnedDecoder`]. The trait is sealed.
///
/// A function that is generic over this trait can run any source:
///
#[cfg_attr(feature = "alloc", doc = "```")]
#[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
/// use bytes::Bytes;
/// use eventwire::sse::{EventSource, EventSourceError, EventSourceOptions, Item, Received};
/// use eventwire::sse::client::EventSourceDecoder;
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
    /// The bytes that [`EventSource::receive`] takes items from: `&mut [u8]` or `Bytes`.
    type Input<'a>;
    /// The text of an item.
    type Text<'a>: AsRef<[u8]>;
    /// The last event ID in an event. An event either carries its own, or none, because the decoder
    /// keeps the last one.
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

/// The result of decoding one part of the input.
type Taken<'a, D> =
    Received<Item<<D as EventSourceDecoder>::Text<'a>, <D as EventSourceDecoder>::LastEventId>>;
type Decoded<T, L> = Result<Option<Item<T, L>>, DecodeError>;

mod sealed {
    use crate::sse::EventId;
    use crate::sse::client::LastEvents;
    use crate::sse::decode::IdTooLong;
    use core::time::Duration;

    pub trait EventSourceDecoder {
        fn last_event_id(&self) -> &str;
        fn set_last_event_id(&mut self, id: EventId<'_>) -> Result<(), IdTooLong>;
        fn reconnection_time(&self) -> Option<Duration>;
        fn reset(&mut self);
        fn gives_unfinished(&self) -> bool;
        /// Returns whether the decoder holds an unfinished event that is one of these. If so, reset
        /// the decoder.
        fn ends_in(&mut self, last_events: &LastEvents) -> bool;
    }
}

impl EventSource {
    /// Creates a source of events in the caller's buffer, with the default
    /// [`DecoderOptions`](crate::sse::DecoderOptions) and IDs of up to 256 bytes. With an
    /// allocator, [`owned`](EventSource::owned) is simpler.
    #[must_use]
    pub const fn new(options: EventSourceOptions) -> Self {
        Self::start(Decoder::new(), options)
    }
}

#[cfg(feature = "alloc")]
impl EventSource<OwnedDecoder> {
    /// Creates a source of owned events, with the default
    /// [`DecoderOptions`](crate::sse::DecoderOptions).
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
            // Every time is at or after this one.
            state: State::Waiting { until: Duration::ZERO },
            last_chance: LastChance::new(),
            busy: false,
            brought_event: false,
        }
    }
}

impl<D: EventSourceDecoder> EventSource<D> {
    /// Creates a source that uses this decoder, with its limits and the items that it yields. The
    /// decoder starts a new stream, but keeps its last event ID and reconnection time.
    ///
    /// ```
    /// use eventwire::sse::{Decoder, DecoderOptions, EventSource, EventSourceOptions};
    /// use eventwire::sse::decode::InlineId;
    ///
    /// let options = DecoderOptions::new().max_event(511);
    /// let decoder = Decoder::with_storage(options, InlineId::<36>::new());
    /// let source = EventSource::with_decoder(decoder, EventSourceOptions::new());
    /// ```
    #[must_use]
    pub fn with_decoder(mut decoder: D, options: EventSourceOptions) -> Self {
        decoder.reset();
        Self::start(decoder, options)
    }

    /// Returns the state of the source. [`poll`](Self::poll) says what to do.
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        match self.state {
            State::Waiting { .. } | State::Requested { .. } => ReadyState::Connecting,
            State::Open { .. } => ReadyState::Open,
            State::Closed => ReadyState::Closed,
        }
    }

    /// Returns the last event ID as of the last item. It is empty if there is none. Save it to
    /// resume the stream after a restart of the program.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.decoder.last_event_id()
    }

    /// Returns the minimum wait before the source connects again: the server's last `retry`, or the
    /// time in the options.
    #[must_use]
    pub fn reconnection_time(&self) -> Duration {
        self.decoder.reconnection_time().unwrap_or(self.options.reconnection_time)
    }

    /// Returns the headers that the standard requires in each request, with names in lower case
    /// ([WHATWG HTML, 9.2.2], [WHATWG HTML, 9.2.3]). Add your own. If a server wants another
    /// `accept`, send that in place of this one.
    ///
    /// A last event ID that [cannot be sent](crate::sse::header::UnsendableId) is left out, so that the
    /// server begins as for a new client. [`last_event_id_value`] says whether it can be sent.
    ///
    /// [WHATWG HTML, 9.2.2]:
    /// https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface
    /// [WHATWG HTML, 9.2.3]:
    /// https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
    pub fn request_headers(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let id = last_event_id_value(self.last_event_id()).ok().flatten();
        [("accept", CONTENT_TYPE.as_bytes()), ("cache-control", b"no-cache")]
            .into_iter()
            .chain(id.map(|id| (LAST_EVENT_ID, id)))
    }

    /// Returns the next thing to do. Call this first, each time before you wait, and when the
    /// returned time has come.
    ///
    /// # Errors
    /// If the [response timeout](EventSourceOptions::response_timeout) or the [idle
    /// timeout](EventSourceOptions::idle_timeout) has passed. Drop the request or the response.
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

    /// Takes the head of the response. Status 200 with the type `text/event-stream` opens the
    /// stream. If the `content-type` headers have several types, the last one counts. Every other
    /// response fails permanently, unless its status is [to be tried
    /// again](EventSourceOptions::retry_statuses). The body of such a response often says why it
    /// failed.
    ///
    /// Headers are pairs of name and value, in any case and order, such as those of
    /// `http::HeaderMap`.
    ///
    /// # Errors
    /// If the stream does not open. Drop the response.
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

    /// Notes that the body has ended. First call `receive_eof` with the rest of the input until it
    /// returns [`Received::More`]. The rest after that is discarded, and the server sends it again.
    ///
    /// # Errors
    /// Always while the stream is open, because the stream should not have ended. After the [last
    /// event](EventSourceOptions::last_event), it is no longer open.
    pub fn end(&mut self, now: Duration) -> Result<(), EventSourceError> {
        let State::Open { .. } = self.state else { return Ok(()) };
        if !self.options.last_events.are_none() && self.decoder.ends_in(&self.options.last_events) {
            self.leave(State::Closed);
            return Ok(());
        }
        let attempt = Attempt { ended: true, ..self.attempt(now) };
        Err(self.lose(EventSourceErrorCause::Ended, attempt, self.reconnection_time(), now))
    }

    /// Notes that the request could not be sent or had no response, or that the body broke off,
    /// with this error of the HTTP client. The returned error contains it. If the error means that
    /// the request can never succeed, for example because its URL is invalid, call
    /// [`aborted`](Self::aborted) instead.
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

    /// Notes that the request was aborted, or can never succeed. In the standard, this fails
    /// permanently ([WHATWG HTML, 9.2.3]: "if res is an aborted network error", "unless the user
    /// agent knows that to be futile").
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

    /// Closes the source permanently, in any state. It returns no more events and no more errors.
    /// Drop the response, if there is one.
    pub fn close(&mut self) {
        self.leave(State::Closed);
    }

    /// Takes the next item off the front of `input`. Call again until this returns
    /// [`Received::More`] or [`Received::Closed`]. Unless the stream is open, all of `input` is
    /// dropped.
    ///
    /// A [`Decoder`] takes `&mut &mut [u8]`: at [`Received::More`], keep the rest of `input`,
    /// append to it, and call again. Begin each new connection with an empty buffer. An
    /// [`OwnedDecoder`] takes chunks of the body, as `&mut Bytes`, and keeps an unfinished event
    /// itself: at [`Received::More`], the chunk is used up.
    ///
    /// # Errors
    /// If the stream passed a limit, which fails permanently, or on
    /// [misuse](DecodeError::InputShrunk), which changes nothing.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        input: &mut D::Input<'a>,
        now: Duration,
    ) -> Result<Taken<'a, D>, EventSourceError> {
        self.receive_by(input, now, D::has_news, D::take, D::drop_all)
    }

    /// Takes items like [`receive`](Self::receive), once the body has ended and `input` is the rest
    /// of it. Call this until it returns [`Received::More`], and then call [`end`](Self::end). The
    /// last item may be one that the end cut off, if the decoder's options [ask for
    /// it](crate::sse::DecoderOptions::unfinished). If a [last
    /// event](EventSourceOptions::last_event) was cut off, it closes the source in either case.
    ///
    #[cfg_attr(feature = "alloc", doc = "```")]
    #[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
    /// use bytes::Bytes;
    /// use eventwire::sse::{
    ///     DecoderOptions, EventSource, EventSourceOptions, Item, LastEvent, OwnedDecoder,
    ///     Received,
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
    /// let received = source.receive_eof(&mut chunk, now)?;
    /// let Received::Item(Item::Event(event)) = received else { panic!() };
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
    /// If the ID does not fit the decoder's [storage](IdStorage). An [`OwnedDecoder`] keeps any ID.
    pub fn set_last_event_id(&mut self, id: EventId<'_>) -> Result<(), IdTooLong> {
        self.decoder.set_last_event_id(id)
    }

    /// Passes on what the decoder returns, and takes notes of it. `has_news` says whether the input
    /// has bytes that were not there before. This is inlined, because items are expensive to move.
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
        // Silence begins when there are no more items to handle.
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

    /// Notes an item that is about to be returned.
    #[inline(always)]
    fn give<T: AsRef<[u8]>, L>(&mut self, item: &Item<T, L>) {
        if let Item::Event(event) = item {
            self.brought_event = true;
            if self.options.last_events.contain(event) {
                self.leave(State::Closed);
            }
        }
    }

    /// Continues after `receive` returned `received` for a body that has ended. `unfinished`
    /// returns the event that the end cut off. Its flag says whether the event counts.
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

    /// Judges a failure of the decoder. It is permanent, because the server would send the same
    /// again. Misuse is no failure.
    #[cold]
    fn decoding_failed(&mut self, error: DecodeError) -> EventSourceError {
        let cause = EventSourceErrorCause::Decode(error);
        if let DecodeError::InputShrunk { .. } = error {
            return EventSourceError { cause, reconnect_at: None };
        }
        self.fail(cause)
    }

    /// Returns how the attempt went. The server was last heard at `until`.
    fn attempt(&self, until: Duration) -> Attempt {
        let lasted = match self.state {
            State::Open { since, .. } => until.saturating_sub(since),
            _ => Duration::ZERO,
        };
        Attempt { lasted, brought_event: self.brought_event, ended: false }
    }

    /// Reestablishes the connection ([WHATWG HTML, 9.2.3]) after at least `wait`, if the options
    /// allow it.
    ///
    /// [WHATWG HTML, 9.2.3]:
    /// https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
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

    /// Fails the connection ([WHATWG HTML, 9.2.3]).
    ///
    /// [WHATWG HTML, 9.2.3]:
    /// https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
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
    /// Takes the next item off the front of a buffer that you read into, like
    /// [`OwnedDecoder::decode_buffer`]. At [`Received::More`], keep the rest of `buffer`, and
    /// append to it. Begin each new connection with an empty buffer. Unless the stream is open, all
    /// of `buffer` is dropped.
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

    /// Takes items like [`receive_buffer`](Self::receive_buffer), once the body has ended and
    /// `buffer` is the rest of it. See [`receive_eof`](Self::receive_eof).
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

    /// An unfinished event is in the caller's buffer.
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
        let unfinished = self.unfinished(false);
        matches!(unfinished, Ok(Some(Item::Event(event))) if last_events.contain(&event))
    }
}
