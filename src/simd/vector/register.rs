//! The operations that the algorithms need of a register full of bytes, for each architecture.

#![allow(clippy::wildcard_imports, reason = "there are many intrinsics")]
#![allow(unsafe_op_in_unsafe_fn, reason = "all have the precondition of the trait")]

#[cfg(target_arch = "aarch64")]
use core::arch::aarch64::*;
#[cfg(target_arch = "wasm32")]
use core::arch::wasm32::*;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

/// The register of the base level.
#[cfg(target_arch = "x86_64")]
pub(super) type Base = __m128i;
#[cfg(target_arch = "aarch64")]
pub(super) type Base = uint8x16_t;
#[cfg(target_arch = "wasm32")]
pub(super) type Base = v128;

/// A register of [`LEN`](Self::LEN) bytes.
///
/// A mask has one bit for each byte. The lowest bit is that of the first byte.
///
/// # Safety
/// Call a method only where the register's instructions exist. A method with a pointer reads or
/// writes exactly as many bytes as it says, at any alignment.
#[allow(clippy::missing_safety_doc, reason = "the trait documents it")]
pub(super) trait Vector: Copy {
    const LEN: usize;

    /// Reads [`LEN`](Self::LEN) bytes.
    unsafe fn load(from: *const u8) -> Self;
    /// Writes [`LEN`](Self::LEN) bytes.
    unsafe fn store(self, to: *mut u8);
    /// Repeats these four bytes.
    unsafe fn repeat(bytes: [u8; 4]) -> Self;
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn or(self, other: Self) -> Self;
    /// Returns the lesser of each pair of bytes.
    unsafe fn min(self, other: Self) -> Self;
    /// Returns whether any byte is CR or less. LF is, and few other bytes of a text are.
    unsafe fn any_low(self) -> bool;
    /// Returns whether any byte is not ASCII.
    unsafe fn any_high(self) -> bool;
    /// Returns which bytes are CR or LF, and which are not ASCII.
    unsafe fn masks(self) -> (u64, u64);

    /// Returns the [`masks`](Self::masks) of 64 bytes.
    #[inline(always)]
    unsafe fn masks_of_block(from: *const u8) -> (u64, u64) {
        masks_of_many::<Self>(from, 64)
    }

    /// Returns the [`masks`](Self::masks) of `len` bytes, fewer than 64.
    #[inline(always)]
    unsafe fn masks_of_less(from: *const u8, len: usize) -> (u64, u64) {
        if len >= Self::LEN {
            masks_of_many::<Self>(from, len)
        } else if len >= Base::LEN {
            masks_of_many::<Base>(from, len)
        } else {
            let bytes = few(from, len);
            Base::load((&raw const bytes).cast()).masks()
        }
    }

    /// Copies 64 bytes.
    #[inline(always)]
    unsafe fn copy_block(from: *const u8, to: *mut u8) {
        copy_many::<Self>(from, to, 64);
    }

    /// Copies `len` bytes, fewer than 64.
    #[inline(always)]
    unsafe fn copy_less(from: *const u8, to: *mut u8, len: usize) {
        if len >= Self::LEN {
            copy_many::<Self>(from, to, len);
        } else if len >= Base::LEN {
            copy_many::<Base>(from, to, len);
        } else {
            copy_few(from, to, len);
        }
    }
}

/// Returns the masks of `len` bytes, at least a register and at most 64.
#[inline(always)]
unsafe fn masks_of_many<V: Vector>(from: *const u8, len: usize) -> (u64, u64) {
    let (mut ends, mut high) = (0, 0);
    let mut at = 0;
    loop {
        // The last register may overlap the one before.
        at = at.min(len - V::LEN);
        let masks = V::load(from.add(at)).masks();
        ends |= masks.0 << at;
        high |= masks.1 << at;
        at += V::LEN;
        if at >= len {
            return (ends, high);
        }
    }
}

/// Copies `len` bytes, at least a register and at most 64.
#[inline(always)]
unsafe fn copy_many<V: Vector>(from: *const u8, to: *mut u8, len: usize) {
    let mut at = 0;
    loop {
        at = at.min(len - V::LEN);
        V::load(from.add(at)).store(to.add(at));
        at += V::LEN;
        if at >= len {
            return;
        }
    }
}

