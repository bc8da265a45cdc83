#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

use bodies::ws_handshake::{ClientInput, client};

libfuzzer_sys::fuzz_target!(|input: ClientInput| client(&input));
