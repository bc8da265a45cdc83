//! Our state machines over a socket: a client, a client that reconnects, or a server, as the first
//! command says. The program ends with the last event.

use bytes::{Buf, BytesMut};
use eventwire::Backoff;
use eventwire::ws::deflate::DeflateParams;
use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
use eventwire::ws::socket::{Disconnected, ToWrite};
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Deflate, Failure, Frame, MaskSource, OsMaskKeys, ReadyState,
    ReconnectingWebSocket, ReconnectingWebSocketEvent, ReconnectingWebSocketOptions, SendError,
    WebSocket, WebSocketEvent, WebSocketOptions,
};
use eventwire_endpoints::{Closing, Compression, read_commands, say};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::future::pending;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::select;
use tokio::time::{Instant, sleep_until, timeout};

/// A small buffer, so that a peer that does not read is noticed soon.
const SEND_BUFFER: u32 = 16 << 10;

/// Dialling needs a timeout, because a stopped peer's backlog may be full.
const DIAL_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    Start(Setup),
    Text(String),
    Stream(Stream),
    /// Asks for a report of the state.
    State,
    Close(Option<Closing>),
}

/// The settings. All times are in milliseconds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setup {
    role: Role,
    /// The server's address; for clients.
    address: Option<String>,
    handshake_timeout: Option<u64>,
    closing_timeout: Option<u64>,
    ping_interval: Option<u64>,
    pong_timeout: Option<u64>,
    high_water_mark: Option<usize>,
    /// The wait before each further connection.
    #[serde(default)]
    wait: u64,
    max_attempts: Option<u32>,
    /// The compression of a connection.
    deflate: Option<Compression>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Client,
    Reconnect,
    Server,
}

/// Numbered messages of `size` bytes, sent as room permits.
#[derive(Debug, Deserialize)]
struct Stream {
    count: u64,
    size: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Report {
    /// The port that a server listens on.
    Listening(u16),
    Connecting,
    Open(Opened),
    Text(String),
    State(State),
    Close(Ended),
}

/// What a machine knows about an open connection.
#[derive(Debug, Default, Serialize)]
struct Opened {
    extensions: String,
    deflate_params: Option<String>,
}

#[derive(Debug, Serialize)]
struct State {
    ready: String,
    buffered_amount: usize,
    /// How many bytes are waiting, all frames included.
    to_write: usize,
    /// How many messages of the stream the machine accepted.
    taken: u64,
    /// How many messages the machine refused for lack of room.
    refused: u64,
    /// How many messages were wholly written; only for clients that reconnect.
    written: Option<u64>,
    /// How often the loop ran.
    turns: u64,
}

#[derive(Debug, Serialize)]
struct Ended {
    code: u16,
    reason: String,
    clean: bool,
    failure: Option<String>,
    /// Only for clients that reconnect.
    written: Option<(u64, u64)>,
    reconnect_at: Option<u128>,
    /// When the transport last moved a byte in either direction.
    progress_at: u128,
    turns: u64,
}

/// A report and its time since the start.
#[derive(Serialize)]
struct At<'r> {
    at: u128,
    #[serde(flatten)]
    report: &'r Report,
}

/// The interface that all machines have in common.
trait Machine {
    fn poll(&mut self, received: &mut BytesMut, now: Duration) -> Option<Report>;
    /// Hands over the requested connection, or `None` if it could not be made.
    fn connected(&mut self, socket: Option<WebSocket<OsMaskKeys>>);
    fn send(&mut self, text: &str) -> Result<(), SendError>;
    fn written(&mut self) -> Option<u64>;
    fn close(&mut self, close: Option<Close<&str>>, now: Duration) -> Result<(), SendError>;
    fn end_of_stream(&mut self, now: Duration);
    fn write_failed(&mut self, now: Duration);
    fn to_write(&mut self, now: Duration) -> ToWrite<'_>;
    fn wants_shutdown(&self) -> bool;
    fn deadline(&self) -> Option<Duration>;
    fn ready_state(&self) -> ReadyState;
    fn buffered_amount(&mut self) -> usize;
}

