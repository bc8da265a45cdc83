//! The decided points of the standard and the faults seen in peers, one row each, at every split.

use eventwire::sse::decode::{IdTooLong, InlineId, OnLimit};
use eventwire::sse::{DecodeError, Decoder, DecoderOptions, EventId, Item};
use eventwire_test_support::sse::{RECONNECTS, Rules, Seen, by_slice, every_split, reference};
use std::time::Duration;

/// The `(type, data, last event id)` of each event.
type Expected<'a> = &'a [(&'a str, &'a str, &'a str)];

fn check(stream: &[u8], expected: Expected<'_>) {
    let shown = stream.escape_ascii();
    let seen = every_split(Rules::UNLIMITED, stream).seen;
    let events: Vec<_> = seen.iter().map(Seen::message_event).collect();
    let found: Vec<_> = events
        .iter()
        .map(|event| (&event.event_type[..], &event.data[..], &event.last_event_id[..]))
        .collect();
    assert_eq!(found, expected, "{shown}");
    assert_eq!(reference::message_events(stream).0, events, "the reference, on text: {shown}");
}

#[test]
fn decided_points() {
    let rows: &[(&[u8], Expected<'_>)] = &[
        // Lines end at CRLF, CR and LF, and at nothing else.
        (
            b"data: a\n\ndata: b\r\rdata: c\r\n\r\n",
            &[("message", "a", ""), ("message", "b", ""), ("message", "c", "")],
        ),
        (b"data: a\n\rdata: b\r\n\n", &[("message", "a", ""), ("message", "b", "")]),
        (
            "data: a\u{85}b\u{2028}c\x0Bd\x0Ce\n\n".as_bytes(),
            &[("message", "a\u{85}b\u{2028}c\x0Bd\x0Ce", "")],
        ),
        // A byte order mark is removed once, and only at the start.
        (b"\xEF\xBB\xBFdata: a\n\n\xEF\xBB\xBFdata: b\n\n", &[("message", "a", "")]),
        (b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\n", &[]),
        (b"\xEF\xBBdata: a\n\ndata: b\n\n", &[("message", "b", "")]),
        (b"\xEF\xBB\xBF\n\ndata: a\n\n", &[("message", "a", "")]),
        (b"\xEF\xBB\xBF", &[]),
        // Exactly one space is removed.
        (
            b"data:  a \n\ndata:a\n\ndata:\ta\n\n",
            &[("message", " a ", ""), ("message", "a", ""), ("message", "\ta", "")],
        ),
        // Empty data is data. One trailing LF is removed.
        (
            b"data\n\ndata:\n\ndata: \n\ndata\ndata\n\n",
            &[("message", "", ""), ("message", "", ""), ("message", "", ""), ("message", "\n", "")],
        ),
        (b"data: a\ndata:\n\n", &[("message", "a\n", "")]),
        // Names match exactly.
        (b"Data: a\ndata : b\n data: c\ndatas: d\ndat: e\n\n", &[]),
        (b"data: a\nDATA: b\nevents: c\nide: 1\nretryy: 1\n\n", &[("message", "a", "")]),
        // Types: the last one counts, an empty type means none, and a block without data resets it.
        (b"event: a\nevent: b\ndata: x\n\n", &[("b", "x", "")]),
        (b"event: a\nevent:\ndata: x\n\n", &[("message", "x", "")]),
        (b"event: a\n\ndata: x\n\n", &[("message", "x", "")]),
        // Ids: a blank line commits an id, it carries over, an empty id resets it, and a NUL makes
        // it ignored.
        (
            b"id: 1\n\ndata: x\n\nid\ndata: y\n\ndata: z\n\n",
            &[("message", "x", "1"), ("message", "y", ""), ("message", "z", "")],
        ),
        (b"id: 1\nid: 2\nid: \x003\ndata: x\n\n", &[("message", "x", "2")]),
        (
            b"data: x\nid: a:b c \n\ndata: y\n\nid: lost\n",
            &[("message", "x", "a:b c "), ("message", "y", "a:b c ")],
        ),
        (b"id: \xFF\ndata: x\n\n", &[("message", "x", "\u{FFFD}")]),
        // The stream ends inside an event.
        (b"data: a\n\ndata: b\n", &[("message", "a", "")]),
        (b"data: a\n\ndata: b", &[("message", "a", "")]),
        // Data is joined across everything that may come between its lines.
        (
            b"data: a\nevent: e\n: c\ndata: b\nid: 7\nx\nretry: 9\ndata\ndata: c\n\n",
            &[("e", "a\nb\n\nc", "7")],
        ),
        (
            b"data:a\r\nevent:eeeeeeeeee\r\ndata:b\r\nid:iiiiiiiii\r\ndata:c\r\n\r\n",
            &[("eeeeeeeeee", "a\nb\nc", "iiiiiiiii")],
        ),
        // Values that the joined data would overwrite, in either order, and superseded values.
        (
            b"data:a\nevent:e\nid:i\ndata:0123456789012345678901234567890123456789\n\n",
            &[("e", "a\n0123456789012345678901234567890123456789", "i")],
        ),
        (
            b"data:a\r\nid:ii\r\nevent:eee\r\ndata:0123456789012345678901234567890123456789\r\n\r\n",
            &[("eee", "a\n0123456789012345678901234567890123456789", "ii")],
        ),
        (
            b"data:a\nid:ii\ndata:01234567890123456789\nevent:eee\nid:iii\ndata:01234567890123456789\ndata\n\n",
            &[("eee", "a\n01234567890123456789\n01234567890123456789\n", "iii")],
        ),
        (
            b"id:ii\ndata:a\nevent:eee\ndata:01234567890123456789\nevent:e\n\n",
            &[("e", "a\n01234567890123456789", "ii")],
        ),
        (
            b"data:a\rid:iiiiiiiii\revent:eeeeeeeeee\rdata:b\r\r",
            &[("eeeeeeeeee", "a\nb", "iiiiiiiii")],
        ),
        (b"id:1\ndata:a\ndata:b\nevent:e\nid:22\n\n", &[("e", "a\nb", "22")]),
        (b"data\nid:1\ndata\nevent:e\n\n", &[("e", "\n", "1")]),
        (b"event:first\ndata:a\nevent:x\ndata:b\nevent:last\n\n", &[("last", "a\nb", "")]),
        // Invalid UTF-8 is replaced as if the whole stream were decoded at once.
        (b"data: \xE2\x82\ndata: \xAC\n\n", &[("message", "\u{FFFD}\n\u{FFFD}", "")]),
        (
            b"event: \xC3\x28\ndata: \xF0\x9F\x92\xA9\xF0\x9F\n\n",
            &[("\u{FFFD}(", "\u{1F4A9}\u{FFFD}", "")],
        ),
        (b"", &[]),
        (b"\n\r\n\r\n\n", &[]),
    ];
    for (stream, expected) in rows {
        check(stream, expected);
    }
}

/// Each fault is a row of the design's table of faults.
#[test]
fn faults_seen_in_peers() {
    // eventsource-stream 0.2: panic on a stream that starts with a BOM.
    check(b"\xEF\xBB\xBFdata: a\n\n", &[("message", "a", "")]);
    // eventsource-stream 0.2: one invalid byte stalls the stream to its end.
    check(b"data: \xFF\n\ndata: ok\n\n", &[("message", "\u{FFFD}", ""), ("message", "ok", "")]);
    // async-sse, tokio_sse_codec: a CRLF split over chunks makes a false event, or merges two.
    check(
        b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n",
        &[("message", "a\nb", ""), ("message", "c", "")],
    );
    // sse-codec, async-sse: `retry: 3000` is ignored because of the space.
    // eventsource-stream, sseer: `retry: +5` is accepted.
    let millis = |stream: &[u8]| {
        every_split(Rules::UNLIMITED, stream).reconnection_time.map(|time| time.as_millis())
    };
    assert_eq!(millis(b"retry: 3000\n"), Some(3000));
    assert_eq!(millis(b"retry:3000\n"), Some(3000));
    for ignored in ["+5", "-5", " 5", "5 ", "5.0", "0x5", "", "\u{661}"] {
        assert_eq!(
            millis(format!("retry: 7\nretry: {ignored}\n").as_bytes()),
            Some(7),
            "{ignored:?}"
        );
    }
    assert_eq!(millis(b"retry: 8"), None, "takes effect only when its line ends");
    assert_eq!(millis(b"retry\n"), None);
    assert_eq!(millis(b"retry: 99999999999999999999999\n"), Some(u128::from(u64::MAX)));
}

/// eventsource-client 0.18: the last event id is lost on the second reconnect.
#[test]
fn last_event_id_outlives_reconnects() {
    let mut decoder = Decoder::new();
    decoder.set_last_event_id(EventId::from_static("seed")).unwrap();
    for (stream, expected) in RECONNECTS {
        let mut bytes = stream.as_bytes().to_vec();
        let mut input = &mut bytes[..];
        while decoder.decode(&mut input).unwrap().is_some() {}
        assert_eq!(decoder.last_event_id(), expected);
        decoder.reset();
    }
    assert_eq!(decoder.reconnection_time(), Some(Duration::from_millis(10)));
}

#[test]
fn items_on_request() {
    let stream =
        b": one\n:two\r\n\r\nretry: 5\nid: 1\n\nevent: e\n\n: three\ndata: a\n: inside\n\nx\n\n";
    let comment = |text: &str| Seen::Comment(text.into());
    let block = |event_type: Option<&str>, id: Option<&str>, retry| Seen::Block {
        event_type: event_type.map(Into::into),
        id: id.map(Into::into),
        retry,
    };
    let event = Seen::Event {
        event_type: None,
        data: b"a".into(),
        id: None,
        retry: None,
        last_event_id: "1".into(),
    };
    assert_eq!(
        every_split(Rules::VERBOSE, stream).seen,
        [
            comment("one"),
            comment("two"),
            block(None, Some("1"), Some(Duration::from_millis(5))),
            block(Some("e"), None, None),
            comment("three"),
            event.clone(),
            Seen::Unknown(b"x".into()),
        ]
    );
    assert_eq!(every_split(Rules::UNLIMITED, stream).seen, [event]);
}

/// The lines that servers of language models send between events.
#[test]
fn lines_outside_the_grammar_are_seen_by_those_who_ask() {
    let rows: &[(&[u8], &[&str])] = &[
        // Gemini: bare JSON in the middle of a stream.
        (
            b"data: a\n\n{\n  \"error\": {\n    \"code\": 429\r\n  }\r}\n",
            &["= a", "{", "  \"error\": {", "    \"code\": 429", "  }", "}"],
        ),
        // llama.cpp: an error as an unknown field.
        (b"error: {\"code\":500}\n\ndata: b\n\n", &["error: {\"code\":500}", "= b"]),
        (b"dat: 1\ndatax\nDATA: 2\n id: 3\n", &["dat: 1", "datax", "DATA: 2", " id: 3"]),
        (b"\xEF\xBB\xBF{}\n\xEF\xBB\xBF{}\n", &["{}", "\u{FEFF}{}"]),
        (b"\xEF\xBBx\n", &["\u{FFFD}x"]),
        // Inside a block, lines must stay where they are.
        (b"id: 1\n{}\ndata: a\n{}\n\n{}\n", &["= a", "{}"]),
        // An invalid field is still a field.
        (b"id: \0\nretry: x\n", &[]),
        // A line is shown only at its end.
        (b"{}", &[]),
    ];
    let rules = Rules { unknown_lines: true, ..Rules::UNLIMITED };
    for (stream, expected) in rows {
        let seen = every_split(rules, stream).seen;
        let show = |seen: &Seen| match seen {
            Seen::Unknown(line) => String::from_utf8_lossy(line).into_owned(),
            seen => format!("= {}", seen.message_event().data),
        };
        let shown: Vec<_> = seen.iter().map(show).collect();
        assert_eq!(shown, *expected, "{}", stream.escape_ascii());
        let unasked = every_split(Rules::UNLIMITED, stream).seen;
        assert!(unasked.iter().all(|seen| matches!(seen, Seen::Event { .. })));
    }
}

/// With the option, the end of the stream acts like a blank line.
#[test]
fn an_event_without_its_blank_line_is_given_to_those_who_ask() {
    // The rest of the stream after `data: a`, the event at its end, and the final id and time.
    type Row<'a> = (&'a [u8], Option<(&'a str, &'a str)>, &'a str, Option<u64>);
    let rows: &[Row<'_>] = &[
        (b"data: [DONE]", Some(("message", "[DONE]")), "1", None),
        (b"data: [DONE]\n", Some(("message", "[DONE]")), "1", None),
        (b"data: [DONE]\r", Some(("message", "[DONE]")), "1", None),
        (b"data: [DONE]\r\n", Some(("message", "[DONE]")), "1", None),
        (b"data:x", Some(("message", "x")), "1", None),
        (b"data:", Some(("message", "")), "1", None),
        (b"data\n", Some(("message", "")), "1", None),
        (b"data: gr\xC3", Some(("message", "gr\u{FFFD}")), "1", None),
        (b"event: e\nid: 2\ndata: b\ndata: c", Some(("e", "b\nc")), "2", None),
        (b"data: b\nevent: e\ndata: c\nid: 2", Some(("e", "b\nc")), "2", None),
        (b"data: b\n: comm", Some(("message", "b")), "1", None),
        (b"data: b\nx: y", Some(("message", "b")), "1", None),
        (b"data: b\nretry: 50", Some(("message", "b")), "1", Some(50)),
        // The stream ends inside a name, so its end is no end of an event.
        (b"dat", None, "1", None),
        (b"data", None, "1", None),
        (b"data: b\nid: 2\nda", None, "1", None),
        (b"data: b\nid", None, "1", None),
        // Without data there is no event, so the id and an unfinished `retry` do not count.
        (b"id: 2", None, "1", None),
        (b"id: 2\n", None, "1", None),
        (b"retry: 50", None, "1", None),
        (b"retry: 50\n", None, "1", Some(50)),
        (b"event: e\n", None, "1", None),
        (b": comment", None, "1", None),
        (b"{}", None, "1", None),
        (b"", None, "1", None),
        (b"\n", None, "1", None),
    ];
    for (rest, expected, id, retry) in rows {
        let shown = rest.escape_ascii();
        let stream = [b"id: 1\ndata: a\n\n", *rest].concat();
        let trace = every_split(Rules { unfinished: true, ..Rules::UNLIMITED }, &stream);
        let given = trace.seen[1..].iter().map(Seen::message_event).collect::<Vec<_>>();
        let given: Vec<_> = given.iter().map(|it| (&*it.event_type, &*it.data)).collect();
        assert_eq!(given, Vec::from_iter(*expected), "{shown}");
        assert_eq!(trace.last_event_id, *id, "{shown}");
        assert_eq!(trace.reconnection_time, retry.map(Duration::from_millis), "{shown}");

        let trace = every_split(Rules::UNLIMITED, &stream);
        assert_eq!((trace.seen.len(), &*trace.last_event_id), (1, "1"), "option off: {shown}");
    }
    // The start of a byte order mark makes no event, nor does an event that passed a limit.
    let rules = Rules { unfinished: true, ..Rules::UNLIMITED };
    assert_eq!(every_split(rules, b"\xEF\xBB").seen, []);
    let seen = every_split(rules, b"\xEF\xBB\xBFdata: b").seen;
    assert_eq!(seen[0].message_event().data, "b");
    let rules = Rules { max_event: 7, skip: true, ..rules };
    assert!(matches!(every_split(rules, b"data: bc").seen[..], [Seen::Skipped(_)]));
    assert_eq!(every_split(rules, b"data: b").seen.len(), 1, "the missing line end does not count");
}

#[test]
fn an_unfinished_line_is_shown_to_those_who_ask_for_both() {
    let both = Rules { unfinished: true, ..Rules::VERBOSE };
    for (stream, seen) in [
        ("{\"error\":1}", vec![Seen::Unknown(b"{\"error\":1}".into())]),
        ("error", vec![Seen::Unknown(b"error".into())]),
        (": c", vec![Seen::Comment(b"c".into())]),
        ("even", vec![]),
        ("id\n{}", vec![]),
    ] {
        assert_eq!(every_split(both, stream.as_bytes()).seen, seen, "{stream}");
    }
}

#[test]
fn after_the_end_there_is_a_new_stream() {
    let options = DecoderOptions::new().unfinished(true);
    let mut decoder = Decoder::with_storage(options, InlineId::<3>::new());
    for _ in 0..2 {
        let mut body = *b"\xEF\xBB\xBFid: 1\ndata: a\r";
        let mut input = &mut body[..];
        let item = decoder.decode_eof(&mut input).unwrap();
        assert!(matches!(item, Some(Item::Event(event)) if event.data == "a"));
        assert_eq!(decoder.decode_eof(&mut input), Ok(None));
        assert_eq!(input, b"");
        assert_eq!(decoder.decode_eof(&mut &mut [][..]), Ok(None));
    }
    assert_eq!(decoder.last_event_id(), "1");
    let mut body = *b"id: 1234\ndata: a";
    let mut input = &mut body[..];
    let error = Err(DecodeError::IdTooLong { capacity: 3, offset: 15 });
    assert_eq!(decoder.decode_eof(&mut input), error);
    assert_eq!(decoder.decode_eof(&mut input), error);
    assert_eq!(decoder.last_event_id(), "1");
}

#[test]
fn text_is_raw_strict_or_replaced() {
    let mut buffer = *b"event: \xFF\ndata: gr\xC3\xBC\xC3\n\n";
    let Ok(Some(Item::Event(event))) = Decoder::new().decode(&mut &mut buffer[..]) else {
        panic!("not an event")
    };
    assert_eq!(event.data.as_bytes(), b"gr\xC3\xBC\xC3");
    assert!(event.to_str().is_err());
    assert!(event.data.pieces().eq(["gr\u{FC}", "\u{FFFD}"]));
    assert_eq!(event.data.to_string(), "gr\u{FC}\u{FFFD}");
}

/// An item borrows the buffer, so the decoder can be queried and fed while an item is held.
#[test]
fn items_do_not_borrow_the_decoder() {
    let mut buffer = *b"id: 1\ndata: a\n\nid: 2\ndata: b\n\n";
    let mut input = &mut buffer[..];
    let mut decoder = Decoder::new();
    let first = decoder.decode(&mut input).unwrap().unwrap();
    assert_eq!(decoder.last_event_id(), "1");
    let second = decoder.decode(&mut input).unwrap().unwrap();
    assert_eq!(decoder.last_event_id(), "2");
    let data = |item| match item {
        Item::Event(event) => event.data,
        item => panic!("{item:?}"),
    };
    assert_eq!([data(first), data(second)], ["a", "b"]);
}

#[test]
fn an_id_fits_its_storage_or_is_refused_whole() {
    type Small = Decoder<InlineId<3>>;
    let stream = b"id: abc\ndata: x\n\nid: abcd\ndata: y\n\ndata: z\n\n";
    for chunk in [1, 2, 5, 64] {
        let seen = by_slice(
            Small::with_storage(DecoderOptions::new(), InlineId::default()),
            stream.chunks(chunk),
        );
        assert_eq!(seen.seen.len(), 2);
        assert_eq!(seen.seen[1], Seen::Failed(DecodeError::IdTooLong { capacity: 3, offset: 34 }));
        assert_eq!(seen.last_event_id, "abc");

        let skip = DecoderOptions::new().on_limit(OnLimit::Skip);
        let seen = by_slice(Small::with_storage(skip, InlineId::default()), stream.chunks(chunk));
        assert_eq!(seen.seen[1], Seen::Skipped(DecodeError::IdTooLong { capacity: 3, offset: 34 }));
        assert_eq!(seen.seen[2].message_event().data, "z");
        assert_eq!(seen.last_event_id, "abc");

        // A replacement is longer than the bytes it replaces. A superseded id need not fit.
        let replaced = by_slice(
            Small::with_storage(DecoderOptions::new(), InlineId::default()),
            b"id: toolong\nid: \xFF\ndata: x\n\n".chunks(chunk),
        );
        assert_eq!(replaced.last_event_id, "\u{FFFD}");
    }
    let mut decoder = Small::with_storage(DecoderOptions::new(), InlineId::default());
    decoder.set_last_event_id(EventId::from_static("abc")).unwrap();
    let refused = decoder.set_last_event_id(EventId::from_static("abcd"));
    assert_eq!(refused, Err(IdTooLong { capacity: 3 }));
    assert_eq!(decoder.last_event_id(), "abc");
}

#[test]
fn misuse_is_said_and_does_no_harm() {
    let mut decoder = Decoder::new();
    let mut buffer = *b"data: a\ndata: b";
    let mut input = &mut buffer[..];
    assert_eq!(decoder.decode(&mut input), Ok(None));
    for found in [0, 3, 14] {
        let shrunk = DecodeError::InputShrunk { expected: 15, found };
        assert_eq!(decoder.decode(&mut &mut [0; 15][..found]), Err(shrunk));
    }
    let mut whole = *b"data: a\ndata: b\n\n";
    let item = decoder.decode(&mut &mut whole[..]).unwrap().unwrap();
    assert!(matches!(item, Item::Event(event) if event.data == "a\nb"));
}

/// The buffer that the docs call sufficient never fills up without a verdict.
#[test]
fn a_buffer_of_one_more_than_the_limit_suffices() {
    for policy in [OnLimit::Error, OnLimit::Skip] {
        for max_event in 2..20 {
            let options = DecoderOptions::new().max_event(max_event).on_limit(policy);
            let mut decoder = Decoder::with_storage(options, InlineId::<8>::new());
            let mut buffer = vec![0; max_event + 1];
            let mut filled = 0;
            let mut wire =
                &b"\xEF\xBB\xBFdata: a\r\ndata: b\n\r\n: comment of some length\ndata:c\n\n"[..];
            'stream: while let Some((&byte, rest)) = wire.split_first() {
                buffer[filled] = byte;
                (filled, wire) = (filled + 1, rest);
                let mut input = &mut buffer[..filled];
                loop {
                    match decoder.decode(&mut input) {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => break 'stream,
                    }
                }
                let kept = input.len();
                assert!(kept <= max_event, "the buffer has room left, with limit {max_event}");
                buffer.copy_within(filled - kept..filled, 0);
                filled = kept;
            }
        }
    }
}
