//! Owned events: the memory that they share, and the memory that the decoder holds.

use bytes::{Bytes, BytesMut};
use eventwire::sse::decode::OnLimit;
use eventwire::sse::{DecodeError, DecoderOptions, EventId, Item, OwnedDecoder};
use eventwire_test_support::sse::RECONNECTS;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn last_event_id_outlives_reconnects() {
    let mut decoder = OwnedDecoder::new();
    decoder.set_last_event_id(EventId::from_static("seed"));
    for (stream, expected) in RECONNECTS {
        let mut chunk = Bytes::from(stream);
        let Some(Item::Event(event)) = decoder.decode(&mut chunk).unwrap() else {
            panic!("not an event")
        };
        assert_eq!(event.last_event_id, expected);
        assert_eq!(decoder.decode(&mut chunk), Ok(None));
        decoder.reset();
    }
    assert_eq!(decoder.reconnection_time(), Some(Duration::from_millis(10)));
}

#[test]
fn a_reset_decoder_starts_a_new_stream() {
    let limits = DecoderOptions::new().max_event(8);
    let mut decoder = OwnedDecoder::with_options(limits);
    let mut long = Bytes::from("data: a\r");
    assert_eq!(decoder.decode(&mut long), Ok(None));
    let mut more = Bytes::from("data");
    let error = DecodeError::EventTooLong { limit: 8, offset: 8 };
    assert_eq!(decoder.decode(&mut more), Err(error));
    assert_eq!(decoder.decode(&mut Bytes::from("\n\ndata: b\n\n")), Err(error), "dead");
    decoder.reset();
    // The decoder neither forgets nor invents the CR and the byte order mark.
    let mut next = Bytes::from("\u{FEFF}data:b\n\n");
    assert!(matches!(decoder.decode(&mut next), Ok(Some(Item::Event(event))) if event.data == "b"));
}

#[test]
fn owned_events_share_the_read_buffer() {
    let mut decoder = OwnedDecoder::new();
    let mut buffer = BytesMut::with_capacity(256);
    let memory = buffer.as_ptr() as usize..buffer.as_ptr() as usize + 256;
    buffer.extend_from_slice(b"id: 1\ndata: one\ndata: two\n\nda");
    let Ok(Some(Item::Event(event))) = decoder.decode_buffer(&mut buffer) else {
        panic!("not an event")
    };
    assert_eq!(event.data, "one\ntwo");
    for bytes in [&event.data, &event.last_event_id] {
        assert!(memory.contains(&(bytes.as_ptr() as usize)), "the event must not be copied");
    }
    assert_eq!(decoder.decode_buffer(&mut buffer), Ok(None));
    assert_eq!(buffer, "da");
}

#[test]
fn text_is_shared_unless_it_had_to_be_replaced() {
    let mut chunk = Bytes::from_static(b"data: \xE2\x82\xAC\n\nevent: \xFF\ndata: \xE2\x82\n\n");
    let at = chunk[6..].as_ptr();
    let mut decoder = OwnedDecoder::new();
    let Ok(Some(Item::Event(event))) = decoder.decode(&mut chunk) else { panic!("not an event") };
    assert_eq!((&*event.data, event.event_type_or_default()), ("\u{20AC}", "message"));
    assert_eq!(event.data.as_ptr(), at, "valid text must not be copied");

    let Ok(Some(Item::Event(event))) = decoder.decode(&mut chunk) else { panic!("not an event") };
    assert_eq!(event.event_type_or_default(), "\u{FFFD}");
    assert_eq!(event.data, "\u{FFFD}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..Default::default()
    })]

    /// Mixing the methods is misuse: each method loses the bytes that the other had left. The
    /// decoder may fail, but must not panic.
    #[test]
    fn mixing_the_two_methods_does_no_harm(
        pieces in prop::collection::vec(
            (any::<bool>(), any::<bool>(), 0..9, prop::collection::vec(
                    proptest::sample::select(vec![
                        "data", "data: a", "id: 7", "event: e", ": c", "x", "\r", "\n", "\n\n", "\u{FEFF}",
                    ]),
                    0..6,
                ).prop_map(|pieces| pieces.concat())),
            0..12,
        ),
        max_event in prop_oneof![Just(usize::MAX), 0..20usize],
        comments in any::<bool>(),
    ) {
        let options = DecoderOptions::new().max_event(max_event).comments(comments).unfinished(true);
        let options = options.unknown_lines(comments).on_limit(OnLimit::Skip);
        let mut decoder = OwnedDecoder::with_options(options);
        let mut buffer = BytesMut::new();
        for (chunked, keep, end, piece) in pieces {
            if chunked {
                let mut chunk = Bytes::from(piece);
                while let Ok(Some(_)) = decoder.decode(&mut chunk) {}
            } else {
                if !keep {
                    buffer.clear();
                }
                buffer.extend_from_slice(piece.as_bytes());
                while let Ok(Some(_)) = decoder.decode_buffer(&mut buffer) {}
            }
            if end == 0 {
                while let Ok(Some(_)) = decoder.decode_eof(&mut Bytes::new()) {}
            }
            if end == 1 {
                while let Ok(Some(_)) = decoder.decode_buffer_eof(&mut buffer) {}
            }
        }
    }
}

