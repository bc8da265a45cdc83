//! Where lines end, 64 bytes at a time, and whether what stands before is ASCII.

use super::register::Vector;

/// The positions of each CR and LF in a buffer, from somewhere on. To tell a CRLF is the caller's.
///
/// The buffer is shown anew each time, so that what lies before the line end given last may be
/// altered in between.
#[derive(Clone, Debug)]
pub(crate) struct LineEnds {
    /// Where the 64 bytes begin, or those that are left, that were looked at last.
    block: usize,
    /// Which of them are line ends that were not given yet; the first byte is the lowest bit.
    ends: u64,
    /// Which of them are not ASCII.
    high: u64,
    /// Whether any before them was not.
    any_high: bool,
}

const BLOCK: usize = 64;

impl LineEnds {
    /// Those in `buf[from..]`.
    #[inline]
    pub(crate) fn new(buf: &[u8], from: usize) -> Self {
        let mut line_ends = Self { block: from, ends: 0, high: 0, any_high: false };
        advance(&mut line_ends, buf, from);
        line_ends
    }

    /// The next one.
    #[inline]
    pub(crate) fn next(&mut self, buf: &[u8]) -> Option<usize> {
        if self.ends == 0 {
            let from = self.block + BLOCK;
            if from >= buf.len() {
                return None;
            }
            advance(self, buf, from);
            if self.ends == 0 {
                return None;
            }
        }
        let end = self.block + self.ends.trailing_zeros() as usize;
        self.ends &= self.ends - 1;
        Some(end)
    }

    /// Whether all is known to be ASCII from the beginning to the line end given last, which is
    /// `end`.
    #[inline]
    pub(crate) const fn are_ascii_to(&self, end: usize) -> bool {
        let before = !(u64::MAX << (end - self.block));
        !self.any_high && self.high & before == 0
    }
}

dispatch! {
    /// Goes on to the first block from `from` on that has a line end, or to the last.
    fn advance(line_ends: &mut LineEnds, buf: &[u8], from: usize) = advance_over
}

#[inline(always)]
unsafe fn advance_over<V: Vector>(line_ends: &mut LineEnds, buf: &[u8], from: usize) {
    let mut any_high = line_ends.any_high || line_ends.high != 0;
    let mut at = from;
    let (ends, high) = loop {
        let left = buf.len().saturating_sub(at);
        if left < BLOCK {
            // SAFETY: it asks for no more than this function.
            break unsafe { last::<V>(buf, at) };
        }
        // SAFETY: the block lies in `buf`.
        let (ends, high) = unsafe { V::masks_of_block(buf.as_ptr().add(at)) };
        if ends != 0 || left == BLOCK {
            break (ends, high);
        }
        any_high |= high != 0;
        at += BLOCK;
    };
    (line_ends.block, line_ends.ends, line_ends.high) = (at, ends, high);
    line_ends.any_high = any_high;
}

/// The masks of fewer than 64 bytes, the last of `buf`.
#[inline(always)]
unsafe fn last<V: Vector>(buf: &[u8], at: usize) -> (u64, u64) {
    let left = buf.len().saturating_sub(at);
    if left == 0 {
        return (0, 0);
    }
    if buf.len() < BLOCK {
        // SAFETY: that many bytes lie there.
        return unsafe { V::masks_of_less(buf.as_ptr().add(at), left) };
    }
    // The last block, of which the first bytes were looked at before.
    // SAFETY: 64 bytes lie there.
    let (ends, high) = unsafe { V::masks_of_block(buf.as_ptr().add(buf.len() - BLOCK)) };
    let before = BLOCK - left;
    (ends >> before, high >> before)
}

#[cfg(test)]
mod tests {
    use super::super::level::tests::at_every_level;
    use super::LineEnds;
    use crate::simd::scalar;

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
                    let buf = &bytes[offset..][..len];
                    let from = offset.min(len);
                    let mut twin = scalar::LineEnds::new(buf, from);
                    let mut ends = LineEnds::new(buf, from);
                    while let Some(end) = twin.next(buf) {
                        assert_eq!(ends.next(buf), Some(end), "{len} bytes at {offset}");
                        assert_eq!(ends.are_ascii_to(end), buf[from..end].is_ascii());
                    }
                    assert_eq!(ends.next(buf), None, "{len} bytes at {offset}");
                }
            }
        });
    }
}
