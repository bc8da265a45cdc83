//! Every transition of `ReconnectingWebSocket`, and that each message is written once, in order.

use bytes::{Buf, BytesMut};
use eventwire::Backoff;
use eventwire_test_support::ws::socket::{KEYS, Keys, LinkRig, START, accept, decode, ms, request};

use eventwire::ws::frame::{Fault, OnLimit, Role};
use eventwire::ws::socket::Disconnected;
use eventwire::ws::{
    Close, CloseCode, Failure, Flow, Frame, Limits, Message, ProtocolError, ReadyState,
    ReconnectingWebSocket, ReconnectingWebSocketEvent, ReconnectingWebSocketOptions, SendError,
    WebSocket, WebSocketEvent, WebSocketOptions,
};
use std::error::Error;
use std::ops::Range;
use std::time::Duration;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

const BYE: Close<&str> = Close { code: CloseCode::NORMAL, reason: "bye" };

/// A backoff of 100, 200, 400, and then 800 ms.
fn backoff() -> Backoff {
    Backoff::new(ms(100), ms(800), 1).jitter(0)
}

fn options() -> ReconnectingWebSocketOptions {
    ReconnectingWebSocketOptions::new(backoff())
}

fn rig(options: ReconnectingWebSocketOptions) -> LinkRig {
    LinkRig::new(ReconnectingWebSocket::new(options))
}

/// An end: the code, the cause, the written messages, and the wait.
type End = (u16, Option<Failure>, Range<u64>, Option<Duration>);

trait Drive {
    fn over(&mut self, socket: WebSocket<Keys>) -> &mut Self;
    fn open(&mut self) -> &mut Self;
    fn just_open(&mut self);
    fn say(&mut self) -> Vec<Message>;
    fn send(&mut self, text: &str) -> Result<u64, SendError>;
    fn cut(&mut self) -> End;
    fn end(&self, events: &[ReconnectingWebSocketEvent]) -> End;
    fn unreachable(&self, events: &[ReconnectingWebSocketEvent]) -> Option<Duration>;
    fn wait(&mut self) -> &mut Self;
    fn miss(&mut self) -> &mut Self;
}

impl Drive for LinkRig {
    /// Hands over the requested transport with this socket, and opens it.
    #[track_caller]
    fn over(&mut self, socket: WebSocket<Keys>) -> &mut Self {
        assert_eq!(self.poll_all(), [ReconnectingWebSocketEvent::Connect]);
        self.link.connected(socket);
        assert_eq!(self.poll_all(), [ReconnectingWebSocketEvent::Open]);
        assert_eq!(self.link.ready_state(), ReadyState::Open);
        self
    }

    /// Like [`open`](Self::open), but the application has only just been told.
    #[track_caller]
    fn just_open(&mut self) {
        assert_eq!(self.poll_all(), [ReconnectingWebSocketEvent::Connect]);
        self.link.connected(WebSocket::client(WebSocketOptions::new(), KEYS, self.now));
        assert_eq!(
            self.link.poll(&mut self.received, self.now),
            Some(ReconnectingWebSocketEvent::Open)
        );
    }

    #[track_caller]
    fn open(&mut self) -> &mut Self {
        self.over(WebSocket::client(WebSocketOptions::new(), KEYS, self.now))
    }

    /// Returns the messages that the server reads if all bytes are written.
    fn say(&mut self) -> Vec<Message> {
        decode(Role::Server, &self.write())
    }

    fn send(&mut self, text: &str) -> Result<u64, SendError> {
        self.link.send(Frame::text(text))
    }

    /// Ends the transport.
    fn cut(&mut self) -> End {
        self.link.end_of_stream(self.now);
        let events = self.poll_all();
        self.end(&events)
    }

    #[track_caller]
    fn end(&self, events: &[ReconnectingWebSocketEvent]) -> End {
        let [
            ReconnectingWebSocketEvent::Disconnected(Disconnected {
                close,
                written,
                reconnect_at,
                ..
            }),
        ] = events
        else {
            panic!("not an end: {events:?}");
        };
        assert!(self.received.is_empty(), "no bytes are left for the next connection");
        assert_eq!(self.link.deadline(), *reconnect_at);
        let state =
            if reconnect_at.is_some() { ReadyState::Connecting } else { ReadyState::Closed };
        assert_eq!(self.link.ready_state(), state);
        (
            close.code,
            close.failure.clone(),
            written.clone(),
            reconnect_at.map(|at| at.saturating_sub(self.now)),
        )
    }

