//! [`EventSource`], an event source over ureq.

use super::event_source_error::{EventSourceError, EventSourceErrorKind};
use super::refusal;
use crate::BoxError;
use crate::dial::FAR;
use bytes::Bytes;
use eventwire::sse::header::LAST_EVENT_ID;
use eventwire::sse::{
    EventSource as Machine, EventSourceError as Lost, EventSourceErrorCause, EventSourceOptions,
    EventSourceStep, Item, OwnedDecoder, OwnedEvent, ReadyState, Received,
};
use std::fmt;
use std::io::{ErrorKind, Read};
use std::iter::FusedIterator;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use ureq::http::header::{HeaderName, HeaderValue, SET_COOKIE};
use ureq::http::{Request, Response};
use ureq::{Agent, BodyReader, Timeout};

/// How much is read at once.
const CHUNK: usize = 16 << 10;

/// A client that stays connected to an event stream, from [`connect`](super::connect): an
/// [`Iterator`] over the events ([WHATWG HTML, 9.2]).
///
/// `next` waits for an event, connects, and connects again after a wait. A lost connection is an
/// item too: an error that says [whether](EventSourceError::will_retry) there will be another
/// attempt. If not, `None` follows.
///
/// A connection that is silent for the [idle timeout](EventSourceOptions::idle_timeout) is lost,
/// and so is a request that has no response for as long. There is no such timeout by default.
///
/// Memory: 16 KiB, an unfinished event up to the limit of the decoder, and that of ureq.
///
/// [WHATWG HTML, 9.2]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#server-sent-events
#[must_use = "iterators do nothing unless used"]
pub struct EventSource {
    machine: Machine<OwnedDecoder>,
    /// The request without the headers of the machine, or why there is none.
    request: Result<Request<()>, Option<BoxError>>,
    agent: Agent,
    idle_timeout: Option<Duration>,
    /// The machine's time is counted from here.
    start: Instant,
    body: Option<BodyReader<'static>>,
    has_ended: bool,
    chunk: Bytes,
    buffer: Box<[u8]>,
    /// The server's host and port. The rest of a URL may contain credentials.
    host: Arc<str>,
}

