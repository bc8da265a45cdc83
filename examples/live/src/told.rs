//! The events of the room.

use eventwire_tokio::eventwire::sse::{EventBuilder, EventType};
use serde::Serialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const CHAT: EventType<'_> = EventType::from_static("chat");

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

    /// Returns the event, whose data is a text message in the other protocol.
    pub(crate) fn event(&self) -> EventBuilder<'static> {
        EventBuilder::new().event_type(CHAT).data(self.json())
    }
}

/// Returns the time since 1970, or 0 if the clock is set to an earlier time.
pub(crate) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
