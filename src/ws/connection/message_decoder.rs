//! [`MessageDecoder`], which decodes whole messages.

use super::message::Message;
use crate::Utf8Bytes;
use crate::ws::deflate::{BoxedInflater, Deflate, DeflateParams, MessageInflater, Scratch};
use crate::ws::frame::{
    DataKind, FrameDecoder, FrameEvent, Limits, ProtocolError, Role, Run, Step,
};
use alloc::vec::Vec;
use bytes::{Buf, Bytes, BytesMut};
use core::ops::Range;

/// Decodes whole messages. It consists of a [`FrameDecoder`] and the memory in which fragments are
/// put together.
///
/// If the buffer holds a message as one frame, the message shares the memory of the buffer and
/// keeps all of it alive, so copy a message that you keep for long. All other messages are gathered
/// as they arrive, which copies them once, to memory of their own.
///
/// Memory: on 64-bit machines 112 bytes (128 with feature `deflate`), plus the part of an
/// unfinished message that has been gathered. That memory grows by doubling, so it takes at most
/// twice the bytes received (inflated, if the message is compressed), and briefly the old memory as
/// well while it grows. It never exceeds [`Limits::max_message`], or twice that while it grows.
/// Whatever the limit, no message is longer than `isize::MAX` bytes, the longest allocation in
/// Rust.
///
/// ```
/// use bytes::BytesMut;
/// use eventwire::ws::{Limits, Message};
/// use eventwire::ws::connection::MessageDecoder;
/// use eventwire::ws::frame::Role;
///
/// let mut decoder = MessageDecoder::new(Role::Client, Limits::new());
/// let mut buffer = BytesMut::from(&b"\x01\x02gr\x80\x05\xC3\xBC\xC3\x9Fe"[..]);
/// assert_eq!(decoder.decode(&mut buffer)?, Some(Message::Text("grüße".into())));
/// # Ok::<(), eventwire::ws::ProtocolError>(())
/// ```
#[derive(Debug)]
pub struct MessageDecoder {
    decoder: FrameDecoder,
    inflater: Option<BoxedInflater>,
    /// The part of an unfinished message that has arrived.
    gathered: Vec<u8>,
}

impl MessageDecoder {
    /// Creates a decoder for the frames that `role`, our own role, receives.
    #[must_use]
    pub fn new(role: Role, limits: Limits) -> Self {
        Self {
            decoder: FrameDecoder::new(role, in_one_piece(limits)),
            inflater: None,
            gathered: Vec::new(),
        }
    }

