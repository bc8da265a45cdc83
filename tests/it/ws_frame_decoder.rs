//! Frames that the decoders accept and refuse, at which byte, at every split.

use eventwire::ws::frame::{DataKind, Fault, FrameDecoder, FrameEvent, OnLimit, Role, Rsv};
use eventwire::ws::{Close, CloseCode, Limits, ProtocolError};
use eventwire_test_support::ws::{
    ROLES, Rules, Seen, Stream, Trace, every_split, pattern, reference, trace,
};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;
/// Frames that are not the last of their messages.
const TEXT_BEGINS: u8 = 0x01;
const BINARY_BEGINS: u8 = 0x02;
const CONTINUES: u8 = 0x00;
const ENDS: u8 = 0x80;

fn accepts(build: impl Fn(&mut Stream) -> &mut Stream, expected: &[Seen]) {
    for role in ROLES {
        let mut stream = Stream::new(role);
        build(&mut stream);
        let trace = every_split(role, Rules::NONE, &stream.bytes);
        assert_eq!(trace.seen, expected, "{role:?}");
        assert!(!trace.incomplete);
    }
}

fn closed(code: u16, reason: &str) -> Seen {
    let code = CloseCode::new(code).unwrap();
    Seen::Close(Some(Close { code, reason: reason.into() }))
}

fn text_run(payload: &[u8], fin: bool) -> Seen {
    Seen::Data { kind: DataKind::Text, payload: payload.into(), fin }
}

#[test]
fn messages() {
    accepts(|s| s.frame(TEXT, b""), &[Seen::text("")]);
    accepts(|s| s.frame(TEXT, b"hello"), &[Seen::text("hello")]);
    accepts(|s| s.frame(BINARY, b"\xFF\x00"), &[Seen::binary(b"\xFF\x00")]);
    let long = "grüße, € and 𝄞 ".repeat(20);
    for len in [124, 125, 126, 127, 128, 255, 256, 300] {
        let text = &long[..long.floor_char_boundary(len)];
        accepts(|s| s.frame(TEXT, text.as_bytes()), &[Seen::text(text)]);
        let bytes = pattern(len);
        accepts(|s| s.frame(BINARY, &bytes), &[Seen::binary(&bytes)]);
    }
}

/// A message that has arrived whole takes another path than one in pieces.
#[test]
fn whole_messages_as_those_in_pieces() {
    let limits = |len: usize| {
        let len = len as u64;
        let less = len.saturating_sub(1);
        [
            Rules::NONE,
            Rules { frame: len, message: len, fragments: 1, ..Rules::NONE },
            Rules { frame: less, ..Rules::NONE },
            Rules { message: less, ..Rules::NONE },
            Rules { fragments: 0, ..Rules::NONE },
        ]
    };
    for len in (0..=140).chain([200, 255, 256, 257, 1000]) {
        let ascii: Vec<u8> = (0..0x80).cycle().take(len).collect();
        let put = |at: usize, bytes: &[u8]| {
            let mut text = ascii.clone();
            let room = text.iter_mut().skip(at.min(len));
            room.zip(bytes).for_each(|(byte, with)| *byte = *with);
            text
        };
        let middle = put(len / 2, "\u{20AC}".as_bytes());
        let end = put(len.saturating_sub(4), "\u{1F30D}".as_bytes());
        let payloads =
            [middle, end, put(len / 3, b"\xFF"), put(len.saturating_sub(2), b"\xE2\x82"), ascii];
        for (role, payload) in
            ROLES.into_iter().flat_map(|role| payloads.iter().map(move |p| (role, p)))
        {
            for b0 in [TEXT, BINARY, TEXT_BEGINS] {
                for limits in limits(len) {
                    let mut stream = Stream::new(role);
                    stream.frame(TEXT, b"").frame(b0, payload).frame(TEXT, b"after");
                    let stream = &stream.bytes[..];
                    let whole = trace(role, limits, &[stream]);
                    let pieces: Vec<_> = stream.chunks(7).collect();
                    assert_eq!(whole, trace(role, limits, &pieces), "{role:?}, {b0}, {len}");
                    assert_eq!(whole, reference::trace(role, limits, stream), "{role:?}, {len}");
                }
            }
        }
    }
}

