//! Masks bytes, in place or while copying them, and checks whether text is ASCII.
//!
//! All of it is one operation: read, XOR with the key, perhaps write, and collect the high bits.
//! `short` does up to [`SHORT`] bytes with base instructions, inlined. `long` does more, at the
//! machine's level. Both read the two ends of the input before they write anything, because vectors
//! may overlap and the output may be the input.

use super::register::{Base, Vector};
#[cfg(feature = "alloc")]
use bytes::BufMut;
use core::mem::MaybeUninit;

/// Up to this length, base registers are fast enough, and a call to other instructions does not
/// pay.
const SHORT: usize = 8 * Base::LEN;

/// Masks `payload` in place.
#[inline]
pub(crate) fn mask(payload: &mut [u8], key: [u8; 4]) {
    let key = Key::new(key);
    if payload.len() > SHORT {
        return mask_long(payload, key);
    }
    let bytes = payload.as_mut_ptr();
    // SAFETY: the slice has that many bytes.
    unsafe { short(bytes, Some(bytes), payload.len(), key) };
}

/// Unmasks `text` in place. Returns whether it is ASCII.
#[inline(always)]
pub(crate) fn unmask_text(text: &mut [u8], key: [u8; 4]) -> bool {
    let key = Key::new(key);
    if text.len() > SHORT {
        return unmask_long_text(text, key);
    }
    let bytes = text.as_mut_ptr();
    // SAFETY: the slice has that many bytes.
    unsafe { short(bytes, Some(bytes), text.len(), key) }
}

/// Writes `payload`, masked, to `out`, which must have the same length.
#[inline]
pub(crate) fn copy_masked(payload: &[u8], out: &mut [u8], key: [u8; 4]) {
    // SAFETY: only initialised bytes are written there.
    let out = unsafe { &mut *(&raw mut *out as *mut [MaybeUninit<u8>]) };
    copy(payload, out, Key::new(key));
}

/// Appends `payload`, masked, to `buffer`, which must have room for it.
#[cfg(feature = "alloc")]
#[inline]
pub(crate) fn put_masked(buffer: &mut impl BufMut, payload: &[u8], key: [u8; 4]) {
    let key = Key::new(key);
    // One piece is enough for most buffers.
    let len = put_piece(buffer, payload, key);
    if len < payload.len() {
        put_pieces(buffer, &payload[len..], key.turned(len));
    }
}

#[cfg(feature = "alloc")]
#[inline(never)]
fn put_pieces(buffer: &mut impl BufMut, mut payload: &[u8], mut key: Key) {
    while !payload.is_empty() {
        let len = put_piece(buffer, payload, key);
        payload = &payload[len..];
        key = key.turned(len);
    }
}

/// Appends as much as there is room for in one piece. Returns how much.
#[cfg(feature = "alloc")]
#[inline(always)]
fn put_piece(buffer: &mut impl BufMut, payload: &[u8], key: Key) -> usize {
    let room = buffer.chunk_mut();
    let len = room.len().min(payload.len());
    // SAFETY: only initialised bytes are written there.
    let room = unsafe { room.as_uninit_slice_mut() };
    copy(&payload[..len], &mut room[..len], key);
    // SAFETY: these bytes were written.
    unsafe { buffer.advance_mut(len) };
    len
}

/// Appends the first `len` of these bytes to `buffer`, which must have room for them.
#[cfg(feature = "alloc")]
#[inline]
pub(crate) fn put_few(buffer: &mut impl BufMut, bytes: [u8; 16], len: usize) {
    let room = buffer.chunk_mut();
    if room.len() < bytes.len() {
        return buffer.put_slice(&bytes[..len]);
    }
    room[..bytes.len()].copy_from_slice(&bytes);
    // SAFETY: at least as many bytes were written.
    unsafe { buffer.advance_mut(len.min(bytes.len())) };
}

