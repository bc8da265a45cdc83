//! [`Fragments`], which cuts a message into frames.

use super::frame::Frame;
use super::frame_header::OpCode;

/// The frames that a message is cut into, from [`Frame::fragments`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Fragments<'a> {
    pub(super) rest: Option<Frame<&'a [u8]>>,
    pub(super) size: usize,
}

impl<'a> Iterator for Fragments<'a> {
    type Item = Frame<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        let len = rest.payload.len();
        if len <= self.size {
            return Some(rest);
        }
        let may_end = |&at: &usize| match rest.shape.opcode {
            OpCode::Text => rest.payload[at] & 0xC0 != 0x80,
            OpCode::Binary => true,
            _ => false,
        };
        // A first character may be longer than `size`, so its end is searched for beyond.
        let mut ends = (1..=self.size).rev().take(4).chain(1..len);
        let Some(end) = ends.find(may_end) else { return Some(rest) };
        let (front, behind) = rest.payload.split_at(end);
        self.rest = Some(Frame { payload: behind, ..rest }.continuing());
        Some(Frame { payload: front, ..rest }.unfinished())
    }
}
