//! For any parameters, limits, blocks and frames, whole or cut, messages are judged as the
//! reference judges them, in bounded memory. Accepted messages survive each of our writers
//! unchanged.

use crate::cut;
use crate::ws::inflate::{Blocks, WINDOW, bomb};
use crate::ws::{Rules, Seen, Stream, Trace, inflated, inflated_reference};
use allocation_counter::measure;
use arbitrary::Arbitrary;
use bytes::BytesMut;
use eventwire::ws::connection::{MessageDecoder, Writer};
use eventwire::ws::deflate::{DeflateParams, WindowBits};
use eventwire::ws::frame::{DataKind, OnLimit, Role};
use eventwire::ws::{Deflate, Frame, SendError};

#[expect(clippy::struct_excessive_bools, reason = "each is drawn independently")]
#[derive(Arbitrary, Debug)]
pub struct Input {
    server: bool,
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: u8,
    client_max_window_bits: u8,
    level: u8,
    memory_level: u8,
    min_len: u8,
    max_frame: Option<u16>,
    max_message: Option<u16>,
    max_fragments: Option<u8>,
    skips: bool,
    cuts: Vec<u8>,
    messages: Vec<Message>,
}

#[derive(Arbitrary, Debug)]
struct Message {
    text: bool,
    /// Whether its first frame is marked as compressed.
    compressed: bool,
    pieces: Vec<Piece>,
    end: End,
    /// The place at which a bit is flipped.
    flip: Option<(u16, u8)>,
    /// The sizes of its frames, used in turn.
    sizes: Vec<u8>,
    /// A frame after each of its own frames.
    between: Option<(u8, u8)>,
}

#[derive(Arbitrary, Debug)]
enum Piece {
    /// Text as our own writer compresses it.
    Compressed(String, u8),
    Stored {
        is_final: bool,
        payload: Vec<u8>,
    },
    StoredHeader {
        is_final: bool,
    },
    Fixed {
        is_final: bool,
    },
    Dynamic {
        is_final: bool,
        literals: Vec<(u16, u8)>,
        distances: Vec<u8>,
    },
    Literals(Vec<u8>),
    Symbol(u16),
    Match3 {
        distance_code: u8,
        extra: u16,
    },
    EndBlock,
    Align,
    Bits(u16, u8),
    Bomb(u8),
}

#[derive(Arbitrary, Debug)]
enum End {
    Nothing,
    StoredHeader,
    EmptyFrame,
}

/// The memory for receiving, apart from messages: an inflater, and a window across blocks with
/// `BFINAL`.
const OVERHEAD: u64 = (56 + 32) << 10;

impl Input {
    fn params(&self) -> DeflateParams {
        DeflateParams {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: WindowBits::new(self.server_max_window_bits % 7 + 9),
            client_max_window_bits: WindowBits::new(self.client_max_window_bits % 8 + 9),
        }
    }

    fn deflate(&self) -> Deflate {
        let (level, memory_level) = (self.level % 10, self.memory_level % 10);
        Deflate::new().level(level).memory_level(memory_level).min_len(self.min_len.into())
    }
}

impl Message {
    fn payload(&self, writer: &mut Writer) -> Vec<u8> {
        let mut blocks = Blocks::default();
        for piece in &self.pieces {
            match piece {
                Piece::Compressed(text, times) => {
                    let text = text.repeat((*times).into());
                    let mut frame = Vec::new();
                    let whole = Frame::text(&text).compress(true).unfinished();
                    writer.send_to(whole, &mut frame).unwrap();
                    let header = match frame[1] {
                        127 => 10,
                        126 => 4,
                        _ => 2,
                    };
                    blocks.align().bytes.extend(&frame[header..]);
                    writer.send_to(Frame::text("").continuing(), &mut frame).unwrap();
                }
                Piece::Stored { is_final, payload } => {
                    blocks.stored(*is_final, Some(payload));
                }
                Piece::StoredHeader { is_final } => {
                    blocks.stored(*is_final, None);
                }
                Piece::Fixed { is_final } => {
                    blocks.fixed(*is_final);
                }
                Piece::Dynamic { is_final, literals, distances } => {
                    let mut lens = [0; 286];
                    for (symbol, len) in literals {
                        lens[usize::from(*symbol) % 286] = len % 16;
                    }
                    let used = 286 - lens.iter().rev().take_while(|&&len| len == 0).count();
                    let distances: Vec<_> = distances.iter().map(|len| len % 16).collect();
                    let distances = if distances.is_empty() { &[1] } else { &distances[..] };
                    let distances = &distances[..distances.len().min(30)];
                    blocks.dynamic(*is_final, &lens[..used.max(257)], distances);
                }
                Piece::Literals(literals) => {
                    for &byte in literals {
                        blocks.symbol(byte.into());
                    }
                }
                Piece::Symbol(symbol) => {
                    blocks.symbol(usize::from(*symbol) % 288);
                }
                Piece::Match3 { distance_code, extra } => {
                    blocks.match3((distance_code % 32).into(), (*extra).into());
                }
                Piece::EndBlock => {
                    blocks.end_block();
                }
                Piece::Align => {
                    blocks.align();
                }
                Piece::Bits(number, count) => {
                    blocks.bits((*number).into(), (count % 17).into());
                }
                Piece::Bomb(len) => blocks.align().bytes.extend(bomb(200 + usize::from(*len))),
            }
        }
        let mut payload = blocks.bytes;
        if let Some((at, bit)) = self.flip
            && !payload.is_empty()
        {
            let at = usize::from(at) % payload.len();
            payload[at] ^= 1 << (bit % 8);
        }
        if let End::StoredHeader = self.end {
            payload.push(0);
        }
        payload
    }