impl EventSource {
    pub(super) fn new(
        request: Result<Request<()>, BoxError>,
        agent: Agent,
        options: EventSourceOptions,
        decoder: OwnedDecoder,
    ) -> Self {
        let authority = request.as_ref().ok().and_then(|request| request.uri().authority());
        let authority = authority.map_or("", |authority| authority.as_str());
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).into();
        Self {
            idle_timeout: idle_timeout(&options),
            machine: Machine::with_decoder(decoder, options),
            request: request.map_err(Some),
            agent,
            start: Instant::now(),
            body: None,
            has_ended: false,
            chunk: Bytes::new(),
            buffer: Box::default(),
            host,
        }
    }

    /// Returns the last event ID as of the last event. It is empty if there is none. Save it to
    /// resume the stream after a restart of the program.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.machine.last_event_id()
    }

    /// Returns the state of the source.
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        self.machine.ready_state()
    }

    /// Closes the source, and ends its connection. `next` returns `None` from now on.
    pub fn close(&mut self) {
        self.machine.close();
        self.hang_up();
    }

    fn hang_up(&mut self) {
        self.body = None;
        self.has_ended = false;
        self.chunk = Bytes::new();
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Waits until a stream is open.
    pub(super) fn open(&mut self) -> Result<(), EventSourceError> {
        while self.ready_state() == ReadyState::Connecting {
            self.step().map_err(EventSourceError::without_retry)?;
        }
        Ok(())
    }

    /// Sends a request, and waits for the head of the response.
    fn connect(&mut self) -> Result<(), EventSourceError> {
        let request = match &mut self.request {
            Ok(request) => request.clone(),
            Err(error) => {
                // The source is closed after the first error.
                let error = error.take().unwrap_or_else(|| "it has already failed".into());
                return Err(self.aborted(error));
            }
        };
        let response = match self.configure(request).and_then(|request| self.agent.run(request)) {
            Ok(response) => response,
            Err(error) => return self.failed(error),
        };
        let (head, body) = response.into_parts();
        match self.machine.response(head.status.as_u16(), &head.headers, self.start.elapsed()) {
            Ok(()) => {
                self.body = Some(body.into_reader());
                Ok(())
            }
            Err(lost) => {
                let text = refusal::read_within(body.into_reader(), refusal::PATIENCE);
                let mut response = Response::from_parts(head, text.into());
                // Errors are printed, cookies are not.
                let headers = response.headers_mut().iter_mut();
                headers.filter(|(name, _)| *name == SET_COOKIE).for_each(|(_, cookie)| {
                    cookie.set_sensitive(true);
                });
                let kind = EventSourceErrorKind::Refused(Box::new(response));
                Err(self.report(kind, lost.reconnect_at))
            }
        }
    }

    /// Adds the headers of the machine, and the deadlines.
    fn configure(&mut self, mut request: Request<()>) -> Result<Request<()>, ureq::Error> {
        let now = self.now();
        for (name, value) in self.machine.request_headers() {
            let name = HeaderName::from_static(name);
            // The user may want another `accept`. Only the machine knows the last event ID.
            if name == LAST_EVENT_ID || !request.headers().contains_key(&name) {
                let value = HeaderValue::from_bytes(value).map_err(ureq::http::Error::from)?;
                request.headers_mut().insert(name, value);
            }
        }
        let for_response = match self.machine.poll(now) {
            Ok(EventSourceStep::Wait(Some(until))) => Some(until.saturating_sub(now).min(FAR)),
            _ => None,
        };
        let config = self.agent.configure_request(request);
        let config = config.http_status_as_error(false).timeout_recv_response(for_response);
        // Without an idle timeout a stream may be silent, but the body of a refusal may not.
        let for_read = self.idle_timeout.or(for_response);
        Ok(config.timeout_per_read(for_read).build())
    }

    /// Notes that the request or the body failed.
    fn failed(&mut self, error: ureq::Error) -> Result<(), EventSourceError> {
        let error = match permanent(error) {
            Ok(error) => return Err(self.aborted(error)),
            Err(error) => error,
        };
        let is_silence =
            matches!(error, ureq::Error::Timeout(Timeout::PerRead | Timeout::RecvResponse));
        let is_open = self.body.is_some();
        let Err(mut lost) = self.machine.network_error(error, self.now()) else { return Ok(()) };
        if is_silence {
            lost.cause = if is_open {
                EventSourceErrorCause::Idle
            } else {
                EventSourceErrorCause::NoResponse
            };
        }
        Err(self.lost(lost))
    }

    /// Gives up a request that can never succeed.
    fn aborted(&mut self, error: BoxError) -> EventSourceError {
        let _ = self.machine.aborted();
        self.report(EventSourceErrorKind::InvalidRequest(error), None)
    }

    fn lost(&self, lost: Lost<ureq::Error>) -> EventSourceError {
        let kind = match lost.cause {
            EventSourceErrorCause::Network(error) => EventSourceErrorKind::Network(error),
            EventSourceErrorCause::NoResponse => EventSourceErrorKind::NoResponse,
            EventSourceErrorCause::Idle => EventSourceErrorKind::Idle,
            EventSourceErrorCause::Ended => EventSourceErrorKind::Ended,
            EventSourceErrorCause::Decode(error) => EventSourceErrorKind::Decode(error),
            // A refused response and an aborted request are reported elsewhere.
            cause => EventSourceErrorKind::InvalidRequest(cause.to_string().into()),
        };
        self.report(kind, lost.reconnect_at)
    }

    fn report(
        &self,
        kind: EventSourceErrorKind,
        reconnect_at: Option<Duration>,
    ) -> EventSourceError {
        // A server can ask for a wait that no clock can hold.
        let at = |time| self.start.checked_add(time).unwrap_or_else(|| Instant::now() + FAR);
        EventSourceError::new(kind, reconnect_at.map(at), Arc::clone(&self.host))
    }

    /// Takes the next event of the open response. Returns `None` if it has none now.
    fn receive(&mut self) -> Result<Option<OwnedEvent>, EventSourceError> {
        loop {
            let now = self.now();
            let received = if self.has_ended {
                self.machine.receive_eof(&mut self.chunk, now)
            } else {
                self.machine.receive(&mut self.chunk, now)
            };
            match received.map_err(|lost| self.lost(lost.widen()))? {
                Received::Item(Item::Event(event)) => return Ok(Some(event)),
                Received::Item(_) => {}
                Received::More if self.has_ended => {
                    self.hang_up();
                    let ended = self.machine.end(now);
                    return ended.map(|()| None).map_err(|lost| self.lost(lost.widen()));
                }
                Received::More => return self.read().map(|()| None),
                Received::Closed => {
                    self.hang_up();
                    return Ok(None);
                }
            }
        }
    }

    fn read(&mut self) -> Result<(), EventSourceError> {
        let Some(body) = &mut self.body else { return Ok(()) };
        if self.buffer.is_empty() {
            self.buffer = vec![0; CHUNK].into();
        }
        match body.read(&mut self.buffer) {
            Ok(0) => self.has_ended = true,
            Ok(len) => self.chunk = Bytes::copy_from_slice(&self.buffer[..len.min(CHUNK)]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => match error.into() {
                // A silent stream may be one without news.
                ureq::Error::Timeout(Timeout::PerRead) if self.idle_timeout.is_none() => {}
                error => return self.failed(error),
            },
        }
        Ok(())
    }

    /// Does one step. Returns an event if that brought one.
    fn step(&mut self) -> Result<Step, EventSourceError> {
        if self.body.is_some() {
            return Ok(self.receive()?.map_or(Step::Again, Step::Event));
        }
        let now = self.now();
        match self.machine.poll(now).map_err(|lost| self.lost(lost.widen()))? {
            EventSourceStep::Connect => self.connect()?,
            EventSourceStep::Wait(Some(until)) => thread::sleep(until.saturating_sub(now)),
            // Without a response the machine always waits for a time.
            EventSourceStep::Wait(None) | EventSourceStep::Closed => return Ok(Step::Over),
        }
        Ok(Step::Again)
    }
}

#[allow(clippy::large_enum_variant, reason = "moved once")]
enum Step {
    Event(OwnedEvent),
    Again,
    Over,
}

impl Iterator for EventSource {
    type Item = Result<OwnedEvent, EventSourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Ok(Step::Again) => {}
                Ok(Step::Event(event)) => return Some(Ok(event)),
                Ok(Step::Over) => return None,
                Err(error) => {
                    self.hang_up();
                    return Some(Err(error));
                }
            }
        }
    }
}

