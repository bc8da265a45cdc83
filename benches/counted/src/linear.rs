//! Checks that the cost per byte does not grow with the length of a line or message, with the
//! number of its fragments, or with the contents of one buffer.
//!
//! `cargo bench --manifest-path benches/counted/Cargo.toml --bench linear` counts instructions
//! under valgrind's callgrind, so that noise cannot hide a rescan. It fails if a long input costs
//! over 1.2 times as much per byte as the short one.

mod callgrind;

use bytes::{Bytes, BytesMut};
use eventwire::sse::{Decoder, DecoderOptions, Item, OwnedDecoder};
use eventwire::ws::connection::MessageDecoder;
use eventwire::ws::frame::{FrameEvent, MaskKey, Role, Run};
use eventwire::ws::{self, Frame};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Mutex;
use std::{array, iter, thread};

const MIB: u32 = 1 << 20;
/// The number of one-byte fragments in the shorter message of that kind.
const FRAGMENTS: u32 = 4096;

/// Decodes one `data` line of this many bytes, in chunks.
#[inline(never)]
fn measured_line(line: &mut [u8], chunk: usize) -> usize {
    let options = DecoderOptions::new().max_line(usize::MAX).max_event(usize::MAX);
    let mut decoder = Decoder::with_options(options);
    let mut events = 0;
    let mut end = 0;
    while end < line.len() {
        end = (end + chunk).min(line.len());
        let mut input = &mut line[..end];
        while let Some(item) = decoder.decode(&mut input).unwrap() {
            events += usize::from(matches!(black_box(item), Item::Event(_)));
        }
    }
    events
}

/// Decodes the same in immutable chunks, which the decoder has to gather.
#[inline(never)]
fn measured_chunks(line: Bytes, chunk: usize) -> usize {
    let options = DecoderOptions::new().max_line(usize::MAX).max_event(usize::MAX);
    let mut decoder = OwnedDecoder::with_options(options);
    let mut events = 0;
    let mut rest = line;
    while !rest.is_empty() {
        let mut chunk = rest.split_to(chunk.min(rest.len()));
        while let Some(item) = decoder.decode(&mut chunk).unwrap() {
            events += usize::from(matches!(black_box(item), Item::Event(_)));
        }
    }
    events
}

/// Decodes all events of one buffer.
#[inline(never)]
fn measured_events(mut input: &mut [u8]) -> usize {
    let mut decoder = Decoder::new();
    let mut events = 0;
    while let Some(item) = decoder.decode(&mut input).unwrap() {
        events += usize::from(matches!(black_box(item), Item::Event(_)));
    }
    events
}

const LIMITS: ws::Limits = ws::Limits::new().max_message(u64::MAX);

/// Decodes a client's output, in chunks.
#[inline(never)]
fn measured_frames(stream: &mut [u8], chunk: usize) -> usize {
    let mut decoder = ws::frame::FrameDecoder::new(Role::Server, LIMITS);
    let mut messages = 0;
    let (mut start, mut end) = (0, 0);
    while end < stream.len() {
        end = (end + chunk).min(stream.len());
        let mut input = &mut stream[start..end];
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            messages +=
                usize::from(matches!(black_box(event), FrameEvent::Data(Run { fin: true, .. })));
        }
        start = end - input.len();
    }
    messages
}

/// Decodes the same where the decoder has to put messages together.
#[inline(never)]
fn measured_messages(stream: &[u8], chunk: usize) -> usize {
    let mut decoder = MessageDecoder::new(Role::Server, LIMITS);
    let mut buffer = BytesMut::new();
    let mut messages = 0;
    for chunk in stream.chunks(chunk) {
        buffer.extend_from_slice(chunk);
        while black_box(decoder.decode(&mut buffer).unwrap()).is_some() {
            messages += 1;
        }
    }
    messages
}

