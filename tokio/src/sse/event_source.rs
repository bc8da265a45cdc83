//! [`EventSource`], a stream of events that comes back by itself.

use super::event_source_error::{EventSourceError, EventSourceErrorKind};
use super::exchange::{Chunks, Responding, SendRequest, header_map};
use super::refusal::Refusal;
use super::trace::Trace;
use crate::timer::Timer;
use bytes::Bytes;
use eventwire::sse::{
    EventSourceErrorCause, EventSourceStep, Item, OwnedDecoder, OwnedEvent, OwnedItem, ReadyState,
    Received,
};
use futures_core::{FusedStream, Stream};
use http::Response;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

pub(super) type Machine = eventwire::sse::EventSource<OwnedDecoder>;
type MachineError<E> = eventwire::sse::EventSourceError<E>;

/// The events of a server, over as many connections as it takes ([WHATWG HTML, 9.2]).
///
/// `sse::connect` (feature `reqwest`) and [`connect_with`](crate::sse::connect_with) make a source.
/// Whenever its connection is lost, the source waits, and connects again with the last event ID, so
/// that the server can resume the stream. [`EventSourceOptions`](crate::sse::EventSourceOptions)
/// say how long it waits and when it gives up. The waits grow while connections bring no event, so
/// a broken server is never asked in a tight loop. A server that is silent is waited for without an
/// end, unless there is an [`idle_timeout`](crate::sse::EventSourceOptions::idle_timeout).
///
/// # Errors
/// A lost connection is an item of the stream, so that it can be logged. If the error
/// [will be retried](EventSourceError::will_retry), ask for the next event as before. Otherwise the
/// source is closed, and yields `None` from then on. In the standard these responses are final:
/// every status but 200, also 204, with which a server asks its clients to stop; and every type but
/// `text/event-stream`. [`retry_statuses`](crate::sse::EventSourceOptions::retry_statuses) lifts
/// the rule for some statuses. The end of a stream is an error too, unless it came after a
/// [`last_event`](crate::sse::EventSourceOptions::last_event).
///
/// # Tasks
/// A source starts no task. It sends, reads and waits only while it is asked for an event, in
/// [`next`](Self::next) or as a [`Stream`]. A source that is not asked does not read, so the
/// server has to wait. It must be used within a tokio runtime that has its timer enabled.
///
/// To close a source from another task, let `select!` wait for a signal beside
/// [`next`](Self::next), which is cancel safe. Dropping the source closes its connection.
///
/// # Memory
/// What its [decoder](eventwire::sse::OwnedDecoder) holds, at most an event of
/// [`max_event`](crate::sse::DecoderOptions::max_event) bytes, one chunk of the body, and what the
/// HTTP client needs for a connection.
///
#[cfg_attr(feature = "reqwest", doc = "```no_run")]
#[cfg_attr(not(feature = "reqwest"), doc = "```ignore")]
/// use eventwire_tokio::sse;
/// use std::time::Duration;
/// use tokio::sync::oneshot;
///
/// /// Prints events until it is told to stop.
/// async fn follow(
///     url: &str,
///     mut stop: oneshot::Receiver<()>,
/// ) -> Result<(), sse::EventSourceError> {
///     // The server sends keep-alives, so a minute of silence means that it has gone.
///     let options = sse::Connect::default_options().idle_timeout(Duration::from_secs(60));
///     let mut source = sse::connect(url).options(options).build();
///     loop {
///         tokio::select! {
///             event = source.next() => match event {
///                 Some(Ok(event)) => println!("{}", event.data),
///                 Some(Err(error)) if error.will_retry() => eprintln!("{error}"),
///                 Some(Err(error)) => return Err(error),
///                 None => return Ok(()),
///             },
///             _ = &mut stop => return Ok(()), // this drops the source
///         }
///     }
/// }
/// ```
///
/// [WHATWG HTML, 9.2]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#server-sent-events
#[must_use = "a source does nothing unless it is asked for events"]
pub struct EventSource {
    machine: Machine,
    send: SendRequest,
    link: Link,
    /// The machine's time is counted from here.
    start: Instant,
    timer: Timer,
    /// The server's host and port. The rest of a URL may contain credentials.
    host: Arc<str>,
    trace: Trace,
}

/// The state of the connection.
enum Link {
    None,
    Requested(Responding),
    Open(Body),
    Refused(Box<Refusal>),
}

/// The body of an event stream.
struct Body {
    chunks: Chunks,
    /// The part of the last chunk that is not decoded yet.
    chunk: Bytes,
    has_ended: bool,
}

/// The result of a step.
enum Step {
    /// Something happened. Take another step.
    Progress,
    Item(OwnedItem),
    Error(EventSourceError),
    Closed,
}

impl EventSource {
    /// The maximum number of steps without an item before other tasks get their turn. A server
    /// could otherwise keep this task busy with comments.
    const MAX_STEPS: usize = 64;

