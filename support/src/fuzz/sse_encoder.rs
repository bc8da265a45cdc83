//! Any message, written in any pieces, is the same after encoding and decoding.

use crate::cut;
use crate::sse::{Rules, Seen, trace};
use arbitrary::Arbitrary;
use eventwire::BufferTooSmall;
use eventwire::sse::{EventBuilder, EventId, EventType};
use std::fmt::Write;
use std::time::Duration;

#[derive(Arbitrary, Debug)]
pub struct Input {
    event_type: Option<String>,
    id: Option<String>,
    retry: Option<u64>,
    data: Vec<String>,
    cuts: Vec<u8>,
    room: u8,
}

pub fn run(input: &Input) {
    let data = input.data.concat();
    let mut fields = EventBuilder::new();
    let event_type = input.event_type.as_deref().map(EventType::new);
    if let Some(Ok(event_type)) = event_type {
        fields = fields.event_type(event_type);
    }
    let id = input.id.as_deref().map(EventId::new);
    if let Some(Ok(id)) = id {
        fields = fields.id(id);
    }
    let retry = input.retry.map(Duration::from_millis);
    if let Some(retry) = retry {
        fields = fields.retry(retry);
    }

    let message = fields.clone().data(&data);
    let bytes = message.to_bytes();
    assert_eq!(message.encoded_len(), bytes.len());
    let mut pieces = Vec::new();
    let (first, rest) = input.data.split_first().map_or(("", &[][..]), |(a, b)| (a, b));
    let mut writer = fields.data(first).write_data(&mut pieces);
    for piece in rest {
        writer.write_str(piece).unwrap();
    }
    assert_eq!(writer.finish(), Ok(bytes.len()));
    assert_eq!(pieces, bytes);
    let mut room = vec![0; usize::from(input.room)];
    match message.encode(&mut room) {
        Ok(len) => assert_eq!(room[..len], bytes),
        Err(BufferTooSmall { needed }) => assert!(needed == bytes.len() && needed > room.len()),
    }

    let id = id.and_then(Result::ok);
    let id = id.as_ref().map(EventId::as_str);
    let event_type = event_type.and_then(Result::ok).map(EventType::as_str);
    let expected = Seen::Event {
        event_type: event_type.filter(|it| !it.is_empty()).map(Into::into),
        data: data.replace("\r\n", "\n").replace('\r', "\n").into(),
        id: id.map(Into::into),
        retry,
        last_event_id: id.unwrap_or_default().into(),
    };
    assert_eq!(trace(Rules::VERBOSE, &cut(&bytes, &input.cuts)).seen, [expected]);
}
