//! Any frames are sent or refused by a writer. The output decodes to the frames that it accepted,
//! and the closing handshake and the order of fragments hold whatever is tried.

use crate::cut;
use crate::ws::{Rules, Seen, Trace, trace};
use arbitrary::Arbitrary;
use eventwire::ws::connection::Writer;
use eventwire::ws::frame::{DataKind, Role};
use eventwire::ws::{Close, CloseCode, Frame, SendError};

#[derive(Arbitrary, Debug)]
pub struct Input {
    key: Option<[u8; 4]>,
    steps: Vec<Step>,
    room: u16,
    cuts: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Data { text: bool, payload: String, unfinished: bool, continuing: bool },
    Fragments { text: bool, payload: String, size: u8 },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

fn data(text: bool, payload: &str) -> (DataKind, Frame<&[u8]>) {
    if text {
        (DataKind::Text, Frame::text(payload))
    } else {
        (DataKind::Binary, Frame::binary(payload.as_bytes()))
    }
}

/// A frame that a step sends, and the result of decoding it.
fn frames(step: &Step) -> Vec<(Frame<&[u8]>, Seen)> {
    match step {
        Step::Data { text, payload, unfinished, continuing } => {
            let (kind, mut frame) = data(*text, payload);
            frame = if *unfinished { frame.unfinished() } else { frame };
            frame = if *continuing { frame.continuing() } else { frame };
            vec![(frame, Seen::Data { kind, payload: payload.clone().into(), fin: !unfinished })]
        }
        Step::Fragments { text, payload, size } => {
            let (kind, frame) = data(*text, payload);
            let mut rest = payload.len();
            let mut frames = Vec::new();
            for frame in frame.fragments(usize::from(*size)) {
                rest -= frame.payload().len();
                let payload = frame.payload().to_vec();
                frames.push((frame, Seen::Data { kind, payload, fin: rest == 0 }));
            }
            frames
        }
        Step::Ping(payload) => {
            let frame = Frame::ping(&payload[..]);
            assert_eq!(frame.is_ok(), payload.len() <= 125);
            frame.into_iter().map(|frame| (frame, Seen::Ping(payload.clone()))).collect()
        }
        Step::Pong(payload) => {
            let frame = Frame::pong(&payload[..]);
            assert_eq!(frame.is_ok(), payload.len() <= 125);
            frame.into_iter().map(|frame| (frame, Seen::Pong(payload.clone()))).collect()
        }
        Step::Close(None) => vec![(Frame::close(None).unwrap(), Seen::Close(None))],
        Step::Close(Some((code, reason))) => {
            let Some(code) = CloseCode::new(*code) else { return Vec::new() };
            let frame = Frame::close(Some(Close { code, reason }));
            assert_eq!(frame.is_ok(), reason.len() <= 123);
            let seen = Seen::Close(Some(Close { code, reason: reason.clone() }));
            frame.into_iter().map(|frame| (frame, seen.clone())).collect()
        }
    }
}

pub fn run(input: &Input) {
    let key = input.key.unwrap_or_default();
    let mut client = Writer::client(|| key);
    let mut server = Writer::server();
    let mut stream = Vec::new();
    let mut expected = Trace::default();
    let (mut open, mut closed): (Option<DataKind>, bool) = (None, false);
    let mut room = vec![0; usize::from(input.room)];
    for (frame, seen) in input.steps.iter().flat_map(frames) {
        let refused = match &seen {
            Seen::Data { .. } | Seen::Close(_) if closed => Some(SendError::Closed),
            Seen::Data { kind, .. } => {
                let continuing = frame == frame.continuing();
                match open {
                    None if continuing => Some(SendError::UnexpectedContinuation),
                    Some(_) if !continuing => Some(SendError::UnfinishedMessage),
                    Some(open) if open != *kind => Some(SendError::UnfinishedMessage),
                    _ => None,
                }
            }
            _ => None,
        };
        let result = match input.key {
            Some(_) => client.send(frame, &mut room),
            None => server.send(frame, &mut room),
        };
        match result {
            Err(SendError::BufferTooSmall(error)) => {
                assert_eq!(refused, None);
                assert_eq!(error.needed, frame.encoded_len(input.key.is_some()));
                assert!(error.needed > room.len());
                continue;
            }
            Err(error) => {
                assert_eq!(Some(error), refused);
                continue;
            }
            Ok(len) => {
                assert_eq!(refused, None);
                stream.extend(&room[..len]);
            }
        }
        match &seen {
            // Pings and pongs may follow, but are not checked.
            _ if closed => {}
            Seen::Data { kind, payload, fin } => {
                open = (!fin).then_some(*kind);
                // Runs are shown as they arrive. An empty one is shown only if it ends the message.
                if !payload.is_empty() || *fin {
                    expected.push(seen);
                }
            }
            Seen::Close(_) => {
                closed = true;
                expected.push(seen);
            }
            _ => expected.push(seen),
        }
    }
    expected.incomplete = open.is_some() && !closed;
    let role = if input.key.is_some() { Role::Server } else { Role::Client };
    assert_eq!(trace(role, Rules::NONE, &cut(&stream, &input.cuts)), expected);
}