#[test]
fn lengths_at_the_edges() {
    for len in [0xFFFE, 0xFFFF, 0x1_0000, 0x1_0001] {
        for role in ROLES {
            let payload = pattern(len);
            let mut stream = Stream::new(role);
            stream.frame(BINARY, &payload).frame(TEXT, b"after");
            for size in [1, 7, 1460, usize::MAX] {
                let chunks: Vec<_> = stream.bytes.chunks(size).collect();
                let trace = trace(role, Rules::NONE, &chunks);
                assert_eq!(trace.seen, [Seen::binary(&payload), Seen::text("after")]);
            }
        }
    }
}

#[test]
fn fragments() {
    accepts(
        |s| s.frame(TEXT_BEGINS, b"a").frame(CONTINUES, b"b").frame(ENDS, b"c"),
        &[Seen::text("abc")],
    );
    // Empty frames, and a character that is cut.
    accepts(
        |s| {
            s.frame(TEXT_BEGINS, b"").frame(CONTINUES, b"").frame(CONTINUES, b"\xE2\x82");
            s.frame(CONTINUES, b"").frame(CONTINUES, b"\xAC").frame(ENDS, b"")
        },
        &[Seen::text("€")],
    );
    accepts(
        |s| s.frame(BINARY_BEGINS, b"").frame(ENDS, b"").frame(BINARY, b""),
        &[Seen::binary(b""), Seen::binary(b"")],
    );
    // Control frames in between, even inside a character.
    accepts(
        |s| {
            s.frame(PING, b"1").frame(TEXT_BEGINS, b"\xE2").frame(PING, b"2");
            s.frame(CONTINUES, b"\x82").frame(PONG, b"").frame(ENDS, b"\xAC").frame(PING, b"3")
        },
        &[
            Seen::Ping(b"1".into()),
            text_run(b"\xE2", false),
            Seen::Ping(b"2".into()),
            text_run(b"\x82", false),
            Seen::Pong(b"".into()),
            text_run(b"\xAC", true),
            Seen::Ping(b"3".into()),
        ],
    );
}

#[test]
fn control_frames() {
    let longest: Vec<u8> = (0..125).collect();
    accepts(|s| s.frame(PING, &longest), &[Seen::Ping(longest.clone())]);
    accepts(|s| s.frame(PONG, &longest), &[Seen::Pong(longest.clone())]);
    accepts(|s| s.frame(CLOSE, b""), &[Seen::Close(None)]);
    accepts(|s| s.frame(CLOSE, b"\x03\xE8"), &[closed(1000, "")]);
    let reason = "ä".repeat(61) + ".";
    let payload = [b"\x0B\xB8", reason.as_bytes()].concat();
    accepts(|s| s.frame(CLOSE, &payload), &[closed(3000, &reason)]);
}

/// Codes 1012 to 1014 were registered after the RFC. Some peers refuse them.
#[test]
fn close_codes() {
    for code in 0..=u16::MAX {
        let valid = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        assert_eq!(CloseCode::new(code).map(CloseCode::get), valid.then_some(code));
        let mut frame = [CLOSE, 2, 0, 0];
        frame[2..].copy_from_slice(&code.to_be_bytes());
        let mut decoder = FrameDecoder::new(Role::Client, Limits::new());
        match decoder.decode(&mut &mut frame[..]) {
            Ok(Some(FrameEvent::Close(Some(close)))) => {
                assert_eq!((valid, close.code.get()), (true, code));
            }
            Ok(other) => panic!("{code}: {other:?}"),
            Err(error) => {
                assert!(!valid, "{code}");
                let fault = Fault::InvalidCloseCode(code);
                assert_eq!(error, ProtocolError { fault, offset: 3 });
            }
        }
    }
}