/// Returns one message of a client, in `len` bytes or a few more.
fn message(len: usize, fragment: usize) -> Vec<u8> {
    let text = "x\u{FC}".repeat(len / 3);
    let mut stream = Vec::with_capacity(len + ws::frame::FrameHeader::MAX_LEN);
    for frame in Frame::text(&text).fragments(fragment) {
        frame.encode_to(Some(MaskKey([1, 2, 3, 4])), &mut stream).unwrap();
    }
    stream
}

/// Runs one case, which is a way of decoding and a size of chunks. Code around the measured
/// function is not counted.
fn run(case: &str, len: usize) {
    let (way, chunk) = case.split_once(' ').expect("a way and a size");
    let chunk = chunk.parse().expect("a size");
    let mut line = vec![b'x'; len];
    line[..6].copy_from_slice(b"data: ");
    line[len - 2..].copy_from_slice(b"\n\n");
    let events = match way {
        "line" => measured_line(&mut line, chunk),
        "chunks" => measured_chunks(line.into(), chunk),
        "events" => measured_events(&mut b"data: 1\n\n".repeat(len / 9)) / (len / 9),
        "frame" => measured_frames(&mut message(len, usize::MAX), chunk),
        "message" => measured_messages(&message(len, usize::MAX), chunk),
        "fragments" => measured_frames(&mut message(len, 1), chunk),
        "gathered" => measured_messages(&message(len, 1), chunk),
        _ => panic!("no way to decode: {way}"),
    };
    assert_eq!(events, 1, "all events are found");
}

/// A row: its printed name, its case, and two lengths.
type Row = (&'static str, &'static str, u32, u32);

const ROWS: &[Row] = &[
    ("line, 1 B chunks", "line 1", MIB, 64 * MIB),
    ("line, 16 B chunks", "line 16", MIB, 64 * MIB),
    ("line, 64 KiB chunks", "line 65536", MIB, 64 * MIB),
    ("line gathered, 16 B chunks", "chunks 16", MIB, 64 * MIB),
    ("line gathered, 64 KiB chunks", "chunks 65536", MIB, 64 * MIB),
    ("9 B events, one buffer", "events 0", MIB, 16 * MIB),
    ("frame, 1 B chunks", "frame 1", MIB, 16 * MIB),
    ("frame, 16 B chunks", "frame 16", MIB, 64 * MIB),
    ("frame, 64 KiB chunks", "frame 65536", MIB, 64 * MIB),
    ("message, 1 B chunks", "message 1", MIB, 4 * MIB),
    ("message, 16 B chunks", "message 16", MIB, 64 * MIB),
    ("message, 64 KiB chunks", "message 65536", MIB, 64 * MIB),
    ("1 B fragments, 1 B chunks", "fragments 1", FRAGMENTS, 16 * FRAGMENTS),
    ("1 B fragments, 64 KiB chunks", "fragments 65536", FRAGMENTS, 16 * FRAGMENTS),
    ("1 B fragments gathered, 16 B chunks", "gathered 16", FRAGMENTS, 16 * FRAGMENTS),
];

/// Counts a row and prints it. Returns whether it is linear.
fn is_linear(&(name, case, short, long): &Row) -> bool {
    let per_byte = |len: u32| callgrind::instructions(&[case, &len.to_string()]) / f64::from(len);
    let (short, long) = (per_byte(short), per_byte(long));
    let ratio = long / short;
    println!("{name:>36} {short:>10.3} {long:>10.3} {ratio:>8.3}");
    ratio <= 1.2
}

/// The number of rows counted in parallel, which changes no count.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    if let Some(args) = callgrind::counted_run() {
        run(&args[0], args[1].parse().unwrap());
        return ExitCode::SUCCESS;
    }
    println!("{:>36} {:>10} {:>10} {:>8}", "instructions per byte", "short", "long", "ratio");
    let rows = Mutex::new(ROWS.iter());
    let next = || rows.lock().unwrap().next();
    let work = || iter::from_fn(next).filter(|row| !is_linear(row)).count();
    let failed: usize = thread::scope(|scope| {
        let workers: [_; WORKERS] = array::from_fn(|_| scope.spawn(work));
        workers.map(|worker| worker.join().unwrap()).iter().sum()
    });
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