    /// Creates a source for the server with this authority, which is the part of the URL between
    /// its scheme and its path.
    pub(super) fn new(machine: Machine, send: SendRequest, authority: &str) -> Self {
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Self {
            machine,
            send,
            link: Link::None,
            start: Instant::now(),
            timer: Timer::default(),
            host: host.into(),
            trace: Trace::new(host),
        }
    }

    /// Replaces the machine of a source that was not polled yet.
    #[cfg(feature = "reqwest")]
    pub(super) fn set_machine(&mut self, machine: Machine) {
        self.machine = machine;
    }

    /// Returns the next event. Waits, connects and reconnects as necessary. Returns `None` once the
    /// source is closed.
    ///
    /// # Errors
    /// If a connection was lost or refused. [`EventSourceError::will_retry`] says whether there
    /// will be another.
    ///
    /// # Cancel safety
    /// This method is cancel safe. If its future is dropped, nothing is lost: a request that is
    /// under way and everything that was received stay in the source.
    pub async fn next(&mut self) -> Option<Result<OwnedEvent, EventSourceError>> {
        poll_fn(|cx| self.poll_by(cx, event)).await
    }

    /// Returns the next item, like [`next`](Self::next), but also comments, blocks without data and
    /// lines that are no part of an event, if the
    /// [`DecoderOptions`](crate::sse::DecoderOptions) ask for them.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    /// This method is cancel safe, like [`next`](Self::next).
    pub async fn next_item(&mut self) -> Option<Result<OwnedItem, EventSourceError>> {
        poll_fn(|cx| self.poll_by(cx, Some)).await
    }

