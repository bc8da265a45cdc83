//! The events of the room, encoded once for each protocol.

use bytes::Bytes;
use eventwire::sse::{EventBuilder, EventId, EventType};
use eventwire::ws::{Frame, PreparedFrame};
use serde::Serialize;

const CHAT: EventType<'_> = EventType::from_static("chat");

/// An event in both protocols. `None` is for a protocol that does not carry the event.
#[derive(Clone)]
pub(crate) struct OnWires {
    pub(crate) sse: Option<Bytes>,
    pub(crate) ws: Option<PreparedFrame>,
}

/// An event of the room, as JSON.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Told<'a> {
    /// For a new member alone: its name, and the number of earlier events that follow.
    Welcome { name: &'a str, history: usize },
    /// For the sender alone: why its message was not sent on.
    Refused { why: &'a str },
    /// The names of all members, whenever they change.
    Presence { names: &'a [String] },
    /// A member joined.
    Joined { name: &'a str },
    /// A member left.
    Left {
        name: &'a str,
        #[serde(flatten)]
        departure: &'a Departure,
    },
    /// A member sent a text, at this time in milliseconds since 1970.
    Message { from: &'a str, text: &'a str, at: u64 },
    /// A member sent a file. On a WebSocket a binary message with its bytes follows, unless this is
    /// an earlier event.
    File { from: &'a str, url: &'a str, mime: &'a str, bytes: usize, at: u64 },
}

/// How a member left.
#[derive(Debug, Serialize)]
pub(crate) struct Departure {
    /// The side that closed the connection. `None` if the connection was lost.
    pub(crate) by: Option<Side>,
    /// The code of its close frame.
    pub(crate) code: Option<u16>,
    pub(crate) reason: String,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Client,
    Server,
}

impl Told<'_> {
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers are JSON")
    }

    /// Returns the encoded event and its length in both protocols. An event that is kept has an id.
    pub(crate) fn encode(&self, id: Option<EventId<'_>>) -> (OnWires, usize) {
        let json = self.json();
        let mut event = EventBuilder::new().event_type(CHAT).data(&json);
        if let Some(id) = id {
            event = event.id(id);
        }
        let (block, frame) = (event.to_bytes(), Frame::text(&json).prepare());
        let len = block.len() + frame.encoded_len();
        (OnWires { sse: Some(block), ws: Some(frame) }, len)
    }
}

impl OnWires {
    /// Returns the bytes of a file. Listeners over SSE load the file by its URL.
    pub(crate) fn binary(data: &[u8]) -> Self {
        Self { sse: None, ws: Some(Frame::binary(data).prepare()) }
    }
}
