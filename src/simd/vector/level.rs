//! Which instructions may be used: what the target promises or, with feature `std`, what the machine
//! turns out to have.
//!
//! `--cfg eventwire_simd="base"` or `"avx2"` in `RUSTFLAGS` allows no more than that, so that tests
//! and benchmarks can run what lesser machines do.

/// A set of instructions, and all of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// What every machine that runs this has: SSE2, NEON or simd128.
    Base,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The level that the machine has.
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

    /// The most that may be used.
    const CAP: Level = if cfg!(eventwire_simd = "base") {
        Level::Base
    } else if cfg!(eventwire_simd = "avx2") {
        Level::Avx2
    } else {
        Level::Avx512
    };

    /// The level by what `$has` says of a feature.
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

    /// What the target promises.
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

        /// A level as number, or one that is none.
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
/// The algorithm is an `unsafe fn` with `#[inline(always)]`, generic over the vector, that asks for
/// nothing but that the vector's instructions exist.
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
                // SAFETY: every machine that this is compiled for has them.
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

    /// Runs a test at all levels that the machine has.
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
