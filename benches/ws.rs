//! Frames, masks, messages and output, in the sizes that applications use.
//!
//! Run it with `cargo bench --bench ws --features deflate,getrandom`. Decoding unmasks in place, so
//! each iteration copies the stream into the read buffer, as a socket would. The rows
//! `limit/memcpy` do only that, so subtract them. `limit/utf8` only validates the same text.

mod common;
#[path = "common/json_feed.rs"]
mod json_feed;

use bytes::BytesMut;
use common::group;
use criterion::{Criterion, criterion_group, criterion_main};
use eventwire::ws::connection::{MessageDecoder, Writer};
use eventwire::ws::deflate::DeflateParams;
use eventwire::ws::frame::{FrameDecoder, FrameEvent, FrameHeader, MaskKey, OpCode, Role, Run};
use eventwire::ws::{Deflate, Frame, Limits, Message, OsMaskKeys};
use std::hint::black_box;

/// How much of a stream is decoded in one iteration: enough to make its edges negligible, and in
/// cache.
const STREAM: usize = 256 << 10;
/// The number of bytes that a read returns.
const CHUNK: usize = 16 << 10;
const KEY: MaskKey = MaskKey([0xA1, 0x5B, 0x07, 0xFE]);

struct Shape {
    name: &'static str,
    text: bool,
    payload: Vec<u8>,
}

fn shapes() -> Vec<Shape> {
    let text = |name, text: String| Shape { name, text: true, payload: text.into() };
    let binary = |name, len| Shape { name, text: false, payload: vec![0xC5; len] };
    // 32 bytes, half of them ASCII.
    let mixed = "gr\u{FC}n, \u{6D41}\u{308C} and \u{1F30D} \u{434}\u{430} now!";
    vec![
        text("text-20", "x".repeat(20)),
        text("text-125", "x".repeat(125)),
        text("text-1k", "x".repeat(1024)),
        text("mixed-1k", mixed.repeat(32)),
        binary("binary-64k", 64 << 10),
        binary("binary-1m", 1 << 20),
    ]
}

impl Shape {
    fn frame(&self) -> Frame<&[u8]> {
        if self.text {
            Frame::text_from_utf8(&self.payload[..]).unwrap()
        } else {
            Frame::binary(&self.payload)
        }
    }

    /// The number of messages in a stream.
    fn count(&self) -> usize {
        (STREAM / self.payload.len()).max(1)
    }

    fn stream(&self, role: Role) -> Vec<u8> {
        let mut frame = Vec::new();
        let mask = (role == Role::Server).then_some(KEY);
        self.frame().encode_to(mask, &mut frame).unwrap();
        frame.repeat(self.count())
    }
}

fn headers(c: &mut Criterion) {
    for (name, len, mask) in [
        ("20", 20, None),
        ("20-masked", 20, Some(KEY)),
        ("1k-masked", 1024, Some(KEY)),
        ("1m-masked", 1 << 20, Some(KEY)),
    ] {
        let header = FrameHeader { mask, ..FrameHeader::new(OpCode::Text, len) };
        let bytes = header.encode().unwrap();
        assert_eq!(FrameHeader::parse(&mut &bytes[..]), Ok(Some(header)));
        let mut group = group(c, &format!("header/{name}"), bytes.len());
        group.bench_function("parse", |b| {
            b.iter(|| FrameHeader::parse(&mut black_box(&bytes[..])));
        });
        group.bench_function("encode", |b| b.iter(|| black_box(&header).encode()));
        group.finish();
    }
}

fn masks(c: &mut Criterion) {
    for (name, len) in [("20", 20), ("125", 125), ("1k", 1024), ("64k", 64 << 10), ("1m", 1 << 20)]
    {
        let mut group = group(c, &format!("mask/{name}"), len);
        let payload = vec![0xC5; len];
        // Several places in turn, because memory that was just written would be slow to read back.
        let stride = len.next_multiple_of(64);
        let places = stride * (8192 / stride).max(1);
        let mut buffer = vec![0; places + 128];
        let aligned = buffer.as_ptr().align_offset(64);
        for offset in [0, 1] {
            let mut at = 0;
            group.bench_function(format!("in-place/{offset}"), |b| {
                b.iter(|| {
                    at = if at + stride < places { at + stride } else { 0 };
                    black_box(KEY).apply(black_box(&mut buffer[aligned + offset + at..][..len]));
                });
            });
        }
        let out = &mut buffer[aligned..][..len];
        group.bench_function("copy", |b| {
            b.iter(|| black_box(KEY).copy(black_box(&payload), black_box(out)));
        });
        group.bench_function("limit/memcpy", |b| {
            b.iter(|| black_box(&mut *out).copy_from_slice(black_box(&payload)));
        });
        group.finish();
    }
}

/// Reads chunks into one buffer, as from a socket, and decodes in place.
fn decode(role: Role, stream: &[u8], buffer: &mut [u8]) -> usize {
    let mut decoder = FrameDecoder::new(role, Limits::new());
    let mut messages = 0;
    let mut filled = 0;
    for chunk in stream.chunks(CHUNK) {
        buffer[filled..filled + chunk.len()].copy_from_slice(chunk);
        filled += chunk.len();
        let mut input = &mut buffer[..filled];
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            messages +=
                usize::from(matches!(black_box(&event), FrameEvent::Data(Run { fin: true, .. })));
        }
        let kept = input.len();
        buffer.copy_within(filled - kept..filled, 0);
        filled = kept;
    }
    messages
}

