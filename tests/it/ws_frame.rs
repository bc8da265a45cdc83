//! Frames as they are written, frames that may not be built, and that decoding returns the same
//! frames.

use bytes::{BufMut, BytesMut};
use eventwire::BufferTooSmall;
use eventwire::ws::connection::Writer;
use eventwire::ws::frame::{
    ControlTooLong, DataKind, Fault, FrameHeader, MaskKey, NoMaskKey, OpCode, Role, Rsv, Run,
};
use eventwire::ws::{Close, CloseCode, Frame, MaskSource, SendError};
use eventwire_test_support::ws::{Rules, Seen, pattern, trace};

const KEY: MaskKey = MaskKey([0x37, 0xFA, 0x21, 0x3D]);

/// Writes the frame in every way there is, and checks that all agree.
fn written<P: AsRef<[u8]>>(frame: &Frame<P>, mask: Option<MaskKey>) -> Vec<u8> {
    let mut grown = b"before".to_vec();
    frame.encode_to(mask, &mut grown).unwrap();
    let bytes = grown.split_off(6);
    assert_eq!(grown, b"before");
    assert_eq!(frame.encoded_len(mask.is_some()), bytes.len());

    let needed = BufferTooSmall { needed: bytes.len() };
    let mut room = vec![0xAA; bytes.len() + 3];
    assert_eq!(frame.encode(mask, &mut room), Ok(bytes.len()));
    assert_eq!(room[..bytes.len()], bytes);
    assert_eq!(room[bytes.len()..], [0xAA; 3]);
    for len in [0, 1, 2, bytes.len() / 2, bytes.len() - 1] {
        let mut room = vec![0xAA; len.min(bytes.len() - 1)];
        assert_eq!(frame.encode(mask, &mut room), Err(needed));
        assert_eq!(frame.encode_to(mask, &mut &mut room[..]), Err(needed));
        assert!(room.iter().all(|&byte| byte == 0xAA), "nothing may be written");
    }
    if bytes[0] & 0x0F != 0 {
        let prepared = Writer::server().send_prepared(&frame.prepare()).unwrap();
        assert_eq!(mask.is_none(), prepared == bytes);
    }
    bytes
}

/// The examples of [RFC 6455, section 5.7](https://www.rfc-editor.org/rfc/rfc6455#section-5.7).
#[test]
fn examples_of_the_rfc() {
    let hello = Frame::text("Hello");
    assert_eq!(written(&hello, None), b"\x81\x05Hello");
    assert_eq!(written(&hello, Some(KEY)), b"\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58");
    let parts: Vec<_> = hello.fragments(3).map(|frame| written(&frame, None)).collect();
    assert_eq!(parts, [&b"\x01\x03Hel"[..], b"\x80\x02lo"]);
    assert_eq!(written(&Frame::ping(b"Hello").unwrap(), None), b"\x89\x05Hello");
    let pong = Frame::pong(b"Hello").unwrap();
    assert_eq!(written(&pong, Some(KEY)), b"\x8A\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58");
    let binary = written(&Frame::binary([7; 256]), None);
    assert_eq!(binary, [&b"\x82\x7E\x01\x00"[..], &[7; 256]].concat());
    let binary = written(&Frame::binary(vec![7; 0x1_0000]), None);
    assert_eq!(binary, [&b"\x82\x7F\0\0\0\0\0\x01\0\0"[..], &vec![7; 0x1_0000]].concat());
}

/// Lengths are written in their shortest form. Some peers fail this.
#[test]
fn minimal_lengths() {
    for (len, header) in [(0, 2), (125, 2), (126, 4), (0xFFFF, 4), (0x1_0000, 10)] {
        let frame = Frame::binary(vec![0x55; len]);
        assert_eq!(frame.encoded_len(false), header + len);
        let bytes = written(&frame, Some(KEY));
        assert_eq!(bytes.len(), header + 4 + len);
        let seen = trace(Role::Server, Rules::NONE, &[&bytes]).seen;
        assert_eq!(seen, [Seen::binary(&vec![0x55; len])]);
    }
}

