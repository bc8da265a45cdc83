//! permessage-deflate (RFC 7692).

mod forms;
mod message_deflater;
mod message_inflater;
mod params;
mod scratch;
mod zlib;

pub use params::{DeflateParams, WindowBits};

pub(in crate::ws) use forms::Forms;
pub(in crate::ws) use message_deflater::MessageDeflater;
pub(in crate::ws) use message_inflater::MessageInflater;
#[cfg(feature = "handshake")]
pub(in crate::ws) use params::names;
pub(in crate::ws) use scratch::Scratch;

use std::sync::Arc;
use zlib::{Compressor, Idle, Settings};

/// permessage-deflate (RFC 7692): how messages are compressed, and what is asked of the peer.
///
/// Make one for a program, and clone it: clones share what connections need only while a message is
/// under way. It does nothing by itself; the handshake agrees on it, and a connection is then told:
///
/// * servers: [`Acceptance::deflate`](crate::ws::handshake::Acceptance::deflate), and
///   [`WebSocket::deflate`](crate::ws::WebSocket::deflate) with what was
///   [agreed](crate::ws::handshake::Acceptance::deflate_params) on;
/// * clients: [`ClientRequest::deflate`](crate::ws::handshake::ClientRequest::deflate), and
///   [`WebSocket::connect`](crate::ws::WebSocket::connect) does the rest. If the handshake was made elsewhere,
///   as servers;
/// * without a `WebSocket`: [`Connection::deflate`](crate::ws::Connection::deflate), or its halves,
///   [`MessageDecoder::deflate`](crate::ws::connection::MessageDecoder::deflate) and
///   [`Writer::deflate`](crate::ws::connection::Writer::deflate).
///
/// # What is received
///
/// Each kind of block, cut into frames anywhere. A message has to end where the four bytes that are not
/// sent end a block (7.2.2), but may be empty altogether, or end with a block that has `BFINAL` set. References
/// may go back 32 KiB, whatever window was agreed on, and over blocks with `BFINAL` (7.2.3.4), in a message and
/// with context takeover over messages. What is wrong is told by
/// [`Fault::InvalidDeflate`](crate::ws::frame::Fault::InvalidDeflate).
///
/// One reference is refused that is right. zlib forgets its window behind a block with `BFINAL`, and zlib-rs
/// does not show it. So the window is saved when a message begins with such a block. If a connection's first
/// `BFINAL` comes later in a message, everything before that message is forgotten. Compressors that set
/// `BFINAL` do so in each message.
///
/// # Secrets
///
/// How long compressed bytes are tells about what was compressed. If an attacker can have text of theirs
/// in the same message as a secret, or in an earlier one where context is taken over, and see lengths
/// on the wire, they can guess the secret piece by piece, encrypted or not (CRIME, BREACH). Send such
/// messages by [`Frame::compress(false)`](crate::ws::Frame::compress): what is not compressed is not seen by
/// the compressor either.
///
/// # Safari
///
/// Safari offers compression and has faults in it: see the [guide](crate::server_guide#compression).
///
/// # Memory
///
/// Besides that of a connection without compression, in KiB, for what zlib-rs 0.6 allocates:
///
/// | | sending | receiving |
/// |---|---|---|
/// | with context takeover, once there was a compressed message | a compressor, `132 + 4 × window + 7 × 2^(memory_level − 4)`: 372 by default, 135 with a window of 9 bits and memory level 1 | an inflater, 47 whatever the window; once the peer has sent a block with `BFINAL`, the window, 32, and an inflater only during a message |
/// | without, between messages | none | none |
/// | without, during a message | a compressor, if it is sent in fragments | an inflater |
/// | during a message | | the message so far, doubling, up to [`max_message`](crate::ws::Limits::max_message) |
///
/// What connections without context takeover use during a message is shared: up to 16 compressors and as
/// many inflaters wait for the next one. Each thread that sends or receives compressed messages keeps 64 KiB
/// that zlib writes to, more only while a longer message is compressed.
///
#[cfg_attr(feature = "handshake", doc = "```")]
#[cfg_attr(not(feature = "handshake"), doc = "```ignore")]
/// use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
/// use eventwire::ws::{Connection, Deflate, Frame, Limits, Message};
/// use bytes::BytesMut;
///
/// let deflate = Deflate::new().level(3);
/// let request = ClientRequest::new("example.com", "/chat", rand::random())?.deflate(&deflate);
/// let request_head = request.to_bytes();
///
/// let received = ServerHandshake::new().decode(&request_head)?.expect("a whole request");
/// let acceptance = received.accept().deflate(&deflate);
/// let agreed = acceptance.deflate_params();
/// let mut server = Connection::server(Limits::new()).deflate(&deflate, agreed);
/// let response_head = acceptance.to_bytes();
///
/// let response = request.handshake().decode(&response_head)?.expect("a whole response");
/// assert_eq!(response.deflate_params(), agreed);
/// let masks = rand::random::<[u8; 4]>;
/// let mut client = Connection::client(Limits::new(), masks).deflate(&deflate, agreed);
///
/// let (mut wire, text) = (BytesMut::new(), "again and ".repeat(100));
/// client.send_to(&Frame::text(&text), &mut wire)?;
/// assert!(wire.len() < 40);
/// assert_eq!(server.receive(&mut wire)?, Some(Message::Text(text.into())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deflate {
    wanted: DeflateParams,
    fallback: bool,
    level: u8,
    memory_level: u8,
    min_len: usize,
    idle: Arc<Idle>,
}

