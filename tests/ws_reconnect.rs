//! Every transition of `Reconnect`, and that its messages are written once each, in order.

mod common;

use bytes::{Buf, BytesMut};
use common::ws::socket::{KEYS, Keys, LinkRig, START, accept, decode, ms, request};
use eventwire::Backoff;
use eventwire::ws::handshake::ResponseError;
use eventwire::ws::{
    Close, CloseCode, Disconnected, Failure, Frame, LinkEvent, Message, ReadyState, Reconnect,
    ReconnectOptions, Role, SendError, SocketEvent, SocketOptions, WebSocket,
};
use std::ops::Range;
use std::time::Duration;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

const BYE: Close<&str> = Close { code: CloseCode::NORMAL, reason: "bye" };

/// Waits of 100, 200, 400, and 800 ms from then on.
fn backoff() -> Backoff {
    Backoff::new(ms(100), ms(800), 1).jitter(0)
}

fn options() -> ReconnectOptions {
    ReconnectOptions::new(backoff())
}

fn rig(options: ReconnectOptions) -> LinkRig {
    LinkRig::new(Reconnect::new(options))
}

/// What ended: the code, why, which messages were written, and how long to wait.
type End = (u16, Option<Failure>, Range<u64>, Option<Duration>);

trait Drive {
    fn over(&mut self, socket: WebSocket<Keys>) -> &mut Self;
    fn open(&mut self) -> &mut Self;
    fn say(&mut self) -> Vec<Message>;
    fn send(&mut self, text: &str) -> Result<u64, SendError>;
    fn cut(&mut self) -> End;
    fn end(&self, events: &[LinkEvent]) -> End;
    fn wait(&mut self) -> &mut Self;
}

impl Drive for LinkRig {
    /// The transport that is asked for is up, and this is opened over it.
    #[track_caller]
    fn over(&mut self, socket: WebSocket<Keys>) -> &mut Self {
        assert_eq!(self.poll_all(), [LinkEvent::Connect]);
        self.link.connected(socket);
        assert_eq!(self.poll_all(), [LinkEvent::Open]);
        assert_eq!(self.link.ready_state(), ReadyState::Open);
        self
    }

    #[track_caller]
    fn open(&mut self) -> &mut Self {
        self.over(WebSocket::client(SocketOptions::new(), KEYS, self.now))
    }

    /// What the server reads, if all is written.
    fn say(&mut self) -> Vec<Message> {
        decode(Role::Server, &self.write())
    }

    fn send(&mut self, text: &str) -> Result<u64, SendError> {
        self.link.send(&Frame::text(text))
    }

    /// The transport ends.
    fn cut(&mut self) -> End {
        self.link.end_of_stream();
        let events = self.poll_all();
        self.end(&events)
    }

    #[track_caller]
    fn end(&self, events: &[LinkEvent]) -> End {
        let [LinkEvent::Disconnected(Disconnected { close, written, reconnect_at, .. })] = events
        else {
            panic!("not the end: {events:?}");
        };
        assert!(self.received.is_empty(), "what is left of it is not the next one's");
        assert_eq!(self.link.deadline(), *reconnect_at);
        let state =
            if reconnect_at.is_some() { ReadyState::Connecting } else { ReadyState::Closed };
        assert_eq!(self.link.ready_state(), state);
        (
            close.code,
            close.failure,
            written.clone(),
            reconnect_at.map(|at| at.saturating_sub(self.now)),
        )
    }

    /// Nothing happens until the deadline.
    #[track_caller]
    fn wait(&mut self) -> &mut Self {
        let deadline = self.link.deadline().expect("a deadline");
        self.now = deadline.saturating_sub(Duration::from_nanos(1));
        assert_eq!(self.poll_all(), []);
        self.now = deadline;
        self
    }
}

fn texts<const N: usize>(texts: [&str; N]) -> [Message; N] {
    texts.map(|text| Message::Text(text.into()))
}

const CUT: Option<Failure> = Some(Failure::Transport);

// Connections.

