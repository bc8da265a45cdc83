//! Cost per byte does not grow with the length of a line, nor with what stands in one buffer.
//!
//! `cargo bench --bench linear` counts instructions under valgrind's callgrind, so that noise
//! cannot hide a rescan, and fails where a long input costs over 1.2 times the short one per byte.

use bytes::Bytes;
use eventwire::sse::{BytesDecoder, Decoder, Item, Options};
use std::hint::black_box;
use std::process::{Command, ExitCode};

const MIB: u32 = 1 << 20;

/// One `data` line of this many bytes, shown to the decoder in chunks.
#[inline(never)]
fn measured_line(line: &mut [u8], chunk: usize) -> usize {
    let options = Options::new().max_line(usize::MAX).max_event(usize::MAX);
    let mut decoder: Decoder = Decoder::with_options(options);
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

/// The same in immutable chunks, which the decoder has to gather.
#[inline(never)]
fn measured_chunks(line: Bytes, chunk: usize) -> usize {
    let options = Options::new().max_line(usize::MAX).max_event(usize::MAX);
    let mut decoder = BytesDecoder::with_options(options);
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

/// All events of one buffer.
#[inline(never)]
fn measured_events(mut input: &mut [u8]) -> usize {
    let mut decoder = Decoder::new();
    let mut events = 0;
    while let Some(item) = decoder.decode(&mut input).unwrap() {
        events += usize::from(matches!(black_box(item), Item::Event(_)));
    }
    events
}

/// Runs one case, which is a way to decode and a size of chunks; what surrounds the measured
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
        _ => measured_events(&mut b"data: 1\n\n".repeat(len / 9)) / (len / 9),
    };
    assert_eq!(events, 1, "all events are found");
}

fn instructions(case: &str, len: u32) -> f64 {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--toggle-collect=*measured_*",
            "--callgrind-out-file=/dev/null",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["run", case, &len.to_string()])
        .output()
        .expect("valgrind is installed");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let collected = report.split("Collected : ").nth(1).expect("a count");
    collected.split_whitespace().next().unwrap().parse().unwrap()
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().collect();
    if let [_, run_, case, len] = &args[..]
        && run_ == "run"
    {
        run(case, len.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    let mut linear = true;
    println!("{:>36} {:>10} {:>10} {:>8}", "instructions per byte", "short", "long", "ratio");
    for (name, case, short, long) in [
        ("line, 1 B chunks", "line 1", MIB, 64 * MIB),
        ("line, 16 B chunks", "line 16", MIB, 64 * MIB),
        ("line, 64 KiB chunks", "line 65536", MIB, 64 * MIB),
        ("line gathered, 16 B chunks", "chunks 16", MIB, 64 * MIB),
        ("line gathered, 64 KiB chunks", "chunks 65536", MIB, 64 * MIB),
        ("9 B events, one buffer", "events 0", MIB, 16 * MIB),
    ] {
        let per_byte = |len: u32| instructions(case, len) / f64::from(len);
        let (short, long) = (per_byte(short), per_byte(long));
        let ratio = long / short;
        println!("{name:>36} {short:>10.3} {long:>10.3} {ratio:>8.3}");
        linear &= ratio <= 1.2;
    }
    if linear { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
