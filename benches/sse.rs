//! Decoding and encoding of the shapes that servers send, in the sizes that sockets deliver.
//!
//! Run it with `cargo bench --bench sse`. Every row reads the same bytes as the rows `limit/...`
//! next to it: `memcpy` only copies the stream, and `lines` only counts its line ends with
//! `memchr2`.

mod common;
#[path = "common/sse_shapes.rs"]
mod sse_shapes;

use bytes::{Bytes, BytesMut};
use common::group;
use criterion::{Criterion, criterion_group, criterion_main};
use eventwire::FanoutOptions;
use eventwire::sse::{Decoder, EventBuilder, EventId, EventType, Item, OwnedDecoder, Replay};
use memchr::memchr2_iter;
use std::hint::black_box;
use std::time::Duration;

/// How much of a stream is decoded in one iteration: enough to make its edges negligible, and in
/// cache.
const STREAM: usize = 256 << 10;

struct Shape {
    name: &'static str,
    event: String,
}

fn shapes() -> Vec<Shape> {
    [
        ("openai", sse_shapes::openai()),
        ("openai-utf8", sse_shapes::openai_non_ascii()),
        ("anthropic", sse_shapes::anthropic()),
        ("tiny", "data: 1\n\n".into()),
        ("id-event-1k", sse_shapes::with_id()),
        ("20-lines", sse_shapes::lines()),
        ("comments", sse_shapes::comments()),
        ("line-1m", format!("data: {}\n\n", "z".repeat(1 << 20))),
    ]
    .map(|(name, event)| Shape { name, event })
    .into()
}

impl Shape {
    fn stream(&self) -> Vec<u8> {
        self.event.repeat((STREAM / self.event.len()).max(1)).into_bytes()
    }
}