#[test]
fn the_first_connection_is_made_at_once() {
    for now in [Duration::ZERO, START] {
        let mut rig = rig(options());
        rig.now = now;
        assert_eq!(rig.link.ready_state(), ReadyState::Connecting);
        assert_eq!(rig.link.deadline(), Some(Duration::ZERO));
        assert_eq!(rig.link.to_write(now).remaining(), 0);
        assert_eq!(rig.poll_all(), [LinkEvent::Connect]);
        assert_eq!(rig.link.ready_state(), ReadyState::Connecting);
        assert_eq!(rig.link.deadline(), None, "it is up to the application");
        rig.now += ms(1 << 40);
        assert_eq!(rig.poll_all(), []);
        assert_eq!((rig.link.protocol(), rig.link.wants_shutdown()), ("", false));
    }
}

#[test]
fn with_an_opening_handshake() {
    let mut rig = rig(options());
    rig.send("early").unwrap();
    assert_eq!(rig.poll_all(), [LinkEvent::Connect]);
    rig.link.connected(WebSocket::connect(&request(), SocketOptions::new(), KEYS, rig.now));
    assert_eq!(rig.poll_all(), []);
    assert_eq!(rig.link.ready_state(), ReadyState::Connecting);
    assert_eq!(rig.link.deadline(), Some(START + SocketOptions::DEFAULT_HANDSHAKE_TIMEOUT));
    let answer = accept(&rig.write()).expect("the request and nothing else");
    rig.received.extend_from_slice(&answer);
    rig.received.extend_from_slice(b"\x81\x02hi\x82\x01b");
    let events =
        [LinkEvent::Open, LinkEvent::Text("hi".into()), LinkEvent::Binary(b"b"[..].into())];
    assert_eq!(rig.poll_all(), events);
    assert_eq!(rig.link.protocol(), "chat");
    assert_eq!(rig.say(), texts(["early"]));
    assert_eq!(rig.cut(), (1006, CUT, 0..1, Some(ms(100))));
    assert_eq!(rig.link.protocol(), "");
}

#[test]
fn waits_grow_and_start_over_after_a_good_stretch() {
    let mut rig = rig(options());
    for wait in [100, 200, 400, 800, 800] {
        rig.open();
        rig.now += ms(799);
        assert_eq!(rig.cut(), (1006, CUT, 0..0, Some(ms(wait))));
        rig.wait();
    }
    rig.open();
    rig.now += ms(800);
    assert_eq!(rig.cut().3, Some(ms(100)));
    // The time it took to open is no part of the stretch.
    rig.wait();
    assert_eq!(rig.poll_all(), [LinkEvent::Connect]);
    rig.link.connected(WebSocket::connect(&request(), SocketOptions::new(), KEYS, rig.now));
    rig.now += ms(5000);
    assert_eq!(rig.cut().3, Some(ms(200)));
}

#[test]
fn waits_are_within_their_bounds() {
    for seed in 0..300 {
        let backoff = Backoff::new(ms(100), ms(800), seed).jitter(40);
        let mut rig = rig(ReconnectOptions::new(backoff));
        for bound in [100, 200, 400, 800, 800] {
            rig.open();
            let wait = rig.cut().3.unwrap();
            assert!(ms(bound) * 6 / 10 <= wait && wait <= ms(bound), "{wait:?}");
            rig.wait();
        }
    }
    for seed in 0..300 {
        let mut rig = rig(ReconnectOptions::new(ReconnectOptions::rfc_backoff(seed)));
        for bound in [5, 10, 20, 40, 60, 60] {
            rig.open();
            assert!(rig.cut().3.unwrap() <= Duration::from_secs(bound));
            rig.wait();
        }
    }
}

#[test]
fn attempts_are_counted() {
    let mut rig = rig(ReconnectOptions::new(backoff().max_attempts(2)));
    for wait in [Some(ms(100)), Some(ms(200)), None] {
        assert_eq!(rig.poll_all(), [LinkEvent::Connect]);
        rig.link.connect_failed();
        assert!(rig.link.deadline() <= Some(rig.now), "a poll is due");
        let events = rig.poll_all();
        assert_eq!(rig.end(&events), (1006, CUT, 0..0, wait));
        rig.now += wait.unwrap_or_default();
    }
    assert_dead(&mut rig);
}