    /// Inflates messages as the handshake agreed, if it did. Call it on a new decoder.
    ///
    /// The limit of a message then applies to its inflated length. No more than that is inflated,
    /// and the compressed bytes are not kept.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: &Deflate, agreed: Option<DeflateParams>) -> Self {
        self.set_deflate(deflate, agreed);
        self
    }

    pub(super) fn set_deflate(&mut self, deflate: &Deflate, agreed: Option<DeflateParams>) {
        self.decoder.allow_compression(agreed.is_some());
        let (role, max_message) = (self.decoder.role(), self.decoder.max_message());
        self.inflater =
            agreed.map(|params| MessageInflater::boxed(deflate, params, role, max_message));
    }

    /// Changes the limits on what the peer may send, from its next data frame on. See
    /// [`FrameDecoder::set_limits`]. To a compressed message under way, they apply from the next
    /// inflated byte on.
    pub fn set_limits(&mut self, limits: Limits) {
        let limits = in_one_piece(limits);
        self.decoder.set_limits(limits);
        if let Some(inflater) = &mut self.inflater {
            inflater.set_max_message(limits.max_message);
        }
    }

    /// Takes the next message or control frame off the front of `buffer`.
    ///
    /// The convention is that of [`FrameDecoder::decode`]: after `Ok(None)`, leave the remaining
    /// bytes in `buffer`, and append to it.
    ///
    /// # Errors
    /// As [`FrameDecoder::decode`]. The part of the message that has arrived is lost.
    #[inline(always)]
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        match self.decode_whole(buffer) {
            Some(message) => Ok(Some(message)),
            None => self.decode_any(buffer),
        }
    }

    /// Takes a [`whole`](FrameDecoder::whole) message off the front of `buffer`, if one is there.
    #[inline(always)]
    pub(in crate::ws) fn decode_whole(&mut self, buffer: &mut BytesMut) -> Option<Message> {
        let (kind, Range { start, end }) = self.decoder.whole(buffer)?;
        let mut payload = buffer.split_to(end).freeze();
        payload.advance(start);
        Some(message(kind, payload))
    }

    /// Decodes everything except a [`whole`](FrameDecoder::whole) message, as
    /// [`decode`](Self::decode) does.
    #[inline(never)]
    fn decode_any(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        loop {
            let step = self.decoder.step(buffer);
            if let Ok(Step::Event { event: FrameEvent::Data(run), end }) = &step
                && run.compressed
            {
                // The compressed bytes are not kept, so they need not share memory.
                let inflated = self.inflate(run, &buffer[run.payload.clone()]);
                buffer.advance(*end);
                match inflated? {
                    Some(message) => return Ok(Some(message)),
                    None => continue,
                }
            }
            return Ok(Some(match step.map(|step| step.take(buffer)) {
                Ok(None) => return Ok(None),
                Ok(Some(FrameEvent::Data(run))) => match self.gather(run) {
                    Some(message) => message,
                    None => continue,
                },
                Ok(Some(FrameEvent::Ping(payload))) => Message::Ping(payload.freeze()),
                Ok(Some(FrameEvent::Pong(payload))) => Message::Pong(payload.freeze()),
                Ok(Some(FrameEvent::Skipped(error))) => {
                    self.gathered = Vec::new();
                    Message::Skipped(error)
                }
                Ok(Some(FrameEvent::Close(close))) => {
                    self.release();
                    Message::Close(close)
                }
                Err(error) => {
                    self.release();
                    return Err(error);
                }
            }));
        }
    }

    /// Frees the memory for messages. No more of them will come.
    fn release(&mut self) {
        self.gathered = Vec::new();
        self.inflater = None;
    }

    /// Returns the message that ends with this run, if one does.
    fn gather(&mut self, run: Run<BytesMut>) -> Option<Message> {
        let Run { kind, payload, fin, .. } = run;
        if fin && self.gathered.is_empty() {
            return Some(message(kind, payload.freeze()));
        }
        let longest = if fin { 0 } else { self.decoder.longest_message() };
        append(&mut self.gathered, &payload, longest);
        fin.then(|| message(kind, core::mem::take(&mut self.gathered).into()))
    }

    /// Returns the message that ends with this run of a compressed message, if one does.
    fn inflate<P>(
        &mut self,
        run: &Run<P>,
        mut payload: &[u8],
    ) -> Result<Option<Message>, ProtocolError> {
        // Without an inflater, the decoder yields no compressed runs.
        let Some(inflater) = &mut self.inflater else { return Ok(None) };
        let mut room = Scratch::take();
        loop {
            let so_far = &self.gathered;
            match inflater.inflate(&mut payload, run.kind, run.fin, so_far, &mut room) {
                Ok(Some((part, longest))) => append(&mut self.gathered, part, longest),
                Ok(None) => break,
                Err(fault) => {
                    self.release();
                    return Err(self.decoder.fail_frame(fault));
                }
            }
        }
        Ok(run.fin.then(|| message(run.kind, core::mem::take(&mut self.gathered).into())))
    }

    /// Returns whether a message has begun but not ended. See [`FrameDecoder::in_message`].
    #[must_use]
    pub const fn in_message(&self) -> bool {
        self.decoder.in_message()
    }
}

/// Returns the same limits, for messages that are in one piece of memory.
fn in_one_piece(limits: Limits) -> Limits {
    let max_message = limits.max_message.min(isize::MAX as u64);
    limits.max_message(max_message)
}

/// Appends a part of a message. If there is no room, the memory grows to twice the size that is
/// needed now, but at most to that of the longest message.
fn append(gathered: &mut Vec<u8>, part: &[u8], longest: u64) {
    let needed = gathered.len() + part.len();
    if gathered.capacity() < needed {
        let longest = usize::try_from(longest).unwrap_or(usize::MAX);
        let double = needed.saturating_mul(2).min(longest).max(needed);
        gathered.reserve_exact(double - gathered.len());
    }
    gathered.extend_from_slice(part);
}

/// Creates a whole message. The decoder has found it valid.
#[inline]
fn message(kind: DataKind, payload: Bytes) -> Message {
    match kind {
        DataKind::Text => Message::Text(Utf8Bytes::from_valid(payload)),
        DataKind::Binary => Message::Binary(payload),
    }
}
