//! How a client stays connected.

use super::last_event::LastEvents;
use crate::Backoff;
use core::time::Duration;

/// When an [`EventSource`](crate::sse::EventSource) connects again, and when it gives up.
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
    pub(in crate::sse) reconnection_time: Duration,
    /// Unless it was set, the least waits.
    backoff: Backoff,
    backoff_is_set: bool,
    pub(in crate::sse) retry_statuses: &'static [u16],
    idempotent: bool,
    reconnect: Option<bool>,
    pub(in crate::sse) response_timeout: Duration,
    pub(in crate::sse) idle_timeout: Option<Duration>,
    pub(in crate::sse) last_events: LastEvents,
}

/// What came of a request that was lost.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sse) struct Attempt {
    /// How long the stream was open.
    pub(in crate::sse) lasted: Duration,
    /// There was an event.
    pub(in crate::sse) brought_event: bool,
    /// The body came to its end.
    pub(in crate::sse) ended: bool,
}

impl EventSourceOptions {
    /// 3 s. The standard leaves it to the client, "probably in the region of a few seconds".
    pub const DEFAULT_RECONNECTION_TIME: Duration = Duration::from_secs(3);

    /// 2 minutes: a server that answers when it has something to tell may take its time.
    pub const DEFAULT_RESPONSE_TIMEOUT: Duration = Duration::from_secs(120);

    /// A stream that was open so long was no failure.
    const GOOD_STRETCH: Duration = Duration::from_secs(60);

    /// After an attempt that brought nothing; it doubles with each further one.
    const LEAST_WAIT: Duration = Duration::from_secs(1);
    const LONGEST_LEAST_WAIT: Duration = Duration::from_secs(60);

    /// What the standard says, for a GET (WHATWG HTML, 9.2.2 and 9.2.3): for ever, after
    /// [`DEFAULT_RECONNECTION_TIME`](Self::DEFAULT_RECONNECTION_TIME) or what the server asks for,
    /// and later while attempts bring nothing (9.2.3: "optionally, wait some more").
    ///
    /// An attempt brings nothing if it has no event: after a network error, no response, a
    /// [status to be tried again](Self::retry_statuses), or a response without an event that was open
    /// for less than a minute. After the first there is a wait of at least 1 s, after each further one
    /// in a row at least twice as long, up to 60 s. With the default reconnection time the waits are 3,
    /// 3, 4, 8 s and so on, if a server is gone. [`backoff`](Self::backoff) takes their place.
    ///
    /// A server of long polling says `retry: 0`, and is asked again at once after a response that had
    /// an event and came to its end. After any other response 0 counts as 1 s. If the server holds
    /// back the head of its response until there is an event, allow for that by
    /// [`response_timeout`](Self::response_timeout).
    #[must_use]
    pub const fn new() -> Self {
        Self {
            reconnection_time: Self::DEFAULT_RECONNECTION_TIME,
            backoff: Backoff::new(Self::LEAST_WAIT, Self::LONGEST_LEAST_WAIT, 0).jitter(0),
            backoff_is_set: false,
            retry_statuses: &[],
            idempotent: true,
            reconnect: None,
            response_timeout: Self::DEFAULT_RESPONSE_TIMEOUT,
            idle_timeout: None,
            last_events: LastEvents::NONE,
        }
    }

    /// How long to wait before connecting again, until the server sends a `retry`.
    #[must_use]
    pub const fn reconnection_time(mut self, time: Duration) -> Self {
        self.reconnection_time = time;
        self
    }

    /// Waits that grow and are random, **added** to the reconnection time (9.2.3: "optionally, wait
    /// some more"), so that none is shorter than the server asked for. After
    /// [`max_attempts`](Backoff::max_attempts) in a row the source fails for good. A connection that
    /// lasted [`reset_after`](Backoff::reset_after) starts them over; without an event it must also
    /// have lasted a minute. One that fell silent lasted until it was last heard.
    ///
    /// Where the reconnection time is 0 (long polling), a response that had an event and came to its
    /// end starts them over at once, and the next request is due without a wait.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self.backoff_is_set = true;
        self
    }

    /// Statuses that are tried again, such as 429 and 503; 200 and 204 keep their meaning. Unless
    /// this is set there are none, by the standard.
    ///
    /// If the response has a `Retry-After` in seconds, the reconnection time counts as at least
    /// that. Any other form, a date too, is ignored: there is no calendar here.
    #[must_use]
    pub const fn retry_statuses(mut self, statuses: &'static [u16]) -> Self {
        self.retry_statuses = statuses;
        self
    }

    /// The method of the requests, which is `GET` unless this is set. One that is not idempotent
    /// (RFC 9110, 9.2.2: all but `GET`, `HEAD`, `OPTIONS`, `TRACE`, `PUT` and `DELETE`) is never
    /// sent a second time, whatever went wrong, unless [`reconnect`](Self::reconnect) says so.
    #[must_use]
    pub const fn method(mut self, method: &str) -> Self {
        self.idempotent = matches!(
            method.as_bytes(),
            b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE"
        );
        self
    }

    /// Whether a request may be sent again, whatever its [`method`](Self::method).
    #[must_use]
    pub const fn reconnect(mut self, allowed: bool) -> Self {
        self.reconnect = Some(allowed);
        self
    }

    /// How long a request may have no response before it counts as lost, so that a request that was
    /// forgotten comes back; with 0 for ever. Unless this is set it is
    /// [`DEFAULT_RESPONSE_TIMEOUT`](Self::DEFAULT_RESPONSE_TIMEOUT).
    /// [`poll`](crate::sse::EventSource::poll) judges it: wait for the response no longer than it says.
    #[must_use]
    pub const fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// How long an open connection may be silent before it counts as lost. Every byte is a sign of
    /// life, also inside an event; so a server has to send one, or a
    /// [`KEEP_ALIVE`](crate::sse::KEEP_ALIVE), more often than this. With 0, or unless this is set, there is
    /// no timeout.
    /// [`poll`](crate::sse::EventSource::poll) judges it: wait for input no longer than it says.
    ///
    /// It runs from the response on, and not while you deal with what was received. Once it has passed,
    /// `poll` gives a last chance of a tenth of it, at most 1 s, to read what arrived while the program
    /// was busy or stopped; and up to two more if the program comes back from that a second late.
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// The event after which the source is closed, and the end of the body no error; or
    /// [several](LastEvents), of which any does. It is delivered like any other. One that the end of
    /// the body cut off, as by a server that forgets the last blank line, does too, and is delivered
    /// if the decoder's options [ask for it](crate::sse::DecoderOptions::unfinished).
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

    /// How long to wait after this attempt, where the server asked for `least`; `None` if there may
    /// be no more.
    pub(in crate::sse) fn next_wait(
        &mut self,
        attempt: Attempt,
        least: Duration,
    ) -> Option<Duration> {
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
