//! Masking, and where its keys come from.

use crate::BufferTooSmall;

/// A masking key (RFC 6455, 5.3). A client needs a fresh and unpredictable one for each frame.
///
/// Masking and unmasking are the same. Payload may be taken in runs: each call turns the key to
/// what the bytes that follow need.
///
/// ```
/// use eventwire::ws::MaskKey;
///
/// let mut payload = *b"hello";
/// let (front, back) = payload.split_at_mut(3);
/// let mut key = MaskKey([1, 2, 3, 4]);
/// key.apply(front);
/// key.apply(back);
/// assert_eq!(payload, *b"igohn");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaskKey(pub [u8; 4]);

impl MaskKey {
    /// Masks `payload` where it lies.
    pub fn apply(&mut self, payload: &mut [u8]) {
        let wide = self.wide();
        let (words, tail) = payload.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
        for (byte, key) in tail.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
        self.turn(payload.len());
    }

    /// As [`apply`](Self::apply); returns whether all bytes are now ASCII.
    pub(super) fn apply_to_text(&mut self, payload: &mut [u8]) -> bool {
        let wide = self.wide();
        let (words, tail) = payload.as_chunks_mut::<8>();
        let mut seen = 0;
        for word in words {
            let plain = u64::from_ne_bytes(*word) ^ wide;
            seen |= plain;
            *word = plain.to_ne_bytes();
        }
        let mut seen = seen & 0x8080_8080_8080_8080 != 0;
        for (byte, key) in tail.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
            seen |= !byte.is_ascii();
        }
        self.turn(payload.len());
        !seen
    }

    /// Writes `payload`, masked, to the front of `buffer` in one pass.
    ///
    /// # Errors
    /// If `buffer` is shorter than `payload`; nothing is written then.
    pub fn copy(&mut self, payload: &[u8], buffer: &mut [u8]) -> Result<(), BufferTooSmall> {
        let needed = payload.len();
        let out = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let wide = self.wide();
        let (words, tail) = payload.as_chunks::<8>();
        let (out_words, out_tail) = out.as_chunks_mut::<8>();
        for (word, out) in words.iter().zip(out_words) {
            *out = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
        for ((byte, out), key) in tail.iter().zip(out_tail).zip(self.0.iter().cycle()) {
            *out = byte ^ key;
        }
        self.turn(needed);
        Ok(())
    }

    /// The key twice, for eight bytes at once.
    fn wide(self) -> u64 {
        let [a, b, c, d] = self.0;
        u64::from_ne_bytes([a, b, c, d, a, b, c, d])
    }

    /// Turns the key to what the bytes after these need.
    fn turn(&mut self, len: usize) {
        self.0.rotate_left(len % 4);
    }
}

/// Where a client's masking keys come from: any closure that returns 4 bytes of a strong source of
/// randomness, or [`OsMaskKeys`] with feature `getrandom`.
///
/// Keys must be unpredictable to those who choose the payload (RFC 6455, 10.3), as scripts in a
/// browser are. A client whose payload nobody else chooses, such as firmware, may do with less.
pub trait MaskSource {
    /// A key for the next frame.
    ///
    /// # Errors
    /// If there is none. The frame is not sent then.
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey>;
}

impl<F: FnMut() -> [u8; 4]> MaskSource for F {
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey> {
        Ok(MaskKey(self()))
    }
}

/// A source of masking keys failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("no masking key to be had")]
pub struct NoMaskKey;

/// The [`MaskSource`] of a server, whose frames are not masked: there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoMask {}

impl MaskSource for NoMask {
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey> {
        match *self {}
    }
}

/// Masking keys from the operating system's source of randomness, drawn 32 at a time.
///
/// ```
/// use eventwire::ws::{Connection, Options, OsMaskKeys};
///
/// let connection = Connection::client(Options::new(), OsMaskKeys::new());
/// ```
#[cfg(feature = "getrandom")]
#[cfg_attr(docsrs, doc(cfg(feature = "getrandom")))]
pub struct OsMaskKeys {
    drawn: [[u8; 4]; 32],
    /// How many of them are unused, at the front.
    left: usize,
}

#[cfg(feature = "getrandom")]
impl OsMaskKeys {
    /// A source that has drawn nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { drawn: [[0; 4]; 32], left: 0 }
    }
}

#[cfg(feature = "getrandom")]
impl Default for OsMaskKeys {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "getrandom")]
impl MaskSource for OsMaskKeys {
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey> {
        if self.left == 0 {
            getrandom::fill(self.drawn.as_flattened_mut()).map_err(|_| NoMaskKey)?;
            self.left = self.drawn.len();
        }
        self.left -= 1;
        Ok(MaskKey(self.drawn[self.left]))
    }
}

/// Keys to come are nobody's business.
#[cfg(feature = "getrandom")]
impl core::fmt::Debug for OsMaskKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OsMaskKeys").finish_non_exhaustive()
    }
}
