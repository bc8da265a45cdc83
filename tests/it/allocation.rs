//! Counts allocations: none for borrowed items, one reference count per buffer for owned items.

use allocation_counter::measure;
use bytes::{Buf, Bytes, BytesMut};
use eventwire::sse::{Decoder, EventBuilder, Item, OwnedDecoder, Replay};
use eventwire::ws::connection::{MessageDecoder, Writer};
use eventwire::ws::frame::{MaskKey, Role};
use eventwire::ws::{
    self, Close, CloseCode, Connection, ConnectionState, Frame, WebSocket, WebSocketOptions,
};
use eventwire::{Fanout, FanoutOptions};
use std::time::Duration;

const EVENT: &str = "id: 17\nevent: sum\ndata: {\"a\":1}\ndata: 2\n\n";
const PLAIN: &str = "id: 17\nevent: sum\ndata: {\"a\":1}\n\n";

#[test]
fn borrowed_events_allocate_nothing() {
    let mut wire = EVENT.repeat(100).into_bytes();
    let mut decoder = Decoder::new();
    let allocated = measure(|| {
        let mut input = &mut wire[..];
        let mut events = 0;
        while let Some(item) = decoder.decode(&mut input).unwrap() {
            events += usize::from(matches!(item, Item::Event(event) if event.to_str().is_ok()));
        }
        assert_eq!(events, 100);
    });
    assert_eq!(allocated.count_total, 0);
}

/// Also covers events that each have their own id, the last of which outlives the buffer.
#[test]
fn owned_events_of_a_read_buffer_cost_its_reference_count() {
    let numbered: String = (0..100).map(|id| EVENT.replace("17", &format!("id-{id:02}"))).collect();
    for stream in [EVENT.repeat(100), numbered] {
        let mut decoder = OwnedDecoder::new();
        for round in 0..4 {
            let mut buffer = BytesMut::from(stream.as_bytes());
            let allocated = measure(|| {
                let mut events = 0;
                while let Some(item) = decoder.decode_buffer(&mut buffer).unwrap() {
                    let Item::Event(event) = item else { panic!("not an event") };
                    events += usize::from(!event.last_event_id.is_empty());
                }
                assert_eq!(events, 100);
            });
            // The first round allocates room for the id.
            assert!(allocated.count_total <= 1 || round == 0, "{allocated:?}");
        }
    }
}

/// Returns how often decoding these chunks allocates, and how many events they hold.
fn of_chunks(chunks: &[Bytes]) -> (u64, u64) {
    let mut decoder = OwnedDecoder::new();
    assert_eq!(decoder.decode(&mut Bytes::from("id: 17\n\n")), Ok(None), "allocates for the id");
    let mut events = 0;
    let mut chunks = chunks.to_vec();
    // The first clone of a chunk allocates its reference count.
    let _counted = chunks.clone();
    let allocated = measure(|| {
        for chunk in &mut chunks {
            while let Some(item) = decoder.decode(chunk).unwrap() {
                events += u64::from(matches!(item, Item::Event(_)));
            }
        }
    });
    (allocated.count_total, events)
}

#[test]
fn an_event_inside_a_chunk_is_sliced() {
    let chunk = Bytes::from(PLAIN.repeat(100));
    assert_eq!(of_chunks(&[chunk]), (0, 100));
}

/// Returns 100 events in one chunk.
fn repeat(event: &str) -> Bytes {
    Bytes::from(event.repeat(100))
}

/// The allocations of a copy: one for the bytes, and one for the reference count that `bytes` keeps
/// separately.
const COPY: u64 = 2;

#[test]
fn an_event_in_lines_is_copied_once() {
    assert_eq!(of_chunks(&[repeat("data: a\ndata: b\n\n")]), (100 * COPY, 100));
    assert_eq!(of_chunks(&[repeat(EVENT)]), (100 * COPY, 100));
}

