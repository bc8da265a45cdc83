//! Copies text as lines that each begin with the same bytes.

use super::register::{Vector, copy_block_min};
use crate::simd::Line;
use core::mem::MaybeUninit;

/// The progress of a copy of text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copied {
    /// Bytes read from the text.
    pub(super) read: usize,
    /// Bytes written to the output, from its beginning.
    pub(super) written: usize,
}

const BLOCK: usize = 64;

dispatch! {
    /// Copies `text` to `out`, with the start of a line in place of each CR, LF and CRLF. Copies
    /// all of it, or as far as there is room.
    pub(super) fn copy_lines(text: &[u8], line: Line, out: &mut [MaybeUninit<u8>]) -> Copied
        = copy_lines_by
}

/// Copies whole blocks of the text, wherever its lines end. The bytes of the block after a line end
/// are then copied once more, to after the start of their line.
#[inline(always)]
unsafe fn copy_lines_by<V: Vector>(text: &[u8], line: Line, out: &mut [MaybeUninit<u8>]) -> Copied {
    let room = out.len();
    let (from, out) = (text.as_ptr(), out.as_mut_ptr().cast::<u8>());
    // A byte at `i` of the text goes to `i + inserted` of the output.
    let (mut block, mut inserted) = (0, 0_usize);
    let mut plain = true;
    while block < text.len() {
        let at = block.wrapping_add(inserted);
        if plain {
            // SAFETY: it has the same precondition as this function.
            let len = unsafe { copy_plain::<V>(&text[block..], out.add(at), room - at) };
            block += len;
            if block == text.len() {
                break;
            }
        }
        let at = block.wrapping_add(inserted);
        let len = BLOCK.min(text.len() - block);
        if len > room - at {
            return Copied { read: block, written: at };
        }
        // SAFETY: the text and the room have at least `len` bytes left.
        let mut ends = unsafe { copy_block::<V>(from.add(block), out.add(at), len) };
        plain = ends == 0;
        while ends != 0 {
            let end = block + ends.trailing_zeros() as usize;
            ends &= ends - 1;
            let at = end.wrapping_add(inserted);
            if text[end] == b'\n' && end > 0 && text[end - 1] == b'\r' {
                // The second half of a CRLF. Its first half has already begun the line.
                inserted = inserted.wrapping_sub(1);
            } else {
                if Line::MAX > room - at {
                    return Copied { read: end, written: at };
                }
                // SAFETY: there is room for this many bytes, as checked above.
                unsafe { out.add(at).cast::<[u8; Line::MAX]>().write(line.start) };
                inserted = inserted.wrapping_add(line.len - 1);
            }
            let behind = end + 1;
            let at = behind.wrapping_add(inserted);
            let left = block + len - behind;
            if left > room - at {
                return Copied { read: behind, written: at };
            }
            // SAFETY: the text and the room have this many bytes left.
            unsafe {
                if text.len() - behind >= BLOCK && room - at >= BLOCK {
                    V::copy_block(from.add(behind), out.add(at));
                } else {
                    V::copy_less(from.add(behind), out.add(at), left);
                }
            }
        }
        block += len;
    }
    Copied { read: block, written: block.wrapping_add(inserted) }
}

/// Copies `len` bytes, at most a block, and returns the mask of its line ends.
#[inline(always)]
unsafe fn copy_block<V: Vector>(from: *const u8, to: *mut u8, len: usize) -> u64 {
    // SAFETY: the caller guarantees that `len` bytes may be read and written.
    unsafe {
        if len == BLOCK {
            let (ends, _) = V::masks_of_block(from);
            V::copy_block(from, to);
            ends
        } else {
            let (ends, _) = V::masks_of_less(from, len);
            V::copy_less(from, to, len);
            ends
        }
    }
}