#[test]
fn a_connection_that_lasted_gives_new_attempts() {
    let mut rig = rig(ReconnectOptions::new(backoff().max_attempts(1)));
    for _ in 0..5 {
        rig.open();
        rig.now += ms(800);
        assert_eq!(rig.cut().3, Some(ms(100)));
        rig.wait();
    }
    rig.open();
    assert_eq!(rig.cut().3, None);
    assert_dead(&mut rig);
}

#[track_caller]
fn assert_dead(rig: &mut LinkRig) {
    assert_eq!(rig.link.ready_state(), ReadyState::Closed);
    assert_eq!(rig.send("late"), Err(SendError::NotOpen));
    assert_eq!(rig.link.close(None, rig.now), Ok(()));
    rig.link.connect_failed();
    rig.link.connected(WebSocket::client(SocketOptions::new(), KEYS, rig.now));
    rig.link.end_of_stream();
    rig.now += ms(1 << 40);
    assert_eq!(rig.poll_all(), []);
    assert!(rig.write().is_empty());
    assert_eq!(rig.link.deadline(), None);
    assert_eq!(rig.link.ready_state(), ReadyState::Closed);
}

#[test]
fn which_codes_are_final() {
    let codes = (1000..1004).chain(1007..1015).chain([3000, 4999]);
    for code in codes {
        let code: u16 = code;
        let mut rig = rig(options());
        rig.open();
        assert_eq!(rig.hear(|s| s.frame(CLOSE, &code.to_be_bytes())), []);
        assert_eq!(rig.link.ready_state(), ReadyState::Closing);
        assert!(!rig.write().is_empty());
        let is_final = matches!(code, 1000 | 1002 | 1003 | 1007..=1010);
        let wait = (!is_final).then_some(ms(100));
        assert_eq!(rig.cut(), (code, None, 0..0, wait));
        if is_final {
            assert_dead(&mut rig);
        } else {
            rig.wait().open();
        }
    }
    let mut rig = rig(options());
    rig.open().hear(|s| s.frame(CLOSE, b""));
    rig.write();
    assert_eq!(rig.cut(), (1005, None, 0..0, Some(ms(100))));
}

#[test]
fn what_cannot_be_accepted_is_final() {
    let mut rig = rig(options());
    assert_eq!(rig.open().hear(|s| s.raw(b"\x83")), []);
    assert!(!rig.link.wants_shutdown());
    rig.write();
    assert!(rig.link.wants_shutdown());
    let (1006, Some(Failure::Protocol(_)), _, None) = rig.cut() else { panic!("final") };
    assert_dead(&mut rig);
}

#[test]
fn which_statuses_are_final() {
    for (status, is_final) in [
        (200, false),
        (302, false),
        (400, true),
        (401, true),
        (404, true),
        (408, false),
        (425, false),
        (429, false),
        (499, true),
        (500, false),
        (503, false),
    ] {
        let mut rig = rig(options());
        rig.poll_all();
        rig.link.connected(WebSocket::connect(&request(), SocketOptions::new(), KEYS, rig.now));
        rig.received.extend(format!("HTTP/1.1 {status} So\r\n\r\n").bytes());
        let events = rig.poll_all();
        let error = ResponseError::Status { status, head_len: 19 };
        let wait = (!is_final).then_some(ms(100));
        assert_eq!(rig.end(&events), (1006, Some(Failure::Handshake(error)), 0..0, wait));
    }
}

#[test]
fn the_application_may_say_what_is_final() {
    let mut rig = rig(options().ends_on(|close| close.code == 4000));
    rig.open().hear(|s| s.frame(CLOSE, b"\x03\xE8"));
    rig.write();
    assert_eq!(rig.cut().3, Some(ms(100)));
    rig.wait().open().hear(|s| s.frame(CLOSE, b"\x0F\xA0"));
    rig.write();
    assert_eq!(rig.cut(), (4000, None, 0..0, None));
    assert_dead(&mut rig);
}

