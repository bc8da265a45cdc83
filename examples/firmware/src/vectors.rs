//! Runs the test vectors through both parts, and prints and checks the results.

use crate::wire::Wire;
use core::time::Duration;
use cortex_m_semihosting::hprintln;
use eventwire::sse::decode::Text;
use eventwire::ws::frame::{DataKind, FrameDecoder, FrameEvent, Role};
use firmware::sse;
use firmware::websocket::{self, Connection, Error, Limits};

/// A vector of `support/src/vectors/sse.json`.
struct Stream {
    name: &'static str,
    chunks: &'static [&'static [u8]],
    /// The type, data and last event ID of each event.
    events: &'static [(&'static str, &'static str, &'static str)],
    last_event_id: &'static str,
    /// The reconnection time in milliseconds. The outer `None` is for a time that the standard
    /// leaves open.
    retry: Option<Option<u64>>,
}

/// A vector of `support/src/vectors/ws.json`.
struct Conversation {
    name: &'static str,
    client: bool,
    limits: Limits,
    received: &'static [&'static [u8]],
    /// The frames that come back: `t` and `b` begin a message, and `.` ends it. `p` begins a pong,
    /// and `c` a close frame.
    echoed: &'static [u8],
    /// The close code and the offset of the fault.
    error: Option<(u16, u64)>,
}

const STREAMS: &[Stream] = include!(concat!(env!("OUT_DIR"), "/streams.rs"));
const CONVERSATIONS: &[Conversation] = include!(concat!(env!("OUT_DIR"), "/conversations.rs"));

/// The mask of [RFC 6455, section 5.7](https://www.rfc-editor.org/rfc/rfc6455#section-5.7).
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The request of [RFC 6455, section 1.2](https://www.rfc-editor.org/rfc/rfc6455#section-1.2),
/// followed by a frame. The answer is that of
/// [section 1.3](https://www.rfc-editor.org/rfc/rfc6455#section-1.3).
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\nSec-WebSocket-Version: 13\r\n\r\n\x88\x80\0\0\0\0";
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x88\0";

pub fn run(buffer: &mut [u8; firmware::BUFFER]) -> bool {
    let (mut right, mut wrong) = (0, 0);
    let mut count = |name, is_right| {
        if is_right {
            right += 1;
        } else {
            wrong += 1;
            hprintln!("WRONG: {name}");
        }
    };
    for stream in STREAMS {
        count(stream.name, follow(stream, buffer));
    }
    count("handshake", shake_hands(buffer));
    for conversation in CONVERSATIONS {
        count(conversation.name, echo(conversation, buffer));
    }
    hprintln!("firmware: {right} passed, {wrong} failed");
    wrong == 0
}

fn follow(stream: &Stream, buffer: &mut [u8]) -> bool {
    let mut expected = stream.events.iter();
    let mut right = true;
    let mut wire = Wire::new(stream.chunks, |_| {});
    let decoder = sse::follow(&mut wire, buffer, |event, last_event_id| {
        hprintln!("{}: {:?}, id {:?}", stream.name, event.data, last_event_id);
        right &= expected.next().is_some_and(|(event_type, data, id)| {
            is(event.event_type.unwrap_or(Text::new(b"message")), event_type)
                && is(event.data, data)
                && *id == last_event_id
        });
    });
    let ends_right = decoder.is_ok_and(|decoder| {
        let retry = decoder.reconnection_time();
        decoder.last_event_id() == stream.last_event_id
            && stream.retry.is_none_or(|millis| retry == millis.map(Duration::from_millis))
    });
    right && ends_right && expected.next().is_none()
}

/// Returns whether a text is the expected one. Bytes that are not UTF-8 count as U+FFFD.
fn is(text: Text<'_>, expected: &str) -> bool {
    let rest = text.pieces().try_fold(expected, |rest, piece| rest.strip_prefix(piece));
    rest == Some("")
}

fn shake_hands(buffer: &mut [u8; firmware::BUFFER]) -> bool {
    let mut expected = Some(ANSWER);
    let chunks = [&REQUEST[..99], &REQUEST[99..]];
    let mut wire =
        Wire::new(&chunks, |sent| expected = expected.and_then(|rest| rest.strip_prefix(sent)));
    let connection = Connection::frame_server(Limits::new());
    let held = websocket::accept(&mut wire, buffer);
    let closed = held.and_then(|held| websocket::echo(&mut wire, connection, buffer, held));
    hprintln!("handshake: {closed:?}");
    closed.is_ok() && expected == Some(b"")
}

fn echo(conversation: &Conversation, buffer: &mut [u8; firmware::BUFFER]) -> bool {
    let mut peer = Peer::new(
        if conversation.client { Role::Server } else { Role::Client },
        conversation.echoed,
    );
    let mut wire = Wire::new(conversation.received, |sent| peer.receive(sent));
    let ended = if conversation.client {
        websocket::echo(
            &mut wire,
            Connection::frame_client(conversation.limits, || MASK),
            buffer,
            0,
        )
    } else {
        websocket::echo(&mut wire, Connection::frame_server(conversation.limits), buffer, 0)
    };
    hprintln!("{}: {ended:?}", conversation.name);
    let ends_right = match (ended, conversation.error) {
        (Ok(()), None) => conversation.echoed.contains(&b'c'),
        (Err(Error::Protocol(error)), Some(expected)) => {
            (error.close_code().get(), error.offset) == expected
        }
        (Err(Error::EndOfStream), None) => true,
        _ => false,
    };
    ends_right && peer.expected == Some(b"")
}

/// The other side, which reads the frames that come back.
struct Peer {
    decoder: FrameDecoder,
    buffer: [u8; FrameDecoder::MIN_BUFFER],
    held: usize,
    in_message: bool,
    /// The rest of the expected frames. `None` after a wrong one.
    expected: Option<&'static [u8]>,
}

impl Peer {
    fn new(role: Role, expected: &'static [u8]) -> Self {
        let decoder = FrameDecoder::new(role, Limits::new());
        let buffer = [0; FrameDecoder::MIN_BUFFER];
        Self { decoder, buffer, held: 0, in_message: false, expected: Some(expected) }
    }

    fn receive(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = &mut self.buffer[self.held..];
            let (front, rest) = bytes.split_at(bytes.len().min(room.len()));
            room[..front.len()].copy_from_slice(front);
            bytes = rest;
            let len = self.held + front.len();
            let mut input = &mut self.buffer[..len];
            let expected = &mut self.expected;
            let mut expect =
                |part: &[u8]| *expected = expected.and_then(|rest| rest.strip_prefix(part));
            loop {
                match self.decoder.decode(&mut input) {
                    Ok(Some(FrameEvent::Data(run))) => {
                        if !self.in_message {
                            expect(if run.kind == DataKind::Text { b"t" } else { b"b" });
                        }
                        expect(run.payload);
                        if run.fin {
                            expect(b".");
                        }
                        self.in_message = !run.fin;
                    }
                    Ok(Some(FrameEvent::Pong(payload))) => {
                        expect(b"p");
                        expect(payload);
                    }
                    Ok(Some(FrameEvent::Close(close))) => {
                        expect(b"c");
                        if let Some(close) = close {
                            expect(&close.code.get().to_be_bytes());
                            expect(close.reason.as_bytes());
                        }
                    }
                    Ok(None) => break,
                    Ok(Some(FrameEvent::Ping(_) | FrameEvent::Skipped(_))) | Err(_) => {
                        self.expected = None;
                        return;
                    }
                }
            }
            self.held = input.len();
            self.buffer.copy_within(len - self.held..len, 0);
        }
    }
}
