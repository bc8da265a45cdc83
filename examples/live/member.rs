//! A member's connection: one task, from the handshake's end to the transport's.
//!
//! What a member sends:
//!
//! | frame | meaning |
//! |---|---|
//! | text `{"type":"message","text":"hello"}` | tell everyone |
//! | text `{"type":"close","code":4001,"reason":"enough"}` | close my connection, with this code and reason |
//! | binary | show everyone this file, such as an image |
//!
//! Its name stands in the request: `/chat?name=Ada`. What it gets is in [`Told`], each a text
//! frame, and the bytes of files in binary ones.

use crate::room::{Membership, Room};
use crate::wires::{Departure, OnWires, Side, Told};
use bytes::BytesMut;
use eventwire::ws::{
    Close, CloseCode, Connection, Frame, Message, MessageDecoder, NoMask, Options, State,
};
use serde::Deserialize;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};

const MAX_MESSAGE: u64 = 4 << 20;

/// A ping goes out this often, and a member that was silent for two of them is gone.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// How long a member may take to read what we write.
const WRITE_PATIENCE: Duration = Duration::from_secs(40);

/// How long a member may take to answer our close frame, and then to close the transport.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// What is waiting goes out in one write, up to about this many bytes.
const BATCH: usize = 64 << 10;

/// What a member may say in text.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Said {
    Message { text: String },
    Close { code: u16, reason: String },
}

struct Member<'a> {
    room: &'a Room,
    name: String,
    socket: TcpStream,
    connection: Connection<NoMask, MessageDecoder>,
    received: BytesMut,
    to_send: Vec<u8>,
}

/// Serves a member until it has gone. `received` holds what came behind the handshake, and
/// `to_send` our answer to that.
pub(crate) async fn serve(
    room: &Room,
    membership: Membership,
    socket: TcpStream,
    received: BytesMut,
    to_send: Vec<u8>,
) {
    let Membership { name, events } = membership;
    let options = Options::new().max_message(MAX_MESSAGE);
    let connection = Connection::message_server(options);
    let mut member = Member { room, name, socket, connection, received, to_send };
    let how = match member.talk(events.replay, events.live).await {
        Ok(how) => member.hang_up().await.map_or_else(Departure::lost, |()| how),
        Err(error) => Departure::lost(error),
    };
    room.leave(&member.name, &how).await;
}

