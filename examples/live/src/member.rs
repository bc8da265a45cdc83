//! The connection of a member: one task, from the end of the handshake to the end of the transport.
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

use crate::room::{Membership, Room};
use crate::wires::{Departure, OnWires, Side, Told};
use bytes::BytesMut;
use eventwire::Utf8Bytes;
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Failure, Flow, Frame, Limits, SendError, WebSocket,
    WebSocketEvent, WebSocketOptions,
};
use eventwire_tokio::old::hub::Listener;
use eventwire_tokio::old::transport::Writer;
use serde::Deserialize;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Members may send files of 4 MiB, are pinged, and have time to read everything before a close.
const OPTIONS: WebSocketOptions = WebSocketOptions::new()
    .limits(Limits::new().max_message(4 << 20))
    .ping_interval(Duration::from_secs(20))
    .pong_timeout(Duration::from_secs(20))
    .closing_timeout(Duration::from_secs(10));

/// The number of bytes that are read at once.
const READ: usize = 64 << 10;

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
    events: Listener<OnWires>,
    closed: watch::Receiver<bool>,
    socket: WebSocket,
    received: BytesMut,
    start: Instant,
    /// How the server closed the connection, if it did so first.
    departure: Option<Departure>,
}

/// Serves a member until it leaves. `received` holds the bytes that arrived after the handshake.
pub(crate) async fn serve(
    room: &Room,
    membership: Membership,
    mut transport: TcpStream,
    received: BytesMut,
) {
    let Membership { name, events, closed } = membership;
    let start = Instant::now();
    let socket = WebSocket::server(OPTIONS, start.elapsed());
    let departure = None;
    let mut member = Member { room, name, events, closed, socket, received, start, departure };
    let (reading, writing) = transport.split();
    let close = member.run(reading, writing).await;
    let departure = member.departure.unwrap_or_else(|| Departure::from_close(&close));
    room.leave(&member.name, &departure).await;
}

impl Member<'_> {
    /// Runs the WebSocket over its transport until it is closed.
    async fn run(&mut self, mut reading: ReadHalf<'_>, writing: WriteHalf<'_>) -> CloseEvent {
        let mut writer = Writer::new(writing);
        let (mut ended, mut failed) = (false, false);
        loop {
            while let Some(event) = self.socket.poll(&mut self.received, self.start.elapsed()) {
                match event {
                    WebSocketEvent::Open => self.welcome(),
                    WebSocketEvent::Text(text) => self.handle(&text).await,
                    WebSocketEvent::Binary(data) => self.room.show(&self.name, data).await,
                    WebSocketEvent::Ping(_)
                    | WebSocketEvent::Pong(_)
                    | WebSocketEvent::Skipped(_) => {}
                    WebSocketEvent::Close(close) => return close,
                }
            }
            self.pass_on();
            let deadline = self.socket.deadline().map(|deadline| self.start + deadline);
            // A member with a full queue takes no news, and falls behind.
            let awaits_news = self.departure.is_none() && self.socket.flow() == Flow::Ready;
            let wants_shutdown = self.socket.wants_shutdown();
            let mut to_write = self.socket.to_write(self.start.elapsed());
            self.received.reserve(READ);
            tokio::select! {
                written = writer.write(&mut to_write, wants_shutdown) => {
                    if let Err(error) = written {
                        failed = true;
                        self.socket.write_failed(error, self.start.elapsed());
                    }
                }
                read = reading.read_buf(&mut self.received), if !ended => {
                    ended = !matches!(read, Ok(1..));
                    match read {
                        Ok(0) => self.socket.end_of_stream(self.start.elapsed()),
                        Ok(_) => {}
                        Err(error) => self.socket.read_failed(error, self.start.elapsed()),
                    }
                }
                () = self.events.news(), if awaits_news && !failed => {}
                _ = self.closed.changed(), if self.departure.is_none() => self.close_for_restart(),
                () = sleep_until(deadline.unwrap_or(self.start)), if deadline.is_some() => {}
            }
        }
    }

    fn welcome(&mut self) {
        let missed = self.events.missed();
        self.tell(&Told::Welcome { name: &self.name.clone(), history: missed.len() });
        for event in &missed {
            self.send(event);
        }
    }

    /// Queues events until enough bytes wait to be written.
    fn pass_on(&mut self) {
        while self.departure.is_none() && self.socket.flow() == Flow::Ready {
            match self.events.try_next() {
                Ok(Some(event)) => self.send(&event),
                Ok(None) => return,
                Err(_) => self.close(CloseCode::TRY_AGAIN_LATER, "too slow for this room"),
            }
        }
    }

    async fn handle(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(Said::Message { text }) => {
                if let Err(why) = self.room.say(&self.name, &text).await {
                    self.tell(&Told::Refused { why });
                }
            }
            Ok(Said::Close { code, reason }) => match CloseCode::new(code) {
                None => self.tell(&Told::Refused { why: "No close frame may have this code." }),
                Some(code) => self.close(code, &reason),
            },
            Err(_) => self.close(CloseCode::POLICY_VIOLATION, "not understood"),
        }
    }

    fn close_for_restart(&mut self) {
        self.close(CloseCode::SERVICE_RESTART, "the server stops");
    }

    fn close(&mut self, code: CloseCode, reason: &str) {
        if self.departure.is_some() {
            return;
        }
        match self.socket.close(Some(Close { code, reason }), self.start.elapsed()) {
            Ok(()) => self.departure = Some(Departure::by_server(code, reason)),
            Err(_) => self.tell(&Told::Refused { why: "A reason has at most 123 bytes." }),
        }
    }

    fn tell(&mut self, told: &Told<'_>) {
        // A member that does not read its answers loses them.
        let _ = self.socket.send(Frame::text(&told.json()));
    }

    fn send(&mut self, event: &OnWires) {
        let Some(frame) = &event.ws else { return };
        // After any other error the connection is closing, and its last event says how.
        if let Err(SendError::Full) = self.socket.send_prepared(frame) {
            self.close(CloseCode::TRY_AGAIN_LATER, "too slow for this room");
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