/// Bytes after a close frame are dropped, valid or not.
#[test]
fn nothing_after_a_close_frame() {
    accepts(
        |s| s.frame(TEXT, b"a").frame(CLOSE, b"").frame(TEXT, b"b").raw(b"\xFF\xFF"),
        &[Seen::text("a"), Seen::Close(None)],
    );
    // A close frame may also come inside a message, which is then cut off.
    for role in ROLES {
        let mut stream = Stream::new(role);
        stream.frame(TEXT_BEGINS, b"a").frame(CLOSE, b"").frame(ENDS, b"b");
        let seen = every_split(role, Rules::NONE, &stream.bytes).seen;
        assert_eq!(seen, [text_run(b"a", false), Seen::Close(None)]);
    }
}

#[test]
fn incomplete() {
    for role in ROLES {
        let mut stream = Stream::new(role);
        stream.frame(TEXT_BEGINS, b"ab").frame(PING, b"p").frame(ENDS, &[b'c'; 130]);
        let first = stream.bytes.len();
        stream.frame(BINARY, b"");
        let ends = [0, first, stream.bytes.len()];
        for len in 0..=stream.bytes.len() {
            let trace = every_split(role, Rules::NONE, &stream.bytes[..len]);
            assert_eq!(trace.incomplete, !ends.contains(&len), "{len}");
        }
    }
}

/// Checks a rejection in both roles, at the very start and after valid frames, at every split,
/// whatever follows. The decoder must fail at the deciding byte, and not before.
fn refuses(limits: Rules, fault: Fault, build: impl Fn(&mut Stream) -> &mut Stream) {
    for role in ROLES {
        for good in [0, 1, 2] {
            let mut stream = Stream::new(role);
            for _ in 0..good {
                stream.frame(TEXT, b"ok").frame(PING, b"");
            }
            build(&mut stream);
            let Stream { bytes, mark, .. } = stream;
            let failed = Seen::Failed(ProtocolError { fault, offset: mark as u64 });
            for end in [mark + 1, bytes.len()] {
                let seen = every_split(role, limits, &bytes[..end]).seen;
                assert_eq!(seen.last(), Some(&failed), "{role:?}, {good} good, to {end}");
            }
            let seen = every_split(role, limits, &bytes[..mark]).seen;
            assert!(!matches!(seen.last(), Some(Seen::Failed(_))), "failed too early: {seen:?}");
        }
    }
}

#[test]
fn refuses_by_the_first_byte() {
    let refuses = |fault, before: &[u8], b0| {
        refuses(Rules::NONE, fault, |s| {
            for &b0 in before {
                s.frame(b0, b"x");
            }
            s.mark_ahead(0).frame(b0, b"")
        });
    };
    for bits in 1..8 {
        let fault = Fault::ReservedBits(Rsv::new(bits).unwrap());
        // Reserved bits are judged before all other faults.
        for b0 in [TEXT, BINARY, PING, PONG, CLOSE, TEXT_BEGINS, CONTINUES, 0x83, 0x0B, 0x09] {
            refuses(fault, &[], b0 | bits << 4);
        }
        refuses(fault, &[TEXT_BEGINS], ENDS | bits << 4);
    }
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        for fin in [0, 0x80] {
            refuses(Fault::ReservedOpCode(opcode), &[], fin | opcode);
            refuses(Fault::ReservedOpCode(opcode), &[BINARY_BEGINS], fin | opcode);
        }
    }
    for opcode in [8, 9, 0xA] {
        refuses(Fault::FragmentedControl, &[], opcode);
        refuses(Fault::FragmentedControl, &[TEXT_BEGINS], opcode);
    }
    for b0 in [CONTINUES, ENDS] {
        refuses(Fault::UnexpectedContinuation, &[], b0);
        refuses(Fault::UnexpectedContinuation, &[TEXT_BEGINS, ENDS], b0);
    }
    for (b0, kind) in [
        (TEXT, DataKind::Text),
        (BINARY, DataKind::Binary),
        (TEXT_BEGINS, DataKind::Text),
        (BINARY_BEGINS, DataKind::Binary),
    ] {
        refuses(Fault::UnfinishedMessage(kind), &[TEXT_BEGINS, PONG], b0);
        refuses(Fault::UnfinishedMessage(kind), &[BINARY_BEGINS, CONTINUES], b0);
    }
}

