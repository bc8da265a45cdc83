#![no_main]

use eventwire_test_support::fuzz::ws_decoder;

libfuzzer_sys::fuzz_target!(|input: ws_decoder::Input| ws_decoder::run(&input));
