//! Functions that write a head.

use super::unsendable::HeaderSlice;
use crate::sink::Sink;

/// Writes a header. Its value must not contain a line end.
pub(super) fn header<S: Sink>(sink: &mut S, name: &str, value: &[u8]) -> Result<(), S::Error> {
    header_in_pieces(sink, name, [value])
}

/// Writes a header whose value comes in pieces.
pub(super) fn header_in_pieces<S: Sink>(
    sink: &mut S,
    name: &str,
    value: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Result<(), S::Error> {
    sink.put(name.as_bytes())?;
    sink.put(b": ")?;
    value.into_iter().try_for_each(|piece| sink.put(piece.as_ref()))?;
    sink.put(b"\r\n")
}

/// Writes further headers and the end of the head.
pub(super) fn end<S: Sink>(sink: &mut S, headers: HeaderSlice<'_>) -> Result<(), S::Error> {
    for (name, value) in headers {
        header(sink, name, value.as_bytes())?;
    }
    sink.put(b"\r\n")
}

/// Defines the inherent methods that write a value which is `Encode`.
macro_rules! encode_methods {
    () => {
        /// Returns the exact length in bytes.
        #[must_use]
        pub fn encoded_len(&self) -> usize {
            crate::sink::encoded_len(self)
        }

        /// Encodes the value to the front of `buffer`, and returns its length.
        ///
        /// # Errors
        /// If it does not fit. The buffer then holds only a part of it: do not send it.
        pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, crate::BufferTooSmall> {
            crate::sink::encode(self, buffer)
        }

        /// Appends the encoded value to `buffer`.
        ///
        /// # Errors
        /// If the buffer cannot grow and has too little room. Nothing is appended then.
        #[cfg(feature = "alloc")]
        pub fn encode_to<B: bytes::BufMut>(
            &self,
            buffer: &mut B,
        ) -> Result<(), crate::BufferTooSmall> {
            crate::sink::encode_to(self, buffer)
        }

        /// Returns the encoded value in memory of its own.
        #[cfg(feature = "alloc")]
        #[must_use]
        pub fn to_bytes(&self) -> bytes::Bytes {
            crate::sink::to_bytes(self)
        }
    };
}
pub(super) use encode_methods;
