//! permessage-deflate ([RFC 7692]): compression of messages.
//!
//! [RFC 7692]: https://www.rfc-editor.org/rfc/rfc7692

// Advice for changing this module:
//
// * Only `zlib.rs` calls zlib. `MessageDeflater` and `MessageInflater` know messages, frames and
//   context takeover, but no blocks.
// * With context takeover, a compressor must have seen exactly what the peer has seen. Whenever it
//   has not (a frame was compressed but not sent, or a prepared frame was sent), `stale` makes it
//   forget everything before the next frame.
// * zlib forgets its window after a block with `BFINAL`, so a peer that sends such blocks makes us
//   keep the window. Until then, the window exists only inside the inflater.
// * Nothing in a `Scratch` outlives a call, because all connections of a thread share it.
// * A message is inflated in runs of at most the size of a `Scratch`, and the first byte beyond the
//   limit of the message decides. Never let the output grow with the input alone.
// * A peer must not make us work more than in proportion to its bytes. See the loop over empty
//   blocks in `MessageInflater::inflate`.

mod agreed;
mod forms;
mod message_deflater;
mod message_inflater;
mod params;
mod scratch;
mod zlib;

pub use params::{DeflateParams, WindowBits};

pub(super) use agreed::Agreed;
pub(super) use forms::Forms;
pub(super) use message_deflater::MessageDeflater;
pub(super) use message_inflater::MessageInflater;
#[cfg(feature = "handshake")]
pub(super) use params::names;
pub(super) use scratch::Scratch;

/// A pointer, because most connections compress nothing.
pub(super) type BoxedDeflater = alloc::boxed::Box<MessageDeflater>;
pub(super) type BoxedInflater = alloc::boxed::Box<MessageInflater>;

use std::sync::Arc;
use zlib::{Compressor, Idle, Settings};

