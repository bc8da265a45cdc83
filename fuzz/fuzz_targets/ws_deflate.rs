#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: bodies::ws_deflate::Input| bodies::ws_deflate::run(&input));
