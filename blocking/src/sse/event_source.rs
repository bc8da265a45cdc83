//! [`EventSource`], an event source over ureq.

use super::connect::Connect;
use super::event_source_error::EventSourceError;
use bytes::Bytes;
use eventwire::sse::{
    EventSource as Machine, EventSourceError as Lost, EventSourceErrorCause, EventSourceOptions,
    EventSourceStep, Item, OwnedDecoder, OwnedEvent, ReadyState, Received,
};
use std::fmt;
use std::io::{ErrorKind, Read};
use std::iter::FusedIterator;
use std::thread;
use std::time::{Duration, Instant};
use ureq::http::{Request, Response};
use ureq::{Agent, BodyReader};

/// How much is read at once.
const CHUNK: usize = 16 << 10;

/// A client that stays connected to an event stream, from [`connect`](super::connect): an
/// [`Iterator`] over the events ([WHATWG HTML, 9.2]).
///
/// `next` waits for an event, connects, and connects again after a wait. A lost connection is an
/// item too: an error that says [whether](EventSourceError::will_retry) there will be another
/// attempt. If not, `None` follows.
///
/// A connection that is silent for the [idle timeout](EventSourceOptions::idle_timeout) is lost.
/// There is no such timeout by default.
///
/// Memory: 16 KiB, an unfinished event up to the limit of the decoder, and that of ureq.
///
/// [WHATWG HTML, 9.2]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#server-sent-events
#[must_use = "iterators do nothing unless used"]
pub struct EventSource {
    machine: Machine<OwnedDecoder>,
    request: Connect,
    agent: Agent,
    start: Instant,
    body: Option<BodyReader<'static>>,
    has_ended: bool,
    chunk: Bytes,
    buffer: Box<[u8]>,
}

impl EventSource {
    pub(super) fn new(request: Connect, agent: Agent, decoder: OwnedDecoder) -> Self {
        Self {
            machine: Machine::with_decoder(decoder, request.options.clone()),
            request,
            agent,
            start: Instant::now(),
            body: None,
            has_ended: false,
            chunk: Bytes::new(),
            buffer: Box::default(),
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

    /// Sends a request, and waits for the head of the response.
    fn connect(&mut self) -> Result<(), EventSourceError> {
        let response = match self.request().and_then(|request| self.agent.run(request)) {
            Ok(response) => response,
            Err(error) => return self.failed(error),
        };
        let (head, body) = response.into_parts();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        match self.machine.response(head.status.as_u16(), headers, self.start.elapsed()) {
            Ok(()) => {
                self.body = Some(body.into_reader());
                Ok(())
            }
            Err(lost) => {
                let mut error = self.lost(lost.widen());
                let mut text = Vec::new();
                let most = EventSourceError::MAX_BODY as u64;
                let _ = body.into_reader().take(most).read_to_end(&mut text); // as far as it comes
                error.response = Some(Box::new(Response::from_parts(head, text.into())));
                Err(error)
            }
        }
    }

    fn request(&mut self) -> Result<Request<()>, ureq::Error> {
        let now = self.now();
        let mut request = Request::get(&self.request.url);
        for (name, value) in &self.request.headers {
            request = request.header(name, &value[..]);
        }
        for (name, value) in self.machine.request_headers() {
            if !self.request.headers.iter().any(|(it, _)| it.eq_ignore_ascii_case(name)) {
                request = request.header(name, value);
            }
        }
        let for_response = match self.machine.poll(now) {
            Ok(EventSourceStep::Wait(Some(until))) => Some(until.saturating_sub(now)),
            _ => None,
        };
        let config = self.agent.configure_request(request.body(())?);
        let config = config.http_status_as_error(false).timeout_recv_response(for_response);
        let config = match idle_timeout(&self.request.options) {
            Some(timeout) => config.timeout_per_read(Some(timeout)),
            None => config,
        };
        Ok(config.build())
    }

    /// Notes that the request or the body failed.
    fn failed(&mut self, error: ureq::Error) -> Result<(), EventSourceError> {
        let now = self.now();
        if is_permanent(&error) {
            let _ = self.machine.aborted();
            let cause = EventSourceErrorCause::Network(error);
            return Err(EventSourceError { cause, retry_in: None, response: None });
        }
        self.machine.network_error(error, now).map_err(|lost| self.lost(lost))
    }

    fn lost(&self, lost: Lost<ureq::Error>) -> EventSourceError {
        let retry_in = lost.reconnect_at.map(|time| time.saturating_sub(self.now()));
        EventSourceError { cause: lost.cause, retry_in, response: None }
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
            Err(error) => return self.failed(error.into()),
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
        Ok(EventSourceStep::Wait(idle)) => idle,
        _ => None,
    }
}

/// Returns whether every request would fail in the same way.
fn is_permanent(error: &ureq::Error) -> bool {
    use ureq::Error::{
        BadUri, Http, InvalidProxyUrl, RedirectFailed, RequireHttpsOnly, TlsRequired,
    };
    matches!(
        error,
        BadUri(_) | Http(_) | InvalidProxyUrl | RedirectFailed | RequireHttpsOnly(_) | TlsRequired
    )
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource")
            .field("state", &self.ready_state())
            .field("last_event_id", &self.last_event_id())
            .finish_non_exhaustive()
    }
}