impl Member<'_> {
    /// Until one side closes, or the connection is lost.
    async fn talk(
        &mut self,
        replay: Vec<OnWires>,
        mut live: mpsc::Receiver<OnWires>,
    ) -> io::Result<Departure> {
        let name = self.name.clone();
        self.tell(&Told::Welcome { name: &name, history: replay.len() })?;
        for event in &replay {
            self.pass_on(event)?;
        }
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        let mut unanswered = 0;
        loop {
            let departure = self.receive().await?;
            self.flush().await?;
            if let Some(departure) = departure {
                return Ok(departure);
            }
            self.received.reserve(BATCH);
            tokio::select! {
                read = self.socket.read_buf(&mut self.received) => {
                    if read? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    unanswered = 0;
                }
                event = live.recv() => {
                    let Some(event) = event else { return self.send_out().await };
                    self.pass_on(&event)?;
                    while self.to_send.len() < BATCH && let Ok(event) = live.try_recv() {
                        self.pass_on(&event)?;
                    }
                }
                _ = heartbeat.tick() => {
                    if unanswered == 2 {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    unanswered += 1;
                    let ping = Frame::ping(&[][..]).map_err(io::Error::other)?;
                    self.connection.send_to(&ping, &mut self.to_send).map_err(io::Error::other)?;
                }
            }
        }
    }

    /// Deals with all that has arrived, and owes the answers to `to_send`. Says how the connection
    /// ends, if it does.
    async fn receive(&mut self) -> io::Result<Option<Departure>> {
        loop {
            let departure = match self.connection.receive(&mut self.received) {
                Ok(None) => return Ok(None),
                Ok(Some(Message::Text(text))) => self.hear(&text).await?,
                Ok(Some(Message::Binary(data))) => {
                    self.room.show(&self.name, data).await;
                    None
                }
                Ok(Some(Message::Ping(_) | Message::Pong(_))) => None,
                Ok(Some(Message::Close(close))) => Some(Departure {
                    by: Some(Side::Client),
                    code: close.as_ref().map(|close| close.code.get()),
                    reason: close.map(|close| close.reason.as_str().to_owned()).unwrap_or_default(),
                }),
                Err(error) => Some(Departure::by_us(error.close_code(), &error.to_string())),
            };
            self.connection.reply_to(&mut self.to_send).map_err(io::Error::other)?;
            if departure.is_some() {
                return Ok(departure);
            }
        }
    }

    async fn hear(&mut self, text: &str) -> io::Result<Option<Departure>> {
        match serde_json::from_str(text) {
            Ok(Said::Message { text }) => {
                if let Err(why) = self.room.say(&self.name, &text).await {
                    self.tell(&Told::Refused { why })?;
                }
            }
            Ok(Said::Close { code, reason }) => {
                let Some(code) = CloseCode::new(code) else {
                    self.tell(&Told::Refused { why: "No close frame may have this code." })?;
                    return Ok(None);
                };
                if let Some(departure) = self.close(code, &reason)? {
                    return Ok(Some(departure));
                }
                self.tell(&Told::Refused { why: "A reason has at most 123 bytes." })?;
            }
            Err(_) => return self.close(CloseCode::POLICY_VIOLATION, "not understood"),
        }
        Ok(None)
    }

    /// The room ended our subscription.
    async fn send_out(&mut self) -> io::Result<Departure> {
        let (code, reason) = if self.room.is_closed().await {
            (CloseCode::SERVICE_RESTART, "the server stops")
        } else {
            (CloseCode::TRY_AGAIN_LATER, "too slow for this room")
        };
        self.close(code, reason)?.ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// Sends a close frame, unless the reason is too long for one.
    fn close(&mut self, code: CloseCode, reason: &str) -> io::Result<Option<Departure>> {
        let Ok(frame) = Frame::close(Some(Close { code, reason })) else { return Ok(None) };
        self.connection.send_to(&frame, &mut self.to_send).map_err(io::Error::other)?;
        Ok(Some(Departure::by_us(code, reason)))
    }

    fn tell(&mut self, told: &Told<'_>) -> io::Result<()> {
        let frame = told.json();
        let frame = Frame::text(&frame);
        self.connection.send_to(&frame, &mut self.to_send).map_err(io::Error::other)
    }

    fn pass_on(&mut self, event: &OnWires) -> io::Result<()> {
        let Some(frame) = &event.ws else { return Ok(()) };
        let bytes = self.connection.writer().send_prepared(frame).map_err(io::Error::other)?;
        self.to_send.extend_from_slice(&bytes);
        Ok(())
    }

    /// All that is to be sent, in one write.
    async fn flush(&mut self) -> io::Result<()> {
        timeout(WRITE_PATIENCE, self.socket.write_all(&self.to_send)).await??;
        self.to_send.clear();
        Ok(())
    }

    /// Brings the closing handshake to its end. The server shuts the transport first; reading on
    /// for a while lets the member have what was sent before.
    async fn hang_up(&mut self) -> io::Result<()> {
        self.flush().await?;
        let _ = timeout(CLOSE_PATIENCE, self.await_close()).await;
        self.socket.shutdown().await?;
        let _ = timeout(CLOSE_PATIENCE, copy(&mut self.socket, &mut sink())).await;
        Ok(())
    }

    /// After our close frame: what the member sent before its own is of no use any more, but its
    /// pings are answered.
    async fn await_close(&mut self) -> io::Result<()> {
        while self.connection.state() == State::LocalClosing {
            if let Ok(None) = self.connection.receive(&mut self.received)
                && self.socket.read_buf(&mut self.received).await? == 0
            {
                return Ok(());
            }
            self.connection.reply_to(&mut self.to_send).map_err(io::Error::other)?;
            self.flush().await?;
        }
        Ok(())
    }
}

impl Departure {
    fn by_us(code: CloseCode, reason: &str) -> Self {
        Self { by: Some(Side::Server), code: Some(code.get()), reason: reason.to_owned() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "errors come by value")]
    fn lost(error: io::Error) -> Self {
        Self { by: None, code: None, reason: error.to_string() }
    }
}
