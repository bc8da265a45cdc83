//! `WebSocket` and `ReconnectingWebSocket` under random calls: rules that hold after each call.

use bytes::{Buf, Bytes, BytesMut};
use eventwire::Backoff;
use eventwire::ws::connection::MessageDecoder;
use eventwire::ws::frame::{FrameDecoder, FrameEvent, NoMask, Role};
use eventwire::ws::socket::ToWrite;
use eventwire::ws::{
    Close, CloseCode, Failure, Flow, Frame, Limits, Message, ReadyState, ReconnectingWebSocket,
    ReconnectingWebSocketEvent, ReconnectingWebSocketOptions, SendError, WebSocket, WebSocketEvent,
    WebSocketOptions,
};
use eventwire_test_support::ws::Stream;
use eventwire_test_support::ws::socket::{KEYS, Keys, START, accept, ms, other, request};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

/// A call, or an action of the network before the next call.
#[derive(Clone, Debug)]
enum Op {
    /// The peer sends a frame.
    Peer(u8, Vec<u8>),
    /// The peer sends arbitrary bytes.
    Garbage(Vec<u8>),
    /// This many of the peer's bytes arrive.
    Arrive(usize),
    Poll,
    PollAll,
    Write(usize),
    /// Sends a message of this length, text or binary, in one of the ways to send.
    Send {
        text: bool,
        len: usize,
        way: u8,
    },
    Ping(usize),
    Close(u16),
    Forward(u64),
    Back(u64),
    ToDeadline,
    End,
    Fail,
    /// Holds kept messages back, or releases them.
    Hold(bool),
    /// Sends a message over this connection alone.
    Now,
}

/// The message that is sent over one connection alone.
const NOW: &str = "!";

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let b0 = prop_oneof![
        8 => prop::sample::select(vec![0x81_u8, 0x82]),
        4 => prop::sample::select(vec![0x89_u8, 0x8A]),
        3 => prop::sample::select(vec![0x01_u8, 0x00, 0x80]),
    ];
    let ascii = || (0_usize..400).prop_map(|len| vec![b'a'; len]);
    let close = prop::sample::select(vec![1000_u16, 1001, 1011, 3000, 1005]);
    let op = prop_oneof![
        8 => (b0, prop_oneof![4 => Just(vec![b'x'; 5]), 1 => ascii()]).prop_map(|(b0, payload)| {
            Op::Peer(b0, if b0 >= 0x88 { payload[..payload.len().min(100)].to_vec() } else { payload })
        }),
        1 => close.clone().prop_map(|code| {
            let payload = if code == 1005 { vec![] } else { code.to_be_bytes().to_vec() };
            Op::Peer(0x88, payload)
        }),
        1 => prop::collection::vec(any::<u8>(), 1..20).prop_map(Op::Garbage),
        8 => prop_oneof![(0_usize..20), Just(usize::MAX)].prop_map(Op::Arrive),
        4 => Just(Op::Poll),
        10 => Just(Op::PollAll),
        12 => prop_oneof![(0_usize..200), Just(usize::MAX)].prop_map(Op::Write),
        14 => (any::<bool>(), prop_oneof![0_usize..150, 2000_usize..2100], 0_u8..6)
            .prop_map(|(text, len, way)| Op::Send { text, len, way }),
        2 => (0_usize..126).prop_map(Op::Ping),
        1 => close.prop_map(Op::Close),
        6 => (0_u64..3000).prop_map(Op::Forward),
        1 => (0_u64..3000).prop_map(Op::Back),
        6 => Just(Op::ToDeadline),
        1 => Just(Op::End),
        1 => Just(Op::Fail),
        2 => any::<bool>().prop_map(Op::Hold),
        2 => Just(Op::Now),
    ];
    prop::collection::vec(op, 0..80)
}

const HIGH_WATER_MARK: usize = 4000;

