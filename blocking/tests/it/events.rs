//! Events of a reader.

use eventwire_blocking::sse::{self, DecoderOptions, LastEvent, OwnedDecoder, ReadError};
use std::io::{self, Read};

/// A reader that returns these results, one in each call.
struct Chunks(Vec<io::Result<&'static str>>);

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Ok(0);
        }
        let chunk = self.0.remove(0)?;
        buffer[..chunk.len()].copy_from_slice(chunk.as_bytes());
        Ok(chunk.len())
    }
}

#[test]
fn events_come_from_any_reader() {
    let interrupted = Err(io::ErrorKind::Interrupted.into());
    let reset = Err(io::ErrorKind::ConnectionReset.into());
    let body = vec![Ok("id: 7\ndata: a\n\nda"), interrupted, Ok("ta: b\n\ndata: c"), reset];
    let mut events = sse::events(Chunks(body));
    assert_eq!(events.next().unwrap().unwrap().data, "a");
    assert_eq!(events.next().unwrap().unwrap().data, "b");
    let error = events.next().unwrap().unwrap_err();
    assert!(
        matches!(error, ReadError::Transport(it) if it.kind() == io::ErrorKind::ConnectionReset)
    );
    assert!(events.next().is_none());
    assert_eq!(events.last_event_id(), "7");
    assert!(events.into_inner().0.is_empty());
}

#[test]
fn a_stream_that_was_cut_off_is_told_from_one_that_is_finished() {
    let read = |body: &'static str| {
        sse::events(body.as_bytes()).until(LastEvent::Data("[DONE]")).collect::<Vec<_>>()
    };
    assert!(matches!(&read("data: a\n\ndata: [DONE]\n\ndata: b\n\n")[..], [Ok(_)]));
    assert!(matches!(&read("data: a\n\n")[..], [Ok(_), Err(ReadError::Ended)]));
    let last = sse::events("data: z\n\n".as_bytes()).last_event(LastEvent::Data("z"));
    assert!(matches!(&last.collect::<Vec<_>>()[..], [Ok(_)]));
}

#[test]
fn limits_of_the_decoder_hold() {
    let decoder = OwnedDecoder::with_options(DecoderOptions::new().max_event(8));
    let events = sse::events("data: a\n\ndata: too long\n\n".as_bytes()).decoder(decoder);
    let seen: Vec<_> = events.collect();
    assert!(matches!(&seen[..], [Ok(_), Err(ReadError::Decode(_))]), "{seen:?}");
}