    /// Returns the wait after an attempt that failed with "no route".
    #[track_caller]
    fn unreachable(&self, events: &[ReconnectingWebSocketEvent]) -> Option<Duration> {
        let (1006, Some(Failure::Transport(error)), Range { start: 0, end: 0 }, wait) =
            self.end(events)
        else {
            panic!("{events:?}")
        };
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("no route"));
        wait
    }

    /// Checks that nothing happens until the deadline, or until the last chance ends.
    #[track_caller]
    fn miss(&mut self) -> &mut Self {
        self.wait();
        assert_eq!(self.poll_all(), []);
        self.wait()
    }

    /// Checks that nothing happens until the deadline.
    #[track_caller]
    fn wait(&mut self) -> &mut Self {
        let deadline = self.link.deadline().expect("a deadline is set");
        self.now = deadline.saturating_sub(Duration::from_nanos(1));
        assert_eq!(self.poll_all(), []);
        self.now = deadline;
        self
    }
}

fn texts<const N: usize>(texts: [&str; N]) -> [Message; N] {
    texts.map(|text| Message::Text(text.into()))
}

const CUT: Option<Failure> = Some(Failure::EndOfStream);

// Connections.

#[test]
fn the_first_connection_is_made_at_once() {
    for now in [Duration::ZERO, START] {
        let mut rig = rig(options());
        rig.now = now;
        assert_eq!(rig.link.ready_state(), ReadyState::Connecting);
        assert_eq!(rig.link.deadline(), Some(Duration::ZERO));
        assert_eq!(rig.link.to_write(now).remaining(), 0);
        assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
        assert_eq!(rig.link.ready_state(), ReadyState::Connecting);
        let timeout = ReconnectingWebSocketOptions::DEFAULT_CONNECT_TIMEOUT;
        assert_eq!(rig.link.deadline(), Some(now + timeout));
        assert_eq!((rig.link.protocol(), rig.link.wants_shutdown()), ("", false));
    }
}

#[test]
fn with_an_opening_handshake() {
    let mut rig = rig(options());
    rig.send("early").unwrap();
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
    rig.link.connected(WebSocket::connect(&request(), WebSocketOptions::new(), KEYS, rig.now));
    assert_eq!(rig.poll_all(), []);
    assert_eq!(rig.link.ready_state(), ReadyState::Connecting);
    assert_eq!(rig.link.deadline(), Some(START + WebSocketOptions::DEFAULT_HANDSHAKE_TIMEOUT));
    let answer = accept(&rig.write()).expect("only the request is written");
    rig.received.extend_from_slice(&answer);
    rig.received.extend_from_slice(b"\x81\x02hi\x82\x01b");
    let events = [
        ReconnectingWebSocketEvent::Open,
        ReconnectingWebSocketEvent::Text("hi".into()),
        ReconnectingWebSocketEvent::Binary(b"b"[..].into()),
    ];
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
    // The time that opening took does not count.
    rig.wait();
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
    rig.link.connected(WebSocket::connect(&request(), WebSocketOptions::new(), KEYS, rig.now));
    rig.now += ms(5000);
    assert_eq!(rig.cut().3, Some(ms(200)));
}

#[test]
fn waits_are_within_their_bounds() {
    for seed in 0..300 {
        let backoff = Backoff::new(ms(100), ms(800), seed).jitter(40);
        let mut rig = rig(ReconnectingWebSocketOptions::new(backoff));
        for bound in [100, 200, 400, 800, 800] {
            rig.open();
            let wait = rig.cut().3.unwrap();
            assert!(ms(bound) * 6 / 10 <= wait && wait <= ms(bound), "{wait:?}");
            rig.wait();
        }
    }
    for seed in 0..300 {
        let mut rig =
            rig(ReconnectingWebSocketOptions::new(ReconnectingWebSocketOptions::rfc_backoff(seed)));
        for bound in [5, 10, 20, 40, 60, 60] {
            rig.open();
            assert!(rig.cut().3.unwrap() <= Duration::from_secs(bound));
            rig.wait();
        }
    }
}

#[test]
fn attempts_are_counted() {
    let mut rig = rig(ReconnectingWebSocketOptions::new(backoff().max_attempts(2)));
    for wait in [Some(ms(100)), Some(ms(200)), None] {
        assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
        rig.link.connect_failed("no route");
        assert!(rig.link.deadline() <= Some(rig.now), "a poll is due");
        let events = rig.poll_all();
        assert_eq!(rig.unreachable(&events), wait);
        rig.now += wait.unwrap_or_default();
    }
    assert_dead(&mut rig);
}

