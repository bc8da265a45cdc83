//! Follows an event stream over any transport.

use embedded_io::Read;
use eventwire::sse::decode::{InlineId, Text};
use eventwire::sse::{DecodeError, Decoder, DecoderOptions, Event, Item};

/// The storage of the last event ID, for up to 32 bytes.
type Id = InlineId<32>;

/// Why a stream was not read to its end.
#[derive(Debug)]
pub enum Error<E> {
    Decode(DecodeError),
    Transport(E),
}

/// Reads events to the end of the stream. Each event must be shorter than `buffer`. `on_event` also
/// gets the last event ID. Returns the decoder, which holds the state for a reconnection.
pub fn follow<T: Read>(
    transport: &mut T,
    buffer: &mut [u8],
    mut on_event: impl FnMut(Event<Text<'_>>, &str),
) -> Result<Decoder<Id>, Error<T::Error>> {
    let mut decoder =
        Decoder::with_storage(DecoderOptions::new().max_event(buffer.len() - 1), InlineId::new());
    let mut held = 0;
    loop {
        let len = transport.read(&mut buffer[held..]).map_err(Error::Transport)?;
        if len == 0 {
            return Ok(decoder);
        }
        let received = held + len;
        let mut input = &mut buffer[..received];
        while let Some(item) = decoder.decode(&mut input).map_err(Error::Decode)? {
            if let Item::Event(event) = item {
                on_event(event, decoder.last_event_id());
            }
        }
        held = input.len();
        buffer.copy_within(received - held..received, 0);
    }
}
