#![no_main]

use eventwire_test_support::fuzz::sse_encoder;

libfuzzer_sys::fuzz_target!(|input: sse_encoder::Input| sse_encoder::run(&input));