impl Deflate {
    /// 6, as zlib.
    pub const DEFAULT_LEVEL: u8 = 6;
    /// 8, as zlib.
    pub const DEFAULT_MEMORY_LEVEL: u8 = 8;
    /// 64.
    pub const DEFAULT_MIN_LEN: usize = 64;

    /// With context takeover and the largest windows, unless the peer wants it otherwise.
    #[must_use]
    pub fn new() -> Self {
        Self {
            wanted: DeflateParams::default(),
            fallback: true,
            level: Self::DEFAULT_LEVEL,
            memory_level: Self::DEFAULT_MEMORY_LEVEL,
            min_len: Self::DEFAULT_MIN_LEN,
            idle: Arc::default(),
        }
    }

    /// Sets what is wanted. A server asks it of the client, and keeps to its own half. A client offers it,
    /// and takes no answer that does not grant it. Where the other end does not allow it, either
    /// [falls back](Self::fallback) by default.
    ///
    /// A window of 8 bits for what we compress counts as 9, as zlib writes no other; a server declines
    /// an offer that demands it.
    #[must_use]
    pub const fn wanted(mut self, params: DeflateParams) -> Self {
        self.wanted = params;
        self
    }

    /// Whether messages may be compressed otherwise than is [wanted](Self::wanted), where the other end
    /// does not allow that. By default they may; without it there is then no compression, so that what
    /// is wanted of the other end holds wherever there is any: insist on it to bound
    /// [memory](Self#memory).
    ///
    /// * A server that wants a smaller window of the client cannot ask it of one that does not offer
    ///   `client_max_window_bits` (7.1.2.2). It accepts such an offer without; if it does not fall back,
    ///   it declines that offer, and answers without the extension if there is no other. All else that it
    ///   may want, it can impose: no context takeover of the client too (7.1.1.2).
    /// * A client that wants a smaller window or no context takeover of the server makes a second offer
    ///   without it, for servers that do not know those parameters (7.1.3); if it does not fall back,
    ///   it makes only the first.
    ///
    /// ```
    /// use eventwire::ws::Deflate;
    /// use eventwire::ws::deflate::{DeflateParams, WindowBits};
    ///
    /// // A server whose clients refer back 1 KiB at most, or do not compress.
    /// let small = DeflateParams {
    ///     client_no_context_takeover: true,
    ///     client_max_window_bits: WindowBits::new(10),
    ///     ..DeflateParams::default()
    /// };
    /// let deflate = Deflate::new().wanted(small).fallback(false);
    /// # let _ = deflate;
    /// ```
    #[must_use]
    pub const fn fallback(mut self, fallback: bool) -> Self {
        self.fallback = fallback;
        self
    }

    /// Sets how hard to compress: 0, not at all, to 9, the hardest; higher ones count as that.
    #[must_use]
    pub const fn level(mut self, level: u8) -> Self {
        self.level = if level > 9 { 9 } else { level };
        self
    }

    /// Sets how much memory a compressor has for what it has not written: 1 to 9; others count as the
    /// nearest. See the [table](Self#memory).
    #[must_use]
    pub const fn memory_level(mut self, level: u8) -> Self {
        self.memory_level = match level {
            0 => 1,
            10.. => 9,
            level => level,
        };
        self
    }

    /// Sets how many bytes a message has at least that is compressed, unless its frame
    /// [says otherwise](crate::ws::Frame::compress). Messages whose length is not known, as they are sent in
    /// fragments, are compressed.
    #[must_use]
    pub const fn min_len(mut self, bytes: usize) -> Self {
        self.min_len = bytes;
        self
    }

    fn compressor(&self, bits: WindowBits) -> Compressor {
        self.idle.compressor(self.settings(bits))
    }

    const fn settings(&self, bits: WindowBits) -> Settings {
        Settings { level: self.level, memory_level: self.memory_level, bits }
    }

    /// What we want as `server`, or as client.
    #[cfg(feature = "handshake")]
    pub(in crate::ws) fn wants(&self, server: bool) -> DeflateParams {
        let mut wanted = self.wanted;
        let own = if server {
            &mut wanted.server_max_window_bits
        } else {
            &mut wanted.client_max_window_bits
        };
        *own = own.map(|bits| bits.max(WindowBits::MIN_WRITTEN));
        wanted
    }

    /// Whether less than is wanted will do.
    #[cfg(feature = "handshake")]
    pub(in crate::ws) const fn falls_back(&self) -> bool {
        self.fallback
    }
}

impl Default for Deflate {
    fn default() -> Self {
        Self::new()
    }
}