macro_rules! by_its_own_methods {
    () => {
        fn send(&mut self, text: &str) -> Result<(), SendError> {
            self.send(&Frame::text(text)).map(drop)
        }

        fn close(&mut self, close: Option<Close<&str>>, now: Duration) -> Result<(), SendError> {
            self.close(close, now)
        }

        fn end_of_stream(&mut self, now: Duration) {
            self.end_of_stream(now);
        }

        fn write_failed(&mut self, now: Duration) {
            self.write_failed("writing failed", now);
        }

        fn to_write(&mut self, now: Duration) -> ToWrite<'_> {
            self.to_write(now)
        }

        fn wants_shutdown(&self) -> bool {
            self.wants_shutdown()
        }

        fn deadline(&self) -> Option<Duration> {
            self.deadline()
        }

        fn ready_state(&self) -> ReadyState {
            self.ready_state()
        }
    };
}

impl<M: MaskSource> Machine for WebSocket<M> {
    by_its_own_methods!();

    fn poll(&mut self, received: &mut BytesMut, now: Duration) -> Option<Report> {
        Some(match self.poll(received, now)? {
            WebSocketEvent::Open => Report::Open(Opened {
                extensions: self.extensions().to_owned(),
                deflate_params: self.deflate_params().map(|params| params.to_string()),
            }),
            WebSocketEvent::Text(text) => Report::Text(text.to_string()),
            WebSocketEvent::Close(close) => Report::Close(close.into()),
            event => unimplemented!("unexpected event: {event:?}"),
        })
    }

    fn connected(&mut self, _: Option<WebSocket<OsMaskKeys>>) {
        unreachable!("a WebSocket never asks for a connection");
    }

    fn written(&mut self) -> Option<u64> {
        None
    }

    fn buffered_amount(&mut self) -> usize {
        Self::buffered_amount(self)
    }
}

impl Machine for ReconnectingWebSocket<OsMaskKeys> {
    by_its_own_methods!();

    fn poll(&mut self, received: &mut BytesMut, now: Duration) -> Option<Report> {
        Some(match self.poll(received, now)? {
            ReconnectingWebSocketEvent::Connect => Report::Connecting,
            ReconnectingWebSocketEvent::Open => Report::Open(Opened::default()),
            ReconnectingWebSocketEvent::Text(text) => Report::Text(text.to_string()),
            ReconnectingWebSocketEvent::Disconnected(Disconnected {
                close,
                written,
                reconnect_at,
                ..
            }) => Report::Close(Ended {
                written: Some((written.start, written.end)),
                reconnect_at: reconnect_at.map(|at| at.as_millis()),
                ..close.into()
            }),
            event => unimplemented!("unexpected event: {event:?}"),
        })
    }

    fn connected(&mut self, socket: Option<WebSocket<OsMaskKeys>>) {
        match socket {
            Some(socket) => self.connected(socket),
            None => self.connect_failed("no connection"),
        }
    }

    fn written(&mut self) -> Option<u64> {
        Some(Self::written(self))
    }

    fn buffered_amount(&mut self) -> usize {
        Self::buffered_amount(self)
    }
}

impl From<CloseEvent> for Ended {
    fn from(close: CloseEvent) -> Self {
        Self {
            code: close.code,
            reason: close.reason.to_string(),
            clean: close.was_clean,
            failure: close.failure.map(|failure| match failure {
                Failure::Transport(_) => "Transport".to_owned(),
                failure => format!("{failure:?}"),
            }),
            written: None,
            reconnect_at: None,
            progress_at: 0,
            turns: 0,
        }
    }
}