/// Returns a chunk, and a handle that counts the references to its memory.
fn counted(bytes: &[u8]) -> (Bytes, Arc<[u8]>) {
    let memory: Arc<[u8]> = bytes.into();
    (Bytes::from_owner(Arc::clone(&memory)), memory)
}

/// Decodes a whole chunk. Returns the number of its events.
fn drain(decoder: &mut OwnedDecoder, mut chunk: Bytes) -> usize {
    let mut events = 0;
    while let Some(item) = decoder.decode(&mut chunk).unwrap() {
        events += usize::from(matches!(item, Item::Event(_)));
    }
    events
}

#[test]
fn a_chunk_that_is_used_up_is_let_go() {
    let mut decoder = OwnedDecoder::new();
    for stream in [
        "data: a\n\n",
        "data: a\r\n\r\n",
        "data: a\n\n: ping\n",
        ": ping\n\n",
        ": unfinished",
        "\r",
        "data: a\n\n\n",
        "id: 1\ndata: a\n\n",
        "id: 2\n\n",
    ] {
        let (chunk, memory) = counted(stream.as_bytes());
        drain(&mut decoder, chunk);
        assert_eq!(Arc::strong_count(&memory), 1, "{stream:?}");
        drain(&mut decoder, Bytes::from_static(b"\n"));
    }
    assert_eq!(decoder.last_event_id(), &"2");
}

#[test]
fn an_unfinished_block_is_let_go_when_the_stream_ends() {
    let mut decoder = OwnedDecoder::new();
    let (chunk, memory) = counted(b"id: 1\ndata: a\n\ndata: unfinished");
    assert_eq!(drain(&mut decoder, chunk), 1);
    assert_eq!(Arc::strong_count(&memory), 2, "the chunk is kept while it may be needed");
    decoder.reset();
    assert_eq!(Arc::strong_count(&memory), 1);
    // Bytes gathered from several chunks are not taken for the start of the next stream either.
    for piece in [&b"da"[..], b"ta: b", b"\ndata: c\n"] {
        assert_eq!(drain(&mut decoder, Bytes::from_static(piece)), 0);
    }
    decoder.reset();
    let mut chunk = Bytes::from_static(b"data: d\n\n");
    let Ok(Some(Item::Event(event))) = decoder.decode(&mut chunk) else { panic!("not an event") };
    assert_eq!((&*event.data, &*event.last_event_id), ("d", "1"));
}

#[test]
fn only_the_event_that_straddles_chunks_is_gathered() {
    let shown = DecoderOptions::new().comments(true).unknown_lines(true);
    let mut decoder = OwnedDecoder::with_options(shown);
    for (first, second, copied) in [
        ("data: a", "b\n\ndata: next\n\n", 1),
        ("data: a\n", "\ndata: next\n\n", 1),
        ("data: a\r\n", "data: b\r\n\r\ndata: next\n\n", 1),
        ("event: e\ndata: a\r", "\n\r\ndata: next\n\n", 1),
        (": comm", "ent\ndata: next\n\n", 0),
        ("unknown: x", "y\ndata: next\n\n", 0),
    ] {
        let mut chunk = Bytes::from(first);
        while decoder.decode(&mut chunk).unwrap().is_some() {}
        let mut chunk = Bytes::from(second);
        let memory = chunk.as_ptr() as usize..chunk.as_ptr() as usize + chunk.len();
        let mut shared = Vec::new();
        while let Some(item) = decoder.decode(&mut chunk).unwrap() {
            if let Item::Event(event) = item {
                shared.push(memory.contains(&(event.data.as_ptr() as usize)));
            }
        }
        let expected: &[bool] = if copied == 1 { &[false, true] } else { &[true] };
        assert_eq!(shared, expected, "{first:?}, {second:?}");
    }
}

/// The decoder gathers nothing after the deciding byte, so no peer's chunk makes it reserve more.
#[test]
fn a_limit_bounds_what_is_gathered() {
    let options = DecoderOptions::new().max_event(100);
    let long = "x".repeat(1 << 20);
    for second in [long.clone(), "data: x\n".repeat(1 << 17)] {
        let mut decoder = OwnedDecoder::with_options(options);
        assert_eq!(drain(&mut decoder, Bytes::from_static(b"data: ")), 0);
        let mut chunk = Bytes::from(second);
        let allocated = allocation_counter::measure(|| {
            let error = DecodeError::EventTooLong { limit: 100, offset: 100 };
            assert_eq!(decoder.decode(&mut chunk), Err(error));
        });
        assert!(allocated.bytes_max < 1024, "{allocated:?}");
    }
}
