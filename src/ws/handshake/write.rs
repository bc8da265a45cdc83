//! How a head is written.

use super::unsendable::HeaderSlice;
use crate::sink::Sink;

/// Writes a header; no value here has a line end.
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

/// Writes further headers and the head's end.
pub(super) fn end<S: Sink>(sink: &mut S, headers: HeaderSlice<'_>) -> Result<(), S::Error> {
    for (name, value) in headers {
        header(sink, name, value.as_bytes())?;
    }
    sink.put(b"\r\n")
}

/// The ways to write a value that is `Encode`, as inherent methods.
macro_rules! encode_methods {
    () => {
        /// How many bytes it takes, exactly.
        #[must_use]
        pub fn encoded_len(&self) -> usize {
            crate::sink::encoded_len(self)
        }

        /// Writes it to the front of `buffer`; returns its length.
        ///
        /// # Errors
        /// If it does not fit. What the buffer then holds is not to be sent.
        pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, crate::BufferTooSmall> {
            crate::sink::encode(self, buffer)
        }

        /// Appends it to `buffer`.
        ///
        /// # Errors
        /// If a buffer that does not grow has no room; nothing is appended then.
        #[cfg(feature = "alloc")]
        pub fn encode_to<B: bytes::BufMut>(
            &self,
            buffer: &mut B,
        ) -> Result<(), crate::BufferTooSmall> {
            crate::sink::encode_to(self, buffer)
        }

        /// It in memory of its own.
        #[cfg(feature = "alloc")]
        #[must_use]
        pub fn to_bytes(&self) -> bytes::Bytes {
            crate::sink::to_bytes(self)
        }
    };
}
pub(super) use encode_methods;
