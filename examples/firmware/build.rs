//! Makes constants of the test vectors, as firmware cannot read files; and finds `memory.x`.

use serde::Deserialize;
use std::path::PathBuf;
use std::{env, fs};

#[derive(Deserialize)]
struct Stream {
    name: String,
    chunks: Vec<String>,
    expected_events: Vec<StreamEvent>,
    expected_retry: Option<u64>,
    expected_final_last_event_id: String,
    #[serde(default)]
    retry_unspecified: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamEvent {
    r#type: String,
    data: String,
    last_event_id: String,
}

#[derive(Deserialize)]
struct Conversation {
    name: String,
    role: String,
    max_frame: Option<u64>,
    max_message: Option<u64>,
    max_fragments: Option<u32>,
    received: String,
    expected_events: Vec<Event>,
    expected_error: Option<Error>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Event {
    Text {
        data: String,
        #[serde(default)]
        unfinished: bool,
    },
    Binary {
        data: String,
        #[serde(default)]
        unfinished: bool,
    },
    Ping {
        data: String,
    },
    Pong,
    Close {
        code: Option<u16>,
        reason: String,
    },
}

#[derive(Deserialize)]
struct Error {
    code: u16,
    offset: u64,
}

fn main() {
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    let vectors =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../tests/vectors");
    println!("cargo:rerun-if-changed={}", vectors.display());
    println!("cargo:rerun-if-changed=memory.x");
    let read = |name| fs::read_to_string(vectors.join(name)).unwrap();
    let streams: Vec<Stream> = serde_json::from_str(&read("sse.json")).unwrap();
    fs::write(out.join("streams.rs"), slice(streams.iter().map(stream))).unwrap();
    let conversations: Vec<Conversation> = serde_json::from_str(&read("ws.json")).unwrap();
    fs::write(out.join("conversations.rs"), slice(conversations.iter().map(conversation))).unwrap();

    fs::copy("memory.x", out.join("memory.x")).unwrap();
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}

fn stream(stream: &Stream) -> String {
    let chunks = slice(stream.chunks.iter().map(|hex| bytes(&unhex(hex))));
    let events =
        slice(stream.expected_events.iter().map(|event| {
            format!("({:?}, {:?}, {:?})", event.r#type, event.data, event.last_event_id)
        }));
    let retry = (!stream.retry_unspecified).then_some(stream.expected_retry);
    let (name, last_event_id) = (&stream.name, &stream.expected_final_last_event_id);
    format!(
        "Stream {{ name: {name:?}, chunks: {chunks}, events: {events}, \
        last_event_id: {last_event_id:?}, retry: {retry:?} }}"
    )
}

fn conversation(it: &Conversation) -> String {
    let name = &it.name;
    let client = match &it.role[..] {
        "client" => true,
        "server" => false,
        other => panic!("role {other}"),
    };
    let limit =
        |name, value: Option<u64>| value.map_or(String::new(), |value| format!(".{name}({value})"));
    let options = [
        "Options::new()".to_owned(),
        limit("max_frame", it.max_frame),
        limit("max_message", it.max_message),
        limit("max_fragments", it.max_fragments.map(u64::from)),
    ]
    .concat();
    let received = bytes(&unhex(&it.received));
    let echoed = bytes(&echoed(it));
    let error = it.expected_error.as_ref().map(|Error { code, offset }| (code, offset));
    format!(
        "Conversation {{ name: {name:?}, client: {client}, options: {options}, \
        received: &[{received}], echoed: {echoed}, error: {error:?} }}"
    )
}

/// What an echoing end sends, as `vectors.rs` writes it down.
fn echoed(it: &Conversation) -> Vec<u8> {
    let mut echoed = Vec::new();
    let mut in_message = false;
    for event in &it.expected_events {
        match event {
            Event::Text { data, unfinished } | Event::Binary { data, unfinished } => {
                if !in_message {
                    echoed.push(if matches!(event, Event::Text { .. }) { b't' } else { b'b' });
                }
                in_message = *unfinished;
                echoed.extend(unhex(data));
                if !unfinished {
                    echoed.push(b'.');
                }
            }
            Event::Ping { data } => {
                echoed.push(b'p');
                echoed.extend(unhex(data));
            }
            Event::Pong => {}
            Event::Close { code, reason } => {
                echoed.push(b'c');
                echoed.extend(code.map(u16::to_be_bytes).into_iter().flatten());
                echoed.extend(reason.as_bytes());
            }
        }
    }
    if let Some(Error { code, .. }) = it.expected_error {
        echoed.push(b'c');
        echoed.extend(code.to_be_bytes());
    }
    echoed
}

/// Source of a slice with these elements.
fn slice(elements: impl Iterator<Item = String>) -> String {
    format!("&[{}]", elements.collect::<Vec<_>>().join(", "))
}

/// Source of a slice of these bytes.
fn bytes(bytes: &[u8]) -> String {
    format!("b\"{}\"", bytes.escape_ascii())
}

/// Bytes of pairs of hexadecimal digits, spaces between or not; `ab*3` stands for `ababab`.
fn unhex(hex: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in hex.split_ascii_whitespace() {
        let (digits, times) = word.split_once('*').unwrap_or((word, "1"));
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let part: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
        bytes.extend(part.repeat(times.parse().unwrap()));
    }
    bytes
}