#[test]
fn a_connection_that_lasted_gives_new_attempts() {
    let mut rig = rig(ReconnectingWebSocketOptions::new(backoff().max_attempts(1)));
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
    assert_eq!(rig.send("late"), Err(SendError::Closed));
    assert_eq!(rig.link.close(None, rig.now), Ok(()));
    rig.link.connect_failed("no route");
    rig.link.connected(WebSocket::client(WebSocketOptions::new(), KEYS, rig.now));
    rig.link.end_of_stream(rig.now);
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
    let (1006, Some(Failure::Protocol(_)), _, None) = rig.cut() else { panic!("not final") };
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
        rig.link.connected(WebSocket::connect(&request(), WebSocketOptions::new(), KEYS, rig.now));
        rig.received.extend(refusal(status, ""));
        let events = rig.poll_all();
        let (1006, Some(Failure::Refused(refusal)), _, wait) = rig.end(&events) else {
            panic!("{events:?}")
        };
        assert_eq!((refusal.status(), &refusal.body()[..]), (status, &b"why"[..]));
        assert_eq!(wait, (!is_final).then_some(ms(100)));
    }
}

/// Returns a response with this status, further headers and a body.
fn refusal(status: u16, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} So\r\n{headers}Content-Length: 3\r\n\r\nwhy").into()
}

/// A server's `retry-after` is obeyed, but never shortens the backoff.
#[test]
fn retry_after_is_heeded() {
    for (status, header, wait) in [
        (503, "Retry-After: 120\r\n", Some(ms(120_000))),
        (429, "retry-after:  7 \r\n", Some(ms(7_000))),
        (503, "Retry-After: 0\r\n", Some(ms(100))),
        (503, "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", Some(ms(100))),
        (404, "Retry-After: 7\r\n", None),
    ] {
        let mut rig = rig(options());
        rig.poll_all();
        rig.link.connected(WebSocket::connect(&request(), WebSocketOptions::new(), KEYS, rig.now));
        rig.received.extend(refusal(status, header));
        let events = rig.poll_all();
        assert_eq!(rig.end(&events).3, wait, "{header}");
    }
}

/// A driver that follows redirects makes the whole handshake before it hands the socket over.
#[test]
fn a_handshake_that_failed_elsewhere_is_judged_alike() {
    for (status, header, wait) in [
        (429, "Retry-After: 7\r\n", Some(ms(7_000))),
        (503, "", Some(ms(100))),
        (401, "Retry-After: 7\r\n", None),
    ] {
        let mut socket = WebSocket::connect(&request(), WebSocketOptions::new(), KEYS, START);
        let mut received = BytesMut::from(&*refusal(status, header));
        let Some(WebSocketEvent::Close(close)) = socket.poll(&mut received, START) else {
            panic!("no refusal")
        };
        let mut rig = rig(options());
        rig.poll_all();
        rig.link.handshake_failed(close.failure.clone().unwrap());
        let events = rig.poll_all();
        assert_eq!(rig.end(&events), (1006, close.failure, 0..0, wait), "{status} {header}");
        // It was not asked for.
        rig.link.handshake_failed(Failure::HandshakeTimeout);
        assert_eq!(rig.poll_all(), []);
    }
}

/// Its first messages go first, the kept ones only after `Open`, and what it left unread is read.
#[test]
fn a_socket_that_has_opened_is_reported_as_open() {
    let mut socket = WebSocket::client(WebSocketOptions::new(), KEYS, START);
    let mut received = BytesMut::from(&b"\x81\x02hi"[..]);
    assert_eq!(socket.poll(&mut received, START), Some(WebSocketEvent::Open));
    assert!(socket.send("login").is_ok());
    let mut rig = rig(options());
    rig.send("kept").unwrap();
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
    rig.link.connected(socket);
    rig.received = received;
    let hello = ReconnectingWebSocketEvent::Text("hi".into());
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Open, hello]);
    assert_eq!(rig.say(), texts(["login", "kept"]));
}

#[test]
fn a_socket_that_has_opened_and_closes_is_reported_as_open_first() {
    let mut socket = WebSocket::client(WebSocketOptions::new(), KEYS, START);
    socket.poll(&mut BytesMut::new(), START);
    socket.end_of_stream(START);
    let mut rig = rig(options());
    rig.poll_all();
    rig.link.connected(socket);
    let events = rig.poll_all();
    assert_eq!(events[0], ReconnectingWebSocketEvent::Open);
    assert_eq!(rig.end(&events[1..]).0, 1006);
}

