//! Text from bytes, validated or known to be valid.

use core::str::Utf8Error;

/// Validates like [`core::str::from_utf8`], but several times as fast where there are vectors.
pub(crate) fn from_utf8(bytes: &[u8]) -> Result<&str, Utf8Error> {
    #[cfg(feature = "simd")]
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Ok(text);
    }
    // This also finds where the error is.
    core::str::from_utf8(bytes)
}

/// Returns the text of bytes that were validated before. This is the one promise that nothing here
/// can check.
#[cfg(feature = "simd")]
#[allow(unsafe_code)]
#[inline]
pub(crate) fn from_valid(bytes: &[u8]) -> &str {
    debug_assert!(core::str::from_utf8(bytes).is_ok());
    // SAFETY: the decoders pass bytes that they have validated as these arrived, and `Utf8Bytes`
    // passes bytes that were valid when it was created.
    unsafe { core::str::from_utf8_unchecked(bytes) }
}

/// Returns the text of bytes that were validated before. Without unsafe code they are validated
/// again.
#[cfg(not(feature = "simd"))]
pub(crate) fn from_valid(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}
