//! The shared test vectors, each cut as the file says, and at every split.

use eventwire_test_support::sse::{Rules, Seen, every_split, reference, trace};
use eventwire_test_support::vectors;
use std::time::Duration;

#[test]
fn streams() {
    for vector in vectors::streams() {
        let name = &vector.name;
        let chunks: Vec<&[u8]> = vector.chunks.iter().map(|chunk| &chunk[..]).collect();
        let stream = chunks.concat();
        let seen = every_split(Rules::UNLIMITED, &stream);
        let as_given = trace(Rules::UNLIMITED, &chunks);
        assert_eq!(as_given, seen, "{name}");

        let events: Vec<_> = seen.seen.iter().map(Seen::message_event).collect();
        let expected: Vec<_> = vector
            .expected_events
            .into_iter()
            .map(|event| reference::MessageEvent {
                event_type: event.r#type,
                data: event.data,
                last_event_id: event.last_event_id,
            })
            .collect();
        assert_eq!(events, expected, "{name}");
        assert_eq!(seen.last_event_id, vector.expected_final_last_event_id, "{name}");
        assert_eq!(reference::message_events(&stream).0, expected, "{name}: the reference");
        if !vector.retry_unspecified {
            let retry = vector.expected_retry.map(Duration::from_millis);
            assert_eq!(seen.reconnection_time, retry, "{name}");
        }
    }
}
