//! [`MaskKey`], and [`MaskSource`], where masking keys come from.

use crate::{BufferTooSmall, simd};

/// A masking key ([RFC 6455, section 5.3]). A client needs a fresh and unpredictable key for each
/// frame.
///
/// Masking and unmasking are the same operation. A payload may be processed in runs: each call
/// rotates the key to match the bytes that follow.
///
/// [RFC 6455, section 5.3]: https://www.rfc-editor.org/rfc/rfc6455#section-5.3
///
/// ```
/// use eventwire::ws::frame::MaskKey;
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
    /// Masks `payload` in place.
    #[inline]
    pub fn apply(&mut self, payload: &mut [u8]) {
        simd::mask(payload, self.0);
        self.turn(payload.len());
    }

    /// Masks text in place, as [`apply`](Self::apply) does. Returns whether the result is ASCII.
    #[inline]
    pub(super) fn apply_to_text(&mut self, text: &mut [u8]) -> bool {
        let ascii = simd::unmask_text(text, self.0);
        self.turn(text.len());
        ascii
    }

    /// Writes `payload`, masked, to the front of `buffer` in one pass.
    ///
    /// # Errors
    /// If `buffer` is shorter than `payload`. Nothing is written then.
    #[inline]
    pub fn copy(&mut self, payload: &[u8], buffer: &mut [u8]) -> Result<(), BufferTooSmall> {
        let needed = payload.len();
        let out = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        simd::copy_masked(payload, out, self.0);
        self.turn(needed);
        Ok(())
    }

    /// Rotates the key to match the bytes after the next `len`.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is less than 4")]
    fn turn(&mut self, len: usize) {
        let turned = u32::from_le_bytes(self.0).rotate_right(8 * (len % 4) as u32);
        self.0 = turned.to_le_bytes();
    }
}

/// A source of a client's masking keys: any closure that returns 4 bytes from a strong source of
/// randomness, or [`OsMaskKeys`](crate::ws::OsMaskKeys) with feature `getrandom`.
///
/// Keys must be unpredictable to anybody who chooses the payload, as scripts in a browser do ([RFC
/// 6455, section 10.3]). A client that chooses all of its payload itself, such as firmware, may do
/// with a weaker source.
///
/// [RFC 6455, section 10.3]: https://www.rfc-editor.org/rfc/rfc6455#section-10.3
pub trait MaskSource {
    /// Returns a key for the next frame.
    ///
    /// # Errors
    /// If no key is available. The frame is not sent then.
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey>;
}

impl<F: FnMut() -> [u8; 4]> MaskSource for F {
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey> {
        Ok(MaskKey(self()))
    }
}

/// The source of masking keys failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("no masking key available")]
pub struct NoMaskKey;

/// The [`MaskSource`] of a server. It has no value, because a server's frames are not masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoMask {}

impl MaskSource for NoMask {
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey> {
        match *self {}
    }
}
