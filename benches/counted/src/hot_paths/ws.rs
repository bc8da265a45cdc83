//! WebSocket frames and messages.

use super::aligned::{self, Output};
use super::{COUNT, READ, Work, json_feed};
use bytes::BytesMut;
use eventwire::ws::connection::{MessageDecoder, Writer};
use eventwire::ws::deflate::DeflateParams;
use eventwire::ws::frame::{FrameDecoder, FrameEvent, MaskKey, Role, Run};
use eventwire::ws::{Deflate, Frame, Limits, Message};
use std::hint::black_box;

const KEY: MaskKey = MaskKey([0xA1, 0x5B, 0x07, 0xFE]);
const AGREED: Option<DeflateParams> = Some(DeflateParams {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: None,
    client_max_window_bits: None,
});

/// 1 KiB of text, in which half of the characters are ASCII.
pub fn non_ascii() -> String {
    "gr\u{FC}n, \u{6D41}\u{308C} and \u{1F30D} \u{434}\u{430} now!".repeat(32)
}

/// Decodes many copies of a client's text message, in the buffer.
pub fn decode(text: &str) -> Box<dyn Work> {
    let stream = stream(text);
    Box::new(InPlace { buffer: aligned::bytes(&stream), stream })
}

/// Decodes many copies of a client's text message, to owned messages.
pub fn decode_messages(text: &str) -> Box<dyn Work> {
    Box::new(Messages { stream: stream(text), compressed: false, rest: BytesMut::new() })
}

/// Encodes a text message as a client, repeatedly.
pub fn encode_masked(text: &str) -> Box<dyn Work> {
    encode(text, Some(KEY))
}

/// Encodes a text message as a server, repeatedly.
pub fn encode_unmasked(text: &str) -> Box<dyn Work> {
    encode(text, None)
}

/// Decodes a client's compressed messages of this length, with context takeover.
pub fn inflate(len: usize) -> Box<dyn Work> {
    let mut stream = Vec::new();
    let mut writer = Writer::client(|| KEY.0).deflate(&Deflate::new(), AGREED);
    for message in json_feed::messages(len, COUNT.into()) {
        writer.send_to(Frame::text(&message), &mut stream).unwrap();
    }
    Box::new(Messages { stream, compressed: true, rest: BytesMut::new() })
}

/// Compresses messages of this length as a server, with context takeover.
pub fn deflate(len: usize) -> Box<dyn Work> {
    let messages = json_feed::messages(len, COUNT.into());
    let writer = Writer::server().deflate(&Deflate::new(), AGREED);
    Box::new(Compress { messages, writer, output: Output::new(len) })
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

/// Decodes in a window that grows over the stream by one read at a time.
struct InPlace {
    stream: Vec<u8>,
    buffer: BytesMut,
}

impl Work for InPlace {
    fn prepare(&mut self) {
        self.buffer.copy_from_slice(&self.stream);
    }

    fn run(&mut self) -> usize {
        let mut decoder = FrameDecoder::new(Role::Server, Limits::new());
        let mut messages = 0;
        let buffer = &mut self.buffer[..];
        let (mut start, mut end) = (0, 0);
        while end < buffer.len() {
            end = buffer.len().min(end + READ);
            let mut input = &mut buffer[start..end];
            while let Some(event) = decoder.decode(&mut input).unwrap() {
                messages += usize::from(matches!(
                    black_box(event),
                    FrameEvent::Data(Run { fin: true, .. })
                ));
            }
            start = end - input.len();
        }
        messages
    }
}

/// Decodes in such a window, but messages leave it with the memory that they are in.
struct Messages {
    stream: Vec<u8>,
    compressed: bool,
    rest: BytesMut,
}

impl Work for Messages {
    fn prepare(&mut self) {
        self.rest = aligned::bytes(&self.stream);
    }

    fn run(&mut self) -> usize {
        let mut decoder = MessageDecoder::new(Role::Server, Limits::new());
        if self.compressed {
            decoder = decoder.deflate(&Deflate::new(), AGREED);
        }
        let mut messages = 0;
        let mut buffer = BytesMut::new();
        while !self.rest.is_empty() {
            // Joins the parts that were split off, without moving them.
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

struct Compress {
    messages: Vec<String>,
    writer: Writer,
    output: Output,
}

impl Work for Compress {
    fn run(&mut self) -> usize {
        for message in &self.messages {
            let output = black_box(self.output.cleared());
            self.writer.send_to(Frame::text(black_box(message)), output).unwrap();
        }
        self.messages.len()
    }
}
