#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: bodies::sse_decoder::Input| bodies::sse_decoder::run(&input));
