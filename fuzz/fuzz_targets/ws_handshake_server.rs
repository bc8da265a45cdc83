#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

use bodies::ws_handshake::{ServerInput, server};

libfuzzer_sys::fuzz_target!(|input: ServerInput| server(&input));
