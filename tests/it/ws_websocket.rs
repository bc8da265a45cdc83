//! Every transition of `WebSocket`, under a clock that the test sets.

use bytes::{Buf, Bytes, BytesMut};
use eventwire::ws::frame::{ControlTooLong, Fault, MaskKey, NoMaskKey, OnLimit, Role};
use eventwire::ws::handshake::ResponseError;
use eventwire::ws::socket::Refusal;
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Failure, Flow, Frame, Limits, MaskSource, Message, ProtocolError,
    ReadyState, SendError, WebSocket, WebSocketEvent, WebSocketOptions,
};
use eventwire_test_support::ws::Stream;
use eventwire_test_support::ws::socket::{
    KEYS, Keys, Rig, START, accept, decode, last_chance, ms, other, request,
};
use std::cell::Cell;
use std::error::Error;
use std::io::IoSlice;
use std::rc::Rc;
use std::time::Duration;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

const INTERVAL: Duration = ms(30_000);
const TIMEOUT: Duration = ms(7_000);
const CLOSING: Duration = WebSocketOptions::DEFAULT_CLOSING_TIMEOUT;

const CLEAN: Option<Failure> = None;
const OUR_CODE: Close<&str> = Close { code: CloseCode::NORMAL, reason: "bye" };

fn options() -> WebSocketOptions {
    WebSocketOptions::new()
}

/// Options with a heartbeat.
fn beating() -> WebSocketOptions {
    options().ping_interval(INTERVAL).pong_timeout(TIMEOUT)
}

fn text(text: &str) -> WebSocketEvent {
    WebSocketEvent::Text(text.into())
}

/// Checks that the message was queued. There may or may not be room for more.
#[track_caller]
fn taken(sent: Result<Flow, SendError>) {
    assert!(sent.is_ok(), "{sent:?}");
}

/// Returns the parts of the only event, which must be the end.
#[track_caller]
fn ended(events: &[WebSocketEvent]) -> (u16, &str, Option<Failure>) {
    let [WebSocketEvent::Close(CloseEvent { code, reason, was_clean, failure, .. })] = events
    else {
        panic!("not an end: {events:?}");
    };
    assert_eq!(*was_clean, failure.is_none());
    (*code, reason, failure.clone())
}

/// Checks that the socket is closed and stays closed.
fn assert_dead<M: MaskSource>(rig: &mut Rig<M>) {
    assert_eq!(rig.socket.ready_state(), ReadyState::Closed);
    assert_eq!(rig.socket.deadline(), None);
    assert!(!rig.socket.wants_shutdown());
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"late").frame(CLOSE, b"")), []);
    assert_eq!(rig.socket.send(Frame::text("late")), Err(SendError::Closed));
    assert_eq!(rig.socket.close(None, rig.now), Ok(()));
    assert_eq!(rig.wait(ms(1 << 40)), []);
    assert_eq!(rig.end(), []);
    assert_eq!(rig.socket.ready_state(), ReadyState::Closed);
}

// Opening.

/// Returns all events as the response arrives in these chunks. Checks the states before and after.
fn opening(chunks: &[&[u8]]) -> Vec<WebSocketEvent> {
    let (mut rig, _) = Rig::connect(options());
    let mut events = Vec::new();
    for chunk in chunks {
        let expected = match &events[..] {
            [] => ReadyState::Connecting,
            [.., WebSocketEvent::Close(_)] => ReadyState::Closed,
            _ => ReadyState::Open,
        };
        assert_eq!(rig.socket.ready_state(), expected);
        events.extend(rig.receive(chunk));
    }
    if matches!(events.first(), Some(WebSocketEvent::Open)) {
        assert_eq!(rig.socket.protocol(), "chat");
        assert_eq!(rig.socket.extensions(), "");
        assert!(rig.received.is_empty());
    }
    events
}

#[test]
fn opens_however_the_answer_is_cut() {
    let (_, answer) = Rig::connect(options());
    for behind in [&b""[..], b"\x81\x02hi\x82\x00"] {
        let stream = [&answer, behind].concat();
        let mut expected = vec![WebSocketEvent::Open];
        if !behind.is_empty() {
            expected.extend([text("hi"), WebSocketEvent::Binary(Bytes::new())]);
        }
        assert_eq!(opening(&[&stream]), expected);
        assert_eq!(opening(&stream.chunks(1).collect::<Vec<_>>()), expected);
        for at in 0..=stream.len() {
            assert_eq!(opening(&[&stream[..at], &stream[at..]]), expected, "cut at {at}");
        }
    }
}

#[test]
fn what_does_not_open_it() {
    let (_, answer) = Rig::connect(options());
    let answer = String::from_utf8(answer).unwrap();

    let cases = [
        ("HTTP/1.1 101 Switching\n".into(), ResponseError::LineEnd { offset: 22 }),
        ("SSH-2.0\r\n\r\n".into(), ResponseError::Malformed { offset: 0 }),
        (answer.replace("websocket", "h2c"), ResponseError::Upgrade),
        (answer.replace("chat", "other"), ResponseError::Subprotocol),
        (answer.replace("Accept: ", "Accept: A"), ResponseError::Accept),
    ];
    for (answer, error) in cases {
        for size in [1, 7, answer.len()] {
            let events = opening(&answer.as_bytes().chunks(size).collect::<Vec<_>>());
            let expected = (1006, "", Some(Failure::Handshake(error)));
            assert_eq!(ended(&events), expected, "{answer:?}");
        }
    }
    let (mut rig, _) = Rig::connect(options());
    ended(&rig.receive(b"SSH-2.0\r\n\r\n"));
    assert_dead(&mut rig);
}

/// The application gets the whole refusal: the reason, and headers that say where to go, how to log
/// in and when to come back.
#[test]
fn a_refusal_is_not_thrown_away() {
    let head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nRetry-After: 7\r\n";
    // The last column: whether only the end of the transport ends the refusal.
    for (framing, body, expected, ends) in [
        ("Content-Length: 5\r\n", "12345", "12345", false),
        ("Content-Length: 0\r\n", "", "", false),
        ("Transfer-Encoding: chunked\r\n", "3\r\n123\r\n2;x=y\r\n45\r\n0\r\n\r\n", "12345", false),
        ("Transfer-Encoding: chunked\r\n", "3\r\n123\r\nzz", "123", false),
        ("", "12345", "12345", true),
        ("", "", "", true),
        ("Content-Length: 9\r\n", "12345", "12345", true),
        ("Content-Length: 9, 9\r\n", "12345", "12345", true),
        ("Transfer-Encoding: chunked\r\n", "9\r\n12345", "12345", true),
    ] {
        let answer = [head, framing, "\r\n", body].concat();
        for size in [1, 7, 40, answer.len()] {
            let (mut rig, _) = Rig::connect(options());
            let mut events = Vec::new();
            for chunk in answer.as_bytes().chunks(size) {
                assert!(rig.socket.send(Frame::text("a")).is_err());
                events.extend(rig.receive(chunk));
            }
            assert_eq!(events.is_empty(), ends, "{framing}{body}");
            events.extend(rig.end());
            let (1006, "", Some(Failure::Refused(refusal))) = ended(&events) else {
                panic!("{events:?}")
            };
            assert_eq!(refusal.status(), 401);
            assert_eq!(refusal.header("www-authenticate"), Some(&b"Basic"[..]));
            assert_eq!(refusal.headers().count(), if framing.is_empty() { 2 } else { 3 });
            assert_eq!(refusal.retry_after(), Some(ms(7000)));
            assert_eq!(refusal.body(), expected, "{framing}{body}");
            assert_dead(&mut rig);
        }
    }
}

/// A refusing server can neither make us wait for more, nor make us keep more than a limit.
#[test]
fn a_refusal_without_an_end() {
    let refusal = |events: &[WebSocketEvent]| match ended(events) {
        (1006, "", Some(Failure::Refused(refusal))) => refusal,
        _ => panic!("{events:?}"),
    };
    let (mut rig, _) = Rig::connect(options());
    assert_eq!(rig.receive(b"HTTP/1.1 502 Bad\r\nContent-Length: 99\r\n\r\nhalf"), []);
    assert_eq!(rig.socket.deadline(), Some(START + WebSocketOptions::DEFAULT_HANDSHAKE_TIMEOUT));
    assert_eq!(refusal(&rig.miss_deadline()).body(), "half");
    assert_dead(&mut rig);

    let (mut rig, _) = Rig::connect(options());
    assert_eq!(rig.receive(b"HTTP/1.1 500 No\r\n\r\n"), []);
    let events = rig.receive(&vec![b'x'; 1 << 20]);
    assert_eq!(refusal(&events).body().len(), Refusal::MAX_BODY);
    // The same holds for a chunk's line, whose extensions could go on for ever.
    for size in [1, 100, usize::MAX] {
        let (mut rig, _) = Rig::connect(options());
        let head = b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n5;".to_vec();
        let endless = [head, vec![b'x'; 1000], b"\r\n12345\r\n".to_vec()].concat();
        let chunks = endless.chunks(size.min(endless.len()));
        let events: Vec<_> = chunks.flat_map(|chunk| rig.receive(chunk)).collect();
        assert_eq!(refusal(&events).body(), "a");
    }
    // A response that has no body.
    let (mut rig, _) = Rig::connect(options());
    let events = rig.receive(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Empty\r\nA: b\r\n\r\n");
    let refusal = refusal(&events);
    assert_eq!((refusal.status(), refusal.header("a")), (204, Some(&b"b"[..])));
    assert_eq!(refusal.to_string(), "the server refused to open a WebSocket, with status 204");
}

/// A refusal is in errors, which are printed. Its cookies and tokens are not.
#[test]
fn the_values_of_a_refusal_are_not_printed() {
    let head = b"HTTP/1.1 401 No\r\nSet-Cookie: hunter2\r\nContent-Length: 9\r\n\r\n";
    let (mut rig, _) = Rig::connect(options());
    assert_eq!(rig.receive(head), []);
    assert_eq!(rig.receive(b"{hunter"), []);
    assert!(!format!("{:?}", rig.socket).contains("hunter"), "{:?}", rig.socket);
    let events = rig.receive(b"2}");
    let text = format!("{events:?}");
    assert!(!text.contains("hunter"), "{text}");
    for part in ["401", "\"Set-Cookie\"", "body_len: 9"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn the_request_is_written_first_in_any_pieces() {
    let mut rig = Rig::new(WebSocket::connect(&request(), options(), KEYS, START), Role::Client);
    assert_eq!(rig.socket.ready_state() as u8, 0);
    assert_eq!(rig.socket.buffered_amount(), 0, "the request is not a message");
    assert_eq!(rig.socket.protocol(), "");
    let mut written = Vec::new();
    while let byte @ [_] = &rig.write_some(1)[..] {
        written.extend_from_slice(byte);
    }
    assert_eq!(written, request().to_bytes());
    assert_eq!(rig.receive(&accept(&written).unwrap()), [WebSocketEvent::Open]);
    assert_eq!(rig.socket.deadline(), None, "nothing is due on an idle socket");
}

#[test]
fn the_handshake_has_until_its_deadline() {
    let options = options().handshake_timeout(ms(300));
    let (mut rig, answer) = Rig::connect(options);
    assert_eq!(rig.receive(&answer[..50]), []);
    assert_eq!(rig.socket.deadline(), Some(START + ms(300)));
    assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::HandshakeTimeout)));
    assert_dead(&mut rig);

    // A response that arrived in time counts, even if it is read late.
    let (mut rig, answer) = Rig::connect(options.ping_interval(INTERVAL));
    rig.now += ms(900);
    assert_eq!(rig.receive(&answer), [WebSocketEvent::Open]);
    assert_eq!(rig.socket.deadline(), Some(rig.now + INTERVAL), "counted from the opening");
}

