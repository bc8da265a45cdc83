//! The connection of a member, from the end of the handshake to its own end.
//!
//! A member sends these messages:
//!
//! | message | meaning |
//! |---|---|
//! | text `{"type":"message","text":"hello"}` | send this text to everyone |
//! | text `{"type":"close","code":4001,"reason":"enough"}` | close my connection with this code and reason |
//! | binary | send this file, such as an image, to everyone |
//!
//! The name is in the request: `/chat?name=Ada`. A member receives each [`Told`] as a text message,
//! and the bytes of files as binary messages.

use crate::room::{Membership, Room, missed};
use crate::told::{Departure, Side, Told};
use eventwire_tokio::HubEvent;
use eventwire_tokio::eventwire::Utf8Bytes;
use eventwire_tokio::ws::{
    CloseCode, CloseEvent, Failure, Limits, Message, WebSocket, WebSocketOptions,
};
use serde::Deserialize;
use std::time::Duration;

/// Members may send files of 4 MiB, are pinged, and have time to read everything before a close.
pub(crate) const OPTIONS: WebSocketOptions = WebSocketOptions::new()
    .limits(Limits::new().max_message(4 << 20))
    .ping_interval(Duration::from_secs(20))
    .pong_timeout(Duration::from_secs(20))
    .closing_timeout(Duration::from_secs(10));

/// A text message of a member.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Said {
    Message { text: String },
    Close { code: u16, reason: String },
}

struct Member<'a> {
    room: &'a Room,
    name: String,
    socket: WebSocket,
}

/// Serves a member until it leaves.
pub(crate) async fn serve(room: &Room, wanted: &str, mut socket: WebSocket) {
    // The room waits for its members, so a member has its events until it has left.
    let Ok(Membership { name, mut events }) = room.enter(wanted).await else {
        // The code and reason may be sent.
        let _ = socket.close(CloseCode::TRY_AGAIN_LATER, "the room is full").await;
        return;
    };
    let mut member = Member { room, name, socket };
    let missed = missed(&mut events);
    member.tell(&Told::Welcome { name: &member.name.clone(), history: missed.len() }).await;
    for event in &missed {
        member.pass_on(event).await;
    }
    let departure = loop {
        let departure = tokio::select! {
            message = member.socket.next() => match message {
                Some(Ok(message)) => member.handle(message).await,
                Some(Err(close)) => Some(Departure::from_close(&close)),
                None => Some(Departure::from_close(&member.socket.closed().await)),
            },
            event = events.next() => match event {
                Some(Ok(event)) => {
                    member.pass_on(&event).await;
                    None
                }
                Some(Err(_)) => {
                    member.close(CloseCode::TRY_AGAIN_LATER, "too slow for this room").await
                }
                None => member.close(CloseCode::SERVICE_RESTART, "the server stops").await,
            },
        };
        if let Some(departure) = departure {
            break departure;
        }
    };
    room.leave(&member.name, &departure).await;
}

impl Member<'_> {
    /// Handles a message. Returns how the member left, if it did.
    async fn handle(&mut self, message: Message) -> Option<Departure> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(data) => {
                self.room.show(&self.name, data).await;
                return None;
            }
            _ => return None,
        };
        match serde_json::from_str(&text) {
            Ok(Said::Message { text }) => {
                if let Err(why) = self.room.say(&self.name, &text).await {
                    self.tell(&Told::Refused { why }).await;
                }
                None
            }
            Ok(Said::Close { code, reason }) => {
                if let Some(code) = CloseCode::new(code) {
                    return self.close(code, &reason).await;
                }
                self.tell(&Told::Refused { why: "No close frame may have this code." }).await;
                None
            }
            Err(_) => self.close(CloseCode::POLICY_VIOLATION, "not understood").await,
        }
    }

    /// Closes the connection. Returns how the member left, unless the reason is too long.
    async fn close(&mut self, code: CloseCode, reason: &str) -> Option<Departure> {
        if self.socket.close(code, reason).await.is_ok() {
            return Some(Departure::by_server(code, reason));
        }
        self.tell(&Told::Refused { why: "A reason has at most 123 bytes." }).await;
        None
    }

    async fn tell(&mut self, told: &Told<'_>) {
        // If the connection has ended, the next message says how.
        let _ = self.socket.feed(told.json()).await;
    }

    /// Sends an event. A member that does not read falls behind meanwhile.
    async fn pass_on(&mut self, event: &HubEvent) {
        if let Some(frame) = event.frame() {
            // As above.
            let _ = self.socket.feed(frame).await;
        }
    }
}

impl Departure {
    fn by_server(code: CloseCode, reason: &str) -> Self {
        Self { by: Some(Side::Server), code: Some(code.get()), reason: reason.to_owned() }
    }

    /// Returns how a member left whose connection the server did not close on purpose.
    fn from_close(close: &CloseEvent) -> Self {
        match &close.failure {
            Some(Failure::Protocol(fault)) => {
                Self::by_server(fault.close_code(), &fault.to_string())
            }
            Some(failure) => Self { by: None, code: None, reason: failure.to_string() },
            None => Self {
                by: Some(Side::Client),
                code: Some(close.code).filter(|&code| code != CloseEvent::NO_STATUS),
                reason: Utf8Bytes::clone(&close.reason).into(),
            },
        }
    }
}
