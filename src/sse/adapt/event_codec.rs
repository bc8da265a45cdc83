//! [`EventCodec`], event streams for `tokio_util::codec`.

use super::read_error::ReadError;
use crate::sse::decode::{OwnedDecoder, OwnedItem};
use crate::sse::encode::EventBuilder;
use bytes::{Bytes, BytesMut};
use std::io;
use tokio_util::codec::{Decoder, Encoder};

/// A codec for event streams ([WHATWG HTML, 9.2.5], [WHATWG HTML, 9.2.6]), for `FramedRead`,
/// `FramedWrite` and `Framed` of [`tokio_util::codec`].
///
/// The codec reads [`OwnedItem`]s with [`OwnedDecoder::decode_buffer`], within the decoder's
/// limits. At the end of the transport, an unfinished event is discarded without an error, as the
/// standard says, unless the decoder's options [ask for
/// it](crate::sse::DecoderOptions::unfinished). The decoder is then [`reset`](OwnedDecoder::reset):
/// later input is a new stream, which begins with the last event ID. A read that is dropped before
/// it is done loses nothing.
///
/// The codec writes [`EventBuilder`]s, and the [`Bytes`] of blocks that were encoded for many
/// receivers, such as those of [`to_bytes`](EventBuilder::to_bytes) and
/// [`KEEP_ALIVE`](crate::sse::server::KEEP_ALIVE). `Bytes` are sent unchanged. They must be whole
/// blocks: anything else changes the events that readers see.
///
/// There are several types of items, so name one in calls such as `SinkExt::<Bytes>::close(&mut
/// writer)` and `flush`. The codec knows nothing of HTTP: remove the chunked encoding of a body
/// before you pass it to the codec.
///
/// [WHATWG HTML, 9.2.5]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
/// [WHATWG HTML, 9.2.6]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
///
/// # Errors
/// [`ReadError::Transport`] contains the error of the transport. [`ReadError::Decode`] contains the
/// limit that the stream passed, and each later read repeats it. A write fails only if the
/// transport fails.
///
/// ```
/// use eventwire::sse::{EventCodec, Item, EventBuilder};
/// use futures_util::{SinkExt, StreamExt};
/// use tokio_util::codec::{FramedRead, FramedWrite};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (server, client) = tokio::io::duplex(64);
/// let mut writer = FramedWrite::new(server, EventCodec::new());
/// writer.send(EventBuilder::new().data("hello")).await?;
/// drop(writer);
///
/// let mut reader = FramedRead::new(client, EventCodec::new());
/// while let Some(item) = reader.next().await {
///     let Item::Event(event) = item? else { continue };
///     assert_eq!(event.data, "hello");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventCodec {
    decoder: OwnedDecoder,
}

impl EventCodec {
    /// Creates a codec with the default [`DecoderOptions`](crate::sse::DecoderOptions).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a codec that reads with this decoder, and so with its options and its last event ID.
    #[must_use]
    pub const fn with_decoder(decoder: OwnedDecoder) -> Self {
        Self { decoder }
    }

    /// Returns the decoder, which has the last event ID and the reconnection time.
    #[must_use]
    pub const fn decoder(&self) -> &OwnedDecoder {
        &self.decoder
    }

    /// Returns the decoder, to continue without the codec. Pass it the rest of the read buffer.
    #[must_use]
    pub fn into_decoder(self) -> OwnedDecoder {
        self.decoder
    }
}

impl Decoder for EventCodec {
    type Item = OwnedItem;
    type Error = ReadError<io::Error>;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<OwnedItem>, Self::Error> {
        self.decoder.decode_buffer(buffer).map_err(ReadError::Decode)
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<OwnedItem>, Self::Error> {
        self.decoder.decode_buffer_eof(buffer).map_err(ReadError::Decode)
    }
}

impl Encoder<EventBuilder<'_>> for EventCodec {
    type Error = io::Error;

    fn encode(&mut self, message: EventBuilder<'_>, buffer: &mut BytesMut) -> io::Result<()> {
        self.encode(&message, buffer)
    }
}

impl Encoder<&EventBuilder<'_>> for EventCodec {
    type Error = io::Error;

    fn encode(&mut self, message: &EventBuilder<'_>, buffer: &mut BytesMut) -> io::Result<()> {
        // This cannot fail, because the buffer grows.
        message.encode_to(buffer).map_err(io::Error::other)
    }
}

/// Writes whole blocks that were encoded before.
impl Encoder<Bytes> for EventCodec {
    type Error = io::Error;

    fn encode(&mut self, blocks: Bytes, buffer: &mut BytesMut) -> io::Result<()> {
        buffer.extend_from_slice(&blocks);
        Ok(())
    }
}