#[test]
fn the_transport_ends_before_it_is_open() {
    for arrived in [0, 1, 60] {
        let (mut rig, answer) = Rig::connect(options());
        assert_eq!(rig.receive(&answer[..arrived]), []);
        assert_eq!(ended(&rig.end()), (1006, "", Some(Failure::EndOfStream)));
        assert_dead(&mut rig);
    }
    // Everything that arrived before the end counts.
    let (mut rig, answer) = Rig::connect(options());
    rig.received.extend([&answer[..], b"\x81\x01a"].concat());
    rig.socket.end_of_stream(rig.now);
    assert_eq!(rig.poll(), Some(WebSocketEvent::Open));
    assert_eq!(rig.poll(), Some(text("a")));
    assert_eq!(ended(&rig.poll_all()), (1006, "", Some(Failure::EndOfStream)));
}

#[test]
fn closed_before_it_is_open() {
    for answered in [false, true] {
        let (mut rig, answer) = Rig::connect(options());
        assert_eq!(rig.socket.send(Frame::text("a")), Err(SendError::Connecting));
        assert_eq!(rig.socket.close(Some(OUR_CODE), rig.now), Ok(()));
        assert_eq!(rig.socket.ready_state(), ReadyState::Closing);
        assert!(rig.socket.deadline() <= Some(rig.now), "a poll is due");
        assert_eq!(rig.socket.send(Frame::text("a")), Err(SendError::Closed));
        let events = rig.receive(if answered { &answer } else { b"" });
        assert_eq!(ended(&events), (1006, "", Some(Failure::Aborted)));
        assert_dead(&mut rig);
    }
}

#[test]
fn ready_states_have_the_numbers_of_the_standard() {
    use ReadyState::{Closed, Closing, Connecting, Open};
    assert_eq!([Connecting, Open, Closing, Closed].map(|state| state as u8), [0, 1, 2, 3]);
    assert!(Connecting < Open && Open < Closing && Closing < Closed);
}

#[test]
fn without_a_handshake_it_is_open_at_once() {
    fn check<M: MaskSource>(mut rig: Rig<M>) {
        assert_eq!(rig.socket.ready_state(), ReadyState::Open);
        assert!(rig.socket.deadline() <= Some(rig.now), "a poll is due");
        assert_eq!(rig.socket.send(Frame::text("before")), Ok(Flow::Ready));
        assert_eq!(rig.hear(|s| s.frame(TEXT, b"a")), [WebSocketEvent::Open, text("a")]);
        assert_eq!(rig.say(), [Message::Text("before".into())]);
        assert_eq!(rig.socket.protocol(), "");
        assert_eq!(rig.socket.deadline(), None);
    }
    check(Rig::new(WebSocket::server(options(), START), Role::Server));
    check(Rig::new(WebSocket::client(options(), KEYS, START), Role::Client));
}

/// `Open` comes first even if everything was over before the first poll.
#[test]
fn what_ended_before_it_was_looked_at() {
    let mut rig = Rig::new(WebSocket::server(options(), START), Role::Server);
    rig.socket.end_of_stream(rig.now);
    assert_eq!(rig.poll(), Some(WebSocketEvent::Open));
    assert_eq!(ended(&rig.poll_all()), (1006, "", Some(Failure::EndOfStream)));

    let mut rig = Rig::new(WebSocket::server(options(), START), Role::Server);
    rig.socket.close(None, START).unwrap();
    assert_eq!(rig.socket.ready_state(), ReadyState::Closing);
    assert_eq!(rig.hear(|s| s.frame(CLOSE, b"")), [WebSocketEvent::Open]);
    rig.write();
    assert_eq!(ended(&rig.end()), (1005, "", CLEAN));
}

// Messages, and the queue of bytes to write.

#[test]
fn messages_both_ways() {
    fn check<M: MaskSource>(mut rig: Rig<M>) {
        let long = "\u{FC}".repeat(40_000);
        let events = rig.hear(|s| {
            s.frame(TEXT, long.as_bytes()).frame(0x02, b"\xFF").frame(PING, b"p").frame(0x80, b"e")
        });
        assert_eq!(events, [text(&long), WebSocketEvent::Binary(b"\xFFe"[..].into())]);
        assert_eq!(rig.say(), [Message::Pong(b"p"[..].into())]);

        taken(rig.socket.send(Frame::text("a").unfinished()));
        taken(rig.socket.send(Frame::ping(&b"mine"[..]).unwrap()));
        taken(rig.socket.send(Frame::text("b").continuing()));
        taken(rig.socket.send(Frame::binary(vec![7; 70_000])));
        taken(rig.socket.send(Frame::pong(&b"unasked"[..]).unwrap()));
        assert_eq!(rig.socket.buffered_amount(), 70_002);
        let expected = [
            Message::Ping(b"mine"[..].into()),
            Message::Text("ab".into()),
            Message::Binary(vec![7; 70_000].into()),
            Message::Pong(b"unasked"[..].into()),
        ];
        assert_eq!(rig.say(), expected);
        assert_eq!(rig.socket.buffered_amount(), 0);
        assert_eq!(rig.hear(|s| s.frame(PONG, b"mine")), []);
        assert_eq!(rig.socket.deadline(), None);
    }
    check(Rig::server(options()));
    check(Rig::client(options()));
}

#[test]
fn the_order_of_fragments_is_kept() {
    let mut rig = Rig::server(options());
    let send = |rig: &mut Rig<_>, frame| rig.socket.send(frame).map(drop);
    assert_eq!(
        send(&mut rig, Frame::text("a").continuing()),
        Err(SendError::UnexpectedContinuation)
    );
    send(&mut rig, Frame::text("a").unfinished()).unwrap();
    assert_eq!(send(&mut rig, Frame::text("b")), Err(SendError::UnfinishedMessage));
    let shared = Frame::binary(Bytes::from(vec![0; 9999]));
    assert_eq!(rig.socket.send_shared(shared), Err(SendError::UnfinishedMessage));
    let prepared = Frame::text("c").prepare();
    assert_eq!(rig.socket.send_prepared(&prepared), Err(SendError::UnfinishedMessage));
    assert_eq!(rig.socket.buffered_amount(), 1, "nothing of the refused messages is kept");
    send(&mut rig, Frame::text("d").continuing()).unwrap();
    assert_eq!(rig.say(), [Message::Text("ad".into())]);
}

/// Queues frames of all kinds. Returns for each how many bytes come before its message payload, and
/// the payload's length.
fn queue_all_kinds(rig: &mut Rig<eventwire::ws::frame::NoMask>) -> Vec<(usize, usize)> {
    let short = Frame::binary(&[1; 5][..]);
    taken(rig.socket.send(short));
    taken(rig.socket.send(Frame::ping(&[2; 9][..]).unwrap()));
    taken(rig.socket.send_shared(Frame::binary(vec![3; 3000].into())));
    taken(rig.socket.send_shared(Frame::binary(vec![4; 30].into())));
    taken(rig.socket.send(Frame::text("")));
    taken(rig.socket.send_prepared(&Frame::binary(&[5; 2500][..]).prepare()));
    taken(rig.socket.send_prepared(&Frame::text("six").prepare()));
    taken(rig.socket.send_prepared(&Frame::ping(&[7; 4][..]).unwrap().prepare()));
    taken(rig.socket.send(short));
    vec![(2, 5), (11, 0), (4, 3000), (2, 30), (2, 0), (4, 2500), (2, 3), (6, 0), (2, 5)]
}

#[test]
fn buffered_amount_counts_what_is_left_of_payloads() {
    let mut whole = Rig::server(options());
    let frames = queue_all_kinds(&mut whole);
    // The payload bytes that are left after each number of written bytes.
    let left: Vec<usize> = {
        let is_payload = frames.iter().flat_map(|&(overhead, payload)| {
            std::iter::repeat_n(0, overhead).chain(std::iter::repeat_n(1, payload))
        });
        let is_payload: Vec<_> = is_payload.collect();
        (0..=is_payload.len()).map(|at| is_payload[at..].iter().sum()).collect()
    };
    let stream = whole.write();
    assert_eq!(left.len(), stream.len() + 1);

    for at in 0..left.len() {
        let mut rig = Rig::server(options());
        queue_all_kinds(&mut rig);
        assert_eq!(rig.socket.buffered_amount(), left[0]);
        let front = rig.write_some(at);
        assert_eq!(rig.socket.buffered_amount(), left[at], "{at} bytes were accepted");
        assert_eq!([front, rig.write()].concat(), stream, "cut at {at}");
        assert_eq!(rig.socket.buffered_amount(), 0);
    }

    let mut rig = Rig::server(options());
    queue_all_kinds(&mut rig);
    for left in &left[1..] {
        rig.write_some(1);
        assert_eq!(rig.socket.buffered_amount(), *left);
    }
}

