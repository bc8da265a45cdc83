//! The given vectors, each as cut there and under every split.

mod common;

use common::{Rules, Seen, every_split, reference, trace};
use serde::Deserialize;
use std::time::Duration;

#[derive(Deserialize)]
struct Vector {
    name: String,
    chunks: Vec<String>,
    expected_events: Vec<ExpectedEvent>,
    expected_retry: Option<u64>,
    expected_final_last_event_id: String,
    /// The standard sets no bound, so the value is not judged.
    #[serde(default)]
    retry_unspecified: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExpectedEvent {
    r#type: String,
    data: String,
    last_event_id: String,
}

fn unhex(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[test]
fn vectors() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors/sse.json")).unwrap();
    assert!(vectors.len() >= 32, "the file is whole");
    for vector in vectors {
        let name = &vector.name;
        let chunks: Vec<Vec<u8>> = vector.chunks.iter().map(|hex| unhex(hex)).collect();
        let stream = chunks.concat();
        let seen = every_split(Rules::UNLIMITED, &stream);
        let as_given = trace(Rules::UNLIMITED, &chunks.iter().map(|c| &c[..]).collect::<Vec<_>>());
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