#[test]
fn refuses_by_the_mask_bit() {
    for (role, bit, fault) in
        [(Role::Server, 0, Fault::Unmasked), (Role::Client, 0x80, Fault::Masked)]
    {
        for b0 in [TEXT, BINARY_BEGINS, PING, CLOSE] {
            for len in [0, 1, 125, 126, 127] {
                let stream = [b0, bit | len, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                let seen = every_split(role, Rules::NONE, &stream).seen;
                assert_eq!(seen, [Seen::Failed(ProtocolError { fault, offset: 1 })]);
            }
        }
    }
}

#[test]
fn refuses_by_a_control_frames_length() {
    for b0 in [PING, PONG, CLOSE] {
        for len in [126, 127] {
            refuses(Rules::NONE, Fault::ControlTooLong, |s| {
                s.header(b0, len).mark_back(1);
                s.raw(&[0, 126, 0, 0])
            });
        }
    }
    refuses(Rules::NONE, Fault::CloseTooShort, |s| {
        s.header(CLOSE, 1).mark_back(1);
        s.key().payload(b"\x03")
    });
}

/// Checks a length of `width` bytes. The byte at `decides` is the deciding one.
fn refuses_length(limits: Rules, fault: Fault, len: u64, width: usize, decides: usize) {
    let bytes = len.to_be_bytes();
    for b0 in [TEXT, BINARY_BEGINS] {
        refuses(limits, fault, |s| {
            s.header(b0, if width == 2 { 126 } else { 127 });
            s.mark_ahead(decides);
            s.raw(&bytes[8 - width..]).key().payload(b"payload")
        });
    }
}

#[test]
fn refuses_lengths_that_are_not_minimal() {
    for len in [0, 1, 125] {
        refuses_length(Rules::NONE, Fault::NonMinimalLength, len, 2, 1);
    }
    for len in [0, 125, 126, 0xFFFF] {
        refuses_length(Rules::NONE, Fault::NonMinimalLength, len, 8, 5);
    }
    for len in [1 << 63, u64::MAX] {
        refuses_length(Rules::NONE, Fault::LengthTopBit, len, 8, 0);
    }
}

/// Lengths are compared before they are narrowed: on a 32-bit machine 2^32 + 5 must not become 5.
#[test]
fn refuses_long_frames() {
    let limits = |frame| Rules { frame, ..Rules::NONE };
    let fault = |limit, at_least| Fault::FrameTooLong { limit, at_least };
    for (len, decides, at_least) in [
        (1 << 62, 0, 1 << 62),
        (1 << 32 | 5, 3, 1 << 32),
        (u64::from(u32::MAX), 4, 0xFF00_0000),
        (0x2_0000, 5, 0x2_0000),
        (0x1_0001, 7, 0x1_0001),
    ] {
        refuses_length(limits(0x1_0000), fault(0x1_0000, at_least), len, 8, decides);
    }
    for (len, decides, at_least) in [(0x0200, 0, 0x0200), (0x012D, 1, 0x012D), (0xFFFF, 0, 0xFF00)]
    {
        refuses_length(limits(0x012C), fault(0x012C, at_least), len, 2, decides);
    }
    // The header's second byte decides if the smallest length of its form is too long.
    for (limit, b1, at_least) in [
        (0xFFFF, 127, 0x1_0000),
        (126, 127, 0x1_0000),
        (125, 126, 126),
        (10, 11, 11),
        (10, 126, 126),
        (2, 3, 3),
    ] {
        refuses(limits(limit), fault(limit, at_least), |s| {
            s.header(BINARY, b1).mark_back(1);
            // This holds even for a length that is not minimal.
            s.raw(&[0; 8])
        });
    }
}

#[test]
fn allows_what_is_within_the_limits() {
    for role in ROLES {
        let limits = Rules { frame: 300, message: 600, fragments: 3, ..Rules::NONE };
        let mut stream = Stream::new(role);
        for _ in 0..2 {
            stream
                .frame(BINARY_BEGINS, &[1; 300])
                .frame(CONTINUES, &[2; 200])
                .frame(PING, &[3; 125]);
            stream.frame(ENDS, &[4; 100]);
        }
        let seen = every_split(role, limits, &stream.bytes).seen;
        let run = |payload: &[&[u8]], fin| Seen::Data {
            kind: DataKind::Binary,
            payload: payload.concat(),
            fin,
        };
        let begins = run(&[&[1; 300], &[2; 200]], false);
        let message = [begins, Seen::Ping(vec![3; 125]), run(&[&[4; 100]], true)];
        assert_eq!(seen, [&message[..], &message[..]].concat());
    }
    // Control frames do not count.
    let limits = Rules { frame: 0, message: 0, fragments: 1, ..Rules::NONE };
    let mut stream = Stream::new(Role::Server);
    stream.frame(PING, &[0; 125]).frame(TEXT, b"").frame(TEXT, b"").frame(CLOSE, b"\x03\xE8why");
    assert_eq!(every_split(Role::Server, limits, &stream.bytes).seen.len(), 4);
}

#[test]
fn refuses_long_messages() {
    let limits = Rules { message: 200, ..Rules::NONE };
    let fault = |at_least| Fault::MessageTooLong { limit: 200, at_least };
    refuses(limits, fault(201), |s| {
        s.frame(TEXT_BEGINS, &[b'a'; 150]).frame(PING, &[0; 125]);
        s.header(CONTINUES, 51).mark_back(1);
        s.key().payload(b"b")
    });
    refuses(limits, fault(201), |s| {
        s.frame(BINARY_BEGINS, b"").frame(CONTINUES, b"1").header(ENDS, 126).mark_ahead(1);
        s.raw(&[0, 200]).key()
    });
    // The fault is that of the smaller limit, and that of the frame's limit if both are equal.
    let limits = Rules { frame: 100, message: 150, ..Rules::NONE };
    refuses(limits, Fault::FrameTooLong { limit: 100, at_least: 101 }, |s| {
        s.frame(TEXT_BEGINS, &[b'a'; 50]).header(ENDS, 101).mark_back(1);
        s
    });
    refuses(limits, Fault::MessageTooLong { limit: 150, at_least: 151 }, |s| {
        s.frame(TEXT_BEGINS, &[b'a'; 51]).header(ENDS, 100).mark_back(1);
        s
    });
}

/// A server that answers each request by itself goes on after one that is too long.
#[test]
fn skips_messages_that_are_too_long() {
    let limits = Rules { frame: 300, message: 400, fragments: 3, on_limit: OnLimit::Skip };
    let frame = |at_least| Fault::FrameTooLong { limit: 300, at_least };
    let message = |at_least| Fault::MessageTooLong { limit: 400, at_least };
    let fragments = Fault::TooManyFragments { limit: 3 };
    let skips = |fault, before: &[Seen], build: &dyn Fn(&mut Stream) -> &mut Stream| {
        for role in ROLES {
            let mut stream = Stream::new(role);
            stream.frame(TEXT, b"first");
            build(&mut stream).frame(PING, b"p").frame(TEXT, b"next");
            let offset = stream.mark as u64;
            let trace = every_split(role, limits, &stream.bytes);
            let expected = [
                &[Seen::text("first")],
                before,
                &[Seen::Skipped(ProtocolError { fault, offset })],
                &[Seen::Ping(b"p".into()), Seen::text("next")],
            ];
            assert_eq!(trace.seen, expected.concat(), "{role:?}");
            assert!(!trace.incomplete);
        }
    };
    // A single frame is skipped with its exact length. Text in it is not checked.
    skips(frame(301), &[], &|s| s.mark_ahead(3).frame(TEXT, &[0xFF; 301]));
    // The application must drop the runs that it received before.
    let run = |len| Seen::Data { kind: DataKind::Binary, payload: vec![1; len], fin: false };
    skips(message(410), &[run(290)], &|s| {
        s.frame(BINARY_BEGINS, &[1; 290]).mark_ahead(1).frame(CONTINUES, &[1; 120]);
        s.frame(CONTINUES, &[1; 299]).frame(CONTINUES, &[1; 999]).frame(ENDS, b"")
    });
    skips(fragments, &[run(3)], &|s| {
        s.frame(BINARY_BEGINS, &[1]).frame(CONTINUES, &[1]).frame(CONTINUES, &[1]);
        s.mark_ahead(0).frame(CONTINUES, &[1]);
        s.frame(CONTINUES, b"").frame(ENDS, &[1; 500])
    });
    // The character that the skipped text cut off is not continued by the next text.
    skips(message(420), &[text_run(&[&[b'a'; 298][..], b"\xC3"].concat(), false)], &|s| {
        s.frame(TEXT_BEGINS, &[&[b'a'; 298][..], b"\xC3"].concat());
        s.mark_ahead(1).frame(ENDS, &[b'a'; 121])
    });
}

/// Like [`skips_messages_that_are_too_long`], with a length of 64 bits. The error has the exact
/// length, although the first bytes decide.
#[test]
fn skips_a_long_frame() {
    let limits = Rules { frame: 0x1_0000, on_limit: OnLimit::Skip, ..Rules::NONE };
    let fault = Fault::FrameTooLong { limit: 0x1_0000, at_least: 0x2_2345 };
    for role in ROLES {
        let mut stream = Stream::new(role);
        stream.frame(BINARY, &vec![7; 0x2_2345]).frame(TEXT, b"next");
        let expected = reference::trace(role, limits, &stream.bytes);
        let skipped = Seen::Skipped(ProtocolError { fault, offset: 7 });
        assert_eq!(expected.seen, [skipped, Seen::text("next")]);
        for size in [1, 2, 5, 9, 4096, usize::MAX] {
            let chunks: Vec<_> = stream.bytes.chunks(size).collect();
            assert_eq!(trace(role, limits, &chunks), expected, "{size}");
        }
    }
}

/// Control frames are delivered inside a skipped message, and protocol violations still fail.
#[test]
fn what_is_skipped_is_not_ignored() {
    let limits = Rules { message: 4, on_limit: OnLimit::Skip, ..Rules::NONE };
    for role in ROLES {
        let fault = Fault::MessageTooLong { limit: 4, at_least: 5 };
        let skipped = Seen::Skipped(ProtocolError { fault, offset: 1 });
        let seen = |build: &dyn Fn(&mut Stream) -> &mut Stream| {
            let mut stream = Stream::new(role);
            build(&mut stream);
            every_split(role, limits, &stream.bytes)
        };
        let trace = seen(&|s| s.frame(TEXT_BEGINS, b"hello").frame(PING, b"p").frame(CLOSE, b""));
        assert_eq!(trace.seen, [skipped.clone(), Seen::Ping(b"p".into()), Seen::Close(None)]);
        let trace = seen(&|s| s.frame(TEXT_BEGINS, b"hello").frame(CONTINUES, b"more"));
        assert_eq!(trace.seen, [skipped]);
        assert!(trace.incomplete);
    }
    refuses_behind(limits, Fault::UnfinishedMessage(DataKind::Text), |s| {
        s.frame(TEXT_BEGINS, b"hello").mark_ahead(0).frame(TEXT, b"a")
    });
    refuses_behind(limits, Fault::NonMinimalLength, |s| {
        s.header(TEXT, 126).mark_ahead(1).raw(&[0, 5])
    });
    // A length that violates the protocol by itself is never skipped.
    refuses_behind(limits, Fault::LengthTopBit, |s| s.header(TEXT, 127).mark_ahead(0).raw(&[0x80]));
}

/// Checks that the decoder fails with this fault at the mark, whatever comes before.
fn refuses_behind(limits: Rules, fault: Fault, build: impl Fn(&mut Stream) -> &mut Stream) {
    for role in ROLES {
        let mut stream = Stream::new(role);
        build(&mut stream);
        let offset = stream.mark as u64;
        let trace = every_split(role, limits, &stream.bytes);
        assert_eq!(trace.seen.last(), Some(&Seen::Failed(ProtocolError { fault, offset })));
    }
}

/// Empty frames count, because otherwise they could go on for ever. Some peers fail this.
#[test]
fn refuses_many_fragments() {
    let limits = Rules { fragments: 3, ..Rules::NONE };
    let fault = Fault::TooManyFragments { limit: 3 };
    for payload in [&b""[..], b"a"] {
        refuses(limits, fault, |s| {
            s.frame(TEXT_BEGINS, payload).frame(CONTINUES, payload).frame(CONTINUES, payload);
            s.frame(PING, b"").mark_ahead(0).frame(ENDS, payload)
        });
    }
}

#[test]
fn refuses_close_frames() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 0xFFFF] {
        refuses(Rules::NONE, Fault::InvalidCloseCode(code), |s| {
            let payload = [&code.to_be_bytes(), &b"reason"[..]].concat();
            s.header(CLOSE, 8).key().mark_ahead(1);
            s.payload(&payload)
        });
    }
}