fn options() -> impl Strategy<Value = WebSocketOptions> {
    let time = || prop_oneof![Just(0_u64), 1_u64..4000];
    let messages = (time(), any::<bool>());
    (time(), 1_u64..4000, time(), 1_u64..4000, 1_u64..4000, messages).prop_map(
        |(ping, pong, idle, closing, handshake, (message, shown))| {
            WebSocketOptions::new()
                .limits(Limits::new().max_message(1000))
                .message_timeout(ms(message))
                .control_events(shown)
                .ping_interval(ms(ping))
                .pong_timeout(ms(pong))
                .idle_timeout(ms(idle))
                .closing_timeout(ms(closing))
                .handshake_timeout(ms(handshake))
                .high_water_mark(HIGH_WATER_MARK)
        },
    )
}

/// The bytes that the transport accepted for one connection, decoded.
struct Written {
    /// The length of the bytes before the frames, such as a request.
    head: usize,
    decoder: FrameDecoder,
    messages: MessageDecoder,
    left: BytesMut,
    /// The number of payload bytes in messages.
    payload: usize,
    whole: Vec<Message>,
    pending: Vec<u8>,
}

impl Written {
    fn new(by: Role, head: usize) -> Self {
        let reader = other(by);
        Self {
            head,
            decoder: FrameDecoder::new(reader, Limits::new()),
            messages: MessageDecoder::new(reader, Limits::new()),
            left: BytesMut::new(),
            payload: 0,
            whole: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Takes up to `most` of the bytes to write. They form a valid stream, however it is cut.
    fn take(&mut self, mut to_write: ToWrite<'_>, most: usize) -> usize {
        let len = most.min(to_write.remaining());
        let mut bytes = to_write.copy_to_bytes(len);
        let head = self.head.min(len);
        self.head -= head;
        bytes.advance(head);
        self.pending.extend_from_slice(&bytes);
        let mut input = &mut self.pending[..];
        while let Some(event) = self.decoder.decode(&mut input).expect("a valid stream") {
            if let FrameEvent::Data(data) = event {
                self.payload += data.payload.len();
            }
        }
        self.pending = input.to_vec();
        self.left.extend_from_slice(&bytes);
        while let Some(message) = self.messages.decode(&mut self.left).expect("a valid stream") {
            let is_data = matches!(message, Message::Text(_) | Message::Binary(_));
            if is_data && message != Message::Text(NOW.into()) {
                self.whole.push(message);
            }
        }
        len
    }
}

/// The peer's stream, part of which is still in transit.
struct Peer {
    stream: Stream,
    on_its_way: VecDeque<u8>,
    /// The peer sent garbage, a close frame or fragments. Their effects are not modelled.
    odd: bool,
    expected: VecDeque<Vec<u8>>,
}

impl Peer {
    fn new(of: Role, head: &[u8]) -> Self {
        let on_its_way = head.iter().copied().collect();
        Self { stream: Stream::new(of), on_its_way, odd: false, expected: VecDeque::new() }
    }

    fn send(&mut self, b0: u8, payload: &[u8]) {
        self.stream.bytes.clear();
        self.stream.frame(b0, payload);
        self.on_its_way.extend(&self.stream.bytes);
        self.odd |= !matches!(b0, 0x81 | 0x82 | 0x89 | 0x8A);
        if !self.odd && b0 < 0x88 {
            self.expected.push_back(payload.to_vec());
        }
    }

    fn arrive(&mut self, most: usize, received: &mut BytesMut) {
        let len = most.min(self.on_its_way.len());
        received.extend(self.on_its_way.drain(..len));
    }

    /// Checks that a received message is the next expected one.
    fn came(&mut self, payload: &[u8]) {
        match self.expected.pop_front() {
            Some(expected) => assert_eq!(payload, expected),
            None => assert!(self.odd, "nobody sent this message"),
        }
    }
}

enum Socket {
    Server(WebSocket<NoMask>),
    Client(WebSocket<Keys>),
}

/// Calls the socket in either role.
macro_rules! either {
    ($socket:expr, $name:ident => $call:expr) => {
        match &mut $socket {
            Socket::Server($name) => $call,
            Socket::Client($name) => $call,
        }
    };
}

/// A state machine under test.
trait Machine {
    fn apply(&mut self, op: Op);
    /// Takes an event. Returns whether there was one.
    fn poll(&mut self) -> bool;
    fn check(&mut self);
    fn has_ended(&self) -> bool;

    /// Applies all operations, and closes. The machine must then end if only its deadlines are
    /// kept.
    fn run(&mut self, ops: Vec<Op>) {
        for op in ops {
            self.apply(op);
            self.check();
        }
        self.apply(Op::Close(1000));
        for _ in 0..8 {
            while self.poll() {}
            self.check();
            self.apply(Op::ToDeadline);
        }
        assert!(self.has_ended());
        self.check();
    }
}

/// A socket, and its expected state seen from outside.
struct Model {
    socket: Socket,
    received: BytesMut,
    now: Duration,
    peer: Peer,
    written: Written,
    /// The number of payload bytes in accepted messages.
    sent: usize,
    /// The most bytes that the application's pings may take.
    pings: usize,
    opened: bool,
    closed: bool,
    state: ReadyState,
}

impl Model {
    fn new(kind: u8, options: WebSocketOptions) -> Self {
        let (socket, role, head) = match kind {
            0 => (Socket::Server(WebSocket::server(options, START)), Role::Server, false),
            1 => (Socket::Client(WebSocket::client(options, KEYS, START)), Role::Client, false),
            _ => {
                let socket = WebSocket::connect(&request(), options, KEYS, START);
                (Socket::Client(socket), Role::Client, true)
            }
        };
        let request = request().to_bytes();
        let (head, answer) =
            if head { (request.len(), accept(&request).unwrap()) } else { (0, vec![]) };
        Self {
            socket,
            received: BytesMut::new(),
            now: START,
            peer: Peer::new(role, &answer),
            written: Written::new(role, head),
            sent: 0,
            pings: 0,
            opened: false,
            closed: false,
            state: ReadyState::Connecting,
        }
    }

    fn came(&mut self, payload: &[u8]) {
        assert!(self.opened, "a message before it opened");
        self.peer.came(payload);
    }

    fn send(&mut self, text: bool, len: usize, way: u8) {
        let payload = "m".repeat(len);
        let whole = if text { Frame::text(&payload) } else { Frame::binary(payload.as_bytes()) };
        let sent = match (&mut self.socket, way) {
            (Socket::Server(it), 0) => it.send_shared(Frame::binary(Bytes::from(payload.clone()))),
            (Socket::Server(it), 1) => it.send_prepared(&whole.prepare()),
            (socket, 2) => either!(*socket, it => it.send(whole.unfinished())),
            (socket, 3) => either!(*socket, it => it.send(whole.unfinished().continuing())),
            (socket, 4) => either!(*socket, it => it.send(whole.continuing())),
            (socket, _) => either!(*socket, it => it.send(whole)),
        };
        self.sent += if sent.is_ok() { len } else { 0 };
        if sent == Ok(Flow::Full) {
            let again = either!(self.socket, it => it.send(Frame::text("")));
            assert!(again.is_err(), "a full queue must refuse");
        }
        if self.state >= ReadyState::Closing {
            assert!(sent.is_err());
        }
    }
}

impl Machine for Model {
    fn poll(&mut self) -> bool {
        let Self { socket, received, now, .. } = self;
        let event = either!(*socket, it => it.poll(received, *now));
        let Some(event) = event else {
            let deadline = either!(self.socket, it => it.deadline());
            assert!(
                deadline.is_none_or(|at| at > self.now),
                "{deadline:?} is due at {:?}",
                self.now
            );
            return false;
        };
        assert!(!self.closed, "{event:?} after the end");
        match event {
            WebSocketEvent::Open => {
                assert!(!self.opened, "opened twice");
                self.opened = true;
            }
            WebSocketEvent::Text(text) => self.came(text.as_bytes()),
            WebSocketEvent::Binary(bytes) => self.came(&bytes),
            WebSocketEvent::Close(close) => {
                assert_eq!(close.was_clean, close.failure.is_none());
                assert!(!close.was_clean || close.code != 1006);
                self.closed = true;
            }
            WebSocketEvent::Ping(_) | WebSocketEvent::Pong(_) | WebSocketEvent::Skipped(_) => {
                assert!(self.opened);
            }
        }
        true
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Peer(b0, payload) => self.peer.send(b0, &payload),
            Op::Garbage(bytes) => {
                self.peer.odd = true;
                self.peer.on_its_way.extend(bytes);
            }
            Op::Arrive(most) => self.peer.arrive(most, &mut self.received),
            Op::Poll => drop(self.poll()),
            Op::PollAll => while self.poll() {},
            Op::Write(most) => {
                let now = self.now;
                either!(self.socket, it => self.written.take(it.to_write(now), most));
            }
            Op::Send { text, len, way } => self.send(text, len, way),
            Op::Ping(len) => {
                let payload = vec![b'p'; len];
                let sent = either!(self.socket, it => it.send(Frame::ping(&payload).unwrap()));
                self.pings += if sent.is_ok() { len + 6 } else { 0 };
            }
            Op::Close(code) => {
                let close = CloseCode::new(code).map(|code| Close { code, reason: "why" });
                let now = self.now;
                either!(self.socket, it => it.close(close, now)).unwrap();
                assert!(either!(self.socket, it => it.ready_state()) >= ReadyState::Closing);
            }
            Op::Forward(millis) => self.now += ms(millis),
            Op::Back(millis) => self.now -= ms(millis),
            Op::ToDeadline => {
                if let Some(deadline) = either!(self.socket, it => it.deadline()) {
                    self.now = self.now.max(deadline);
                }
            }
            Op::End => {
                let now = self.now;
                either!(self.socket, it => it.end_of_stream(now));
            }
            Op::Fail => {
                let now = self.now;
                either!(self.socket, it => it.fail(None, now)).unwrap();
                assert!(either!(self.socket, it => it.ready_state()) >= ReadyState::Closing);
            }
            Op::Hold(_) | Op::Now => {}
        }
    }

    fn check(&mut self) {
        let now = self.now;
        let state = either!(self.socket, it => it.ready_state());
        assert!(state >= self.state, "{state:?} after {:?}", self.state);
        self.state = state;
        assert_eq!(state == ReadyState::Closed, self.closed);
        let buffered = either!(self.socket, it => it.buffered_amount());
        assert_eq!(buffered, self.sent - self.written.payload);
        let waiting = either!(self.socket, it => it.to_write(now).remaining());
        let request = self.written.head;
        let bound = HIGH_WATER_MARK + 2200 + self.pings + request + 3 * 131;
        assert!(waiting <= bound, "{waiting} bytes wait");
        if self.closed {
            assert_eq!(either!(self.socket, it => it.deadline()), None);
        }
    }

    fn has_ended(&self) -> bool {
        self.closed
    }
}

/// The stage of a client that reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    /// The client asked for a transport.
    Asked,
    Up,
    Ended,
}

