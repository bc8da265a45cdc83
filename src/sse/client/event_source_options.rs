//! [`EventSourceOptions`]: when a client reconnects, and when it gives up.

use super::last_event::LastEvents;
use super::statuses::Statuses;
use crate::Backoff;
use core::time::Duration;

/// The options of an [`EventSource`](crate::sse::EventSource): when it reconnects, and when it
/// gives up.
///
/// ```
/// use eventwire::Backoff;
/// use eventwire::sse::EventSourceOptions;
/// use std::time::Duration;
///
/// let seed = rand::random(); // all clients with the same one would wait alike
/// let options = EventSourceOptions::new()
///     .backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(60), seed))
///     .retry_statuses(&[429, 503])
///     .idle_timeout(Duration::from_secs(45));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSourceOptions {
    pub(super) reconnection_time: Duration,
    /// If no back-off was set, this holds the minimum waits.
    backoff: Backoff,
    backoff_is_set: bool,
    pub(super) retry_statuses: Statuses,
    idempotent: bool,
    reconnect: Option<bool>,
    pub(super) response_timeout: Duration,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) last_events: LastEvents,
}

/// The outcome of an attempt whose connection was lost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attempt {
    /// How long the stream was open.
    pub(super) lasted: Duration,
    /// Whether there was an event.
    pub(super) brought_event: bool,
    /// Whether the body came to its end.
    pub(super) ended: bool,
}

impl EventSourceOptions {
    /// 3 s. The standard leaves the time to the client: "probably in the region of a few seconds".
    pub const DEFAULT_RECONNECTION_TIME: Duration = Duration::from_secs(3);

    /// 2 minutes. A server may hold back its response until it has an event, so this is generous.
    pub const DEFAULT_RESPONSE_TIMEOUT: Duration = Duration::from_secs(120);

    /// A stream that was open this long was not a failure.
    const GOOD_STRETCH: Duration = Duration::from_secs(60);

    /// The minimum wait after an attempt without an event. It doubles with each further such
    /// attempt.
    const LEAST_WAIT: Duration = Duration::from_secs(1);
    const LONGEST_LEAST_WAIT: Duration = Duration::from_secs(60);

    /// Creates options that follow the standard, for a GET ([WHATWG HTML, 9.2.2][9.2.2] and
    /// [9.2.3][9.2.3]). The client reconnects for ever, after
    /// [`DEFAULT_RECONNECTION_TIME`](Self::DEFAULT_RECONNECTION_TIME) or the time that the server
    /// asks for. While attempts bring no event, it waits longer (9.2.3: "optionally, wait some
    /// more").
    ///
    /// An attempt brings no event after a network error, without a response, with a [status to be
    /// tried again](Self::retry_statuses), or with a response without an event that was open for
    /// less than a minute. After the first such attempt the wait is at least 1 s. After each
    /// further one in a row, that minimum doubles, up to 60 s. With the default reconnection time,
    /// the waits for a server that is gone are 3, 3, 4, 8 s and so on. [`backoff`](Self::backoff)
    /// replaces these minimums.
    ///
    /// A long-polling server sends `retry: 0`. It is asked again at once after a response that had
    /// an event and came to its end. After any other response 0 counts as 1 s. If the server holds
    /// back the head of its response until there is an event, set a matching
    /// [`response_timeout`](Self::response_timeout).
    ///
    /// [9.2.2]:
    /// https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface
    /// [9.2.3]:
    /// https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
    #[must_use]
    pub const fn new() -> Self {
        Self {
            reconnection_time: Self::DEFAULT_RECONNECTION_TIME,
            backoff: Backoff::new(Self::LEAST_WAIT, Self::LONGEST_LEAST_WAIT, 0).jitter(0),
            backoff_is_set: false,
            retry_statuses: Statuses::NONE,
            idempotent: true,
            reconnect: None,
            response_timeout: Self::DEFAULT_RESPONSE_TIMEOUT,
            idle_timeout: None,
            last_events: LastEvents::NONE,
        }
    }

    /// Sets how long to wait before reconnecting, until the server sends a `retry`.
    #[must_use]
    pub const fn reconnection_time(mut self, time: Duration) -> Self {
        self.reconnection_time = time;
        self
    }

