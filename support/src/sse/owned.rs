//! Drives the decoders of owned events under any chunking.

use super::{Seen, Trace};
use bytes::{Bytes, BytesMut};
use eventwire::sse::{DecodeError, DecoderOptions, Item, OwnedDecoder, OwnedItem};

/// Decodes the stream with [`OwnedDecoder::decode_buffer`] and [`OwnedDecoder::decode_buffer_eof`].
pub fn by_bytes_mut<'a>(
    options: DecoderOptions,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Trace {
    let mut buffer = BytesMut::new();
    by_bytes_decoder(options, chunks, |decoder, chunk, is_end| {
        buffer.extend_from_slice(&std::mem::take(chunk));
        if is_end {
            decoder.decode_buffer_eof(&mut buffer)
        } else {
            decoder.decode_buffer(&mut buffer)
        }
    })
}

/// Decodes the stream with [`OwnedDecoder::decode`] and [`OwnedDecoder::decode_eof`].
pub fn by_chunks<'a>(options: DecoderOptions, chunks: impl IntoIterator<Item = &'a [u8]>) -> Trace {
    by_bytes_decoder(options, chunks, |decoder, chunk, is_end| {
        if is_end { decoder.decode_eof(chunk) } else { decoder.decode(chunk) }
    })
}

fn by_bytes_decoder<'a>(
    options: DecoderOptions,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    mut decode: impl FnMut(
        &mut OwnedDecoder,
        &mut Bytes,
        bool,
    ) -> Result<Option<OwnedItem>, DecodeError>,
) -> Trace {
    let mut decoder = OwnedDecoder::with_options(options);
    let mut seen = Vec::new();
    'chunks: for chunk in chunks.into_iter().map(Some).chain([None]) {
        let is_end = chunk.is_none();
        let mut chunk = Bytes::copy_from_slice(chunk.unwrap_or_default());
        loop {
            match decode(&mut decoder, &mut chunk, is_end) {
                Ok(Some(item)) => {
                    let last_event_id = decoder.last_event_id().to_string();
                    if let Item::Event(event) = &item {
                        assert_eq!(event.last_event_id, *last_event_id);
                    }
                    seen.push(Seen::new(item, &last_event_id));
                }
                Ok(None) => break,
                Err(error) => {
                    let again = decode(&mut decoder, &mut chunk, is_end);
                    assert_eq!(again, Err(error), "the decoder repeats its error");
                    seen.push(Seen::Failed(error));
                    break 'chunks;
                }
            }
        }
        assert!(chunk.is_empty(), "the decoder uses up each chunk");
    }
    Trace {
        seen,
        last_event_id: decoder.last_event_id().to_string(),
        reconnection_time: decoder.reconnection_time(),
    }
}