#[test]
fn close_frames() {
    let close = |code, reason| {
        let code = CloseCode::new(code).unwrap();
        Frame::close(Some(Close { code, reason })).unwrap()
    };
    assert_eq!(written(&Frame::close(None).unwrap(), None), b"\x88\x00");
    assert_eq!(written(&close(1000, ""), None), b"\x88\x02\x03\xE8");
    assert_eq!(written(&close(4999, "grün"), None), b"\x88\x07\x13\x87gr\xC3\xBCn");
    let masked = written(&close(1000, "bye"), Some(KEY));
    let seen = trace(Role::Server, Rules::NONE, &[&masked]).seen;
    let said = Close { code: CloseCode::NORMAL, reason: "bye".to_owned() };
    assert_eq!(seen, [Seen::Close(Some(said))]);
}

#[test]
fn control_frames_have_at_most_125_bytes() {
    let payload = [b'a'; 126];
    let text = "a".repeat(124);
    let close = |reason| Frame::close(Some(Close { code: CloseCode::NORMAL, reason }));
    assert_eq!(written(&Frame::ping(&payload[1..]).unwrap(), None).len(), 127);
    assert_eq!(written(&close(&text[1..]).unwrap(), None).len(), 127);
    assert_eq!(Frame::ping(payload), Err(ControlTooLong { len: 126 }));
    assert_eq!(Frame::pong(payload), Err(ControlTooLong { len: 126 }));
    assert_eq!(close(&text), Err(ControlTooLong { len: 126 }));
}

#[test]
fn text_is_text() {
    assert!(Frame::text_from_utf8(b"\xFF").is_err());
    let frame = Frame::text_from_utf8(&b"gr\xC3\xBC"[..]).unwrap();
    assert_eq!(frame, Frame::text("grü"));
}

#[test]
fn fragments() {
    let cut = |text, size| -> Vec<Vec<u8>> {
        Frame::text(text).fragments(size).map(|frame| frame.into_payload().to_vec()).collect()
    };
    assert_eq!(cut("", 3), [b""]);
    assert_eq!(cut("abc", 3), [b"abc"]);
    assert_eq!(cut("abcd", 3), [&b"abc"[..], b"d"]);
    assert_eq!(cut("abcdef", 3), [b"abc", b"def"]);
    assert_eq!(cut("abc", 0), [b"a", b"b", b"c"]);
    assert_eq!(cut("abc", usize::MAX), [b"abc"]);
    // Characters are not cut, because a lost fragment would then break the text.
    for size in 0..=4 {
        assert_eq!(cut("€𝄞ü", size), ["€", "𝄞", "ü"].map(str::as_bytes));
    }
    assert_eq!(cut("a€b", 3), ["a", "€", "b"].map(str::as_bytes));
    assert_eq!(cut("a€b", 4), ["a€", "b"].map(str::as_bytes));
    assert_eq!(cut("abc𝄞", 6), ["abc", "𝄞"].map(str::as_bytes));
    let whole = Frame::binary("€".as_bytes()).fragments(2).count();
    assert_eq!(whole, 2, "binary payload may be cut anywhere");
    // A fragment of a message stays in its place.
    let middle = Frame::text("ab").unfinished().continuing();
    let parts: Vec<_> = middle.fragments(1).collect();
    assert_eq!(parts, [Frame::text("a"), Frame::text("b")].map(|it| it.unfinished().continuing()));
    // Control frames have no fragments.
    let ping = Frame::ping(&b"abc"[..]).unwrap();
    assert_eq!(ping.fragments(1).collect::<Vec<_>>(), [ping]);
    assert_eq!(ping.unfinished().continuing(), ping);
}

