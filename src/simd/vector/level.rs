//! The instructions that may be used: those that the target guarantees or, with feature `std`,
//! those that the machine is found to have.
//!
//! `--cfg eventwire_simd="base"` or `"avx2"` in `RUSTFLAGS` allows no more than that, so that tests
//! and benchmarks can run the code of lesser machines.

/// A set of instructions, which includes all lower sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// The instructions of every machine that runs this: SSE2, NEON or simd128.
    Base,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// Returns the level of the machine.
#[inline]
pub(super) fn level() -> Level {
    #[cfg(test)]
    if let Some(level) = tests::FORCED.get() {
        return level;
    }
    machine_level()
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
const fn machine_level() -> Level {
    Level::Base
}

#[cfg(target_arch = "x86_64")]
use x86_64::machine_level;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::Level;

    /// The highest level that may be used.
    const CAP: Level = if cfg!(eventwire_simd = "base") {
        Level::Base
    } else if cfg!(eventwire_simd = "avx2") {
        Level::Avx2
    } else {
        Level::Avx512
    };

    /// Returns the highest level whose features are all present according to `$has`.
    macro_rules! level_by {
        ($has:ident) => {
            if !($has!("avx2")
                && $has!("bmi1")
                && $has!("bmi2")
                && $has!("lzcnt")
                && $has!("popcnt"))
            {
                Level::Base
            } else if !($has!("avx512f") && $has!("avx512bw") && $has!("avx512vl")) {
                Level::Avx2
            } else {
                Level::Avx512
            }
        };
    }

    macro_rules! is_promised {
        ($feature:tt) => {
            cfg!(target_feature = $feature)
        };
    }

    /// The level that the target guarantees.
    const TARGET: Level = level_by!(is_promised);

    #[cfg(not(feature = "std"))]
    #[inline]
    pub(super) fn machine_level() -> Level {
        if TARGET < CAP { TARGET } else { CAP }
    }

    #[cfg(feature = "std")]
    #[inline]
    pub(super) fn machine_level() -> Level {
        use core::sync::atomic::{AtomicU8, Ordering};

        /// A level as a number, or `UNKNOWN`.
        static FOUND: AtomicU8 = AtomicU8::new(UNKNOWN);
        const UNKNOWN: u8 = u8::MAX;
        const BASE: u8 = Level::Base as u8;
        const AVX2: u8 = Level::Avx2 as u8;
        const AVX512: u8 = Level::Avx512 as u8;

        #[cold]
        fn detect() -> Level {
            use std::arch::is_x86_feature_detected;

            let level = level_by!(is_x86_feature_detected).min(CAP);
            FOUND.store(level as u8, Ordering::Relaxed);
            level
        }

        if TARGET >= CAP {
            return CAP;
        }
        match FOUND.load(Ordering::Relaxed) {
            BASE => Level::Base,
            AVX2 => Level::Avx2,
            AVX512 => Level::Avx512,
            _ => detect(),
        }
    }
}

/// Makes a safe function of an algorithm over any vector, which runs it at the machine's level.
///
/// The algorithm is an `unsafe fn` with `#[inline(always)]`, generic over the vector. Its only
/// precondition must be that the vector's instructions exist.
macro_rules! dispatch {
    (
        $(#[$attribute:meta])*
        $vis:vis fn $name:ident $(<$t:ident: $bound:path>)? ($($argument:ident: $type:ty),*)
        $(-> $result:ty)? = $algorithm:ident
    ) => {
        $(#[$attribute])*
        #[inline]
        $vis fn $name $(<$t: $bound>)? ($($argument: $type),*) $(-> $result)? {
            use $crate::simd::vector::{level::{Level, level}, register::Base};

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2 $(<$t: $bound>)? ($($argument: $type),*) $(-> $result)? {
                // SAFETY: the instructions of the register are enabled.
                unsafe { $algorithm::<core::arch::x86_64::__m256i $(, $t)?>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
            fn avx512 $(<$t: $bound>)? ($($argument: $type),*) $(-> $result)? {
                // SAFETY: the instructions of the register are enabled.
                unsafe { $algorithm::<core::arch::x86_64::__m512i $(, $t)?>($($argument),*) }
            }
            match level() {
                // SAFETY: every machine that this is compiled for has these instructions.
                Level::Base => unsafe { $algorithm::<Base $(, $t)?>($($argument),*) },
                // SAFETY: the machine has this level.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: the machine has this level.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { avx512($($argument),*) },
            }
        }
    };
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Level, machine_level};
    use std::cell::Cell;

    std::thread_local! {
        pub(super) static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
    }

    /// Runs a test at every level that the machine has.
    pub(in crate::simd::vector) fn at_every_level(test: impl Fn()) {
        let all = [
            Level::Base,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512,
        ];
        for level in all.into_iter().filter(|&level| level <= machine_level()) {
            std::println!("{level:?}");
            FORCED.set(Some(level));
            test();
        }
        FORCED.set(None);
    }
}
