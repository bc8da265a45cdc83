#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: bodies::ws_encoder::Input| bodies::ws_encoder::run(&input));