#[test]
fn what_was_not_asked_for_is_dropped() {
    let socket = |rig: &LinkRig| WebSocket::client(SocketOptions::new(), KEYS, rig.now);
    let mut rig = rig(options());
    rig.link.connected(socket(&rig));
    rig.link.connect_failed();
    rig.link.end_of_stream();
    rig.open();
    rig.link.connected(socket(&rig));
    rig.link.connect_failed();
    assert_eq!(rig.poll_all(), []);
    assert_eq!(rig.link.ready_state(), ReadyState::Open);
    rig.cut();
    rig.link.connected(socket(&rig));
    rig.link.connect_failed();
    rig.link.end_of_stream();
    rig.wait();
    assert_eq!(rig.poll_all(), [LinkEvent::Connect]);
    rig.link.connect_failed();
    // A transport that comes after all.
    rig.link.connected(socket(&rig));
    let events = rig.poll_all();
    assert_eq!(rig.end(&events), (1006, CUT, 0..0, Some(ms(200))));
}

#[test]
fn what_was_received_is_cleared_with_its_connection() {
    let mut rig = rig(options());
    assert_eq!(rig.open().hear(|s| s.raw(b"\x81\x05hal")), []);
    assert_eq!(rig.cut(), (1006, CUT, 0..0, Some(ms(100))));
    rig.wait().open();
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"a")), [LinkEvent::Text("a".into())]);
}

// Closing.

#[test]
fn closed_before_a_connection_is_up() {
    // At first; while one is made; after it failed; between two.
    for moment in 0..4 {
        let mut rig = rig(options());
        rig.send("left").unwrap();
        if moment > 0 {
            assert_eq!(rig.poll_all(), [LinkEvent::Connect]);
        }
        if moment == 2 {
            rig.link.connect_failed();
        }
        if moment == 3 {
            rig.link.connect_failed();
            rig.poll_all();
        }
        assert_eq!(rig.link.close(Some(BYE), rig.now), Ok(()));
        assert_eq!(rig.link.ready_state(), ReadyState::Closing);
        assert_eq!(rig.send("late"), Err(SendError::NotOpen));
        rig.link.connected(WebSocket::client(SocketOptions::new(), KEYS, rig.now));
        assert!(rig.link.deadline() <= Some(rig.now), "a poll is due");
        let events = rig.poll_all();
        let why = if moment == 2 { Failure::Transport } else { Failure::Aborted };
        assert_eq!(rig.end(&events), (1006, Some(why), 0..0, None), "{moment}");
        assert_eq!((rig.link.written(), rig.link.buffered_amount()), (0, 4));
        assert_dead(&mut rig);
    }
}

#[test]
fn closed_in_the_opening_handshake() {
    let mut rig = rig(options());
    rig.poll_all();
    rig.link.connected(WebSocket::connect(&request(), SocketOptions::new(), KEYS, rig.now));
    rig.link.close(None, rig.now).unwrap();
    assert_eq!(rig.link.ready_state(), ReadyState::Closing);
    let events = rig.poll_all();
    assert_eq!(rig.end(&events), (1006, Some(Failure::Aborted), 0..0, None));
    assert_dead(&mut rig);
}

/// All that waits is written first, however little the socket would take at once.
#[test]
fn closed_while_open() {
    let mut rig = rig(options());
    let small = SocketOptions::new().high_water_mark(1);
    rig.over(WebSocket::client(small, KEYS, START));
    for text in ["a", "b", "c"] {
        rig.send(text).unwrap();
    }
    rig.link.close(Some(BYE), rig.now).unwrap();
    assert_eq!(rig.link.ready_state(), ReadyState::Closing);
    assert_eq!(rig.send("late"), Err(SendError::NotOpen));
    rig.link.close(None, rig.now).unwrap();
    let [a, b, c, Message::Close(Some(close))] = &rig.say()[..] else { panic!("in this order") };
    assert_eq!([a, b, c].map(Clone::clone), texts(["a", "b", "c"]));
    assert_eq!((close.code, &*close.reason), (BYE.code, BYE.reason));
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"late").frame(CLOSE, b"\x03\xE9")).len(), 1);
    assert_eq!(rig.cut(), (1001, None, 0..3, None), "1001 was not final otherwise");
    assert_dead(&mut rig);
}