    fn put(&self, writer: &mut Writer, stream: &mut Stream) {
        let payload = self.payload(writer);
        let mut frames = cut(&payload, &self.sizes);
        if let End::EmptyFrame = self.end {
            frames.push(&[]);
        }
        let mut b0 = if self.text { 0x01 } else { 0x02 } | if self.compressed { 0x40 } else { 0 };
        for (number, frame) in frames.iter().enumerate() {
            if number + 1 == frames.len() {
                b0 |= 0x80;
            }
            stream.frame(b0, frame);
            b0 = 0;
            if let Some((between, odds)) = self.between
                && number % (usize::from(odds) + 1) == 0
            {
                // A ping in most cases.
                stream.frame(if between < 0x80 { 0x89 } else { between }, b"?");
            }
        }
    }
}

/// Receives the input in a few pieces, and counts allocations.
fn check_memory(role: Role, limits: Rules, params: DeflateParams, stream: &[u8]) {
    let mut decoder =
        MessageDecoder::new(role, limits.options()).deflate(&Deflate::new(), Some(params));
    // A byte yields at most as much as it can stand for, or itself without compression.
    let most = limits.message.min(1032 * stream.len() as u64 + 1032);
    for chunk in stream.chunks(stream.len() / 3 + 1) {
        let mut buffer = BytesMut::from(chunk);
        let allocated = measure(|| while let Ok(Some(_)) = decoder.decode(&mut buffer) {});
        let bound = 2 * most + OVERHEAD + 2 * chunk.len() as u64;
        assert!(allocated.bytes_max <= bound, "{allocated:?}, {most}");
        if !buffer.is_empty() {
            // The rest would have to be kept.
            return;
        }
    }
}

/// Sends the accepted messages through our writers in both roles, whole and in fragments.
fn check_round_trip(input: &Input, trace: &Trace) {
    let (deflate, params) = (input.deflate(), input.params());
    let mut server = Writer::server().deflate(&deflate, Some(params));
    let mut client = Writer::client(|| [1, 2, 3, 4]).deflate(&deflate, Some(params));
    let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
    let mut expected = Trace::default();
    for seen in &trace.seen {
        let Seen::Data { kind, payload, .. } = seen else { continue };
        let frame = match kind {
            DataKind::Text => Frame::text(std::str::from_utf8(payload).unwrap()),
            DataKind::Binary => Frame::binary(&payload[..]),
        };
        let size = usize::from(input.max_frame.unwrap_or(100)).max(payload.len() / 8);
        for fragment in frame.fragments(size) {
            let refused = server.send(fragment, &mut [0; 1]);
            assert!(matches!(refused, Err(SendError::BufferTooSmall(_))));
            server.send_to(fragment, &mut to_client).unwrap();
        }
        if input.server {
            to_client.extend(server.send_prepared(&frame.prepare()).unwrap());
        } else {
            server.send_to(frame, &mut to_client).unwrap();
        }
        client.send_to(frame, &mut to_server).unwrap();
        client.send_to(frame, &mut to_server).unwrap();
        expected.push(seen.clone());
        expected.push(seen.clone());
    }
    for (role, stream, bits) in [
        (Role::Client, &to_client, params.server_max_window_bits),
        (Role::Server, &to_server, params.client_max_window_bits),
    ] {
        assert_eq!(inflated(role, Rules::NONE, params, &cut(stream, &input.cuts)), expected);
        let window = 1 << bits.map_or(15, WindowBits::get);
        assert_eq!(inflated_reference(role, Rules::NONE, params, window, stream), expected);
    }
}

pub fn run(input: &Input) {
    let role = if input.server { Role::Server } else { Role::Client };
    // Sets a limit in any case, because bombs would take long.
    let limits = Rules {
        frame: input.max_frame.map_or(u64::MAX, u64::from),
        message: input.max_message.map_or(100_000, u64::from),
        fragments: input.max_fragments.map_or(u32::MAX, u32::from),
        on_limit: if input.skips { OnLimit::Skip } else { OnLimit::Error },
    };
    let params = input.params();
    let mut writer = Writer::server().deflate(&input.deflate(), Some(DeflateParams::default()));
    let mut stream = Stream::new(role);
    for message in input.messages.iter().take(20) {
        message.put(&mut writer, &mut stream);
    }
    let stream = &stream.bytes[..];
    let expected = inflated_reference(role, limits, params, WINDOW, stream);
    assert_eq!(inflated(role, limits, params, &[stream]), expected, "whole");
    assert_eq!(inflated(role, limits, params, &cut(stream, &input.cuts)), expected, "cut");
    check_memory(role, limits, params, stream);
    check_round_trip(input, &expected);
}