/// Pieces of text that cannot become valid, and the index of the byte that shows it.
const HOPELESS: [(&[u8], usize); 19] = [
    (b"\x80", 0),
    (b"\xBF", 0),
    (b"\xC0\x80", 0),
    (b"\xC1\xBF", 0),
    (b"\xC2a", 1),
    (b"\xC2\xC2", 1),
    (b"\xE0\x9F\xBF", 1),
    (b"\xE2\x82a", 2),
    (b"\xE2\x28\xA1", 1),
    (b"\xED\xA0\x80", 1),
    (b"\xED\xBF\xBF", 1),
    (b"\xEF\xBF\xC0", 2),
    (b"\xF0\x8F\xBF\xBF", 1),
    (b"\xF0\x90\x80a", 3),
    (b"\xF0\x9F\x98\xE2", 3),
    (b"\xF4\x90\x80\x80", 1),
    (b"\xF5\x80\x80\x80", 0),
    (b"\xFE", 0),
    (b"\xFF\xFF", 0),
];

#[test]
fn refuses_text_at_the_first_hopeless_byte() {
    for (bad, at) in HOPELESS {
        for good in ["", "a", "grüße, 16 bytes", "€", &"long enough for whole words ".repeat(2)]
        {
            // In the middle of a frame, which need not have arrived whole.
            let payload = [good.as_bytes(), bad, b"behind"].concat();
            let whole = |s: &mut Stream, b0| {
                s.frame(b0, &payload).mark_back(b"behind".len() + bad.len() - at);
            };
            refuses(Rules::NONE, Fault::InvalidUtf8, |s| {
                whole(s, TEXT);
                s
            });
            // In a later frame, and with the bad character cut by the end of a frame.
            refuses(Rules::NONE, Fault::InvalidUtf8, |s| {
                s.frame(TEXT_BEGINS, good.as_bytes()).frame(PING, b"\xFF");
                whole(s, ENDS);
                s
            });
            if at > 0 {
                refuses(Rules::NONE, Fault::InvalidUtf8, |s| {
                    s.frame(TEXT_BEGINS, &[good.as_bytes(), &bad[..at]].concat());
                    s.frame(CONTINUES, b"").frame(CONTINUES, &bad[at..]).mark_back(bad.len() - at);
                    s
                });
            }
            if good.len() + bad.len() < 100 {
                refuses(Rules::NONE, Fault::InvalidCloseReason, |s| {
                    let payload = [b"\x03\xE8", &payload[..]].concat();
                    s.frame(CLOSE, &payload).mark_back(b"behind".len() + bad.len() - at);
                    s
                });
            }
        }
    }
}