#[test]
fn closed_while_the_peer_closes() {
    let mut rig = rig(options());
    rig.open().hear(|s| s.frame(CLOSE, b"\x03\xE9"));
    rig.send("too late").unwrap();
    rig.link.close(None, rig.now).unwrap();
    rig.write();
    assert_eq!(rig.cut(), (1001, None, 0..0, None));
    assert_eq!((rig.link.written(), rig.link.buffered_amount()), (0, 8));
    assert_dead(&mut rig);
}

#[test]
fn closing_that_is_refused() {
    let pages = SocketOptions::new().browser_close_codes(true);
    let mut rig = rig(options());
    rig.over(WebSocket::client(pages, KEYS, START));
    let gone = Close { code: CloseCode::GOING_AWAY, reason: "" };
    let error = SendError::ReservedCloseCode(CloseCode::GOING_AWAY);
    assert_eq!(rig.link.close(Some(gone), rig.now), Err(error));
    let long = "x".repeat(124);
    assert!(rig.link.close(Some(Close { reason: &*long, ..BYE }), rig.now).is_err());
    assert_eq!(rig.link.ready_state(), ReadyState::Open);
    assert_eq!(rig.send("a"), Ok(0));
    assert_eq!(rig.say(), texts(["a"]));
    assert_eq!(rig.cut().3, Some(ms(100)), "it goes on");
    assert!(rig.link.close(Some(Close { reason: &*long, ..BYE }), rig.now).is_err());
    rig.wait().open();
}

// Messages.

#[test]
fn messages_are_numbered_and_kept_in_order_over_connections() {
    let mut rig = rig(options());
    assert_eq!(rig.send("0"), Ok(0));
    assert_eq!(rig.send("1"), Ok(1));
    assert_eq!(rig.link.buffered_amount(), 2);
    rig.open();
    assert_eq!(rig.link.send(&Frame::binary(&b"2"[..])), Ok(2));
    let binary = Message::Binary(b"2"[..].into());
    assert_eq!(rig.say(), [&texts(["0", "1"])[..], &[binary]].concat());
    assert_eq!((rig.link.written(), rig.link.buffered_amount()), (3, 0));
    assert_eq!(rig.cut().2, 0..3);

    assert_eq!(rig.send("3"), Ok(3));
    rig.wait();
    assert_eq!(rig.poll_all(), [LinkEvent::Connect]);
    assert_eq!(rig.send("4"), Ok(4));
    rig.link.connect_failed();
    let events = rig.poll_all();
    assert_eq!(rig.end(&events).2, 3..3);
    rig.wait().open();
    assert_eq!(rig.say(), texts(["3", "4"]));
    assert_eq!(rig.cut().2, 3..5);
    rig.wait().open();
    assert_eq!(rig.say(), []);
    assert_eq!(rig.cut().2, 5..5);
}

/// Wherever the connection is cut: what was wholly written is not sent again, all else is.
#[test]
fn cut_at_every_byte() {
    let sent = ["zero", "", "two", "three"];
    // Behind how many bytes each is wholly written: 6 of header and key each.
    let ends = [10, 16, 25, 36];
    for at in 0..=36 {
        let mut rig = rig(options());
        rig.open();
        for text in sent {
            rig.send(text).unwrap();
        }
        assert_eq!(rig.write_some(at).len(), at);
        let whole = ends.iter().filter(|end| **end <= at).count();
        assert_eq!(rig.link.written(), whole as u64, "cut at {at}");
        let left: usize = sent[whole..].iter().map(|text| text.len()).sum();
        assert_eq!(rig.link.buffered_amount(), left);
        assert_eq!(rig.cut().2, 0..whole as u64);
        assert_eq!((rig.link.written(), rig.link.buffered_amount()), (whole as u64, left));
        // Another one is cut at once, with the first of them half out.
        rig.wait().open();
        rig.write_some(3);
        assert_eq!(rig.cut().2, whole as u64..whole as u64);
        rig.wait().open();
        let expected: Vec<_> =
            sent[whole..].iter().map(|text| Message::Text((*text).into())).collect();
        assert_eq!(rig.say(), expected, "cut at {at}");
        assert_eq!(rig.cut().2, whole as u64..4);
    }
}

