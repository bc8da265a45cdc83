//! Whole messages.

#[cfg(feature = "deflate")]
use super::decoder::Step;
#[cfg(feature = "deflate")]
use super::deflate::{Receiver, Room};
use super::{Close, Data, DataKind, Decoder, Event, Options, ProtocolError, Role};
#[cfg(feature = "deflate")]
use super::{Deflate, DeflateParams};
use crate::Utf8Bytes;
#[cfg(feature = "deflate")]
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::{Buf, Bytes, BytesMut};
use core::ops::Range;

/// A whole message, or a control frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub enum Message {
    /// Text, known to be valid.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
    /// A ping, at most 125 bytes, whose payload the pong is to repeat.
    Ping(Bytes),
    /// A pong, at most 125 bytes.
    Pong(Bytes),
    /// The peer closes, with a code and a reason or without. Whatever it sends after is ignored.
    Close(Option<Close<Utf8Bytes>>),
    /// A message passed this limit, and is dropped, as
    /// [`OnLimit::Skip`](super::OnLimit::Skip) has it.
    Skipped(ProtocolError),
}

/// Decodes whole messages: a [`Decoder`], and the memory to put fragments together.
///
/// A message that lies in the buffer as one frame shares its memory, and keeps the whole buffer
/// alive: copy out what is to be kept for long. Others are gathered as they arrive, which copies
/// them once, to memory of their own.
///
/// Memory: on 64-bit machines 112 bytes (128 with feature `deflate`), and what was gathered of a message
/// that is not whole. That grows by doubling, so that it takes no more than twice what has arrived, inflated
/// if it was compressed, and for a moment what it took before as well; it never exceeds
/// [`Options::max_message`], or twice that for the moment. Whatever the limit, no message is longer than
/// `isize::MAX` bytes, as no memory in one piece is.
///
/// ```
/// use bytes::BytesMut;
/// use eventwire::ws::{Message, MessageDecoder, Options, Role};
///
/// let mut decoder = MessageDecoder::new(Role::Client, Options::new());
/// let mut buffer = BytesMut::from(&b"\x01\x02gr\x80\x05\xC3\xBC\xC3\x9Fe"[..]);
/// assert_eq!(decoder.decode(&mut buffer)?, Some(Message::Text("grüße".into())));
/// # Ok::<(), eventwire::ws::ProtocolError>(())
/// ```
#[derive(Debug)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub struct MessageDecoder {
    decoder: Decoder,
    #[cfg(feature = "deflate")]
    receiver: Option<Box<Receiver>>,
    /// What has arrived of a message that is not whole.
    gathered: Vec<u8>,
}

impl MessageDecoder {
    /// A decoder for what `role`, which is ours, receives.
    #[must_use]
    pub fn new(role: Role, options: Options) -> Self {
        let max_message = options.max_message.min(isize::MAX as u64);
        Self {
            decoder: Decoder::new(role, options.max_message(max_message).compression(false)),
            #[cfg(feature = "deflate")]
            receiver: None,
            gathered: Vec::new(),
        }
    }

    /// Inflates messages as was agreed on in the handshake, if it was; for a decoder that is new.
    ///
    /// The limit of a message is then that of what it stands for: no more than that is inflated, and
    /// nothing kept of how it came.
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    #[must_use]
    pub fn deflate(mut self, deflate: &Deflate, agreed: Option<DeflateParams>) -> Self {
        self.set_deflate(deflate, agreed);
        self
    }

    #[cfg(feature = "deflate")]
    pub(super) fn set_deflate(&mut self, deflate: &Deflate, agreed: Option<DeflateParams>) {
        self.receiver = self.decoder.receiver(deflate, agreed).map(Box::new);
    }

    /// Takes the next message or control frame off the front of `buffer`.
    ///
    /// The convention is that of [`Decoder::decode`]: after `Ok(None)` leave what is left in
    /// `buffer`, and append to it.
    ///
    /// # Errors
    /// As [`Decoder::decode`]. What has arrived of the message is lost.
    #[inline(always)]
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        if let Some((kind, Range { start, end })) = self.decoder.whole(buffer) {
            let mut payload = buffer.split_to(end).freeze();
            payload.advance(start);
            return Ok(Some(message(kind, payload)));
        }
        self.decode_any(buffer)
    }

    /// As [`decode`](Self::decode), for all that is not a [`whole`](Decoder::whole) message.
    #[inline(never)]
    fn decode_any(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        loop {
            let step = self.decoder.step(buffer);
            #[cfg(feature = "deflate")]
            if let Ok(Step::Event { event: Event::Data(run), end }) = &step
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
                Ok(Some(Event::Data(run))) => match self.gather(run) {
                    Some(message) => message,
                    None => continue,
                },
                Ok(Some(Event::Ping(payload))) => Message::Ping(payload.freeze()),
                Ok(Some(Event::Pong(payload))) => Message::Pong(payload.freeze()),
                Ok(Some(Event::Skipped(error))) => {
                    self.gathered = Vec::new();
                    Message::Skipped(error)
                }
                Ok(Some(Event::Close(close))) => {
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
        #[cfg(feature = "deflate")]
        {
            self.receiver = None;
        }
    }

    /// The message that ends with this run, if one does.
    fn gather(&mut self, run: Data<BytesMut>) -> Option<Message> {
        let Data { kind, payload, fin, .. } = run;
        if fin && self.gathered.is_empty() {
            return Some(message(kind, payload.freeze()));
        }
        let longest = if fin { 0 } else { self.decoder.longest_message() };
        append(&mut self.gathered, &payload, longest);
        fin.then(|| message(kind, core::mem::take(&mut self.gathered).into()))
    }

    /// The message that ends with this run of a compressed one, if one does.
    #[cfg(feature = "deflate")]
    fn inflate<P>(
        &mut self,
        run: &Data<P>,
        mut payload: &[u8],
    ) -> Result<Option<Message>, ProtocolError> {
        // The decoder gives none that is compressed without it.
        let Some(receiver) = &mut self.receiver else { return Ok(None) };
        let mut room = Room::take();
        loop {
            let so_far = &self.gathered;
            match receiver.inflate(&mut payload, run.kind, run.fin, so_far, &mut room) {
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

    /// Which end of the connection we are.
    #[cfg(feature = "tokio-util")]
    pub(super) const fn role(&self) -> Role {
        self.decoder.role()
    }

    /// As [`Decoder::in_message`].
    #[must_use]
    pub const fn in_message(&self) -> bool {
        self.decoder.in_message()
    }
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
