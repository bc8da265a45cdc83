//! The encoder: its output, and that decoding the output returns the input.

use bytes::{BufMut, BytesMut};
use eventwire::BufferTooSmall;
use eventwire::sse::server::KEEP_ALIVE;
use eventwire::sse::{
    Decoder, DecoderOptions, EventBuilder, EventId, EventType, InvalidValue, Item,
};
use eventwire_test_support::sse::{Rules, Seen, every_split, trace};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

/// Encodes the message in every way there is, and checks that all agree.
#[expect(clippy::needless_pass_by_value, reason = "so it reads better in the rows")]
fn encode(message: EventBuilder<'_>) -> String {
    let bytes = message.to_bytes();
    assert_eq!(message.encoded_len(), bytes.len());

    let mut growing = BytesMut::from("in front ");
    message.encode_to(&mut growing).unwrap();
    assert_eq!(growing.strip_prefix(b"in front "), Some(&bytes[..]));

    let mut exact = vec![0; bytes.len()];
    assert_eq!(message.encode(&mut exact), Ok(bytes.len()));
    assert_eq!(exact, bytes);
    let mut limited = Vec::new().limit(bytes.len());
    message.encode_to(&mut limited).unwrap();
    assert_eq!(limited.into_inner(), bytes);

    let small = bytes.len() - 1;
    let needed = BufferTooSmall { needed: bytes.len() };
    assert_eq!(message.encode(&mut exact[..small]), Err(needed));
    let mut limited = Vec::new().limit(small);
    assert_eq!(message.encode_to(&mut limited), Err(needed));
    assert!(limited.into_inner().is_empty(), "nothing may be written");
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn rows() {
    let event_type = |text| EventType::new(text).unwrap();
    let id = |text| EventId::new(text).unwrap();
    let new = EventBuilder::new;
    for (message, expected) in [
        (new(), "\n"),
        (new().data("a"), "data: a\n\n"),
        (new().data(""), "data: \n\n"),
        (new().data(" a"), "data:  a\n\n"),
        (new().data(":a"), "data: :a\n\n"),
        (new().data("a\nb"), "data: a\ndata: b\n\n"),
        (new().data("a\rb"), "data: a\ndata: b\n\n"),
        (new().data("a\r\nb"), "data: a\ndata: b\n\n"),
        (new().data("a\n\rb"), "data: a\ndata: \ndata: b\n\n"),
        (new().data("\r\r\n\n"), "data: \ndata: \ndata: \ndata: \n\n"),
        (new().data("a\n"), "data: a\ndata: \n\n"),
        (new().data("\u{FEFF}\0\u{2028}"), "data: \u{FEFF}\0\u{2028}\n\n"),
        (new().event_type(event_type("e")).data("a"), "event: e\ndata: a\n\n"),
        (new().event_type(event_type(" e:")), "event:  e:\n\n"),
        (new().event_type(event_type("")).data("a"), "data: a\n\n"),
        (new().id(id("7")), "id: 7\n\n"),
        (new().id(id("")), "id: \n\n"),
        (new().retry(Duration::ZERO), "retry: 0\n\n"),
        (new().retry(Duration::from_micros(3_000_999)), "retry: 3000\n\n"),
        (new().retry(Duration::MAX), "retry: 18446744073709551615\n\n"),
        (new().comment(""), ": \n\n"),
        (new().comment("a\r\ndata: b"), ": a\n: data: b\n\n"),
        (
            new()
                .data("a")
                .retry(Duration::from_secs(1))
                .id(id("7"))
                .event_type(event_type("e"))
                .comment("c"),
            ": c\nevent: e\nid: 7\nretry: 1000\ndata: a\n\n",
        ),
    ] {
        assert_eq!(encode(message), expected);
    }
    assert!(every_split(Rules::VERBOSE, KEEP_ALIVE).seen == [Seen::Comment(vec![])]);
}

const _: EventType<'_> = EventType::from_static("checked while compiling");
const _: EventId<'_> = EventId::from_static("checked while compiling");

#[test]
fn a_buffer_may_be_larger_than_the_message() {
    let message = EventBuilder::new().data("a");
    let mut buffer = [b'x'; 16];
    assert_eq!(message.encode(&mut buffer), Ok(9));
    assert_eq!(&buffer, b"data: a\n\nxxxxxxx");
    // Each byte may become a line, so a fixed buffer is measured however large it looks.
    let lines = "\n".repeat(1000);
    let message = EventBuilder::new().data(&lines).comment(&lines);
    assert!(message.encoded_len() > 10 * 1000);
    encode(message);
}

/// warp, sse-codec: an event type or id injects a newline, or text after a CR is lost. axum: a
/// newline panics. Here such a value cannot be built.
#[test]
fn nothing_breaks_out_of_its_line() {
    for (text, offset) in [("a\nb", 1), ("\r", 0), ("ab\r\n", 2)] {
        assert_eq!(EventType::new(text), Err(InvalidValue::LineEnd { offset }));
        assert_eq!(EventId::new(text), Err(InvalidValue::LineEnd { offset }));
    }
    assert_eq!(EventId::new("a\0"), Err(InvalidValue::Nul { offset: 1 }));
    assert_eq!(EventType::new("a\0").unwrap().as_str(), "a\0");
    assert!(std::panic::catch_unwind(|| EventType::from_static("a\nb")).is_err());
    assert!(std::panic::catch_unwind(|| EventId::from_static("a\0b")).is_err());
}

/// A number is an ID that cannot be wrong, so the constructor needs no `?`.
#[test]
fn a_number_is_an_id() {
    let rows: Vec<(EventId<'_>, &str)> = vec![
        (0.into(), "0"),
        (17.into(), "17"),
        ((-17).into(), "-17"),
        (u8::MAX.into(), "255"),
        (u16::MAX.into(), "65535"),
        (u32::MAX.into(), "4294967295"),
        (u64::MAX.into(), "18446744073709551615"),
        (10_000_000_000_000_000_000_u64.into(), "10000000000000000000"),
        (7_usize.into(), "7"),
        (i8::MIN.into(), "-128"),
        (i16::MIN.into(), "-32768"),
        (i32::MIN.into(), "-2147483648"),
        (i64::MIN.into(), "-9223372036854775808"),
        (i64::MAX.into(), "9223372036854775807"),
        ((-1_isize).into(), "-1"),
    ];
    let mut known = std::collections::HashSet::new();
    for (id, text) in rows {
        assert_eq!(id.as_str(), text);
        assert_eq!(id, EventId::new(text).unwrap(), "{text}");
        assert_eq!(id.to_string(), text);
        assert_eq!(format!("{id:?}"), format!("EventId({text:?})"));
        assert!(known.insert(id) && !known.insert(EventId::new(text).unwrap()), "hashes alike");
        assert_eq!(encode(EventBuilder::new().id(id)), format!("id: {text}\n\n"));
    }
    assert_eq!(EventId::default().as_str(), "");
}

/// Wrong output cannot be written, whether the text is borrowed or owned.
#[test]
fn texts_of_run_time_are_checked() {
    for (text, offset) in [("a\nb", 1), ("\r", 0), ("ab\r\n", 2)] {
        let error = Err(InvalidValue::LineEnd { offset });
        assert_eq!(EventBuilder::new().try_id(text), error);
        assert_eq!(EventBuilder::new().try_id(text.to_owned()), error);
        assert_eq!(EventBuilder::new().try_event_type(text), error);
        assert_eq!(EventBuilder::new().try_event_type(text.to_owned()), error);
    }
    let error = Err(InvalidValue::Nul { offset: 1 });
    assert_eq!(EventBuilder::new().try_id(String::from("a\0")), error);
    let event = EventBuilder::new().try_event_type("a\0").unwrap().try_id("").unwrap();
    assert_eq!(encode(event), "event: a\0\nid: \n\n");
    assert_eq!(encode(EventBuilder::new().try_event_type(String::new()).unwrap()), "\n");
}

#[test]
fn a_builder_may_own_its_texts() {
    fn owned(text: &str) -> EventBuilder<'static> {
        let event = EventBuilder::new().try_event_type(text.to_owned()).unwrap();
        let event = event.try_id(format!("{text}-1")).unwrap();
        event.comment(Box::<str>::from(text)).data(format!("{text}\r\n{text}"))
    }
    let borrowed = EventBuilder::new()
        .event_type(EventType::new("e").unwrap())
        .id(EventId::new("e-1").unwrap())
        .comment("e")
        .data("e\r\ne");
    assert_eq!(owned("e"), borrowed);
    assert_ne!(owned("f"), borrowed);
    assert_eq!(encode(owned("e")), ": e\nevent: e\nid: e-1\ndata: e\ndata: e\n\n");
    assert_eq!(owned("e").clone(), borrowed);

    let text = String::from("a");
    let shared = eventwire::Utf8Bytes::from("a");
    for event in [
        EventBuilder::new().data("a"),
        EventBuilder::new().data(&text),
        EventBuilder::new().data(&shared),
        EventBuilder::new().data(text.clone()),
        EventBuilder::new().data(shared.clone()),
        EventBuilder::new().data(text.clone().into_boxed_str()),
        EventBuilder::new().data(std::borrow::Cow::from("a")),
        EventBuilder::new().data(std::borrow::Cow::from(text.clone())),
    ] {
        assert_eq!(encode(event), "data: a\n\n");
    }
}

