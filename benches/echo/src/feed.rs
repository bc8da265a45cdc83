//! The other side of a client that receives a feed: blocking sockets that play the WebSocket's
//! server, and frames that were encoded in advance.

use crate::harness::Running;
use crate::load::{PATIENCE, Sample, push_head};
use crate::received::digest;
use crate::servers::{Failure, Kind};
use crate::{BATCH, CONNECTIONS};
use eventwire::ws::handshake::ServerHandshake;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// The frames that every connection sends at once.
pub struct Burst {
    frames: Vec<u8>,
    payload_len: u64,
    /// The sum over the messages.
    digest: u64,
}

impl Burst {
    pub fn new(message_len: usize) -> Self {
        let mut burst = Self { frames: Vec::new(), payload_len: 0, digest: 0 };
        for message in 0..BATCH {
            let words = format!("news {message:02} ");
            let text: Vec<u8> = words.bytes().cycle().take(message_len).collect();
            push_head(&mut burst.frames, 0, text.len());
            burst.frames.extend(&text);
            burst.payload_len += text.len() as u64;
            burst.digest = burst.digest.wrapping_add(digest(&text));
        }
        burst
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
            socket.write_all(&burst.frames)?;
        }
        let each = if self.raw { burst.frames.len() as u64 } else { burst.payload_len };
        let connections = CONNECTIONS as u64;
        let late = Instant::now() + PATIENCE;
        while received.so_far().1 - bytes < each * connections {
            // All threads are on one processor: this lets the client run.
            thread::yield_now();
            if Instant::now() > late {
                return Err("the feed was not received".into());
            }
        }
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