/// A client that reconnects, and its expected state seen from outside.
struct LinkModel {
    link: ReconnectingWebSocket<Keys>,
    options: WebSocketOptions,
    received: BytesMut,
    now: Duration,
    peer: Peer,
    written: Written,
    /// The lengths of the accepted messages, by number.
    sent: Vec<usize>,
    /// The number of messages written to earlier connections.
    before: usize,
    stage: Stage,
    opened: Option<Duration>,
    /// How many received bytes were left, and when more last arrived.
    left: usize,
    heard: Duration,
    closing: bool,
    attempts: u32,
    state: ReadyState,
    kinds: u8,
}

const LIMITS: (usize, usize) = (20, 6000);
const INITIAL: Duration = ms(500);
const CEILING: Duration = ms(3000);

impl LinkModel {
    fn new(seed: u64, options: WebSocketOptions) -> Self {
        let backoff = Backoff::new(INITIAL, CEILING, seed).jitter(50).max_attempts(6);
        let link = ReconnectingWebSocketOptions::new(backoff).max_unsent(LIMITS.0, LIMITS.1);
        Self {
            link: ReconnectingWebSocket::new(link),
            options,
            received: BytesMut::new(),
            now: START,
            peer: Peer::new(Role::Client, b""),
            written: Written::new(Role::Client, 0),
            sent: Vec::new(),
            before: 0,
            stage: Stage::Waiting,
            opened: None,
            left: 0,
            heard: START,
            closing: false,
            attempts: 0,
            state: ReadyState::Connecting,
            kinds: 0,
        }
    }

