//! Reads the bytes that one side of a WebSocket received after the handshake. Prints each message
//! and control frame as one line of JSON, as soon as it is complete:
//! `ws2json --role server captured.bin`.
//!
//! If the stream breaks the protocol, the last line says how, and the status is 1. If the stream
//! ends inside a message or frame, the last line is `{"type":"incomplete"}`. The limits are the
//! defaults of eventwire, but `--max-message` sets that of a message. With `--deflate` messages may
//! be compressed by permessage-deflate with any parameters.

use bytes::BytesMut;
use eventwire::ws::connection::MessageDecoder;
use eventwire::ws::deflate::DeflateParams;
use eventwire::ws::frame::Role;
use eventwire::ws::{Deflate, Limits, Message, ProtocolError};
use example_support::program;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str =
    "usage: ws2json --role server|client [--deflate] [--chunk N] [--max-message BYTES] [FILE]";

struct Args {
    /// The side that received the bytes.
    role: Role,
    limits: Limits,
    /// Whether messages may be compressed.
    deflate: bool,
    /// The maximum number of bytes that the decoder gets at a time.
    chunk: usize,
    file: Option<PathBuf>,
}

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Text {
        data: &'a str,
    },
    Binary {
        hex: String,
    },
    Ping {
        hex: String,
    },
    Pong {
        hex: String,
    },
    Close {
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    Error {
        offset: u64,
        close_code: u16,
        error: String,
    },
    Incomplete,
}

impl<'a> From<&'a Message> for Line<'a> {
    fn from(message: &'a Message) -> Self {
        match message {
            Message::Skipped(error) => error.into(),
            Message::Text(data) => Self::Text { data },
            Message::Binary(data) => Self::Binary { hex: hex(data) },
            Message::Ping(data) => Self::Ping { hex: hex(data) },
            Message::Pong(data) => Self::Pong { hex: hex(data) },
            Message::Close(close) => Self::Close {
                code: close.as_ref().map(|close| close.code.get()),
                reason: close.as_ref().map(|close| close.reason.as_str()),
            },
        }
    }
}

impl From<&ProtocolError> for Line<'_> {
    fn from(error: &ProtocolError) -> Self {
        Self::Error {
            offset: error.offset,
            close_code: error.close_code().get(),
            error: error.to_string(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
}

fn main() -> ExitCode {
    program::main("ws2json", USAGE, parse_args(), run)
}

/// Returns `None` if the user asked for help.
fn parse_args() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut role = None;
    let mut limits = Limits::new();
    let mut deflate = false;
    let mut chunk = 64 << 10;
    let mut file = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("role") => role = Some(parser.value()?.parse_with(parse_role)?),
            Long("deflate") => deflate = true,
            Long("chunk") => chunk = parser.value()?.parse()?,
            Long("max-message") => {
                limits = limits.max_message(parser.value()?.parse()?);
            }
            Long("help") | Short('h') => return Ok(None),
            Value(path) if file.is_none() => file = Some(path.into()),
            _ => return Err(arg.unexpected()),
        }
    }
    if chunk == 0 {
        return Err("--chunk must be at least 1".into());
    }
    let role = role.ok_or("--role is missing")?;
    Ok(Some(Args { role, limits, deflate, chunk, file }))
}

fn parse_role(role: &str) -> Result<Role, &'static str> {
    match role {
        "server" => Ok(Role::Server),
        "client" => Ok(Role::Client),
        _ => Err("must be server or client"),
    }
}

fn run(args: &Args) -> io::Result<ExitCode> {
    let mut input = program::open(args.file.as_ref())?;
    let mut output = io::stdout().lock();
    // The defaults, context takeover and the largest window, read messages of any parameters.
    let compression = args.deflate.then(DeflateParams::default);
    let mut decoder =
        MessageDecoder::new(args.role, args.limits).deflate(&Deflate::new(), compression);
    let mut read = vec![0; 64 << 10];
    let mut buffer = BytesMut::new();
    loop {
        let len = program::read(&mut input, &mut read)?;
        if len == 0 {
            break;
        }
        let mut lines = Vec::new();
        for chunk in read[..len].chunks(args.chunk) {
            buffer.extend_from_slice(chunk);
            loop {
                let next = decoder.decode(&mut buffer);
                let line = match &next {
                    Ok(None) => break,
                    Ok(Some(message)) => Line::from(message),
                    Err(error) => Line::from(error),
                };
                program::push(&mut lines, &line)?;
                if next.is_err() {
                    program::print(&mut output, &lines)?;
                    return Ok(ExitCode::from(1));
                }
            }
        }
        program::print(&mut output, &lines)?;
    }
    if decoder.in_message() || !buffer.is_empty() {
        let mut lines = Vec::new();
        program::push(&mut lines, &Line::Incomplete)?;
        program::print(&mut output, &lines)?;
    }
    Ok(ExitCode::SUCCESS)
}