/// The deadlines of attempts and of closing run while nothing is read, but silence is no fault.
#[test]
fn time_passes_while_no_message_is_taken() {
    let mut rig = rig(options().connect_timeout(ms(50)));
    let poll = |rig: &mut LinkRig| rig.link.poll_time(&mut rig.received, rig.now);
    assert_eq!(poll(&mut rig), Some(ReconnectingWebSocketEvent::Connect));
    let options = WebSocketOptions::new().idle_timeout(ms(1000)).closing_timeout(ms(300));
    rig.link.connected(WebSocket::client(options, KEYS, rig.now));
    assert_eq!(poll(&mut rig), Some(ReconnectingWebSocketEvent::Open));
    rig.received.extend(b"\x81\x02hi");
    for _ in 0..10 {
        rig.now += ms(900);
        assert_eq!(poll(&mut rig), None);
    }
    let hello = ReconnectingWebSocketEvent::Text("hi".into());
    assert_eq!(rig.poll_all(), [hello]);
    rig.received.extend(b"\x81\x02ho");
    rig.link.write_failed("reset", rig.now);
    let end = loop {
        rig.now = rig.link.deadline().expect("closing");
        if let Some(event) = poll(&mut rig) {
            break rig.end(&[event]);
        }
    };
    assert_eq!((end.0, end.3), (1006, Some(ms(100))));
    assert_eq!(rig.received, b""[..]);
    rig.wait();
    assert_eq!(poll(&mut rig), Some(ReconnectingWebSocketEvent::Connect));
    let end = loop {
        rig.now = rig.link.deadline().expect("connecting");
        if let Some(event) = poll(&mut rig) {
            break rig.end(&[event]);
        }
    };
    assert_eq!(end.1, Some(Failure::ConnectTimeout));
}

/// Peers that mean to say goodbye and get it wrong; NATS has 1006 in its frames.
#[test]
fn an_ill_formed_close_frame_is_a_goodbye() {
    let faults = [
        (&b"\x03\xED"[..], Fault::InvalidCloseCode(1005), 3, 1002),
        (b"\x03\xEE", Fault::InvalidCloseCode(1006), 3, 1002),
        (b"\x00\x01", Fault::InvalidCloseCode(1), 3, 1002),
        (b"\x03", Fault::CloseTooShort, 1, 1002),
        (b"\x03\xF3\xFF", Fault::InvalidCloseReason, 4, 1007),
    ];
    for (payload, fault, at, code) in faults {
        let mut rig = rig(options());
        rig.open().hear(|s| s.frame(CLOSE, payload));
        let [Message::Close(Some(told))] = &rig.say()[..] else { panic!("the peer is not told") };
        assert_eq!(told.code.get(), code);
        let (1006, Some(Failure::Protocol(error)), _, Some(_)) = rig.cut() else { panic!() };
        assert_eq!(error.fault, fault);
        assert_eq!(error.offset, at, "{error}");
        rig.wait().open();
    }
}

/// The application's future may be dropped, so that nothing reports the failed connection.
#[test]
fn a_connect_that_is_never_heard_of_again() {
    let mut rig = rig(options().connect_timeout(ms(5000)));
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
    assert_eq!(rig.link.deadline(), Some(START + ms(5000)));
    let events = rig.miss().poll_all();
    assert_eq!(rig.end(&events), (1006, Some(Failure::ConnectTimeout), 0..0, Some(ms(100))));
    // A late transport serves the next attempt only if that attempt has asked for one.
    rig.link.connected(WebSocket::client(WebSocketOptions::new(), KEYS, rig.now));
    rig.wait().open();
    // A program that was suspended meanwhile has one more chance to report its transport.
    rig.cut();
    rig.wait();
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
    rig.now += ms(1_000_000);
    assert_eq!(rig.poll_all(), []);
    rig.link.connected(WebSocket::client(WebSocketOptions::new(), KEYS, rig.now));
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Open]);
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
    let socket = |rig: &LinkRig| WebSocket::client(WebSocketOptions::new(), KEYS, rig.now);
    let mut rig = rig(options());
    rig.link.connected(socket(&rig));
    rig.link.connect_failed("no route");
    rig.link.end_of_stream(rig.now);
    rig.open();
    rig.link.connected(socket(&rig));
    rig.link.connect_failed("no route");
    assert_eq!(rig.poll_all(), []);
    assert_eq!(rig.link.ready_state(), ReadyState::Open);
    rig.cut();
    rig.link.connected(socket(&rig));
    rig.link.connect_failed("no route");
    rig.link.end_of_stream(rig.now);
    rig.wait();
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
    rig.link.connect_failed("no route");
    // A transport that arrives after all.
    rig.link.connected(socket(&rig));
    let events = rig.poll_all();
    assert_eq!(rig.unreachable(&events), Some(ms(200)));
}

