#![no_main]

use eventwire_test_support::fuzz::ws_handshake::{ClientInput, client};

libfuzzer_sys::fuzz_target!(|input: ClientInput| client(&input));
