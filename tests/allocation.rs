//! How much is allocated: nothing for borrowed events, a reference count a buffer for owned ones.

use allocation_counter::measure;
use bytes::{Bytes, BytesMut};
use eventwire::sse::{BytesDecoder, Decoder, Item, Message};

const EVENT: &str = "id: 17\nevent: sum\ndata: {\"a\":1}\ndata: 2\n\n";
const PLAIN: &str = "id: 17\nevent: sum\ndata: {\"a\":1}\n\n";

#[test]
fn borrowed_events_allocate_nothing() {
    let mut wire = EVENT.repeat(100).into_bytes();
    let mut decoder = Decoder::new();
    let allocated = measure(|| {
        let mut input = &mut wire[..];
        let mut events = 0;
        while let Some(item) = decoder.decode(&mut input).unwrap() {
            events += usize::from(matches!(item, Item::Event(event) if event.to_str().is_ok()));
        }
        assert_eq!(events, 100);
    });
    assert_eq!(allocated.count_total, 0);
}

/// Also where each event has an id of its own, of which the last outlives the buffer.
#[test]
fn owned_events_of_a_read_buffer_cost_its_reference_count() {
    let numbered: String = (0..100).map(|id| EVENT.replace("17", &format!("id-{id:02}"))).collect();
    for stream in [EVENT.repeat(100), numbered] {
        let mut decoder = BytesDecoder::new();
        for round in 0..4 {
            let mut buffer = BytesMut::from(stream.as_bytes());
            let allocated = measure(|| {
                let mut events = 0;
                while let Some(item) = decoder.decode_mut(&mut buffer).unwrap() {
                    let Item::Event(event) = item else { panic!("an event") };
                    events += usize::from(!event.into_text().last_event_id.is_empty());
                }
                assert_eq!(events, 100);
            });
            // The first round makes room for the id.
            assert!(allocated.count_total <= 1 || round == 0, "{allocated:?}");
        }
    }
}

/// How often decoding these chunks allocates, and how many events there are.
fn of_chunks(chunks: &[Bytes]) -> (u64, u64) {
    let mut decoder = BytesDecoder::new();
    assert_eq!(decoder.decode(&mut Bytes::from("id: 17\n\n")), Ok(None), "makes room for the id");
    let mut events = 0;
    let mut chunks = chunks.to_vec();
    // A first clone makes the reference count of each chunk.
    let _counted = chunks.clone();
    let allocated = measure(|| {
        for chunk in &mut chunks {
            while let Some(item) = decoder.decode(chunk).unwrap() {
                events += u64::from(matches!(item, Item::Event(_)));
            }
        }
    });
    (allocated.count_total, events)
}

#[test]
fn an_event_inside_a_chunk_is_sliced() {
    let chunk = Bytes::from(PLAIN.repeat(100));
    assert_eq!(of_chunks(&[chunk]), (0, 100));
}

/// 100 events as one chunk.
fn repeat(event: &str) -> Bytes {
    Bytes::from(event.repeat(100))
}

/// One for the bytes, and one for the reference count that `bytes` keeps beside them.
const COPY: u64 = 2;

#[test]
fn an_event_in_lines_is_copied_once() {
    assert_eq!(of_chunks(&[repeat("data: a\ndata: b\n\n")]), (100 * COPY, 100));
    assert_eq!(of_chunks(&[repeat(EVENT)]), (100 * COPY, 100));
}

#[test]
fn an_event_over_two_chunks_is_copied_once() {
    for event in ["data: {\"a\":1}\n\n", PLAIN] {
        for cut in 1..event.len() {
            let bytes = repeat(event);
            let mut chunks = vec![bytes.slice(..cut)];
            chunks
                .extend(bytes.slice(cut..).chunks(event.len()).map(|chunk| bytes.slice_ref(chunk)));
            let (allocated, events) = of_chunks(&chunks);
            assert_eq!(events, 100);
            assert!(allocated <= 100 * COPY, "cut at {cut}: {allocated}");
        }
    }
}

#[test]
fn encoding_into_a_reused_buffer_allocates_nothing() {
    let mut buffer = Vec::with_capacity(256);
    let allocated = measure(|| {
        for _ in 0..100 {
            buffer.clear();
            Message::new().data("a\r\nb").encode_to(&mut buffer).unwrap();
        }
    });
    assert_eq!(allocated.count_total, 0);
}