#[test]
fn what_was_received_is_cleared_with_its_connection() {
    let mut rig = rig(options());
    assert_eq!(rig.open().hear(|s| s.raw(b"\x81\x05hal")), []);
    assert_eq!(rig.cut(), (1006, CUT, 0..0, Some(ms(100))));
    rig.wait().open();
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"a")), [ReconnectingWebSocketEvent::Text("a".into())]);
}

// Closing.

#[test]
fn closed_before_a_connection_is_up() {
    // At first; while a connection is made; after that failed; between two connections.
    for moment in 0..4 {
        let mut rig = rig(options());
        rig.send("left").unwrap();
        if moment > 0 {
            assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
        }
        if moment == 2 {
            rig.link.connect_failed("no route");
        }
        if moment == 3 {
            rig.link.connect_failed("no route");
            rig.poll_all();
        }
        assert_eq!(rig.link.close(Some(BYE), rig.now), Ok(()));
        assert_eq!(rig.link.ready_state(), ReadyState::Closing);
        assert_eq!(rig.send("late"), Err(SendError::Closed));
        rig.link.connected(WebSocket::client(WebSocketOptions::new(), KEYS, rig.now));
        assert!(rig.link.deadline() <= Some(rig.now), "a poll is due");
        let events = rig.poll_all();
        if moment == 2 {
            assert_eq!(rig.unreachable(&events), None);
        } else {
            let aborted = Some(Failure::Aborted);
            assert_eq!(rig.end(&events), (1006, aborted, 0..0, None), "{moment}");
        }
        assert_eq!((rig.link.written(), rig.link.buffered_amount()), (0, 4));
        assert_dead(&mut rig);
    }
}

#[test]
fn closed_in_the_opening_handshake() {
    let mut rig = rig(options());
    rig.poll_all();
    rig.link.connected(WebSocket::connect(&request(), WebSocketOptions::new(), KEYS, rig.now));
    rig.link.close(None, rig.now).unwrap();
    assert_eq!(rig.link.ready_state(), ReadyState::Closing);
    let events = rig.poll_all();
    assert_eq!(rig.end(&events), (1006, Some(Failure::Aborted), 0..0, None));
    assert_dead(&mut rig);
}

/// All waiting messages are written first, however little the socket accepts at once.
#[test]
fn closed_while_open() {
    let mut rig = rig(options());
    let small = WebSocketOptions::new().high_water_mark(1);
    rig.over(WebSocket::client(small, KEYS, START));
    for text in ["a", "b", "c"] {
        rig.send(text).unwrap();
    }
    rig.link.close(Some(BYE), rig.now).unwrap();
    assert_eq!(rig.link.ready_state(), ReadyState::Closing);
    assert_eq!(rig.send("late"), Err(SendError::Closed));
    rig.link.close(None, rig.now).unwrap();
    let [a, b, c, Message::Close(Some(close))] = &rig.say()[..] else { panic!("wrong order") };
    assert_eq!([a, b, c].map(Clone::clone), texts(["a", "b", "c"]));
    assert_eq!((close.code, &*close.reason), (BYE.code, BYE.reason));
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"late").frame(CLOSE, b"\x03\xE9")).len(), 1);
    assert_eq!(rig.cut(), (1001, None, 0..3, None), "closing makes 1001 final");
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
    let pages = WebSocketOptions::new().browser_close_codes(true);
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
    assert_eq!(rig.cut().3, Some(ms(100)), "the client reconnects");
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
    assert_eq!(rig.link.send(Frame::binary(&b"2"[..])), Ok(2));
    let binary = Message::Binary(b"2"[..].into());
    assert_eq!(rig.say(), [&texts(["0", "1"])[..], &[binary]].concat());
    assert_eq!((rig.link.written(), rig.link.buffered_amount()), (3, 0));
    assert_eq!(rig.cut().2, 0..3);

    assert_eq!(rig.send("3"), Ok(3));
    rig.wait();
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
    assert_eq!(rig.send("4"), Ok(4));
    rig.link.connect_failed("no route");
    let events = rig.poll_all();
    assert_eq!(rig.end(&events).2, 3..3);
    rig.wait().open();
    assert_eq!(rig.say(), texts(["3", "4"]));
    assert_eq!(rig.cut().2, 3..5);
    rig.wait().open();
    assert_eq!(rig.say(), []);
    assert_eq!(rig.cut().2, 5..5);
}