#[test]
fn an_event_over_two_chunks_is_copied_once() {
    for event in ["data: {\"a\":1}\n\n", PLAIN] {
        for cut in 1..event.len() {
            let bytes = repeat(event);
            let mut chunks = vec![bytes.slice(..cut)];
            chunks
                .extend(bytes.slice(cut..).chunks(event.len()).map(|chunk| bytes.slice_ref(chunk)));
            let (allocated, events) = of_chunks(&chunks);
            assert_eq!(events, 100);
            assert!(allocated <= 100 * COPY, "cut at {cut}: {allocated}");
        }
    }
}

#[test]
fn encoding_into_a_reused_buffer_allocates_nothing() {
    let mut buffer = Vec::with_capacity(256);
    let allocated = measure(|| {
        for _ in 0..100 {
            buffer.clear();
            EventBuilder::new().data("a\r\nb").encode_to(&mut buffer).unwrap();
        }
    });
    assert_eq!(allocated.count_total, 0);
}

const KEY: MaskKey = MaskKey([1, 2, 3, 4]);

/// Three messages in one frame or in several, and control frames: 6 frames in all.
fn frames() -> [Frame<&'static [u8]>; 6] {
    [
        Frame::text("gr\u{FC}n"),
        Frame::ping(&b"?"[..]).unwrap(),
        Frame::binary(&[0xFF; 1000][..]),
        Frame::text("one ").unfinished(),
        Frame::pong(&[][..]).unwrap(),
        Frame::text("message").continuing(),
    ]
}

fn wire(frames: &[Frame<&[u8]>], mask: Option<MaskKey>) -> Vec<u8> {
    let mut wire = Vec::new();
    for frame in frames {
        frame.encode_to(mask, &mut wire).unwrap();
    }
    wire
}

#[test]
fn borrowed_frames_allocate_nothing() {
    for (role, mask) in [(Role::Server, Some(KEY)), (Role::Client, None)] {
        let mut wire = wire(&frames(), mask).repeat(100);
        let mut decoder = ws::frame::FrameDecoder::new(role, ws::Limits::new());
        let allocated = measure(|| {
            let mut input = &mut wire[..];
            let mut events = 0;
            while decoder.decode(&mut input).unwrap().is_some() {
                events += 1;
            }
            assert_eq!(events, 600);
        });
        assert_eq!(allocated.count_total, 0, "{role:?}");
    }
}

#[test]
fn owned_messages_of_a_read_buffer_cost_its_reference_count() {
    for (role, mask) in [(Role::Server, Some(KEY)), (Role::Client, None)] {
        let wire = wire(&frames()[..3], mask).repeat(100);
        let mut decoder = MessageDecoder::new(role, ws::Limits::new());
        for _ in 0..4 {
            let mut buffer = BytesMut::from(&wire[..]);
            let mut messages = Vec::with_capacity(300);
            let allocated = measure(|| {
                messages.extend(std::iter::from_fn(|| decoder.decode(&mut buffer).unwrap()));
            });
            assert_eq!(messages.len(), 300);
            assert_eq!(allocated.count_total, 1, "{role:?}");
        }
    }
}

#[test]
fn encoding_frames_allocates_nothing() {
    let mut buffer = [0; 2048];
    let mut growing = BytesMut::with_capacity(2048);
    let mut server = Writer::server();
    let mut sharing = Writer::server();
    let mut client = Writer::client(|| [1, 2, 3, 4]);
    let allocated = measure(|| {
        for frame in frames() {
            for mask in [None, Some(KEY)] {
                frame.encode(mask, &mut buffer).unwrap();
                growing.clear();
                frame.encode_to(mask, &mut growing).unwrap();
            }
            server.send(frame, &mut buffer).unwrap();
            client.send(frame, &mut buffer).unwrap();
            sharing.send_shared(frame).unwrap();
        }
        for fragment in Frame::text("in pieces").fragments(2) {
            client.send(fragment, &mut buffer).unwrap();
        }
        client.send_in_place(Frame::binary(&mut [0; 100][..])).unwrap();
    });
    assert_eq!(allocated.count_total, 0);
}