    fn came(&mut self, payload: &[u8]) {
        assert!(self.opened.is_some(), "a message before it opened");
        self.peer.came(payload);
    }

    /// The requested transport is ready.
    fn connect(&mut self) {
        self.kinds = self.kinds.wrapping_add(1);
        let (socket, head, answer) = if self.kinds.is_multiple_of(2) {
            (WebSocket::client(self.options, KEYS, self.now), 0, vec![])
        } else {
            let request_bytes = request().to_bytes();
            let socket = WebSocket::connect(&request(), self.options, KEYS, self.now);
            (socket, request_bytes.len(), accept(&request_bytes).unwrap())
        };
        self.link.connected(socket);
        if self.stage == Stage::Asked && !self.closing {
            self.stage = Stage::Up;
            self.heard = self.now;
            self.peer = Peer::new(Role::Client, &answer);
            self.written = Written::new(Role::Client, head);
        }
    }
}

impl Machine for LinkModel {
    fn poll(&mut self) -> bool {
        if self.received.len() > self.left {
            self.heard = self.now;
        }
        let event = self.link.poll(&mut self.received, self.now);
        self.left = self.received.len();
        let Some(event) = event else {
            let deadline = self.link.deadline();
            assert!(
                deadline.is_none_or(|at| at > self.now),
                "{deadline:?} is due at {:?}",
                self.now
            );
            return false;
        };
        assert!(self.stage != Stage::Ended, "{event:?} after the end");
        match event {
            ReconnectingWebSocketEvent::Connect => {
                assert_eq!(self.stage, Stage::Waiting);
                self.stage = Stage::Asked;
            }
            ReconnectingWebSocketEvent::Open => {
                assert!(self.stage == Stage::Up && self.opened.is_none());
                self.opened = Some(self.now);
            }
            ReconnectingWebSocketEvent::Text(text) => self.came(text.as_bytes()),
            ReconnectingWebSocketEvent::Binary(bytes) => self.came(&bytes),
            ReconnectingWebSocketEvent::Ping(_)
            | ReconnectingWebSocketEvent::Pong(_)
            | ReconnectingWebSocketEvent::Skipped(_) => {
                assert!(self.opened.is_some());
            }
            ReconnectingWebSocketEvent::Disconnected(end) => {
                assert!(self.received.is_empty());
                let whole = self.written.whole.len();
                let expected = self.before as u64..(self.before + whole) as u64;
                assert_eq!(end.written, expected);
                self.before += whole;
                self.written = Written::new(Role::Client, 0);
                self.peer = Peer::new(Role::Client, b"");
                self.stage = Stage::Waiting;
                let silent = end.close.failure == Some(Failure::PongTimeout);
                let until = if silent { self.heard } else { self.now };
                let stretch = self.opened.take().map(|since| until.saturating_sub(since));
                if stretch.is_some_and(|stretch| stretch >= CEILING) {
                    self.attempts = 0;
                }
                if let Some(at) = end.reconnect_at {
                    assert!(!self.closing && !ReconnectingWebSocketOptions::is_final(&end.close));
                    let bound = (INITIAL * (1 << self.attempts)).min(CEILING);
                    let wait = at.checked_sub(self.now).expect("the time is not in the past");
                    assert!(bound / 2 <= wait && wait <= bound, "{wait:?} of {bound:?}");
                    self.attempts += 1;
                    self.state = ReadyState::Connecting;
                } else {
                    let is_final = ReconnectingWebSocketOptions::is_final(&end.close);
                    assert!(self.closing || is_final || self.attempts == 6);
                    self.stage = Stage::Ended;
                }
            }
        }
        true
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Peer(b0, payload) if self.stage == Stage::Up => self.peer.send(b0, &payload),
            Op::Garbage(bytes) if self.stage == Stage::Up => {
                self.peer.odd = true;
                self.peer.on_its_way.extend(bytes);
            }
            // A transport may also arrive when nobody waits for it.
            Op::Garbage(bytes) if bytes.len() % 4 != 0 => self.connect(),
            Op::Peer(..) if self.stage == Stage::Asked => self.connect(),
            Op::Arrive(most) if self.stage == Stage::Up => {
                self.peer.arrive(most, &mut self.received);
            }
            Op::Peer(..) | Op::Garbage(_) | Op::Arrive(_) => {}
            Op::Poll => drop(self.poll()),
            Op::PollAll => while self.poll() {},
            Op::Write(most) => {
                let to_write = self.link.to_write(self.now);
                assert!(self.stage == Stage::Up || !to_write.has_remaining());
                self.written.take(to_write, most);
            }
            Op::Send { text, len, .. } => {
                let payload = format!("{:03}{}", self.sent.len(), "m".repeat(len));
                let sent = if text {
                    self.link.send(Frame::text(&payload))
                } else {
                    self.link.send(Frame::binary(&payload))
                };
                let waiting = &self.sent[self.before + self.written.whole.len()..];
                let room = waiting.len() < LIMITS.0
                    && waiting.iter().sum::<usize>() + payload.len() <= LIMITS.1;
                let expected = match () {
                    () if self.closing || self.stage == Stage::Ended => Err(SendError::Closed),
                    () if room => Ok(self.sent.len() as u64),
                    () => Err(SendError::Full),
                };
                assert_eq!(sent, expected);
                if sent.is_ok() {
                    self.sent.push(payload.len());
                }
            }
            Op::Ping(_) => {
                let ping = Frame::ping(b"").unwrap();
                assert_eq!(self.link.send(ping), Err(SendError::NoWholeMessage));
            }
            Op::Close(code) => {
                let close = CloseCode::new(code).map(|code| Close { code, reason: "why" });
                self.link.close(close, self.now).unwrap();
                self.closing = true;
                assert!(self.link.ready_state() >= ReadyState::Closing);
            }
            Op::Forward(millis) => self.now += ms(millis),
            Op::Back(millis) => self.now -= ms(millis),
            Op::ToDeadline => {
                if let Some(deadline) = self.link.deadline() {
                    self.now = self.now.max(deadline);
                }
            }
            Op::End => self.link.end_of_stream(self.now),
            Op::Fail if self.stage == Stage::Asked => self.link.connect_failed("no route"),
            Op::Fail => self.link.fail(None, self.now).unwrap(),
            Op::Hold(true) => self.link.hold(),
            Op::Hold(false) => self.link.release(),
            Op::Now => {
                let sent = self.link.send_now(Frame::text(NOW));
                assert!(sent.is_err() || self.stage == Stage::Up);
            }
        }
    }

    fn check(&mut self) {
        let state = self.link.ready_state();
        assert!(state >= self.state, "{state:?} after {:?}", self.state);
        self.state = state;
        assert_eq!(state == ReadyState::Closed, self.stage == Stage::Ended);
        let whole = self.before + self.written.whole.len();
        assert_eq!(self.link.written(), whole as u64);
        assert_eq!(self.link.buffered_amount(), self.sent[whole..].iter().sum::<usize>());
        // Each message is written once, in order.
        for (at, message) in self.written.whole.iter().enumerate() {
            let bytes = match message {
                Message::Text(text) => text.as_bytes(),
                Message::Binary(bytes) => bytes,
                other => panic!("not a message: {other:?}"),
            };
            let number: usize = str::from_utf8(&bytes[..3]).unwrap().parse().unwrap();
            assert_eq!(number, self.before + at);
            assert_eq!(bytes.len(), self.sent[number]);
        }
        let waiting = self.link.to_write(self.now).remaining();
        assert!(waiting <= HIGH_WATER_MARK.max(LIMITS.1) + 2200 + self.written.head + 3 * 131);
        assert!(self.stage != Stage::Ended || self.link.deadline().is_none());
    }

    fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn a_websocket(kind in 0_u8..3, options in options(), ops in ops()) {
        let mut model = Model::new(kind, options);
        model.run(ops);
        // The rest consists of whole frames.
        while model.written.take(either!(model.socket, it => it.to_write(model.now)), 1000) > 0 {}
        assert!(model.written.left.is_empty());
    }

    #[test]
    fn a_link(seed in any::<u64>(), options in options(), ops in ops()) {
        let mut model = LinkModel::new(seed, options);
        model.run(ops);
    }
}
