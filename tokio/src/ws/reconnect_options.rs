//! [`ReconnectOptions`], the options of a reconnecting WebSocket.

use super::connect_error::ConnectError;
use eventwire::Backoff;
use eventwire::ws::{CloseEvent, ReconnectingWebSocketOptions as CoreOptions};
use std::error::Error;
use std::time::Duration;

/// The options of a [`ReconnectingWebSocket`](super::ReconnectingWebSocket).
///
/// ```
/// use eventwire_tokio::ws::ReconnectOptions;
/// use std::time::Duration;
///
/// let options = ReconnectOptions::new()
///     .backoff(Duration::from_secs(1), Duration::from_secs(30))
///     .max_attempts(10)
///     .max_unsent(100, 64 * 1024)
///     .ends_on(|close| close.code == 4000 || ReconnectOptions::is_final(close));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ReconnectOptions {
    first_wait: Duration,
    longest_wait: Duration,
    max_attempts: u32,
    max_unsent: (usize, usize),
    attempt_timeout: Duration,
    ends_on: fn(&CloseEvent) -> bool,
}

impl ReconnectOptions {
    /// The default of [`backoff`](Self::backoff), for the first wait: 5 s.
    pub const DEFAULT_FIRST_WAIT: Duration = Duration::from_secs(5);
    /// The default of [`backoff`](Self::backoff), for the longest wait: 60 s.
    pub const DEFAULT_LONGEST_WAIT: Duration = Duration::from_secs(60);
    /// The default of [`attempt_timeout`](Self::attempt_timeout): 30 s.
    pub const DEFAULT_ATTEMPT_TIMEOUT: Duration = CoreOptions::DEFAULT_CONNECT_TIMEOUT;
    /// The default of [`max_unsent`](Self::max_unsent): 1024 messages.
    pub const DEFAULT_MAX_UNSENT_MESSAGES: usize = CoreOptions::DEFAULT_MAX_UNSENT_MESSAGES;
    /// The default of [`max_unsent`](Self::max_unsent): 1 MiB.
    pub const DEFAULT_MAX_UNSENT_BYTES: usize = CoreOptions::DEFAULT_MAX_UNSENT_BYTES;

    /// Creates the default options.
    pub const fn new() -> Self {
        Self {
            first_wait: Self::DEFAULT_FIRST_WAIT,
            longest_wait: Self::DEFAULT_LONGEST_WAIT,
            max_attempts: u32::MAX,
            max_unsent: (Self::DEFAULT_MAX_UNSENT_MESSAGES, Self::DEFAULT_MAX_UNSENT_BYTES),
            attempt_timeout: Self::DEFAULT_ATTEMPT_TIMEOUT,
            ends_on: Self::is_final,
        }
    }

    /// Sets the waits before attempts. The wait after the first failure is random, and at most
    /// `first`. The limit doubles with each further failure, up to `longest`. A connection that
    /// lasted for `longest` starts over with `first`. The defaults are those of
    /// [RFC 6455, section 7.2.3](https://www.rfc-editor.org/rfc/rfc6455#section-7.2.3).
    ///
    /// If a server refuses with a `Retry-After`, the wait is at least that long.
    pub const fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_wait, self.longest_wait) = (first, longest);
        self
    }

    /// Sets the number of further attempts after the first one, since a connection lasted. By
    /// default there is no limit.
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the maximum number of messages that may wait to be written, and their maximum total
    /// size in bytes.
    pub const fn max_unsent(mut self, messages: usize, bytes: usize) -> Self {
        self.max_unsent = (messages, bytes);
        self
    }

    /// Sets how long an attempt may take altogether, with everything that the
    /// [function](super::reconnect) waits for. The timeout of [`Connect`](super::Connect) applies
    /// too.
    pub const fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets which ends are final, in place of [`is_final`](Self::is_final). The error of an attempt
    /// is the [source](Error::source) of the close event.
    pub const fn ends_on(mut self, is_final: fn(&CloseEvent) -> bool) -> Self {
        self.ends_on = is_final;
        self
    }

    /// Returns whether another attempt would end in the same way. This is so in these cases:
    ///
    /// * The server closed with 1000 (done), or with 1002, 1003, 1007, 1008, 1009 or 1010 (it does
    ///   not accept what we send).
    /// * The server broke the protocol or passed a limit.
    /// * The server refused the handshake with a 4xx status other than 408, 425 and 429.
    /// * Connecting failed [permanently](ConnectError::is_permanent): for example, the URL is
    ///   invalid, or the certificate is not trusted.
    #[must_use]
    pub fn is_final(close: &CloseEvent) -> bool {
        if CoreOptions::is_final(close) {
            return true;
        }
        let mut cause = close.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<ConnectError>() {
                return error.is_permanent();
            }
            // The end of a connection that the function opened, and used.
            if let Some(close) = error.downcast_ref::<CloseEvent>() {
                return Self::is_final(close);
            }
            cause = error.source();
        }
        false
    }

    pub(super) fn into_core(self) -> CoreOptions {
        // Without a random number all clients wait alike, which is no reason to stay away.
        let seed = getrandom::u64().unwrap_or_default();
        let backoff = Backoff::new(self.first_wait, self.longest_wait, seed);
        let (messages, bytes) = self.max_unsent;
        CoreOptions::new(backoff.max_attempts(self.max_attempts))
            .max_unsent(messages, bytes)
            .connect_timeout(self.attempt_timeout)
            .ends_on(self.ends_on)
    }
}

impl Default for ReconnectOptions {
    fn default() -> Self {
        Self::new()
    }
}