/// Shared payloads add up to 4 GiB, more than a 32-bit machine can count. The queue is full then.
#[test]
fn a_queue_of_4_gib() {
    const LEN: usize = 64 << 20;
    let mut rig = Rig::server(beating().high_water_mark(usize::MAX));
    let payload = Bytes::from(vec![0; LEN]);
    let mut left = 0;
    let shown = |left: u64| usize::try_from(left).unwrap_or(usize::MAX);
    for _ in 0..64 {
        taken(rig.socket.send_shared(Frame::binary(payload.clone())));
        left += LEN as u64;
        assert_eq!(rig.socket.buffered_amount(), shown(left));
    }
    assert_eq!(rig.socket.flow() == Flow::Full, shown(left) == usize::MAX);
    assert_eq!(rig.wait(INTERVAL), [], "a ping is due");
    while let len @ 1.. = rig.socket.to_write(rig.now).chunk().len() {
        rig.socket.to_write(rig.now).advance(len);
        // Headers come between payloads.
        left -= if len == LEN { LEN as u64 } else { 0 };
        assert_eq!(rig.socket.buffered_amount(), shown(left));
        // Until the ping is written, write progress is a sign of life.
        assert_eq!(rig.wait(TIMEOUT / 2), []);
    }
    assert_eq!(left, 0);
    assert_eq!(rig.hear(|s| s.frame(PONG, b"")), []);
}

#[test]
fn closing_does_not_set_the_buffered_amount_back() {
    let mut rig = Rig::client(options());
    taken(rig.socket.send(Frame::text("hello")));
    rig.socket.close(Some(OUR_CODE), rig.now).unwrap();
    assert_eq!(rig.socket.buffered_amount(), 5, "a reason is not a message");
    assert_eq!(rig.socket.send(Frame::text("more")), Err(SendError::Closed));
    assert_eq!(rig.socket.buffered_amount(), 5);
    rig.write_some(8);
    assert_eq!(rig.socket.buffered_amount(), 3);
    ended(&rig.miss_deadline());
    assert_eq!(rig.socket.buffered_amount(), 3);
}

#[test]
#[should_panic(expected = "advance by 8 bytes of 7")]
fn more_than_there_is_cannot_be_taken() {
    let mut rig = Rig::server(options());
    taken(rig.socket.send(Frame::text("hello")));
    rig.socket.to_write(START).advance(8);
}

#[test]
fn the_high_water_mark() {
    let mut rig = Rig::server(options().high_water_mark(1000));
    let frame = Frame::binary(&[0; 400][..]);
    assert_eq!(rig.socket.send(frame), Ok(Flow::Ready));
    assert_eq!(rig.socket.send(frame), Ok(Flow::Ready));
    assert_eq!(rig.socket.send(frame), Ok(Flow::Full), "accepted as the last one");
    let shared = || Frame::binary(Bytes::from_static(&[1; 4]));
    for _ in 0..2 {
        assert_eq!(rig.socket.send(frame), Err(SendError::Full));
        assert_eq!(rig.socket.send_shared(shared()), Err(SendError::Full));
        assert_eq!(rig.socket.send_prepared(&frame.prepare()), Err(SendError::Full));
    }
    assert_eq!(rig.socket.buffered_amount(), 1200);
    // Frames that keep the connection alive are still accepted.
    assert_eq!(rig.socket.send(Frame::ping(&b""[..]).unwrap()), Ok(Flow::Full));
    rig.write_some(404);
    assert_eq!(rig.socket.send_shared(shared()), Ok(Flow::Ready));
    assert_eq!(rig.say().len(), 4);

    // An empty queue accepts a message of any length.
    let long = Frame::binary(vec![0; 100_000]);
    assert_eq!(rig.socket.send(&long), Ok(Flow::Full));
    rig.write_some(99_999);
    assert_eq!(rig.socket.send(&long), Ok(Flow::Full));
}

#[test]
fn empty_messages_are_bounded_too() {
    let mut rig = Rig::server(options().high_water_mark(1000));
    let mut taken = 0;
    while rig.socket.send(Frame::text("")).is_ok() {
        taken += 1;
    }
    assert!((10..=500).contains(&taken), "{taken}");
    assert_eq!(rig.say().len(), taken);
}

#[test]
fn a_long_payload_is_shared() {
    let mut rig = Rig::server(options());
    let long = Bytes::from(vec![1; 100_000]);
    let news = Frame::binary(&[2; 5000][..]).prepare();
    let mut other = Rig::server(options());
    for rig in [&mut rig, &mut other] {
        taken(rig.socket.send(Frame::text("before")));
        taken(rig.socket.send_shared(Frame::binary(long.clone())));
        taken(rig.socket.send_prepared(&news));
        taken(rig.socket.send(Frame::text("behind")));
    }
    let chunks = |rig: &mut Rig<_>| {
        let to_write = rig.socket.to_write(START);
        let mut slices = [IoSlice::new(b""); 8];
        let count = to_write.chunks_vectored(&mut slices);
        assert_eq!(to_write.chunk(), &*slices[0]);
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        assert_eq!(total, to_write.remaining());
        // The slices are filled as far as they go.
        assert_eq!(to_write.chunks_vectored(&mut [IoSlice::new(b""); 2]), 2);
        slices[..count].iter().map(|slice| (slice.as_ptr(), slice.len())).collect::<Vec<_>>()
    };
    let chunks = [chunks(&mut rig), chunks(&mut other)];
    assert_eq!(chunks[0][1], (long.as_ptr(), long.len()), "long payload must not be copied");
    assert_eq!(chunks[0][1..3], chunks[1][1..3], "all receivers must share memory");
    assert_eq!(chunks[0].iter().map(|chunk| chunk.1).collect::<Vec<_>>(), [18, 100_000, 5004, 8]);
    // A partly written chunk keeps its place in memory.
    rig.write_some(18 + 70_000);
    assert_eq!(rig.socket.to_write(START).chunk().as_ptr(), long[70_000..].as_ptr());
    let rest = rig.write();
    assert!(decode(Role::Client, &rest[30_000..]).len() == 2 && rest[..30_000] == long[70_000..]);
}

#[test]
fn what_may_be_sent_when() {
    let mut open = Rig::server(options());
    assert_eq!(open.socket.send(Frame::text("a")), Ok(Flow::Ready));

    let mut local = Rig::server(options());
    local.socket.close(None, START).unwrap();
    let mut remote = Rig::server(options());
    remote.hear(|s| s.frame(CLOSE, b""));
    let mut broken = Rig::server(options());
    broken.hear(|s| s.raw(b"\xFF"));
    let mut closed = Rig::server(options());
    closed.end();
    let error = SendError::Closed;
    for (rig, is_local) in
        [(&mut local, true), (&mut remote, false), (&mut broken, false), (&mut closed, false)]
    {
        assert_eq!(rig.socket.send(Frame::text("a")), Err(error));
        let ping = rig.socket.send(Frame::ping(&b""[..]).unwrap());
        // Pings may follow our close frame until the peer's arrives.
        assert_eq!(ping, if is_local { Ok(Flow::Ready) } else { Err(error) });
        assert_eq!(rig.socket.send_shared(Frame::binary(Bytes::new())), Err(error));
        assert_eq!(rig.socket.send_prepared(&Frame::text("a").prepare()), Err(error));
        assert_eq!(rig.socket.buffered_amount(), 0);
    }
}

// Closing.

#[test]
fn every_code_that_may_be_sent() {
    let codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
    for code in codes.into_iter().chain([3000, 3999, 4000, 4999]) {
        let code = CloseCode::new(code).unwrap();
        let mut rig = Rig::client(options());
        let close = Close { code, reason: "why" };
        assert_eq!(rig.socket.close(Some(close), START), Ok(()));
        assert_eq!(rig.socket.ready_state(), ReadyState::Closing);
        let [Message::Close(Some(said))] = &rig.say()[..] else { panic!("no close frame") };
        assert_eq!((said.code, &*said.reason), (code, "why"));
        assert!(!rig.socket.wants_shutdown(), "the server must shut first");
        let answer = [&code.get().to_be_bytes(), "ok".as_bytes()].concat();
        assert_eq!(rig.hear(|s| s.frame(CLOSE, &answer)), []);
        assert!(!rig.socket.wants_shutdown());
        assert_eq!(ended(&rig.end()), (code.get(), "ok", CLEAN));
        assert_dead(&mut rig);

        let mut page = Rig::client(options().browser_close_codes(true));
        let of_page = matches!(code.get(), 1000 | 3000..);
        let expected = if of_page { Ok(()) } else { Err(SendError::ReservedCloseCode(code)) };
        assert_eq!(page.socket.close(Some(close), START), expected);
        let state = if of_page { ReadyState::Closing } else { ReadyState::Open };
        assert_eq!((page.socket.ready_state(), page.write().is_empty()), (state, !of_page));
    }
}

#[test]
fn a_close_frame_that_says_nothing() {
    for page in [false, true] {
        let mut rig = Rig::client(options().browser_close_codes(page));
        rig.socket.close(None, START).unwrap();
        assert_eq!(rig.say(), [Message::Close(None)]);
        rig.hear(|s| s.frame(CLOSE, b""));
        assert_eq!(ended(&rig.end()), (1005, "", CLEAN));
    }
}

