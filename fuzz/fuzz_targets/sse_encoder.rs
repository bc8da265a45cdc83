#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: bodies::sse_encoder::Input| bodies::sse_encoder::run(&input));
