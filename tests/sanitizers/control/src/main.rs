//! Makes the mistakes that a sanitizer must detect, as vector code could make them.
//! `control past-the-end` reads a byte after the end of its memory, `control uninitialised` reads a
//! byte that was never written, and `control` alone does neither. `control avx2` prints whether the
//! machine has AVX2.

use std::arch::x86_64::{_mm_loadu_si128, _mm_movemask_epi8};
use std::mem::MaybeUninit;

fn main() {
    let wrong = std::env::args().nth(1).unwrap_or_default();
    if wrong == "avx2" {
        println!("{}", if is_x86_feature_detected!("avx2") { "AVX2" } else { "none" });
        return;
    }
    let mut memory = Box::<[u8]>::new_uninit_slice(64);
    let written = if wrong == "uninitialised" { 63 } else { 64 };
    memory[..written].fill(MaybeUninit::new(1));
    let from = if wrong == "past-the-end" { 49 } else { 48 };
    // SAFETY: none; the unsound read is the point.
    let high = unsafe { _mm_movemask_epi8(_mm_loadu_si128(memory.as_ptr().add(from).cast())) };
    println!("{}", if high == 0 { "ASCII" } else { "not ASCII" });
}
