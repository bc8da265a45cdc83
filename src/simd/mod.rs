//! The loops over single bytes: with vectors where the feature `simd` and the architecture have them,
//! and the same in safe code, which stands in elsewhere and which the tests hold the vectors to.

#[cfg(any(
    test,
    not(feature = "simd"),
    not(any(
        all(target_arch = "x86_64", target_feature = "sse2"),
        all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
    ))
))]
mod scalar;

#[cfg(all(
    feature = "simd",
    any(
        all(target_arch = "x86_64", target_feature = "sse2"),
        all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
    )
))]
mod vector;

#[cfg(not(all(
    feature = "simd",
    any(
        all(target_arch = "x86_64", target_feature = "sse2"),
        all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
    )
)))]
pub(crate) use scalar::LineEnds;

#[cfg(all(
    feature = "simd",
    any(
        all(target_arch = "x86_64", target_feature = "sse2"),
        all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
    )
))]
pub(crate) use vector::LineEnds;
