//! [`IdStorage`], the place where a decoder keeps the last event ID.

use super::decode_error::IdTooLong;
use super::text::Text;
use core::fmt;

/// Storage for the last event ID, which outlives the buffer that it arrived in.
///
/// [`InlineId`] needs no allocator. `String` (feature `alloc`) has no limit of its own.
pub trait IdStorage {
    /// Returns the ID, which is empty at first.
    fn as_str(&self) -> &str;

    /// Replaces the ID by `id`, with U+FFFD for bytes that are not UTF-8. On an error the old ID
    /// stays.
    ///
    /// # Errors
    /// If `id` does not fit.
    fn store(&mut self, id: Text<'_>) -> Result<(), IdTooLong>;
}

/// Storage inside the decoder for an ID of up to `N` bytes.
///
/// Choose `N` by what servers send: a UUID has 36 bytes, a Redis entry ID about 20, and some
/// servers encode positions in several logs as JSON, in 200 bytes and more.
#[derive(Clone)]
pub struct InlineId<const N: usize> {
    len: usize,
    bytes: [u8; N],
}

impl<const N: usize> InlineId<N> {
    /// Creates an empty ID.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: 0, bytes: [0; N] }
    }
}

impl<const N: usize> Default for InlineId<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> IdStorage for InlineId<N> {
    fn as_str(&self) -> &str {
        // Only whole pieces of text were stored.
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }

    fn store(&mut self, id: Text<'_>) -> Result<(), IdTooLong> {
        if let Ok(id) = id.to_str() {
            let too_long = IdTooLong { capacity: N };
            self.bytes.get_mut(..id.len()).ok_or(too_long)?.copy_from_slice(id.as_bytes());
            self.len = id.len();
            return Ok(());
        }
        let len = id.pieces().map(str::len).sum();
        if len > N {
            return Err(IdTooLong { capacity: N });
        }
        let mut at = 0;
        for piece in id.pieces() {
            self.bytes[at..at + piece.len()].copy_from_slice(piece.as_bytes());
            at += piece.len();
        }
        self.len = len;
        Ok(())
    }
}

impl<const N: usize> fmt::Debug for InlineId<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InlineId").field(&self.as_str()).finish()
    }
}

#[cfg(feature = "alloc")]
impl IdStorage for alloc::string::String {
    fn as_str(&self) -> &str {
        self
    }

    fn store(&mut self, id: Text<'_>) -> Result<(), IdTooLong> {
        self.clear();
        self.extend(id.pieces());
        Ok(())
    }
}