/// Wherever the connection is cut, wholly written messages are not sent again, and all others are.
#[test]
fn cut_at_every_byte() {
    let sent = ["zero", "", "two", "three"];
    // The number of bytes after which each message is wholly written. Header and key take 6 bytes
    // each.
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
        // The next connection is cut at once, with its first message half written.
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

/// Frames other than messages have no numbers.
#[test]
fn pings_pongs_and_the_handshake_have_no_numbers() {
    let mut rig = rig(options());
    rig.poll_all();
    let socket = WebSocketOptions::new().ping_interval(ms(500));
    rig.link.connected(WebSocket::connect(&request(), socket, KEYS, rig.now));
    rig.send("a").unwrap();
    let answer = accept(&rig.write()).unwrap();
    assert_eq!(rig.link.written(), 0);
    rig.received.extend_from_slice(&answer);
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Open]);
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
    // The first two messages may already be with the socket. The third is too late.
    rig.send("c").unwrap();
    let said = rig.say();
    let Some((Message::Close(_), before)) = said.split_last() else { panic!("no close frame") };
    let written = before.len() as u64;
    assert_eq!(rig.cut(), (1001, None, 0..written, Some(ms(100))));
    rig.wait().open();
    let again = rig.say();
    assert_eq!([before, &again].concat(), texts(["a", "b", "c"]));
}

#[test]
fn a_socket_that_is_closed_is_no_connection() {
    let mut rig = rig(options());
    assert_eq!(rig.poll_all(), [ReconnectingWebSocketEvent::Connect]);
    let mut socket = WebSocket::client(WebSocketOptions::new(), KEYS, START);
    let mut received = BytesMut::new();
    assert_eq!(socket.poll(&mut received, START), Some(WebSocketEvent::Open));
    socket.end_of_stream(START);
    assert!(socket.poll(&mut received, START).is_some());
    rig.link.connected(socket);
    let [ReconnectingWebSocketEvent::Disconnected(end)] = &rig.poll_all()[..] else {
        panic!("no connection was requested")
    };
    assert!(matches!(end.close.failure, Some(Failure::Transport(_))));
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
        assert_eq!(rig.send("12345678901"), Err(too_long), "waiting would not help");
        assert_eq!(rig.send("1234567"), Ok(0));
        assert_eq!(rig.send("1234"), Err(SendError::Full));
        assert_eq!(rig.send("123"), Ok(1));
        assert_eq!(rig.send("1"), Err(SendError::Full));
        assert_eq!(rig.send(""), Ok(2));
        assert_eq!(rig.send(""), Err(SendError::Full));
        if !connected {
            rig.open();
        }
        // A message counts until its last byte is written.
        rig.write_some(12);
        assert_eq!(rig.send(""), Err(SendError::Full));
        rig.write_some(1);
        assert_eq!(rig.send("1234567"), Ok(3), "room is available at once");
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
        assert_eq!(rig.link.send(frame), Err(SendError::NoWholeMessage));
    }
    assert_eq!(rig.send("a"), Ok(0));
    assert_eq!(rig.say(), texts(["a"]));
}