impl FusedIterator for EventSource {}

/// Returns how long an open stream may be silent. The machine knows, so a new one is asked.
fn idle_timeout(options: &EventSourceOptions) -> Option<Duration> {
    let mut machine = Machine::new(options.clone());
    let now = Duration::ZERO;
    machine.poll(now).ok()?;
    machine.response(200, [("content-type", "text/event-stream")], now).ok()?;
    match machine.poll(now) {
        Ok(EventSourceStep::Wait(idle)) => idle.map(|time| time.min(FAR)),
        _ => None,
    }
}

/// Returns the reason why every request would fail in the same way, if there is one. It does not
/// contain the URL, which may contain credentials.
fn permanent(error: ureq::Error) -> Result<BoxError, ureq::Error> {
    use ureq::Error::{
        BadUri, Http, InvalidProxyUrl, RedirectFailed, RequireHttpsOnly, TlsRequired,
    };
    match error {
        BadUri(_) => Ok("ureq does not accept the URL".into()),
        RequireHttpsOnly(_) => Ok("the agent accepts only https:// URLs".into()),
        TlsRequired => Ok("ureq has no TLS: enable feature `ring` or `aws-lc-rs` of \
                           eventwire-blocking, or a TLS feature of ureq"
            .into()),
        Http(_) | InvalidProxyUrl | RedirectFailed => Ok(error.into()),
        error => Err(error),
    }
}

/// Formats the source without its request, which may contain credentials.
impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource")
            .field("ready_state", &self.ready_state())
            .field("last_event_id", &self.last_event_id())
            .finish_non_exhaustive()
    }
}