    /// Returns the last event ID. It is empty if there is none. Save it to resume the stream after
    /// a restart of the program, with [`last_event_id`](crate::sse::Connect::last_event_id).
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.machine.last_event_id()
    }

    /// Returns whether a stream is open, or whether there will be another attempt.
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        self.machine.ready_state()
    }

    /// Closes the source and its connection. The source yields `None` from now on.
    pub fn close(&mut self) {
        if self.machine.ready_state() != ReadyState::Closed {
            self.trace.closed();
        }
        self.machine.close();
        self.link = Link::None;
    }

    /// Waits until a stream is open.
    pub(super) async fn open(&mut self) -> Result<(), EventSourceError> {
        while self.machine.ready_state() != ReadyState::Open {
            match poll_fn(|cx| self.poll_step(cx)).await {
                Step::Error(error) => return Err(error.without_retry()),
                Step::Closed => break,
                Step::Progress | Step::Item(_) => {}
            }
        }
        Ok(())
    }

    /// Polls for the next item that `pick` takes.
    pub(super) fn poll_by<T>(
        &mut self,
        cx: &mut Context<'_>,
        pick: impl Fn(OwnedItem) -> Option<T>,
    ) -> Poll<Option<Result<T, EventSourceError>>> {
        for _ in 0..Self::MAX_STEPS {
            match ready!(self.poll_step(cx)) {
                Step::Progress => {}
                Step::Item(item) => {
                    if let Some(picked) = pick(item) {
                        return Poll::Ready(Some(Ok(picked)));
                    }
                }
                Step::Error(error) => return Poll::Ready(Some(Err(error))),
                Step::Closed => return Poll::Ready(None),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Hands over what has arrived, does what the machine says, and waits for the rest.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let now = self.start.elapsed();
        match &mut self.link {
            Link::Refused(refusal) => {
                ready!(refusal.poll_body(cx));
                return Poll::Ready(self.refused());
            }
            Link::Open(_) => {
                if let Some(step) = self.receive(now) {
                    return Poll::Ready(step);
                }
            }
            Link::None | Link::Requested(_) => {}
        }
        let until = match self.machine.poll(now) {
            Ok(EventSourceStep::Connect) => {
                self.trace.connecting();
                let headers = header_map(self.machine.request_headers());
                self.link = Link::Requested((self.send)(headers));
                return Poll::Ready(Step::Progress);
            }
            Ok(EventSourceStep::Wait(until)) => until,
            Ok(EventSourceStep::Closed) => {
                self.link = Link::None;
                return Poll::Ready(Step::Closed);
            }
            Err(error) => return Poll::Ready(self.lost(error.widen())),
        };
        if let Poll::Ready(step) = self.poll_link(now, cx) {
            return Poll::Ready(step);
        }
        if let Some(until) = until {
            ready!(self.timer.poll(self.at(until), cx));
            return Poll::Ready(Step::Progress);
        }
        Poll::Pending
    }

    /// Waits for the response or for a chunk of its body.
    fn poll_link(&mut self, now: Duration, cx: &mut Context<'_>) -> Poll<Step> {
        match &mut self.link {
            Link::Requested(responding) => match ready!(responding.as_mut().poll(cx)) {
                Ok(response) => self.respond(response, now),
                Err(kind) => return Poll::Ready(self.failed(kind, now)),
            },
            Link::Open(body) => match ready!(body.chunks.as_mut().poll_chunk(cx)) {
                Some(Ok(chunk)) => body.chunk = chunk,
                Some(Err(error)) => {
                    return Poll::Ready(self.failed(EventSourceErrorKind::Network(error), now));
                }
                None => body.has_ended = true,
            },
            Link::None | Link::Refused(_) => return Poll::Pending,
        }
        Poll::Ready(Step::Progress)
    }

    /// Decodes the next item of the last chunk. Returns `None` if the chunk is used up.
    fn receive(&mut self, now: Duration) -> Option<Step> {
        let Link::Open(Body { chunk, has_ended, .. }) = &mut self.link else { return None };
        let received = if *has_ended {
            self.machine.receive_eof(chunk, now)
        } else {
            self.machine.receive(chunk, now)
        };
        match received {
            Ok(Received::Item(item)) => {
                if self.machine.ready_state() == ReadyState::Closed {
                    // It was the last event. The server may stay connected.
                    self.trace.closed();
                    self.link = Link::None;
                }
                Some(Step::Item(item))
            }
            Ok(Received::More) if *has_ended => match self.machine.end(now) {
                Ok(()) => Some(self.done()),
                Err(error) => Some(self.lost(error.widen())),
            },
            Ok(Received::More) => None,
            Ok(Received::Closed) => Some(self.done()),
            Err(error) => Some(self.lost(error.widen())),
        }
    }

    /// Drops a stream that ended as it should.
    fn done(&mut self) -> Step {
        self.trace.closed();
        self.link = Link::None;
        Step::Progress
    }

    /// Lets the machine judge a response.
    fn respond(&mut self, response: Response<Chunks>, now: Duration) {
        let status = response.status().as_u16();
        self.link = match self.machine.response(status, response.headers(), now) {
            Ok(()) => {
                self.trace.opened();
                let chunks = response.into_body();
                Link::Open(Body { chunks, chunk: Bytes::new(), has_ended: false })
            }
            Err(error) => Link::Refused(Box::new(Refusal::new(response, error))),
        };
    }

    /// Reports a response that was refused and has been read.
    fn refused(&mut self) -> Step {
        let Link::Refused(refusal) = std::mem::replace(&mut self.link, Link::None) else {
            return Step::Progress;
        };
        let (error, response) = refusal.into_parts();
        self.report(EventSourceErrorKind::Refused(Box::new(response)), error.reconnect_at)
    }

    /// Tells the machine that there is no response, or no more of it.
    fn failed(&mut self, kind: EventSourceErrorKind, now: Duration) -> Step {
        if matches!(kind, EventSourceErrorKind::InvalidRequest(_)) {
            // The machine knows no cause of an aborted request.
            let _ = self.machine.aborted();
            self.link = Link::None;
            return self.report(kind, None);
        }
        match self.machine.network_error(kind, now) {
            Err(error) => self.lost(error),
            Ok(()) => self.done(),
        }
    }

    /// Drops a connection that the machine has given up.
    fn lost(&mut self, error: MachineError<EventSourceErrorKind>) -> Step {
        self.link = Link::None;
        let kind = match error.cause {
            EventSourceErrorCause::Network(kind) => kind,
            EventSourceErrorCause::NoResponse => EventSourceErrorKind::NoResponse,
            EventSourceErrorCause::Idle => EventSourceErrorKind::Idle,
            EventSourceErrorCause::Ended => EventSourceErrorKind::Ended,
            EventSourceErrorCause::Decode(error) => EventSourceErrorKind::Decode(error),
            // A refused response and an aborted request are reported elsewhere.
            cause => EventSourceErrorKind::InvalidRequest(cause.to_string().into()),
        };
        self.report(kind, error.reconnect_at)
    }

    fn report(&self, kind: EventSourceErrorKind, reconnect_at: Option<Duration>) -> Step {
        let error =
            EventSourceError::new(kind, reconnect_at.map(|at| self.at(at)), self.host.clone());
        self.trace.lost(&error);
        if !error.will_retry() {
            self.trace.closed();
        }
        Step::Error(error)
    }

    /// Converts a time of the machine. A server can ask for a wait that no clock can hold.
    fn at(&self, time: Duration) -> Instant {
        const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
        self.start.checked_add(time).unwrap_or_else(|| Instant::now() + FAR)
    }
}

/// Returns the event if the item is one.
pub(super) fn event(item: OwnedItem) -> Option<OwnedEvent> {
    match item {
        Item::Event(event) => Some(event),
        _ => None,
    }
}

impl Stream for EventSource {
    type Item = Result<OwnedEvent, EventSourceError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_by(cx, event)
    }
}

impl FusedStream for EventSource {
    fn is_terminated(&self) -> bool {
        self.machine.ready_state() == ReadyState::Closed && matches!(self.link, Link::None)
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
