//! A client that reconnects, a server, and a pipe between them. The pipe cuts bytes anywhere,
//! delays them, is full at times, breaks, or swallows everything.

use bytes::{Buf, BytesMut};
use eventwire::Backoff;
use eventwire::ws::frame::NoMask;
use eventwire::ws::{
    Close, CloseCode, Frame, ReadyState, ReconnectingWebSocket, ReconnectingWebSocketEvent,
    ReconnectingWebSocketOptions, WebSocket, WebSocketEvent, WebSocketOptions,
};
use eventwire_test_support::ws::socket::{KEYS, Keys, accept, ms, request};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

const SEEDS: u64 = 10_000;
const CLOSING: Duration = ms(2000);
/// The longest closing: with the messages before the close frame, and the last chance.
const CLOSED: Duration = ms(8000);
const WAIT: Duration = ms(500);

fn options() -> WebSocketOptions {
    WebSocketOptions::new()
        .handshake_timeout(ms(1500))
        .closing_timeout(CLOSING)
        .ping_interval(ms(400))
        .pong_timeout(ms(900))
        .high_water_mark(4000)
}

/// One direction of a pipe.
#[derive(Default)]
struct Wire {
    /// Bytes in transit and their arrival times, in order.
    under_way: VecDeque<(Duration, Vec<u8>)>,
    /// The writer has shut the pipe.
    shut: bool,
    /// The reader knows about the end.
    ended: bool,
    /// Nobody reads before this time.
    paused: Duration,
}

impl Wire {
    fn len(&self) -> usize {
        self.under_way.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Takes some of the bytes to write.
    fn take(&mut self, mut from: impl Buf, now: Duration, random: &mut SmallRng) {
        let room = 20_000_usize.saturating_sub(self.len());
        let most = if random.random_ratio(1, 4) { random.random_range(1..40) } else { room };
        let mut len = from.remaining().min(room).min(most);
        while len > 0 {
            let part = len.min(from.chunk().len());
            let last = self.under_way.back().map_or(now, |(at, _)| *at);
            let at = last.max(now + ms(random.random_range(0..30)));
            self.under_way.push_back((at, from.chunk()[..part].to_vec()));
            from.advance(part);
            len -= part;
        }
    }

    /// Delivers the bytes that have arrived.
    fn arrive(&mut self, to: &mut BytesMut, now: Duration) {
        while let Some((at, bytes)) = self.under_way.front()
            && *at <= now
            && self.paused <= now
        {
            to.extend_from_slice(bytes);
            self.under_way.pop_front();
        }
    }

    /// Whether the pipe has just ended.
    fn ends(&mut self) -> bool {
        let ends = self.shut && !self.ended && self.under_way.is_empty();
        self.ended |= ends;
        ends
    }

    /// Breaks the pipe: some of the bytes in transit arrive at once, the rest never.
    fn cut(&mut self, now: Duration, random: &mut SmallRng) {
        let keep = random.random_range(0..=self.len());
        let bytes: Vec<u8> = self.under_way.drain(..).flat_map(|(_, bytes)| bytes).collect();
        self.under_way.push_back((now, bytes[..keep].to_vec()));
        (self.shut, self.paused) = (true, now);
    }

    fn next(&self) -> Option<Duration> {
        self.under_way.front().map(|(at, _)| (*at).max(self.paused))
    }
}

/// The server's end of a connection.
enum Served {
    Shaking,
    Open(Box<WebSocket<NoMask>>),
}

struct Connection {
    to_server: Wire,
    to_client: Wire,
    served: Option<Served>,
    received: BytesMut,
    /// Whether nothing gets through any more, without any sign of it.
    swallows: bool,
}

struct World {
    now: Duration,
    random: SmallRng,
    client: ReconnectingWebSocket<Keys>,
    received: BytesMut,
    connection: Option<Connection>,
    /// When the requested transport becomes ready.
    connects_at: Option<Duration>,
    /// The lengths of the messages, by number.
    sent: Vec<usize>,
    arrived: Vec<u64>,
    acknowledged: Vec<u64>,
    /// How many messages were reported as written to connections that ended.
    reported: u64,
    client_closes_by: Option<Duration>,
    server_closes_by: Option<Duration>,
    over: bool,
    trouble: u32,
}

/// Returns a message that contains its number and has the right length.
fn message(number: u64, len: usize) -> String {
    format!("{number} {}", "x".repeat(len))
}

impl World {
    fn new(seed: u64) -> Self {
        let backoff = Backoff::new(WAIT, 4 * WAIT, seed);
        // The server closes with 1012, which is not final.
        let options = ReconnectingWebSocketOptions::new(backoff).max_unsent(12, 200_000);
        Self {
            now: ms(1000),
            random: SmallRng::seed_from_u64(seed),
            client: ReconnectingWebSocket::new(options),
            received: BytesMut::new(),
            connection: None,
            connects_at: None,
            sent: Vec::new(),
            arrived: Vec::new(),
            acknowledged: Vec::new(),
            reported: 0,
            client_closes_by: None,
            server_closes_by: None,
            over: false,
            trouble: 0,
        }
    }

