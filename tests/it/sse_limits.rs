//! Limits: the same verdict for any chunking, at the byte that decides.

use eventwire::sse::DecodeError;
use eventwire_test_support::sse::{Rules, Seen, Trace, every_split};

fn limited(max_line: usize, max_event: usize, skip: bool, stream: &[u8]) -> Trace {
    every_split(Rules { max_line, max_event, skip, ..Rules::UNLIMITED }, stream)
}

fn verdict(max_line: usize, max_event: usize, stream: &[u8]) -> Option<DecodeError> {
    limited(max_line, max_event, false, stream).seen.into_iter().find_map(|seen| match seen {
        Seen::Failed(error) => Some(error),
        _ => None,
    })
}

const ANY: usize = usize::MAX;

#[test]
fn a_line_may_be_as_long_as_its_limit() {
    let over = |offset| Some(DecodeError::LineTooLong { limit: 7, offset });
    for end in ["\n", "\r", "\r\n", "\n\n", "\r\n\r\n", ""] {
        assert_eq!(verdict(7, ANY, format!("data: a{end}").as_bytes()), None);
        assert_eq!(verdict(7, ANY, format!("data: ab{end}").as_bytes()), over(7));
        // Bytes that need not be kept do not count.
        assert_eq!(verdict(7, 7, format!(":2345678{end}").as_bytes()), None);
        assert_eq!(verdict(7, 7, format!("what: is{end}").as_bytes()), None);
        assert_eq!(verdict(7, 7, format!("dat: isit{end}").as_bytes()), None);
        // They must be kept inside a block, and where comments and unknown lines are shown.
        for inside in [":2345678", "what: is", "dat: isit"] {
            assert_eq!(verdict(7, ANY, format!("id\n{inside}{end}").as_bytes()), over(10));
        }
        let shown = Rules { max_line: 7, ..Rules::VERBOSE };
        for outside in [":2345678", "what: is", "dat: isit"] {
            let found = every_split(shown, format!("{outside}{end}").as_bytes()).seen;
            assert_eq!(found, [Seen::Failed(over(7).unwrap())]);
        }
    }
    assert_eq!(verdict(7, ANY, b"\xEF\xBB\xBFdata: a\n\ndata: ab"), over(19), "in the stream");
    assert_eq!(verdict(7, ANY, b"\xEF\xBB\xBFdata: ab"), over(10), "the mark does not count");
}

#[test]
fn an_event_counts_every_byte_that_is_kept() {
    let over = |limit, offset| Some(DecodeError::EventTooLong { limit, offset });
    // The block has 8 bytes with its line end. The blank line does not count.
    assert_eq!(verdict(ANY, 8, b"data: a\n\n"), None);
    assert_eq!(verdict(ANY, 7, b"data: a\n\n"), over(7, 7));
    // A CRLF counts as two bytes if the block goes on.
    assert_eq!(verdict(ANY, 9, b"data: a\r\n\r\n"), None);
    assert_eq!(verdict(ANY, 8, b"data: a\r\n\r\n"), over(8, 8));
    // Empty data lines, comments inside the block, types, ids and unknown fields count.
    assert_eq!(verdict(ANY, 20, b"data:\ndata:\ndata:\ndata:\n\n"), over(20, 20));
    assert_eq!(verdict(ANY, 20, b"data:\n: some comment\n\n"), over(20, 20));
    assert_eq!(verdict(ANY, 20, b"event: abcd\nid: 1234\n\n"), over(20, 20));
    assert_eq!(verdict(ANY, 20, b"id:1\nwhatever: abcdefg\n\n"), over(20, 20));
    // Lines before the first field are not kept.
    assert_eq!(verdict(ANY, 20, b": some comment\n: some comment\nwhat: ever\ndata: a\n\n"), None);
    assert_eq!(verdict(ANY, 20, b"data: a\n\ndata: b\n\ndata: c\n\ndata: d\n\n"), None);
    // The error names the first limit that is passed, and the line's limit if both are.
    assert_eq!(verdict(6, 7, b"data: a"), Some(DecodeError::LineTooLong { limit: 6, offset: 6 }));
    assert_eq!(verdict(7, 6, b"data: ab"), over(6, 6));
    assert_eq!(verdict(6, 6, b"data: a"), Some(DecodeError::LineTooLong { limit: 6, offset: 6 }));
}

#[test]
fn what_came_before_the_limit_is_delivered() {
    let trace = limited(8, ANY, false, b"id: 1\ndata: a\n\nretry: 5\nid: 2\ndata: too long");
    assert_eq!(trace.seen.len(), 2);
    assert_eq!(trace.seen[0].message_event().data, "a");
    assert_eq!(trace.seen[1], Seen::Failed(DecodeError::LineTooLong { limit: 8, offset: 38 }));
    assert_eq!(trace.last_event_id, "1", "the event with id 2 was not delivered");
    assert_eq!(trace.reconnection_time.unwrap().as_millis(), 5);
}

#[test]
fn a_skipped_block_is_passed_and_the_stream_goes_on() {
    let data = |trace: &Trace| -> Vec<String> {
        let show = |seen: &Seen| match seen {
            Seen::Skipped(error) => format!("skipped at {}", error.offset().unwrap()),
            seen => {
                let event = seen.message_event();
                format!("{} ({})", event.data, event.last_event_id)
            }
        };
        trace.seen.iter().map(show).collect()
    };
    for end in ["\n", "\r", "\r\n"] {
        let before = format!("id: 1{end}retry: 5{end}");
        let stream =
            format!("{before}data: too long{end}id: 2{end}retry: 6{end}{end}data: b{end}{end}");
        let trace = limited(8, ANY, true, stream.as_bytes());
        let skipped = format!("skipped at {}", before.len() + 8);
        assert_eq!(data(&trace), [&skipped, "b (1)"]);
        // Fields that were complete before the limit count; later fields do not.
        assert_eq!(trace.last_event_id, "1");
        assert_eq!(trace.reconnection_time.unwrap().as_millis(), 5);
    }
    // The limit is passed at the line end, at the LF of a CRLF, and at a line's first byte.
    let rows: [(&[u8], &[&str]); 4] = [
        (b"data: ab\n\ndata: c\n\n", &["skipped at 8", "c ()"]),
        (b"data: a\r\nx\r\n\r\ndata: c\n\n", &["skipped at 8", "c ()"]),
        (b"data: a\nx\r\n\r\ndata: c\n\n", &["skipped at 8", "c ()"]),
        (b"data: a\nx\r\rdata: ab\r\rdata: c\r\r", &["skipped at 8", "skipped at 19", "c ()"]),
    ];
    for (stream, expected) in rows {
        assert_eq!(data(&limited(ANY, 8, true, stream)), expected, "{}", stream.escape_ascii());
    }
    // A skipped comment takes no event with it, shown or not.
    let long = b": padding padding padding\ndata: a\n\n";
    assert_eq!(data(&limited(8, ANY, true, long)), ["a ()"]);
    let shown = Rules { max_line: 8, skip: true, ..Rules::VERBOSE };
    assert_eq!(data(&every_split(shown, long)), ["skipped at 8", "a ()"]);
    // Neither does an unknown line.
    let long = b"what: padding padding\ndata: a\n\n";
    assert_eq!(data(&limited(8, ANY, true, long)), ["a ()"]);
    assert_eq!(data(&every_split(shown, long)), ["skipped at 8", "a ()"]);
    // A stream that ends inside a skipped event.
    assert_eq!(data(&limited(ANY, 8, true, b"data: abc")), ["skipped at 8"]);
}
