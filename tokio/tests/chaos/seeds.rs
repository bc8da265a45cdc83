//! Both ends of a connection, in all forms, over a transport that stalls, cuts and breaks. Every
//! future is dropped and made again at random await points.
//!
//! `EVENTWIRE_SEEDS=10000` tries that many seeds, and `EVENTWIRE_SEED=17` only this one.

use crate::pipe::{Break, Plan, pipe};
use crate::rng::Rng;
use crate::scheduler::{Scheduler, Task};
use eventwire_tokio::ws::{
    self, CloseEvent, Message, ReadHalf, SendError, WebSocket, WebSocketOptions, WriteHalf,
};
use futures_util::stream::{FuturesUnordered, SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use std::cell::RefCell;
use std::env;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::time::Instant;

const SEEDS: u64 = 400;

#[test]
fn nothing_is_lost_doubled_or_stuck() {
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("EVENTWIRE_SEED") {
        println!("{:#?}", Setup::new(seed));
        return run(seed);
    }
    let mut clean = 0_u64;
    let seeds = number("EVENTWIRE_SEEDS").unwrap_or(SEEDS);
    for seed in 0..seeds {
        let tried = std::panic::catch_unwind(|| run(seed));
        assert!(tried.is_ok(), "EVENTWIRE_SEED={seed} fails");
        clean += u64::from(!Setup::new(seed).breaks());
    }
    // Otherwise this test tests less than it says.
    assert!((seeds / 4..seeds).contains(&clean), "{clean} of {seeds} connections did not break");
}

fn run(seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let setup = Setup::new(seed);
    runtime.block_on(async {
        let tried = tokio::time::timeout(Duration::from_secs(3600), setup.try_it());
        assert!(tried.await.is_ok(), "a task waits for ever");
    });
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One task, which gives up what takes long.
    Whole,
    /// One task that only receives, and gives up nothing for time.
    Listener,
    Halves,
    StreamAndSink,
}

#[derive(Debug)]
struct Setup {
    rng: Rng,
    plan: Plan,
    forms: [Form; 2],
    /// Which ends close the connection.
    closers: [bool; 2],
    options: [WebSocketOptions; 2],
    /// Whether nothing else is used to send than `send`, so that there always is room.
    only_send: bool,
    /// The end that gives up its handshake, after so many polls.
    gives_up: Option<(usize, usize)>,
}

impl Setup {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let breaks = rng.once_in(3).then(|| {
            let kinds = [Break::Reset, Break::Cut, Break::Lost, Break::Stall];
            (kinds[rng.below(4)], rng.below(3000))
        });
        let mut both = [breaks, None];
        if rng.once_in(2) {
            both.swap(0, 1);
        }
        let plan = Plan {
            capacity: [1, 7, 64, 500, 100_000][rng.below(5)],
            buffered: rng.once_in(3),
            vectored: rng.once_in(2),
            breaks: both,
        };
        let forms = [Form::Whole, Form::Listener, Form::Halves, Form::StreamAndSink];
        let mut forms = [forms[rng.below(4)], forms[rng.below(4)]];
        if forms == [Form::Listener; 2] {
            forms[0] = Form::Halves;
        }
        let closers = [[true, false], [false, true], [true, true]][rng.below(3)];
        let only_send = rng.once_in(4);
        let stalls = breaks.is_some_and(|(kind, _)| kind == Break::Stall);
        let mut options = || {
            let interval = if stalls || rng.once_in(2) { 20 } else { 0 };
            let mark = if only_send { 1 << 20 } else { [1, 200, 5000, 1 << 20][rng.below(4)] };
            WebSocketOptions::new()
                .ping_interval(Duration::from_secs(interval))
                .high_water_mark(mark)
                .control_events(rng.once_in(2))
        };
        let options = [options(), options()];
        let gives_up = rng.once_in(20).then(|| (rng.below(2), rng.below(20)));
        Self { rng, plan, forms, closers, options, only_send, gives_up }
    }

    fn breaks(&self) -> bool {
        self.gives_up.is_some() || self.plan.breaks.iter().any(Option::is_some)
    }

    async fn try_it(mut self) {
        if self.rng.once_in(5) {
            return self.try_bytes().await;
        }
        let start = Instant::now();
        let (a, b, network) = pipe(self.plan, self.rng.fork());
        let actors = [0, 1].map(|index| Actor {
            index,
            rng: self.rng.fork(),
            log: Rc::default(),
            only_send: self.only_send && self.forms[index] != Form::StreamAndSink,
            closes: self.closers[index],
            capacity: self.plan.capacity,
        });
        let logs = actors.each_ref().map(|actor| Rc::clone(&actor.log));
        let [client, server] = actors;
        let [first, second] = self.forms;
        let (client_ends, server_ends) = (self.gives_up_at(0), self.gives_up_at(1));
        let options = self.options;
        let client: Task = Box::pin(async move {
            let connect = ws::connect("ws://example.com/").options(options[0]).over(a);
            if let Some(Ok(socket)) = polled(client_ends, connect).await {
                client.act(first, socket).await;
            }
        });
        let server: Task = Box::pin(async move {
            let accept = ws::accept(b).options(options[1]).into_future();
            if let Some(Ok(socket)) = polled(server_ends, accept).await {
                server.act(second, socket).await;
            }
        });
        Scheduler::new(vec![client, server], network.clone(), self.rng.fork()).await;
        assert_eq!(network.dropped(), [true; 2], "a transport was kept");
        let took = start.elapsed();
        let most = if self.breaks() { 120 } else { 4 };
        assert!(took < Duration::from_secs(most), "it took {took:?}");
        let [client, server] = logs.map(|log| log.take());
        client.check_received(&server);
        server.check_received(&client);
        if !self.breaks() {
            assert!(client.is_clean() && server.is_clean(), "{client:?} {server:?}");
        }
    }

    fn gives_up_at(&self, end: usize) -> usize {
        self.gives_up
            .map_or(usize::MAX, |(gone, polls)| if gone == end { polls } else { usize::MAX })
    }

    /// Bytes pass whole and in order between two streams of bytes.
    async fn try_bytes(mut self) {
        self.gives_up = None;
        let (a, b, network) = pipe(self.plan, self.rng.fork());
        let start = Instant::now();
        let most = 20_000.min(50 * self.plan.capacity);
        let counts = [self.rng.below(most), self.rng.below(most)];
        let breaks = self.breaks();
        let options = self.options;
        let (mut rng0, mut rng1) = (self.rng.fork(), self.rng.fork());
        let closes = self.closers;
        let client: Task = Box::pin(async move {
            let connect = ws::connect("ws://example.com/").options(options[0]).over(a);
            match connect.await {
                Ok(socket) => bytes(&mut rng0, 0, socket, counts, closes[0], breaks).await,
                Err(error) => assert!(breaks, "{error}"),
            }
        });
        let server: Task = Box::pin(async move {
            match ws::accept(b).options(options[1]).await {
                Ok(socket) => bytes(&mut rng1, 1, socket, counts, closes[1], breaks).await,
                Err(error) => assert!(breaks, "{error}"),
            }
        });
        Scheduler::new(vec![client, server], network.clone(), self.rng.fork()).await;
        assert_eq!(network.dropped(), [true; 2], "a transport was kept");
        let took = start.elapsed();
        let most = if breaks { 120 } else { 4 };
        assert!(took < Duration::from_secs(most), "it took {took:?}");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It was said to be sent or queued.
    Sent,
    /// The future was dropped, or the connection ended meanwhile.
    Unknown,
    /// There was no room.
    Refused,
}

/// What one end knows when all is over.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each notes one thing that happened")]
struct Log {
    sent: Vec<(u32, Fate)>,
    received: Vec<u32>,
    close: Option<CloseEvent>,
    /// Whether the messages ended without an error.
    saw_end: bool,
    begun: bool,
    /// Whether what arrives after that was dropped.
    discards: bool,
    /// Whether the peer has sent all it has.
    peer_is_done: bool,
}

impl Log {
    fn is_clean(&self) -> bool {
        self.close.as_ref().map_or(self.saw_end, |close| close.was_clean)
    }

    fn check_received(&self, by: &Self) {
        let mut rest = by.received.iter().peekable();
        let both_clean = self.is_clean() && by.is_clean();
        for (number, fate) in &self.sent {
            let arrived = rest.next_if_eq(&number).is_some();
            assert!(!arrived || *fate != Fate::Refused, "{number} was refused, and arrived");
            let is_dropped = by.discards && rest.peek().is_none();
            let must = both_clean && *fate == Fate::Sent && !is_dropped;
            assert!(arrived || !must, "{number} is missing: {self:?} {by:?}");
        }
        assert_eq!(rest.next(), None, "doubled, or in another order: {self:?} {by:?}");
        if self.is_clean() {
            let answered = by.saw_end || by.close.as_ref().is_some_and(|close| close.code == 1000);
            assert!(by.begun || answered, "closed for one end only: {self:?} {by:?}");
        }
    }
}

struct Actor {
    index: usize,
    rng: Rng,
    log: Rc<RefCell<Log>>,
    only_send: bool,
    closes: bool,
    capacity: usize,
}

enum Writer {
    Half(WriteHalf),
    Sink(SplitSink<WebSocket, Message>),
    Whole(WebSocket),
}

enum Reader {
    Half(ReadHalf),
    Stream(SplitStream<WebSocket>),
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Message, CloseEvent>> {
        match self {
            Self::Half(half) => half.next().await,
            Self::Stream(stream) => stream.next().await,
        }
    }
}

impl Writer {
    async fn send(&mut self, message: Message) -> Result<(), SendError> {
        match self {
            Self::Half(half) => half.send(message).await,
            Self::Sink(sink) => sink.send(message).await,
            Self::Whole(socket) => socket.send(message).await,
        }
    }

    async fn feed(&mut self, message: Message) -> Result<(), SendError> {
        match self {
            Self::Half(half) => half.feed(message).await,
            Self::Sink(sink) => sink.feed(message).await,
            Self::Whole(socket) => socket.feed(message).await,
        }
    }

    async fn try_send(&mut self, message: Message) -> Result<(), SendError> {
        match self {
            Self::Half(half) => half.try_send(message),
            Self::Sink(sink) => sink.feed(message).await,
            Self::Whole(socket) => socket.try_send(message),
        }
    }

    async fn flush(&mut self) -> Result<(), SendError> {
        match self {
            Self::Half(half) => half.flush().await,
            Self::Sink(sink) => sink.flush().await,
            Self::Whole(socket) => socket.flush().await,
        }
    }

    async fn close(&mut self) -> Result<Option<CloseEvent>, SendError> {
        match self {
            Self::Half(half) => half.close(1000, "bye").await.map(Some),
            Self::Sink(sink) => SinkExt::close(sink).await.map(|()| None),
            Self::Whole(socket) => socket.close(1000, "bye").await.map(Some),
        }
    }

    async fn closed(&mut self) -> Option<CloseEvent> {
        match self {
            Self::Half(half) => Some(half.closed().await),
            Self::Sink(_) => None,
            Self::Whole(socket) => Some(socket.closed().await),
        }
    }
}

/// Polls a future, at most so many times.
async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Polls a future until it is ready, or drops it at an await point. The error says how often it was
/// polled at most.
async fn perhaps<F: Future>(rng: &mut Rng, patient: bool, future: F) -> Result<F::Output, usize> {
    let times = if rng.once_in(2) { usize::MAX } else { rng.below(6) };
    let future = polled(times, future);
    if patient {
        return future.await.ok_or(times);
    }
    // If both ends send and neither receives, each has to give up at some time.
    let long = Duration::from_millis(1);
    let result = tokio::time::timeout(long, future).await;
    result.unwrap_or(None).ok_or(times)
}

/// The text of a message, which its number tells. Through a narrow pipe, none is long.
fn body(index: usize, number: u32, is_last: bool, capacity: usize) -> String {
    let mut rng = Rng::new(u64::from(number) * 2 + index as u64);
    let len = match rng.below(60) {
        0 => 20_000.min(50 * capacity),
        1..5 => 500.min(20 * capacity),
        _ => rng.below(30),
    };
    let mark = if is_last { "last" } else { "more" };
    let letter = char::from(b'a' + u8::try_from(number % 26).expect("a letter"));
    format!("{number} {mark} {}", letter.to_string().repeat(len))
}

fn message(index: usize, number: u32, is_last: bool, capacity: usize) -> Message {
    let body = body(index, number, is_last, capacity);
    if number.is_multiple_of(2) { Message::from(body) } else { Message::from(body.into_bytes()) }
}

impl Actor {
    async fn act(self, form: Form, socket: WebSocket) {
        match form {
            Form::Whole => self.whole(socket, false).await,
            Form::Listener => self.whole(socket, true).await,
            Form::Halves => {
                let (tx, rx) = socket.split();
                self.two(Writer::Half(tx), Reader::Half(rx)).await;
            }
            Form::StreamAndSink => {
                let (tx, rx) = StreamExt::split(socket);
                self.two(Writer::Sink(tx), Reader::Stream(rx)).await;
            }
        }
    }

    fn receive(index: usize, capacity: usize, log: &RefCell<Log>, message: &Message) {
        let text = match message {
            Message::Text(text) => text.to_string(),
            Message::Binary(bytes) => String::from_utf8(bytes.to_vec()).expect("text"),
            Message::Ping(_) | Message::Pong(_) => return,
            other => panic!("{other:?}"),
        };
        let mut words = text.split(' ');
        let number = words.next().and_then(|word| word.parse().ok()).expect("a number");
        let is_last = words.next() == Some("last");
        assert_eq!(text, body(1 - index, number, is_last, capacity));
        let mut log = log.borrow_mut();
        log.peer_is_done |= is_last;
        log.received.push(number);
    }

    /// Sends one message, or perhaps does not. Returns whether more can be sent.
    async fn send(&mut self, writer: &mut Writer, patient: bool, is_last: bool) -> bool {
        let number = u32::try_from(self.log.borrow().sent.len()).expect("few messages");
        let message = message(self.index, number, is_last, self.capacity);
        let rng = &mut self.rng;
        let choice = if self.only_send { 0 } else { rng.below(4) };
        let result = match choice {
            0 => perhaps(rng, patient, writer.send(message)).await,
            1 => perhaps(rng, patient, writer.try_send(message)).await,
            _ => perhaps(rng, patient, writer.feed(message)).await,
        };
        // The `SplitSink` keeps what it was fed until it is used again.
        let is_kept = choice > 0 && matches!(writer, Writer::Sink(_));
        let (fate, goes_on) = match result {
            Ok(Ok(())) if is_kept => (Fate::Unknown, true),
            Ok(Ok(())) => (Fate::Sent, true),
            Ok(Err(SendError::Full)) => (Fate::Refused, true),
            Ok(Err(SendError::Closed)) => (Fate::Unknown, false),
            Ok(Err(error)) => panic!("{error}"),
            // It was queued by the first poll, as there was room.
            Err(1..) if self.only_send => (Fate::Sent, true),
            Err(0) if self.only_send => (Fate::Refused, true),
            Err(_) => (Fate::Unknown, true),
        };
        self.log.borrow_mut().sent.push((number, fate));
        goes_on
    }

    /// Returns whether the last message was said to be sent.
    fn is_last_sent(&self) -> bool {
        self.log.borrow().sent.last().is_some_and(|(_, fate)| *fate == Fate::Sent)
    }

    /// Two tasks, of which one only receives.
    async fn two(mut self, mut writer: Writer, mut reader: Reader) {
        let (index, capacity, log) = (self.index, self.capacity, Rc::clone(&self.log));
        let mut rng = self.rng.fork();
        let (tell, told) = oneshot::channel();
        let reading = async move {
            loop {
                match perhaps(&mut rng, true, reader.next()).await {
                    Ok(Some(Ok(message))) => Self::receive(index, capacity, &log, &message),
                    Ok(Some(Err(close))) => {
                        assert!(!close.was_clean);
                        log.borrow_mut().close = Some(close);
                        break;
                    }
                    Ok(None) => {
                        log.borrow_mut().saw_end = true;
                        break;
                    }
                    Err(_) => {}
                }
            }
            for _ in 0..3 {
                assert_eq!(reader.next().now_or_never(), Some(None), "more after the end");
            }
            if let Reader::Half(half) = &reader {
                log.borrow_mut().close = half.close_event();
            }
            let _ = tell.send(());
            reader
        };
        let writing = async move {
            let count = self.rng.below(30);
            let mut goes_on = true;
            for _ in 0..count {
                goes_on = goes_on && self.send(&mut writer, true, false).await;
                if self.rng.once_in(5) {
                    let _ = perhaps(&mut self.rng, true, writer.flush()).await;
                }
            }
            while goes_on {
                goes_on = self.send(&mut writer, true, true).await;
                if self.is_last_sent() {
                    break;
                }
            }
            let is_half = matches!(writer, Writer::Half(_));
            if is_half && !self.closes && self.rng.once_in(2) {
                // From now on it is idle, and the reader has to write what is left.
                let _ = polled(1, writer.flush()).await;
                let _ = told.await;
                return Some((writer, self.log));
            }
            while perhaps(&mut self.rng, true, writer.flush()).await.is_err() {}
            if self.closes {
                self.log.borrow_mut().begun = true;
                loop {
                    match perhaps(&mut self.rng, true, writer.close()).await {
                        Ok(Ok(_) | Err(SendError::Closed)) => break,
                        Ok(Err(error)) => panic!("{error}"),
                        Err(_) => {}
                    }
                }
            } else if self.rng.once_in(4) {
                return None;
            } else {
                while perhaps(&mut self.rng, true, writer.closed()).await.is_err() {}
            }
            Some((writer, self.log))
        };
        // Two tasks of their own, so that a wake-up of one is not one of the other.
        let (writer, reader) = two_tasks(writing, reading).await;
        if let Some((writer, log)) = writer
            && let (Writer::Sink(sink), Reader::Stream(stream)) = (writer, reader)
        {
            let socket = stream.reunite(sink).expect("they belong together");
            log.borrow_mut().close = socket.close_event().cloned();
            assert!(log.borrow().close.is_some());
        }
    }

    /// One task, which receives and sends in turn.
    async fn whole(mut self, socket: WebSocket, listens: bool) {
        let mut writer = Writer::Whole(socket);
        let mut left = if listens { 0 } else { self.rng.below(30) };
        let mut is_open = true;
        let mut is_done = false;
        loop {
            let peer_is_done = self.log.borrow().peer_is_done;
            if self.closes && is_done && peer_is_done {
                break;
            }
            let sends = is_open && !is_done;
            if sends && (listens || self.rng.once_in(2)) {
                let is_last = left == 0;
                is_open = self.send(&mut writer, listens, is_last).await;
                is_done = is_last && self.is_last_sent();
                left = left.saturating_sub(1);
                continue;
            }
            if self.rng.once_in(8) {
                let _ = perhaps(&mut self.rng, listens, writer.flush()).await;
                continue;
            }
            let Writer::Whole(socket) = &mut writer else { unreachable!() };
            match perhaps(&mut self.rng, listens, socket.next()).await {
                Ok(Some(Ok(message))) => {
                    Self::receive(self.index, self.capacity, &self.log, &message);
                }
                Ok(Some(Err(_)) | None) => break,
                Err(_) => {}
            }
        }
        if self.closes {
            self.log.borrow_mut().begun = true;
            self.log.borrow_mut().discards = true;
            while perhaps(&mut self.rng, listens, writer.close()).await.is_err() {}
        }
        let Writer::Whole(mut socket) = writer else { unreachable!() };
        let close = socket.closed().now_or_never().expect("it has ended");
        let error = socket.next().now_or_never().expect("it has ended");
        assert!(matches!(error, None | Some(Err(_))), "{error:?}");
        for _ in 0..3 {
            assert_eq!(socket.next().now_or_never(), Some(None), "more after the end");
        }
        let late = socket.send("late").now_or_never();
        assert!(matches!(late, Some(Err(SendError::Closed))), "{late:?}");
        self.log.borrow_mut().close = Some(close);
    }
}

/// Runs two futures as tasks of their own inside this one: each is polled only if it was woken.
async fn two_tasks<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut first, mut second) = (None, None);
    let tasks: [Pin<Box<dyn Future<Output = ()> + '_>>; 2] =
        [Box::pin(async { first = Some(a.await) }), Box::pin(async { second = Some(b.await) })];
    // It has a waker for each of its futures.
    let mut both: FuturesUnordered<_> = tasks.into_iter().collect();
    while both.next().await.is_some() {}
    drop(both);
    (first.expect("it has ended"), second.expect("it has ended"))
}