/// Writes `payload`, masked, to all of `out`, which must have the same length.
#[inline]
fn copy(payload: &[u8], out: &mut [MaybeUninit<u8>], key: Key) {
    assert_eq!(payload.len(), out.len());
    if payload.len() > SHORT {
        return copy_long(payload, out, key);
    }
    // SAFETY: both slices have that many bytes.
    unsafe { short(payload.as_ptr(), Some(out.as_mut_ptr().cast()), payload.len(), key) };
}

/// Returns whether all bytes are ASCII.
#[inline]
pub(crate) fn is_ascii(bytes: &[u8]) -> bool {
    if bytes.len() > SHORT {
        return is_long_ascii(bytes);
    }
    // SAFETY: the slice has that many bytes.
    unsafe { short(bytes.as_ptr(), None, bytes.len(), Key::NONE) }
}

#[inline(never)]
fn mask_long(payload: &mut [u8], key: Key) {
    dispatch! {
        fn at_level(payload: &mut [u8], key: Key) = mask_long_by
    }
    at_level(payload, key);
}

#[inline(always)]
unsafe fn mask_long_by<V: Vector>(payload: &mut [u8], key: Key) {
    // SAFETY: it has the same precondition as this function.
    unsafe { unmask_long_text_by::<V>(payload, key) };
}

#[inline(never)]
fn unmask_long_text(text: &mut [u8], key: Key) -> bool {
    dispatch! {
        fn at_level(text: &mut [u8], key: Key) -> bool = unmask_long_text_by
    }
    at_level(text, key)
}

#[inline(always)]
unsafe fn unmask_long_text_by<V: Vector>(text: &mut [u8], key: Key) -> bool {
    let bytes = text.as_mut_ptr();
    // SAFETY: the slice has that many bytes, and the caller has the instructions.
    unsafe { long::<V>(bytes, Some(bytes), text.len(), key) }
}

#[inline(never)]
fn copy_long(payload: &[u8], out: &mut [MaybeUninit<u8>], key: Key) {
    dispatch! {
        fn at_level(payload: &[u8], out: &mut [MaybeUninit<u8>], key: Key) = copy_long_by
    }
    at_level(payload, out, key);
}

#[inline(always)]
unsafe fn copy_long_by<V: Vector>(payload: &[u8], out: &mut [MaybeUninit<u8>], key: Key) {
    assert_eq!(payload.len(), out.len());
    // SAFETY: both slices have that many bytes, and the caller has the instructions.
    unsafe { long::<V>(payload.as_ptr(), Some(out.as_mut_ptr().cast()), payload.len(), key) };
}

#[inline(never)]
fn is_long_ascii(bytes: &[u8]) -> bool {
    dispatch! {
        fn at_level(bytes: &[u8]) -> bool = is_long_ascii_by
    }
    at_level(bytes)
}

#[inline(always)]
unsafe fn is_long_ascii_by<V: Vector>(bytes: &[u8]) -> bool {
    // SAFETY: the slice has that many bytes, and the caller has the instructions.
    unsafe { long::<V>(bytes.as_ptr(), None, bytes.len(), Key::NONE) }
}

/// A masking key, twice. Its first byte is the lowest.
#[derive(Clone, Copy)]
struct Key(u64);

impl Key {
    const NONE: Self = Self(0);

    #[inline(always)]
    fn new(key: [u8; 4]) -> Self {
        let key = u64::from(u32::from_le_bytes(key));
        Self(key << 32 | key)
    }

    /// Rotates the key for the bytes from the `at`th on.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "the remainder is less than 4")]
    fn turned(self, at: usize) -> Self {
        Self(self.0.rotate_right(8 * (at % 4) as u32))
    }

    /// # Safety
    /// As for the vector.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "both halves are the same")]
    unsafe fn repeat<V: Vector>(self) -> V {
        let key = (self.0 as u32).to_le_bytes();
        // SAFETY: the caller has the instructions.
        unsafe { V::repeat(key) }
    }
}

