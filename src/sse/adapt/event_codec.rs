//! Event streams for `tokio_util::codec`.

use super::read_error::ReadError;
use crate::sse::decode::{OwnedDecoder, OwnedItem};
use crate::sse::encode::EventBuilder;
use bytes::{Bytes, BytesMut};
use std::io;
use tokio_util::codec::{Decoder, Encoder};

/// Event streams (WHATWG HTML, 9.2.5 and 9.2.6) for `FramedRead`, `FramedWrite` and `Framed` of
/// [`tokio_util::codec`].
///
/// It reads [`OwnedItem`]s by [`OwnedDecoder::decode_buffer`], with the limits of that decoder. At the
/// end of the transport an unfinished event is discarded, by the standard and without an error, unless
/// the decoder's options [ask for it](crate::sse::DecoderOptions::unfinished), and the decoder is
/// [`reset`](OwnedDecoder::reset): what is read after is a new stream, into which the
/// last event ID is carried over. A read that is dropped before it is done loses nothing.
///
/// It writes [`EventBuilder`]s, and blocks that were encoded for many, as
/// [`to_bytes`](EventBuilder::to_bytes) and [`KEEP_ALIVE`](crate::sse::KEEP_ALIVE) give them. Those are sent
/// as they are: bytes that are no whole blocks make another event stream, or none.
///
/// As there are several kinds of items, `SinkExt::<Bytes>::close(&mut writer)` says which, and `flush`
/// likewise. It knows nothing of HTTP: a transport that carries chunked bodies is to be taken apart first.
///
/// # Errors
/// [`ReadError::Transport`] has the error of the transport, [`ReadError::Decode`] the limit that the
/// stream went past, which each read after it repeats. Only the transport makes a write fail.
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
    /// A codec with the default [`DecoderOptions`](crate::sse::DecoderOptions).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A codec that reads by this decoder, which has options or a last event ID.
    #[must_use]
    pub const fn with_decoder(decoder: OwnedDecoder) -> Self {
        Self { decoder }
    }

    /// The decoder, which knows the last event ID and the reconnection time.
    #[must_use]
    pub const fn decoder(&self) -> &OwnedDecoder {
        &self.decoder
    }

    /// The decoder, to go on without the codec. What is left in the read buffer belongs to it.
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
        // Never: this buffer grows.
        message.encode_to(buffer).map_err(io::Error::other)
    }
}

/// Whole blocks that were encoded before.
impl Encoder<Bytes> for EventCodec {
    type Error = io::Error;

    fn encode(&mut self, blocks: Bytes, buffer: &mut BytesMut) -> io::Result<()> {
        buffer.extend_from_slice(&blocks);
        Ok(())
    }
}