#[test]
fn several_comments() {
    let comments = |all: &[&str]| encode(EventBuilder::new().comments(all).data("x"));
    assert_eq!(comments(&[]), "data: x\n\n");
    assert_eq!(comments(&[""]), ": \ndata: x\n\n");
    assert_eq!(comments(&["a", "", "b\nc"]), ": a\n: \n: b\n: c\ndata: x\n\n");
    // Each comment is written as if it were alone.
    assert_eq!(comments(&["a\r", "b"]), ": a\n: \n: b\ndata: x\n\n");
    assert_eq!(comments(&["a\r\n", "\nb"]), ": a\n: \n: \n: b\ndata: x\n\n");
    let owned = EventBuilder::new().comment("before").comments(vec![String::from("a")]);
    assert_eq!(encode(owned), ": a\n\n");
}

#[test]
fn a_writer_splits_data_as_it_comes() {
    let pieces = ["{\r", "\n", "\"a\": 1", "", "\r", "}\r", "", "\n", "\n"];
    let whole =
        EventBuilder::new().id(EventId::from_static("7")).data("{\n\"a\": 1\n}\n\n").to_bytes();

    let message = EventBuilder::new().id(EventId::from_static("7"));
    let mut output = Vec::from("in front ");
    let mut writer = message.write_data(&mut output);
    for piece in pieces {
        writer.write_str(piece).unwrap();
    }
    assert_eq!(writer.finish(), Ok(whole.len()));
    assert_eq!(output.strip_prefix(b"in front "), Some(&whole[..]));

    let mut output = BytesMut::new();
    let mut writer = message.write_data(&mut output);
    for piece in pieces {
        (&mut writer).write_all(piece.as_bytes()).unwrap();
    }
    assert_eq!(writer.finish(), Ok(whole.len()));
    assert_eq!(output, whole);

    for size in 0..=whole.len() {
        let mut output = vec![0; size];
        let mut writer = message.write_data(&mut output[..]);
        for piece in pieces {
            writer.write_str(piece).unwrap();
        }
        if size == whole.len() {
            assert_eq!(writer.finish(), Ok(size));
            assert_eq!(output, whole);
        } else {
            assert_eq!(writer.finish(), Err(BufferTooSmall { needed: whole.len() }));
        }
    }
    // Data that was set before comes first, and a CR at its end is remembered.
    let mut output = Vec::new();
    let mut writer = EventBuilder::new().data("a\r").write_data(&mut output);
    writer.write_str("\nb").unwrap();
    assert_eq!(writer.finish(), Ok(output.len()));
    assert_eq!(output, b"data: a\ndata: b\n\n");
}

