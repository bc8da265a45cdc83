//! [`Limits`] on the messages that a peer may send.

/// Limits on the messages that a peer may send, on by default.
///
/// They are judged by the header of a frame, before any of its payload is taken. Control frames,
/// which have at most 125 bytes each, do not count.
///
/// ```
/// use eventwire::ws::Limits;
/// use eventwire::ws::frame::{FrameDecoder, Role};
///
/// let limits = Limits::new().max_message(64 * 1024).max_fragments(64);
/// let decoder = FrameDecoder::new(Role::Server, limits);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) max_frame: u64,
    pub(in crate::ws) max_message: u64,
    pub(super) max_fragments: u32,
    pub(super) on_limit: OnLimit,
}

/// The policy for a message that passes a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnLimit {
    /// The connection fails. The peer is told 1009, or 1008 for too many frames.
    #[default]
    Error,
    /// The message is dropped as it arrives, and the connection goes on. As soon as the header that
    /// passes the limit is complete, one
    /// [`FrameEvent::Skipped`](crate::ws::frame::FrameEvent::Skipped) reports the fact. `Message`,
    /// `WebSocketEvent` and `ReconnectingWebSocketEvent` have the same variant. Drop any runs of
    /// the message that were yielded before. The text of the dropped part is not checked.
    ///
    /// A compressed message still fails the connection, because later messages may refer to it.
    Skip,
}

impl Limits {
    /// 16 MiB.
    pub const DEFAULT_MAX_MESSAGE: u64 = 16 << 20;
    /// 131,072.
    pub const DEFAULT_MAX_FRAGMENTS: u32 = 128 << 10;

    /// Creates limits that allow messages of [`DEFAULT_MAX_MESSAGE`](Self::DEFAULT_MAX_MESSAGE)
    /// bytes, in up to [`DEFAULT_MAX_FRAGMENTS`](Self::DEFAULT_MAX_FRAGMENTS) frames.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_frame: u64::MAX,
            max_message: Self::DEFAULT_MAX_MESSAGE,
            max_fragments: Self::DEFAULT_MAX_FRAGMENTS,
            on_limit: OnLimit::Error,
        }
    }

    /// Sets the maximum size of a data frame's payload, in bytes. By default only the size of the
    /// message is limited.
    #[must_use]
    pub const fn max_frame(mut self, bytes: u64) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Sets the maximum size of a message, in bytes, over all its frames. A compressed message is
    /// measured as it is inflated.
    #[must_use]
    pub const fn max_message(mut self, bytes: u64) -> Self {
        self.max_message = bytes;
        self
    }

    /// Sets the maximum number of frames in a message, including empty ones. A message has at least
    /// 1.
    #[must_use]
    pub const fn max_fragments(mut self, frames: u32) -> Self {
        self.max_fragments = frames;
        self
    }

    /// Sets the policy for a message that passes a limit. A server that answers each request, for
    /// example over JSON-RPC, may answer a request that is too long with an error, and go on:
    ///
    /// ```
    /// use eventwire::ws::{Limits, ProtocolError};
    /// use eventwire::ws::frame::{Fault, FrameDecoder, FrameEvent, OnLimit, Role};
    ///
    /// let limits = Limits::new().max_message(4).on_limit(OnLimit::Skip);
    /// let mut decoder = FrameDecoder::new(Role::Client, limits);
    /// let mut stream = *b"\x81\x05hello\x81\x02hi";
    /// let mut input = &mut stream[..];
    /// let fault = Fault::MessageTooLong { limit: 4, at_least: 5 };
    /// let skipped = FrameEvent::Skipped(ProtocolError { fault, offset: 1 });
    /// assert_eq!(decoder.decode(&mut input)?, Some(skipped));
    /// let Some(FrameEvent::Data(next)) = decoder.decode(&mut input)? else { return Ok(()) };
    /// assert_eq!(next.payload, b"hi");
    /// # Ok::<(), ProtocolError>(())
    /// ```
    #[must_use]
    pub const fn on_limit(mut self, policy: OnLimit) -> Self {
        self.on_limit = policy;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