/// What goes out with messages is none.
#[test]
fn pings_pongs_and_the_handshake_have_no_numbers() {
    let mut rig = rig(options());
    rig.poll_all();
    let socket = SocketOptions::new().ping_interval(ms(500));
    rig.link.connected(WebSocket::connect(&request(), socket, KEYS, rig.now));
    rig.send("a").unwrap();
    let answer = accept(&rig.write()).unwrap();
    assert_eq!(rig.link.written(), 0);
    rig.received.extend_from_slice(&answer);
    assert_eq!(rig.poll_all(), [LinkEvent::Open]);
    rig.now += ms(500);
    rig.hear(|s| s.frame(0x89, b"p"));
    assert_eq!(rig.say().len(), 3);
    assert_eq!(rig.cut().2, 0..1);
}

#[test]
fn what_is_written_before_the_server_closes_is_known_after_it() {
    let mut rig = rig(options());
    rig.send("a").unwrap();
    rig.open();
    rig.send("b").unwrap();
    rig.hear(|s| s.frame(CLOSE, b"\x03\xE9"));
    // The first two are with the socket already, or not; the third comes too late.
    rig.send("c").unwrap();
    let said = rig.say();
    let Some((Message::Close(_), before)) = said.split_last() else { panic!("the answer last") };
    let written = before.len() as u64;
    assert_eq!(rig.cut(), (1001, None, 0..written, Some(ms(100))));
    rig.wait().open();
    let again = rig.say();
    assert_eq!([before, &again].concat(), texts(["a", "b", "c"]));
}

#[test]
fn a_socket_that_is_closed_is_no_connection() {
    let mut rig = rig(options());
    assert_eq!(rig.poll_all(), [LinkEvent::Connect]);
    let mut socket = WebSocket::client(SocketOptions::new(), KEYS, START);
    let mut received = BytesMut::new();
    assert_eq!(socket.poll(&mut received, START), Some(SocketEvent::Open));
    socket.end_of_stream();
    assert!(socket.poll(&mut received, START).is_some());
    rig.link.connected(socket);
    let [LinkEvent::Disconnected(end)] = &rig.poll_all()[..] else { panic!("not connected") };
    assert_eq!(end.close.failure, Some(Failure::Transport));
    assert!(end.reconnect_at.is_some());
}

#[test]
fn the_queue_is_limited_by_count_and_bytes() {
    for connected in [false, true] {
        let mut rig = rig(options().max_unsent(3, 10));
        if connected {
            rig.open();
        }
        let too_long = SendError::MessageTooLong { limit: 10 };
        assert_eq!(rig.send("12345678901"), Err(too_long), "however long one waits");
        assert_eq!(rig.send("1234567"), Ok(0));
        assert_eq!(rig.send("1234"), Err(SendError::Full));
        assert_eq!(rig.send("123"), Ok(1));
        assert_eq!(rig.send("1"), Err(SendError::Full));
        assert_eq!(rig.send(""), Ok(2));
        assert_eq!(rig.send(""), Err(SendError::Full));
        if !connected {
            rig.open();
        }
        // A message counts to its last byte.
        rig.write_some(12);
        assert_eq!(rig.send(""), Err(SendError::Full));
        rig.write_some(1);
        assert_eq!(rig.send("1234567"), Ok(3), "there is room at once");
        assert_eq!(rig.send(""), Err(SendError::Full));
        rig.write();
        assert_eq!(rig.link.written(), 4);
    }
    let mut none = rig(options().max_unsent(0, 0));
    assert_eq!(none.send(""), Err(SendError::Full));
}

