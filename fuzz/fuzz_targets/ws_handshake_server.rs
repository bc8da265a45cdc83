#![no_main]

use eventwire_test_support::fuzz::ws_handshake::{ServerInput, server};

libfuzzer_sys::fuzz_target!(|input: ServerInput| server(&input));
