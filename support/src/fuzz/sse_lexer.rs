//! For any stream and chunking, events made from tokens equal those that the reference finds.

use super::stream::Stream;
use crate::cut;
use crate::sse::{events_from_tokens, reference};
use arbitrary::Arbitrary;

#[derive(Arbitrary, Debug)]
pub struct Input {
    stream: Stream,
}

pub fn run(input: &Input) {
    let stream = input.stream.bytes();
    let chunks = cut(&stream, &input.stream.cuts);
    assert_eq!(events_from_tokens(chunks), reference::message_events(&stream).0);
}
