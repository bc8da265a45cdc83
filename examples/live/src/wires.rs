//! What the room tells, encoded once for each wire.

use bytes::Bytes;
use eventwire::sse::{EventBuilder, EventId, EventType};
use eventwire::ws::{Frame, PreparedFrame};
use serde::Serialize;

const CHAT: EventType<'_> = EventType::from_static("chat");

/// One thing for all, on both wires; `None` where a wire has no use for it.
#[derive(Clone)]
pub(crate) struct OnWires {
    pub(crate) sse: Option<Bytes>,
    pub(crate) ws: Option<PreparedFrame>,
}

/// What the room tells, as JSON.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Told<'a> {
    /// To a newcomer alone: the name it goes by, and how many events follow that are not new.
    Welcome { name: &'a str, history: usize },
    /// To one alone: why what it said was not passed on.
    Refused { why: &'a str },
    /// Everyone who is there, whenever that changes.
    Presence { names: &'a [String] },
    /// Somebody came.
    Joined { name: &'a str },
    /// Somebody went.
    Left {
        name: &'a str,
        #[serde(flatten)]
        how: &'a Departure,
    },
    /// Somebody said something, at this time in milliseconds since 1970.
    Message { from: &'a str, text: &'a str, at: u64 },
    /// Somebody showed something. On a WebSocket a binary frame with its bytes follows, unless the
    /// event is history.
    File { from: &'a str, url: &'a str, mime: &'a str, bytes: usize, at: u64 },
}

/// How somebody went.
#[derive(Debug, Serialize)]
pub(crate) struct Departure {
    /// The side that closed; `None` if the connection was lost.
    pub(crate) by: Option<Side>,
    /// What its close frame said.
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

    /// With an id if it is to be kept; and how long it is on both wires.
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
    /// The bytes of a file. Those who listen load them by its URL.
    pub(crate) fn binary(data: &[u8]) -> Self {
        Self { sse: None, ws: Some(Frame::binary(data).prepare()) }
    }
}