    fn run(&mut self) {
        let count = self.random.random_range(15..30);
        for _ in 0..20_000 {
            self.client_polls();
            self.server_polls();
            if self.over && self.connection.is_none() {
                return self.judge();
            }
            self.applications(count);
            self.bytes();
            self.mishaps();
            self.time_passes();
        }
        panic!("the run does not end");
    }

    fn client_polls(&mut self) {
        while let Some(event) = self.client.poll(&mut self.received, self.now) {
            assert!(!self.over, "{event:?} after the end");
            match event {
                ReconnectingWebSocketEvent::Connect => {
                    assert!(self.connection.as_ref().is_none_or(|it| it.to_server.shut));
                    self.connects_at = Some(self.now + ms(self.random.random_range(0..50)));
                }
                ReconnectingWebSocketEvent::Open => {}
                ReconnectingWebSocketEvent::Text(number) => {
                    self.acknowledged.push(number.parse().unwrap());
                }
                ReconnectingWebSocketEvent::Disconnected(end) => {
                    assert_eq!(end.written.start, self.reported);
                    self.reported = end.written.end;
                    assert_eq!(self.reported, self.client.written());
                    let wait = end.reconnect_at.map(|at| at.saturating_sub(self.now));
                    assert!(wait.is_none_or(|wait| wait <= 4 * WAIT));
                    self.over = wait.is_none();
                    assert!(!self.over || self.client_closes_by.is_some(), "{}", end.close);
                    self.hang_up(end.close.was_clean);
                }
                other => panic!("never sent: {other:?}"),
            }
        }
        assert!(self.over || self.client_closes_by.is_none_or(|by| self.now < by), "too late");
    }

    /// The client drops the transport. Its bytes may arrive, and all of them if the end was clean.
    fn hang_up(&mut self, was_clean: bool) {
        if let Some(connection) = &mut self.connection {
            connection.to_client.under_way.clear();
            connection.to_client.shut = true;
            if was_clean {
                connection.to_server.shut = true;
            } else {
                connection.to_server.cut(self.now, &mut self.random);
            }
        }
    }

    fn server_polls(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let Some(served) = &mut connection.served else { return };
        if let Served::Shaking = served {
            let Some(end) = connection.received.windows(4).position(|it| it == b"\r\n\r\n") else {
                return;
            };
            let head = connection.received.split_to(end + 4);
            let answer = accept(&head).unwrap();
            connection.to_client.under_way.push_back((self.now, answer));
            *served = Served::Open(Box::new(WebSocket::server(options(), self.now)));
        }
        let Served::Open(socket) = served else { return };
        while let Some(event) = socket.poll(&mut connection.received, self.now) {
            let number = match &event {
                WebSocketEvent::Open => continue,
                WebSocketEvent::Close(_) => {
                    connection.served = None;
                    connection.to_client.shut = true;
                    self.server_closes_by = None;
                    return;
                }
                WebSocketEvent::Text(text) => text.split(' ').next().unwrap().parse::<u64>(),
                WebSocketEvent::Binary(bytes) => {
                    str::from_utf8(bytes).unwrap().split(' ').next().unwrap().parse()
                }
                other => panic!("never sent: {other:?}"),
            }
            .unwrap();
            let expected = message(number, self.sent[usize::try_from(number).unwrap()]);
            let whole = match &event {
                WebSocketEvent::Text(text) => number % 2 == 0 && **text == *expected,
                WebSocketEvent::Binary(bytes) => number % 2 == 1 && bytes == expected.as_bytes(),
                _ => false,
            };
            assert!(whole, "message {number} differs from the one sent");
            assert!(
                self.arrived.last().is_none_or(|last| *last < number),
                "a message came again or out of order"
            );
            self.arrived.push(number);
            if socket.ready_state() == ReadyState::Open {
                // Acknowledgements are small, and few of them wait.
                assert!(socket.send(Frame::text(&number.to_string())).is_ok());
            }
        }
        assert!(self.server_closes_by.is_none_or(|by| self.now < by), "too late");
    }

    fn applications(&mut self, count: usize) {
        if self.sent.len() < count {
            if self.random.random_ratio(1, 3) {
                let number = self.sent.len() as u64;
                let large = self.random.random_ratio(1, 100);
                let len = self.random.random_range(if large { 66_000..70_000 } else { 0..300 });
                let text = message(number, len);
                let frame = if number.is_multiple_of(2) {
                    Frame::text(&text)
                } else {
                    Frame::binary(text.as_bytes())
                };
                if let Ok(taken) = self.client.send(frame) {
                    assert_eq!(taken, number);
                    self.sent.push(len);
                }
            }
        } else if self.client_closes_by.is_none()
            && self.client.ready_state() == ReadyState::Open
            && self.random.random_ratio(1, 20)
        {
            let close = Close { code: CloseCode::NORMAL, reason: "done" };
            self.client.close(Some(close), self.now).unwrap();
            self.client_closes_by = Some(self.now + CLOSED);
        }
        if self.random.random_ratio(1, 200)
            && let Some(Connection { served: Some(Served::Open(socket)), .. }) =
                &mut self.connection
            && socket.ready_state() == ReadyState::Open
        {
            let close = Close { code: CloseCode::SERVICE_RESTART, reason: "" };
            socket.close(Some(close), self.now).unwrap();
            self.server_closes_by = Some(self.now + CLOSED);
        }
    }

