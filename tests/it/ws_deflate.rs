//! permessage-deflate on a connection, row by row
//! ([RFC 7692, sections 6](https://www.rfc-editor.org/rfc/rfc7692#section-6) and
//! [7.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.2)).

use bytes::{Buf, BufMut, Bytes, BytesMut};
use eventwire::BufferTooSmall;
use eventwire::ws::connection::{MessageDecoder, Writer};
use eventwire::ws::deflate::{DeflateParams, WindowBits};
use eventwire::ws::frame::{DataKind, Fault, FrameDecoder, FrameEvent, Role, Rsv, Run};
use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
use eventwire::ws::{
    Connection, Deflate, Frame, Limits, MaskSource, Message, ProtocolError, ReconnectingWebSocket,
    ReconnectingWebSocketEvent, ReconnectingWebSocketOptions, SendError, WebSocket, WebSocketEvent,
    WebSocketOptions,
};
use eventwire_test_support::ws::inflate;
use inflate::Blocks;
use std::time::Duration;

const TAKEOVER: DeflateParams = DeflateParams {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: None,
    client_max_window_bits: None,
};
const NO_TAKEOVER: DeflateParams = DeflateParams {
    server_no_context_takeover: true,
    client_no_context_takeover: true,
    ..TAKEOVER
};

/// "Hello" as in the RFC: in a block with fixed codes and in a stored block (RFC 7692, sections
/// 7.2.3.1 and 7.2.3.3).
const HELLO: &[u8] = b"\xF2\x48\xCD\xC9\xC9\x07\x00";
const HELLO_STORED: &[u8] = b"\x00\x05\x00\xFA\xFF\x48\x65\x6C\x6C\x6F\x00";
/// "Hello" in a block with `BFINAL` (RFC 7692, section 7.2.3.4), and in two blocks (7.2.3.5).
const HELLO_FINAL: &[u8] = b"\xF3\x48\xCD\xC9\xC9\x07\x00\x00";
const HELLO_TWICE_FLUSHED: &[u8] = b"\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00";
/// "Hello" again, as a reference to the first one (RFC 7692, section 7.2.3.2).
const HELLO_AGAIN: &[u8] = b"\xF2\x00\x11\x00\x00";

/// Returns a server's frame.
fn frame(b0: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len();
    let mut frame = match len {
        0..126 => vec![b0, u8::try_from(len).unwrap()],
        126..0x1_0000 => [&[b0, 126][..], &u16::try_from(len).unwrap().to_be_bytes()].concat(),
        _ => [&[b0, 127][..], &(len as u64).to_be_bytes()].concat(),
    };
    frame.extend(payload);
    frame
}

type Seen = (Vec<Message>, Option<ProtocolError>);

fn receive(params: DeflateParams, options: Limits, chunks: &[&[u8]]) -> Seen {
    let deflate = Deflate::new();
    let mut decoder = MessageDecoder::new(Role::Client, options).deflate(&deflate, Some(params));
    let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut buffer), Err(error), "repeats its error");
                    return (messages, Some(error));
                }
            }
        }
    }
    (messages, None)
}

/// Returns the events that a client sees. Checks that they are the same for the whole stream, byte
/// by byte and at every two-way split.
fn every_split(params: DeflateParams, options: Limits, stream: &[u8]) -> Seen {
    let seen = receive(params, options, &[stream]);
    let bytes: Vec<_> = stream.chunks(1).collect();
    assert_eq!(receive(params, options, &bytes), seen, "byte by byte");
    for at in 0..=stream.len() {
        let (front, back) = stream.split_at(at);
        assert_eq!(receive(params, options, &[front, back]), seen, "split at {at}");
    }
    seen
}