fn byte(index: usize, at: usize) -> u8 {
    u8::try_from((at * 7 + index) % 251).expect("a byte")
}

async fn bytes(
    rng: &mut Rng,
    index: usize,
    socket: WebSocket,
    counts: [usize; 2],
    closes: bool,
    breaks: bool,
) {
    let stream = socket.into_byte_stream();
    let (read, write) = tokio::io::split(stream);
    let (tell, told) = oneshot::channel();
    let (mut rng0, mut rng1) = (rng.fork(), rng.fork());
    let reading = read_bytes(&mut rng0, index, read, counts[1 - index], breaks, tell);
    let writing = write_bytes(&mut rng1, index, write, counts[index], closes, breaks, told);
    two_tasks(writing, reading).await;
}

async fn read_bytes<R: AsyncRead + Unpin>(
    rng: &mut Rng,
    index: usize,
    mut read: R,
    count: usize,
    breaks: bool,
    tell: oneshot::Sender<()>,
) -> R {
    let mut tell = Some(tell);
    let mut at = 0;
    loop {
        if at == count
            && let Some(tell) = tell.take()
        {
            let _ = tell.send(());
        }
        let mut buffer = vec![0; 1 + rng.below(3000)];
        match perhaps(rng, true, read.read(&mut buffer)).await {
            Ok(Ok(0)) => {
                assert!(at == count || breaks, "an early end");
                return read;
            }
            Ok(Ok(len)) => {
                for got in &buffer[..len] {
                    assert_eq!(*got, byte(1 - index, at), "at {at}");
                    at += 1;
                }
                assert!(at <= count);
            }
            Ok(Err(error)) => {
                assert!(breaks, "{error}");
                return read;
            }
            Err(_) => {}
        }
    }
}

async fn write_bytes<W: AsyncWrite + Unpin>(
    rng: &mut Rng,
    index: usize,
    mut write: W,
    count: usize,
    closes: bool,
    breaks: bool,
    told: oneshot::Receiver<()>,
) -> W {
    let mut at = 0;
    while at < count {
        let len = (1 + rng.below(700)).min(count - at);
        let piece: Vec<u8> = (at..at + len).map(|at| byte(index, at)).collect();
        match perhaps(rng, true, write.write(&piece)).await {
            Ok(Ok(len)) => at += len,
            Ok(Err(error)) => {
                assert!(breaks, "{error}");
                return write;
            }
            Err(_) => {}
        }
    }
    loop {
        if let Ok(flushed) = perhaps(rng, true, write.flush()).await {
            assert!(flushed.is_ok() || breaks, "{flushed:?}");
            break;
        }
    }
    if closes && told.await.is_ok() {
        while perhaps(rng, true, write.shutdown()).await.is_err() {}
    }
    write
}
