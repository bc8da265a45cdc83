//! Whole messages.

use super::{Close, Data, DataKind, Decoder, Event, Options, ProtocolError, Role};
use crate::Utf8Bytes;
use bytes::{Bytes, BytesMut};

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
/// A message that lies in the buffer as one frame shares its memory. Others are gathered as they
/// arrive, which copies them once; the memory for that grows by doubling, up to twice
/// [`Options::max_message`], and goes with the message. A message keeps its whole buffer alive.
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
    gathered: BytesMut,
}

impl MessageDecoder {
    /// A decoder for what `role`, which is ours, receives.
    #[must_use]
    pub fn new(role: Role, options: Options) -> Self {
        Self { decoder: Decoder::new(role, options), gathered: BytesMut::new() }
    }

    /// Takes the next message or control frame off the front of `buffer`.
    ///
    /// The convention is that of [`Decoder::decode`]: after `Ok(None)` leave what is left in
    /// `buffer`, and append to it.
    ///
    /// # Errors
    /// As [`Decoder::decode`]. What has arrived of the message is lost.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        loop {
            return Ok(Some(match self.decoder.decode_mut(buffer) {
                Ok(None) => return Ok(None),
                Ok(Some(Event::Data(data))) => match self.gather(data) {
                    Some(message) => message,
                    None => continue,
                },
                Ok(Some(Event::Ping(payload))) => Message::Ping(payload.freeze()),
                Ok(Some(Event::Pong(payload))) => Message::Pong(payload.freeze()),
                Ok(Some(Event::Close(close))) => {
                    self.gathered = BytesMut::new();
                    Message::Close(close)
                }
                Err(error) => {
                    self.gathered = BytesMut::new();
                    return Err(error);
                }
            }));
        }
    }

    /// The message that ends with this run, if one does.
    fn gather(&mut self, run: Data<BytesMut>) -> Option<Message> {
        let Data { kind, payload, fin } = run;
        let whole = if fin && self.gathered.is_empty() {
            payload
        } else {
            self.gathered.extend_from_slice(&payload);
            if !fin {
                return None;
            }
            core::mem::take(&mut self.gathered)
        };
        Some(match kind {
            DataKind::Text => Message::Text(Utf8Bytes::from_valid(whole.freeze())),
            DataKind::Binary => Message::Binary(whole.freeze()),
        })
    }

    /// On top of this decoder, which is to have decoded nothing yet.
    pub(super) fn over(decoder: &Decoder) -> Self {
        Self { decoder: decoder.restarted(), gathered: BytesMut::new() }
    }

    /// As [`Decoder::in_message`].
    #[must_use]
    pub const fn in_message(&self) -> bool {
        self.decoder.in_message()
    }
}