#[test]
fn a_reason_that_is_too_long() {
    let mut rig = Rig::server(options());
    let too_long = "x".repeat(124);
    let close = Close { reason: &*too_long, ..OUR_CODE };
    let error = SendError::ControlTooLong(ControlTooLong { len: 126 });
    assert_eq!(rig.socket.close(Some(close), START), Err(error));
    assert_eq!(rig.socket.ready_state(), ReadyState::Open);
    assert!(rig.write().is_empty());
    let close = Close { reason: &too_long[1..], ..OUR_CODE };
    assert_eq!(rig.socket.close(Some(close), START), Ok(()));
    // A reason that is too long is misuse in any state.
    let close = Close { reason: &*too_long, ..OUR_CODE };
    assert_eq!(rig.socket.close(Some(close), START), Err(error));
}

#[test]
fn closing_twice_is_closing_once() {
    let mut rig = Rig::client(options());
    rig.socket.close(Some(OUR_CODE), START).unwrap();
    rig.socket.close(None, START + ms(100)).unwrap();
    assert_eq!(rig.socket.deadline(), Some(START + CLOSING), "the deadline is not extended");
    assert_eq!(rig.say().len(), 1);
}

/// A close frame may also be sent by `send`.
#[test]
fn a_close_frame_by_send() {
    for prepared in [false, true] {
        let mut rig = Rig::server(options());
        let frame = Frame::close(Some(OUR_CODE)).unwrap();
        if prepared {
            taken(rig.socket.send_prepared(&frame.prepare()));
        } else {
            taken(rig.socket.send(frame));
        }
        assert_eq!(rig.socket.ready_state(), ReadyState::Closing);
        assert_eq!(rig.say().len(), 1);
        assert!(rig.socket.deadline() <= Some(rig.now), "a poll is due to begin the wait");
        assert_eq!(rig.poll_all(), []);
        assert_eq!(rig.socket.deadline(), Some(START + CLOSING));
        rig.hear(|s| s.frame(CLOSE, b"\x03\xE8"));
        assert!(rig.socket.wants_shutdown());
        assert_eq!(ended(&rig.end()), (1000, "", CLEAN));
    }
}

/// Failing the connection then also tells it the time, so no poll is due.
#[test]
fn a_failure_after_a_close_frame_by_send() {
    let mut rig = Rig::server(options());
    taken(rig.socket.send(Frame::close(Some(OUR_CODE)).unwrap()));
    rig.now += ms(5);
    rig.socket.fail(None, rig.now).unwrap();
    assert_eq!(rig.socket.deadline(), Some(rig.now + CLOSING));
    assert_eq!(rig.say().len(), 1);
    assert!(rig.socket.wants_shutdown());
    assert_eq!(ended(&rig.end()), (1006, "", Some(Failure::Local)));
}

#[test]
fn the_peer_closes_first() {
    fn check<M: MaskSource>(mut rig: Rig<M>) {
        taken(rig.socket.send(Frame::text("before")));
        let events = rig.hear(|s| s.frame(TEXT, b"last").frame(CLOSE, b"\x0F\xA0so").raw(b"junk"));
        assert_eq!(events, [text("last")]);
        assert_eq!(rig.socket.ready_state(), ReadyState::Closing);
        assert_eq!(rig.socket.deadline(), Some(START + CLOSING));
        assert!(!rig.socket.wants_shutdown(), "our reply is not written yet");
        let answer = Close { code: CloseCode::new(4000).unwrap(), reason: "so".into() };
        assert_eq!(rig.say(), [Message::Text("before".into()), Message::Close(Some(answer))]);
        assert_eq!(rig.socket.wants_shutdown(), rig.role == Role::Server, "the server shuts first");
        assert_eq!(ended(&rig.end()), (4000, "so", CLEAN));
        assert_dead(&mut rig);
    }
    check(Rig::server(options()));
    check(Rig::client(options()));
}

#[test]
fn both_close_at_once() {
    fn check<M: MaskSource>(mut rig: Rig<M>) {
        rig.socket.close(Some(OUR_CODE), START).unwrap();
        assert_eq!(rig.hear(|s| s.frame(CLOSE, b"\x0B\xB8theirs")), []);
        assert!(!rig.socket.wants_shutdown(), "our frame is not written yet");
        assert_eq!(rig.say().len(), 1, "only our close frame");
        assert_eq!(rig.socket.wants_shutdown(), rig.role == Role::Server);
        assert_eq!(ended(&rig.end()), (3000, "theirs", CLEAN));
    }
    check(Rig::server(options()));
    check(Rig::client(options()));
}

#[test]
fn what_the_peer_sent_before_it_knew() {
    let mut rig = Rig::client(options());
    rig.socket.close(None, START).unwrap();
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"a").frame(PING, b"?")), [text("a")]);
    // Compare bytes, because the peer shows nothing after a close frame.
    assert_eq!(rig.write(), b"\x88\x80\x11\x22\x33\x44\x8A\x81\x11\x22\x33\x44\x2E");
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"b").frame(CLOSE, b"").frame(TEXT, b"c")), [text("b")]);
    assert_eq!(ended(&rig.end()), (1005, "", CLEAN));
}

#[test]
fn a_peer_that_breaks_the_protocol() {
    fn check<M: MaskSource>(rig: impl Fn() -> Rig<M>) {
        let reserved = rig().role;
        let fault = Fault::ReservedOpCode(3);
        let error = Failure::Protocol(ProtocolError { fault, offset: 0 });
        for closing in [false, true] {
            let mut rig = rig();
            if closing {
                rig.socket.close(Some(OUR_CODE), START).unwrap();
            }
            assert_eq!(rig.hear(|s| s.raw(b"\x83")), []);
            assert_eq!(rig.socket.ready_state(), ReadyState::Closing);
            assert_eq!(rig.socket.deadline(), Some(START + CLOSING));
            assert!(!rig.socket.wants_shutdown(), "the peer must be told first");
            let [Message::Close(Some(told))] = &rig.say()[..] else { panic!("no close frame") };
            assert_eq!(told.code.get(), if closing { 1000 } else { 1002 });
            assert!(rig.socket.wants_shutdown(), "in either role: {reserved:?}");
            assert_eq!(rig.hear(|s| s.frame(TEXT, b"late")), []);
            assert_eq!(ended(&rig.end()), (1006, "", Some(error.clone())));
            assert_dead(&mut rig);
        }
        // The peer may also fail to hang up.
        let mut rig = rig();
        rig.hear(|s| s.raw(b"\x83"));
        rig.write();
        assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(error)));
    }
    check(|| Rig::server(options()));
    check(|| Rig::client(options()));
}

/// The peer may send any amount until it is gone.
#[test]
fn what_follows_an_error_or_a_close_frame_is_not_kept() {
    for last in [&b"\x83"[..], b"\x88\x80\0\0\0\0"] {
        let mut rig = Rig::server(options());
        rig.receive(last);
        for _ in 0..3 {
            assert_eq!(rig.receive(&[0x55; 10_000]), []);
            assert_eq!(rig.received.len(), 0, "after {last:?}");
        }
    }
}

#[test]
fn messages_before_a_fault_come() {
    let mut rig = Rig::server(options().limits(Limits::new().max_message(100)));
    let events = rig.hear(|s| s.frame(TEXT, b"good").frame(TEXT, &[b'a'; 101]));
    assert_eq!(events, [text("good")]);
    assert_eq!(rig.write(), b"\x88\x02\x03\xF1");
    let fault = Fault::MessageTooLong { limit: 100, at_least: 101 };
    let error = ProtocolError { fault, offset: 11 };
    assert_eq!(ended(&rig.end()), (1006, "", Some(Failure::Protocol(error))));
}

#[test]
fn a_peer_that_does_not_answer_our_close_frame() {
    for written in [false, true] {
        let mut rig = Rig::client(options().closing_timeout(ms(900)));
        rig.wait(ms(50));
        rig.socket.close(Some(OUR_CODE), rig.now).unwrap();
        if written {
            rig.write();
        }
        assert_eq!(rig.socket.deadline(), Some(START + ms(950)));
        rig.wait(ms(100));
        assert_eq!(rig.hear(|s| s.frame(TEXT, b"a").frame(PONG, b"")), [text("a")]);
        assert_eq!(rig.socket.deadline(), Some(START + ms(950)), "a frame does not extend it");
        assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::ClosingTimeout)));
        assert_dead(&mut rig);
    }
}

/// Messages before our close frame may take longer than the closing handshake, as long as bytes are
/// accepted: 4 MiB at 64 KiB a second.
#[test]
fn closing_with_much_to_write_over_a_slow_link() {
    let mut rig = Rig::client(options());
    taken(rig.socket.send(Frame::binary(vec![1; 4 << 20])));
    rig.socket.close(Some(OUR_CODE), rig.now).unwrap();
    while rig.write_some(64 << 10).len() == 64 << 10 {
        assert_eq!(rig.wait(ms(1000)), []);
    }
    // The close frame is written. Pongs after it are no progress.
    let written = rig.now;
    assert_eq!(rig.poll_all(), []);
    assert_eq!(rig.socket.deadline(), Some(written + CLOSING));
    rig.wait(ms(100));
    assert_eq!(rig.hear(|s| s.frame(PING, b"")), []);
    assert_eq!(rig.say(), [Message::Pong(Bytes::new())]);
    assert_eq!(rig.poll_all(), []);
    assert_eq!(rig.socket.deadline(), Some(written + CLOSING));
    // A transport that accepts nothing gets no extra time.
    let mut rig = Rig::client(options());
    taken(rig.socket.send(Frame::binary(vec![1; 100])));
    rig.socket.close(Some(OUR_CODE), rig.now).unwrap();
    rig.write_some(50);
    assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::ClosingTimeout)));
    assert_eq!(rig.now, START + CLOSING + last_chance(CLOSING));
}

