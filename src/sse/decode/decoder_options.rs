//! [`DecoderOptions`]: the limits of a decoder, and the items that it shows.

/// The limits of a decoder, and the items that it yields besides events.
///
/// Both limits are on by default, because a peer that never ends a line or an event would otherwise
/// fill the memory. Every byte that the decoder has to keep counts. Comments and unknown lines
/// outside a block are not kept unless they are shown, so they may have any length. Limits are
/// judged byte by byte, so the verdict does not depend on how the stream is cut into chunks.
///
/// ```
/// use eventwire::sse::{Decoder, DecoderOptions};
/// use eventwire::sse::decode::OnLimit;
///
/// let options = DecoderOptions::new().max_event(4096).on_limit(OnLimit::Skip).comments(true);
/// let decoder = Decoder::with_options(options);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoderOptions {
    pub(super) max_line: usize,
    pub(super) max_event: usize,
    pub(super) on_limit: OnLimit,
    shown: Shown,
}

/// The kinds of items shown besides events, one bit each, so that together they take one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown(u8);

impl Shown {
    pub(super) const COMMENTS: Self = Self(1);
    pub(super) const BLOCKS: Self = Self(2);
    pub(super) const UNKNOWN_LINES: Self = Self(4);
    pub(super) const UNFINISHED: Self = Self(8);
}

/// The policy for a block that passes a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnLimit {
    /// The stream is dead, and the decoder repeats its error.
    #[default]
    Error,
    /// The decoder drops the block up to and including its blank line, yields an
    /// [`Item::Skipped`](crate::sse::Item::Skipped) in its place, and goes on with the stream. The
    /// `id` and `retry` lines that were complete before the limit count. A block whose ID does not
    /// fit its [`IdStorage`](crate::sse::decode::IdStorage) is dropped in the same way. A comment
    /// or an unknown line outside a block is dropped alone.
    Skip,
}

impl DecoderOptions {
    /// 8 MiB, which has room for an image in a JSON message.
    pub const DEFAULT_MAX_EVENT: usize = 8 << 20;

    /// Creates options with both limits at [`DEFAULT_MAX_EVENT`](Self::DEFAULT_MAX_EVENT),
    /// [`OnLimit::Error`], and no items but events.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_line: Self::DEFAULT_MAX_EVENT,
            max_event: Self::DEFAULT_MAX_EVENT,
            on_limit: OnLimit::Error,
            shown: Shown(0),
        }
    }

    /// Sets the maximum size of a line in bytes, not counting its end. It applies to lines that the
    /// decoder has to keep.
    #[must_use]
    pub const fn max_line(mut self, bytes: usize) -> Self {
        self.max_line = bytes;
        self
    }

    /// Sets the maximum size of a block on the wire, in bytes: from its first field line up to, but
    /// excluding, the blank line that ends it. Field names, line ends, comments in between and
    /// empty `data` lines count. A comment or an unknown line that is shown counts alone, with its
    /// end.
    ///
    /// This bounds how much the decoder asks its caller to keep, provided it is at least 2 (the
    /// decoder waits for a possible byte order mark). A buffer of one byte more never fills up
    /// without a verdict, if each read is limited to the room left in it. If pieces of `n` bytes
    /// cannot be split, make the buffer `n` bytes larger.
    #[must_use]
    pub const fn max_event(mut self, bytes: usize) -> Self {
        self.max_event = bytes;
        self
    }

    /// Sets the policy for a block that passes a limit.
    #[must_use]
    pub const fn on_limit(mut self, policy: OnLimit) -> Self {
        self.on_limit = policy;
        self
    }

    /// Sets whether comments are shown, as [`Item::Comment`](crate::sse::Item::Comment).
    #[must_use]
    pub const fn comments(self, show: bool) -> Self {
        self.with(Shown::COMMENTS, show)
    }

    /// Sets whether blocks without data are shown, as [`Item::Block`](crate::sse::Item::Block).
    #[must_use]
    pub const fn blocks(self, show: bool) -> Self {
        self.with(Shown::BLOCKS, show)
    }

    /// Sets whether unknown lines outside any block are shown, as
    /// [`Item::Unknown`](crate::sse::Item::Unknown). An unknown line is neither a field nor a
    /// comment. The standard makes readers ignore such lines, but servers of language models report
    /// errors by them, for example `{"error": ...}` or `error: {...}`.
    #[must_use]
    pub const fn unknown_lines(self, show: bool) -> Self {
        self.with(Shown::UNKNOWN_LINES, show)
    }

    /// Sets whether an event that the end of the stream cut off is returned, as if a blank line
    /// followed it. The same goes for a cut-off line that is shown.
    ///
    /// The standard discards both, since more of them may have been on the way. But some servers,
    /// mostly of language models, end their last event with nothing but the end of the stream. The
    /// option is safe where the transport distinguishes a body that ended from one that broke off,
    /// as HTTP/1.1 with chunked encoding and HTTP/2 do.
    ///
    /// [`decode_eof`](crate::sse::Decoder::decode_eof) returns the event. (Some libraries feed
    /// `"\n\n"` after each body instead, even after one that broke off.) The event's `id` and a
    /// cut-off `retry` line count only if the event is returned. If the stream ended inside a
    /// field's name, before any colon, nothing is returned.
    #[must_use]
    pub const fn unfinished(self, give: bool) -> Self {
        self.with(Shown::UNFINISHED, give)
    }

    const fn with(mut self, it: Shown, show: bool) -> Self {
        self.shown.0 = if show { self.shown.0 | it.0 } else { self.shown.0 & !it.0 };
        self
    }

    #[inline]
    pub(super) const fn show(&self, it: Shown) -> bool {
        self.shown.0 & it.0 != 0
    }
}

impl Default for DecoderOptions {
    fn default() -> Self {
        Self::new()
    }
}
