//! The test vectors: streams and their expected results.
#![allow(dead_code)]

use serde::{Deserialize, Deserializer, de::Error as _};

/// An event stream and its expected events.
#[derive(Deserialize)]
pub struct Stream {
    pub name: String,
    #[serde(deserialize_with = "chunks")]
    pub chunks: Vec<Vec<u8>>,
    pub expected_events: Vec<MessageEvent>,
    /// The reconnection time in milliseconds.
    pub expected_retry: Option<u64>,
    pub expected_final_last_event_id: String,
    /// The standard sets no bound, so the tests do not judge the value.
    #[serde(default)]
    pub retry_unspecified: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageEvent {
    pub r#type: String,
    pub data: String,
    pub last_event_id: String,
}

/// The bytes that one end of a WebSocket receives, and the events and replies that it must produce.
#[derive(Deserialize)]
pub struct Conversation {
    pub name: String,
    /// The role of the receiving end.
    pub role: Role,
    pub max_frame: Option<u64>,
    pub max_message: Option<u64>,
    pub max_fragments: Option<u32>,
    #[serde(deserialize_with = "bytes")]
    pub received: Vec<u8>,
    pub expected_events: Vec<Event>,
    /// The expected replies, masked with [`MASK`].
    #[serde(deserialize_with = "bytes")]
    pub expected_replies: Vec<u8>,
    pub expected_error: Option<Failure>,
}

/// The masking key of the examples in
/// [RFC 6455, section 5.7](https://www.rfc-editor.org/rfc/rfc6455#section-5.7).
pub const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Client,
    Server,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Event {
    Text(Payload),
    Binary(Payload),
    Ping(Payload),
    Pong(Payload),
    Close { code: Option<u16>, reason: String },
}

#[derive(Deserialize)]
pub struct Payload {
    #[serde(deserialize_with = "bytes")]
    pub data: Vec<u8>,
    /// More of the message follows, or should have followed.
    #[serde(default)]
    pub unfinished: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct Failure {
    pub code: u16,
    pub offset: u64,
}

/// Returns all event streams.
pub fn streams() -> Vec<Stream> {
    let streams: Vec<Stream> = serde_json::from_str(include_str!("sse.json")).unwrap();
    assert!(streams.len() >= 32, "sse.json is complete");
    streams
}

/// Returns all conversations.
pub fn conversations() -> Vec<Conversation> {
    let conversations: Vec<_> = serde_json::from_str(include_str!("ws.json")).unwrap();
    assert!(conversations.len() >= 80, "ws.json is complete");
    conversations
}

fn chunks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
    let chunks = Vec::<String>::deserialize(deserializer)?;
    chunks.iter().map(|hex| unhex(hex).ok_or_else(|| D::Error::custom(hex))).collect()
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let hex = String::deserialize(deserializer)?;
    unhex(&hex).ok_or_else(|| D::Error::custom(&hex))
}

/// Parses pieces of hexadecimal digits. A number after an asterisk says how often to repeat a
/// piece.
fn unhex(hex: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for piece in hex.split_whitespace() {
        let (digits, times) = piece.split_once('*').unwrap_or((piece, "1"));
        let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let piece: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect::<Option<_>>()?;
        bytes.extend(piece.repeat(times.parse().ok()?));
    }
    Some(bytes)
}
