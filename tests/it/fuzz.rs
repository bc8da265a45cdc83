//! A short pass of each fuzz target over seeded random inputs.

use arbitrary::{Arbitrary, Unstructured};
use eventwire_test_support::fuzz as bodies;

/// Runs `body` on inputs made from random bytes, like a fuzzer without coverage.
fn pass<I: for<'a> Arbitrary<'a>>(body: impl Fn(&I)) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut runs = 0;
    for round in 0..3000 {
        let mut bytes = vec![0; round % 700];
        for byte in &mut bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // For `arbitrary`, an odd byte means that a list goes on: make most lists long.
            *byte = state.to_le_bytes()[3] | u8::from(!state.is_multiple_of(16));
        }
        if let Ok(input) = I::arbitrary_take_rest(Unstructured::new(&bytes)) {
            body(&input);
            runs += 1;
        }
    }
    assert!(runs > 2000, "too few inputs could be made: {runs}");
}

#[test]
fn sse_decoder() {
    pass(bodies::sse_decoder::run);
}

#[test]
fn sse_encoder() {
    pass(bodies::sse_encoder::run);
}

#[test]
fn sse_lexer() {
    pass(bodies::sse_lexer::run);
}

#[test]
fn ws_decoder() {
    pass(bodies::ws_decoder::run);
}

#[test]
#[cfg(feature = "deflate")]
fn ws_deflate() {
    pass(bodies::ws_deflate::run);
}

#[test]
fn ws_encoder() {
    pass(bodies::ws_encoder::run);
}

#[test]
#[cfg(feature = "handshake")]
fn ws_handshake_client() {
    pass(bodies::ws_handshake::client);
}

#[test]
#[cfg(feature = "handshake")]
fn ws_handshake_server() {
    pass(bodies::ws_handshake::server);
}
