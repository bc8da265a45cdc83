//! No program is longer than the same one with the best known other crate: its lines without blank
//! ones and comments, counted on 2026-11-21.

use std::fs;
use std::path::Path;

/// The program, and the lines of the peer's.
const BARS: [(&str, usize); 7] = [
    ("llm_chat", 29),        // eventsource-stream
    ("follow", 16),          // reqwest-eventsource
    ("events_server", 55),   // axum's `Sse` and a history by hand
    ("chat_room", 38),       // axum's `WebSocketUpgrade`
    ("wss_client", 40),      // tokio-tungstenite
    ("blocking_client", 28), // tungstenite
    ("echo", 26),            // tokio-tungstenite
];

#[test]
fn no_program_is_longer_than_its_bar() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), BARS.len());
    for (name, bar) in BARS {
        let program = fs::read_to_string(folder.join(name).with_extension("rs")).unwrap();
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        let lines = program.lines().filter(is_code).count();
        println!("{name}: {lines} of {bar}");
        assert!(lines <= bar, "{name} has {lines} lines, and its peer {bar}");
    }
}
