//! Reads an event stream and prints each event as one line of JSON, as soon as the event is
//! complete: `curl -N http://127.0.0.1:3000/events | sse2json`.
//!
//! With `--unfinished` it also prints an event that the end of the input cuts off. With `--unknown`
//! it also prints each line outside events that is neither a field nor a comment. With `--summary`
//! it prints the last event ID and the reconnection time after the events.

use bytes::BytesMut;
use eventwire::sse::{DecoderOptions, Item, OwnedDecoder, OwnedItem};
use example_support::program;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: sse2json [--chunk N] [--summary] [--unfinished] [--unknown] [FILE]";

struct Args {
    /// The maximum number of bytes that the decoder gets at a time.
    chunk: usize,
    summary: bool,
    options: DecoderOptions,
    file: Option<PathBuf>,
}

#[derive(serde::Serialize)]
struct Line<'a> {
    event: &'a str,
    data: &'a str,
    last_event_id: &'a str,
}

#[derive(serde::Serialize)]
struct Unknown<'a> {
    unknown: &'a str,
}

#[derive(serde::Serialize)]
struct Summary<'a> {
    last_event_id: &'a str,
    reconnection_time: Option<u64>,
}

fn main() -> ExitCode {
    program::main("sse2json", USAGE, parse_args(), run)
}

/// Returns `None` if the user asked for help.
fn parse_args() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    // The input comes from the user of this program, so no limit is needed.
    let options = DecoderOptions::new().max_line(usize::MAX).max_event(usize::MAX);
    let mut args = Args { chunk: 64 << 10, summary: false, options, file: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("chunk") => args.chunk = parser.value()?.parse()?,
            Long("summary") => args.summary = true,
            Long("unfinished") => args.options = args.options.unfinished(true),
            Long("unknown") => args.options = args.options.unknown_lines(true),
            Long("help") | Short('h') => return Ok(None),
            Value(file) if args.file.is_none() => args.file = Some(file.into()),
            _ => return Err(arg.unexpected()),
        }
    }
    if args.chunk == 0 {
        return Err("--chunk must be at least 1".into());
    }
    Ok(Some(args))
}

fn run(args: &Args) -> io::Result<ExitCode> {
    let mut input = program::open(args.file.as_ref())?;
    let mut output = io::stdout().lock();
    let mut decoder = OwnedDecoder::with_options(args.options);
    let mut read = vec![0; 64 << 10];
    let mut buffer = BytesMut::new();
    loop {
        let len = program::read(&mut input, &mut read)?;
        let mut lines = Vec::new();
        for chunk in read[..len].chunks(args.chunk) {
            buffer.extend_from_slice(chunk);
            while let Some(item) = decoder.decode_buffer(&mut buffer).map_err(io::Error::other)? {
                push(&mut lines, &item)?;
            }
        }
        if len == 0 {
            while let Some(item) =
                decoder.decode_buffer_eof(&mut buffer).map_err(io::Error::other)?
            {
                push(&mut lines, &item)?;
            }
        }
        program::print(&mut output, &lines)?;
        if len == 0 {
            break;
        }
    }
    if args.summary {
        let millis =
            |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let summary = Summary {
            last_event_id: decoder.last_event_id(),
            reconnection_time: decoder.reconnection_time().map(millis),
        };
        let mut lines = Vec::new();
        program::push(&mut lines, &summary)?;
        program::print(&mut output, &lines)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Appends the line of an event or of an unknown line. Other items have none.
fn push(lines: &mut Vec<u8>, item: &OwnedItem) -> io::Result<()> {
    match item {
        Item::Event(event) => {
            let line = Line {
                event: event.event_type_or_default(),
                data: &event.data,
                last_event_id: &event.last_event_id,
            };
            program::push(lines, &line)
        }
        Item::Unknown(line) => program::push(lines, &Unknown { unknown: line }),
        _ => Ok(()),
    }
}
