//! The other side: blocking sockets, and frames that were encoded in advance.

use crate::harness::{Running, Usage};
use crate::servers::{Failure, Kind};
use crate::{BATCH, CONNECTIONS};
use eventwire::ws::Limits;
use eventwire::ws::frame::{FrameDecoder, FrameEvent, Role, Run};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A request with the key of RFC 6455, 1.3. `ACCEPT` answers it.
pub const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\
    Host: localhost\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A contender that does not answer for this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The frames that one connection sends at once.
pub struct Batch {
    /// Masked frames of one text message each.
    frames: Vec<u8>,
    /// Their payloads, not masked.
    payload: Vec<u8>,
    message_len: usize,
}

impl Batch {
    /// Creates messages of this length, which name their connection.
    pub fn new(connection: usize, message_len: usize) -> Self {
        let (mut frames, mut payload) = (Vec::new(), Vec::new());
        for message in 0..BATCH {
            let words = format!("{connection:02}.{message:02} ");
            let text: Vec<u8> = words.bytes().cycle().take(message_len).collect();
            push_frame(&mut frames, connection * BATCH + message, &text);
            payload.extend_from_slice(&text);
        }
        Self { frames, payload, message_len }
    }
}

/// Encodes a masked frame by hand, so that no contender's encoder is its own judge.
fn push_frame(frames: &mut Vec<u8>, number: usize, text: &[u8]) {
    push_head(frames, 0x80, text.len());
    let number = u32::try_from(number).expect("few messages");
    let key = (number + 1).wrapping_mul(0x9E37_79B1).to_be_bytes();
    frames.extend(key);
    frames.extend(text.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// Encodes the head of a frame with a whole text message, up to the masking key.
pub fn push_head(frames: &mut Vec<u8>, mask: u8, len: usize) {
    let len = u16::try_from(len).expect("a short message");
    let [high, low] = len.to_be_bytes();
    if len < 126 {
        frames.extend([0x81, mask | low]);
    } else {
        frames.extend([0x81, mask | 0x7E, high, low]);
    }
}

/// All connections to one server.
pub struct Load {
    raw: bool,
    sockets: Vec<TcpStream>,
    buffer: Vec<u8>,
}

/// The cost of a message to a contender, over the measured time.
pub struct Sample {
    pub user_ns: f64,
    pub system_ns: f64,
    /// How often the contender's thread went to sleep, for each batch.
    pub sleeps: f64,
}

impl Sample {
    /// Divides by a number of exchanges, in each of which every connection had a batch.
    pub fn between(before: &Usage, after: &Usage, exchanges: usize) -> Self {
        let each = |what: fn(&Usage) -> i64, of: usize| {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let (used, of) = ((what(after) - what(before)) as f64, (exchanges * of) as f64);
            used / of
        };
        Self {
            user_ns: each(|usage| usage.user_ns, CONNECTIONS * BATCH),
            system_ns: each(|usage| usage.system_ns, CONNECTIONS * BATCH),
            sleeps: each(|usage| usage.sleeps, CONNECTIONS),
        }
    }

    pub fn total_ns(&self) -> f64 {
        self.user_ns + self.system_ns
    }
}

impl Load {
    pub fn connect(server: &Running) -> Result<Self, Failure> {
        let raw = server.kind == Kind::RawTcp;
        let sockets = (0..CONNECTIONS).map(|_| {
            let mut socket = TcpStream::connect(server.address)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            if !raw {
                shake_hands(&mut socket)?;
            }
            Ok(socket)
        });
        let sockets = sockets.collect::<Result<_, Failure>>()?;
        Ok(Self { raw, sockets, buffer: vec![0; 64 << 10] })
    }

    /// Keeps the server busy for this long. Compares the content of the echoes once, or always.
    pub fn measure(
        &mut self,
        server: &Running,
        batches: &[Batch],
        time: Duration,
        compare: bool,
    ) -> Result<Sample, Failure> {
        self.exchange(batches, true)?;
        let before = server.usage();
        let (start, mut exchanges) = (Instant::now(), 0);
        while start.elapsed() < time {
            self.exchange(batches, compare)?;
            exchanges += 1;
        }
        Ok(Sample::between(&before, &server.usage(), exchanges))
    }

    /// Sends one batch on each connection, and receives it back.
    fn exchange(&mut self, batches: &[Batch], compare: bool) -> Result<(), Failure> {
        for (socket, batch) in self.sockets.iter_mut().zip(batches) {
            socket.write_all(&batch.frames)?;
        }
        let receive = if self.raw { receive_bytes } else { receive_messages };
        // Receive the last one first: then the others have arrived too, and the server wakes us
        // only once.
        for (socket, batch) in self.sockets.iter_mut().zip(batches).rev() {
            receive(socket, &mut self.buffer, batch, compare)?;
        }
        Ok(())
    }
}

fn shake_hands(socket: &mut TcpStream) -> Result<(), Failure> {
    socket.write_all(REQUEST)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8(head)?;
    if head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT) {
        Ok(())
    } else {
        Err(format!("not the answer to a handshake: {head}").into())
    }
}

fn receive_bytes(
    socket: &mut TcpStream,
    buffer: &mut [u8],
    batch: &Batch,
    compare: bool,
) -> Result<(), Failure> {
    let received = &mut buffer[..batch.frames.len()];
    socket.read_exact(received)?;
    if compare && received != batch.frames {
        return Err("other bytes came back".into());
    }
    Ok(())
}

/// Receives echoes, in any number of frames and reads.
fn receive_messages(
    socket: &mut TcpStream,
    buffer: &mut [u8],
    batch: &Batch,
    compare: bool,
) -> Result<(), Failure> {
    let mut decoder = FrameDecoder::new(Role::Client, Limits::new());
    let (mut messages, mut len, mut left) = (0, 0, 0);
    while messages < BATCH {
        let read = socket.read(&mut buffer[left..])?;
        if read == 0 {
            return Err("the server closed".into());
        }
        let filled = left + read;
        let mut input = &mut buffer[..filled];
        while let Some(event) = decoder.decode(&mut input)? {
            let FrameEvent::Data(Run { payload, fin, .. }) = event else {
                return Err("no message came back".into());
            };
            if compare && batch.payload.get(len..len + payload.len()) != Some(payload) {
                return Err("another message came back".into());
            }
            len += payload.len();
            messages += usize::from(fin);
            if fin && len != messages * batch.message_len {
                return Err("a message of another length came back".into());
            }
        }
        left = input.len();
        buffer.copy_within(filled - left..filled, 0);
    }
    if left > 0 { Err("more than the messages came back".into()) } else { Ok(()) }
}
