//! Event streams.

use crate::call::{Call, Report};
#[cfg(feature = "alloc")]
use bytes::Bytes;
use core::time::Duration;
#[cfg(feature = "alloc")]
use eventwire::sse::OwnedDecoder;
use eventwire::sse::decode::{InlineId, Lexer, Token};
use eventwire::sse::{DecodeError, Decoder, DecoderOptions, Event, EventBuilder, Item};

/// Decodes with [`Decoder`] in the host's memory. The next chunk begins at the bytes that the
/// decoder leaves.
#[unsafe(no_mangle)]
extern "C" fn sse_decoder(call: &mut Call) -> usize {
    let (stream, ends, mut report) = call.parts();
    let mut decoder = Decoder::with_storage(DecoderOptions::new(), InlineId::<1024>::new());
    let mut start = 0;
    for &end in ends {
        let mut input = &mut stream[start..end];
        loop {
            let item = decoder.decode(&mut input);
            match item_to(&mut report, item, decoder.last_event_id()) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => return report.finish(),
            }
        }
        start = end - input.len();
    }
    end_to(&mut report, decoder.last_event_id(), decoder.reconnection_time());
    report.finish()
}

/// Decodes with [`OwnedDecoder`], each chunk in its own memory.
#[cfg(feature = "alloc")]
#[unsafe(no_mangle)]
extern "C" fn sse_bytes_decoder(call: &mut Call) -> usize {
    let (stream, ends, mut report) = call.parts();
    let mut decoder = OwnedDecoder::new();
    let mut start = 0;
    for &end in ends {
        let mut chunk = Bytes::copy_from_slice(&stream[start..end]);
        start = end;
        loop {
            let item = decoder.decode(&mut chunk);
            match item_to(&mut report, item, decoder.last_event_id()) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => return report.finish(),
            }
        }
    }
    end_to(&mut report, decoder.last_event_id(), decoder.reconnection_time());
    report.finish()
}

/// Reports a decoded item. Returns whether there may be more.
fn item_to<T: AsRef<[u8]>, L>(
    report: &mut Report<'_>,
    decoded: Result<Option<Item<T, L>>, DecodeError>,
    last_event_id: &str,
) -> Result<bool, DecodeError> {
    match &decoded {
        Ok(Some(Item::Event(event))) => event_to(report, event, last_event_id),
        Ok(Some(_)) => report.add_bytes(b'?', b""),
        Ok(None) => {}
        Err(_) => report.add_bytes(b'!', b""),
    }
    decoded.map(|item| item.is_some())
}

fn event_to<T: AsRef<[u8]>, L>(report: &mut Report<'_>, event: &Event<T, L>, last_event_id: &str) {
    if let Some(event_type) = &event.event_type {
        report.add_bytes(b't', event_type.as_ref());
    }
    report.add_bytes(b'd', event.data.as_ref());
    report.add_bytes(b'e', last_event_id.as_bytes());
}

fn end_to(report: &mut Report<'_>, last_event_id: &str, reconnection_time: Option<Duration>) {
    report.add_bytes(b'l', last_event_id.as_bytes());
    if let Some(time) = reconnection_time {
        report.add_number(b'r', time.as_secs() * 1000 + u64::from(time.subsec_millis()));
    }
}

/// Reports the tokens of [`Lexer`].
#[unsafe(no_mangle)]
extern "C" fn sse_lexer(call: &mut Call) -> usize {
    let (stream, ends, mut report) = call.parts();
    let mut lexer = Lexer::new();
    let mut start = 0;
    for &end in ends {
        let mut chunk = &stream[start..end];
        start = end;
        while let Some(token) = lexer.next_token(&mut chunk) {
            match token {
                Token::Field(name) => report.add_bytes(b'f', name.as_str().as_bytes()),
                Token::Comment => report.add_bytes(b':', b""),
                Token::Unknown => report.add_bytes(b'u', b""),
                Token::Value(run) => report.add_bytes(b'v', run),
                Token::EndOfLine => report.add_bytes(b'n', b""),
                Token::Blank => report.add_bytes(b'b', b""),
            }
        }
    }
    report.finish()
}

/// Encodes an event with the stream, which is text, as its data.
#[unsafe(no_mangle)]
extern "C" fn sse_encode(call: &mut Call) -> usize {
    let (text, _, mut report) = call.parts();
    match core::str::from_utf8(text).map(|text| EventBuilder::new().data(text)) {
        Ok(message) => report.add(b's', |room| message.encode(room).unwrap_or(0)),
        Err(_) => report.add_bytes(b'!', b""),
    }
    report.finish()
}
