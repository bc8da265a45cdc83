#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: bodies::sse_lexer::Input| bodies::sse_lexer::run(&input));
