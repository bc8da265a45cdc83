//! [`Utf8Validator`], for UTF-8 that arrives in pieces.

use crate::utf8;

/// Validates UTF-8 that arrives in pieces, and fails at the first byte that cannot continue valid
/// text ([RFC 6455, section 8.1]).
///
/// [RFC 6455, section 8.1]: https://www.rfc-editor.org/rfc/rfc6455#section-8.1
///
/// ```
/// use eventwire::ws::frame::{InvalidUtf8, Utf8Validator};
///
/// let mut validator = Utf8Validator::new();
/// validator.feed(b"gr\xC3")?;
/// assert!(!validator.is_complete()); // inside a character
/// validator.feed(b"\xBC\xC3\x9Fe")?;
/// assert!(validator.is_complete());
/// assert_eq!(validator.feed(b"a\xE2\x28"), Err(InvalidUtf8 { index: 2 }));
/// # Ok::<(), InvalidUtf8>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Utf8Validator {
    /// The number of bytes that the current character still needs.
    missing: u8,
    /// The range of its next byte.
    low: u8,
    high: u8,
}

/// A byte that cannot continue valid text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not UTF-8 at byte {index} of the piece")]
pub struct InvalidUtf8 {
    /// The index of the byte in the piece.
    pub index: usize,
}

impl Utf8Validator {
    /// Creates a validator at the start of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { missing: 0, low: 0x80, high: 0xBF }
    }

    /// Validates the next piece.
    ///
    /// # Errors
    /// At the first byte that cannot continue valid text. Do not use the validator afterwards.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        let mut index = 0;
        while !self.is_complete() && index < piece.len() {
            self.step(piece, index)?;
            index += 1;
        }
        // Validate nearly all of it at once: everything except a last character that may be cut.
        let rest = &piece[index..];
        let last = (1..=rest.len().min(3)).find(|back| rest[rest.len() - back] >= 0xC0);
        let whole = rest.len() - last.unwrap_or(0);
        index += match utf8::from_utf8(&rest[..whole]) {
            Ok(_) => whole,
            Err(error) => error.valid_up_to(),
        };
        // At most 3 bytes are left, or an invalid byte is close.
        while index < piece.len() {
            self.step(piece, index)?;
            index += 1;
        }
        Ok(())
    }

    /// Returns whether the text may end here, that is, not inside a character.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.missing == 0
    }

    /// Validates one byte.
    fn step(&mut self, piece: &[u8], index: usize) -> Result<(), InvalidUtf8> {
        let byte = piece[index];
        let (missing, low, high) = match (self.missing, byte) {
            (0, 0x00..=0x7F) => (0, 0x80, 0xBF),
            (0, 0xC2..=0xDF) => (1, 0x80, 0xBF),
            (0, 0xE0) => (2, 0xA0, 0xBF),
            (0, 0xED) => (2, 0x80, 0x9F),
            (0, 0xE1..=0xEF) => (2, 0x80, 0xBF),
            (0, 0xF0) => (3, 0x90, 0xBF),
            (0, 0xF1..=0xF3) => (3, 0x80, 0xBF),
            (0, 0xF4) => (3, 0x80, 0x8F),
            (1.., _) if self.low <= byte && byte <= self.high => (self.missing - 1, 0x80, 0xBF),
            _ => return Err(InvalidUtf8 { index }),
        };
        *self = Self { missing, low, high };
        Ok(())
    }
}

impl Default for Utf8Validator {
    fn default() -> Self {
        Self::new()
    }
}
