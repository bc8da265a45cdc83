//! WebSocket frames and messages.

use super::aligned::{self, Output};
use super::{COUNT, READ, Work};
use bytes::BytesMut;
use eventwire::ws::{Data, Decoder, Event, Frame, MaskKey, Message, MessageDecoder, Options, Role};
use std::hint::black_box;

const KEY: MaskKey = MaskKey([0xA1, 0x5B, 0x07, 0xFE]);

/// 1 KiB, half of the characters ASCII.
pub fn non_ascii() -> String {
    "gr\u{FC}n, \u{6D41}\u{308C} and \u{1F30D} \u{434}\u{430} now!".repeat(32)
}

/// Decodes many of a client's text message, in the buffer.
pub fn decode(text: &str) -> Box<dyn Work> {
    let stream = stream(text);
    Box::new(InPlace { buffer: aligned::bytes(&stream), stream })
}

/// Decodes many of a client's text message, to owned messages.
pub fn decode_messages(text: &str) -> Box<dyn Work> {
    Box::new(Messages { stream: stream(text), rest: BytesMut::new() })
}

/// Encodes a text message as a client, again and again.
pub fn encode_masked(text: &str) -> Box<dyn Work> {
    encode(text, Some(KEY))
}

/// Encodes a text message as a server, again and again.
pub fn encode_unmasked(text: &str) -> Box<dyn Work> {
    encode(text, None)
}

fn encode(text: &str, mask: Option<MaskKey>) -> Box<dyn Work> {
    let frame = Frame::text(aligned::text(text));
    Box::new(Encode { frame, mask, output: Output::new(frame.encoded_len(mask.is_some())) })
}

fn stream(text: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    Frame::text(text).encode_to(Some(KEY), &mut frame).unwrap();
    frame.repeat(COUNT.into())
}

/// Decodes in a window that grows over the stream by a read at a time.
struct InPlace {
    stream: Vec<u8>,
    buffer: BytesMut,
}

impl Work for InPlace {
    fn prepare(&mut self) {
        self.buffer.copy_from_slice(&self.stream);
    }

    fn run(&mut self) -> usize {
        let mut decoder = Decoder::new(Role::Server, Options::new());
        let mut messages = 0;
        let buffer = &mut self.buffer[..];
        let (mut start, mut end) = (0, 0);
        while end < buffer.len() {
            end = buffer.len().min(end + READ);
            let mut input = &mut buffer[start..end];
            while let Some(event) = decoder.decode(&mut input).unwrap() {
                messages +=
                    usize::from(matches!(black_box(event), Event::Data(Data { fin: true, .. })));
            }
            start = end - input.len();
        }
        messages
    }
}

/// The same, where messages leave the window with the memory they are in.
struct Messages {
    stream: Vec<u8>,
    rest: BytesMut,
}

impl Work for Messages {
    fn prepare(&mut self) {
        self.rest = aligned::bytes(&self.stream);
    }

    fn run(&mut self) -> usize {
        let mut decoder = MessageDecoder::new(Role::Server, Options::new());
        let mut messages = 0;
        let mut buffer = BytesMut::new();
        while !self.rest.is_empty() {
            // What was split off is joined where it lies.
            buffer.unsplit(self.rest.split_to(READ.min(self.rest.len())));
            while let Some(message) = decoder.decode(&mut buffer).unwrap() {
                messages += usize::from(matches!(black_box(message), Message::Text(_)));
            }
        }
        messages
    }
}

struct Encode {
    frame: Frame<&'static [u8]>,
    mask: Option<MaskKey>,
    output: Output,
}

impl Work for Encode {
    fn run(&mut self) -> usize {
        for _ in 0..COUNT {
            let output = black_box(self.output.cleared());
            black_box(&self.frame).encode_to(black_box(self.mask), output).unwrap();
        }
        COUNT.into()
    }
}
