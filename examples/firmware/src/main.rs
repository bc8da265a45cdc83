//! Runs both protocols of `lib.rs` with the test vectors on a Cortex-M4. The script `run` starts
//! this program in QEMU, and measures it.

#![no_std]
#![no_main]

#[cfg(not(feature = "vectors"))]
mod sample;
#[cfg(feature = "stack")]
mod stack;
#[cfg(feature = "vectors")]
mod vectors;
mod wire;

#[cfg(not(feature = "vectors"))]
use sample::run;
#[cfg(feature = "vectors")]
use vectors::run;

use core::panic::PanicInfo;
// Semihosting needs its critical sections.
use cortex_m as _;
use cortex_m_rt::entry;
use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};

#[entry]
fn main() -> ! {
    let right = run(&mut [0; firmware::BUFFER]);
    #[cfg(feature = "stack")]
    cortex_m_semihosting::hprintln!("stack: {} bytes", stack::used());
    exit(right)
}

/// Ends the emulator with a status.
fn exit(right: bool) -> ! {
    loop {
        debug::exit(if right { EXIT_SUCCESS } else { EXIT_FAILURE });
    }
}

#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    #[cfg(feature = "vectors")]
    cortex_m_semihosting::hprintln!("{}", _info);
    exit(false)
}
