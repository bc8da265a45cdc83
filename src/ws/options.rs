//! What a decoder allows.

/// Limits on what a peer may send, on by default.
///
/// They are judged by a frame's header, before any of its payload is taken. Control frames, of at
/// most 125 bytes each, do not count.
///
/// ```
/// use eventwire::ws::{Decoder, Options, Role};
///
/// let options = Options::new().max_message(64 * 1024).max_fragments(64);
/// let decoder = Decoder::new(Role::Server, options);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(super) max_frame: u64,
    pub(super) max_message: u64,
    pub(super) max_fragments: u32,
    pub(super) compression: bool,
}

impl Options {
    /// 16 MiB.
    pub const DEFAULT_MAX_MESSAGE: u64 = 16 << 20;
    /// 131,072.
    pub const DEFAULT_MAX_FRAGMENTS: u32 = 128 << 10;

    /// Messages of [`DEFAULT_MAX_MESSAGE`](Self::DEFAULT_MAX_MESSAGE) bytes, in up to
    /// [`DEFAULT_MAX_FRAGMENTS`](Self::DEFAULT_MAX_FRAGMENTS) frames.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_frame: u64::MAX,
            max_message: Self::DEFAULT_MAX_MESSAGE,
            max_fragments: Self::DEFAULT_MAX_FRAGMENTS,
            compression: false,
        }
    }

    /// How many bytes the payload of a data frame may have. Unless this is set, as many as its
    /// message has left.
    #[must_use]
    pub const fn max_frame(mut self, bytes: u64) -> Self {
        self.max_frame = bytes;
        self
    }

    /// How many bytes a message may have, over all its frames; those of a compressed one are counted
    /// as it is inflated.
    #[must_use]
    pub const fn max_message(mut self, bytes: u64) -> Self {
        self.max_message = bytes;
        self
    }

    /// How many frames a message may come in, empty ones too; at least 1.
    #[must_use]
    pub const fn max_fragments(mut self, frames: u32) -> Self {
        self.max_fragments = frames;
        self
    }

    /// Whether a [`Decoder`](super::Decoder) takes messages that are compressed, as an extension was
    /// agreed on that does so (RFC 7692, 6). They come [as they are](super::Data::compressed), for those
    /// who pass them on, such as a proxy that passes on the handshake as well, extensions and all.
    ///
    /// This turns on no compression: that is [`Deflate`](super::Deflate). A
    /// [`MessageDecoder`](super::MessageDecoder), which gives whole messages, does not look at this, and
    /// neither does a [`WebSocket`](super::WebSocket).
    #[must_use]
    pub const fn compression(mut self, agreed: bool) -> Self {
        self.compression = agreed;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
