//! The program `sse2json`: its lines, its exit status, and that it prints events as they arrive.

use eventwire_test_support::program;
use std::path::Path;

const STREAM: &[u8] = b"retry: 3000\nid: 7\nevent: sum\ndata: 1 +\r\ndata: 2\r\n\r\n\
    data: a\xFFb\n\n: c\n\ndata\n\ndata: lost";

const LINES: &str = concat!(
    r#"{"event":"sum","data":"1 +\n2","last_event_id":"7"}"#,
    "\n",
    r#"{"event":"message","data":"a�b","last_event_id":"7"}"#,
    "\n",
    r#"{"event":"message","data":"","last_event_id":"7"}"#,
    "\n",
);

const PROGRAM: &str = env!("CARGO_BIN_EXE_sse2json");

fn run(args: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    program::run(PROGRAM, args, input)
}

#[test]
fn prints_a_line_for_each_event() {
    let summary = "{\"last_event_id\":\"7\",\"reconnection_time\":3000}\n";
    assert_eq!(run(&[], STREAM), (Some(0), LINES.into(), String::new()));
    for chunk in ["1", "2", "7", "1000000"] {
        let (status, output, _) = run(&["--chunk", chunk, "--summary"], STREAM);
        assert_eq!((status, output), (Some(0), format!("{LINES}{summary}")), "--chunk {chunk}");
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sse2json.sse");
    std::fs::write(&file, STREAM).unwrap();
    let (status, output, _) = run(&[file.to_str().unwrap()], b"");
    assert_eq!((status, &*output), (Some(0), LINES));
    let nothing = "{\"last_event_id\":\"\",\"reconnection_time\":null}\n";
    assert_eq!(run(&["--summary"], b"").1, nothing);
}

#[test]
fn lines_outside_events_are_printed_on_request() {
    let stream = "data: {\"a\":1}\n\n{\n  \"error\": 429\n}\ndata: [DONE]";
    let event = |data: &str| {
        format!("{{\"event\":\"message\",\"data\":{data:?},\"last_event_id\":\"\"}}\n")
    };
    let unknown = |line: &str| format!("{{\"unknown\":{line:?}}}\n");
    let (first, last) = (event("{\"a\":1}"), event("[DONE]"));
    let lines = unknown("{") + &unknown("  \"error\": 429") + &unknown("}");
    for (args, expected) in [
        (&[][..], first.clone()),
        (&["--unfinished"], first.clone() + &last),
        (&["--unknown"], first.clone() + &lines),
        (&["--unknown", "--unfinished", "--chunk", "1"], first.clone() + &lines + &last),
    ] {
        assert_eq!(run(args, stream.as_bytes()), (Some(0), expected, String::new()), "{args:?}");
    }
}

#[test]
fn refuses_in_one_line() {
    let rows: &[&[&str]] = &[
        &["no such file"],
        &["--chunk", "0"],
        &["--chunk", "x"],
        &["--chunk"],
        &["--bad"],
        &["a", "b"],
        &["."],
    ];
    program::refuses_in_one_line(PROGRAM, rows);
}

#[test]
fn prints_events_as_they_arrive_and_ends_quietly_with_its_reader() {
    let line = "{\"event\":\"message\",\"data\":\"first\",\"last_event_id\":\"\"}\n";
    program::prints_as_it_comes(PROGRAM, &[], b"data: first\n\ndata: sec", line, b"ond\n\n");
}