/// How a stream arrives.
fn deliveries(shape: &Shape) -> [(&'static str, usize); 4] {
    [("whole", usize::MAX), ("16k", 16 << 10), ("1400", 1400), ("event", shape.event.len())]
}

/// Reads chunks into one buffer, as from a socket, and decodes in place.
fn decode(stream: &[u8], chunk: usize, buffer: &mut Vec<u8>, strict: bool) -> usize {
    let mut decoder = Decoder::new();
    let mut events = 0;
    let mut filled = 0;
    for chunk in stream.chunks(chunk) {
        if buffer.len() < filled + chunk.len() {
            buffer.resize(filled + chunk.len(), 0);
        }
        buffer[filled..filled + chunk.len()].copy_from_slice(chunk);
        filled += chunk.len();
        let mut input = &mut buffer[..filled];
        while let Some(item) = decoder.decode(&mut input).unwrap() {
            if let Item::Event(event) = item {
                if strict {
                    black_box(event.to_str().unwrap());
                } else {
                    black_box(event);
                }
                events += 1;
            }
        }
        let kept = input.len();
        buffer.copy_within(filled - kept..filled, 0);
        filled = kept;
    }
    events
}

/// Decodes `Bytes` chunks, as an HTTP client returns them, to owned text.
fn decode_chunks(chunks: &[Bytes]) -> usize {
    let mut decoder = OwnedDecoder::new();
    let mut events = 0;
    for chunk in chunks {
        let mut chunk = chunk.clone();
        while let Some(item) = decoder.decode(&mut chunk).unwrap() {
            if let Item::Event(event) = item {
                black_box(event);
                events += 1;
            }
        }
    }
    events
}

/// Reads chunks into a `BytesMut`, and decodes to owned text.
fn decode_bytes_mut(stream: &[u8], chunk: usize) -> usize {
    let mut decoder = OwnedDecoder::new();
    let mut events = 0;
    let mut buffer = BytesMut::new();
    for chunk in stream.chunks(chunk) {
        buffer.extend_from_slice(chunk);
        while let Some(item) = decoder.decode_buffer(&mut buffer).unwrap() {
            if let Item::Event(event) = item {
                black_box(event);
                events += 1;
            }
        }
    }
    events
}

fn decoding(c: &mut Criterion) {
    for shape in shapes() {
        let stream = shape.stream();
        let events = stream.len() / shape.event.len();
        let mut buffer = Vec::new();
        assert_eq!(decode(&stream, 1400, &mut buffer, true), events);
        let mut group = group(c, &format!("decode/{}", shape.name), stream.len());
        for (delivery, chunk) in deliveries(&shape) {
            group.bench_function(format!("raw/{delivery}"), |b| {
                b.iter(|| decode(black_box(&stream), chunk, &mut buffer, false));
            });
        }
        group.bench_function("str/16k", |b| {
            b.iter(|| decode(black_box(&stream), 16 << 10, &mut buffer, true));
        });
        let chunks: Vec<Bytes> = stream.chunks(16 << 10).map(Bytes::copy_from_slice).collect();
        assert_eq!(decode_chunks(&chunks), events);
        group.bench_function("bytes/16k", |b| b.iter(|| decode_chunks(black_box(&chunks))));
        assert_eq!(decode_bytes_mut(&stream, 16 << 10), events);
        group.bench_function("bytes-mut/16k", |b| {
            b.iter(|| decode_bytes_mut(black_box(&stream), 16 << 10));
        });
        group.bench_function("limit/lines", |b| {
            b.iter(|| memchr2_iter(b'\n', b'\r', black_box(&stream)).count());
        });
        let mut copy = stream.clone();
        group.bench_function("limit/memcpy", |b| {
            b.iter(|| black_box(&mut copy).copy_from_slice(black_box(&stream)));
        });
        group.finish();
    }
}

fn encoding(c: &mut Criterion) {
    const UPDATE: EventType<'_> = EventType::from_static("update");
    const ID: EventId<'_> = EventId::from_static("1732147200-0");
    let json = "x".repeat(250);
    let kilobyte = "y".repeat(1024);
    let lines = vec!["x".repeat(60); 20].join("\n");
    let line = "z".repeat(1 << 20);
    for (name, message) in [
        ("tiny", EventBuilder::new().data("1")),
        ("256", EventBuilder::new().data(&json)),
        ("id-event-1k", EventBuilder::new().event_type(UPDATE).id(ID).data(&kilobyte)),
        ("20-lines", EventBuilder::new().data(&lines)),
        ("line-1m", EventBuilder::new().data(&line)),
    ] {
        let encoded = message.to_bytes();
        let mut group = group(c, &format!("encode/{name}"), encoded.len());
        let mut buffer = vec![0; encoded.len()];
        group.bench_function("slice", |b| {
            b.iter(|| black_box(&message).encode(black_box(&mut buffer)).unwrap());
        });
        let mut growing = BytesMut::with_capacity(encoded.len());
        group.bench_function("bytes-mut", |b| {
            b.iter(|| {
                growing.clear();
                black_box(&message).encode_to(black_box(&mut growing)).unwrap();
            });
        });
        group.bench_function("to-bytes", |b| b.iter(|| black_box(&message).to_bytes()));
        group.bench_function("limit/memcpy", |b| {
            b.iter(|| black_box(&mut buffer).copy_from_slice(black_box(&encoded)));
        });
        group.finish();
    }
}

/// Sends an event to a thousand readers, and resumes a new one that reconnects.
fn replaying(c: &mut Criterion) {
    const SUBSCRIBERS: usize = 1000;
    let json = "x".repeat(250);
    let message = EventBuilder::new().data(&json);
    let mut replay = Replay::numbered_from(FanoutOptions::new(), 0);
    let mut group = group(c, "replay", SUBSCRIBERS * message.to_bytes().len());
    let mut subscriptions = vec![replay.subscribe(); SUBSCRIBERS];
    group.bench_function("to-1000", |b| {
        b.iter(|| {
            replay.push(black_box(&message), Duration::ZERO);
            for subscription in &mut subscriptions {
                while let Some(block) = replay.next(subscription).unwrap() {
                    black_box(block.clone());
                }
            }
        });
    });
    group.bench_function("limit/clones", |b| {
        b.iter(|| {
            let block = black_box(&message).to_bytes();
            (0..SUBSCRIBERS).for_each(|_| drop(black_box(block.clone())));
        });
    });
    let mut full = Replay::numbered_from(FanoutOptions::new(), 0);
    (0..1024).for_each(|_| drop(full.push(&message, Duration::ZERO)));
    for (name, last_event_id) in [("newest", "1023"), ("oldest", "0"), ("unknown", "2000")] {
        group.bench_function(format!("since/{name}"), |b| {
            b.iter(|| full.since(black_box(last_event_id), Duration::ZERO));
        });
    }
    group.finish();
}

criterion_group!(benches, decoding, encoding, replaying);
criterion_main!(benches);