#[test]
fn a_peer_that_never_ends_the_transport() {
    fn check<M: MaskSource>(mut rig: Rig<M>) {
        rig.socket.close(Some(OUR_CODE), START).unwrap();
        rig.write();
        rig.wait(ms(10));
        assert_eq!(rig.hear(|s| s.frame(CLOSE, b"\x03\xE8")), []);
        assert_eq!(ended(&rig.miss_deadline()), (1000, "", CLEAN));
        assert_eq!(rig.now, START + CLOSING + last_chance(CLOSING));
    }
    check(Rig::server(options()));
    check(Rig::client(options()));
}

#[test]
fn what_arrived_counts_before_a_deadline_that_passed() {
    let mut rig = Rig::client(options());
    rig.socket.close(Some(OUR_CODE), START).unwrap();
    rig.write();
    rig.now += 2 * CLOSING;
    assert_eq!(rig.hear(|s| s.frame(CLOSE, b"\x03\xE8")), []);
    assert_eq!(ended(&rig.wait_for_deadline()), (1000, "", CLEAN));

    // The same with a pong and a message.
    let mut rig = Rig::client(beating().idle_timeout(INTERVAL / 2));
    rig.now += INTERVAL;
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"a")), [text("a")]);
    rig.now += TIMEOUT;
    assert_eq!(rig.hear(|s| s.frame(PONG, b"")), []);
    assert_eq!(rig.socket.ready_state(), ReadyState::Open);
}

#[test]
fn the_transport_ends_in_each_phase() {
    let cut = |code, reason| (code, reason, Some(Failure::EndOfStream));
    let mut open = Rig::server(options());
    open.hear(|s| s.raw(b"\x81"));
    assert_eq!(ended(&open.end()), cut(1006, ""), "the stream ends inside a frame");

    let mut local = Rig::server(options());
    local.socket.close(None, START).unwrap();
    assert_eq!(ended(&local.end()), cut(1006, ""), "our close frame is not even written");
    let mut local = Rig::server(options());
    local.socket.close(None, START).unwrap();
    local.write();
    assert_eq!(ended(&local.end()), cut(1006, ""), "our close frame is not answered");
    assert_dead(&mut local);
}

/// The peer shut its side too early, right after its close frame. Ours is written all the same.
#[test]
fn our_close_frame_after_the_peer_shut_its_side() {
    fn check<M: MaskSource>(rig: impl Fn() -> Rig<M>) {
        let frame = b"\x0F\xA0x";
        for written in [0, 1, 7] {
            let mut rig = rig();
            taken(rig.socket.send(Frame::text("before")));
            rig.hear(|s| s.frame(CLOSE, frame));
            rig.write_some(written);
            assert_eq!(rig.end(), [], "our frame is not written yet");
            assert_eq!(rig.socket.deadline(), Some(START + CLOSING));
            assert_eq!(rig.poll_all(), []);
            rig.write();
            assert!(rig.socket.deadline() <= Some(rig.now), "a poll is due to end it");
            assert_eq!(ended(&rig.poll_all()), (4000, "x", CLEAN));
        }
        // Our close frame may also be impossible to write.
        let mut rig = rig();
        rig.hear(|s| s.frame(CLOSE, frame));
        rig.end();
        assert_eq!(ended(&rig.miss_deadline()), (4000, "x", Some(Failure::EndOfStream)));
    }
    check(|| Rig::server(options()));
    check(|| Rig::client(options()));
}

/// A loop that forgets to poll after `end_of_stream` sees a deadline that has passed.
#[test]
fn the_end_of_the_transport_makes_a_poll_due() {
    let (connecting, _) = Rig::connect(options());
    let mut closing = Rig::client(options());
    closing.socket.close(None, START).unwrap();
    for mut rig in [connecting, Rig::client(options()), closing] {
        rig.socket.end_of_stream(rig.now);
        assert!(rig.socket.deadline().is_some_and(|deadline| deadline <= rig.now));
        assert_eq!(ended(&rig.poll_all()), (1006, "", Some(Failure::EndOfStream)));
    }
}

// Time.

#[test]
fn a_ping_is_answered_by_whatever_comes() {
    fn check<M: MaskSource>(rig: impl Fn() -> Rig<M>) {
        for answer in [&b"\x8A\x00"[..], b"\x81\x01a", b"\x81", b"\x89\x00"] {
            let mut rig = rig();
            assert_eq!(rig.socket.deadline(), Some(START + INTERVAL));
            // Traffic does not delay a ping, because proxies want to see bytes from either side.
            rig.wait(INTERVAL / 2);
            rig.hear(|s| s.frame(PONG, b"unasked"));
            assert_eq!(rig.wait_for_deadline(), []);
            assert_eq!(rig.now, START + INTERVAL);
            assert_eq!(rig.say(), [Message::Ping(Bytes::new())]);
            assert_eq!(rig.socket.deadline(), Some(rig.now + TIMEOUT));
            rig.wait(TIMEOUT.saturating_sub(ms(1)));
            let mut stream = Stream::new(rig.role);
            let (header, payload) = answer.split_at(answer.len().min(2));
            match header {
                [b0, len] => stream.header(*b0, *len).key().payload(payload),
                part => stream.raw(part),
            };
            rig.receive(&stream.bytes);
            assert_eq!(rig.socket.deadline(), Some(START + 2 * INTERVAL), "{answer:?}");
            rig.write();
            assert_eq!(rig.wait_for_deadline(), []);
            assert_eq!(rig.say(), [Message::Ping(Bytes::new())]);
            assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::PongTimeout)));
            assert_eq!(rig.now, START + 2 * INTERVAL + TIMEOUT + last_chance(TIMEOUT));
            assert_dead(&mut rig);
        }
    }
    check(|| Rig::server(beating()));
    check(|| Rig::client(beating()));
}

#[test]
fn no_second_ping_while_one_is_awaited() {
    let timeout = 5 * INTERVAL;
    let mut rig = Rig::server(beating().pong_timeout(timeout));
    rig.wait(INTERVAL);
    assert_eq!(rig.say(), [Message::Ping(Bytes::new())]);
    for _ in 0..4 {
        assert_eq!(rig.wait(INTERVAL), []);
        assert_eq!(rig.say(), []);
    }
    // The pong came late, so the next ping is overdue.
    assert_eq!(rig.hear(|s| s.frame(PONG, b"")), []);
    assert_eq!(rig.say(), [Message::Ping(Bytes::new())]);
    assert_eq!(rig.socket.deadline(), Some(rig.now + timeout));
    assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::PongTimeout)));
}

/// The peer is alive as long as it accepts any of the bytes before the ping.
#[test]
fn a_peer_that_takes_slowly_what_a_ping_waits_behind() {
    let mut rig = Rig::server(beating());
    taken(rig.socket.send(Frame::binary(&[0; 96][..])));
    assert_eq!(rig.wait(INTERVAL), []);
    for _ in 0..100 {
        assert_eq!(rig.wait(TIMEOUT.saturating_sub(ms(1))), []);
        assert_eq!(rig.write_some(1).len(), 1);
        assert_eq!(rig.socket.deadline(), Some(rig.now + TIMEOUT));
    }
    assert_eq!(rig.socket.to_write(rig.now).remaining(), 0);
    // After the ping's last byte the wait is no longer extended, not even by other pings.
    let lost_at = rig.now + TIMEOUT;
    rig.wait(ms(10));
    taken(rig.socket.send(Frame::ping(&b"mine"[..]).unwrap()));
    taken(rig.socket.send(Frame::text("more")));
    rig.write();
    assert_eq!(rig.socket.deadline(), Some(lost_at));
    assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::PongTimeout)));
}

#[test]
fn a_peer_that_stops_reading() {
    let mut rig = Rig::server(beating());
    taken(rig.socket.send(Frame::binary(&[0; 96][..])));
    rig.write_some(50);
    rig.wait(INTERVAL);
    rig.wait(ms(5));
    rig.write_some(10);
    // A write of nothing is no sign of life.
    rig.wait(ms(5));
    rig.write_some(0);
    // Accepted bytes count as of the next call that passes the time.
    assert_eq!(rig.socket.deadline(), Some(START + INTERVAL + ms(10) + TIMEOUT));
    assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::PongTimeout)));
}

/// An awaited write accepts its bytes after it begins. They count from the time when it ends.
#[test]
fn what_a_write_takes_counts_from_when_it_ends() {
    let options = WebSocketOptions::new().ping_interval(ms(100)).pong_timeout(ms(500));
    let mut socket = WebSocket::server(options, ms(0));
    let mut received = BytesMut::new();
    assert_eq!(socket.poll(&mut received, ms(0)), Some(WebSocketEvent::Open));
    let _ = socket.send(Frame::binary([0; 1000])).unwrap();
    assert_eq!(socket.poll(&mut received, ms(100)), None); // the ping is queued
    for began in (100..2000).step_by(400) {
        socket.to_write(ms(began)).advance(10);
        assert_eq!(socket.poll(&mut received, ms(began + 400)), None, "begun at {began}");
    }
    // The last write was seen at 2100 ms.
    assert_eq!(socket.deadline(), Some(ms(2600)));
    assert_eq!(socket.poll(&mut received, ms(2600)), None);
    assert_eq!(socket.deadline(), Some(ms(2650)));
    let Some(WebSocketEvent::Close(CloseEvent { failure, .. })) =
        socket.poll(&mut received, ms(2650))
    else {
        panic!("still open")
    };
    assert_eq!(failure, Some(Failure::PongTimeout));
}

/// While there is room, each ping gets its pong.
#[test]
fn pings_are_answered_one_by_one() {
    let mut rig = Rig::client(options());
    rig.hear(|s| s.frame(PING, b"a").frame(PING, b"b").frame(PING, b"c"));
    let pong = |payload: &'static [u8]| Message::Pong(payload.into());
    assert_eq!(rig.say(), [pong(b"a"), pong(b"b"), pong(b"c")]);
}

