//! Decoding of whole messages.

use super::message::Message;
use crate::Utf8Bytes;
use crate::ws::deflate::{BoxedInflater, Deflate, DeflateParams, MessageInflater, Scratch};
use crate::ws::frame::{
    DataKind, FrameDecoder, FrameEvent, Limits, ProtocolError, Role, Run, Step,
};
use alloc::vec::Vec;
use bytes::{Buf, Bytes, BytesMut};
use core::ops::Range;

/// Decodes whole messages: a [`FrameDecoder`], and the memory to put fragments together.
///
/// A message that lies in the buffer as one frame shares its memory, and keeps the whole buffer
/// alive: copy out what is to be kept for long. Others are gathered as they arrive, which copies
/// them once, to memory of their own.
///
/// Memory: on 64-bit machines 112 bytes (128 with feature `deflate`), and what was gathered of a message
/// that is not whole. That grows by doubling, so that it takes no more than twice what has arrived, inflated
/// if it was compressed, and for a moment what it took before as well; it never exceeds
/// [`Limits::max_message`], or twice that for the moment. Whatever the limit, no message is longer than
/// `isize::MAX` bytes, as no memory in one piece is.
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
    /// What has arrived of a message that is not whole.
    gathered: Vec<u8>,
}

impl MessageDecoder {
    /// A decoder for what `role`, which is ours, receives.
    #[must_use]
    pub fn new(role: Role, limits: Limits) -> Self {
        Self {
            decoder: FrameDecoder::new(role, in_one_piece(limits)),
            inflater: None,
            gathered: Vec::new(),
        }
    }

    /// Inflates messages as was agreed on in the handshake, if it was; for a decoder that is new.
    ///
    /// The limit of a message is then that of what it stands for: no more than that is inflated, and
    /// nothing kept of how it came.
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

    /// Sets what the peer may send from its next data frame on, as [`FrameDecoder::set_limits`]. Of
    /// a compressed message under way, the next byte that is inflated counts.
    pub fn set_limits(&mut self, limits: Limits) {
        let limits = in_one_piece(limits);
        self.decoder.set_limits(limits);
        if let Some(inflater) = &mut self.inflater {
            inflater.set_max_message(limits.max_message);
        }
    }

    /// Takes the next message or control frame off the front of `buffer`.
    ///
    /// The convention is that of [`FrameDecoder::decode`]: after `Ok(None)` leave what is left in
    /// `buffer`, and append to it.
    ///
    /// # Errors
    /// As [`FrameDecoder::decode`]. What has arrived of the message is lost.
    #[inline(always)]
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        if let Some((kind, Range { start, end })) = self.decoder.whole(buffer) {
            let mut payload = buffer.split_to(end).freeze();
            payload.advance(start);
            return Ok(Some(message(kind, payload)));
        }
        self.decode_any(buffer)
    }

    /// As [`decode`](Self::decode), for all that is not a [`whole`](FrameDecoder::whole) message.
    #[inline(never)]
    fn decode_any(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        loop {
            let step = self.decoder.step(buffer);
            if let Ok(Step::Event { event: FrameEvent::Data(run), end }) = &step
                && run.compressed
            {
                // Nothing of it is kept, so that it need not share memory.
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

    /// There will be no more messages.
    fn release(&mut self) {
        self.gathered = Vec::new();
        self.inflater = None;
    }

    /// The message that ends with this run, if one does.
    fn gather(&mut self, run: Run<BytesMut>) -> Option<Message> {
        let Run { kind, payload, fin, .. } = run;
        if fin && self.gathered.is_empty() {
            return Some(message(kind, payload.freeze()));
        }
        let longest = if fin { 0 } else { self.decoder.longest_message() };
        append(&mut self.gathered, &payload, longest);
        fin.then(|| message(kind, core::mem::take(&mut self.gathered).into()))
    }

    /// The message that ends with this run of a compressed one, if one does.
    fn inflate<P>(
        &mut self,
        run: &Run<P>,
        mut payload: &[u8],
    ) -> Result<Option<Message>, ProtocolError> {
        // The decoder gives none that is compressed without it.
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

    /// As [`FrameDecoder::in_message`].
    #[must_use]
    pub const fn in_message(&self) -> bool {
        self.decoder.in_message()
    }
}

/// The same limits, for messages that lie in one piece of memory.
fn in_one_piece(limits: Limits) -> Limits {
    let max_message = limits.max_message.min(isize::MAX as u64);
    limits.max_message(max_message)
}

/// Appends a part of a message. If that needs memory, there will be as much again, but no more than for
/// the longest message.
fn append(gathered: &mut Vec<u8>, part: &[u8], longest: u64) {
    let needed = gathered.len() + part.len();
    if gathered.capacity() < needed {
        let longest = usize::try_from(longest).unwrap_or(usize::MAX);
        let double = needed.saturating_mul(2).min(longest).max(needed);
        gathered.reserve_exact(double - gathered.len());
    }
    gathered.extend_from_slice(part);
}

/// A whole message, which the decoder has found valid.
#[inline]
fn message(kind: DataKind, payload: Bytes) -> Message {
    match kind {
        DataKind::Text => Message::Text(Utf8Bytes::from_valid(payload)),
        DataKind::Binary => Message::Binary(payload),
    }
}
