//! The client: when to connect, what to send, and what a response, an end or silence means.

use super::header::last_type_is_event_stream;
#[cfg(feature = "alloc")]
use super::{BytesDecoder, OwnedItem};
use super::{
    CONTENT_TYPE, DecodeError, Decoder, EventId, IdStorage, IdTooLong, Item, LAST_EVENT_ID,
    SourceError, SourceErrorCause, SourceOptions, Text, last_event_id_value,
};
use crate::retry_after::{RETRY_AFTER, retry_after};
#[cfg(feature = "alloc")]
use bytes::{Bytes, BytesMut};
use core::time::Duration;

/// A client that stays connected to an event stream, `EventSource` of WHATWG HTML (9.2), without
/// the HTTP: it says when to send a request and with which headers, is told what came of it, and
/// gives events.
///
/// 1. Call [`poll`](Self::poll). At [`Step::Connect`] send a request with the
///    [`request_headers`](Self::request_headers); at [`Step::Wait`] wait for input until then.
/// 2. Say what happens: [`response`](Self::response), then `receive` for what came with the head and
///    for each chunk of the body until it gives `Ok(None)`, then [`end`](Self::end); or
///    [`network_error`](Self::network_error). What `receive` leaves in a buffer of yours is to stand
///    before the next chunk; a source that is [`owned`](EventSource::owned) takes chunks whole.
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
/// Memory: on 64-bit machines 184 bytes beside its decoder.
///
/// ```
/// use eventwire::sse::{EventSource, Item, ReadyState, SourceErrorCause, SourceOptions, Step};
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let mut source = EventSource::new(SourceOptions::new());
/// assert_eq!(source.poll(0 * second)?, Step::Connect); // send the request
/// assert_eq!(source.poll(0 * second)?, Step::Wait(None));
///
/// source.response(200, [("content-type", "text/event-stream")], 1 * second)?;
/// assert_eq!(source.ready_state(), ReadyState::Open);
/// let mut body = *b"retry: 2000\nid: 7\ndata: a\n\ndata: cut o";
/// let mut input = &mut body[..];
/// while let Some(item) = source.receive(&mut input, 1 * second)? {
///     let Item::Event(event) = item else { continue };
///     assert_eq!(event.data.to_string(), "a"); // as text, with U+FFFD for what is none
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting { until: Duration },
    Requested,
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

/// A decoder for an [`EventSource`]: [`Decoder`] or [`BytesDecoder`](super::BytesDecoder). It is
/// sealed.
pub trait SourceDecoder: sealed::SourceDecoder {}

mod sealed {
    use core::time::Duration;

    pub trait SourceDecoder {
        fn last_event_id(&self) -> &str;
        fn reconnection_time(&self) -> Option<Duration>;
        fn reset(&mut self);
        /// Whether there was a sign of life since the last call; whether to say so at the next.
        fn replace_heard(&mut self, heard: bool) -> bool;
    }
}

impl EventSource {
    /// A source of events in the caller's buffer, with the default
    /// [`Options`](super::Options) and ids of up to 256 bytes. Where there is an allocator,
    /// [`owned`](EventSource::owned) is simpler.
    #[must_use]
    pub const fn new(options: SourceOptions) -> Self {
        Self { decoder: Decoder::new(), options, state: State::START }
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
        Self { decoder, options, state: State::START }
    }

