#![no_main]

use eventwire_test_support::fuzz::ws_deflate;

libfuzzer_sys::fuzz_target!(|input: ws_deflate::Input| ws_deflate::run(&input));
