#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: bodies::ws_decoder::Input| bodies::ws_decoder::run(&input));