/// Copies 64 bytes. Returns the least byte at each place of a register.
#[inline(always)]
pub(super) unsafe fn copy_block_min<V: Vector>(from: *const u8, to: *mut u8) -> V {
    let mut least = V::load(from);
    least.store(to);
    let mut at = V::LEN;
    while at < 64 {
        let bytes = V::load(from.add(at));
        bytes.store(to.add(at));
        least = least.min(bytes);
        at += V::LEN;
    }
    least
}

/// Copies `len` bytes, fewer than 16.
#[inline(always)]
unsafe fn copy_few(from: *const u8, to: *mut u8, len: usize) {
    /// Handles the bytes as two words. The second may overlap the first.
    macro_rules! words {
        ($word:ty) => {{
            let last = len - size_of::<$word>();
            let front = from.cast::<$word>().read_unaligned();
            let back = from.add(last).cast::<$word>().read_unaligned();
            to.cast::<$word>().write_unaligned(front);
            to.add(last).cast::<$word>().write_unaligned(back);
        }};
    }
    match len {
        8.. => words!(u64),
        4.. => words!(u32),
        2.. => words!(u16),
        1 => words!(u8),
        0 => {}
    }
}

/// Returns `len` bytes, fewer than 16, followed by zeros.
#[inline(always)]
unsafe fn few(from: *const u8, len: usize) -> u128 {
    /// Handles the bytes as two words. The second may overlap the first.
    macro_rules! words {
        ($word:ty) => {{
            let last = len - size_of::<$word>();
            let front = from.cast::<$word>().read_unaligned();
            let back = from.add(last).cast::<$word>().read_unaligned();
            u128::from(front) | u128::from(back) << (8 * last)
        }};
    }
    match len {
        8.. => words!(u64),
        4.. => words!(u32),
        2.. => words!(u16),
        1 => words!(u8),
        0 => 0,
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! register {
    (
        $register:ty, $load:ident, $store:ident, $repeat:ident, $xor:ident, $or:ident, $min:ident,
        $low:expr, $is_high:expr, $masks:expr $(, $masks_of_less:expr, $copy_less:expr)?
    ) => {
        impl Vector for $register {
            const LEN: usize = size_of::<Self>();

            #[inline(always)]
            unsafe fn load(from: *const u8) -> Self {
                $load(from.cast())
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut u8) {
                $store(to.cast(), self);
            }

            #[inline(always)]
            unsafe fn repeat(bytes: [u8; 4]) -> Self {
                $repeat(i32::from_ne_bytes(bytes))
            }

            #[inline(always)]
            unsafe fn xor(self, other: Self) -> Self {
                $xor(self, other)
            }

            #[inline(always)]
            unsafe fn or(self, other: Self) -> Self {
                $or(self, other)
            }

            #[inline(always)]
            unsafe fn min(self, other: Self) -> Self {
                $min(self, other)
            }

            #[inline(always)]
            unsafe fn any_low(self) -> bool {
                $low(self) != 0
            }

            #[inline(always)]
            unsafe fn any_high(self) -> bool {
                $is_high(self) != 0
            }

            #[inline(always)]
            unsafe fn masks(self) -> (u64, u64) {
                $masks(self)
            }

            $(
                #[inline(always)]
                unsafe fn masks_of_less(from: *const u8, len: usize) -> (u64, u64) {
                    $masks_of_less(from, len)
                }

                #[inline(always)]
                unsafe fn copy_less(from: *const u8, to: *mut u8, len: usize) {
                    $copy_less(from, to, len)
                }
            )?
        }
    };
}

#[cfg(target_arch = "x86_64")]
register! {
    __m128i, _mm_loadu_si128, _mm_storeu_si128, _mm_set1_epi32, _mm_xor_si128, _mm_or_si128,
    _mm_min_epu8,
    |bytes| _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(13)), bytes)),
    _mm_movemask_epi8,
    |bytes| {
        let lf = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(10));
        let cr = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(13));
        (bits(_mm_movemask_epi8(_mm_or_si128(lf, cr))), bits(_mm_movemask_epi8(bytes)))
    }
}

#[cfg(target_arch = "x86_64")]
register! {
    __m256i, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi32, _mm256_xor_si256,
    _mm256_or_si256, _mm256_min_epu8,
    |bytes| {
        let low = _mm256_min_epu8(bytes, _mm256_set1_epi8(13));
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, bytes))
    },
    _mm256_movemask_epi8,
    |bytes| {
        let lf = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(10));
        let cr = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(13));
        (bits(_mm256_movemask_epi8(_mm256_or_si256(lf, cr))), bits(_mm256_movemask_epi8(bytes)))
    }
}