/// Masks up to [`SHORT`] bytes from `from` to `to`, which may be the same place, or nowhere.
/// Returns whether the masked bytes are ASCII.
///
/// # Safety
/// `from`, and `to` if there is one, must be valid for `len` bytes. They must be equal or not
/// overlap.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "only the lowest bytes of the key are needed")]
unsafe fn short(from: *const u8, to: Option<*mut u8>, len: usize, key: Key) -> bool {
    debug_assert!(len <= SHORT);
    /// Handles the bytes as two words. The second may overlap the first.
    macro_rules! words {
        ($word:ty) => {{
            let last = len - size_of::<$word>();
            // SAFETY: `len` is at least a word.
            unsafe {
                let front = from.cast::<$word>().read_unaligned() ^ key.0 as $word;
                let back =
                    from.add(last).cast::<$word>().read_unaligned() ^ key.turned(last).0 as $word;
                if let Some(to) = to {
                    to.cast::<$word>().write_unaligned(front);
                    to.add(last).cast::<$word>().write_unaligned(back);
                }
                (front | back) & (0x8080_8080_8080_8080_u64 as $word) == 0
            }
        }};
    }
    if len >= Base::LEN {
        // SAFETY: `len` is at least this many registers.
        unsafe {
            if len > 4 * Base::LEN {
                ends::<4>(from, to, len, key)
            } else if len > 2 * Base::LEN {
                ends::<2>(from, to, len, key)
            } else {
                ends::<1>(from, to, len, key)
            }
        }
    } else if len >= 8 {
        words!(u64)
    } else if len >= 4 {
        words!(u32)
    } else if len >= 2 {
        words!(u16)
    } else {
        len == 0 || words!(u8)
    }
}

/// Masks like [`short`], for `N` to twice `N` registers: `N` from each end, which may overlap. All
/// of them are read before one is written.
///
/// # Safety
/// As for [`short`].
#[inline(always)]
unsafe fn ends<const N: usize>(from: *const u8, to: Option<*mut u8>, len: usize, key: Key) -> bool {
    const LEN: usize = Base::LEN;
    let back = len - N * LEN;
    // SAFETY: all registers are inside, and every machine has them.
    unsafe {
        let masks = [key.repeat::<Base>(), key.turned(back).repeat()];
        let mut all = [masks; N];
        for (n, [front, behind]) in all.iter_mut().enumerate() {
            *front = front.xor(Base::load(from.add(n * LEN)));
            *behind = behind.xor(Base::load(from.add(back + n * LEN)));
        }
        let mut seen = all[0][0];
        for (n, [front, behind]) in all.into_iter().enumerate() {
            if let Some(to) = to {
                front.store(to.add(n * LEN));
                behind.store(to.add(back + n * LEN));
            }
            seen = seen.or(front).or(behind);
        }
        !seen.any_high()
    }
}

/// Masks like [`short`], for at least one register.
///
/// # Safety
/// As for [`short`] and for the vector.
#[inline(always)]
unsafe fn long<V: Vector>(from: *const u8, to: Option<*mut u8>, len: usize, key: Key) -> bool {
    assert!(len >= V::LEN);
    let last = len - V::LEN;
    // SAFETY: there are registers at both ends, and at `at` as long as that is less than `last`.
    unsafe {
        // Both ends may overlap the bytes between them, so they are read first and written last.
        let front = V::load(from).xor(key.repeat());
        let back = V::load(from.add(last)).xor(key.turned(last).repeat());
        // Four accumulators, so that the operations do not wait for each other.
        let mut seen = [front, back, front, back];
        // Aligned stores between the ends: a store across two cache lines takes twice as long.
        let mut at = V::LEN - to.map_or(from.addr(), <*mut u8>::addr) % V::LEN;
        let mask = key.turned(at).repeat();
        while at + 3 * V::LEN < last {
            for seen in &mut seen {
                *seen = seen.or(step(from, to, at, mask));
                at += V::LEN;
            }
        }
        while at < last {
            seen[0] = seen[0].or(step(from, to, at, mask));
            at += V::LEN;
        }
        if let Some(to) = to {
            front.store(to);
            back.store(to.add(last));
        }
        let [a, b, c, d] = seen;
        !a.or(b).or(c.or(d)).any_high()
    }
}

