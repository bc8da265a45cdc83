//! Whole messages.

use super::{Close, Data, DataKind, Decoder, Event, Options, ProtocolError, Role};
use crate::Utf8Bytes;
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
}

/// Decodes whole messages: a [`Decoder`], and the memory to put fragments together.
///
/// A message that lies in the buffer as one frame shares its memory, and keeps the whole buffer
/// alive: copy out what is to be kept for long. Others are gathered as they arrive, which copies
/// them once, to memory of their own.
///
/// Memory: on 64-bit machines 112 bytes, and what was gathered of a message that is not whole. That
/// grows by doubling, so that it takes no more than twice what has arrived, and for a moment what it
/// took before as well; it never exceeds [`Options::max_message`], or twice that for the moment.
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
#[derive(Clone, Debug)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub struct MessageDecoder {
    decoder: Decoder,
    /// What has arrived of a message that is not whole.
    gathered: Vec<u8>,
}

impl MessageDecoder {
    /// A decoder for what `role`, which is ours, receives.
    #[must_use]
    pub fn new(role: Role, options: Options) -> Self {
        Self { decoder: Decoder::new(role, options), gathered: Vec::new() }
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
            return Ok(Some(match self.decoder.decode_any_mut(buffer) {
                Ok(None) => return Ok(None),
                Ok(Some(Event::Data(data))) => match self.gather(data) {
                    Some(message) => message,
                    None => continue,
                },
                Ok(Some(Event::Ping(payload))) => Message::Ping(payload.freeze()),
                Ok(Some(Event::Pong(payload))) => Message::Pong(payload.freeze()),
                Ok(Some(Event::Close(close))) => {
                    self.gathered = Vec::new();
                    Message::Close(close)
                }
                Err(error) => {
                    self.gathered = Vec::new();
                    return Err(error);
                }
            }));
        }
    }

    /// The message that ends with this run, if one does.
    fn gather(&mut self, run: Data<BytesMut>) -> Option<Message> {
        let Data { kind, payload, fin } = run;
        if fin && self.gathered.is_empty() {
            return Some(message(kind, payload.freeze()));
        }
        self.grow(payload.len(), fin);
        self.gathered.extend_from_slice(&payload);
        fin.then(|| message(kind, core::mem::take(&mut self.gathered).into()))
    }

    /// Makes room for `more` bytes, and as many again as there are then, but not past the end of the
    /// message if that is known, nor past the longest message.
    fn grow(&mut self, more: usize, fin: bool) {
        let Self { decoder, gathered } = self;
        let needed = gathered.len() + more;
        if gathered.capacity() < needed {
            let longest = if fin { needed as u64 } else { decoder.longest_message() };
            let double =
                usize::try_from(longest).unwrap_or(usize::MAX).min(needed.saturating_mul(2));
            gathered.reserve_exact(double - gathered.len());
        }
    }

    /// As [`Decoder::in_message`].
    #[must_use]
    pub const fn in_message(&self) -> bool {
        self.decoder.in_message()
    }
}

/// A whole message, which the decoder has found valid.
#[inline]
fn message(kind: DataKind, payload: Bytes) -> Message {
    match kind {
        DataKind::Text => Message::Text(Utf8Bytes::from_valid(payload)),
        DataKind::Binary => Message::Binary(payload),
    }
}