/// Reads chunks into a `BytesMut`, and decodes to owned messages.
fn decode_messages(role: Role, stream: &[u8]) -> usize {
    let mut decoder = MessageDecoder::new(role, Limits::new());
    let mut messages = 0;
    let mut buffer = BytesMut::new();
    for chunk in stream.chunks(CHUNK) {
        buffer.extend_from_slice(chunk);
        while let Some(message) = decoder.decode(&mut buffer).unwrap() {
            messages +=
                usize::from(matches!(black_box(&message), Message::Text(_) | Message::Binary(_)));
        }
    }
    messages
}

fn copy(stream: &[u8], buffer: &mut [u8]) {
    for chunk in stream.chunks(CHUNK) {
        black_box(&mut buffer[..chunk.len()]).copy_from_slice(chunk);
    }
}

fn decoding(c: &mut Criterion) {
    let mut buffer = vec![0; CHUNK + FrameDecoder::MIN_BUFFER];
    for (side, role) in [("server", Role::Server), ("client", Role::Client)] {
        for shape in shapes() {
            let stream = shape.stream(role);
            let mut group = group(c, &format!("decode/{side}/{}", shape.name), stream.len());
            assert_eq!(decode(role, &stream, &mut buffer), shape.count());
            group.bench_function("slices", |b| {
                b.iter(|| decode(role, black_box(&stream), &mut buffer));
            });
            assert_eq!(decode_messages(role, &stream), shape.count());
            group.bench_function("messages", |b| {
                b.iter(|| decode_messages(role, black_box(&stream)));
            });
            group.bench_function("limit/memcpy", |b| {
                b.iter(|| copy(black_box(&stream), &mut buffer));
            });
            if shape.text {
                let text = shape.payload.repeat(shape.count());
                group.bench_function("limit/utf8", |b| {
                    b.iter(|| str::from_utf8(black_box(&text)).is_ok());
                });
            }
            group.finish();
        }
    }
}

fn encoding(c: &mut Criterion) {
    for shape in shapes() {
        let frame = shape.frame();
        let mut group = group(c, &format!("encode/{}", shape.name), shape.payload.len());
        let mut buffer = vec![0; frame.encoded_len(true)];
        let mut growing = BytesMut::with_capacity(buffer.len());
        for (name, mask) in [("unmasked", None), ("masked", Some(KEY))] {
            group.bench_function(format!("slice/{name}"), |b| {
                b.iter(|| black_box(&frame).encode(black_box(mask), black_box(&mut buffer)));
            });
            group.bench_function(format!("bytes-mut/{name}"), |b| {
                b.iter(|| {
                    growing.clear();
                    black_box(&frame).encode_to(black_box(mask), black_box(&mut growing))
                });
            });
        }
        let mut server = Writer::server();
        group.bench_function("writer/server", |b| {
            b.iter(|| server.send(black_box(&frame), black_box(&mut buffer)));
        });
        let mut client = Writer::client(OsMaskKeys::new());
        group.bench_function("writer/client", |b| {
            b.iter(|| client.send(black_box(&frame), black_box(&mut buffer)));
        });
        group.bench_function("prepare", |b| b.iter(|| black_box(&frame).prepare()));
        let prepared = frame.prepare();
        group.bench_function("prepared", |b| b.iter(|| server.send_prepared(black_box(&prepared))));
        let out = &mut buffer[..shape.payload.len()];
        group.bench_function("limit/memcpy", |b| {
            b.iter(|| black_box(&mut *out).copy_from_slice(black_box(&shape.payload)));
        });
        group.finish();
    }
}

/// Messages as a feed sends them, all different. Bytes are those before compression.
fn deflating(c: &mut Criterion) {
    for (name, len) in [("100", 100), ("1k", 1 << 10), ("64k", 64 << 10)] {
        let messages = json_feed::messages(len, (STREAM / len).max(8));
        let bytes = messages.iter().map(String::len).sum();
        for (delivery, takeover) in [("takeover", true), ("alone", false)] {
            let mut group = group(c, &format!("ws_deflate/{name}/{delivery}"), bytes);
            let agreed = DeflateParams {
                server_no_context_takeover: !takeover,
                client_no_context_takeover: !takeover,
                ..DeflateParams::default()
            };
            let deflate = Deflate::new().min_len(0);
            let mut stream = Vec::new();
            let mut client = Writer::client(|| KEY.0).deflate(&deflate, Some(agreed));
            for message in &messages {
                client.send_to(Frame::text(message), &mut stream).unwrap();
            }
            let decoder = MessageDecoder::new(Role::Server, Limits::new());
            let mut decoder = decoder.deflate(&deflate, Some(agreed));
            let mut buffer = BytesMut::new();
            group.bench_function("inflate", |b| {
                b.iter(|| {
                    let mut inflated = 0;
                    for chunk in stream.chunks(CHUNK) {
                        buffer.extend_from_slice(chunk);
                        while let Some(message) = decoder.decode(&mut buffer).unwrap() {
                            inflated += usize::from(matches!(black_box(message), Message::Text(_)));
                        }
                    }
                    assert_eq!(inflated, messages.len());
                });
            });
            let mut server = Writer::server().deflate(&deflate, Some(agreed));
            group.bench_function("compress", |b| {
                b.iter(|| {
                    for message in &messages {
                        buffer.clear();
                        server.send_to(Frame::text(black_box(message)), &mut buffer).unwrap();
                        black_box(&mut buffer);
                    }
                });
            });
            group.finish();
        }
    }
}

criterion_group!(benches, headers, masks, decoding, encoding, deflating);
criterion_main!(benches);