/// Decodes and encodes again, like a proxy.
#[test]
fn what_was_decoded_can_be_sent_on() {
    let stream = b"event: e\ndata: a\nid: 7\nretry: 5\ndata: b\n\nid: 8\n\n";
    let mut body = *stream;
    let mut input = &mut body[..];
    let mut decoder = Decoder::with_storage(DecoderOptions::new().blocks(true), String::default());
    let Ok(Some(Item::Event(event))) = decoder.decode(&mut input) else { panic!("not an event") };
    let mut event = event.to_str().unwrap();
    let sent = encode(EventBuilder::try_from(&event).unwrap());
    assert_eq!(sent, "event: e\nid: 7\nretry: 5\ndata: a\ndata: b\n\n");
    let Ok(Some(Item::Block(block))) = decoder.decode(&mut input) else { panic!("not a block") };
    let block = block.map(|value| value.to_str().unwrap());
    assert_eq!(encode(EventBuilder::try_from(&block).unwrap()), "id: 8\n\n");
    // The caller may have changed the event since.
    event.id = Some("7\n");
    assert_eq!(EventBuilder::try_from(&event), Err(InvalidValue::LineEnd { offset: 1 }));
}

#[test]
fn half_an_event_is_taken_back() {
    let mut output = EventBuilder::new().data("whole").to_bytes().to_vec();
    let whole = output.clone();
    let mut writer = EventBuilder::new().write_data(&mut output);
    write!(&mut writer as &mut dyn std::fmt::Write, "{{\"half\":").unwrap();
    drop(writer);
    assert_eq!(output, whole);
    let mut output = BytesMut::from(&whole[..]);
    drop(EventBuilder::new().write_data(&mut output));
    assert_eq!(output, whole);
}

