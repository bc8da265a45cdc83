#![no_main]

use eventwire_test_support::fuzz::ws_encoder;

libfuzzer_sys::fuzz_target!(|input: ws_encoder::Input| ws_encoder::run(&input));
