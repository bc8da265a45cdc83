//! What a decoder allows, and what it shows.

/// Limits of a decoder, and which items it yields besides events.
///
/// Both limits are on by default, because a peer that never ends a line or an event would
/// otherwise fill the memory. Every byte that has to be kept counts. Comments and unknown lines
/// outside a block need not be, unless they are shown: they are passed as they come, however long.
/// Limits are judged byte by byte, so the verdict does not depend on how the stream is cut into chunks.
///
/// ```
/// use eventwire::sse::{Decoder, OnLimit, DecoderOptions};
///
/// let options = DecoderOptions::new().max_event(4096).on_limit(OnLimit::Skip).comments(true);
/// let decoder = Decoder::with_options(options);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoderOptions {
    pub(in crate::sse) max_line: usize,
    pub(in crate::sse) max_event: usize,
    pub(in crate::sse) on_limit: OnLimit,
    shown: Shown,
}

/// What is shown besides events, a bit each: so it takes no more room than one would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sse) struct Shown(u8);

impl Shown {
    pub(in crate::sse) const COMMENTS: Self = Self(1);
    pub(in crate::sse) const BLOCKS: Self = Self(2);
    pub(in crate::sse) const UNKNOWN_LINES: Self = Self(4);
    pub(in crate::sse) const UNFINISHED: Self = Self(8);
}

/// What happens to a block that goes past a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnLimit {
    /// The stream is dead, and the decoder repeats its error.
    #[default]
    Error,
    /// An [`Item::Skipped`](crate::sse::Item::Skipped) takes the place of the block (also of one whose
    /// id does not fit its [`IdStorage`](crate::sse::IdStorage)), which is dropped
    /// through its blank line, and the stream goes on. Its `id` and `retry` lines that were
    /// complete before the limit count. Of a comment outside a block only its line is dropped, and
    /// likewise of an unknown line there.
    Skip,
}

impl DecoderOptions {
    /// 8 MiB: room for an image in a JSON message.
    pub const DEFAULT_MAX_EVENT: usize = 8 << 20;

    /// Limits of [`DEFAULT_MAX_EVENT`](Self::DEFAULT_MAX_EVENT), [`OnLimit::Error`], and nothing
    /// but events.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_line: Self::DEFAULT_MAX_EVENT,
            max_event: Self::DEFAULT_MAX_EVENT,
            on_limit: OnLimit::Error,
            shown: Shown(0),
        }
    }

    /// How many bytes a line may have, its end not counted, if it has to be kept.
    #[must_use]
    pub const fn max_line(mut self, bytes: usize) -> Self {
        self.max_line = bytes;
        self
    }

    /// How many bytes a block may have on the wire: all from its first field line to its blank
    /// line, which is not counted; field names, line ends, comments in between and empty `data`
    /// lines are. A comment or an unknown line that is to be shown counts alone, with its end.
    ///
    /// This bounds what the decoder asks its caller to keep, if it is at least 2 (a byte order
    /// mark is awaited). A buffer of one byte more never fills up without a verdict, if reads are
    /// cut to the room in it; for pieces of `n` bytes that cannot be cut, take `n` more.
    #[must_use]
    pub const fn max_event(mut self, bytes: usize) -> Self {
        self.max_event = bytes;
        self
    }

    /// What happens past a limit.
    #[must_use]
    pub const fn on_limit(mut self, policy: OnLimit) -> Self {
        self.on_limit = policy;
        self
    }

    /// Whether comments are shown, as [`Item::Comment`](crate::sse::Item::Comment).
    #[must_use]
    pub const fn comments(self, show: bool) -> Self {
        self.with(Shown::COMMENTS, show)
    }

    /// Whether blocks without data are shown, as [`Item::Block`](crate::sse::Item::Block).
    #[must_use]
    pub const fn blocks(self, show: bool) -> Self {
        self.with(Shown::BLOCKS, show)
    }

    /// Whether lines outside any block that are neither a field nor a comment are shown, as
    /// [`Item::Unknown`](crate::sse::Item::Unknown). The standard has readers ignore them, and servers of
    /// language models tell of errors by them, such as `{"error": ...}` or `error: {...}`.
    #[must_use]
    pub const fn unknown_lines(self, show: bool) -> Self {
        self.with(Shown::UNKNOWN_LINES, show)
    }

    /// Whether an event that the end of the stream cut off is given, as if a blank line stood there,
    /// and likewise a line that is to be shown. By the standard it is not, since more of it
    /// may have been under way. Some servers, mostly of language models, end their last event by
    /// nothing but the end of the stream. Where a body that breaks off is told from one that ends, as
    /// by HTTP/1.1 in chunks and by HTTP/2, this is safe.
    ///
    /// [`decode_eof`](crate::sse::Decoder::decode_eof) gives it; some libraries feed `"\n\n"` behind each body
    /// instead, also behind one that broke off. Only if the event is given do its `id` and a `retry`
    /// line that was cut off count. Where the stream ended inside a field's name, before any colon, nothing is
    /// given.
    #[must_use]
    pub const fn unfinished(self, give: bool) -> Self {
        self.with(Shown::UNFINISHED, give)
    }

    const fn with(mut self, it: Shown, show: bool) -> Self {
        self.shown.0 = if show { self.shown.0 | it.0 } else { self.shown.0 & !it.0 };
        self
    }

    #[inline]
    pub(in crate::sse) const fn show(&self, it: Shown) -> bool {
        self.shown.0 & it.0 != 0
    }
}

impl Default for DecoderOptions {
    fn default() -> Self {
        Self::new()
    }
}
