//! For any stream, limits and chunking, every form of decoder shows the same as the reference.

use super::stream::Stream;
use crate::cut;
use crate::sse::{Rules, reference, trace};
use arbitrary::Arbitrary;

#[derive(Arbitrary, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the options are as many")]
pub struct Input {
    stream: Stream,
    max_line: Option<u8>,
    max_event: Option<u8>,
    skip: bool,
    comments: bool,
    blocks: bool,
    unknown_lines: bool,
    unfinished: bool,
}

pub fn run(input: &Input) {
    let stream = input.stream.bytes();
    let rules = Rules {
        max_line: input.max_line.map_or(usize::MAX, usize::from),
        max_event: input.max_event.map_or(usize::MAX, usize::from),
        skip: input.skip,
        comments: input.comments,
        blocks: input.blocks,
        unknown_lines: input.unknown_lines,
        unfinished: input.unfinished,
    };
    let seen = trace(rules, &cut(&stream, &input.stream.cuts));
    assert_eq!(seen, reference::trace(rules, &stream));
}