#[cfg(target_arch = "x86_64")]
register! {
    __m512i, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi32, _mm512_xor_si512,
    _mm512_or_si512, _mm512_min_epu8,
    |bytes| _mm512_cmple_epu8_mask(bytes, _mm512_set1_epi8(13)),
    _mm512_movepi8_mask,
    |bytes| {
        let lf = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(10));
        let cr = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(13));
        (lf | cr, _mm512_movepi8_mask(bytes))
    },
    // Bytes that are masked out are not accessed.
    |from: *const u8, len: usize| _mm512_maskz_loadu_epi8(!(u64::MAX << len), from.cast()).masks(),
    |from: *const u8, to: *mut u8, len: usize| {
        let first = !(u64::MAX << len);
        _mm512_mask_storeu_epi8(to.cast(), first, _mm512_maskz_loadu_epi8(first, from.cast()));
    }
}

/// Converts a mask to an unsigned number.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn bits(mask: i32) -> u64 {
    u64::from(mask.cast_unsigned())
}

#[cfg(target_arch = "aarch64")]
impl Vector for uint8x16_t {
    const LEN: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        vld1q_u8(from)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        vst1q_u8(to, self);
    }

    #[inline(always)]
    unsafe fn repeat(bytes: [u8; 4]) -> Self {
        vreinterpretq_u8_u32(vdupq_n_u32(u32::from_ne_bytes(bytes)))
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        veorq_u8(self, other)
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        vorrq_u8(self, other)
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        vminq_u8(self, other)
    }

    #[inline(always)]
    unsafe fn any_low(self) -> bool {
        vminvq_u8(self) <= 13
    }

    #[inline(always)]
    unsafe fn any_high(self) -> bool {
        vmaxvq_u8(self) >= 0x80
    }

    #[inline(always)]
    unsafe fn masks(self) -> (u64, u64) {
        let none = vdupq_n_u8(0);
        let both = bits([are_line_ends(self), none, are_high(self), none]);
        (both & 0xFFFF, both >> 32)
    }

    #[inline(always)]
    unsafe fn masks_of_block(from: *const u8) -> (u64, u64) {
        let a = Self::load(from);
        let b = Self::load(from.add(16));
        let c = Self::load(from.add(32));
        let d = Self::load(from.add(48));
        let ends = bits([are_line_ends(a), are_line_ends(b), are_line_ends(c), are_line_ends(d)]);
        (ends, bits([are_high(a), are_high(b), are_high(c), are_high(d)]))
    }
}

/// Returns all ones for CR and LF.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn are_line_ends(bytes: uint8x16_t) -> uint8x16_t {
    vorrq_u8(vceqq_u8(bytes, vdupq_n_u8(10)), vceqq_u8(bytes, vdupq_n_u8(13)))
}

/// Returns all ones for bytes that are not ASCII.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn are_high(bytes: uint8x16_t) -> uint8x16_t {
    vcltzq_s8(vreinterpretq_s8_u8(bytes))
}

/// Returns the mask of 64 bytes that are all ones or zeros, by adding a weight for each, pairwise.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn bits(bytes: [uint8x16_t; 4]) -> u64 {
    let weights = vreinterpretq_u8_u64(vdupq_n_u64(0x8040_2010_0804_0201));
    let [a, b, c, d] = bytes;
    let front = vpaddq_u8(vandq_u8(a, weights), vandq_u8(b, weights));
    let pairs = vpaddq_u8(front, vpaddq_u8(vandq_u8(c, weights), vandq_u8(d, weights)));
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)))
}

#[cfg(target_arch = "wasm32")]
impl Vector for v128 {
    const LEN: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        v128_load(from.cast())
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        v128_store(to.cast(), self);
    }

    #[inline(always)]
    unsafe fn repeat(bytes: [u8; 4]) -> Self {
        i32x4_splat(i32::from_le_bytes(bytes))
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        v128_xor(self, other)
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        v128_or(self, other)
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        u8x16_min(self, other)
    }

    #[inline(always)]
    unsafe fn any_low(self) -> bool {
        v128_any_true(u8x16_le(self, u8x16_splat(13)))
    }

    #[inline(always)]
    unsafe fn any_high(self) -> bool {
        u8x16_bitmask(self) != 0
    }

    #[inline(always)]
    unsafe fn masks(self) -> (u64, u64) {
        let ends = v128_or(u8x16_eq(self, u8x16_splat(10)), u8x16_eq(self, u8x16_splat(13)));
        (u8x16_bitmask(ends).into(), u8x16_bitmask(self).into())
    }
}