#[test]
fn only_whole_messages_are_kept() {
    let mut rig = rig(options());
    rig.open();
    let refused = [
        Frame::text("a").unfinished(),
        Frame::text("a").continuing(),
        Frame::ping(&b""[..]).unwrap(),
        Frame::pong(&b""[..]).unwrap(),
        Frame::close(None).unwrap(),
    ];
    for frame in refused {
        assert_eq!(rig.link.send(&frame), Err(SendError::NoWholeMessage));
    }
    assert_eq!(rig.send("a"), Ok(0));
    assert_eq!(rig.say(), texts(["a"]));
}

/// The socket takes little at a time, the loop drains all.
#[test]
fn a_high_water_mark_below_the_queue() {
    for mark in [1, 30, 100, 5000] {
        let mut rig = rig(options());
        let socket = SocketOptions::new().high_water_mark(mark);
        let all: Vec<_> = (0..500).map(|number| format!("{number}")).collect();
        for text in &all {
            rig.send(text).unwrap();
        }
        rig.over(WebSocket::client(socket, KEYS, START));
        assert!(rig.link.to_write(START).remaining() < mark + 60);
        assert_eq!(
            rig.say(),
            all.iter().map(|it| Message::Text((**it).into())).collect::<Vec<_>>()
        );
        assert_eq!(rig.cut().2, 0..500);
    }
}

/// An application may begin each connection with messages of its own, such as credentials.
#[test]
fn messages_that_the_socket_was_given_before() {
    for front in [0, 11, 12, 13, 19, 20, 100] {
        let mut rig = rig(options());
        rig.send("a").unwrap();
        let mut socket = WebSocket::client(SocketOptions::new(), KEYS, START);
        assert!(socket.send(&Frame::text("secret")).is_ok());
        rig.over(socket);
        rig.send("b").unwrap();
        let front = rig.write_some(front).len();
        let written = if front == 26 { 2 } else { u64::from(front >= 19) };
        assert_eq!(rig.link.written(), written);
        assert_eq!(rig.cut().2, 0..written);
        rig.wait().open();
        assert_eq!(rig.say(), texts(["a", "b"])[usize::try_from(written).unwrap()..]);
    }
}

/// What was silent all along is found out late, which does not make it a success.
#[test]
fn a_link_that_dies_silently_has_not_lasted() {
    let mut rig = rig(ReconnectOptions::new(backoff().max_attempts(2)));
    let beating = SocketOptions::new().ping_interval(ms(5000)).pong_timeout(ms(1000));
    for wait in [Some(ms(100)), Some(ms(200)), None] {
        rig.over(WebSocket::client(beating, KEYS, rig.now));
        rig.wait();
        assert_eq!(rig.poll_all(), []);
        assert_eq!(rig.say(), [Message::Ping(b""[..].into())]);
        let events = rig.wait().poll_all();
        assert_eq!(rig.end(&events), (1006, Some(Failure::PongTimeout), 0..0, wait));
        if wait.is_some() {
            rig.wait();
        }
    }

    let mut rig = self::rig(ReconnectOptions::new(backoff().max_attempts(1)));
    for _ in 0..3 {
        rig.over(WebSocket::client(beating, KEYS, rig.now));
        rig.now += ms(800);
        assert_eq!(rig.hear(|s| s.frame(TEXT, b"a")), [LinkEvent::Text("a".into())]);
        rig.wait().poll_all();
        rig.say();
        let events = rig.wait().poll_all();
        assert_eq!(rig.end(&events), (1006, Some(Failure::PongTimeout), 0..0, Some(ms(100))));
        rig.wait();
    }
}

#[test]
fn a_close_that_is_refused_hands_nothing_over() {
    let mut rig = rig(options());
    let pages = SocketOptions::new().browser_close_codes(true).high_water_mark(1);
    rig.over(WebSocket::client(pages, KEYS, rig.now));
    rig.send("a").unwrap();
    rig.send("b").unwrap();
    let waiting = rig.link.to_write(rig.now).remaining();
    let away = Close { code: CloseCode::GOING_AWAY, reason: "" };
    let refused = SendError::ReservedCloseCode(CloseCode::GOING_AWAY);
    assert_eq!(rig.link.close(Some(away), rig.now), Err(refused));
    assert_eq!(rig.link.to_write(rig.now).remaining(), waiting);
    assert_eq!(rig.say(), texts(["a", "b"]));
}
