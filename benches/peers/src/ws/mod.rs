//! WebSocket: the payloads sent, and the kinds of their messages.

mod decode;
#[cfg(feature = "deflate")]
mod deflate;
mod encode;
#[cfg(feature = "deflate")]
#[path = "../../../common/json_feed.rs"]
mod json_feed;
mod mask;
mod wire;

use crate::harness::Row;

pub fn rows() -> Vec<Row> {
    let mut rows = decode::rows();
    rows.extend(encode::rows());
    rows.extend(mask::rows());
    #[cfg(feature = "deflate")]
    rows.extend(deflate::rows());
    rows
}

/// A message. Its payload lives as long as the program, so that contenders can share it at no cost.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    payload: Payload,
}

#[derive(Clone, Copy)]
enum Payload {
    Text(&'static str),
    Binary(&'static [u8]),
}

const TEXT: &str = "text";
const BINARY: &str = "binary";

impl Payload {
    fn kind(self) -> &'static str {
        match self {
            Self::Text(_) => TEXT,
            Self::Binary(_) => BINARY,
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

fn text(name: &'static str, text: String) -> Shape {
    Shape { name, payload: Payload::Text(text.leak()) }
}

fn binary(name: &'static str, len: usize) -> Shape {
    Shape { name, payload: Payload::Binary(vec![0xC5; len].leak()) }
}

/// The payloads of all rows, in order: the first two are small, the third has 1 KiB.
fn ascii() -> [Shape; 3] {
    [text("20 B", "x".repeat(20)), text("125 B", "x".repeat(125)), text("1 KiB", "x".repeat(1024))]
}

/// 32 bytes at a time, half of them ASCII.
fn mixed() -> Shape {
    text(
        "1 KiB non-ASCII",
        "gr\u{FC}n, \u{6D41}\u{308C} and \u{1F30D} \u{434}\u{430} now!".repeat(32),
    )
}

fn long() -> [Shape; 2] {
    [binary("64 KiB", 64 << 10), binary("1 MiB", 1 << 20)]
}
