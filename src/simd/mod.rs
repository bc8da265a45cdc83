//! The loops over single bytes: with vectors where the feature `simd` and the architecture have them,
//! and the same in safe code, which stands in elsewhere and which the tests hold the vectors to.

// Where there are no vectors, the safe twins take their place.
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

/// The positions of each CR and LF in a buffer, from somewhere on. To tell a CRLF is the caller's.
///
/// The buffer is shown anew each time, so that what stands before the line end given last may be
/// altered in between.
pub(crate) trait LineEnds {
    /// The next one.
    fn next(&mut self, buf: &[u8]) -> Option<usize>;

    /// Whether all is known to be ASCII from the beginning to the line end given last, which is
    /// `end`.
    fn are_ascii_to(&self, end: usize) -> bool;
}

/// What needs [`LineEnds`], so that all of it runs with the best instructions.
pub(crate) trait WithLineEnds {
    /// What comes of it.
    type Output;

    /// Does it. To be inlined, always.
    fn run<L: LineEnds>(self, ends: L) -> Self::Output;
}

/// What each line of a text begins with: a line end, and a field name or nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    start: [u8; Self::MAX],
    len: usize,
}

impl Line {
    const MAX: usize = 8;

    /// # Panics
    /// If it is longer than 8 bytes.
    pub(crate) const fn new(start: &[u8]) -> Self {
        let mut line = Self { start: [0; Self::MAX], len: start.len() };
        line.start.split_at_mut(start.len()).0.copy_from_slice(start);
        line
    }

    /// The line end, and what follows.
    pub(crate) fn start(&self) -> &[u8] {
        &self.start[..self.len]
    }
}
