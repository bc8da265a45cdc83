//! Turns the test vectors into constants, because firmware cannot read files. Finds `memory.x`.

use eventwire_test_support::vectors::{self, Conversation, Event, Failure, Role, Stream};
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    fs::write(out.join("streams.rs"), slice(vectors::streams().iter().map(stream))).unwrap();
    let conversations = vectors::conversations();
    fs::write(out.join("conversations.rs"), slice(conversations.iter().map(conversation))).unwrap();

    println!("cargo:rerun-if-changed=memory.x");
    fs::copy("memory.x", out.join("memory.x")).unwrap();
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}

fn stream(stream: &Stream) -> String {
    let chunks = slice(stream.chunks.iter().map(|chunk| bytes(chunk)));
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

fn conversation(conversation: &Conversation) -> String {
    let name = &conversation.name;
    let client = conversation.role == Role::Client;
    let limit =
        |name, value: Option<u64>| value.map_or(String::new(), |value| format!(".{name}({value})"));
    let limits = [
        "Limits::new()".to_owned(),
        limit("max_frame", conversation.max_frame),
        limit("max_message", conversation.max_message),
        limit("max_fragments", conversation.max_fragments.map(u64::from)),
    ]
    .concat();
    let received = bytes(&conversation.received);
    let echoed = bytes(&echoed(conversation));
    let error = conversation.expected_error.map(|Failure { code, offset }| (code, offset));
    format!(
        "Conversation {{ name: {name:?}, client: {client}, limits: {limits}, \
        received: &[{received}], echoed: {echoed}, error: {error:?} }}"
    )
}

/// Returns what an echoing side sends, in the notation of `vectors.rs`.
fn echoed(conversation: &Conversation) -> Vec<u8> {
    let mut echoed = Vec::new();
    let mut in_message = false;
    for event in &conversation.expected_events {
        match event {
            Event::Text(payload) | Event::Binary(payload) => {
                if !in_message {
                    echoed.push(if matches!(event, Event::Text(_)) { b't' } else { b'b' });
                }
                in_message = payload.unfinished;
                echoed.extend(&payload.data);
                if !in_message {
                    echoed.push(b'.');
                }
            }
            Event::Ping(payload) => {
                echoed.push(b'p');
                echoed.extend(&payload.data);
            }
            Event::Pong(_) => {}
            Event::Close { code, reason } => {
                echoed.push(b'c');
                echoed.extend(code.map(u16::to_be_bytes).into_iter().flatten());
                echoed.extend(reason.as_bytes());
            }
        }
    }
    if let Some(Failure { code, .. }) = conversation.expected_error {
        echoed.push(b'c');
        echoed.extend(code.to_be_bytes());
    }
    echoed
}

/// Returns the source of a slice with these elements.
fn slice(elements: impl Iterator<Item = String>) -> String {
    format!("&[{}]", elements.collect::<Vec<_>>().join(", "))
}

/// Returns the source of a byte string.
fn bytes(bytes: &[u8]) -> String {
    format!("b\"{}\"", bytes.escape_ascii())
}