#[test]
fn order_of_fragments() {
    let mut writer = Writer::server();
    let mut out = Vec::new();
    let (text, binary) = (Frame::text("t"), Frame::binary(&b"b"[..]));
    let ping = Frame::ping(&b""[..]).unwrap();
    let refused = |writer: &mut Writer, frame: &Frame<&[u8]>, error: SendError| {
        let mut buffer = [0xAA; 16];
        assert_eq!(writer.send(frame, &mut buffer), Err(error));
        assert_eq!(writer.send_to(frame, &mut &mut buffer[..]), Err(error));
        assert_eq!(writer.send_shared(*frame).unwrap_err(), error);
        assert_eq!(writer.send_prepared(&frame.prepare()), Err(error));
        assert_eq!(buffer, [0xAA; 16]);
    };
    refused(&mut writer, &text.continuing(), SendError::UnexpectedContinuation);
    refused(&mut writer, &binary.continuing().unfinished(), SendError::UnexpectedContinuation);
    let in_place = writer.send_in_place(Frame::binary([0]).continuing());
    assert_eq!(in_place.unwrap_err(), SendError::UnexpectedContinuation);
    writer.send_to(text.unfinished(), &mut out).unwrap();
    refused(&mut writer, &text, SendError::UnfinishedMessage);
    refused(&mut writer, &binary, SendError::UnfinishedMessage);
    refused(&mut writer, &binary.continuing(), SendError::UnfinishedMessage);
    writer.send_to(ping, &mut out).unwrap();
    writer.send_to(text.unfinished().continuing(), &mut out).unwrap();
    refused(&mut writer, &text.unfinished(), SendError::UnfinishedMessage);
    writer.send_to(text.continuing(), &mut out).unwrap();
    refused(&mut writer, &text.continuing(), SendError::UnexpectedContinuation);
    writer.send_to(binary, &mut out).unwrap();
    assert_eq!(out, b"\x01\x01t\x89\x00\x00\x01t\x80\x01t\x82\x01b");
}

/// A frame that did not fit was not sent, so it may be sent again.
#[test]
fn too_small_a_buffer_changes_nothing() {
    let mut writer = Writer::server();
    let too_small = SendError::BufferTooSmall(BufferTooSmall { needed: 3 });
    assert_eq!(writer.send(Frame::text("a").unfinished(), &mut [0; 2]), Err(too_small));
    assert_eq!(writer.send(Frame::text("a").unfinished(), &mut [0; 3]), Ok(3));
    let close = Frame::close(None).unwrap();
    assert!(writer.send(close, &mut [0; 1]).is_err());
    assert_eq!(writer.send(close, &mut [0; 2]), Ok(2));
    assert_eq!(writer.send(close, &mut [0; 2]), Err(SendError::Closed));
}

/// Without a key nothing is sent.
#[test]
fn failing_source_of_keys() {
    struct Once(bool);
    impl MaskSource for Once {
        fn next_key(&mut self) -> Result<MaskKey, NoMaskKey> {
            if std::mem::take(&mut self.0) { Ok(KEY) } else { Err(NoMaskKey) }
        }
    }
    let mut writer = Writer::client(Once(true));
    let mut out = Vec::new();
    writer.send_to(Frame::text("Hello"), &mut out).unwrap();
    let len = out.len();
    let no_key = SendError::NoMaskKey(NoMaskKey);
    assert_eq!(writer.send_to(Frame::text("Hello").unfinished(), &mut out), Err(no_key));
    assert_eq!(writer.send(Frame::text("Hello"), &mut [0; 99]), Err(no_key));
    assert_eq!(writer.send_in_place(Frame::binary([1])).unwrap_err(), no_key);
    assert_eq!(
        writer.send_to(Frame::text("Hello").continuing(), &mut out),
        Err(SendError::UnexpectedContinuation)
    );
    assert_eq!(out.len(), len);
}

#[test]
fn a_client_uses_a_key_for_each_frame() {
    let mut count = 0;
    let mut writer = Writer::client(|| {
        count += 1;
        [count; 4]
    });
    let mut out = Vec::new();
    for frame in Frame::text("ab").fragments(1) {
        writer.send_to(frame, &mut out).unwrap();
    }
    assert_eq!(out, [0x01, 0x81, 1, 1, 1, 1, b'a' ^ 1, 0x80, 0x81, 2, 2, 2, 2, b'b' ^ 2]);
}

/// Header and payload are separate for vectored writes, and have the same bytes as the whole frame.
#[test]
fn in_two_pieces() {
    for len in [0, 1, 125, 126, 70_000] {
        let payload = pattern(len);
        let frame = Frame::binary(payload.clone());
        let (header, shared) = Writer::server().send_shared(Frame::binary(&payload)).unwrap();
        assert_eq!([&header, &shared[..]].concat(), written(&frame, None));
        let (header, masked) = Writer::client(|| KEY.0).send_in_place(frame.clone()).unwrap();
        assert_eq!([&header, &masked[..]].concat(), written(&frame, Some(KEY)));
        let (header, plain) = Writer::server().send_in_place(frame.clone()).unwrap();
        assert_eq!([&header, &plain[..]].concat(), written(&frame, None));
        let mut buffer = BytesMut::from(&payload[..]);
        let (header, masked) =
            Writer::client(|| KEY.0).send_in_place(Frame::binary(&mut buffer)).unwrap();
        assert_eq!([&header, &masked[..]].concat(), written(&frame, Some(KEY)));
    }
}

