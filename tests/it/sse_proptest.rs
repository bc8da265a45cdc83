//! Random streams under random cuts always match the reference.

use eventwire_test_support::cut;
use eventwire_test_support::sse::{Rules, reference, trace};
use proptest::prelude::*;

/// Generates pieces that are likely to make a stream tricky.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let fixed: Vec<&[u8]> = vec![
        b"data: a line that is longer than what stands between\n",
        b"\ndata:a\r\n",
        b"event: sum\n",
        b"\nid: 17\r",
        b"data",
        b"data:",
        b"data: ",
        b"data:  x",
        b"event: ",
        b"event:e",
        b"event",
        b"id: 7",
        b"id:",
        b"id",
        b"id:\0",
        b"retry: 10",
        b"retry:+5",
        b"retry:",
        b":",
        b": ping",
        b" ",
        b"\n",
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\r",
        b"\r\n",
        b"\r\n\r\n",
        b"\n\r",
        b"\xEF\xBB\xBF",
        b"\xEF\xBB",
        b"\xFF",
        "\u{20AC}".as_bytes(),
        b"\xE2\x82",
        b"\0",
        b"datax: 1",
        b"dat: 1\n",
        b"{\"error\": 1}",
        b"Data: 1",
        b"0123456789",
    ];
    prop_oneof![
        20 => proptest::sample::select(fixed).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(fragment(), 0..40).prop_map(|pieces| pieces.concat())
}

fn rules() -> impl Strategy<Value = Rules> {
    let limit = || prop_oneof![Just(usize::MAX), 0..48usize];
    (limit(), limit(), any::<[bool; 5]>()).prop_map(|(max_line, max_event, flags)| {
        let [skip, comments, blocks, unknown_lines, unfinished] = flags;
        Rules { max_line, max_event, skip, comments, blocks, unknown_lines, unfinished }
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn any_chunking_shows_what_the_reference_does(
        stream in stream(),
        rules in rules(),
        lengths in prop::collection::vec(0..9usize, 1..6),
    ) {
        let expected = reference::trace(rules, &stream);
        prop_assert_eq!(trace(rules, &[&stream]), expected.clone());
        prop_assert_eq!(trace(rules, &cut(&stream, &lengths)), expected);
    }
}