/// The socket accepts little at a time, and the loop drains everything.
#[test]
fn a_high_water_mark_below_the_queue() {
    for mark in [1, 30, 100, 5000] {
        let mut rig = rig(options());
        let socket = WebSocketOptions::new().high_water_mark(mark);
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

/// An application may begin each connection with its own messages, such as credentials.
#[test]
fn messages_that_the_socket_was_given_before() {
    for front in [0, 11, 12, 13, 19, 20, 100] {
        let mut rig = rig(options());
        rig.send("a").unwrap();
        let mut socket = WebSocket::client(WebSocketOptions::new(), KEYS, START);
        assert!(socket.send(Frame::text("secret")).is_ok());
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

/// A connection that was silent all along is noticed late, which does not make it a success.
#[test]
fn a_link_that_dies_silently_has_not_lasted() {
    let mut rig = rig(ReconnectingWebSocketOptions::new(backoff().max_attempts(2)));
    let beating = WebSocketOptions::new().ping_interval(ms(5000)).pong_timeout(ms(1000));
    for wait in [Some(ms(100)), Some(ms(200)), None] {
        rig.over(WebSocket::client(beating, KEYS, rig.now));
        rig.wait();
        assert_eq!(rig.poll_all(), []);
        assert_eq!(rig.say(), [Message::Ping(b""[..].into())]);
        let events = rig.miss().poll_all();
        assert_eq!(rig.end(&events), (1006, Some(Failure::PongTimeout), 0..0, wait));
        if wait.is_some() {
            rig.wait();
        }
    }

    let mut rig = self::rig(ReconnectingWebSocketOptions::new(backoff().max_attempts(1)));
    for _ in 0..3 {
        rig.over(WebSocket::client(beating, KEYS, rig.now));
        rig.now += ms(800);
        assert_eq!(
            rig.hear(|s| s.frame(TEXT, b"a")),
            [ReconnectingWebSocketEvent::Text("a".into())]
        );
        rig.wait().poll_all();
        rig.say();
        let events = rig.miss().poll_all();
        assert_eq!(rig.end(&events), (1006, Some(Failure::PongTimeout), 0..0, Some(ms(100))));
        rig.wait();
    }
}

#[test]
fn a_close_that_is_refused_hands_nothing_over() {
    let mut rig = rig(options());
    let pages = WebSocketOptions::new().browser_close_codes(true).high_water_mark(1);
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

// The first messages of each connection.

/// A login goes before all waiting messages, although they were queued first.
#[test]
fn a_login_on_each_connection_goes_first() {
    let mut rig = rig(options());
    rig.send("order 1").unwrap();
    for (number, login) in ["login 1", "login 2", "login 3"].into_iter().enumerate() {
        rig.just_open();
        assert_eq!(rig.link.send_now(Frame::text(login)), Ok(Flow::Ready));
        assert_eq!(rig.link.buffered_amount(), 7, "a login is not kept");
        let order = format!("order {}", number + 1);
        assert_eq!(rig.say(), texts([login, &order]));
        assert_eq!(rig.link.written(), number as u64 + 1);
        rig.cut();
        rig.send(&format!("order {}", number + 2)).unwrap();
        rig.wait();
    }
}

/// If a connection is cut inside its login, no message counts as written.
#[test]
fn a_login_has_no_number() {
    for front in [0, 5, 12, 13, 20, 26] {
        let mut rig = rig(options());
        rig.send("a").unwrap();
        rig.just_open();
        rig.link.send_now(Frame::text("secret")).map(drop).unwrap();
        rig.link.send_now(Frame::ping(&b"p"[..]).unwrap()).map(drop).unwrap();
        rig.send("b").unwrap();
        // The login takes 12 bytes, the ping 7, and each message 7.
        let len = rig.write_some(front).len();
        let written = u64::from(len >= 26);
        assert_eq!(rig.link.written(), written);
        assert_eq!(rig.cut().2, 0..written);
        rig.wait().just_open();
        assert_eq!(rig.say(), texts(["a", "b"])[usize::try_from(written).unwrap()..]);
    }
}

/// GraphQL over WebSocket does this: subscriptions wait for the reply to the first message.
#[test]
fn messages_are_held_until_the_server_is_ready() {
    let mut rig = rig(options());
    rig.send("subscribe").unwrap();
    for _ in 0..2 {
        rig.just_open();
        rig.link.hold();
        rig.link.send_now(Frame::text("connection_init")).map(drop).unwrap();
        assert_eq!(rig.say(), texts(["connection_init"]));
        rig.send("more").unwrap();
        assert_eq!(rig.say(), []);
        rig.cut();
        rig.wait();
    }
    rig.just_open();
    rig.link.hold();
    assert_eq!(rig.hear(|s| s.frame(TEXT, b"connection_ack")).len(), 1);
    rig.link.release();
    assert_eq!(rig.say(), texts(["subscribe", "more", "more"]));
    // An application that closes while messages are held, as after a refused login, can take them
    // back.
    rig.send("last").unwrap();
    rig.link.hold();
    rig.link.close(Some(BYE), rig.now).unwrap();
    assert!(matches!(rig.say()[..], [Message::Close(_)]));
    rig.cut();
    assert_eq!(unsent(&mut rig).len(), 1);
}

#[test]
fn an_unfinished_message_does_not_keep_a_client_from_closing() {
    let mut rig = rig(options());
    rig.just_open();
    rig.link.send_now(Frame::text("a").unfinished()).map(drop).unwrap();
    rig.send("kept").unwrap();
    rig.link.close(Some(BYE), rig.now).unwrap();
    assert_eq!(rig.link.ready_state(), ReadyState::Closing);
    rig.write();
    rig.hear(|s| s.frame(CLOSE, b"\x03\xE8"));
    rig.cut();
    assert_eq!(unsent(&mut rig).len(), 1);
}

#[test]
fn what_is_sent_now_needs_a_connection() {
    let mut rig = rig(options());
    let login = Frame::text("login");
    assert_eq!(rig.link.send_now(login), Err(SendError::Connecting));
    rig.poll_all();
    assert_eq!(rig.link.send_now(login), Err(SendError::Connecting));
    rig.link.connected(WebSocket::connect(&request(), WebSocketOptions::new(), KEYS, rig.now));
    assert_eq!(rig.link.send_now(login), Err(SendError::Connecting));
    rig.link.close(None, rig.now).unwrap();
    assert_eq!(rig.link.send_now(login), Err(SendError::Closed));
    rig.poll_all();
    assert_eq!(rig.link.send_now(login), Err(SendError::Closed));
}

// The kept messages.

fn unsent(rig: &mut LinkRig) -> Vec<(u64, String)> {
    let text = |frame: &Frame<bytes::Bytes>| String::from_utf8(frame.payload().into()).unwrap();
    rig.link.unsent().map(|(number, frame)| (number, text(frame))).collect()
}

#[test]
fn kept_messages_can_be_seen_dropped_and_taken_back() {
    let kept = |all: &[(u64, &str)]| -> Vec<_> {
        all.iter().map(|(number, text)| (*number, (*text).to_owned())).collect()
    };
    let mut rig = rig(options());
    for text in ["a", "bb", "ccc", "dddd"] {
        rig.send(text).unwrap();
    }
    assert_eq!(unsent(&mut rig), kept(&[(0, "a"), (1, "bb"), (2, "ccc"), (3, "dddd")]));
    let taken = rig.link.take_unsent(|number, frame| number == 1 || frame.payload() == b"dddd");
    let numbers: Vec<_> = taken.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(taken[0].1, Frame::text_from_utf8(b"bb"[..].into()).unwrap());
    assert_eq!(unsent(&mut rig), kept(&[(0, "a"), (2, "ccc")]));
    assert_eq!(rig.link.buffered_amount(), 4);
    // Numbers are not used twice.
    assert_eq!(rig.send("e"), Ok(4));
    rig.open();
    let front = rig.write_some(7 + 3).len();
    assert_eq!((front, rig.link.written()), (10, 1));
    assert_eq!(unsent(&mut rig), kept(&[(2, "ccc"), (4, "e")]));
    // Messages that the connection already has cannot be taken back.
    assert_eq!(rig.link.take_unsent(|_, _| true), []);
    assert_eq!(rig.cut().2, 0..1);
    assert_eq!(rig.link.take_unsent(|number, _| number == 2).len(), 1);
    rig.wait().open();
    assert_eq!(rig.say(), texts(["e"]));
    assert_eq!(rig.link.written(), 5);
    assert_eq!(rig.cut().2, 1..5);
    assert_eq!(unsent(&mut rig), []);
}

/// Taking messages back makes room for others.
#[test]
fn taking_back_makes_room() {
    let mut rig = rig(options().max_unsent(2, 6));
    rig.send("abc").unwrap();
    rig.send("def").unwrap();
    assert_eq!(rig.send("g"), Err(SendError::Full));
    rig.link.take_unsent(|number, _| number == 0);
    assert_eq!(rig.send("ghi"), Ok(2));
    assert_eq!(rig.send("j"), Err(SendError::Full));
}

/// A useless connection is failed, and the next one is made.
#[test]
fn a_connection_is_failed_and_made_again() {
    let mut rig = rig(options());
    rig.link.fail(None, rig.now).unwrap();
    rig.open();
    rig.send("kept").unwrap();
    rig.link.hold();
    let policy = Close { code: CloseCode::POLICY_VIOLATION, reason: "no login" };
    rig.link.fail(Some(policy), rig.now).unwrap();
    let told = Close { code: policy.code, reason: policy.reason.into() };
    assert_eq!(rig.say(), [Message::Close(Some(told))]);
    assert!(rig.link.wants_shutdown());
    assert_eq!(rig.cut(), (1006, Some(Failure::Local), 0..0, Some(ms(100))));
    rig.wait().open();
    assert_eq!(rig.say(), texts(["kept"]));
}

#[test]
fn what_a_socket_shows_a_link_shows() {
    let limits = Limits::new().max_message(4).on_limit(OnLimit::Skip);
    let socket = WebSocketOptions::new().control_events(true).limits(limits);
    let mut rig = rig(options());
    rig.over(WebSocket::client(socket.ping_interval(ms(1000)), KEYS, START));
    let events = rig.hear(|s| s.frame(0x89, b"a").frame(0x8A, b"b").frame(TEXT, b"hello"));
    let fault = Fault::MessageTooLong { limit: 4, at_least: 5 };
    let expected = [
        ReconnectingWebSocketEvent::Ping(b"a"[..].into()),
        ReconnectingWebSocketEvent::Pong(b"b"[..].into()),
        ReconnectingWebSocketEvent::Skipped(ProtocolError { fault, offset: 7 }),
    ];
    assert_eq!(events, expected);
    rig.wait().poll_all();
    rig.write();
    rig.now += ms(5);
    assert_eq!(rig.hear(|s| s.frame(0x8A, b"")).len(), 1);
    assert_eq!(rig.link.round_trip(), Some(ms(5)));
}