/// Masks the register `at` bytes after `from`, and writes it to the same place after `to`.
///
/// # Safety
/// `from`, and `to` if there is one, must be valid for a register there. And as for the vector.
#[inline(always)]
unsafe fn step<V: Vector>(from: *const u8, to: Option<*mut u8>, at: usize, mask: V) -> V {
    // SAFETY: the caller guarantees it.
    unsafe {
        let bytes = V::load(from.add(at)).xor(mask);
        if let Some(to) = to {
            bytes.store(to.add(at));
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::level::tests::at_every_level;
    use crate::simd::vector::scalar;
    use std::vec::Vec;

    const KEY: [u8; 4] = [0x12, 0x91, 0x37, 0xFE];

    /// Returns bytes that this key masks to ASCII.
    fn masked_ascii(len: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..128).cycle().step_by(7).take(len).collect();
        scalar::mask(&mut bytes, KEY);
        bytes
    }

    /// Returns all lengths at all alignments, as three numbers: the offset, the length, and the
    /// index of the one byte that is not ASCII, which may be beyond the end.
    fn places() -> impl Iterator<Item = (usize, usize, usize)> {
        let lengths = (0..=300).chain(4090..4100);
        (0..64).flat_map(move |offset| {
            lengths.clone().map(move |len| (offset, len, (len * 31 + offset * 17) % (len + 3)))
        })
    }

    #[test]
    fn as_the_safe_twin() {
        let ascii = masked_ascii(4100);
        at_every_level(|| {
            let mut place = std::vec![0xEE; 64 + 4100 + 64];
            for (offset, len, high) in places() {
                let mut bytes = ascii[..len].to_vec();
                if let Some(byte) = bytes.get_mut(high) {
                    *byte ^= 0x80;
                }
                let mut expected = bytes.clone();
                let is_ascii = scalar::unmask_text(&mut expected, KEY);
                assert_eq!(is_ascii, high >= len);

                let at = offset..offset + len;
                place[at.clone()].copy_from_slice(&bytes);
                super::mask(&mut place[at.clone()], KEY);
                assert!(place[at.clone()] == expected, "in place, {at:?}");
                place[at.clone()].copy_from_slice(&bytes);
                assert_eq!(super::unmask_text(&mut place[at.clone()], KEY), is_ascii, "{at:?}");
                assert!(place[at.clone()] == expected, "text, {at:?}");
                // The allocation ends with it, so that sanitizers see any access beyond.
                let mut memory = place[..at.end].to_vec();
                let alone = &mut memory[offset..];
                assert_eq!(super::is_ascii(alone), is_ascii, "{at:?}");
                super::mask(alone, KEY);
                place[at.clone()].fill(0xEE);
                super::copy_masked(alone, &mut place[at.clone()], KEY);
                assert!(place[at.clone()] == expected, "copied, {at:?}");
                place[at.clone()].fill(0xEE);
                assert!(place.iter().all(|&byte| byte == 0xEE), "around {at:?}");
            }
        });
    }

    /// Tests a buffer whose room comes in pieces.
    #[cfg(feature = "alloc")]
    #[test]
    fn put_where_there_is_room() {
        use bytes::BufMut;

        let payload = masked_ascii(4100);
        at_every_level(|| {
            for cut in (0..300).chain([4095, 4096]) {
                let (mut expected, mut out) = (Vec::new(), [[0; 4100]; 2]);
                scalar::put_masked(&mut expected, &payload, KEY);
                let [front, behind] = &mut out;
                let mut buffer = (&mut front[..cut]).chain_mut(&mut behind[..]);
                super::put_masked(&mut buffer, &payload, KEY);
                assert_eq!(buffer.last_ref().len(), cut);
                let put = [&out[0][..cut], &out[1][..4100 - cut]].concat();
                assert!(put == expected, "cut at {cut}");

                let mut growing = Vec::with_capacity(cut);
                super::put_masked(&mut growing, &payload, KEY);
                assert!(growing == expected, "room of {cut}");
            }
        });
    }
}
