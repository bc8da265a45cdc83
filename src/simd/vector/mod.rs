//! Algorithms over vectors. Here and in `crate::utf8` alone is `unsafe`.

#![allow(unsafe_code)]
#![allow(clippy::inline_always, reason = "an algorithm gets its instructions by being inlined")]

#[macro_use]
mod level;
mod line_ends;
mod lines;
mod mask;
mod register;
mod room;
/// The safe twins, which the tests compare with.
#[cfg(test)]
#[path = "../scalar.rs"]
#[allow(dead_code, reason = "some of it has no twin")]
mod scalar;

pub(crate) use line_ends::with_line_ends;
pub(crate) use mask::{copy_masked, is_ascii, mask, unmask_text};
#[cfg(feature = "alloc")]
pub(crate) use mask::{put_few, put_masked};
pub(crate) use room::Room;
#[cfg(feature = "alloc")]
pub(crate) use room::append;
