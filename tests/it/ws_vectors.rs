//! The shared test vectors, each whole, byte by byte and cut in two.

use eventwire::ws::frame::{DataKind, FrameDecoder, Role};
use eventwire::ws::{Close, CloseCode, Connection, Limits, MaskSource};
use eventwire_test_support::vectors;
use eventwire_test_support::ws::{Rules, Seen, Trace, trace};
use vectors::{Event, Failure, MASK, Payload};

fn seen(event: Event) -> Seen {
    let data =
        |kind, Payload { data, unfinished }| Seen::Data { kind, payload: data, fin: !unfinished };
    match event {
        Event::Text(payload) => data(DataKind::Text, payload),
        Event::Binary(payload) => data(DataKind::Binary, payload),
        Event::Ping(Payload { data, .. }) => Seen::Ping(data),
        Event::Pong(Payload { data, .. }) => Seen::Pong(data),
        Event::Close { code, reason } => {
            Seen::Close(code.map(|code| Close { code: CloseCode::new(code).unwrap(), reason }))
        }
    }
}

/// Returns the bytes that a connection sends by itself.
fn replies<M: MaskSource>(mut connection: Connection<M>, chunks: &[&[u8]]) -> Vec<u8> {
    let mut sent = Vec::new();
    let mut kept = Vec::new();
    for chunk in chunks {
        kept.extend_from_slice(chunk);
        let mut input = &mut kept[..];
        loop {
            let received = connection.receive(&mut input);
            let mut reply = [0; FrameDecoder::MIN_BUFFER];
            let len = connection.reply(&mut reply).unwrap();
            sent.extend(&reply[..len]);
            match received {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return sent,
            }
        }
        kept = input.to_vec();
    }
    sent
}

/// Returns the places to cut at: all of them, or those near headers and ends.
fn places(len: usize) -> impl Iterator<Item = usize> {
    (0..=len).filter(move |at| len < 600 || *at < 20 || len - at < 20)
}

#[test]
fn conversations() {
    for vector in vectors::conversations() {
        let name = vector.name;
        let role = match vector.role {
            vectors::Role::Client => Role::Client,
            vectors::Role::Server => Role::Server,
        };
        let limits = Rules {
            frame: vector.max_frame.unwrap_or(u64::MAX),
            message: vector.max_message.unwrap_or(Limits::DEFAULT_MAX_MESSAGE),
            fragments: vector.max_fragments.unwrap_or(Limits::DEFAULT_MAX_FRAGMENTS),
            ..Rules::NONE
        };
        let expected: Vec<Seen> = vector.expected_events.into_iter().map(seen).collect();
        let check = |chunks: &[&[u8]]| {
            let Trace { mut seen, .. } = trace(role, limits, chunks);
            let error = match seen.last() {
                Some(&Seen::Failed(error)) => {
                    seen.pop();
                    Some(Failure { code: error.close_code().get(), offset: error.offset })
                }
                _ => None,
            };
            let lengths: Vec<_> = chunks.iter().map(|chunk| chunk.len()).take(3).collect();
            assert!(seen == expected, "{name}, {lengths:?}");
            assert_eq!(error, vector.expected_error, "{name}, {lengths:?}");
            let sent = match role {
                Role::Server => replies(Connection::frame_server(limits.options()), chunks),
                Role::Client => {
                    replies(Connection::frame_client(limits.options(), || MASK), chunks)
                }
            };
            assert_eq!(sent, vector.expected_replies, "{name}, {lengths:?}");
        };
        let stream = &vector.received[..];
        check(&[stream]);
        check(&stream.chunks(1).collect::<Vec<_>>());
        for at in places(stream.len()) {
            let (front, rest) = stream.split_at(at);
            check(&[front, rest]);
        }
    }
}