/// The settings of permessage-deflate ([RFC 7692]): how messages are compressed, and what is asked
/// of the peer.
///
/// Make one for the whole program, and clone it. Clones share the memory that connections need only
/// during a message. It does nothing by itself: the handshake negotiates it, and a connection is
/// then told the result.
///
/// * Servers: [`Acceptance::deflate`](crate::ws::handshake::Acceptance::deflate), and then
///   [`WebSocket::deflate`](crate::ws::WebSocket::deflate) with the parameters that were [agreed
///   on](crate::ws::handshake::Acceptance::deflate_params).
/// * Clients: [`ClientRequest::deflate`](crate::ws::handshake::ClientRequest::deflate), and
///   [`WebSocket::connect`](crate::ws::WebSocket::connect) does the rest. If the handshake was made
///   elsewhere, proceed as servers do.
/// * Without a `WebSocket`: [`Connection::deflate`](crate::ws::Connection::deflate), or its halves,
///   [`MessageDecoder::deflate`](crate::ws::connection::MessageDecoder::deflate) and
///   [`Writer::deflate`](crate::ws::connection::Writer::deflate).
///
/// # What can be received
///
/// Every kind of block can be received, cut into frames anywhere. A message must end where the four
/// bytes that are not sent would end a block ([7.2.2]). It may also be completely empty, or end
/// with a block that has `BFINAL` set. References may go back 32 KiB, whatever window was agreed
/// on. They may cross blocks with `BFINAL` ([7.2.3.4]) within a message and, with context takeover,
/// between messages. Any fault is a
/// [`Fault::InvalidDeflate`](crate::ws::frame::Fault::InvalidDeflate).
///
/// One valid kind of reference is refused. zlib forgets its window after a block with `BFINAL`, and
/// zlib-rs does not expose the window. So the window is saved when a message begins with such a
/// block. If a connection's first `BFINAL` comes later in a message, everything before that message
/// is forgotten. Compressors that set `BFINAL` do so in each message.
///
/// # Secrets
///
/// The length of compressed bytes reveals something about the text that was compressed. Suppose
/// that an attacker can place text in the same message as a secret (or, with context takeover, in
/// an earlier message) and can see lengths on the wire. The attacker can then guess the secret
/// piece by piece, even if the connection is encrypted (CRIME, BREACH). Send such messages with
/// [`Frame::compress(false)`](crate::ws::Frame::compress). The compressor does not see uncompressed
/// messages at all.
///
/// # Safari
///
/// Safari offers compression but has faults in it: see the
/// [guide](crate::server_guide#compression).
///
/// # Memory
///
/// In addition to a connection without compression, in KiB, for what zlib-rs 0.6 allocates:
///
/// * Sending with context takeover, once there was a compressed message: a compressor of
///   `132 + 4 × window + 7 × 2^(memory_level − 4)`, with the window in KiB. That is 372 by default,
///   and 135 with a window of 9 bits and memory level 1.
/// * Receiving with context takeover, once there was a compressed message: an inflater of 47,
///   whatever the window. Once the peer has sent a block with `BFINAL`: the window of 32, and an
///   inflater only during a message.
/// * Without context takeover, between messages: nothing.
/// * Without context takeover, during a message: to send, a compressor, if the message is sent in
///   fragments; to receive, an inflater.
/// * While a message is received: the message so far, in memory that grows by doubling, up to
///   [`max_message`](crate::ws::Limits::max_message).
///
/// Connections without context takeover share the compressors and inflaters that they use during a
/// message: up to 16 of each wait for the next message. Each thread that sends or receives
/// compressed messages keeps 64 KiB as zlib's output buffer, and more only while it compresses a
/// longer message.
///
/// [RFC 7692]: https://www.rfc-editor.org/rfc/rfc7692
/// [7.2.2]: https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
/// [7.2.3.4]: https://www.rfc-editor.org/rfc/rfc7692#section-7.2.3.4
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
    /// The default of [`level`](Self::level): 6, as in zlib.
    pub const DEFAULT_LEVEL: u8 = 6;
    /// The default of [`memory_level`](Self::memory_level): 8, as in zlib.
    pub const DEFAULT_MEMORY_LEVEL: u8 = 8;
    /// The default of [`min_len`](Self::min_len): 64 bytes.
    pub const DEFAULT_MIN_LEN: usize = 64;

    /// Creates settings with context takeover and the largest windows, unless the peer wants less.
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

    /// Sets the wanted parameters. A server asks for the client's half, and keeps to its own half.
    /// A client offers the parameters, and refuses an answer that does not grant them. If the other
    /// end does not allow them, both [fall back](Self::fallback) by default.
    ///
    /// A window of 8 bits for our own compression counts as 9, because zlib writes no other. A
    /// server declines an offer that demands 8.
    #[must_use]
    pub const fn wanted(mut self, params: DeflateParams) -> Self {
        self.wanted = params;
        self
    }

    /// Sets whether messages may be compressed with other parameters than the
    /// [wanted](Self::wanted) ones, if the other end does not allow those. The default is `true`.
    /// With `false` there is no compression in that case, so any compression fulfils what is wanted
    /// of the other end. Use this to bound [memory](Self#memory).
    ///
    /// * A server that wants a smaller window from the client cannot ask for it unless the client's
    ///   offer has `client_max_window_bits` ([7.1.2.2]). With the fallback, it accepts an offer
    ///   without that parameter. Otherwise it declines that offer, and answers without the
    ///   extension if there is no other offer. A server can impose everything else that it may
    ///   want, including no context takeover by the client ([7.1.1.2]).
    /// * A client that wants a smaller window or no context takeover from the server makes, with
    ///   the fallback, a second offer without these parameters, for servers that do not know them
    ///   ([7.1.3]). Otherwise it makes only the first offer.
    ///
    /// [7.1.1.2]: https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.2
    /// [7.1.2.2]: https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
    /// [7.1.3]: https://www.rfc-editor.org/rfc/rfc7692#section-7.1.3
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

    /// Sets how hard to compress, from 0 (not at all) to 9 (the hardest). Higher levels count as 9.
    #[must_use]
    pub const fn level(mut self, level: u8) -> Self {
        self.level = if level > 9 { 9 } else { level };
        self
    }

    /// Sets how much memory a compressor has for unwritten data, from 1 to 9. Other levels count as
    /// the nearest of these. See [memory](Self#memory).
    #[must_use]
    pub const fn memory_level(mut self, level: u8) -> Self {
        self.memory_level = match level {
            0 => 1,
            10.. => 9,
            level => level,
        };
        self
    }

    /// Sets the least size of a message that is compressed, in bytes, unless its frame
    /// [decides](crate::ws::Frame::compress). A message that is sent in fragments is compressed in
    /// any case, because its length is not known.
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

    /// Returns what we want, as server or as client.
    #[cfg(feature = "handshake")]
    pub(super) fn wants(&self, server: bool) -> DeflateParams {
        let mut wanted = self.wanted;
        let own = if server {
            &mut wanted.server_max_window_bits
        } else {
            &mut wanted.client_max_window_bits
        };
        *own = own.map(|bits| bits.max(WindowBits::MIN_WRITTEN));
        wanted
    }

    /// Returns whether other parameters than the wanted ones are acceptable.
    #[cfg(feature = "handshake")]
    pub(super) const fn falls_back(&self) -> bool {
        self.fallback
    }
}

impl Default for Deflate {
    fn default() -> Self {
        Self::new()
    }
}