#[test]
fn refuses_text_that_ends_inside_a_character() {
    for cut in [&b"\xC3"[..], b"\xE2", b"\xE2\x82", b"\xF0\x9F", b"\xF0\x9F\x98"] {
        for good in [&b""[..], b"some text before it"] {
            let payload = [good, cut].concat();
            refuses(Rules::NONE, Fault::InvalidUtf8, |s| s.frame(TEXT, &payload).mark_back(1));
            refuses(Rules::NONE, Fault::InvalidUtf8, |s| {
                s.frame(TEXT_BEGINS, good).frame(ENDS, cut).mark_back(1)
            });
            // An empty frame ends the message, so the deciding byte is the last byte of its header.
            refuses(Rules::NONE, Fault::InvalidUtf8, |s| {
                s.frame(TEXT_BEGINS, &payload).frame(CONTINUES, b"").frame(ENDS, b"").mark_back(1)
            });
            refuses(Rules::NONE, Fault::InvalidCloseReason, |s| {
                s.frame(CLOSE, &[b"\x03\xE8", &payload[..]].concat()).mark_back(1)
            });
        }
    }
}

/// Binary payload is never checked.
#[test]
fn binary_may_be_anything() {
    for (bad, _) in HOPELESS {
        accepts(
            |s| s.frame(BINARY, bad).frame(PING, bad),
            &[Seen::binary(bad), Seen::Ping(bad.into())],
        );
    }
}