impl Setup {
    fn address(&self) -> Result<&str, &'static str> {
        self.address.as_deref().ok_or("no address to connect to")
    }

    fn socket_options(&self) -> WebSocketOptions {
        let mut options = WebSocketOptions::new();
        if let Some(timeout) = self.handshake_timeout {
            options = options.handshake_timeout(Duration::from_millis(timeout));
        }
        if let Some(timeout) = self.closing_timeout {
            options = options.closing_timeout(Duration::from_millis(timeout));
        }
        if let Some(interval) = self.ping_interval {
            options = options.ping_interval(Duration::from_millis(interval));
        }
        if let Some(timeout) = self.pong_timeout {
            options = options.pong_timeout(Duration::from_millis(timeout));
        }
        if let Some(mark) = self.high_water_mark {
            options = options.high_water_mark(mark);
        }
        options
    }

    fn reconnect_options(&self) -> ReconnectingWebSocketOptions {
        let wait = Duration::from_millis(self.wait);
        let mut backoff = Backoff::new(wait, wait, 0).jitter(0);
        if let Some(attempts) = self.max_attempts {
            backoff = backoff.max_attempts(attempts);
        }
        ReconnectingWebSocketOptions::new(backoff)
    }

    fn open(&self, now: Duration) -> Result<WebSocket<OsMaskKeys>, Box<dyn Error>> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce)?;
        let deflate = self.deflate.as_ref().map(Compression::deflate);
        let mut request = ClientRequest::new(self.address()?, "/", nonce)?;
        if let Some(deflate) = &deflate {
            request = request.deflate(deflate);
        }
        Ok(WebSocket::connect(&request, self.socket_options(), OsMaskKeys::new(), now))
    }
}

type Commands = tokio::sync::mpsc::UnboundedReceiver<Command>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut commands: Commands = read_commands();
    let Some(Command::Start(setup)) = commands.recv().await else {
        return Err("the first command is to start".into());
    };
    let mut driver = Driver::new(setup);
    match driver.setup.role {
        Role::Client => {
            driver.wire.plug(dial(driver.setup.address()?).await?);
            let socket = driver.setup.open(driver.now())?;
            driver.run(socket, &mut commands).await
        }
        Role::Reconnect => {
            let link = ReconnectingWebSocket::new(driver.setup.reconnect_options());
            driver.run(link, &mut commands).await
        }
        Role::Server => {
            let (stream, deflate, agreed) = driver.accept().await?;
            driver.wire.plug(stream);
            let socket = WebSocket::server(driver.setup.socket_options(), driver.now())
                .deflate(&deflate, agreed);
            driver.run(socket, &mut commands).await
        }
    }
}

async fn dial(address: &str) -> Result<TcpStream, Box<dyn Error>> {
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_nodelay(true)?;
    Ok(timeout(DIAL_TIMEOUT, socket.connect(address.parse()?)).await??)
}

/// The open halves of the transport.
#[derive(Default)]
struct Wire {
    reader: Option<OwnedReadHalf>,
    /// Dropping the writer shuts the writing side down.
    writer: Option<OwnedWriteHalf>,
}

impl Wire {
    fn plug(&mut self, stream: TcpStream) {
        let (reader, writer) = stream.into_split();
        *self = Self { reader: Some(reader), writer: Some(writer) };
    }
}

/// Returns how many bytes arrived; 0 at the end of the stream.
async fn read(reader: Option<&mut OwnedReadHalf>, received: &mut BytesMut) -> usize {
    let Some(reader) = reader else { return pending().await };
    reader.read_buf(received).await.unwrap_or(0)
}

/// Returns how many bytes the transport accepted; 0 if it accepts no more.
async fn write(writer: Option<&mut OwnedWriteHalf>, to_write: &mut ToWrite<'_>) -> usize {
    match writer {
        Some(writer) if to_write.has_remaining() => writer.write_buf(to_write).await.unwrap_or(0),
        _ => pending().await,
    }
}

/// The loop around a machine.
struct Driver {
    setup: Setup,
    start: Instant,
    wire: Wire,
    received: BytesMut,
    stream: Stream,
    /// How many messages of the stream the machine accepted.
    taken: u64,
    refused: u64,
    turns: u64,
    progress_at: Duration,
}

