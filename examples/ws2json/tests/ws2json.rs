//! The program `ws2json`: its lines, its exit status, and that it prints messages as they arrive.

use eventwire_test_support::program;
use std::path::Path;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ws2json");

fn run(args: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    program::run(PROGRAM, args, input)
}

/// Asserts the status and lines, for input in chunks of several sizes.
#[track_caller]
fn assert_lines(args: &[&str], input: &[u8], status: i32, lines: &[&str]) {
    let lines: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    for chunk in ["1", "2", "3", "7", "1000000"] {
        let args = [args, &["--chunk", chunk]].concat();
        let ran = run(&args, input);
        assert_eq!(ran, (Some(status), lines.clone(), String::new()), "{args:?} {input:x?}");
    }
}

const SERVER: &[&str] = &["--role", "server"];
const CLIENT: &[&str] = &["--role", "client"];

/// Returns a frame as a client sends it.
fn masked(b0: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0xA1, 0x5B, 0x07, 0xFE];
    let len = u8::try_from(payload.len()).ok().filter(|&len| len < 126).unwrap();
    let payload = payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key);
    [b0, 0x80 | len].into_iter().chain(KEY).chain(payload).collect()
}

/// Returns a frame as a server sends it.
fn unmasked(b0: u8, payload: &[u8]) -> Vec<u8> {
    [&[b0, u8::try_from(payload.len()).unwrap()], payload].concat()
}