    fn bytes(&mut self) {
        if self.connects_at.is_some_and(|at| at <= self.now) && self.connection.is_none() {
            self.connects_at = None;
            if self.random.random_ratio(1, 10) {
                return self.client.connect_failed("no route");
            }
            self.client.connected(WebSocket::connect(&request(), options(), KEYS, self.now));
            self.connection = Some(Connection {
                to_server: Wire::default(),
                to_client: Wire::default(),
                served: Some(Served::Shaking),
                received: BytesMut::new(),
                swallows: false,
            });
        }
        let (now, random) = (self.now, &mut self.random);
        let Some(connection) = &mut self.connection else { return };
        let Connection { to_server, to_client, served, received, swallows } = connection;
        if !to_server.shut {
            to_server.take(self.client.to_write(now), now, random);
            to_server.shut |= self.client.wants_shutdown();
        }
        if let Some(Served::Open(socket)) = served
            && !to_client.shut
        {
            to_client.take(socket.to_write(now), now, random);
            to_client.shut |= socket.wants_shutdown();
        }
        if *swallows {
            to_server.under_way.clear();
            to_client.under_way.clear();
            // A server without a WebSocket would wait for ever.
            if let Some(Served::Shaking) = served {
                *served = None;
            }
        } else {
            to_server.arrive(received, now);
            to_client.arrive(&mut self.received, now);
            if to_client.ends() {
                self.client.end_of_stream(now);
            }
            if to_server.ends() {
                match served {
                    Some(Served::Open(socket)) => socket.end_of_stream(now),
                    _ => *served = None,
                }
            }
        }
        if served.is_none() {
            to_client.shut = true;
            if to_server.shut {
                self.connection = None;
                self.server_closes_by = None;
            }
        }
    }

    fn mishaps(&mut self) {
        let (now, random) = (self.now, &mut self.random);
        let Some(connection) = &mut self.connection else { return };
        match random.random_range(0..1200) {
            0 | 1 => {
                connection.to_server.cut(now, random);
                connection.to_client.cut(now, random);
            }
            2 => connection.swallows = true,
            3..10 => connection.to_server.paused = now + ms(random.random_range(0..300)),
            10..17 => connection.to_client.paused = now + ms(random.random_range(0..300)),
            _ => return,
        }
        self.trouble += 1;
    }

    /// Moves the clock to the next deadline, or by a little.
    fn time_passes(&mut self) {
        let wires = self.connection.iter().flat_map(|it| [&it.to_server, &it.to_client]);
        let served = match &self.connection {
            Some(Connection { served: Some(Served::Open(socket)), .. }) => socket.deadline(),
            _ => None,
        };
        let due = wires.filter_map(Wire::next).chain(served).chain(self.client.deadline()).min();
        let little = self.now + ms(self.random.random_range(1..20));
        self.now = due.map_or(little, |due| due.max(self.now).min(little));
    }

    fn judge(&mut self) {
        let written = self.client.written();
        assert!(self.arrived.iter().all(|number| *number < written), "more than was written");
        assert!(self.acknowledged.is_sorted());
        assert!(self.acknowledged.iter().all(|number| self.arrived.contains(number)));
    }
}

/// Runs these seeds. Returns the numbers of messages sent, messages acknowledged, and mishaps.
fn seeds(range: impl Iterator<Item = u64>) -> [usize; 3] {
    let mut sum = [0; 3];
    for seed in range {
        let result = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            world.run();
            [world.sent.len(), world.acknowledged.len(), world.trouble as usize]
        });
        let counts = result.unwrap_or_else(|_| panic!("seed {seed}"));
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    sum
}

#[test]
fn what_is_acknowledged_arrived_once_and_in_order() {
    let sums = thread::scope(|scope| {
        let halves = [0, 1].map(|half| scope.spawn(move || seeds((half..SEEDS).step_by(2))));
        halves.map(|half| half.join().unwrap())
    });
    let [sent, acknowledged, trouble] = [0, 1, 2].map(|it| sums[0][it] + sums[1][it]);
    println!("{acknowledged} of {sent} acknowledged, {trouble} mishaps");
    assert!(trouble > 10_000, "{trouble} mishaps");
    assert!(acknowledged * 10 >= sent * 9, "{acknowledged} of {sent} acknowledged");
}