/// Covers the connection's whole life, with replies and the closing handshake.
#[test]
fn a_connection_allocates_nothing() {
    let mut received = wire(&frames(), Some(KEY)).repeat(100);
    let close = Frame::close(Some(Close { code: CloseCode::NORMAL, reason: "bye" })).unwrap();
    received.extend(wire(&[close], Some(KEY)));
    let mut buffer = [0; ws::frame::FrameDecoder::MIN_BUFFER];
    let allocated = measure(|| {
        let mut server = Connection::frame_server(ws::Limits::new());
        let mut client = Connection::frame_client(ws::Limits::new(), || [1, 2, 3, 4]);
        let mut input = &mut received[..];
        let mut replies = 0;
        while server.receive(&mut input).unwrap().is_some() {
            let len = server.reply(&mut buffer).unwrap();
            replies += usize::from(len > 0);
            client.receive(&mut &mut buffer[..len]).unwrap();
            let _ = server.send(Frame::text("more"), &mut buffer);
        }
        assert_eq!((replies, server.state()), (101, ConnectionState::Closed));
        let len = client.reply(&mut buffer).unwrap();
        assert_eq!((len > 0, client.state()), (true, ConnectionState::Closed));

        let mut server = Connection::frame_server(ws::Limits::new());
        server.receive(&mut &mut b"\x81\x00".to_owned()[..]).unwrap_err();
        assert!(server.reply(&mut buffer).unwrap() > 0);
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn a_prepared_frame_is_encoded_once() {
    let frame = Frame::text("to all");
    let mut prepared = None;
    let allocated = measure(|| prepared = Some(frame.prepare()));
    // Feature `deflate` adds one allocation, for the compressed forms.
    assert_eq!(allocated.count_total, 1 + u64::from(cfg!(feature = "deflate")));
    let prepared = prepared.unwrap();
    let mut writers: Vec<_> = (0..100).map(|_| Writer::server()).collect();
    let allocated = measure(|| {
        for writer in &mut writers {
            assert_eq!(writer.send_prepared(&prepared).unwrap(), b"\x81\x06to all"[..]);
        }
    });
    // The first copy allocates the reference count.
    assert_eq!(allocated.count_total, 1);
}

/// A header's claim reserves nothing. Received bytes take at most twice their size, and briefly
/// three times. The limit on messages is also a limit on memory.
#[test]
fn a_claim_is_not_worth_an_allocation() {
    const LIMIT: usize = 1 << 20;
    let options = ws::Limits::new().max_message(LIMIT as u64);
    for chunk in [1000, 16 << 10, 512 << 10, LIMIT - 1] {
        let mut decoder = MessageDecoder::new(Role::Client, options);
        let mut buffer = BytesMut::from(&b"\x82\x7F\0\0\0\0\0\x10\0\0"[..]);
        decoder.decode(&mut buffer).unwrap();
        buffer = BytesMut::with_capacity(chunk);
        let mut most = 0;
        for arrived in (chunk..LIMIT).step_by(chunk) {
            buffer.reserve(chunk);
            buffer.extend_from_slice(&vec![0; chunk]);
            let allocated = measure(|| assert_eq!(decoder.decode(&mut buffer).unwrap(), None));
            // The 100 bytes allow for the buffer's reference count.
            assert!(allocated.bytes_max <= 2 * arrived as u64 + 100, "{allocated:?} of {arrived}");
            most = most.max(allocated.bytes_max);
        }
        assert!(most <= LIMIT as u64 + 100, "{most} bytes, in chunks of {chunk}");
    }
}

/// A limit that is lowered below a frame that has begun does not slow its gathering: the room for
/// it doubles, as without a limit, instead of growing with each chunk.
#[test]
fn a_limit_lowered_inside_a_long_frame_costs_nothing() {
    const FRAME: usize = 1 << 20;
    const CHUNK: usize = 8 << 10;
    let gather = |lowered: Option<u64>| {
        let mut decoder = MessageDecoder::new(Role::Client, ws::Limits::new());
        // This frame is not the last one of its message.
        let mut buffer = BytesMut::from(&b"\x02\x7F\0\0\0\0\0\x10\0\0"[..]);
        assert_eq!(decoder.decode(&mut buffer).unwrap(), None);
        if let Some(limit) = lowered {
            decoder.set_limits(ws::Limits::new().max_message(limit));
        }
        buffer = BytesMut::with_capacity(2 * CHUNK);
        measure(|| {
            for _ in 0..FRAME / CHUNK {
                buffer.extend_from_slice(&[0; CHUNK]);
                assert_eq!(decoder.decode(&mut buffer).unwrap(), None);
            }
        })
    };
    let expected = gather(None).bytes_total;
    assert!(expected < 4 * FRAME as u64, "{expected}");
    for limit in [0, 1024, FRAME as u64 - 1] {
        let found = gather(Some(limit)).bytes_total;
        assert!(found <= expected, "{found} bytes with a limit of {limit}, {expected} without");
    }
}

/// A stream that fails or closes takes its gathered bytes with it.
#[test]
fn a_dead_decoder_holds_nothing() {
    for end in [&b"\xFF"[..], b"\x88\x00"] {
        let mut decoder = MessageDecoder::new(Role::Client, ws::Limits::new());
        let allocated = measure(|| {
            let mut buffer = BytesMut::from(&b"\x02\x7E\x80\0"[..]);
            buffer.extend_from_slice(&vec![0; 0x8000]);
            buffer.extend_from_slice(end);
            while let Ok(Some(_)) = decoder.decode(&mut buffer) {}
        });
        assert_eq!(allocated.bytes_current, 0, "{end:?}");
    }
}

/// 1 MiB that inflates to 1 GiB, in frames with pings between them. The decoder fails as soon as
/// the limit is passed. It uses no more memory than the inflater's, plus briefly twice the longest
/// message.
#[test]
#[cfg(feature = "deflate")]
fn a_bomb_takes_no_more_than_the_longest_message() {
    use eventwire_test_support::ws::{Rules, Seen, Stream, inflate, inflated_reference};
    use ws::Deflate;
    use ws::deflate::DeflateParams;

    const INFLATER: i64 = 47 << 10;
    // A little more than a size that the doubling buffer reaches.
    const LIMIT: u64 = 2100 << 10;
    let bomb = inflate::bomb(1 << 20);
    let params = DeflateParams::default();
    // Allocate the thread's shared room first.
    MessageDecoder::new(Role::Client, ws::Limits::new())
        .deflate(&Deflate::new(), Some(params))
        .decode(&mut BytesMut::from(&b"\xC2\x01\0"[..]))
        .unwrap();
    for (role, chunk, frame) in [(Role::Server, 1 << 20, 1 << 20), (Role::Client, 1000, 700)] {
        let mut stream = Stream::new(role);
        let mut b0 = 0x42;
        for payload in bomb.chunks(frame) {
            stream.frame(b0, payload).frame(0x89, b"?");
            b0 = 0;
        }
        let limits = Rules { message: LIMIT, ..Rules::NONE };
        let mut decoder =
            MessageDecoder::new(role, limits.options()).deflate(&Deflate::new(), Some(params));
        let mut result = Ok(None);
        let mut kept = 0;
        let mut most = 0;
        for chunk in stream.bytes.chunks(chunk) {
            let mut buffer = BytesMut::with_capacity(2 * chunk.len());
            buffer.extend_from_slice(chunk);
            let allocated = measure(|| {
                while let Ok(Some(ws::Message::Ping(_))) = {
                    result = decoder.decode(&mut buffer);
                    &result
                } {}
            });
            most = most.max(kept + i64::try_from(allocated.bytes_max).unwrap());
            kept += allocated.bytes_current;
            if result.is_err() {
                break;
            }
        }
        let expected = inflated_reference(role, limits, params, inflate::WINDOW, &stream.bytes);
        let error = result.unwrap_err();
        assert_eq!(expected.seen.last(), Some(&Seen::Failed(error)));
        assert_eq!(
            error.fault,
            ws::frame::Fault::MessageTooLong { limit: LIMIT, at_least: LIMIT + 1 }
        );
        let longest = i64::try_from(2 * LIMIT).unwrap();
        assert!(most <= longest + INFLATER + 4096, "{most} bytes, in chunks of {chunk}");
        assert!(kept <= 0, "{kept} bytes are kept");
    }
}

/// Empty fragments exhaust no memory. Some peers fail this.
#[test]
fn empty_fragments_take_no_memory() {
    let mut decoder = MessageDecoder::new(Role::Client, ws::Limits::new());
    let mut buffer = BytesMut::from(&b"\x02\x00"[..]);
    buffer.extend_from_slice(&vec![0; 200_000]);
    let allocated = measure(|| assert_eq!(decoder.decode(&mut buffer).unwrap(), None));
    assert_eq!(allocated.count_total, 0);
}

/// A socket whose long queue of bytes or frames has been written keeps little memory.
#[test]
fn an_empty_send_queue_keeps_little() {
    let long = vec![7; 1 << 20];
    for payload in [&long[..], b"", &long[..9999]] {
        let mut socket = WebSocket::server(WebSocketOptions::new(), Duration::ZERO);
        let kept = measure(|| {
            while socket.send(Frame::binary(payload)).is_ok() {}
            for part in [1, 70_000, usize::MAX] {
                let mut to_write = socket.to_write(Duration::ZERO);
                let len = part.min(to_write.remaining());
                to_write.advance(len);
            }
        });
        assert!(kept.bytes_max > 1 << 20, "the queue was long: {kept:?}");
        assert!(kept.bytes_current <= 160 << 10, "payloads of {}: {kept:?}", payload.len());
    }
}

/// A history takes the memory that the docs state for the items it holds, and no more for items
/// that have passed through.
#[test]
fn a_history_takes_room_for_what_it_holds() {
    const ITEMS: usize = 1024;
    let options = FanoutOptions::new().max_items(ITEMS).max_bytes(usize::MAX);
    // Some 32-bit machines align `u64` to less than 8 bytes and need less.
    let takes = |current: i64, each: usize| {
        let most = i64::try_from(ITEMS * each).unwrap();
        assert!(
            current == most || align_of::<u64>() < 8 && current < most,
            "{current}, not {most}"
        );
    };
    for pushed in [ITEMS, ITEMS + 1, 10 * ITEMS] {
        let mut log = None;
        let allocated = measure(|| {
            let log = log.insert(Fanout::new(options));
            (0..pushed as u64).for_each(|number| log.push(number, 8, Duration::ZERO));
        });
        takes(allocated.bytes_current, 8 + 24);
    }

    let json = "x".repeat(300 - "id: 1000000\ndata: \n\n".len());
    let mut replay = None;
    let allocated = measure(|| {
        let replay = replay.insert(Replay::numbered_from(options, 1_000_000));
        let mut place = replay.subscribe();
        for _ in 0..ITEMS {
            replay.push(&EventBuilder::new().data(&json), Duration::ZERO);
            drop(replay.next(&mut place).unwrap().unwrap().clone());
        }
    });
    let beside = if cfg!(target_pointer_width = "64") { 136 } else { 80 };
    takes(allocated.bytes_current, 300 + 7 + beside);
}

/// The memory kept for compression after one message in each direction matches the docs of
/// `Deflate`, in KiB.
#[cfg(feature = "deflate")]
#[test]
fn compression_keeps_what_its_docs_say() {
    use eventwire::ws::Deflate;
    use eventwire::ws::deflate::{DeflateParams, WindowBits};
    let text = "again and ".repeat(100);
    let kept = |bits: u8, memory_level: u8, no_takeover: bool| {
        let deflate = Deflate::new().memory_level(memory_level);
        let params = DeflateParams {
            server_no_context_takeover: no_takeover,
            client_no_context_takeover: no_takeover,
            server_max_window_bits: WindowBits::new(bits),
            ..DeflateParams::default()
        };
        // Allocate the shared state first.
        let mut first = Connection::server(ws::Limits::new()).deflate(&deflate, Some(params));
        let mut wire = BytesMut::with_capacity(4096);
        if no_takeover {
            first.send_to(Frame::text(&text), &mut wire).unwrap();
        }
        let (mut writer, mut decoder) = (None, None);
        let sending = measure(|| {
            let mut new = Writer::server().deflate(&deflate, Some(params));
            wire.clear();
            new.send_to(Frame::text(&text), &mut wire).unwrap();
            writer = Some(new);
        });
        if no_takeover {
            MessageDecoder::new(Role::Client, ws::Limits::new())
                .deflate(&deflate, Some(params))
                .decode(&mut wire.clone())
                .unwrap();
        }
        let receiving = measure(|| {
            let mut new = MessageDecoder::new(Role::Client, ws::Limits::new())
                .deflate(&deflate, Some(params));
            assert!(new.decode(&mut wire).unwrap().is_some());
            decoder = Some(new);
        });
        (sending.bytes_current, receiving.bytes_current)
    };
    // Allocate the thread's shared room first.
    kept(15, 8, false);
    for (bits, memory_level) in [(15, 8), (9, 1), (12, 5), (10, 9)] {
        let (sending, receiving) = kept(bits, memory_level, false);
        let window = f64::from(1 << bits) / 1024.0;
        let formula = 132.0 + 4.0 * window + 7.0 * f64::from(1 << memory_level) / 16.0;
        let kib = |bytes: i64| f64::from(i32::try_from(bytes).unwrap()) / 1024.0;
        let (sending, receiving) = (kib(sending), kib(receiving));
        // Pointers are shorter on a 32-bit machine.
        let below = if cfg!(target_pointer_width = "64") { 1.0 } else { 1.5 };
        assert!(
            (formula - below..formula).contains(&sending),
            "{bits} {memory_level}: {sending} KiB"
        );
        assert!(
            (47.0 - below..47.0).contains(&receiving),
            "{bits} {memory_level}: {receiving} KiB"
        );
    }
    let (sending, receiving) = kept(15, 8, true);
    assert!(sending < 256 && receiving < 256, "{sending} {receiving} bytes");
}

/// After a peer's block with `BFINAL` the decoder keeps the window, and shares the inflater.
#[cfg(feature = "deflate")]
#[test]
fn a_window_takes_the_place_of_an_inflater() {
    use eventwire::ws::Deflate;
    use eventwire::ws::deflate::DeflateParams;
    let deflate = Deflate::new();
    let decoder = || {
        MessageDecoder::new(Role::Client, ws::Limits::new())
            .deflate(&deflate, Some(DeflateParams::default()))
    };
    let last = b"\xC1\x08\xF3\x48\xCD\xC9\xC9\x07\x00\x00";
    let plain = b"\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00";
    // Allocate the thread's room and the shared state first.
    decoder().decode(&mut BytesMut::from(&last[..])).unwrap();
    for messages in [vec![&last[..]], vec![last, plain], vec![plain, last, last]] {
        let mut decoder = decoder();
        let mut buffer = BytesMut::from(&messages.concat()[..]);
        let allocated = measure(|| {
            for _ in &messages {
                assert!(decoder.decode(&mut buffer).unwrap().is_some());
            }
        });
        assert!((32 << 10..33 << 10).contains(&allocated.bytes_current), "{allocated:?}");
    }
}

#[cfg(feature = "deflate")]
#[test]
fn an_end_gives_back_what_compression_took() {
    use eventwire::ws::Deflate;
    use eventwire::ws::deflate::DeflateParams;
    let deflate = Deflate::new();
    let agreed = Some(DeflateParams::default());
    let decoder = || MessageDecoder::new(Role::Client, ws::Limits::new()).deflate(&deflate, agreed);
    // Allocate the thread's shared room first.
    decoder().decode(&mut BytesMut::from(&b"\xC2\x01\0"[..])).unwrap();
    for end in [&b"\xC2\x01\x06"[..], b"\xFF", b"\x88\x00"] {
        let mut decoder = decoder();
        let allocated = measure(|| {
            let mut buffer = BytesMut::from(&b"\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00"[..]);
            buffer.extend_from_slice(end);
            while let Ok(Some(_)) = decoder.decode(&mut buffer) {}
        });
        assert!(allocated.bytes_max > 32 << 10, "{allocated:?}");
        assert!(allocated.bytes_current <= 0, "{end:?}: {allocated:?}");
    }
    let mut writer = Writer::server().deflate(&deflate, agreed);
    let mut buffer = [0; 256];
    let allocated = measure(|| {
        writer.send(Frame::text("hello").compress(true), &mut buffer).unwrap();
        writer.send(Frame::close(None).unwrap(), &mut buffer).unwrap();
    });
    assert!(allocated.bytes_max > 32 << 10 && allocated.bytes_current <= 0, "{allocated:?}");
}

/// Covers messages that are long, that do not get shorter, and that are unfinished.
#[cfg(feature = "deflate")]
#[test]
fn a_compressor_keeps_nothing_of_what_it_wrote() {
    use eventwire::ws::Deflate;
    use eventwire::ws::deflate::DeflateParams;
    let mut state = 1_u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    let noise: Vec<u8> = (0..300_000).map(|_| noise()).collect();
    let mut wire = Vec::with_capacity(noise.len() * 2);
    let mut writer = Writer::server().deflate(&Deflate::new(), Some(DeflateParams::default()));
    // Allocate the thread's shared room first.
    writer.send_to(Frame::text("x").compress(true), &mut wire).unwrap();
    for len in [1000, 30_000, 64_000, 300_000] {
        wire.clear();
        let allocated = measure(|| {
            let mut writer =
                Writer::server().deflate(&Deflate::new(), Some(DeflateParams::default()));
            writer.send_to(Frame::binary(&noise[..len]).unfinished(), &mut wire).unwrap();
            std::mem::forget(writer);
        });
        assert!(wire.len() > len);
        assert!(allocated.bytes_current < 373 << 10, "{len}: {allocated:?}");
    }
}

/// Connections without context takeover share compressors, even after many connections have used
/// other parameters.
#[cfg(feature = "deflate")]
#[test]
fn what_is_shared_is_there_for_all() {
    use eventwire::ws::Deflate;
    use eventwire::ws::deflate::{DeflateParams, WindowBits};
    let deflate = Deflate::new();
    let writer = |bits| {
        let params = DeflateParams {
            server_no_context_takeover: true,
            server_max_window_bits: WindowBits::new(bits),
            ..DeflateParams::default()
        };
        Writer::server().deflate(&deflate, Some(params))
    };
    let text = "again and ".repeat(100);
    let mut wire = Vec::with_capacity(1 << 20);
    let mut many: Vec<_> = (0..40).map(|_| writer(15)).collect();
    for many in &mut many {
        many.send_to(Frame::text(&text).unfinished(), &mut wire).unwrap();
    }
    let allocated = measure(|| {
        for many in &mut many {
            many.send_to(Frame::text("").continuing(), &mut wire).unwrap();
        }
    });
    // 16 compressors wait for the next message; the others are freed.
    let each = 371 << 10;
    assert!((-25 * each..-23 * each).contains(&allocated.bytes_current), "{allocated:?}");
    let mut rare = writer(12);
    for (round, expected) in [(0, true), (1, false), (2, false)] {
        let allocated = measure(|| rare.send_to(Frame::text(&text), &mut wire).unwrap());
        assert_eq!(allocated.bytes_total > 0, expected, "{round}: {allocated:?}");
        many[0].send_to(Frame::text(&text), &mut wire).unwrap();
    }
}