#[test]
fn prints_a_line_for_each_message() {
    let frames: [(u8, &[u8]); 10] = [
        (0x81, "gr\u{FC}n \"\n".as_bytes()),
        (0x82, b"\x01\xAB"),
        (0x01, b"one \xE2\x82"),
        (0x89, b"\x00\xFF"),
        (0x00, b""),
        (0x80, b"\xAC"),
        (0x8A, b"p"),
        (0x82, b""),
        (0x88, b"\x03\xE8bye"),
        (0x83, b"what follows is ignored"),
    ];
    let lines = [
        r#"{"type":"text","data":"grün \"\n"}"#,
        r#"{"type":"binary","hex":"01ab"}"#,
        r#"{"type":"ping","hex":"00ff"}"#,
        r#"{"type":"text","data":"one €"}"#,
        r#"{"type":"pong","hex":"70"}"#,
        r#"{"type":"binary","hex":""}"#,
        r#"{"type":"close","code":1000,"reason":"bye"}"#,
    ];
    let stream =
        |frame: fn(u8, &[u8]) -> Vec<u8>| frames.map(|(b0, data)| frame(b0, data)).concat();
    assert_lines(SERVER, &stream(masked), 0, &lines);
    assert_lines(CLIENT, &stream(unmasked), 0, &lines);

    assert_lines(CLIENT, b"", 0, &[]);
    assert_lines(CLIENT, b"\x88\x00", 0, &[r#"{"type":"close"}"#]);
    let no_reason = r#"{"type":"close","code":4999,"reason":""}"#;
    assert_lines(CLIENT, b"\x88\x02\x13\x87", 0, &[no_reason]);

    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ws2json.bin");
    std::fs::write(&file, stream(masked)).unwrap();
    let (status, output, _) = run(&[SERVER, &[file.to_str().unwrap()]].concat(), b"");
    assert_eq!((status, output), (Some(0), lines.map(|line| format!("{line}\n")).concat()));
}

const AA: &str = r#"{"type":"binary","hex":"aa"}"#;

/// A message is followed by bytes that no server may send.
#[test]
fn the_last_line_shows_the_fault() {
    let error = |offset: usize, close_code: u16, error: &str| {
        let error = format!("{error}, at byte {offset}");
        format!(
            r#"{{"type":"error","offset":{offset},"close_code":{close_code},"error":"{error}"}}"#
        )
    };
    for (broken, offset, close_code, message) in [
        (&b"\xC1"[..], 3, 1002, "reserved bits 0b100"),
        (b"\x83", 3, 1002, "reserved opcode 0x3"),
        (b"\x09", 3, 1002, "fragmented control frame"),
        (b"\x80", 3, 1002, "continuation frame outside a message"),
        (b"\x01\x01a\x81", 6, 1002, "new text message inside an unfinished one"),
        (b"\x81\x80", 4, 1002, "masked frame from a server"),
        (b"\x89\x7E", 4, 1002, "control frame of more than 125 bytes"),
        (b"\x88\x01", 4, 1002, "close frame of one byte"),
        (b"\x82\x7F\x80", 5, 1002, "payload length with its top bit set"),
        (b"\x82\x7E\0\x7D", 6, 1002, "payload length not in its shortest form"),
        (
            b"\x82\x7F\0\0\0\0\x01\0\0\x01",
            12,
            1009,
            "message of at least 16777217 bytes, over the limit of 16777216",
        ),
        (b"\x88\x02\x03\xED", 6, 1002, "invalid close code 1005"),
        (b"\x88\x03\x03\xE8\xFF", 7, 1007, "close reason that is not UTF-8"),
        (b"\x81\x03a\xFFb", 6, 1007, "text that is not UTF-8"),
        (b"\x81\x01\xC3", 5, 1007, "text that is not UTF-8"),
    ] {
        let input = [b"\x82\x01\xAA", broken, b"what follows is ignored"].concat();
        assert_lines(CLIENT, &input, 1, &[AA, &error(offset, close_code, message)]);
    }
    let input = [masked(0x82, b"\xAA"), unmasked(0x81, b"")].concat();
    assert_lines(SERVER, &input, 1, &[AA, &error(8, 1002, "unmasked frame from a client")]);

    let fragments = [&b"\x01\x00"[..], &b"\x00\x00".repeat(128 << 10)].concat();
    let too_many = error(256 << 10, 1008, "message of more than 131072 frames");
    assert_lines(CLIENT, &fragments, 1, &[&too_many]);

    let limited = &["--role", "client", "--max-message", "3"];
    let frame = error(4, 1009, "message of at least 4 bytes, over the limit of 3");
    assert_lines(limited, b"\x82\x01\xAA\x82\x04", 1, &[AA, &frame]);
    let message = error(8, 1009, "message of at least 4 bytes, over the limit of 3");
    assert_lines(limited, b"\x82\x01\xAA\x02\x02ab\x80\x02", 1, &[AA, &message]);
    let whole = r#"{"type":"binary","hex":"616263"}"#;
    assert_lines(limited, b"\x82\x01\xAA\x02\x02ab\x80\x01c", 0, &[AA, whole]);
}

#[test]
fn max_message_also_raises_the_limit() {
    let len = (16 << 20) + 1;
    let mut input = [b"\x82\x7F\0\0\0\0\x01\0\0\x01", &vec![0; len][..]].concat();
    let args = &["--role", "client", "--max-message", "16777217"];
    let (status, output, _) = run(args, &input);
    let line = format!("{{\"type\":\"binary\",\"hex\":\"{}\"}}\n", "00".repeat(len));
    assert!(status == Some(0) && output == line, "{status:?}, {} bytes", output.len());
    input[9] += 1;
    assert_eq!(run(args, &input).0, Some(1));
}

#[test]
fn the_last_line_shows_that_the_end_is_missing() {
    let incomplete = r#"{"type":"incomplete"}"#;
    for cut_off in [
        &b"\x82"[..],
        b"\x82\x7E\x01",
        b"\x82\x02a",
        b"\x02\x00",
        b"\x02\x01a",
        b"\x89\x02p",
        b"\x88\x02\x03",
    ] {
        assert_lines(CLIENT, &[b"\x82\x01\xAA", cut_off].concat(), 0, &[AA, incomplete]);
    }
    let frame = masked(0x81, b"hi");
    for end in 1..frame.len() {
        assert_lines(SERVER, &frame[..end], 0, &[incomplete]);
    }
    let ping = r#"{"type":"ping","hex":""}"#;
    assert_lines(CLIENT, b"\x02\x01a\x89\x00\x80\x01", 0, &[ping, incomplete]);
    // A close frame ends everything.
    let close = r#"{"type":"close"}"#;
    assert_lines(CLIENT, b"\x02\x01a\x88\x00\x80\x00", 0, &[close]);
}

#[test]
fn refuses_in_one_line() {
    let rows: &[&[&str]] = &[
        &[],
        &["--role"],
        &["--role", "proxy"],
        &["--role", "server", "no such file"],
        &["--role", "server", "--chunk", "0"],
        &["--role", "server", "--chunk", "x"],
        &["--role", "server", "--chunk"],
        &["--role", "server", "--max-message", "x"],
        &["--role", "server", "--max-message", "-1"],
        &["--role", "server", "--max-message"],
        &["--role", "server", "--bad"],
        &["--role", "server", "a", "b"],
        &["--role", "server", "."],
    ];
    program::refuses_in_one_line(PROGRAM, rows);
    let (status, output, error) = run(&["--help"], b"");
    assert_eq!((status, output.lines().count(), &*error), (Some(0), 1, ""));
}

#[test]
fn prints_messages_as_they_arrive_and_ends_quietly_with_its_reader() {
    let line = "{\"type\":\"text\",\"data\":\"first\"}\n";
    program::prints_as_it_comes(PROGRAM, CLIENT, b"\x81\x05first\x81\x06sec", line, b"ond");
}
