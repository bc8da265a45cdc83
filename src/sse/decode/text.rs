//! [`Text`], bytes read as UTF-8 with replacement, as the standard decodes an event stream.

use crate::utf8;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Range;
use core::str::{Utf8Chunks, Utf8Error};

/// Bytes of an event stream, to be read as text.
///
/// An event stream is decoded as UTF-8, with each ill-formed piece replaced by U+FFFD. The bytes of
/// a field begin and end next to ASCII, so decoding them alone has the same result as decoding the
/// whole stream. A replacement is longer than the bytes that it replaces, so replacing is
/// impossible in place. Read the text [strictly](Self::to_str), in [pieces](Self::pieces), or as a
/// [`Cow`](Self::to_cow).
///
/// ```
/// use eventwire::sse::decode::Text;
///
/// let text = Text::new(b"a\xFFb");
/// assert!(text.to_str().is_err());
/// assert!(text.pieces().eq(["a", "\u{FFFD}", "b"]));
/// assert_eq!(text.to_string(), "a\u{FFFD}b");
/// ```
#[derive(Clone, Copy, Default)]
pub struct Text<'a> {
    bytes: &'a [u8],
    /// Whether the bytes were found to be ASCII. If not set, they may be ASCII all the same.
    ascii: bool,
}

impl<'a> Text<'a> {
    /// Wraps these bytes as text.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, ascii: false }
    }

    /// Wraps bytes that were found to be ASCII if `ascii` is set.
    #[inline]
    pub(super) const fn known(bytes: &'a [u8], ascii: bool) -> Self {
        Self { bytes, ascii }
    }

    #[inline]
    pub(super) fn slice(self, range: Range<usize>) -> Self {
        Self { bytes: &self.bytes[range], ..self }
    }

    /// Returns the bytes as they arrived.
    #[inline]
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the text, borrowed. This costs nothing if the decoder has seen that it is ASCII.
    ///
    /// # Errors
    /// The first byte that is not UTF-8, if there is one.
    #[inline(always)]
    pub fn to_str(self) -> Result<&'a str, Utf8Error> {
        if self.ascii { Ok(utf8::from_valid(self.bytes)) } else { utf8::from_utf8(self.bytes) }
    }

    /// Returns the text's valid pieces and the replacements between them, in order. None is empty.
    #[must_use]
    pub fn pieces(self) -> Pieces<'a> {
        Pieces { chunks: self.bytes.utf8_chunks(), replace: false }
    }

    /// Returns the text in one piece, copied only if something is replaced.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_cow(self) -> alloc::borrow::Cow<'a, str> {
        // Plain validation is much faster than the search for bytes to replace.
        match self.to_str() {
            Ok(text) => text.into(),
            Err(_) => alloc::string::String::from_utf8_lossy(self.bytes),
        }
    }
}

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Text<'_> {}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.bytes.escape_ascii())
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|piece| f.write_str(piece))
    }
}

/// An iterator over the pieces of a [`Text`], from [`Text::pieces`].
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    chunks: Utf8Chunks<'a>,
    /// The replacement after the last valid piece is still owed.
    replace: bool,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            if core::mem::take(&mut self.replace) {
                return Some("\u{FFFD}");
            }
            let chunk = self.chunks.next()?;
            self.replace = !chunk.invalid().is_empty();
            if !chunk.valid().is_empty() {
                return Some(chunk.valid());
            }
        }
    }
}

impl core::iter::FusedIterator for Pieces<'_> {}