#[test]
fn close_codes_of_faults() {
    use Fault as F;
    let codes = [
        (F::ReservedBits(Rsv::RSV1), 1002),
        (F::ReservedOpCode(3), 1002),
        (F::FragmentedControl, 1002),
        (F::UnexpectedContinuation, 1002),
        (F::UnfinishedMessage(DataKind::Text), 1002),
        (F::TooManyFragments { limit: 1 }, 1008),
        (F::Unmasked, 1002),
        (F::Masked, 1002),
        (F::ControlTooLong, 1002),
        (F::CloseTooShort, 1002),
        (F::LengthTopBit, 1002),
        (F::NonMinimalLength, 1002),
        (F::FrameTooLong { limit: 1, at_least: 2 }, 1009),
        (F::MessageTooLong { limit: 1, at_least: 2 }, 1009),
        (F::InvalidCloseCode(1005), 1002),
        (F::InvalidCloseReason, 1007),
        (F::InvalidUtf8, 1007),
    ];
    for (fault, code) in codes {
        let error = ProtocolError { fault, offset: 7 };
        assert_eq!(error.close_code().get(), code, "{error}");
        assert!(error.to_string().ends_with(", at byte 7"));
    }
}

/// A buffer of the size that the docs name is enough for frames of any size, at any position.
#[test]
fn smallest_buffer() {
    let payload = pattern(70_000);
    let mut stream = Stream::new(Role::Server);
    for b0 in [PING, BINARY, PONG, BINARY_BEGINS] {
        stream.frame(b0, if b0 & 8 == 0 { &payload } else { &payload[..125] });
    }
    stream.frame(ENDS, b"");
    let mut decoder = FrameDecoder::new(Role::Server, Limits::new());
    let mut trace = Trace::default();
    let mut buffer = [0; FrameDecoder::MIN_BUFFER];
    let (mut filled, mut rest) = (0, &stream.bytes[..]);
    while !rest.is_empty() {
        let len = rest.len().min(buffer.len() - filled);
        assert!(len > 0, "a full buffer must lead to a verdict");
        buffer[filled..][..len].copy_from_slice(&rest[..len]);
        rest = &rest[len..];
        let mut input = &mut buffer[..filled + len];
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            trace.push(Seen::of(event));
        }
        let kept = input.to_vec();
        filled = kept.len();
        buffer[..filled].copy_from_slice(&kept);
    }
    let control = payload[..125].to_vec();
    let message = Seen::binary(&payload);
    assert_eq!(
        trace.seen,
        [Seen::Ping(control.clone()), message.clone(), Seen::Pong(control), message]
    );
}