/// A `BufMut` in pieces can hold a frame as well.
#[test]
fn a_chain_of_buffers() {
    let (mut a, mut b) = ([0; 7], [0; 3000]);
    let frame = Frame::binary(vec![9; 2500]);
    frame.encode_to(Some(KEY), &mut (&mut a[..]).chain_mut(&mut b[..])).unwrap();
    let whole = written(&frame, Some(KEY));
    assert_eq!([&a[..], &b].concat()[..whole.len()], whole);
}

#[test]
fn headers() {
    for opcode in 0..=255 {
        let known = [0, 1, 2, 8, 9, 10].contains(&opcode);
        assert_eq!(OpCode::new(opcode).map(OpCode::get), known.then_some(opcode));
        assert_eq!(Rsv::new(opcode).map(Rsv::bits), (opcode < 8).then_some(opcode));
    }
    let ping = FrameHeader::new(OpCode::Ping, 5);
    assert_eq!(FrameHeader { fin: false, ..ping }.encode(), Err(Fault::FragmentedControl));
    assert_eq!(FrameHeader::new(OpCode::Pong, 126).encode(), Err(Fault::ControlTooLong));
    assert_eq!(FrameHeader::new(OpCode::Close, 1).encode(), Err(Fault::CloseTooShort));
    assert_eq!(FrameHeader::new(OpCode::Text, 1 << 63).encode(), Err(Fault::LengthTopBit));
    for payload_len in [0, 125, 126, 0xFFFF, 0x1_0000, 1 << 32, 1 << 32 | 5, i64::MAX as u64] {
        for mask in [None, Some(KEY)] {
            let rsv = Rsv::RSV2;
            let header = FrameHeader {
                fin: false,
                rsv,
                mask,
                ..FrameHeader::new(OpCode::Text, payload_len)
            };
            let bytes = header.encode().unwrap();
            for len in 0..bytes.len() {
                let mut input = &bytes[..len];
                assert_eq!(FrameHeader::parse(&mut input), Ok(None));
                assert_eq!(input.len(), len);
            }
            let bytes = [&bytes, &b"payload"[..]].concat();
            let mut input = &bytes[..];
            assert_eq!(FrameHeader::parse(&mut input), Ok(Some(header)));
            assert_eq!(input, b"payload");
        }
    }
    for (bytes, fault) in [
        (&b"\x83"[..], Fault::ReservedOpCode(3)),
        (b"\x09", Fault::FragmentedControl),
        (b"\x89\x7E", Fault::ControlTooLong),
        (b"\x88\x81", Fault::CloseTooShort),
        (b"\x81\x7E\x00\x7D", Fault::NonMinimalLength),
        (b"\x81\xFF\x00\x00\x00\x00\x00\x00", Fault::NonMinimalLength),
        (b"\x81\x7F\x80", Fault::LengthTopBit),
    ] {
        assert_eq!(FrameHeader::parse(&mut &bytes[..]), Err(fault));
        assert_eq!(FrameHeader::parse(&mut &bytes[..bytes.len() - 1]), Ok(None));
        let longer = [bytes, &[0xFF; 20]].concat();
        assert_eq!(FrameHeader::parse(&mut &longer[..]), Err(fault));
    }
}