fn texts(stream: &[u8]) -> Vec<String> {
    let (messages, error) = every_split(TAKEOVER, Limits::new(), stream);
    assert_eq!(error, None, "{}", stream.escape_ascii());
    messages
        .into_iter()
        .map(|message| match message {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn fails(params: DeflateParams, options: Limits, stream: &[u8]) -> (usize, Fault, u64) {
    let (messages, error) = every_split(params, options, stream);
    let ProtocolError { fault, offset } =
        error.unwrap_or_else(|| panic!("{}", stream.escape_ascii()));
    (messages.len(), fault, offset)
}

#[test]
fn examples_of_the_rfc() {
    for payload in [HELLO, HELLO_STORED, HELLO_FINAL, HELLO_TWICE_FLUSHED] {
        assert_eq!(texts(&frame(0xC1, payload)), ["Hello"]);
        assert_eq!(texts(&frame(0xC1, payload).repeat(3)), ["Hello", "Hello", "Hello"]);
    }
    let again = [frame(0xC1, HELLO), frame(0xC1, HELLO_AGAIN)].concat();
    assert_eq!(texts(&again), ["Hello", "Hello"]);
    // In fragments, with a ping in between.
    let fragments = [frame(0x41, &HELLO[..3]), frame(0x89, b""), frame(0x80, &HELLO[3..])].concat();
    let (messages, error) = every_split(TAKEOVER, Limits::new(), &fragments);
    assert_eq!((messages.len(), error), (2, None));
    assert_eq!(messages[1], Message::Text("Hello".into()));
    // Uncompressed messages may come in between. The inflater does not see them.
    let mixed = [frame(0xC1, HELLO), frame(0x81, b"plain"), frame(0xC1, HELLO_AGAIN)].concat();
    assert_eq!(texts(&mixed), ["Hello", "plain", "Hello"]);
    // A compressed message may have empty fragments.
    let empty = [frame(0x41, b""), frame(0x00, HELLO), frame(0x80, b"")].concat();
    assert_eq!(texts(&empty), ["Hello"]);
}

#[test]
fn empty_messages() {
    let stream =
        [frame(0xC1, &[0]), frame(0xC1, b""), frame(0xC1, b""), frame(0xC1, HELLO)].concat();
    assert_eq!(texts(&stream), ["", "", "", "Hello"]);
    assert_eq!(texts(&[frame(0x41, b""), frame(0x80, b"")].concat()), [""]);
    let (messages, _) = every_split(TAKEOVER, Limits::new().max_message(0), &frame(0xC2, &[0]));
    assert_eq!(messages, [Message::Binary(Bytes::new())]);
}

#[test]
fn a_message_refers_back_over_a_block_with_bfinal() {
    let compressed = |payload: &[u8]| frame(0xC1, payload);
    // A block that ends at the message's last byte needs no octet after it.
    let unpadded = &HELLO_FINAL[..7];
    assert_eq!(texts(&compressed(unpadded).repeat(2)), ["Hello", "Hello"]);
    // Within a message: the second block refers to the first.
    for params in [TAKEOVER, NO_TAKEOVER] {
        for (two, text) in [
            ([unpadded, HELLO].concat(), "HelloHello"),
            ([unpadded, HELLO_AGAIN].concat(), "HelloHello"),
            ([HELLO_FINAL, HELLO_AGAIN].concat(), "error"),
            ([unpadded, b"\x03\x00", unpadded, HELLO_AGAIN].concat(), "HelloHelloHello"),
        ] {
            let (messages, error) = every_split(params, Limits::new(), &compressed(&two));
            match error {
                None => assert_eq!(messages, [Message::Text(text.into())]),
                Some(error) => assert_eq!((error.fault, text), (Fault::InvalidDeflate, "error")),
            }
        }
    }
    // Across messages: references to earlier messages, also to those before the first block with
    // `BFINAL`.
    let [plain, last] = [&frame(0xC1, HELLO)[..], &frame(0xC1, HELLO_AGAIN)];
    for (before, count) in [
        (vec![compressed(HELLO_FINAL)], 1),
        (vec![compressed(HELLO_FINAL), compressed(unpadded)], 2),
        (vec![compressed(HELLO_FINAL), plain.to_vec(), last.to_vec()], 3),
        (vec![plain.to_vec(), compressed(b"\x03\x00\x00")], 2),
        (vec![plain.to_vec(), compressed(b"\x03\x00"), compressed(b"\x03\x00\x00")], 3),
        (vec![compressed(&[HELLO, b"\x00\x00\xFF\xFF\x03\x00\x00"].concat())], 1),
        // The block that the omitted tail completes has `BFINAL` set.
        (vec![compressed(b"\xF2\x48\xCD\xC9\xC9\x07\x04")], 1),
        (vec![compressed(HELLO_FINAL), compressed(b"\x01"), compressed(b"\x01")], 3),
        // Uncompressed messages are not in any window.
        (vec![compressed(HELLO_FINAL), frame(0x81, b"other")], 2),
    ] {
        let found = texts(&[before.concat(), last.to_vec()].concat());
        assert_eq!((found.len(), &*found[count]), (count + 1, "Hello"), "{before:?}");
    }
    let refers = [compressed(HELLO_FINAL), last.to_vec()].concat();
    assert_eq!(fails(NO_TAKEOVER, Limits::new(), &refers), (1, Fault::InvalidDeflate, 10));
    // The stream of the reported fault.
    let alphabet = b"\xC1\x2AKLJNIMK\xCF\xC8\xCC\xCA\xCE\xC9\xCD\xCB\x2F\x28\x2C\x2A\x2E\x29\x2D\x2B\xAF\xA8\xAC\
        \x32\x30\x34\x32\x36\x31\x35\x33\xB7\xB0\x4C\xA4\x92\x1A\0\0\xC1\x05\xA2\xA7\x1A\0\0";
    let found = texts(alphabet);
    assert_eq!(found.len(), 2);
    assert!(found[0].ends_with(&found[1]), "{found:?}");
}

/// References reach as far back as they may, whatever came before the first block with `BFINAL`,
/// and in whatever form.
#[test]
fn a_window_goes_on_over_blocks_with_bfinal_byte_for_byte() {
    const FARTHEST: usize = 32 << 10;
    // No two places look alike.
    let noise: Vec<u8> =
        (0_u32..40_000).map(|n| (n.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect();
    let stored = |is_final, payload: &[u8]| {
        let mut blocks = Blocks::default();
        blocks.stored(is_final, Some(payload));
        blocks.bytes
    };
    for len in [3, 4, 5, 257, 258, 259, 516, 1000, 32_767, 32_768, 32_769, 40_000] {
        let history = &noise[..len];
        let farthest = len.min(FARTHEST);
        let mut again = Blocks::default();
        // The farthest distance: code 29 and its nine extra bits, or the nearest code that reaches
        // it.
        again.fixed(true);
        distance(&mut again, farthest);
        again.end_block().align().stored(false, None);
        let message = |payload: &[u8]| frame(0xC2, payload);
        let end: &[u8] = &[0];
        // The history came in one message or in many, before the first such block or inside it.
        let whole = [message(&[&stored(false, history), end].concat())];
        let many: Vec<_> =
            history.chunks(1000).map(|it| message(&[&stored(false, it), end].concat())).collect();
        let ended = [message(&[&stored(true, history), end].concat())];
        for came in [&whole[..], &many, &ended] {
            let stream = [came.concat(), message(&again.bytes), message(&again.bytes)].concat();
            let (messages, error) = receive(TAKEOVER, Limits::new(), &[&stream]);
            assert_eq!((messages.len(), error), (came.len() + 2, None), "{len}");
            let expected = &history[len - farthest..][..3];
            assert_eq!(messages[came.len()], Message::Binary(expected.to_vec().into()), "{len}");
            // The same reference three bytes later.
            let all = [history, expected].concat();
            let later = &all[all.len() - farthest..][..3];
            assert_eq!(messages[came.len() + 1], Message::Binary(later.to_vec().into()), "{len}");
        }
    }
}

/// zlib-rs shows its window to nobody. So the window is lost when a block with `BFINAL` ends that
/// was not announced at the message's front. The crate then keeps the message itself, and
/// everything after it.
#[test]
fn what_came_before_the_message_is_lost_if_the_first_bfinal_is_not_at_its_front() {
    let late = [HELLO, b"\x00\x00\xFF\xFF\x03\x00\x00"].concat();
    let mut empty = Blocks::default();
    empty.fixed(false).end_block().fixed(true).end_block().align().stored(false, None);
    let empty = &empty.bytes[..];
    for (second, lost) in [(&late[..], false), (empty, true)] {
        let stream = [frame(0xC1, HELLO), frame(0xC1, second), frame(0xC1, HELLO_AGAIN)].concat();
        let (messages, error) = every_split(TAKEOVER, Limits::new(), &stream);
        assert_eq!((messages.len(), error.is_some()), (if lost { 2 } else { 3 }, lost));
    }
    // The window is not lost once such a block was seen before.
    let stream = [HELLO_FINAL, empty, HELLO_AGAIN].map(|it| frame(0xC1, it)).concat();
    assert_eq!(texts(&stream), ["Hello", "", "Hello"]);
}

/// Appends a match of three bytes at this distance.
fn distance(blocks: &mut Blocks, distance: usize) {
    let far = distance - 1;
    if far < 4 {
        blocks.match3(far, 0);
    } else {
        let width = far.ilog2() - 1;
        blocks.match3(2 * width as usize + (far >> width), far & ((1 << width) - 1));
    }
}

#[test]
fn without_context_takeover_nothing_is_referred_to() {
    let again = [frame(0xC1, HELLO), frame(0xC1, HELLO_AGAIN)].concat();
    assert_eq!(fails(NO_TAKEOVER, Limits::new(), &again), (1, Fault::InvalidDeflate, 9));
}

#[test]
fn what_is_not_deflate_fails_at_its_frame() {
    let fails = |stream: &[u8]| fails(TAKEOVER, Limits::new(), stream);
    // A reserved block type, a reference to before the start, and lengths that are not complements.
    for payload in [&b"\x06"[..], b"\xF2\x00\x11\x00\x00", b"\x00\x05\x00\xFA\xFE\x48"] {
        assert_eq!(fails(&frame(0xC1, payload)), (0, Fault::InvalidDeflate, 0));
        let second = [frame(0x81, b"a"), frame(0x42, b""), frame(0x89, b""), frame(0x80, payload)];
        assert_eq!(fails(&second.concat()), (2, Fault::InvalidDeflate, 7));
    }
    // The fault's offset is that of the frame with the deciding byte.
    let later = [frame(0x41, b"\x00\x05\x00\xFA"), frame(0x00, b"\xFE"), frame(0x80, b"Hello\0")];
    assert_eq!(fails(&later.concat()), (0, Fault::InvalidDeflate, 6));
    assert_eq!(Fault::InvalidDeflate.close_code().get(), 1007);
}

#[test]
fn a_message_that_ends_inside_a_block_fails_at_its_last_frame() {
    let fails = |stream: &[u8]| fails(TAKEOVER, Limits::new(), stream);
    for cut in 1..HELLO.len() {
        assert_eq!(fails(&frame(0xC1, &HELLO[..cut])), (0, Fault::InvalidDeflate, 0), "{cut}");
    }
    for cut in 1..HELLO_STORED.len() {
        let payload = &HELLO_STORED[..cut];
        // The first byte alone is an empty message.
        let expected = if cut == 1 { None } else { Some((0, Fault::InvalidDeflate, 0)) };
        let found = (cut > 1).then(|| fails(&frame(0xC1, payload)));
        assert_eq!(found, expected, "{cut}");
    }
    // The tail that a sender must cut off is still there.
    let uncut = [HELLO, b"\x00\x00\xFF\xFF"].concat();
    assert_eq!(fails(&frame(0xC1, &uncut)), (0, Fault::InvalidDeflate, 0));
    let last = [frame(0x41, HELLO), frame(0x80, b"\x00\x00\xFF\xFF")].concat();
    assert_eq!(fails(&last), (0, Fault::InvalidDeflate, 9));
}

#[test]
fn reserved_bits_mean_compression_only_where_they_may() {
    let none = Limits::new();
    for (b0, rsv) in [
        (0xE1, Rsv::new(0b110)),
        (0x91, Rsv::new(0b001)),
        (0xA2, Rsv::new(0b010)),
        (0xC9, Some(Rsv::RSV1)),
        (0xCA, Some(Rsv::RSV1)),
        (0xC8, Some(Rsv::RSV1)),
        (0xC0, Some(Rsv::RSV1)),
    ] {
        let fault = Fault::ReservedBits(rsv.unwrap());
        assert_eq!(fails(TAKEOVER, none, &frame(b0, b"")), (0, fault, 0), "{b0:#x}");
    }
    let continued = [frame(0x41, &HELLO[..3]), frame(0xC0, &HELLO[3..])].concat();
    assert_eq!(fails(TAKEOVER, none, &continued), (0, Fault::ReservedBits(Rsv::RSV1), 5));
    let begun = [frame(0x41, &HELLO[..3]), frame(0xC1, HELLO)].concat();
    assert_eq!(fails(TAKEOVER, none, &begun), (0, Fault::UnfinishedMessage(DataKind::Text), 5));

    // The last setting counts.
    let deflate = Deflate::new();
    let decoder = MessageDecoder::new(Role::Client, none).deflate(&deflate, Some(TAKEOVER));
    let error = decoder.deflate(&deflate, None).decode(&mut frame(0xC1, HELLO)[..].into());
    assert_eq!(error.unwrap_err().fault, Fault::ReservedBits(Rsv::RSV1));

    // Compression was not agreed on, and a decoder of whole messages cannot leave them compressed.
    let mut decoder = MessageDecoder::new(Role::Client, none).deflate(&Deflate::new(), None);
    let error = decoder.decode(&mut frame(0xC1, HELLO)[..].into()).unwrap_err();
    assert_eq!(error.fault, Fault::ReservedBits(Rsv::RSV1));
}

#[test]
fn limits_count_what_is_inflated() {
    let limit = |bytes| Limits::new().max_message(bytes);
    let hello = frame(0xC1, HELLO);
    assert_eq!(every_split(TAKEOVER, limit(5), &hello).1, None);
    assert_eq!(
        fails(TAKEOVER, limit(4), &hello),
        (0, Fault::MessageTooLong { limit: 4, at_least: 5 }, 0)
    );
    assert_eq!(
        fails(TAKEOVER, limit(0), &hello),
        (0, Fault::MessageTooLong { limit: 0, at_least: 1 }, 0)
    );
    // The compressed size does not count: here it is 17 bytes for two.
    let stored = b"\x00\x01\x00\xFE\xFFa\x00\x01\x00\xFE\xFFb\x00\x00\x00\xFF\xFF\x00";
    assert_eq!(every_split(TAKEOVER, limit(2), &frame(0xC2, stored)).1, None);
    // Several messages do not add up; fragments do.
    assert_eq!(every_split(TAKEOVER, limit(5), &hello.repeat(3)).1, None);
    let later = [frame(0x41, &HELLO[..3]), frame(0x00, &HELLO[3..5]), frame(0x80, &HELLO[5..])];
    let (_, fault, offset) = fails(TAKEOVER, limit(4), &later.concat());
    assert_eq!((fault, offset), (Fault::MessageTooLong { limit: 4, at_least: 5 }, 9));
    let framed = Limits::new().max_frame(6);
    assert_eq!(
        fails(TAKEOVER, framed, &hello),
        (0, Fault::FrameTooLong { limit: 6, at_least: 7 }, 1)
    );
    let counted = Limits::new().max_fragments(2);
    let (_, fault, offset) = fails(TAKEOVER, counted, &later.concat());
    assert_eq!((fault, offset), (Fault::TooManyFragments { limit: 2 }, 9));
}

/// A compressed frame may be longer than any memory. Only its inflated bytes are kept.
#[test]
fn frames_beyond_32_bits() {
    for len in [1_u64 << 32, 1 << 32 | HELLO.len() as u64, i64::MAX as u64] {
        let begins = [&b"\xC1\x7F"[..], &len.to_be_bytes(), HELLO].concat();
        for options in [Limits::new(), Limits::new().max_message(u64::MAX)] {
            assert_eq!(every_split(TAKEOVER, options, &begins), (vec![], None), "{len:#x}");
        }
        let (_, fault, offset) = fails(TAKEOVER, Limits::new().max_message(4), &begins);
        assert_eq!((fault, offset), (Fault::MessageTooLong { limit: 4, at_least: 5 }, 0));
        let limit = len - 1;
        let framed = fails(TAKEOVER, Limits::new().max_frame(limit), &begins);
        assert_eq!(framed.1, Fault::FrameTooLong { limit, at_least: limit + 1 });
    }
}

#[test]
fn text_is_checked_as_it_is_inflated() {
    // "a" and the first byte of a character, in two stored blocks.
    let begin = b"\x00\x02\x00\xFD\xFFa\xC3";
    let rest = |byte| [&b"\x00\x01\x00\xFE\xFF"[..], &[byte], b"\x00"].concat();
    let good = [frame(0x41, begin), frame(0x80, &rest(0xBC))].concat();
    assert_eq!(texts(&good), ["aü"]);
    let fails = |stream: &[u8]| fails(TAKEOVER, Limits::new(), stream);
    let bad = [frame(0x41, begin), frame(0x00, b""), frame(0x80, &rest(0x28))].concat();
    assert_eq!(fails(&bad), (0, Fault::InvalidUtf8, 11));
    let cut = [frame(0x41, begin), frame(0x80, b"\x00")].concat();
    assert_eq!(fails(&cut), (0, Fault::InvalidUtf8, 9));
    // The message fails before its frame has ended.
    let hopeless = [&[0x41, 126, 1, 0][..], b"\x00\x02\x00\xFD\xFF\xC3\x28"].concat();
    assert_eq!(fails(&hopeless), (0, Fault::InvalidUtf8, 0));
    // The next message does not continue a message's last character.
    let two =
        [frame(0xC1, b"\x00\x01\x00\xFE\xFFa\x00"), frame(0xC1, b"\x00\x01\x00\xFE\xFF\xBC\x00")];
    assert_eq!(fails(&two.concat()), (1, Fault::InvalidUtf8, 9));
}

/// Bytes before an error are judged first, even if zlib finds both faults at once.
#[test]
fn the_first_of_two_faults_counts() {
    let blocks = |text: &[u8]| [&[0, 2, 0, 0xFD, 0xFF][..], text, &[6]].concat();
    let fails = |max, stream: &[u8]| fails(TAKEOVER, Limits::new().max_message(max), stream);
    assert_eq!(fails(9, &frame(0xC1, &blocks(b"a\xFF"))), (0, Fault::InvalidUtf8, 0));
    assert_eq!(fails(9, &frame(0xC1, &blocks(b"aa"))), (0, Fault::InvalidDeflate, 0));
    let too_long = Fault::MessageTooLong { limit: 1, at_least: 2 };
    assert_eq!(fails(1, &frame(0xC1, &blocks(b"aa"))), (0, too_long, 0));
    assert_eq!(fails(1, &frame(0xC1, &blocks(b"a\xFF"))), (0, too_long, 0));
    // A fault that only the next frame would bring does not count.
    let two = [frame(0x41, &blocks(b"aa")), frame(0x80, b"\0")].concat();
    assert_eq!(fails(9, &two), (0, Fault::InvalidDeflate, 0));
}

/// Clones share their idle state, but not their settings.
#[test]
fn a_clone_has_its_own_level() {
    let (hard, mut sizes) = (Deflate::new().level(9), Vec::new());
    let numbers: Vec<_> = (0..2000).map(|n| (n * 7919 % 1009).to_string()).collect();
    let text = numbers.join(" ");
    for deflate in [&hard, &hard.clone().level(1), &hard, &hard.clone().memory_level(1)] {
        sizes.push(sent(&mut server(deflate, NO_TAKEOVER), &Frame::text(&text)).len());
    }
    // A prepared frame does not go out as another level compressed it either.
    let prepared = Frame::text(&text).prepare();
    let lazy = server(&hard.clone().level(0), NO_TAKEOVER).send_prepared(&prepared).unwrap();
    assert_eq!(lazy.len(), prepared.encoded_len());
    let sent_hard = server(&hard, NO_TAKEOVER).send_prepared(&prepared).unwrap();
    assert_eq!(sent_hard.len(), sizes[0]);
    assert_eq!(sizes[0], sizes[2]);
    assert!(sizes[1] > sizes[0] && sizes[3] != sizes[0], "{sizes:?}");
    assert_eq!(Deflate::new().level(9), hard, "idle state does not count");
    assert_ne!(Deflate::new(), hard);
}

fn server(deflate: &Deflate, params: DeflateParams) -> Writer {
    Writer::server().deflate(deflate, Some(params))
}

fn sent<P: AsRef<[u8]>>(writer: &mut Writer, frame: &Frame<P>) -> Vec<u8> {
    let mut wire = Vec::new();
    writer.send_to(frame, &mut wire).unwrap();
    wire
}

const JSON: &str = r#"{"id":17,"name":"temperature","unit":"degrees","values":[17.5,17.5,17.5]}"#;

#[test]
fn a_message_is_compressed_as_its_connection_agreed() {
    let deflate = Deflate::new();
    let mut writer = server(&deflate, TAKEOVER);
    let first = sent(&mut writer, &Frame::text(JSON));
    let second = sent(&mut writer, &Frame::text(JSON));
    assert_eq!((first[0], second[0]), (0xC1, 0xC1));
    assert!(first.len() < JSON.len() && second.len() < 12, "{} {}", first.len(), second.len());
    assert_eq!(texts(&[first, second].concat()), [JSON, JSON]);

    let mut writer = server(&deflate, NO_TAKEOVER);
    let first = sent(&mut writer, &Frame::text(JSON));
    assert_eq!(sent(&mut writer, &Frame::text(JSON)), first);
    // A message that would not get shorter is sent uncompressed, because nobody has to see it.
    let noise: Vec<u8> = (0..100u8).map(|byte| byte.wrapping_mul(197) ^ (byte >> 3)).collect();
    assert_eq!(sent(&mut writer, &Frame::binary(&noise)), frame(0x82, &noise));
    assert_eq!(sent(&mut writer, &Frame::text(JSON)), first);

    let mut writer = Writer::server().deflate(&deflate, None);
    assert_eq!(sent(&mut writer, &Frame::text(JSON)), frame(0x81, JSON.as_bytes()));
}

#[test]
fn which_messages_are_compressed() {
    let deflate = Deflate::new().min_len(JSON.len());
    let mut writer = server(&deflate, TAKEOVER);
    let shorter = &JSON[1..];
    assert_eq!(sent(&mut writer, &Frame::text(shorter)), frame(0x81, shorter.as_bytes()));
    assert_eq!(sent(&mut writer, &Frame::text(shorter).compress(true))[0], 0xC1);
    assert_eq!(sent(&mut writer, &Frame::text(JSON))[0], 0xC1);
    let secret = sent(&mut writer, &Frame::text(JSON).compress(false));
    assert_eq!(secret, frame(0x81, JSON.as_bytes()));
    assert_eq!(sent(&mut writer, &Frame::text("").compress(true)), frame(0xC1, &[0]));
    // Control frames are never compressed.
    assert_eq!(sent(&mut writer, &Frame::ping([b'a'; 125]).unwrap().compress(true))[0], 0x89);
    // Frames that are not copied are not compressed either.
    let (header, _) = writer.send_shared(Frame::text(JSON).compress(true)).unwrap();
    assert_eq!(header[0], 0x81);
}

#[test]
fn a_secret_is_not_seen_by_the_compressor() {
    let deflate = Deflate::new();
    let mut writer = server(&deflate, TAKEOVER);
    sent(&mut writer, &Frame::text(JSON).compress(false));
    let after = sent(&mut writer, &Frame::text(JSON));
    assert_eq!(after, sent(&mut server(&deflate, TAKEOVER), &Frame::text(JSON)));
}

#[test]
fn fragments() {
    let deflate = Deflate::new();
    let mut writer = server(&deflate, TAKEOVER);
    let (a, b) = JSON.split_at(20);
    let frames = [
        sent(&mut writer, &Frame::text(a).unfinished()),
        sent(&mut writer, &Frame::ping(&b"x"[..]).unwrap()),
        sent(&mut writer, &Frame::text("").unfinished().continuing()),
        sent(&mut writer, &Frame::text(b).unfinished().continuing()),
        sent(&mut writer, &Frame::text("").continuing()),
        sent(&mut writer, &Frame::text(JSON)),
    ];
    let firsts: Vec<_> = frames.iter().map(|frame| frame[0]).collect();
    assert_eq!(firsts, [0x41, 0x89, 0x00, 0x00, 0x80, 0xC1]);
    assert!(frames[5].len() < 12);
    let (messages, error) = every_split(TAKEOVER, Limits::new(), &frames.concat());
    let text = || Message::Text(JSON.into());
    assert_eq!((messages, error), (vec![Message::Ping("x".into()), text(), text()], None));

    // The first fragment decides.
    let plain = [
        sent(&mut writer, &Frame::text(a).unfinished().compress(false)),
        sent(&mut writer, &Frame::text(b).continuing().compress(true)),
    ];
    assert_eq!(plain.concat(), [frame(0x01, a.as_bytes()), frame(0x80, b.as_bytes())].concat());
}

#[test]
fn what_could_not_be_sent_was_not_compressed_for_the_peer() {
    for params in [TAKEOVER, NO_TAKEOVER] {
        let deflate = Deflate::new();
        let mut writer = server(&deflate, params);
        let mut wire = sent(&mut writer, &Frame::text("before, before, before").compress(true));
        let error = writer.send(Frame::text(JSON), &mut [0; 10]).unwrap_err();
        assert!(matches!(error, SendError::BufferTooSmall(BufferTooSmall { needed: 11.. })));
        wire.extend(sent(&mut writer, &Frame::text(JSON)));
        // The same inside a message, whose earlier fragments stay.
        wire.extend(sent(&mut writer, &Frame::text(&JSON[..30]).unfinished()));
        writer.send(Frame::text("something else").continuing(), &mut [0; 3]).unwrap_err();
        wire.extend(sent(&mut writer, &Frame::text(&JSON[30..]).continuing()));
        writer.send(Frame::text("nothing").unfinished(), &mut [0; 3]).unwrap_err();
        wire.extend(sent(&mut writer, &Frame::text("short")));
        wire.extend(sent(&mut writer, &Frame::text(JSON)));
        let expected = ["before, before, before", JSON, JSON, "short", JSON];
        assert_eq!(texts(&wire), expected, "{params:?}");
    }
}

#[test]
fn a_prepared_frame_is_compressed_once_for_each_window() {
    let deflate = Deflate::new();
    let news = Frame::text(JSON).prepare();
    let small = DeflateParams { server_max_window_bits: WindowBits::new(9), ..NO_TAKEOVER };
    let mut writers =
        [TAKEOVER, NO_TAKEOVER, small, TAKEOVER].map(|params| server(&deflate, params));
    let before: Vec<_> =
        writers.iter_mut().map(|writer| sent(writer, &Frame::text(JSON))).collect();
    let sent_news: Vec<_> =
        writers.iter_mut().map(|writer| writer.send_prepared(&news).unwrap()).collect();
    assert_eq!(sent_news[0][0], 0xC1);
    assert_eq!(sent_news[0].as_ptr(), sent_news[1].as_ptr(), "shared");
    assert_eq!(sent_news[0].as_ptr(), sent_news[3].as_ptr(), "shared, also with context takeover");
    assert_ne!(sent_news[0].as_ptr(), sent_news[2].as_ptr(), "another window");
    assert_eq!(news.clone(), Frame::text(JSON).prepare(), "compressed forms do not count");
    for ((writer, before), news) in writers.iter_mut().zip(before).zip(sent_news) {
        let after = sent(writer, &Frame::text(JSON));
        assert_eq!(texts(&[&before[..], &news, &after].concat()), [JSON, JSON, JSON]);
    }

    let mut plain = Writer::server();
    assert_eq!(plain.send_prepared(&news).unwrap(), frame(0x81, JSON.as_bytes()));
    let mut writer = server(&deflate, TAKEOVER);
    let secret = Frame::text(JSON).compress(false).prepare();
    assert_eq!(writer.send_prepared(&secret).unwrap()[0], 0x81);
    let short = Frame::text("hello").prepare();
    assert_eq!(writer.send_prepared(&short).unwrap(), frame(0x81, b"hello"));
    let begin = Frame::text(JSON).unfinished().prepare();
    assert_eq!(writer.send_prepared(&begin).unwrap()[0], 0x01);
    assert_eq!(
        sent(&mut writer, &Frame::text("end").continuing().compress(true)),
        frame(0x80, b"end")
    );
}

#[test]
fn a_window_that_zlib_cannot_write_is_not_written() {
    let deflate = Deflate::new();
    let bits = WindowBits::new(8);
    let mut writer = server(&deflate, DeflateParams { server_max_window_bits: bits, ..TAKEOVER });
    assert_eq!(sent(&mut writer, &Frame::text(JSON).compress(true))[0], 0x81);
    // The other side's window does not matter.
    let mut writer = server(&deflate, DeflateParams { client_max_window_bits: bits, ..TAKEOVER });
    assert_eq!(sent(&mut writer, &Frame::text(JSON))[0], 0xC1);
}

#[test]
fn a_client_compresses_before_it_masks() {
    let deflate = Deflate::new();
    for params in [TAKEOVER, NO_TAKEOVER] {
        let masks = || [0x37, 0xFA, 0x21, 0x3D];
        let mut client = Connection::client(Limits::new(), masks).deflate(&deflate, Some(params));
        let mut server = Connection::server(Limits::new()).deflate(&deflate, Some(params));
        let mut wire = BytesMut::new();
        for _ in 0..3 {
            client.send_to(Frame::text(JSON), &mut wire).unwrap();
            assert_eq!((wire[0], wire[1] & 0x80), (0xC1, 0x80));
            assert_eq!(server.receive(&mut wire).unwrap(), Some(Message::Text(JSON.into())));
        }
        server.send_to(Frame::text(JSON), &mut wire).unwrap();
        assert_eq!(wire[0], 0xC1);
        assert_eq!(client.receive(&mut wire).unwrap(), Some(Message::Text(JSON.into())));
    }
}

#[test]
fn compressed_messages_are_passed_on_as_they_are() {
    let limits = Limits::new().max_message(4);
    let mut from = FrameDecoder::new(Role::Client, limits).compression(true);
    let mut to = Connection::frame_client(limits, || [0; 4]).compression(true);
    let mut stream = [frame(0x41, HELLO), frame(0x00, b""), frame(0x80, HELLO_AGAIN)].concat();
    stream.extend([frame(0x01, b"a"), frame(0x80, b"b")].concat());
    let (mut input, mut output) = (&mut stream[..], Vec::new());
    while let Some(event) = from.decode(&mut input).unwrap() {
        let FrameEvent::Data(run) = event else { panic!("{event:?}") };
        to.writer().send_run_to(&run, &mut output).unwrap();
    }
    let masked = |b0, payload: &[u8]| {
        let mut frame = frame(b0, payload);
        frame[1] |= 0x80;
        frame.splice(2..2, [0; 4]);
        frame
    };
    let expected =
        [masked(0x41, HELLO), masked(0x80, HELLO_AGAIN), masked(0x01, b"a"), masked(0x80, b"b")];
    assert_eq!(output, expected.concat());

    // Without an agreement, the run would be taken for text.
    let run = |compressed, payload: &'static [u8], fin| Run {
        kind: DataKind::Text,
        compressed,
        payload,
        fin,
    };
    let mut writer = Writer::server();
    let refused = writer.send_run_to(&run(true, HELLO, true), &mut output);
    assert_eq!(refused, Err(SendError::CompressedRun));
    // Nothing changes inside a message either.
    let mut writer = Writer::server().compression(true);
    writer.send_run_to(&run(true, &HELLO[..3], false), &mut output).unwrap();
    let refused = writer.send_run_to(&run(false, b"plain", true), &mut output);
    assert_eq!(refused, Err(SendError::UnfinishedMessage));
    writer.send_run_to(&run(true, &HELLO[3..], true), &mut output).unwrap();
    writer.send_run_to(&run(false, b"plain", true), &mut output).unwrap();
}

/// Returns an open client and its server, with the settings of each.
fn sockets(
    client: &Deflate,
    server: &Deflate,
) -> (WebSocket<impl MaskSource + use<>>, WebSocket, BytesMut) {
    let now = Duration::ZERO;
    let request = ClientRequest::new("a", "/", [7; 16]).unwrap().deflate(client);
    let mut client = WebSocket::connect(&request, WebSocketOptions::new(), || [1, 2, 3, 4], now);
    assert_eq!((client.extensions(), client.deflate_params()), ("", None));
    let mut to_server = BytesMut::new();
    to_server.put(client.to_write(now));
    let acceptance = ServerHandshake::new().decode(&to_server).unwrap().unwrap().accept();
    let acceptance = acceptance.deflate(server);
    let mut to_client = BytesMut::new();
    acceptance.encode_to(&mut to_client).unwrap();
    let mut server = WebSocket::server(WebSocketOptions::new(), now)
        .deflate(server, acceptance.deflate_params());
    // The first message arrives together with the response.
    assert_eq!(server.poll(&mut BytesMut::new(), now), Some(WebSocketEvent::Open));
    let _ = server.send(Frame::text(JSON)).unwrap();
    to_client.put(server.to_write(now));
    assert_eq!(client.poll(&mut to_client, now), Some(WebSocketEvent::Open));
    assert_eq!(client.poll(&mut to_client, now), Some(WebSocketEvent::Text(JSON.into())));
    assert_eq!(client.extensions(), server.extensions());
    assert_eq!(client.deflate_params(), server.deflate_params());
    (client, server, BytesMut::new())
}

#[test]
fn a_websocket_compresses_what_its_handshake_agreed_on() {
    let now = Duration::ZERO;
    let wanted = Deflate::new().wanted(NO_TAKEOVER);
    let (mut client, mut server, mut wire) = sockets(&Deflate::new(), &wanted);
    assert_eq!(client.deflate_params(), Some(NO_TAKEOVER));
    let agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    assert_eq!(client.extensions(), agreed);

    let _ = client.send(Frame::text(JSON)).unwrap();
    // The queue counts bytes as they will be written.
    assert!((1..JSON.len()).contains(&client.buffered_amount()));
    wire.put(client.to_write(now));
    assert_eq!((wire[0], client.buffered_amount()), (0xC1, 0));
    assert_eq!(server.poll(&mut wire, now), Some(WebSocketEvent::Text(JSON.into())));

    let long = Bytes::from(JSON.repeat(100));
    let _ = server.send_shared(Frame::binary(long.clone())).unwrap();
    assert!(server.buffered_amount() < 1000);
    let _ = server.send_shared(Frame::binary(long.clone()).compress(false)).unwrap();
    let _ = server.send_prepared(&Frame::binary(&long).prepare()).unwrap();
    let mut firsts = Vec::new();
    for _ in 0..3 {
        let mut to_write = server.to_write(now);
        wire.put_slice(to_write.chunk());
        let len = to_write.chunk().len();
        to_write.advance(len);
    }
    wire.put(server.to_write(now));
    assert_eq!(server.buffered_amount(), 0);
    while !wire.is_empty() {
        firsts.push(wire[0]);
        assert_eq!(client.poll(&mut wire, now), Some(WebSocketEvent::Binary(long.clone())));
    }
    assert_eq!(firsts, [0xC2, 0x82, 0xC2]);
}

#[test]
fn a_websocket_whose_peer_declines_does_not_compress() {
    let now = Duration::ZERO;
    let demands = DeflateParams { server_max_window_bits: WindowBits::new(8), ..TAKEOVER };
    let client = Deflate::new().wanted(demands).fallback(false);
    let (mut client, mut server, mut wire) = sockets(&client, &Deflate::new());
    assert_eq!((client.extensions(), client.deflate_params()), ("", None));
    let _ = client.send(Frame::text(JSON).compress(true)).unwrap();
    wire.put(client.to_write(now));
    assert_eq!((wire[0], wire.len()), (0x81, 6 + JSON.len()));
    assert_eq!(server.poll(&mut wire, now), Some(WebSocketEvent::Text(JSON.into())));
    // It accepts no compressed messages either.
    wire.put_slice(b"\xC1\x80\0\0\0\0");
    assert_eq!(server.poll(&mut wire, now), None);
    let mut closed = BytesMut::new();
    closed.put(server.to_write(now));
    assert_eq!(closed, b"\x88\x02\x03\xEA"[..]);
}

#[test]
fn what_a_reconnecting_client_keeps_is_compressed_or_not_as_was_said() {
    const SHORT: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";
    let now = Duration::ZERO;
    let mut link = ReconnectingWebSocket::new(ReconnectingWebSocketOptions::new(
        ReconnectingWebSocketOptions::rfc_backoff(4),
    ));
    link.send(Frame::text(JSON).compress(false)).unwrap();
    link.send(Frame::text(SHORT).compress(true)).unwrap();
    link.send(Frame::text(JSON)).unwrap();
    assert_eq!(link.poll(&mut BytesMut::new(), now), Some(ReconnectingWebSocketEvent::Connect));
    assert_eq!(link.extensions(), "");
    let deflate = Deflate::new();
    let socket = WebSocket::client(WebSocketOptions::new(), || [0; 4], now);
    link.connected(socket.deflate(&deflate, Some(NO_TAKEOVER)));
    assert_eq!(link.poll(&mut BytesMut::new(), now), Some(ReconnectingWebSocketEvent::Open));
    assert!(link.extensions().starts_with("permessage-deflate"));
    let mut wire = BytesMut::new();
    wire.put(link.to_write(now));
    let mut connection = Connection::server(Limits::new()).deflate(&deflate, Some(NO_TAKEOVER));
    let mut seen = Vec::new();
    while !wire.is_empty() {
        let first = wire[0];
        seen.push((first, connection.receive(&mut wire).unwrap().unwrap()));
    }
    let text = |text: &str| Message::Text(text.into());
    assert_eq!(seen, [(0x81, text(JSON)), (0xC1, text(SHORT)), (0xC1, text(JSON))]);
}

#[test]
fn no_plain_frame_gets_into_a_compressed_message() {
    let deflate = Deflate::new();
    let mut writer = server(&deflate, TAKEOVER);
    let mut wire = sent(&mut writer, &Frame::text(JSON).unfinished());
    let plain = || Frame::text_from_utf8(b"plain".to_vec()).unwrap().continuing();
    let misuse = SendError::InCompressedMessage;
    assert_eq!(writer.send_shared(plain()).unwrap_err(), misuse);
    assert_eq!(writer.send_in_place(plain()).unwrap_err(), misuse);
    assert_eq!(writer.send_prepared(&plain().prepare()).unwrap_err(), misuse);
    wire.extend(sent(&mut writer, &plain()));
    assert_eq!(texts(&wire), [[JSON, "plain"].concat()]);

    sent(&mut writer, &Frame::text(JSON).unfinished().compress(false));
    assert_eq!(*writer.send_shared(plain()).unwrap().0, [0x80, 5]);
    // A writer that compresses does not pass on runs that others have compressed.
    let mut writer = Writer::server().compression(true).deflate(&deflate, Some(TAKEOVER));
    let run = Run { kind: DataKind::Text, compressed: true, payload: HELLO, fin: true };
    assert_eq!(writer.send_run_to(&run, &mut wire), Err(SendError::CompressedRun));
    let mut writer = Writer::server().deflate(&deflate, Some(TAKEOVER)).compression(true);
    assert_eq!(writer.send_run_to(&run, &mut wire), Err(SendError::CompressedRun));
    let run = Run { kind: DataKind::Text, compressed: false, payload: JSON, fin: true };
    let mut wire = Vec::new();
    writer.send_run_to(&run, &mut wire).unwrap();
    assert_eq!(wire[0], 0xC1);
    assert_eq!(texts(&wire), [JSON]);
}
