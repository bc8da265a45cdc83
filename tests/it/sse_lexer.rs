//! The lexer: the same tokens for any chunking, and the same events as the decoder.

use eventwire::sse::decode::{Lexer, Token};
use eventwire_test_support::sse::events_from_tokens;
use eventwire_test_support::sse::reference::message_events;
use proptest::prelude::*;

/// Returns the tokens of a stream, with adjacent values joined.
fn tokens<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<(&'static str, Vec<u8>)> {
    let mut lexer = Lexer::new();
    let mut tokens: Vec<(&str, Vec<u8>)> = Vec::new();
    for mut chunk in chunks {
        while let Some(token) = lexer.next_token(&mut chunk) {
            match (token, tokens.last_mut()) {
                (Token::Value(run), Some(("value", value))) => value.extend(run),
                (Token::Value(run), _) => tokens.push(("value", run.to_vec())),
                (Token::Field(name), _) => tokens.push(("field", name.as_str().into())),
                (Token::Comment, _) => tokens.push(("comment", vec![])),
                (Token::Unknown, _) => tokens.push(("unknown", vec![])),
                (Token::EndOfLine, _) => tokens.push(("end", vec![])),
                (Token::Blank, _) => tokens.push(("blank", vec![])),
            }
        }
        assert!(chunk.is_empty());
    }
    tokens
}

fn row(tokens: &[(&'static str, Vec<u8>)]) -> String {
    let show = |(kind, bytes): &(&str, Vec<u8>)| match *kind {
        "field" => String::from_utf8_lossy(bytes).to_string(),
        "value" => format!("[{}]", bytes.escape_ascii()),
        kind => kind.to_string(),
    };
    tokens.iter().map(show).collect::<Vec<_>>().join(" ")
}

#[test]
fn tokens_under_every_split() {
    for (stream, expected) in [
        (&b"data: a\n\n"[..], "data [a] end blank"),
        (b"data:a: b\r\n\r\n", "data [a: b] end blank"),
        (b"data\rid\revent:\rretry: \r\r", "data end id end event end retry end blank"),
        (b":\n: hi\n:  x\n", "comment end comment [hi] end comment [ x] end"),
        (
            b"datax: 1\ndat\nDATA: 2\n data\n",
            "unknown [datax: 1] end unknown [dat] end unknown [DATA: 2] end unknown [ data] end",
        ),
        (
            b"{\r\n  \"error\": 1\r}\n\n",
            "unknown [{] end unknown [  \\\"error\\\": 1] end unknown [}] end blank",
        ),
        (b"error: 1\nretr", "unknown [error: 1] end"),
        (b"id: 1\nide: 2\n\n", "id [1] end unknown [ide: 2] end blank"),
        (b"data: no end", "data [no end]"),
        (b"id: \x001\nretry: +5\n", "id [\\x001] end retry [+5] end"),
        (b"\xEF\xBB\xBFdata:\xEF\xBB\xBF\n", "data [\\xef\\xbb\\xbf] end"),
        (
            b"\xEF\xBB\n\xEF\xBB\xBFdata\ndata\n",
            "unknown [\\xef\\xbb] end unknown [\\xef\\xbb\\xbfdata] end data end",
        ),
        (b"\xEFdata: a\n", "unknown [\\xefdata: a] end"),
        (b"\xEF\xBB\xBF\xEF\xBB\n", "unknown [\\xef\\xbb] end"),
        (b"\n\r\n\r\r", "blank blank blank blank"),
        (b"", ""),
    ] {
        let shown = stream.escape_ascii();
        assert_eq!(row(&tokens([stream])), expected, "{shown}");
        assert_eq!(row(&tokens(stream.chunks(1))), expected, "{shown} byte by byte");
        for at in 0..=stream.len() {
            let (front, rest) = stream.split_at(at);
            assert_eq!(row(&tokens([front, b"", rest])), expected, "{shown} split at {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn events_come_out_whole(
        stream in prop::collection::vec(
            prop_oneof![
                proptest::sample::select(&b"\n\n\r\r: dateivnry\0\xEF\xBB\xBF"[..]).prop_map(|b| vec![b]),
                proptest::sample::select(vec!["data:", "data: x", "event: e", "id: 1", "id:", "\n\n"])
                    .prop_map(|text| text.as_bytes().to_vec()),
            ],
            0..60,
        ).prop_map(|pieces| pieces.concat()),
        chunk in 1..9usize,
    ) {
        prop_assert_eq!(events_from_tokens(stream.chunks(chunk)), message_events(&stream).0);
    }
}