    /// Sets waits that grow and are random. They are **added** to the reconnection time (9.2.3:
    /// "optionally, wait some more"), so that no wait is shorter than the server asked for.
    ///
    /// After [`max_attempts`](Backoff::max_attempts) in a row the source fails and is closed. A
    /// connection that lasted [`reset_after`](Backoff::reset_after) starts the waits over; a
    /// connection without an event must also have lasted a minute. If the idle timeout ends a
    /// connection, the connection is taken to have lasted until its last activity.
    ///
    /// If the reconnection time is 0 (long polling), a response that had an event and came to its
    /// end starts the waits over at once, and the next request is due without a wait.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self.backoff_is_set = true;
        self
    }

    /// Sets the statuses that are tried again, such as 429 and 503. The default is none, as in the
    /// standard. 200 and 204 keep their meaning.
    ///
    /// If such a response has a `Retry-After` in seconds, the wait is at least that long. Any other
    /// form, including a date, is ignored, because there is no calendar here.
    ///
    /// ```
    /// use eventwire::sse::EventSourceOptions;
    ///
    /// EventSourceOptions::new().retry_statuses(&[429, 503]);
    /// # #[cfg(feature = "alloc")] {
    /// let configured: Vec<u16> = vec![429, 503];
    /// EventSourceOptions::new().retry_statuses(configured); // or `&configured`, which is copied
    /// # }
    /// ```
    #[must_use]
    pub fn retry_statuses(mut self, statuses: impl Into<Statuses>) -> Self {
        self.retry_statuses = statuses.into();
        self
    }

    /// Sets the method of the requests, which is `GET` by default. A request whose method is not
    /// idempotent is never sent a second time, whatever went wrong, unless
    /// [`reconnect`](Self::reconnect) allows it. Idempotent methods are `GET`, `HEAD`, `OPTIONS`,
    /// `TRACE`, `PUT` and `DELETE` ([RFC 9110, section 9.2.2]).
    ///
    /// [RFC 9110, section 9.2.2]: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
    #[must_use]
    pub const fn method(mut self, method: &str) -> Self {
        self.idempotent = matches!(
            method.as_bytes(),
            b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE"
        );
        self
    }

    /// Sets whether a request may be sent again, whatever its [`method`](Self::method).
    #[must_use]
    pub const fn reconnect(mut self, allowed: bool) -> Self {
        self.reconnect = Some(allowed);
        self
    }

    /// Sets how long a request may have no response before it counts as lost. So even a request
    /// that was never answered is tried again. 0 means for ever. The default is
    /// [`DEFAULT_RESPONSE_TIMEOUT`](Self::DEFAULT_RESPONSE_TIMEOUT).
    ///
    /// [`poll`](crate::sse::EventSource::poll) checks the timeout: wait for the response no longer
    /// than it says.
    #[must_use]
    pub const fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Sets how long an open connection may be silent before it counts as lost. Every byte is a
    /// sign of life, even inside an event. So the server has to send something, at least a
    /// [`KEEP_ALIVE`](crate::sse::server::KEEP_ALIVE), more often than this. 0 means no timeout,
    /// which is the default. [`poll`](crate::sse::EventSource::poll) checks the timeout: wait for
    /// input no longer than it says.
    ///
    /// The timeout runs from the response on, but not while you process received input. Once it has
    /// passed, `poll` grants a last chance of a tenth of it, at most 1 s, to read input that
    /// arrived while the program was busy or stopped. It grants up to two more if the program
    /// returns from the last chance a second late.
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Sets the event that closes the source, or [several](LastEvents), any one of which closes it.
    /// The end of the body is then no error. The event is delivered like any other.
    ///
    /// A last event that the end of the body cut off also closes the source, for example one from a
    /// server that forgets the last blank line. It is delivered if the decoder's options [ask for
    /// it](crate::sse::DecoderOptions::unfinished).
    ///
    /// ```
    /// use eventwire::sse::{LastEvent, EventSourceOptions};
    ///
    /// let options = EventSourceOptions::new().method("POST").last_event(&[
    ///     LastEvent::Data("[DONE]"),
    ///     LastEvent::EventType("message_stop"),
    /// ]);
    /// ```
    #[must_use]
    pub fn last_event(mut self, events: impl Into<LastEvents>) -> Self {
        self.last_events = events.into();
        self
    }

    /// Returns how long to wait after this attempt if the server asked for `least`, or `None` if
    /// there may be no further attempt.
    pub(super) fn next_wait(&mut self, attempt: Attempt, least: Duration) -> Option<Duration> {
        if !self.reconnect.unwrap_or(self.idempotent) {
            return None;
        }
        let is_good = attempt.brought_event || attempt.lasted >= Self::GOOD_STRETCH;
        if least.is_zero() && attempt.brought_event && attempt.ended {
            self.backoff.reset();
            return Some(Duration::ZERO);
        }
        if self.backoff_is_set {
            if is_good {
                self.backoff.connection_lasted(attempt.lasted);
            }
            return Some(least.saturating_add(self.backoff.next_wait()?));
        }
        if is_good {
            self.backoff.reset();
            return Some(if least.is_zero() { Self::LEAST_WAIT } else { least });
        }
        self.backoff.next_wait().map(|wait| wait.max(least))
    }
}

impl Default for EventSourceOptions {
    fn default() -> Self {
        Self::new()
    }
}
