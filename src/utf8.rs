//! Text out of bytes.

use core::str::Utf8Error;

/// As [`core::str::from_utf8`], several times as fast where there are vectors.
pub(crate) fn from_utf8(bytes: &[u8]) -> Result<&str, Utf8Error> {
    #[cfg(feature = "simd")]
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Ok(text);
    }
    // It also says where the error is.
    core::str::from_utf8(bytes)
}

/// Bytes that were found valid before. This is the one promise that nothing here can check.
#[cfg(feature = "simd")]
#[allow(unsafe_code)]
#[inline]
pub(crate) fn from_valid(bytes: &[u8]) -> &str {
    debug_assert!(core::str::from_utf8(bytes).is_ok());
    // SAFETY: the decoders call this with what they have validated as it came, and `Utf8Bytes`
    // with what it was made of.
    unsafe { core::str::from_utf8_unchecked(bytes) }
}

/// Bytes that were found valid before; without unsafe code they are validated again.
#[cfg(not(feature = "simd"))]
pub(crate) fn from_valid(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}
