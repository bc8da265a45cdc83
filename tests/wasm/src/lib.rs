//! The codecs as a WebAssembly module. Each export takes a stream that is cut into chunks, and
//! reports the results. `tests/wasm/run` builds this for each tier, and checks the reports.

#![cfg_attr(not(feature = "alloc"), no_std)]

#[cfg(feature = "bench")]
mod bench;
mod call;
#[cfg(feature = "full")]
mod handshake;
mod sse;
mod ws;

#[cfg(not(feature = "alloc"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
