//! Drives a `WebSocket` or a `ReconnectingWebSocket` in tests, with a clock that only the test
//! moves and a peer that consists of bytes.

use bytes::{Buf, BytesMut};
use eventwire::ws::connection::MessageDecoder;
use eventwire::ws::frame::{NoMask, Role};
use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
use eventwire::ws::socket::ToWrite;
use eventwire::ws::{
    Limits, MaskSource, Message, ReconnectingWebSocket, ReconnectingWebSocketEvent, WebSocket,
    WebSocketEvent, WebSocketOptions,
};
use std::time::Duration;

use super::Stream;

/// A mask source whose type has a name.
pub type Keys = fn() -> [u8; 4];

pub fn key() -> [u8; 4] {
    [0x11, 0x22, 0x33, 0x44]
}

pub const KEYS: Keys = key;

pub const SUBPROTOCOLS: &[&str] = &["soap", "chat"];

pub fn request() -> ClientRequest<'static> {
    let request = ClientRequest::new("example.com", "/", *b"16 random bytes!").unwrap();
    request.subprotocols(SUBPROTOCOLS).unwrap()
}

/// Returns the server's response to a request, or `None` if the request is incomplete.
pub fn accept(request: &[u8]) -> Option<Vec<u8>> {
    let mut handshake = ServerHandshake::new();
    let request = handshake.decode(request).expect("an acceptable request")?;
    Some(request.accept().subprotocol("chat").unwrap().to_bytes().to_vec())
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns the length of the last chance that follows a wait of this length.
pub fn last_chance(timeout: Duration) -> Duration {
    (timeout / 10).min(ms(1000))
}

/// Returns the peer's role.
pub fn other(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

/// Decodes bytes that `role` receives. They must be whole frames.
pub fn decode(role: Role, bytes: &[u8]) -> Vec<Message> {
    let mut decoder = MessageDecoder::new(role, Limits::new());
    let mut buffer = BytesMut::from(bytes);
    let mut messages = Vec::new();
    while let Some(message) = decoder.decode(&mut buffer).expect("all frames are valid") {
        messages.push(message);
    }
    assert!(buffer.is_empty() && !decoder.in_message(), "all frames are whole");
    messages
}

/// A socket, its received bytes and the current time.
#[derive(Debug)]
pub struct Rig<M> {
    pub socket: WebSocket<M>,
    pub role: Role,
    pub received: BytesMut,
    pub now: Duration,
}

/// The time at which each rig begins.
pub const START: Duration = ms(1_000_000);

impl Rig<NoMask> {
    /// Returns an open server.
    pub fn server(options: WebSocketOptions) -> Self {
        let mut rig = Self::new(WebSocket::server(options, START), Role::Server);
        assert_eq!(rig.poll_all(), [WebSocketEvent::Open]);
        rig
    }
}

impl Rig<Keys> {
    /// Returns an open client.
    pub fn client(options: WebSocketOptions) -> Self {
        let mut rig = Self::new(WebSocket::client(options, KEYS, START), Role::Client);
        assert_eq!(rig.poll_all(), [WebSocketEvent::Open]);
        rig
    }

    /// Returns a client that has written its request, and the response to that request.
    pub fn connect(options: WebSocketOptions) -> (Self, Vec<u8>) {
        let socket = WebSocket::connect(&request(), options, KEYS, START);
        let mut rig = Self::new(socket, Role::Client);
        let answer = accept(&rig.write()).expect("the request is whole");
        (rig, answer)
    }
}

impl<M: MaskSource> Rig<M> {
    pub fn new(socket: WebSocket<M>, role: Role) -> Self {
        Self { socket, role, received: BytesMut::new(), now: START }
    }

    pub fn poll(&mut self) -> Option<WebSocketEvent> {
        self.socket.poll(&mut self.received, self.now)
    }

    /// Polls until there are no more events. Afterwards nothing is due, unless the connection is
    /// over.
    pub fn poll_all(&mut self) -> Vec<WebSocketEvent> {
        let events: Vec<_> = std::iter::from_fn(|| self.poll()).collect();
        let deadline = self.socket.deadline();
        assert!(deadline.is_none_or(|at| at > self.now), "due at {deadline:?}: {:?}", self.now);
        events
    }

    pub fn receive(&mut self, bytes: &[u8]) -> Vec<WebSocketEvent> {
        self.received.extend_from_slice(bytes);
        self.poll_all()
    }

    /// Receives the bytes that `build` writes for the peer.
    pub fn hear(&mut self, build: impl Fn(&mut Stream) -> &mut Stream) -> Vec<WebSocketEvent> {
        let mut stream = Stream::new(self.role);
        build(&mut stream);
        self.receive(&stream.bytes)
    }

    pub fn end(&mut self) -> Vec<WebSocketEvent> {
        self.socket.end_of_stream(self.now);
        self.poll_all()
    }

    /// Lets this much time pass.
    pub fn wait(&mut self, time: Duration) -> Vec<WebSocketEvent> {
        self.now += time;
        self.poll_all()
    }

    /// Waits until one nanosecond before the deadline and checks that nothing happens. Then waits
    /// for the deadline itself.
    pub fn wait_for_deadline(&mut self) -> Vec<WebSocketEvent> {
        let deadline = self.socket.deadline().expect("a deadline is set");
        self.now = deadline.saturating_sub(Duration::from_nanos(1));
        assert_eq!(self.poll_all(), [], "nothing happens before the deadline");
        assert_eq!(self.socket.deadline(), Some(deadline), "still");
        self.now = deadline;
        self.poll_all()
    }

    /// Waits for a deadline that binds the peer, and then for the end of its last chance.
    #[track_caller]
    pub fn miss_deadline(&mut self) -> Vec<WebSocketEvent> {
        assert_eq!(self.wait_for_deadline(), [], "the peer keeps its last chance");
        self.wait_for_deadline()
    }

    /// Lets the transport take up to `most` of the bytes to write.
    pub fn write_some(&mut self, most: usize) -> Vec<u8> {
        take(self.socket.to_write(self.now), most)
    }

    /// Lets the transport take all of the bytes to write.
    pub fn write(&mut self) -> Vec<u8> {
        take_all(|| self.write_some(usize::MAX))
    }

    /// Like [`write`](Self::write), but returns the messages that the peer reads.
    pub fn say(&mut self) -> Vec<Message> {
        let written = self.write();
        decode(other(self.role), &written)
    }
}

/// A client that reconnects, its received bytes and the current time.
#[derive(Debug)]
pub struct LinkRig {
    pub link: ReconnectingWebSocket<Keys>,
    pub received: BytesMut,
    pub now: Duration,
}

impl LinkRig {
    pub fn new(link: ReconnectingWebSocket<Keys>) -> Self {
        Self { link, received: BytesMut::new(), now: START }
    }

    pub fn poll_all(&mut self) -> Vec<ReconnectingWebSocketEvent> {
        let poll = || self.link.poll(&mut self.received, self.now);
        let events: Vec<_> = std::iter::from_fn(poll).collect();
        let deadline = self.link.deadline();
        assert!(deadline.is_none_or(|at| at > self.now), "due at {deadline:?}: {:?}", self.now);
        events
    }

    /// Receives the frames that a server sends.
    pub fn hear(
        &mut self,
        build: impl Fn(&mut Stream) -> &mut Stream,
    ) -> Vec<ReconnectingWebSocketEvent> {
        let mut stream = Stream::new(Role::Client);
        build(&mut stream);
        self.received.extend_from_slice(&stream.bytes);
        self.poll_all()
    }

    pub fn write_some(&mut self, most: usize) -> Vec<u8> {
        take(self.link.to_write(self.now), most)
    }

    pub fn write(&mut self) -> Vec<u8> {
        take_all(|| self.write_some(usize::MAX))
    }
}

fn take(mut to_write: ToWrite<'_>, most: usize) -> Vec<u8> {
    let len = most.min(to_write.remaining());
    to_write.copy_to_bytes(len).to_vec()
}

fn take_all(take: impl FnMut() -> Vec<u8>) -> Vec<u8> {
    std::iter::repeat_with(take).take_while(|taken| !taken.is_empty()).flatten().collect()
}