/// A peer that sends but does not read is alive. The queue for it does not grow.
#[test]
fn a_peer_that_only_sends() {
    let mut rig = Rig::server(beating().high_water_mark(90));
    taken(rig.socket.send(Frame::binary(&[0; 96][..])));
    for _ in 0..1000 {
        rig.wait(INTERVAL);
        assert_eq!(rig.hear(|s| s.frame(TEXT, b"a").frame(PING, b"p")), [text("a")]);
    }
    assert_eq!(rig.socket.ready_state(), ReadyState::Open);
    let waiting = rig.socket.to_write(rig.now).remaining();
    assert_eq!(waiting, 98 + 2 + 3, "one ping and one pong");
    assert_eq!(rig.say().len(), 4, "with the pong to the latest ping");
}

#[test]
fn no_pings_unless_asked_for_and_none_while_closing() {
    let mut rig = Rig::server(options());
    assert_eq!(rig.wait(ms(1 << 50)), []);
    assert!(rig.write().is_empty());

    let mut rig = Rig::server(beating().closing_timeout(10 * INTERVAL));
    rig.socket.close(None, START).unwrap();
    rig.write();
    rig.wait(3 * INTERVAL);
    assert!(rig.write().is_empty());
    assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::ClosingTimeout)));
}

#[test]
fn idleness() {
    fn check<M: MaskSource>(mut rig: Rig<M>) {
        let mut stream = Stream::new(rig.role);
        // Each byte is a sign of life, whether of a message, a ping or anything else.
        stream.frame(TEXT, b"a").frame(PING, b"").frame(PONG, b"").raw(b"\x81");
        for byte in stream.bytes {
            rig.wait(ms(900));
            rig.receive(&[byte]);
            assert_eq!(rig.socket.deadline(), Some(rig.now + ms(1000)), "from the last byte");
        }
        rig.write();
        assert_eq!(rig.miss_deadline(), []);
        assert_idle(rig);
    }
    check(Rig::server(options().idle_timeout(ms(1000))));
    check(Rig::client(options().idle_timeout(ms(1000)).browser_close_codes(true)));
}

/// Receiving a message of 4 MiB at 64 KiB a second is not silence.
#[test]
fn a_long_message_over_a_slow_link_is_not_idle() {
    let limits = Limits::new().max_message(1 << 30);
    let mut rig = Rig::server(options().idle_timeout(ms(30_000)).limits(limits));
    let mut stream = Stream::new(Role::Server);
    stream.frame(0x82, &vec![1; 4 << 20]);
    let mut events = Vec::new();
    for chunk in stream.bytes.chunks(64 << 10) {
        assert_eq!(rig.socket.ready_state(), ReadyState::Open);
        events = rig.wait(ms(1000));
        events.extend(rig.receive(chunk));
    }
    assert!(matches!(&events[..], [WebSocketEvent::Binary(bytes)] if bytes.len() == 4 << 20));
}

/// This is for servers that disconnect clients that do nothing.
#[test]
fn no_whole_message_for_too_long() {
    fn check<M: MaskSource>(mut rig: Rig<M>) {
        rig.wait(ms(700));
        rig.hear(|s| s.frame(TEXT, b"a"));
        rig.wait(ms(900));
        rig.hear(|s| s.frame(PING, b"").frame(PONG, b"").raw(b"\x81"));
        rig.write();
        assert_eq!(rig.socket.deadline(), Some(START + ms(1700)), "counted from the last message");
        assert_eq!(rig.miss_deadline(), []);
        assert_idle(rig);
    }
    // Pings do not count either when they are shown.
    let options = options().message_timeout(ms(1000));
    check(Rig::server(options));
    check(Rig::client(options.browser_close_codes(true)));
    let mut rig = Rig::server(options.control_events(true));
    assert_eq!(rig.wait(ms(900)), []);
    assert_eq!(rig.hear(|s| s.frame(PING, b"")), [WebSocketEvent::Ping(Bytes::new())]);
    assert_eq!(rig.socket.deadline(), Some(START + ms(1000)));
}

/// Checks that the peer is told that it is idle, and gets some time to answer.
#[track_caller]
fn assert_idle<M: MaskSource>(mut rig: Rig<M>) {
    assert_eq!(rig.socket.ready_state(), ReadyState::Closing);
    let idle = Close { code: CloseCode::GOING_AWAY, reason: "idle".into() };
    assert_eq!(rig.say(), [Message::Close(Some(idle))]);
    assert_eq!(rig.socket.deadline(), Some(rig.now + CLOSING));
    assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::ClosingTimeout)));
}

#[test]
fn time_that_stands_at_its_end() {
    let mut rig = Rig::server(beating().idle_timeout(Duration::MAX));
    rig.now = Duration::MAX.saturating_sub(ms(1));
    rig.poll_all();
    rig.socket.close(None, rig.now).unwrap();
    assert_eq!(rig.socket.deadline(), Some(Duration::MAX));
}

#[test]
fn a_flood_of_pings_by_a_peer_that_does_not_read() {
    let mut rig = Rig::client(options().high_water_mark(1));
    taken(rig.socket.send(Frame::text("before")));
    let mut bound = None;
    for number in 0..10_000_u32 {
        assert_eq!(rig.hear(|s| s.frame(PING, &number.to_be_bytes())), []);
        let waiting = rig.socket.to_write(rig.now).remaining();
        assert_eq!(*bound.get_or_insert(waiting), waiting, "at most one pong may wait");
    }
    // The first pong went into the queue; after that only the latest one counts.
    let pong = |number: u32| Message::Pong(number.to_be_bytes().to_vec().into());
    assert_eq!(rig.say(), [Message::Text("before".into()), pong(0), pong(9_999)]);
    assert_eq!(rig.say(), []);

    // The result is the same if the transport takes single bytes.
    rig.hear(|s| s.frame(PING, b"a").frame(PING, b"b").frame(PING, b"c"));
    let mut written = Vec::new();
    while let byte @ [_] = &rig.write_some(1)[..] {
        written.extend_from_slice(byte);
    }
    let pongs = [Message::Pong(b"a"[..].into()), Message::Pong(b"c"[..].into())];
    assert_eq!(decode(other(rig.role), &written), pongs);
}

/// A long queue does not make a ping dearer. If each ping searched the queue, this would take
/// minutes.
#[test]
fn a_flood_of_pings_behind_many_messages() {
    let mut rig = Rig::server(options());
    while rig.socket.send(Frame::text("")).is_ok() {}
    let mut stream = Stream::new(Role::Server);
    for _ in 0..200_000 {
        stream.frame(PING, b"");
    }
    assert_eq!(rig.receive(&stream.bytes), []);
    while !rig.write_some(1).is_empty() {}
}

// Masking keys.

/// A mask source that runs out of keys.
#[derive(Clone, Debug, Default)]
struct Scarce(Rc<Cell<usize>>);

impl MaskSource for Scarce {
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey> {
        let left = self.0.get().checked_sub(1).ok_or(NoMaskKey)?;
        self.0.set(left);
        Ok(MaskKey([1, 2, 3, 4]))
    }
}

fn scarce(options: WebSocketOptions) -> (Rig<Scarce>, Scarce) {
    let keys = Scarce::default();
    let mut rig = Rig::new(WebSocket::client(options, keys.clone(), START), Role::Client);
    assert_eq!(rig.poll_all(), [WebSocketEvent::Open]);
    (rig, keys)
}

#[test]
fn what_we_want_to_send_fails_alone_without_a_masking_key() {
    let (mut rig, keys) = scarce(options());
    let none = Err(SendError::NoMaskKey(NoMaskKey));
    assert_eq!(rig.socket.send(Frame::text("a")), none);
    assert_eq!(rig.socket.close(None, START), Err(SendError::NoMaskKey(NoMaskKey)));
    assert_eq!(rig.socket.ready_state(), ReadyState::Open);
    assert_eq!((rig.socket.buffered_amount(), rig.write().len()), (0, 0));
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"b")), [text("b")]);
    keys.0.set(1);
    assert_eq!(rig.socket.send(Frame::text("a")), Ok(Flow::Ready));
    assert_eq!(rig.say(), [Message::Text("a".into())]);
}

#[test]
fn what_must_be_sent_fails_the_connection_without_a_masking_key() {
    let failed = |code| (code, "", Some(Failure::NoMaskKey(NoMaskKey)));
    for (frame, code) in [(PING, 1006), (CLOSE, 1005)] {
        let (mut rig, _) = scarce(options());
        rig.received.extend([frame, 0]);
        assert_eq!(ended(&rig.poll_all()), failed(code));
        assert_dead(&mut rig);
    }
    let (mut rig, _) = scarce(beating());
    assert_eq!(ended(&rig.wait(INTERVAL)), failed(1006));
    let (mut rig, _) = scarce(options().idle_timeout(INTERVAL));
    assert_eq!(ended(&rig.miss_deadline()), failed(1006));
    let (mut rig, _) = scarce(options());
    let events = rig.receive(b"\x83");
    assert!(matches!(ended(&events), (1006, "", Some(_))));
}

/// A received message is not lost when a reply fails.
#[test]
fn a_message_behind_a_pong_that_cannot_be_sent() {
    let (mut rig, keys) = scarce(options().high_water_mark(1));
    keys.0.set(1);
    rig.hear(|s| s.frame(PING, b"a").frame(PING, b"b"));
    rig.write();
    let events = rig.hear(|s| s.frame(TEXT, b"c").frame(TEXT, b"d"));
    assert_eq!(events[..2], [text("c"), text("d")]);
    assert_eq!(ended(&events[2..]), (1006, "", Some(Failure::NoMaskKey(NoMaskKey))));
}

/// A pong waits for the one before, and cannot be sent when its turn comes.
#[test]
fn a_pong_that_waited_for_a_masking_key() {
    let (mut rig, keys) = scarce(options().high_water_mark(1));
    keys.0.set(1);
    rig.hear(|s| s.frame(PING, b"a").frame(PING, b"b"));
    assert_eq!(rig.say(), [Message::Pong(b"a"[..].into())]);
    assert_eq!(ended(&rig.poll_all()), (1006, "", Some(Failure::NoMaskKey(NoMaskKey))));
}