    /// How far it is. [`poll`](Self::poll) says what is to be done.
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        match self.state {
            State::Waiting { .. } | State::Requested => ReadyState::Connecting,
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

    /// The headers that the standard has each request carry, names in lower case (9.2.2, 9.2.3).
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
    /// If the [idle timeout](SourceOptions::idle_timeout) has passed: drop the response.
    pub fn poll(&mut self, now: Duration) -> Result<Step, SourceError> {
        match self.state {
            State::Closed => Ok(Step::Closed),
            State::Requested => Ok(Step::Wait(None)),
            State::Waiting { until } if now < until => Ok(Step::Wait(Some(until))),
            State::Waiting { .. } => {
                self.state = State::Requested;
                Ok(Step::Connect)
            }
            State::Open { since, heard } => {
                let Some(timeout) = self.options.idle_timeout else { return Ok(Step::Wait(None)) };
                let deadline = heard.saturating_add(timeout);
                if now < deadline {
                    return Ok(Step::Wait(Some(deadline)));
                }
                self.lasted(since, heard);
                Err(self.lose(SourceErrorCause::Idle, self.reconnection_time(), now))
            }
        }
    }

    /// The head of the response has come. Status 200 with the type `text/event-stream` opens the
    /// stream; of several types in `content-type` headers the last counts. All others fail for good,
    /// but those [to be tried again](SourceOptions::retry_statuses).
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
        if self.state != State::Requested {
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
                Ok(())
            }
            200 => Err(self.fail(SourceErrorCause::ContentType)),
            204 => Err(self.fail(SourceErrorCause::Status(status))),
            _ if self.options.retry_statuses.contains(&status) => {
                let wait = wait.max(self.reconnection_time());
                Err(self.lose(SourceErrorCause::Status(status), wait, now))
            }
            _ => Err(self.fail(SourceErrorCause::Status(status))),
        }
    }

    /// The body has ended. Call `receive` until it gives `Ok(None)` first: what is left then is an
    /// unfinished event, to be discarded; the server sends it again.
    ///
    /// # Errors
    /// Always while the stream is open, since there should have been more of it. After the
    /// [last event](SourceOptions::last_event) it is not.
    pub fn end(&mut self, now: Duration) -> Result<(), SourceError> {
        let State::Open { since, .. } = self.state else { return Ok(()) };
        self.lasted(since, now);
        Err(self.lose(SourceErrorCause::Ended, self.reconnection_time(), now))
    }

    /// The request could not be sent, had no response, or the body broke off.
    ///
    /// # Errors
    /// Always while a request is under way.
    pub fn network_error(&mut self, now: Duration) -> Result<(), SourceError> {
        match self.state {
            State::Requested => {}
            State::Open { since, .. } => self.lasted(since, now),
            State::Waiting { .. } | State::Closed => return Ok(()),
        }
        Err(self.lose(SourceErrorCause::Network, self.reconnection_time(), now))
    }

    /// The request was aborted, or can never succeed: by the standard that fails for good (9.2.3,
    /// "if res is an aborted network error", "unless the user agent knows that to be futile").
    ///
    /// # Errors
    /// Always while a request is under way.
    pub fn aborted(&mut self) -> Result<(), SourceError> {
        match self.state {
            State::Requested | State::Open { .. } => Err(self.fail(SourceErrorCause::Aborted)),
            State::Waiting { .. } | State::Closed => Ok(()),
        }
    }

    /// Closes the source for good, in any state: nothing comes of it any more, not an event nor an
    /// error. Drop the response, if there is one.
    pub fn close(&mut self) {
        self.leave(State::Closed);
    }

    /// What the decoder gives is passed on, and counts. Inlined, as items cost much to move.
    #[inline(always)]
    fn receive_by<I, T: AsRef<[u8]>, L>(
        &mut self,
        input: &mut I,
        now: Duration,
        decode: impl FnOnce(&mut D, &mut I) -> Result<Option<Item<T, L>>, DecodeError>,
        drop_all: impl FnOnce(&mut I),
    ) -> Result<Option<Item<T, L>>, SourceError> {
        let State::Open { heard, .. } = &mut self.state else {
            drop_all(input);
            return Ok(None);
        };
        let item = match decode(&mut self.decoder, input) {
            Ok(item) => item,
            Err(error) => return Err(self.decoding_failed(error)),
        };
        // While items are dealt with, nobody listens: silence begins when there are no more.
        if self.decoder.replace_heard(item.is_some()) || item.is_some() {
            *heard = now;
        }
        if let Some(last) = self.options.last_event
            && let Some(Item::Event(event)) = &item
            && last.is(event)
        {
            self.leave(State::Closed);
        }
        Ok(item)
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

    /// A connection that was open ended.
    fn lasted(&mut self, since: Duration, until: Duration) {
        if let Some(backoff) = &mut self.options.backoff {
            backoff.connection_lasted(until.saturating_sub(since));
        }
    }

    /// Reestablishes the connection (9.2.3) after `wait` or more, if that may be.
    fn lose(&mut self, cause: SourceErrorCause, wait: Duration, now: Duration) -> SourceError {
        let more = if !self.options.may_reconnect() {
            None
        } else if let Some(backoff) = &mut self.options.backoff {
            backoff.next_wait()
        } else {
            Some(Duration::ZERO)
        };
        let reconnect_at = more.map(|more| now.saturating_add(wait).saturating_add(more));
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
    }
}

impl<S: IdStorage> EventSource<Decoder<S>> {
    /// Takes the next item off the front of `input`, as [`Decoder::decode`]: after `Ok(None)` keep
    /// what is left of `input`, append to it, and call again. With each new connection begin with
    /// an empty buffer. Unless the stream is open, all of `input` is dropped.
    ///
    /// # Errors
    /// If the stream went past a limit, which fails for good; or on
    /// [misuse](DecodeError::InputShrunk), which changes nothing.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        now: Duration,
    ) -> Result<Option<Item<Text<'a>>>, SourceError> {
        self.receive_by(input, now, Decoder::decode, |input| *input = &mut [])
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
    /// Takes the next item off the front of a chunk of the body, as [`BytesDecoder::decode`]: after
    /// `Ok(None)` it is used up. Unless the stream is open, all of `chunk` is dropped.
    ///
    /// # Errors
    /// If the stream went past a limit, which fails for good.
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    #[inline]
    pub fn receive(
        &mut self,
        chunk: &mut Bytes,
        now: Duration,
    ) -> Result<Option<OwnedItem>, SourceError> {
        self.receive_by(chunk, now, BytesDecoder::decode, Bytes::clear)
    }

    /// Takes the next item off the front of a buffer that is read into, as
    /// [`BytesDecoder::decode_mut`]: after `Ok(None)` leave what is left in `buffer`, and append to
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
    ) -> Result<Option<OwnedItem>, SourceError> {
        self.receive_by(buffer, now, BytesDecoder::decode_mut, BytesMut::clear)
    }

    /// Seeds the last event ID, with which to resume after a restart of the program.
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    pub fn set_last_event_id(&mut self, id: EventId<'_>) {
        self.decoder.set_last_event_id(id);
    }
}

impl State {
    /// No time is before this.
    const START: Self = Self::Waiting { until: Duration::ZERO };
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

    #[inline]
    fn replace_heard(&mut self, heard: bool) -> bool {
        self.replace_heard(heard)
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

    #[inline]
    fn replace_heard(&mut self, heard: bool) -> bool {
        self.replace_heard(heard)
    }
}