/// The writer notes each way to send, so that it knows what may follow.
#[test]
fn each_way_to_send_counts() {
    type Send = fn(&mut Writer, Frame<&[u8]>) -> Result<(), SendError>;
    let ways: [Send; 5] = [
        |writer, frame| writer.send(frame, &mut [0; 99]).map(drop),
        |writer, frame| writer.send_to(frame, &mut Vec::new()),
        |writer, frame| writer.send_shared(frame).map(drop),
        |writer, frame| writer.send_prepared(&frame.prepare()).map(drop),
        |writer, frame| {
            let mut payload = frame.payload().to_vec();
            let in_place = match frame {
                it if it == Frame::close(None).unwrap() => return writer.send_shared(it).map(drop),
                it if it == it.unfinished() => Frame::binary(&mut payload[..]).unfinished(),
                _ => Frame::binary(&mut payload[..]),
            };
            writer.send_in_place(in_place).map(drop)
        },
    ];
    for send in ways {
        let mut writer = Writer::server();
        let binary = Frame::binary(&b"b"[..]);
        assert_eq!(send(&mut writer, binary.unfinished()), Ok(()));
        for refuses in ways {
            assert_eq!(refuses(&mut writer, binary), Err(SendError::UnfinishedMessage));
        }
        writer.send_to(binary.continuing(), &mut Vec::new()).unwrap();
        assert_eq!(send(&mut writer, binary), Ok(()));
        assert_eq!(send(&mut writer, Frame::close(None).unwrap()), Ok(()));
        for refuses in ways {
            assert_eq!(refuses(&mut writer, binary), Err(SendError::Closed));
        }
    }
}

#[cfg(feature = "getrandom")]
#[test]
fn keys_of_the_operating_system() {
    let mut keys = eventwire::ws::OsMaskKeys::new();
    let drawn: std::collections::HashSet<_> =
        (0..100).map(|_| keys.next_key().unwrap().0).collect();
    // Two keys of a hundred are equal once in a million runs.
    assert_eq!(drawn.len(), 100);
    assert!(!format!("{keys:?}").chars().any(|it| it.is_ascii_digit()), "keys must not be shown");
}

/// Runs are checked together, so that no writer sends invalid text.
#[test]
fn runs() {
    let run =
        |payload: &'static [u8], fin| Run { kind: DataKind::Text, compressed: false, payload, fin };
    let binary = |payload: &'static [u8], fin| Run {
        kind: DataKind::Binary,
        compressed: false,
        payload,
        fin,
    };
    let mut writer = Writer::server();
    let mut out = Vec::new();
    for broken in [run(b"\xFF", false), run(b"a\xC3", true), run(b"\xC3a", false)] {
        assert_eq!(writer.send_run_to(&broken, &mut out), Err(SendError::InvalidUtf8));
        assert_eq!(writer.send_run(&broken, &mut [0; 9]), Err(SendError::InvalidUtf8));
    }
    writer.send_run_to(&run(b"a\xE2\x82", false), &mut out).unwrap();
    for broken in [run(b"a", false), run(b"\xAC\xAC", false), run(b"", true)] {
        assert_eq!(writer.send_run_to(&broken, &mut out), Err(SendError::InvalidUtf8));
    }
    let text = Frame::text("b");
    assert_eq!(writer.send_to(text.continuing(), &mut out), Err(SendError::InvalidUtf8));
    assert_eq!(writer.send_to(text, &mut out), Err(SendError::UnfinishedMessage));
    let other = binary(b"\xAC", true);
    assert_eq!(writer.send_run_to(&other, &mut out), Err(SendError::UnfinishedMessage));
    writer.send_to(Frame::ping(&b"p"[..]).unwrap(), &mut out).unwrap();
    // A run that did not fit was not sent.
    let too_small = SendError::BufferTooSmall(BufferTooSmall { needed: 3 });
    assert_eq!(writer.send_run(&run(b"\xAC", false), &mut [0; 2]), Err(too_small));
    writer.send_run_to(&run(b"\xAC", false), &mut out).unwrap();
    writer.send_to(text.continuing().unfinished(), &mut out).unwrap();
    writer.send_run_to(&run(b"", true), &mut out).unwrap();
    writer.send_run_to(&other, &mut out).unwrap();
    writer.send_to(Frame::close(None).unwrap(), &mut out).unwrap();
    assert_eq!(writer.send_run_to(&other, &mut out), Err(SendError::Closed));
    let said = trace(Role::Client, Rules::NONE, &[&out]).seen;
    let begin = Seen::Data { kind: DataKind::Text, payload: b"a\xE2\x82".into(), fin: false };
    let end = Seen::Data { kind: DataKind::Text, payload: b"\xACb".into(), fin: true };
    let ping = Seen::Ping(b"p".into());
    assert_eq!(said, [begin, ping, end, Seen::binary(b"\xAC"), Seen::Close(None)]);
}