/// If nothing can be written any more, the end does not wait for a write.
#[test]
fn a_transport_that_fails_behind_the_peers_close_frame() {
    fn check<M: MaskSource>(mut rig: Rig<M>) {
        assert_eq!(rig.hear(|s| s.frame(CLOSE, b"\x03\xE8")), []);
        assert_eq!(rig.end(), [], "our reply may still be written");
        rig.socket.write_failed("broken pipe", rig.now);
        assert!(!rig.socket.to_write(START).has_remaining());
        assert_eq!(broken(&rig.poll_all()), (1000, "broken pipe".into()));
    }
    check(Rig::server(options()));
    check(Rig::client(options()));
    let mut open = Rig::server(options());
    open.socket.write_failed("broken pipe", open.now);
    assert_eq!(open.hear(|s| s.frame(TEXT, b"last").frame(CLOSE, b"\x03\xE9")), [text("last")]);
    assert_eq!(broken(&open.end()), (1001, "broken pipe".into()), "received bytes still count");
}

/// Returns the code and the error text of the only event, which must be an end by a transport
/// error.
#[track_caller]
fn broken(events: &[WebSocketEvent]) -> (u16, String) {
    let [WebSocketEvent::Close(close)] = events else { panic!("not an end: {events:?}") };
    assert!(matches!(close.failure, Some(Failure::Transport(_))), "{close}");
    (close.code, close.source().expect("the failure has a source").to_string())
}

/// The transport's own error tells a reset, a TLS alert and a plain end of the stream apart.
#[test]
fn the_cause_of_an_end_is_not_lost() {
    let io = |kind| std::io::Error::new(kind, "what the system says");
    let reset = std::io::ErrorKind::ConnectionReset;
    let (connecting, _) = Rig::connect(options());
    let mut closing = Rig::client(options());
    closing.socket.close(None, START).unwrap();
    for mut rig in [connecting, Rig::client(options()), closing] {
        rig.socket.read_failed(io(reset), rig.now);
        let events = rig.poll_all();
        assert_eq!(broken(&events), (1006, "what the system says".into()));
        let [WebSocketEvent::Close(close)] = &events[..] else { unreachable!() };
        let error = close.source().and_then(|it| it.downcast_ref::<std::io::Error>());
        assert_eq!(error.map(std::io::Error::kind), Some(reset));
        assert_eq!(
            close.to_string(),
            "closed with 1006: the transport failed: what the system says"
        );
        assert_eq!(close.clone(), *close);
        assert_dead(&mut rig);
    }
    // The first error is the cause of all later ones.
    let mut rig = Rig::server(options());
    rig.socket.write_failed(io(std::io::ErrorKind::BrokenPipe), rig.now);
    rig.socket.read_failed("the second", rig.now);
    assert_eq!(broken(&rig.poll_all()), (1006, "what the system says".into()));
    // This holds also if the request could not be written, and nothing more happens.
    let (mut rig, _) = Rig::connect(options());
    rig.socket.write_failed("broken pipe", rig.now);
    assert_eq!(rig.socket.deadline(), Some(START + CLOSING));
    assert_eq!(broken(&rig.miss_deadline()), (1006, "broken pipe".into()));
    // After a clean end, a transport error does not matter.
    let mut rig = Rig::client(options());
    rig.hear(|s| s.frame(CLOSE, b""));
    rig.write();
    rig.socket.read_failed(io(reset), rig.now);
    assert_eq!(ended(&rig.poll_all()), (1005, "", CLEAN));
}

#[test]
fn ends_tell_people_why() {
    let mut rig = Rig::client(options());
    rig.hear(|s| s.frame(CLOSE, b"\x03\xE9moved"));
    let [WebSocketEvent::Close(close)] = &rig.miss_deadline()[..] else { panic!("not an end") };
    let expected = "closed with 1001 (\"moved\"): no closing handshake in time";
    assert_eq!(close.to_string(), expected);
    let mut rig = Rig::<Keys>::client(options());
    let [WebSocketEvent::Close(close)] = &rig.end()[..] else { panic!("not an end") };
    assert_eq!(close.to_string(), "closed with 1006: the transport ended too soon");
    assert!(close.source().is_none());
}

/// Nobody may be left waiting for room that will never come.
#[test]
fn a_transport_that_takes_nothing_any_more_ends_in_time() {
    let mut rig = Rig::server(options().high_water_mark(1));
    assert_eq!(rig.socket.send(Frame::text("never")), Ok(Flow::Full));
    rig.wait(ms(5));
    rig.socket.write_failed("broken pipe", rig.now);
    assert_eq!(rig.socket.poll_time(rig.now), None);
    assert_eq!(rig.socket.deadline(), Some(rig.now + CLOSING));
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"still")), [text("still")]);
    assert_eq!(broken(&rig.miss_deadline()), (1006, "broken pipe".into()));
}

#[test]
fn what_takes_an_application_long_is_not_the_peers_idleness() {
    let mut rig = Rig::server(options().idle_timeout(ms(1000)));
    rig.received.extend_from_slice(&Stream::new(Role::Server).frame(TEXT, b"a").bytes);
    assert_eq!(rig.poll(), Some(text("a")));
    rig.now += ms(5000);
    assert_eq!(rig.poll(), None);
    assert_eq!(rig.socket.ready_state(), ReadyState::Open);
    assert_eq!(rig.socket.deadline(), Some(rig.now + ms(1000)));
    assert_eq!(rig.miss_deadline(), []);
    assert_eq!(rig.socket.ready_state(), ReadyState::Closing);
}

/// Without reading, no timeout of the peer can expire.
#[test]
fn while_nothing_is_read() {
    let mut rig = Rig::server(beating().idle_timeout(INTERVAL + ms(1)));
    rig.wait(INTERVAL);
    assert_eq!(rig.say(), [Message::Ping(Bytes::new())]);
    for _ in 0..5 {
        rig.now = rig.socket.deadline().unwrap();
        assert_eq!(rig.socket.poll_time(rig.now), None);
        assert_eq!(rig.socket.deadline(), Some(rig.now + TIMEOUT));
        assert_eq!(rig.socket.ready_state(), ReadyState::Open);
    }
    assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::PongTimeout)));

    // A ping that the transport does not accept is known to be unwritten, so it can expire.
    let mut rig = Rig::server(beating());
    rig.wait(INTERVAL);
    rig.now += TIMEOUT;
    assert_eq!(rig.socket.poll_time(rig.now), None);
    rig.now = rig.socket.deadline().unwrap();
    let Some(end) = rig.socket.poll_time(rig.now) else { panic!("the connection is not lost") };
    assert_eq!(ended(&[end]), (1006, "", Some(Failure::PongTimeout)));

    let mut socket = WebSocket::server(options(), START);
    assert_eq!(socket.poll_time(START), Some(WebSocketEvent::Open), "as its deadline says");
    assert_eq!(socket.deadline(), None);
}

/// A peer that takes nothing of what waits to be written is lost, although its pong may wait unread.
#[test]
fn while_nothing_is_read_and_nothing_is_taken() {
    let mut rig = Rig::server(beating());
    rig.wait(INTERVAL);
    assert_eq!(rig.say(), [Message::Ping(Bytes::new())]);
    taken(rig.socket.send(Frame::binary(&[0; 96][..])));
    for _ in 0..5 {
        rig.write_some(1);
        rig.now = rig.socket.deadline().unwrap();
        assert_eq!(rig.socket.poll_time(rig.now), None);
        assert_eq!(rig.socket.deadline(), Some(rig.now + TIMEOUT));
    }
    rig.now = rig.socket.deadline().unwrap();
    assert_eq!(rig.socket.poll_time(rig.now), None, "a last chance");
    rig.now = rig.socket.deadline().unwrap();
    let Some(end) = rig.socket.poll_time(rig.now) else { panic!("the connection is not lost") };
    assert_eq!(ended(&[end]), (1006, "", Some(Failure::PongTimeout)));
}

/// An awaited write accepts its bytes after it begins.
#[test]
fn a_write_that_takes_long_and_then_all() {
    let mut rig = Rig::server(beating());
    taken(rig.socket.send(Frame::binary(&[0; 96][..])));
    rig.wait(INTERVAL);
    rig.write_some(usize::MAX);
    rig.now += TIMEOUT.saturating_sub(ms(1));
    assert_eq!(rig.poll_all(), []);
    assert_eq!(rig.socket.deadline(), Some(rig.now + TIMEOUT));
    assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::PongTimeout)));
}

/// A write may be awaited, so its bytes count from the next call. A loop that calls `to_write` until
/// nothing remains waits for one timeout, and a loop that does not may wait for two.
#[test]
fn the_call_that_finds_nothing_to_write_starts_the_pong_timeout() {
    for (asks, timeouts) in [(true, 1), (false, 2)] {
        let mut rig = Rig::server(beating());
        assert_eq!(rig.wait_for_deadline(), []);
        rig.write_some(usize::MAX);
        if asks {
            assert!(rig.write_some(usize::MAX).is_empty());
        }
        assert_eq!(rig.socket.deadline(), Some(rig.now + TIMEOUT));
        for _ in 1..timeouts {
            assert_eq!(rig.wait(TIMEOUT), []);
        }
        assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::PongTimeout)));
        let end = START + INTERVAL + timeouts * TIMEOUT + last_chance(TIMEOUT);
        assert_eq!(rig.now, end, "{asks}");
    }
}

// A program that was suspended.

