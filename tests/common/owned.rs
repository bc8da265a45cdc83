//! The decoders of owned events, driven under any chunking.

use super::{Seen, Trace};
use bytes::{Bytes, BytesMut};
use eventwire::sse::{BytesDecoder, DecodeError, Item, Options, OwnedItem};

/// The stream through [`BytesDecoder::decode_mut`].
pub fn by_bytes_mut<'a>(options: Options, chunks: impl IntoIterator<Item = &'a [u8]>) -> Trace {
    let mut buffer = BytesMut::new();
    by_bytes_decoder(options, chunks, |decoder, chunk| {
        buffer.extend_from_slice(&std::mem::take(chunk));
        decoder.decode_mut(&mut buffer)
    })
}

/// The stream through [`BytesDecoder::decode`].
pub fn by_chunks<'a>(options: Options, chunks: impl IntoIterator<Item = &'a [u8]>) -> Trace {
    by_bytes_decoder(options, chunks, BytesDecoder::decode)
}

fn by_bytes_decoder<'a>(
    options: Options,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    mut decode: impl FnMut(&mut BytesDecoder, &mut Bytes) -> Result<Option<OwnedItem>, DecodeError>,
) -> Trace {
    let mut decoder = BytesDecoder::with_options(options);
    let mut seen = Vec::new();
    'chunks: for chunk in chunks {
        let mut chunk = Bytes::copy_from_slice(chunk);
        loop {
            match decode(&mut decoder, &mut chunk) {
                Ok(Some(item)) => {
                    let last_event_id = decoder.last_event_id().to_string();
                    if let Item::Event(event) = &item {
                        assert_eq!(event.last_event_id, *last_event_id);
                    }
                    seen.push(Seen::new(item, &last_event_id));
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decode(&mut decoder, &mut chunk), Err(error), "repeats its error");
                    seen.push(Seen::Failed(error));
                    break 'chunks;
                }
            }
        }
        assert!(chunk.is_empty(), "a chunk is used up");
    }
    Trace {
        seen,
        last_event_id: decoder.last_event_id().to_string(),
        reconnection_time: decoder.reconnection_time(),
    }
}
