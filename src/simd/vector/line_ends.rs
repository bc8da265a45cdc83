//! Finds line ends, 64 bytes at a time, and checks whether the bytes before them are ASCII.

use super::register::Vector;
use crate::simd::{LineEnds, WithLineEnds};
use core::marker::PhantomData;

/// Line ends found with masks. Creating one is only sound where the vector's instructions exist.
struct Masks<V> {
    /// The start of the last block that was looked at, which has 64 bytes, or fewer at the end. It
    /// is modulo the address space, because the first block begins before the buffer.
    block: usize,
    /// The line ends in the block that were not returned yet. The first byte has the lowest bit.
    ends: u64,
    /// The bytes in the block that are not ASCII.
    high: u64,
    /// Whether any byte before the block is not ASCII.
    any_high: bool,
    vector: PhantomData<V>,
}

const BLOCK: usize = 64;

impl<V: Vector> LineEnds for Masks<V> {
    #[inline(always)]
    fn next(&mut self, buf: &[u8]) -> Option<usize> {
        while self.ends == 0 {
            let block = self.block.wrapping_add(BLOCK);
            if block >= buf.len() {
                return None;
            }
            self.any_high |= self.high != 0;
            self.block = block;
            (self.ends, self.high) = match buf[block..].first_chunk::<BLOCK>() {
                // SAFETY: the block has 64 bytes, and the caller has the instructions.
                Some(bytes) => unsafe { V::masks_of_block(bytes.as_ptr()) },
                // SAFETY: the caller has the instructions.
                None => unsafe { last::<V>(buf, block) },
            };
        }
        let end = self.block + self.ends.trailing_zeros() as usize;
        self.ends &= self.ends - 1;
        Some(end)
    }

    #[inline(always)]
    fn are_ascii_to(&self, end: usize) -> bool {
        let before = !(u64::MAX << (end - self.block));
        !self.any_high && self.high & before == 0
    }
}

dispatch! {
    /// Runs work that needs the line ends of a buffer, from `from` on.
    pub(crate) fn with_line_ends<W: WithLineEnds>(from: usize, work: W) -> W::Output = run
}

#[inline(always)]
unsafe fn run<V: Vector, W: WithLineEnds>(from: usize, work: W) -> W::Output {
    let block = from.wrapping_sub(BLOCK);
    work.run(Masks::<V> { block, ends: 0, high: 0, any_high: false, vector: PhantomData })
}

/// Returns the masks of the last bytes of `buf`, fewer than 64.
#[inline(always)]
unsafe fn last<V: Vector>(buf: &[u8], at: usize) -> (u64, u64) {
    let left = buf.len().saturating_sub(at);
    if left == 0 {
        return (0, 0);
    }
    if buf.len() < BLOCK {
        // SAFETY: `buf` has `left` bytes from `at` on.
        return unsafe { V::masks_of_less(buf.as_ptr().add(at), left) };
    }
    // SAFETY: `buf` has at least 64 bytes. The first bytes of its last block were looked at before.
    let (ends, high) = unsafe { V::masks_of_block(buf.as_ptr().add(buf.len() - BLOCK)) };
    let before = BLOCK - left;
    (ends >> before, high >> before)
}

#[cfg(test)]
mod tests {
    use super::super::level::tests::at_every_level;
    use super::with_line_ends;
    use crate::simd::vector::scalar;
    use crate::simd::{LineEnds, WithLineEnds};
    use std::vec::Vec;

    /// Collects all line ends, and whether the bytes before each are ASCII.
    struct Collect<'a>(&'a [u8]);

    impl WithLineEnds for Collect<'_> {
        type Output = Vec<(usize, bool)>;

        fn run<L: LineEnds>(self, mut ends: L) -> Self::Output {
            let mut all = Vec::new();
            while let Some(end) = ends.next(self.0) {
                all.push((end, ends.are_ascii_to(end)));
            }
            all
        }
    }

    #[test]
    fn as_the_safe_twin() {
        let mut random = 1_u32;
        let bytes = [(); 300 + 64].map(|()| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match random >> 24 {
                0..8 => b'\n',
                8..14 => b'\r',
                14..16 => 0xC3,
                _ => random.to_be_bytes()[1] & 0x7F,
            }
        });
        at_every_level(|| {
            for offset in 0..64 {
                for len in 0..=300 {
                    // The allocation ends with it, so that sanitizers see any access beyond.
                    let memory = bytes[..offset + len].to_vec();
                    let buf = &memory[offset..];
                    let from = offset.min(len);
                    let twin = scalar::with_line_ends(from, Collect(buf)).into_iter();
                    let expected: Vec<_> =
                        twin.map(|(end, _)| (end, buf[from..end].is_ascii())).collect();
                    let found = with_line_ends(from, Collect(buf));
                    assert_eq!(found, expected, "{len} bytes at {offset}");
                }
            }
        });
    }
}