impl Driver {
    fn new(setup: Setup) -> Self {
        Self {
            setup,
            start: Instant::now(),
            wire: Wire::default(),
            received: BytesMut::new(),
            stream: Stream { count: 0, size: 0 },
            taken: 0,
            refused: 0,
            turns: 0,
            progress_at: Duration::ZERO,
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn report(&self, report: &Report) -> std::io::Result<()> {
        say(&At { at: self.now().as_millis(), report })
    }

    /// Accepts the first client and completes its handshake. Returns the agreed compression too.
    async fn accept(
        &mut self,
    ) -> Result<(TcpStream, Deflate, Option<DeflateParams>), Box<dyn Error>> {
        let deflate = self.setup.deflate.as_ref().map(Compression::deflate);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        self.report(&Report::Listening(listener.local_addr()?.port()))?;
        let (mut stream, _) = listener.accept().await?;
        let mut handshake = ServerHandshake::new();
        loop {
            if let Some(request) = handshake.decode(&self.received)? {
                let (head_len, mut acceptance) = (request.head_len(), request.accept());
                if let Some(deflate) = &deflate {
                    acceptance = acceptance.deflate(deflate);
                }
                let agreed = acceptance.deflate_params();
                stream.write_all(&acceptance.to_bytes()).await?;
                self.received.advance(head_len);
                return Ok((stream, deflate.unwrap_or_default(), agreed));
            }
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err("the client hung up during the handshake".into());
            }
        }
    }

    async fn run(
        mut self,
        mut machine: impl Machine,
        commands: &mut Commands,
    ) -> Result<(), Box<dyn Error>> {
        loop {
            self.turns += 1;
            while let Some(mut report) = machine.poll(&mut self.received, self.start.elapsed()) {
                let mut is_last = false;
                match &mut report {
                    Report::Connecting => {
                        if let Ok(stream) = dial(self.setup.address()?).await {
                            self.wire.plug(stream);
                            machine.connected(Some(self.setup.open(self.now())?));
                        } else {
                            machine.connected(None);
                        }
                    }
                    Report::Close(ended) => {
                        self.wire = Wire::default();
                        ended.progress_at = self.progress_at.as_millis();
                        ended.turns = self.turns;
                        is_last = ended.reconnect_at.is_none();
                    }
                    _ => {}
                }
                self.report(&report)?;
                if is_last {
                    return Ok(());
                }
            }
            self.feed(&mut machine);
            if machine.wants_shutdown() {
                self.wire.writer = None;
            }

            self.received.reserve(64 << 10);
            let wake = machine.deadline().map(|deadline| self.start + deadline);
            let now = self.now();
            let mut to_write = machine.to_write(now);
            select! {
                taken = write(self.wire.writer.as_mut(), &mut to_write) => {
                    self.progress(taken);
                    if taken == 0 {
                        self.wire.writer = None;
                        machine.write_failed(self.start.elapsed());
                    }
                }
                came = read(self.wire.reader.as_mut(), &mut self.received) => {
                    self.progress(came);
                    if came == 0 {
                        self.wire.reader = None;
                        machine.end_of_stream(self.start.elapsed());
                    }
                }
                () = sleep_until(wake.unwrap_or(self.start)), if wake.is_some() => {}
                command = commands.recv() => match command {
                    Some(command) => self.obey(&mut machine, command)?,
                    None => return Ok(()),
                },
            }
        }
    }

    fn progress(&mut self, bytes: usize) {
        if bytes > 0 {
            self.progress_at = self.now();
        }
    }

    fn feed(&mut self, machine: &mut impl Machine) {
        while self.taken < self.stream.count {
            let width = self.stream.size;
            match machine.send(&format!("{:.<width$}", self.taken)) {
                Ok(()) => self.taken += 1,
                Err(error) => {
                    self.refused += u64::from(error == SendError::Full);
                    return;
                }
            }
        }
    }

    fn obey(&mut self, machine: &mut impl Machine, command: Command) -> Result<(), Box<dyn Error>> {
        match command {
            Command::Start(_) => return Err("it was started".into()),
            Command::Text(text) => machine.send(&text)?,
            Command::Stream(stream) => self.stream = stream,
            Command::State => {
                let state = State {
                    ready: format!("{:?}", machine.ready_state()),
                    buffered_amount: machine.buffered_amount(),
                    to_write: machine.to_write(self.now()).remaining(),
                    taken: self.taken,
                    refused: self.refused,
                    written: machine.written(),
                    turns: self.turns,
                };
                self.report(&Report::State(state))?;
            }
            Command::Close(None) => machine.close(None, self.now())?,
            Command::Close(Some(Closing { code, reason })) => {
                let code = CloseCode::new(code).ok_or("no code to send")?;
                machine.close(Some(Close { code, reason: &reason }), self.now())?;
            }
        }
        Ok(())
    }
}
