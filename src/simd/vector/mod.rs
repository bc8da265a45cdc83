//! The algorithms over vectors. `unsafe` is allowed only here and in `crate::utf8`.
//!
//! # Advice for changing it
//!
//! * An algorithm is an `unsafe fn` with `#[inline(always)]`, generic over
//!   [`Vector`](register::Vector). `dispatch!` makes a safe function of it, compiled once for each
//!   level. An algorithm must be inlined into that function to get its instructions, and so must
//!   everything that it calls. A closure is not: it does not inherit the instructions of its
//!   function.
//! * Every function that this module exports has a safe twin of the same name in `scalar.rs`. If
//!   you add one, add its twin, and a test that compares the two through `at_every_level`, at all
//!   lengths and alignments. The tests put each input at the end of an allocation, so that
//!   sanitizers see any access beyond it.
//! * A block has 64 bytes at every level, because masks are `u64`. A register may be smaller.
//! * The ends of an input are done with vectors that overlap, not byte by byte. In place, this is
//!   only right if all overlapping vectors are read before one is written, because masking twice
//!   undoes the mask.
//! * To support an architecture, implement [`Vector`](register::Vector) for its register in
//!   `register.rs`, set `Base`, and add it to the condition in `simd/mod.rs`.
//! * An instruction set beyond the base of its architecture needs a [`Level`](level::Level), a
//!   branch in `dispatch!` and, with feature `std`, detection at run time.

#![allow(unsafe_code)]
#![allow(clippy::inline_always, reason = "an algorithm gets its instructions by being inlined")]

#[macro_use]
mod level;
mod line_ends;
mod lines;
mod mask;
mod register;
/// The safe twins, which the tests compare with.
#[cfg(test)]
#[path = "../scalar.rs"]
#[allow(dead_code, reason = "the vectors do not replace all of it")]
mod scalar;
mod spare;

pub(crate) use line_ends::with_line_ends;
pub(crate) use mask::{copy_masked, is_ascii, mask, unmask_text};
#[cfg(feature = "alloc")]
pub(crate) use mask::{put_few, put_masked};
pub(crate) use spare::Spare;
#[cfg(feature = "alloc")]
pub(crate) use spare::append;
