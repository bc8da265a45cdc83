//! Random streams, cuts, keys and texts always match the reference or the standard library.

use eventwire::ws::connection::Writer;
use eventwire::ws::frame::{
    DataKind, FrameEvent, InvalidUtf8, MaskKey, OnLimit, Role, Utf8Validator,
};
use eventwire::ws::{Connection, Frame, Limits};
use eventwire_test_support::cut;
use eventwire_test_support::ws::{Rules, Seen, Stream, Trace, reference, trace};
use proptest::prelude::*;

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

fn limits() -> impl Strategy<Value = Rules> {
    let small = (0_u64..300, 0_u64..300, 1_u32..6);
    let on_limit = prop_oneof![Just(OnLimit::Error), Just(OnLimit::Skip)];
    prop_oneof![
        1 => Just(Rules::NONE),
        1 => (small, on_limit).prop_map(|((frame, message, fragments), on_limit)| Rules {
            frame,
            message,
            fragments,
            on_limit,
        }),
    ]
}

/// Generates text that is often cut or broken.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"a",
        b"hello, this is ASCII",
        b"\xC3",
        b"\xBC",
        "ü€𝄞".as_bytes(),
        b"\xE2\x82",
        b"\xAC",
        b"\xF0\x9F",
        b"\x98\x80",
        b"\xED\xA0",
        b"\xFF",
    ];
    // Most pieces are whole characters.
    let piece = prop_oneof![
        9 => proptest::sample::select(vec![pieces[0], pieces[1], pieces[4]]),
        1 => proptest::sample::select(pieces),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Generates a frame's first byte and payload, most often valid ones.
fn frame() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let close = || {
        let code = proptest::sample::select(vec![1000_u16, 1001, 1005, 1014, 3000, 999]);
        (code, text()).prop_map(|(code, reason)| [&code.to_be_bytes()[..], &reason].concat())
    };
    let b0 = proptest::sample::select(vec![0x81_u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x00, 0x80]);
    let control = proptest::sample::select(vec![0x89_u8, 0x8A]);
    prop_oneof![
        12 => (b0, text()),
        3 => (control, prop::collection::vec(any::<u8>(), 0..20)),
        1 => (Just(0x88), close()),
        1 => (any::<u8>(), prop::collection::vec(any::<u8>(), 0..300)),
    ]
}

fn stream(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        30 => frame().prop_map(move |(b0, payload)| Stream::new(role).frame(b0, &payload).bytes.clone()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0_usize..40, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn chunking_never_shows(
        (role, stream) in role().prop_flat_map(|role| (Just(role), stream(role))),
        limits in limits(),
        lengths in lengths(),
    ) {
        let expected = reference::trace(role, limits, &stream);
        prop_assert_eq!(trace(role, limits, &cut(&stream, &lengths)), expected);
    }

    #[test]
    fn one_flipped_bit(
        (role, mut stream) in role().prop_flat_map(|role| (Just(role), stream(role))),
        at in any::<prop::sample::Index>(),
        bit in 0..8,
        lengths in lengths(),
    ) {
        prop_assume!(!stream.is_empty());
        let at = at.index(stream.len());
        stream[at] ^= 1_u8 << bit;
        let expected = reference::trace(role, Rules::NONE, &stream);
        prop_assert_eq!(trace(role, Rules::NONE, &cut(&stream, &lengths)), expected);
    }

    #[test]
    fn decoding_gives_back_what_was_encoded(
        role in role(),
        messages in prop::collection::vec((any::<String>(), any::<bool>(), 1_usize..200), 0..6),
        key in any::<[u8; 4]>(),
        lengths in lengths(),
    ) {
        let mask = (role == Role::Server).then_some(MaskKey(key));
        let (mut stream, mut expected) = (Vec::new(), Trace::default());
        for (text, is_text, size) in &messages {
            let (kind, frame) = match is_text {
                true => (DataKind::Text, Frame::text(text)),
                false => (DataKind::Binary, Frame::binary(text.as_bytes())),
            };
            for fragment in frame.fragments(*size) {
                fragment.encode_to(mask, &mut stream).unwrap();
            }
            expected.push(Seen::Data { kind, payload: text.as_bytes().to_vec(), fin: true });
            let ping = &text.as_bytes()[..text.len().min(125)];
            Frame::ping(ping).unwrap().encode_to(mask, &mut stream).unwrap();
            expected.push(Seen::Ping(ping.to_vec()));
        }
        prop_assert_eq!(trace(role, Rules::NONE, &cut(&stream, &lengths)), expected);
    }

    #[test]
    fn runs_that_are_passed_on_say_the_same(
        stream in stream(Role::Server),
        lengths in lengths(),
        key in any::<[u8; 4]>(),
    ) {
        let mut connection = Connection::frame_server(Limits::new());
        let mut onward = Writer::client(|| key);
        let (mut kept, mut passed_on) = (Vec::new(), Vec::new());
        let mut expected = Trace::default();
        'chunks: for chunk in cut(&stream, &lengths) {
            kept.extend_from_slice(chunk);
            let mut input = &mut kept[..];
            loop {
                match connection.receive(&mut input) {
                    Ok(Some(FrameEvent::Data(run))) => {
                        onward.send_run_to(&run, &mut passed_on).unwrap();
                        expected.push(Seen::of(FrameEvent::<_, &str>::Data(run)));
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'chunks,
                }
            }
            kept = input.to_vec();
        }
        prop_assert_eq!(trace(Role::Server, Rules::NONE, &[&passed_on]).seen, expected.seen);
    }

    #[test]
    fn masking_resumes_at_any_phase(
        payload in prop::collection::vec(any::<u8>(), 0..300),
        key in any::<[u8; 4]>(),
        lengths in lengths(),
    ) {
        let expected: Vec<u8> =
            payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        let (mut in_place, mut copied) = (Vec::new(), Vec::new());
        let (mut key_in_place, mut key_copied) = (MaskKey(key), MaskKey(key));
        for run in cut(&payload, &lengths) {
            let mut run_in_place = run.to_vec();
            key_in_place.apply(&mut run_in_place);
            in_place.extend(run_in_place);
            let mut run_copied = vec![0; run.len() + 2];
            key_copied.copy(run, &mut run_copied).unwrap();
            prop_assert_eq!(&run_copied[run.len()..], [0, 0]);
            copied.extend(&run_copied[..run.len()]);
            prop_assert_eq!(key_in_place, key_copied);
        }
        prop_assert_eq!(&in_place, &expected);
        prop_assert_eq!(&copied, &expected);
        if let Some((_, short)) = copied.split_last_mut() {
            prop_assert!(MaskKey(key).copy(&payload, short).is_err());
        }
    }

    #[test]
    fn utf8_is_what_the_standard_library_says(
        text in prop_oneof![text(), prop::collection::vec(any::<u8>(), 0..12)],
        lengths in lengths(),
    ) {
        let hopeless =
            |text| std::str::from_utf8(text).is_err_and(|error| error.error_len().is_some());
        let mut validator = Utf8Validator::new();
        let mut offset = 0;
        for piece in cut(&text, &lengths) {
            if let Err(InvalidUtf8 { index }) = validator.feed(piece) {
                let at = offset + index;
                prop_assert!(!hopeless(&text[..at]) && hopeless(&text[..=at]));
                return Ok(());
            }
            offset += piece.len();
            prop_assert!(!hopeless(&text[..offset]));
            prop_assert_eq!(validator.is_complete(), std::str::from_utf8(&text[..offset]).is_ok());
        }
    }
}