#[test]
fn json_goes_straight_into_data() {
    let value = serde_json::json!({ "text": "a\nb", "list": [1, 2] });
    let mut output = Vec::new();
    let mut writer = EventBuilder::new().write_data(&mut output);
    serde_json::to_writer_pretty(&mut writer, &value).unwrap();
    writer.finish().unwrap();
    let events = every_split(Rules::UNLIMITED, &output).seen;
    let data = &events[0].message_event().data;
    assert_eq!(serde_json::from_str::<serde_json::Value>(data).unwrap(), value);
}

/// Generates text in which every special case is likely.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            "\n", "\r", "\r\n", " ", ":", "a", "data: ", "\u{FEFF}", "\0", "\u{1F600}", "\u{85}", "",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn normalised(text: &str) -> Vec<u8> {
    text.replace("\r\n", "\n").replace('\r', "\n").into()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn decoding_gives_back_what_was_encoded(
        data in text(),
        comment in prop::option::of(text()),
        event_type in prop::option::of(text()),
        id in prop::option::of(text()),
        retry in prop::option::of(any::<u64>()),
        chunk in 1..20usize,
    ) {
        let one_line = |text: String| text.replace(['\r', '\n'], "");
        let event_type = event_type.map(one_line);
        let id = id.map(|id| one_line(id).replace('\0', ""));
        let retry = retry.map(Duration::from_millis);
        let mut message = EventBuilder::new().data(&data);
        if let Some(comment) = &comment {
            message = message.comment(comment);
        }
        if let Some(event_type) = &event_type {
            message = message.event_type(EventType::new(event_type).unwrap());
        }
        if let Some(id) = &id {
            message = message.id(EventId::new(id).unwrap());
        }
        if let Some(retry) = retry {
            message = message.retry(retry);
        }
        let encoded = encode(message);
        let chunks: Vec<_> = encoded.as_bytes().chunks(chunk).collect();
        let mut expected: Vec<Seen> = comment
            .iter()
            .flat_map(|text| String::from_utf8(normalised(text)).unwrap().split('\n').map(|line| Seen::Comment(line.into())).collect::<Vec<_>>())
            .collect();
        expected.push(Seen::Event {
            event_type: event_type.filter(|it| !it.is_empty()).map(Into::into),
            data: normalised(&data),
            last_event_id: id.clone().unwrap_or_default(),
            id: id.map(Into::into),
            retry,
        });
        prop_assert_eq!(trace(Rules::VERBOSE, &chunks).seen, expected);
    }

    #[test]
    fn a_writer_writes_what_one_piece_would(pieces in prop::collection::vec(text(), 0..6)) {
        let mut output = Vec::new();
        let mut writer = EventBuilder::new().write_data(&mut output);
        for piece in &pieces {
            writer.write_str(piece).unwrap();
        }
        writer.finish().unwrap();
        prop_assert_eq!(output, EventBuilder::new().data(pieces.concat()).to_bytes());
    }
}
