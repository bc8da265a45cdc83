#![no_main]

use eventwire_test_support::fuzz::sse_lexer;

libfuzzer_sys::fuzz_target!(|input: sse_lexer::Input| sse_lexer::run(&input));
