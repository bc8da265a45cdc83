//! The loops over single bytes: finding line ends, copying lines, masking, and checking for ASCII.
//!
//! They use vectors where feature `simd` is on and the architecture has them. Elsewhere the safe
//! twins in `scalar.rs` take their place, with the same functions and results. The tests compare
//! the two. Of the rest of the crate, this module imports only `crate::sink`.

// Without vectors, the safe twins take this module's place.
#[cfg_attr(
    not(all(
        feature = "simd",
        any(
            all(target_arch = "x86_64", target_feature = "sse2"),
            all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
            all(target_arch = "wasm32", target_feature = "simd128"),
        )
    )),
    path = "scalar.rs"
)]
mod vector;
pub(crate) use vector::*;

/// The positions of the CRs and LFs in a buffer, from a certain position on. Recognising a CRLF is
/// left to the caller.
///
/// The buffer is passed again to each call, so that the bytes before the last line end may be
/// changed in between.
pub(crate) trait LineEnds {
    /// Returns the next position.
    fn next(&mut self, buf: &[u8]) -> Option<usize>;

    /// Returns whether all bytes from the beginning to `end`, the last line end returned, are known
    /// to be ASCII.
    fn are_ascii_to(&self, end: usize) -> bool;
}

/// Work that needs [`LineEnds`], so that all of it is compiled for the best instructions.
pub(crate) trait WithLineEnds {
    /// The result of the work.
    type Output;

    /// Does the work. Must always be inlined.
    fn run<L: LineEnds>(self, ends: L) -> Self::Output;
}

/// The bytes at the start of each line of a text: a line end, and a field name or nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    start: [u8; Self::MAX],
    len: usize,
}

impl Line {
    const MAX: usize = 8;

    /// Creates the start of a line.
    ///
    /// # Panics
    /// If it is longer than 8 bytes.
    pub(crate) const fn new(start: &[u8]) -> Self {
        let mut line = Self { start: [0; Self::MAX], len: start.len() };
        line.start.split_at_mut(start.len()).0.copy_from_slice(start);
        line
    }

    /// Returns the line end, and the bytes after it.
    pub(crate) fn start(&self) -> &[u8] {
        &self.start[..self.len]
    }
}