/// A pong that arrived while the program was suspended is unread when the program resumes. The
/// deadline has passed by then. The connection must live all the same, whatever the loop looks at
/// first.
#[test]
fn a_pong_that_waits_unread_is_not_missed() {
    fn check<M: MaskSource>(rig: impl Fn() -> Rig<M>) {
        for stopped in [TIMEOUT, 12 * TIMEOUT, ms(1 << 40)] {
            let mut rig = rig();
            rig.wait(INTERVAL);
            assert_eq!(rig.say(), [Message::Ping(Bytes::new())]);
            // The loop sees the timer first.
            assert_eq!(rig.wait(stopped), []);
            assert_eq!(rig.socket.ready_state(), ReadyState::Open);
            assert_eq!(rig.socket.deadline(), Some(rig.now + last_chance(TIMEOUT)));
            // The program is suspended twice more before it can read, which says nothing about the
            // peer.
            assert_eq!(rig.wait(ms(12_000)), []);
            assert_eq!(rig.wait(ms(12_000)), []);
            assert_eq!(rig.socket.ready_state(), ReadyState::Open);
            rig.now += last_chance(TIMEOUT);
            assert_eq!(rig.hear(|s| s.frame(PONG, b"")), []);
            assert_eq!(rig.socket.ready_state(), ReadyState::Open);
        }
    }
    check(|| Rig::server(beating()));
    check(|| Rig::client(beating()));
}

/// A loop that is always late, because it blocks in a write and then in a read, does not keep a
/// dead peer for ever.
#[test]
fn a_loop_that_is_always_late_judges_in_the_end() {
    let mut rig = Rig::server(beating());
    rig.wait(INTERVAL);
    assert_eq!(rig.say(), [Message::Ping(Bytes::new())]);
    for _ in 0..3 {
        assert_eq!(rig.wait(ms(12_000)), []);
    }
    assert_eq!(ended(&rig.wait(ms(12_000))), (1006, "", Some(Failure::PongTimeout)));
}

/// Each heartbeat has its own last chances, however often the program was late before.
#[test]
fn a_last_chance_is_not_used_up_by_earlier_heartbeats() {
    fn check<M: MaskSource>(mut rig: Rig<M>, late: Duration) {
        for heartbeat in 1..=6 {
            assert_eq!(rig.wait_for_deadline(), []);
            assert_eq!(rig.say(), [Message::Ping(Bytes::new())]);
            // The program is late, and the pong is unread.
            rig.now = rig.socket.deadline().unwrap() + late;
            assert_eq!(rig.poll_all(), [], "heartbeat {heartbeat}");
            assert_eq!(rig.hear(|s| s.frame(PONG, b"")), []);
        }
    }
    for late in [ms(0), ms(5000)] {
        check(Rig::server(beating()), late);
        check(Rig::client(beating()), late);
    }
    // The next deadline comes less than 1 s after the end of the last chance.
    check(Rig::server(options().ping_interval(ms(500)).pong_timeout(ms(100))), ms(0));
}

/// The same holds for every other deadline of the peer.
#[test]
fn nothing_that_waits_unread_is_missed() {
    let late = ms(1_000_000);
    // The response to the opening handshake.
    let (mut rig, answer) = Rig::connect(options());
    assert_eq!(rig.wait(late), []);
    assert_eq!(rig.receive(&answer), [WebSocketEvent::Open]);
    // A message, or part of one.
    for options in [options().idle_timeout(TIMEOUT), options().message_timeout(TIMEOUT)] {
        let mut rig = Rig::server(options);
        assert_eq!(rig.wait(late), []);
        assert_eq!(rig.hear(|s| s.frame(TEXT, b"a")), [text("a")]);
        assert_eq!(rig.socket.ready_state(), ReadyState::Open);
    }
    // The reply to our close frame.
    let mut rig = Rig::server(options());
    rig.socket.close(None, rig.now).unwrap();
    rig.write();
    assert_eq!(rig.wait(late), []);
    assert_eq!(rig.hear(|s| s.frame(CLOSE, b"\x03\xE8")), []);
    assert_eq!(ended(&rig.end()), (1000, "", CLEAN));
}

// Optional events.

#[test]
fn pings_and_pongs_are_shown_to_those_who_ask() {
    fn check<M: MaskSource>(mut rig: Rig<M>) {
        let events = rig.hear(|s| s.frame(PING, b"a").frame(PONG, b"b").frame(TEXT, b"c"));
        let expected = [
            WebSocketEvent::Ping(b"a"[..].into()),
            WebSocketEvent::Pong(b"b"[..].into()),
            text("c"),
        ];
        assert_eq!(events, expected);
        assert_eq!(rig.say(), [Message::Pong(b"a"[..].into())], "it is answered all the same");
    }
    check(Rig::server(options().control_events(true)));
    check(Rig::client(options().control_events(true)));
}

#[test]
fn the_round_trip_of_the_heartbeat() {
    let mut rig = Rig::server(beating());
    assert_eq!(rig.socket.round_trip(), None);
    rig.wait(INTERVAL);
    assert_eq!(rig.hear(|s| s.frame(PONG, b"")), []);
    assert_eq!(rig.socket.round_trip(), None, "the ping is not written yet");
    // The time counts from when the ping was written, not from when it was due.
    rig.wait(INTERVAL);
    rig.wait(ms(100));
    rig.write();
    rig.wait(ms(30));
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"a").frame(PONG, b"mine")), [text("a")]);
    assert_eq!(rig.socket.round_trip(), None, "that pong answers another ping");
    rig.wait(ms(12));
    assert_eq!(rig.hear(|s| s.frame(PONG, b"").frame(PONG, b"")), []);
    assert_eq!(rig.socket.round_trip(), Some(ms(42)));
}

/// While a ping of the application is queued, the heartbeat needs no ping of its own. The time of
/// the application's ping is not measured, because its pong may not be empty.
#[test]
fn the_round_trip_is_not_that_of_a_ping_of_the_application() {
    let mut rig = Rig::server(beating());
    taken(rig.socket.send(Frame::ping(&b"?"[..]).unwrap()));
    rig.wait(INTERVAL);
    assert_eq!(rig.say(), [Message::Ping(b"?"[..].into())]);
    rig.wait(ms(30));
    assert_eq!(rig.hear(|s| s.frame(PONG, b"?").frame(PONG, b"")), []);
    assert_eq!(rig.socket.round_trip(), None, "no ping of the heartbeat was written");
    // The next ping is the heartbeat's own.
    assert_eq!(rig.wait_for_deadline(), []);
    assert_eq!(rig.say(), [Message::Ping(Bytes::new())]);
    rig.wait(ms(30));
    assert_eq!(rig.hear(|s| s.frame(PONG, b"")), []);
    assert_eq!(rig.socket.round_trip(), Some(ms(30)));
    // It is still queued when the next one is due, after a ping of the application.
    rig.wait_for_deadline();
    taken(rig.socket.send(Frame::ping(&b"?"[..]).unwrap()));
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"a")), [text("a")]);
    rig.wait(INTERVAL);
    assert_eq!(rig.say(), [Message::Ping(Bytes::new()), Message::Ping(b"?"[..].into())]);
    rig.wait(ms(50));
    assert_eq!(rig.hear(|s| s.frame(PONG, b"").frame(PONG, b"?")), []);
    assert_eq!(rig.socket.round_trip(), Some(ms(50)));
}

#[test]
fn a_message_that_is_too_long_may_be_skipped() {
    let limits = Limits::new().max_message(100).on_limit(OnLimit::Skip);
    let mut rig = Rig::server(options().limits(limits));
    let events = rig.hear(|s| {
        s.frame(TEXT, &[b'a'; 2000]).frame(PING, b"p").frame(0x02, &[1; 60]).frame(0x80, &[2; 60])
    });
    let skipped = |at_least, offset| {
        let fault = Fault::MessageTooLong { limit: 100, at_least };
        WebSocketEvent::Skipped(ProtocolError { fault, offset })
    };
    let second = 4 + 4 + 2000 + 6 + 1 + 6 + 60 + 1;
    assert_eq!(events, [skipped(2000, 1), skipped(120, second)]);
    assert_eq!(rig.say(), [Message::Pong(b"p"[..].into())]);
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"next")), [text("next")]);
    assert_eq!(rig.socket.ready_state(), ReadyState::Open);
}

#[test]
fn a_connection_can_be_failed_at_will() {
    fn check<M: MaskSource>(rig: impl Fn() -> Rig<M>) {
        let policy = Close { code: CloseCode::POLICY_VIOLATION, reason: "no" };
        for closing in [false, true] {
            let mut rig = rig();
            taken(rig.socket.send(Frame::text("before")));
            if closing {
                rig.socket.close(Some(OUR_CODE), rig.now).unwrap();
            }
            rig.socket.fail(Some(policy), rig.now).unwrap();
            assert_eq!(rig.socket.ready_state(), ReadyState::Closing);
            assert_eq!(rig.socket.send(Frame::text("late")), Err(SendError::Closed));
            assert_eq!(rig.hear(|s| s.frame(TEXT, b"late").frame(PING, b"")), []);
            assert!(!rig.socket.wants_shutdown(), "the peer must be told first");
            let told = if closing { OUR_CODE } else { policy };
            let told = Close { code: told.code, reason: told.reason.into() };
            assert_eq!(rig.say(), [Message::Text("before".into()), Message::Close(Some(told))]);
            assert!(rig.socket.wants_shutdown(), "no reply is awaited");
            assert_eq!(rig.hear(|s| s.frame(CLOSE, b"\x03\xE8")), []);
            assert_eq!(ended(&rig.end()), (1006, "", Some(Failure::Local)));
            assert_dead(&mut rig);
        }
        // The peer may also fail to hang up.
        let mut rig = rig();
        rig.socket.fail(None, rig.now).unwrap();
        rig.write();
        assert_eq!(ended(&rig.miss_deadline()), (1006, "", Some(Failure::Local)));
    }
    check(|| Rig::server(options()));
    check(|| Rig::client(options()));
    // After the peer's close frame there is nothing left to fail.
    let mut rig = Rig::server(options());
    rig.hear(|s| s.frame(CLOSE, b"\x03\xE8"));
    rig.socket.fail(None, rig.now).unwrap();
    rig.write();
    assert_eq!(ended(&rig.end()), (1000, "", CLEAN));
    // Before it is open, the socket fails as if it were closed.
    let (mut rig, _) = Rig::connect(options());
    rig.socket.fail(None, rig.now).unwrap();
    assert_eq!(ended(&rig.poll_all()), (1006, "", Some(Failure::Aborted)));
}
