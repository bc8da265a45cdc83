#![no_main]

use eventwire_test_support::fuzz::sse_decoder;

libfuzzer_sys::fuzz_target!(|input: sse_decoder::Input| sse_decoder::run(&input));
