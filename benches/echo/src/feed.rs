//! The other side of a client that receives a feed: blocking sockets that play the server, and
//! frames or events that were encoded in advance.

use crate::harness::Running;
use crate::load::{PATIENCE, Sample, push_head};
use crate::received::{Received, digest};
use crate::servers::{Failure, Kind};
use crate::{BATCH, CONNECTIONS};
use eventwire::ws::handshake::ServerHandshake;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\n\r\n";

/// The messages that every connection sends at once.
pub struct Burst {
    bytes: Vec<u8>,
    payload_len: u64,
    /// The sum over the messages.
    digest: u64,
}

impl Burst {
    /// Frames of a WebSocket.
    pub fn frames(message_len: usize) -> Self {
        let text = |message| {
            let words = format!("news {message:02} ");
            words.chars().cycle().take(message_len).collect()
        };
        Self::new(text, |text, bytes| {
            push_head(bytes, 0, text.len());
            bytes.extend_from_slice(text.as_bytes());
        })
    }

    /// Events with the tokens of a language model, each in a chunk of HTTP.
    pub fn tokens() -> Self {
        let text = |message| {
            format!(
                "{{\"id\":\"chatcmpl-9vXbWq3JmZ1rT5kP0aYcE7sLdH2uQ\",\
                 \"object\":\"chat.completion.chunk\",\"created\":1732147200,\
                 \"model\":\"gpt-4o-mini\",\"system_fingerprint\":\"fp_0aa8d3e20b\",\
                 \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" token{message:02}\"}},\
                 \"finish_reason\":null}}]}}"
            )
        };
        Self::new(text, |text, bytes| {
            let event = format!("data: {text}\n\n");
            bytes.extend(format!("{:x}\r\n{event}\r\n", event.len()).bytes());
        })
    }

    fn new(text: impl Fn(usize) -> String, encode: impl Fn(&str, &mut Vec<u8>)) -> Self {
        let mut burst = Self { bytes: Vec::new(), payload_len: 0, digest: 0 };
        for message in 0..BATCH {
            let text = text(message);
            encode(&text, &mut burst.bytes);
            burst.payload_len += text.len() as u64;
            burst.digest = burst.digest.wrapping_add(digest(text.as_bytes()));
        }
        burst
    }

    /// Returns the mean length of a message.
    pub fn message_len(&self) -> usize {
        usize::try_from(self.payload_len).expect("a short message") / BATCH
    }
}

/// All connections to one client.
pub struct Feed {
    raw: bool,
    sockets: Vec<TcpStream>,
}

impl Feed {
    pub fn connect(client: &Running) -> Result<Self, Failure> {
        let raw = client.kind == Kind::RawTcp;
        let sockets = (0..CONNECTIONS).map(|_| {
            let mut socket = TcpStream::connect(client.address)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            if !raw {
                accept(&mut socket)?;
            }
            Ok(socket)
        });
        Ok(Self { raw, sockets: sockets.collect::<Result<_, Failure>>()? })
    }

    /// Has the client read event streams.
    pub fn follow(client: &Running) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/\n", listener.local_addr()?);
        let sockets = (0..CONNECTIONS).map(|_| {
            TcpStream::connect(client.address)?.write_all(url.as_bytes())?;
            let (mut socket, _) = listener.accept()?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte)?;
                head.extend(byte);
            }
            socket.write_all(RESPONSE)?;
            Ok(socket)
        });
        let sockets = sockets.collect::<Result<_, Failure>>()?;
        let raw = client.kind == Kind::RawTcp;
        if raw {
            wait_for_bytes(&client.received, (RESPONSE.len() * CONNECTIONS) as u64)?;
        }
        Ok(Self { raw, sockets })
    }

    /// Keeps the client busy for this long. Compares the content of the first messages.
    pub fn measure(
        &mut self,
        client: &Running,
        burst: &Burst,
        time: Duration,
    ) -> Result<Sample, Failure> {
        self.send(client, burst, true)?;
        let before = client.usage();
        let (start, mut sent) = (Instant::now(), 0);
        while start.elapsed() < time {
            self.send(client, burst, false)?;
            sent += 1;
        }
        Ok(Sample::between(&before, &client.usage(), sent))
    }

    /// Sends a burst on each connection, and waits until all of it has been received.
    fn send(&mut self, client: &Running, burst: &Burst, compare: bool) -> Result<(), Failure> {
        let received = &client.received;
        let (messages, bytes, digest) = received.so_far();
        received.compare(compare);
        for socket in &mut self.sockets {
            socket.write_all(&burst.bytes)?;
        }
        let each = if self.raw { burst.bytes.len() as u64 } else { burst.payload_len };
        let connections = CONNECTIONS as u64;
        wait_for_bytes(received, bytes + each * connections)?;
        let (messages_then, bytes_then, digest_then) = received.so_far();
        let expected = if self.raw { 0 } else { BATCH as u64 * connections };
        if messages_then - messages != expected || bytes_then - bytes != each * connections {
            return Err("another number of messages was received".into());
        }
        let expected = burst.digest.wrapping_mul(connections);
        if compare && !self.raw && digest_then.wrapping_sub(digest) != expected {
            return Err("other messages were received".into());
        }
        Ok(())
    }
}

fn wait_for_bytes(received: &Received, bytes: u64) -> Result<(), Failure> {
    let late = Instant::now() + PATIENCE;
    while received.so_far().1 < bytes {
        // All threads are on one processor: this lets the client run.
        thread::yield_now();
        if Instant::now() > late {
            return Err("the feed was not received".into());
        }
    }
    Ok(())
}

/// Answers a client's handshake.
fn accept(socket: &mut TcpStream) -> Result<(), Failure> {
    let (mut head, mut handshake) = (Vec::new(), ServerHandshake::new());
    loop {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.extend(byte);
        if let Some(request) = handshake.decode(&head)? {
            socket.write_all(&request.accept().to_bytes())?;
            return Ok(());
        }
    }
}