/// Copies bytes that are certain to contain no line end from the front of `text`. Returns how many.
/// More may have been written.
#[inline(always)]
unsafe fn copy_plain<V: Vector>(text: &[u8], out: *mut u8, room: usize) -> usize {
    const STEP: usize = 4 * BLOCK;
    let from = text.as_ptr();
    let most = text.len().min(room);
    let mut at = 0;
    while most - at >= STEP {
        // SAFETY: the text and the room have `STEP` bytes left.
        let low = unsafe {
            // No closure: it would not have the caller's instructions.
            let a = copy_block_min::<V>(from.add(at), out.add(at));
            let b = copy_block_min::<V>(from.add(at + BLOCK), out.add(at + BLOCK));
            let c = copy_block_min::<V>(from.add(at + 2 * BLOCK), out.add(at + 2 * BLOCK));
            let d = copy_block_min::<V>(from.add(at + 3 * BLOCK), out.add(at + 3 * BLOCK));
            a.min(b).min(c.min(d)).any_low()
        };
        if low {
            return at;
        }
        // If there is much more, continue at a place where no store crosses a cache line.
        let aligned =
            if at == 0 && most >= 2 * STEP { out.addr().wrapping_neg() % BLOCK } else { 0 };
        at += if aligned == 0 { STEP } else { STEP - BLOCK + aligned };
    }
    if room < text.len() || text.len() < BLOCK {
        return at;
    }
    // The rest. Its last block may overlap the one before.
    let end = text.len() - BLOCK;
    // SAFETY: the text and the room have a block there.
    let mut least = unsafe { copy_block_min::<V>(from.add(end), out.add(end)) };
    let mut block = at;
    while block < end {
        // SAFETY: the text and the room have a block there.
        least = unsafe { least.min(copy_block_min::<V>(from.add(block), out.add(block))) };
        block += BLOCK;
    }
    // SAFETY: the caller has the instructions.
    if unsafe { least.any_low() } { at } else { text.len() }
}

#[cfg(test)]
mod tests {
    use super::super::level::tests::at_every_level;
    use super::{Copied, copy_lines};
    use crate::simd::Line;
    use core::mem::MaybeUninit;
    use std::string::String;
    use std::vec;

    const LINE: Line = Line::new(b"\ndata: ");

    fn expected(text: &str) -> String {
        text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\ndata: ")
    }

    /// Copies to `room` bytes that begin `offset` bytes after the start of a cache line.
    fn check(text: &str, room: usize, offset: usize) {
        let mut out = vec![MaybeUninit::new(0xEE); room + 2 * 64];
        let start = out.as_ptr().addr().wrapping_neg() % 64 + offset;
        let Copied { read, written } =
            copy_lines(text.as_bytes(), LINE, &mut out[start..start + room]);
        // SAFETY: it was initialised above.
        let out: vec::Vec<u8> = out.into_iter().map(|byte| unsafe { byte.assume_init() }).collect();
        let seen = expected(&text[..read]);
        assert_eq!(written, seen.len(), "{read} of {text:?} in {room} at {offset}");
        assert_eq!(out[start..start + written], *seen.as_bytes());
        assert!(out[..start].iter().chain(&out[start + room..]).all(|&byte| byte == 0xEE));
        let enough = expected(text).len() + Line::MAX;
        assert!(read == text.len() || room < enough, "{read} of {text:?} in {room} at {offset}");
    }

    /// Checks from too little room to more than is needed.
    fn check_rooms(text: &str, offset: usize) {
        let whole = expected(text).len();
        for room in [whole / 2, whole, whole + 7, whole + 200] {
            check(text, room, offset);
        }
    }

    #[test]
    fn as_replacing_line_ends_one_by_one() {
        let mut random = 7_u32;
        let text: String = (0..300 + 64)
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                match random >> 24 {
                    0..6 => '\n',
                    6..10 => '\r',
                    random => char::from(b'a' + (random % 26) as u8),
                }
            })
            .collect();
        let text = text.replace("ab", "\r\n");
        at_every_level(|| {
            for offset in 0..64 {
                for len in 0..=300.min(text.len() - offset) {
                    // The allocation ends with it, so that sanitizers see any access beyond.
                    let memory = String::from(&text[..offset + len]);
                    check_rooms(&memory[offset..], offset);
                }
            }
        });
    }

    /// Tests lines so long that they are copied to aligned places.
    #[test]
    fn long_lines() {
        at_every_level(|| {
            for offset in 0..64 {
                for len in [511, 512, 513, 767, 768, 1024, 1500] {
                    let mut text = "x".repeat(len);
                    check_rooms(&text, offset);
                    text.replace_range(len - 1 - offset * 7..len - offset * 7, "\r");
                    check_rooms(&text, offset);
                }
            }
        });
    }
}
