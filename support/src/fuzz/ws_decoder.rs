//! For any stream of frames, limits and chunking, every form of decoder shows the same as the
//! reference, repeats its error, and asks to keep less than a buffer of the documented size.

use crate::cut;
use crate::ws::{Rules, Stream, reference, trace};
use arbitrary::Arbitrary;
use eventwire::ws::frame::{OnLimit, Role};

#[derive(Arbitrary, Debug)]
pub struct Input {
    server: bool,
    pieces: Vec<Piece>,
    cuts: Vec<u8>,
    max_frame: Option<u8>,
    max_message: Option<u8>,
    max_fragments: Option<u8>,
    skips: bool,
}

#[derive(Arbitrary, Debug)]
enum Piece {
    Text(String),
    Begin(Vec<u8>),
    Continue(Vec<u8>),
    End(Vec<u8>),
    Binary(u16),
    Ping(Vec<u8>),
    Close(u16, String),
    Frame(u8, Vec<u8>),
    Header(u8, u8),
    Raw(Vec<u8>),
}

pub fn run(input: &Input) {
    let role = if input.server { Role::Server } else { Role::Client };
    let limits = Rules {
        frame: input.max_frame.map_or(u64::MAX, u64::from),
        message: input.max_message.map_or(u64::MAX, u64::from),
        fragments: input.max_fragments.map_or(u32::MAX, u32::from),
        on_limit: if input.skips { OnLimit::Skip } else { OnLimit::Error },
    };
    let mut stream = Stream::new(role);
    for piece in &input.pieces {
        match piece {
            Piece::Text(text) => stream.frame(0x81, text.as_bytes()),
            Piece::Begin(payload) => stream.frame(0x01, payload),
            Piece::Continue(payload) => stream.frame(0x00, payload),
            Piece::End(payload) => stream.frame(0x80, payload),
            Piece::Binary(len) => stream.frame(0x82, &vec![0xA5; usize::from(*len) % 700]),
            Piece::Ping(payload) => stream.frame(0x89, payload),
            Piece::Close(code, reason) => {
                stream.frame(0x88, &[&code.to_be_bytes(), reason.as_bytes()].concat())
            }
            Piece::Frame(b0, payload) => stream.frame(*b0, payload),
            Piece::Header(b0, len) => stream.header(*b0, len & 0x7F),
            Piece::Raw(raw) => stream.raw(raw),
        };
    }
    let seen = trace(role, limits, &cut(&stream.bytes, &input.cuts));
    assert_eq!(seen, reference::trace(role, limits, &stream.bytes));
}
