//! Random messages, parameters, blocks, faults and cuts under permessage-deflate. The result always
//! matches a reference that shares no code with the crate.

use eventwire::ws::connection::Writer;
use eventwire::ws::deflate::{DeflateParams, WindowBits};
use eventwire::ws::frame::{DataKind, FrameDecoder, FrameEvent, OnLimit, Role};
use eventwire::ws::{Deflate, Frame, Limits, PreparedFrame, SendError};
use eventwire_test_support::cut;
use eventwire_test_support::ws::inflate::{Blocks, WINDOW};
use eventwire_test_support::ws::{Rules, Seen, Stream, Trace, inflated, inflated_reference};
use proptest::prelude::*;
use proptest::sample::select;

/// A mask source whose type has a name.
type Keys = fn() -> [u8; 4];

const KEYS: Keys = || [0x37, 0xFA, 0x21, 0x3D];

fn params() -> impl Strategy<Value = DeflateParams> {
    let bits = || {
        prop_oneof![
            1 => Just(None),
            1 => Just(WindowBits::new(9)),
            1 => (9_u8..=15).prop_map(WindowBits::new),
        ]
    };
    let takeover = (any::<bool>(), any::<bool>());
    (takeover, bits(), bits()).prop_map(|((server, client), server_bits, client_bits)| {
        DeflateParams {
            server_no_context_takeover: server,
            client_no_context_takeover: client,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits,
        }
    })
}

/// Generates either role.
fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

fn deflate() -> impl Strategy<Value = Deflate> {
    let min_len = prop_oneof![2 => Just(0), 1 => Just(usize::MAX), 2 => 0_usize..200];
    (0_u8..=9, 1_u8..=9, min_len).prop_map(|(level, memory_level, min_len)| {
        Deflate::new().level(level).memory_level(memory_level).min_len(min_len)
    })
}

/// Returns bytes that do not repeat themselves.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    (0..len).map(next).collect()
}

/// Generates text of words that messages have in common, at several distances.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => select(vec!["{\"user\":", "some words in common, ", "grüße 𝄞 ", "a", "0123456789"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let gap = prop_oneof![8 => Just(0), 1 => 0_usize..3000]
        .prop_flat_map(|len| (Just(len), any::<u64>()));
    let words = prop::collection::vec((word, gap), 0..6);
    let times = prop_oneof![20 => 1_usize..3, 1 => 3_usize..300];
    (words, times).prop_map(|(words, times)| {
        let mut text = String::new();
        for (word, (gap, seed)) in words {
            text += &word;
            text.extend(noise(gap, seed).into_iter().map(|byte| char::from(byte & 0x7F)));
        }
        text.repeat(times)
    })
}

#[derive(Clone, Debug)]
struct Message {
    kind: DataKind,
    payload: Vec<u8>,
    compress: Option<bool>,
    /// The size of its frames, or `None` for one frame.
    size: Option<usize>,
    /// How often a send into too small a buffer comes first, and how small the buffer is.
    fails: Vec<(u8, u16)>,
    /// Whether a server prepares the message for all receivers.
    prepared: bool,
}

fn message() -> impl Strategy<Value = Message> {
    let long = (0_usize..110_000, any::<u64>()).prop_map(|(len, seed)| noise(len, seed));
    let payload = prop_oneof![
        20 => text().prop_map(|text| (DataKind::Text, text.into_bytes())),
        10 => text().prop_map(|text| (DataKind::Binary, text.into_bytes())),
        10 => prop::collection::vec(any::<u8>(), 0..300).prop_map(|it| (DataKind::Binary, it)),
        1 => long.prop_map(|it| (DataKind::Binary, it)),
    ];
    let size =
        prop_oneof![Just(None), (1_usize..40).prop_map(Some), (40_usize..30_000).prop_map(Some)];
    let fails = prop_oneof![
        2 => Just(Vec::new()),
        1 => prop::collection::vec((0_u8..3, any::<u16>()), 1..5),
    ];
    (payload, any::<Option<bool>>(), size, fails, prop::bool::weighted(0.3)).prop_map(
        |((kind, payload), compress, size, fails, prepared)| {
            // Each frame takes time, so limit their number.
            let size = size.map(|size| size.max(payload.len() / 20));
            Message { kind, payload, compress, size, fails, prepared }
        },
    )
}

impl Message {
    fn frame(&self) -> Frame<&[u8]> {
        let frame = match self.kind {
            DataKind::Text => Frame::text_from_utf8(&self.payload[..]).unwrap(),
            DataKind::Binary => Frame::binary(&self.payload[..]),
        };
        match self.compress {
            Some(compress) => frame.compress(compress),
            None => frame,
        }
    }

    /// Returns the frames to send, sometimes with an empty one at the end.
    fn frames(&self) -> Vec<Frame<&[u8]>> {
        let Some(size) = self.size else { return vec![self.frame()] };
        let mut frames: Vec<_> = self.frame().fragments(size).collect();
        if size % 3 == 0 {
            let last = frames.pop().unwrap();
            frames.push(last.unfinished());
            frames.push(match self.kind {
                DataKind::Text => Frame::text("").continuing(),
                DataKind::Binary => Frame::binary(&[][..]).continuing(),
            });
        }
        frames
    }

    fn seen(&self) -> Seen {
        Seen::Data { kind: self.kind, payload: self.payload.clone(), fin: true }
    }
}

/// The sending half of a connection, in either role.
#[derive(Debug)]
enum Sending {
    Server(Writer),
    Client(Writer<Keys>),
}

impl Sending {
    fn new(role: Role, deflate: &Deflate, params: DeflateParams) -> Self {
        match role {
            Role::Server => Self::Server(Writer::server().deflate(deflate, Some(params))),
            Role::Client => Self::Client(Writer::client(KEYS).deflate(deflate, Some(params))),
        }
    }

    fn send(&mut self, frame: &Frame<&[u8]>, buffer: &mut [u8]) -> Result<usize, SendError> {
        match self {
            Self::Server(writer) => writer.send(frame, buffer),
            Self::Client(writer) => writer.send(frame, buffer),
        }
    }

    fn send_to(&mut self, frame: &Frame<&[u8]>, wire: &mut Vec<u8>) {
        match self {
            Self::Server(writer) => writer.send_to(frame, wire).unwrap(),
            Self::Client(writer) => writer.send_to(frame, wire).unwrap(),
        }
    }

    fn send_message(&mut self, message: &Message, prepared: &PreparedFrame, wire: &mut Vec<u8>) {
        if let Self::Server(writer) = self
            && message.prepared
        {
            wire.extend(writer.send_prepared(prepared).unwrap());
            return;
        }
        let mut fails = message.fails.iter().cycle();
        'frames: for frame in message.frames() {
            let (times, room) = fails.next().copied().unwrap_or_default();
            for _ in 0..times {
                // Begin with a buffer that is surely too small.
                let Err(SendError::BufferTooSmall(error)) = self.send(&frame, &mut []) else {
                    panic!("a frame cannot fit into nothing");
                };
                let mut buffer = vec![0; usize::from(room) % error.needed];
                match self.send(&frame, &mut buffer) {
                    Err(SendError::BufferTooSmall(error)) => assert!(error.needed > buffer.len()),
                    // Without the window before it, a frame may become shorter and fit.
                    Ok(len) => {
                        wire.extend(&buffer[..len]);
                        continue 'frames;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            self.send_to(&frame, wire);
        }
    }
}

fn other(role: Role) -> Role {
    match role {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    }
}

/// Returns how far back the sender in this role refers.
fn window(role: Role, params: DeflateParams) -> usize {
    let bits = match role {
        Role::Server => params.server_max_window_bits,
        Role::Client => params.client_max_window_bits,
    };
    1 << bits.map_or(15, WindowBits::get)
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        prop::collection::vec(0_usize..40, 1..6),
        prop::collection::vec(0_usize..70_000, 1..6),
    ]
}

/// Returns the stream as a proxy passes it on that cannot inflate it.
fn passed_on(receiver: Role, chunks: &[&[u8]]) -> Vec<u8> {
    let mut decoder = FrameDecoder::new(receiver, Limits::new()).compression(true);
    let mut server = Writer::server().compression(true);
    let mut client = Writer::client(KEYS).compression(true);
    let (mut kept, mut wire) = (Vec::new(), Vec::new());
    for chunk in chunks {
        kept.extend_from_slice(chunk);
        let mut input = &mut kept[..];
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            let FrameEvent::Data(run) = event else { panic!("not a message: {event:?}") };
            match receiver {
                Role::Server => client.send_run_to(&run, &mut wire).unwrap(),
                Role::Client => server.send_run_to(&run, &mut wire).unwrap(),
            }
        }
        kept = input.to_vec();
    }
    wire
}

/// Blocks, valid or not.
#[derive(Clone, Debug)]
enum Block {
    Stored { is_final: bool, payload: Vec<u8> },
    Fixed { is_final: bool, symbols: Vec<Symbol>, ended: bool },
    Dynamic { is_final: bool, literals: Vec<(usize, u8)>, distances: Vec<u8>, bits: Vec<u8> },
    Align,
    Bits(u16, usize),
}

#[derive(Clone, Debug)]
enum Symbol {
    Literal(u8),
    Match3 { distance_code: usize, extra: usize },
    Any(usize),
}

fn block() -> impl Strategy<Value = Block> {
    let is_final = || prop::bool::weighted(0.3);
    let match3 = |(distance_code, extra)| Symbol::Match3 { distance_code, extra };
    let byte = || prop_oneof![8 => 0x20_u8..0x7F, 1 => any::<u8>()];
    let symbol = prop_oneof![
        20 => byte().prop_map(Symbol::Literal),
        4 => (0_usize..4, Just(0)).prop_map(match3),
        1 => (0_usize..32, any::<usize>()).prop_map(match3),
        1 => (256_usize..288).prop_map(Symbol::Any),
    ];
    let literals = prop_oneof![
        select(vec![
            vec![(0, 2), (256, 2), (285, 1)],
            vec![(256, 1)],
            vec![(97, 1), (256, 1)],
            vec![(97, 2), (256, 2)],
            vec![(97, 1), (98, 2), (256, 3), (257, 3)],
            vec![(97, 1)],
            vec![],
        ]),
        prop::collection::vec((0_usize..286, 1_u8..6), 0..6),
    ];
    let distances = prop_oneof![
        select(vec![vec![0], vec![1], vec![1, 1], vec![2], vec![0, 0, 1, 2, 2], vec![1; 3]]),
        prop::collection::vec(0_u8..16, 1..31),
    ];
    let bits = prop::collection::vec(any::<u8>(), 0..12);
    prop_oneof![
        3 => (is_final(), prop::collection::vec(byte(), 0..30))
            .prop_map(|(is_final, payload)| Block::Stored { is_final, payload }),
        6 => (is_final(), prop::collection::vec(symbol, 0..20), prop::bool::weighted(0.9))
            .prop_map(|(is_final, symbols, ended)| Block::Fixed { is_final, symbols, ended }),
        3 => (is_final(), literals, distances, bits).prop_map(
            |(is_final, literals, distances, bits)| {
                Block::Dynamic { is_final, literals, distances, bits }
            },
        ),
        3 => Just(Block::Align),
        1 => (any::<u16>(), 0_usize..17).prop_map(|(number, count)| Block::Bits(number, count)),
    ]
}

fn write(blocks: &[Block]) -> Vec<u8> {
    let mut written = Blocks::default();
    put_blocks(blocks, &mut written);
    written.bytes
}

fn put_blocks(blocks: &[Block], written: &mut Blocks) {
    for block in blocks {
        match block {
            Block::Stored { is_final, payload } => {
                written.stored(*is_final, Some(payload));
            }
            Block::Fixed { is_final, symbols, ended } => {
                written.fixed(*is_final);
                for symbol in symbols {
                    match *symbol {
                        Symbol::Literal(byte) => written.symbol(byte.into()),
                        Symbol::Match3 { distance_code, extra } => {
                            written.match3(distance_code, extra)
                        }
                        Symbol::Any(symbol) => written.symbol(symbol),
                    };
                }
                if *ended {
                    written.end_block();
                }
                if *is_final {
                    written.align();
                }
            }
            Block::Dynamic { is_final, literals, distances, bits } => {
                let mut lens =
                    vec![0; literals.iter().map(|it| it.0 + 1).max().unwrap_or(0).max(257)];
                for &(symbol, len) in literals {
                    lens[symbol] = len;
                }
                written.dynamic(*is_final, &lens, distances);
                for byte in bits {
                    written.bits((*byte).into(), 8);
                }
            }
            Block::Align => {
                written.align();
            }
            Block::Bits(number, count) => {
                written.bits((*number).into(), *count);
            }
        }
    }
}

/// A part of a message's payload.
#[derive(Clone, Debug)]
enum Piece {
    /// A part that our own writer compresses.
    Compressed(Vec<u8>),
    Blocks(Vec<Block>),
    Raw(Vec<u8>),
}

fn piece() -> impl Strategy<Value = Piece> {
    let plain = prop_oneof![
        5 => text().prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => prop::collection::vec(select(vec![b'a', 0xC3, 0xBC, 0xFF]), 0..9),
    ];
    prop_oneof![
        4 => plain.prop_map(Piece::Compressed),
        5 => prop::collection::vec(block(), 0..5).prop_map(Piece::Blocks),
        1 => prop::collection::vec(any::<u8>(), 0..30).prop_map(Piece::Raw),
    ]
}

/// A message in frames. The first one is marked as compressed.
#[derive(Clone, Debug)]
struct Sent {
    b0: u8,
    pieces: Vec<Piece>,
    edit: Option<Edit>,
    /// Whether the bytes that end a message are appended.
    ended: bool,
    sizes: Vec<usize>,
    between: Option<u8>,
}

#[derive(Clone, Debug)]
enum Edit {
    Flip(prop::sample::Index, u8),
    Truncate(prop::sample::Index),
}

fn sent() -> impl Strategy<Value = Sent> {
    let edit = prop_oneof![
        3 => Just(None),
        1 => (any::<prop::sample::Index>(), 0_u8..8).prop_map(|(at, bit)| Some(Edit::Flip(at, bit))),
        1 => any::<prop::sample::Index>().prop_map(|at| Some(Edit::Truncate(at))),
    ];
    let b0 =
        prop_oneof![8 => select(vec![0x41_u8, 0x42]), 1 => select(vec![0x01_u8, 0x02, 0x40, 0x61])];
    let pieces = prop::collection::vec(piece(), 0..3);
    let sizes = prop_oneof![Just(vec![1 << 20]), prop::collection::vec(0_usize..9, 1..4)];
    let between = select(vec![0x89_u8, 0x8A, 0xC9, 0x40, 0x81]);
    let between = prop_oneof![4 => Just(None), 1 => between.prop_map(Some)];
    (b0, pieces, edit, any::<bool>(), sizes, between).prop_map(
        |(b0, pieces, edit, ended, sizes, between)| Sent {
            b0,
            pieces,
            edit,
            ended,
            sizes,
            between,
        },
    )
}

/// Returns the payload of a frame that a server sent.
fn payload(frame: &[u8]) -> &[u8] {
    match frame[1] {
        127 => &frame[10..],
        126 => &frame[4..],
        _ => &frame[2..],
    }
}

fn put(sent: &Sent, writer: &mut Writer, stream: &mut Stream) {
    let mut bytes = Vec::new();
    for piece in &sent.pieces {
        match piece {
            Piece::Compressed(plain) => {
                let mut frame = Vec::new();
                writer.send_to(Frame::binary(plain).compress(true), &mut frame).unwrap();
                bytes.extend(payload(&frame));
                if !sent.ended {
                    bytes.extend([0, 0, 0xFF, 0xFF]);
                }
            }
            Piece::Blocks(blocks) => bytes.extend(write(blocks)),
            Piece::Raw(raw) => bytes.extend(raw),
        }
    }
    if sent.ended {
        bytes.push(0);
    }
    match &sent.edit {
        Some(Edit::Flip(at, bit)) if !bytes.is_empty() => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        Some(Edit::Truncate(at)) => bytes.truncate(at.index(bytes.len() + 1)),
        _ => {}
    }
    let frames = cut(&bytes, &sent.sizes);
    let mut b0 = sent.b0;
    for (number, frame) in frames.iter().enumerate() {
        if number + 1 == frames.len() {
            b0 |= 0x80;
        }
        stream.frame(b0, frame);
        b0 = 0;
        if let Some(between) = sent.between
            && number % 3 == 0
        {
            stream.frame(between, b"?");
        }
    }
}

fn limits() -> impl Strategy<Value = Rules> {
    let frame = prop_oneof![4 => Just(u64::MAX), 1 => 0_u64..100];
    let message = prop_oneof![1 => Just(u64::MAX), 1 => 0_u64..60, 1 => 0_u64..4000];
    let fragments = prop_oneof![4 => Just(u32::MAX), 1 => 1_u32..6];
    let on_limit = prop_oneof![Just(OnLimit::Error), Just(OnLimit::Skip)];
    (frame, message, fragments, on_limit).prop_map(|(frame, message, fragments, on_limit)| Rules {
        frame,
        message,
        fragments,
        on_limit,
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 80,
        failure_persistence: None,
        ..Default::default()
    })]

    /// No reference reaches farther back than was agreed, or into an earlier message without
    /// takeover. A proxy that passes the bytes on changes nothing.
    #[test]
    fn what_is_sent_is_received(
        role in role(),
        params in params(),
        deflates in prop::collection::vec(deflate(), 1..3),
        messages in prop::collection::vec(message(), 0..10),
        lengths in lengths(),
    ) {
        // There are several connections. Some of them share idle state, and all of them share the
        // prepared frame.
        let mut sendings: Vec<_> =
            (0..3).map(|at| Sending::new(role, &deflates[at % deflates.len()], params)).collect();
        let mut wires = vec![Vec::new(); sendings.len()];
        let mut expected = vec![Trace::default(); sendings.len()];
        for (number, message) in messages.iter().enumerate() {
            let prepared = message.frame().prepare();
            for (at, sending) in sendings.iter_mut().enumerate() {
                // The last connection is sent fewer messages.
                if at < 2 || number % 2 == 0 {
                    sending.send_message(message, &prepared, &mut wires[at]);
                    expected[at].push(message.seen());
                }
            }
        }
        let receiver = other(role);
        for (wire, expected) in wires.iter().zip(&expected) {
            let window = window(role, params);
            let reference = inflated_reference(receiver, Rules::NONE, params, window, wire);
            prop_assert!(reference == *expected, "the reference differs");
            let shown = inflated(receiver, Rules::NONE, params, &cut(wire, &lengths));
            prop_assert!(shown == *expected, "the decoder differs");
        }
        let onward = passed_on(receiver, &cut(&wires[0], &lengths));
        let shown = inflated(receiver, Rules::NONE, params, &[&onward]);
        prop_assert!(shown == expected[0], "the passed-on stream differs");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn whatever_comes_is_judged_as_by_the_reference(
        role in role(),
        params in params(),
        level in 0_u8..=9,
        messages in prop::collection::vec(sent(), 0..4),
        limits in limits(),
        lengths in lengths(),
    ) {
        let ours = Deflate::new().level(level);
        let mut writer = Writer::server().deflate(&ours, Some(DeflateParams::default()));
        let mut stream = Stream::new(role);
        for message in &messages {
            put(message, &mut writer, &mut stream);
        }
        let stream = &stream.bytes[..];
        let expected = inflated_reference(role, limits, params, WINDOW, stream);
        prop_assert_eq!(&inflated(role, limits, params, &[stream]), &expected, "whole");
        let bytes: Vec<_> = stream.chunks(1).collect();
        prop_assert_eq!(&inflated(role, limits, params, &bytes), &expected, "by bytes");
        let cut = cut(stream, &lengths);
        prop_assert_eq!(&inflated(role, limits, params, &cut), &expected, "{:?}", lengths);
    }
}

/// Generates a valid block, which often consists of references only.
fn right_block() -> impl Strategy<Value = Block> {
    let match3 = (0_usize..12, any::<usize>())
        .prop_map(|(distance_code, extra)| Symbol::Match3 { distance_code, extra });
    let symbol = prop_oneof![3 => (0x61_u8..0x7B).prop_map(Symbol::Literal), 2 => match3];
    let is_final = || prop::bool::weighted(0.4);
    let symbols = prop::collection::vec(symbol, 0..12);
    let payload = prop::collection::vec(0x61_u8..0x7B, 0..12);
    prop_oneof![
        3 => (is_final(), symbols)
            .prop_map(|(is_final, symbols)| Block::Fixed { is_final, symbols, ended: true }),
        1 => (is_final(), payload)
            .prop_map(|(is_final, payload)| Block::Stored { is_final, payload }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..Default::default()
    })]

    /// References reach back over blocks with `BFINAL` and over messages.
    #[test]
    fn blocks_that_are_right_are_inflated_as_by_the_reference(
        role in role(),
        params in params(),
        messages in prop::collection::vec(
            (prop::collection::vec(right_block(), 0..4), prop::bool::weighted(0.2)),
            1..8,
        ),
        lengths in lengths(),
    ) {
        let mut stream = Stream::new(role);
        // The first message is long enough for all later distances.
        let first: Vec<u8> = (0x61..0x7B).cycle().take(70).collect();
        let mut payload = Blocks::default();
        payload.stored(lengths[0] % 2 == 0, Some(&first)).stored(false, None);
        stream.frame(0xC2, &payload.bytes);
        for (blocks, ends_with_bfinal) in &messages {
            let mut payload = Blocks::default();
            put_blocks(blocks, &mut payload);
            payload.stored(*ends_with_bfinal, None);
            stream.frame(0xC2, &payload.bytes);
        }
        let stream = &stream.bytes[..];
        let expected = inflated_reference(role, Rules::NONE, params, WINDOW, stream);
        prop_assert_eq!(&inflated(role, Rules::NONE, params, &[stream]), &expected, "whole");
        let bytes: Vec<_> = stream.chunks(1).collect();
        prop_assert_eq!(&inflated(role, Rules::NONE, params, &bytes), &expected, "by bytes");
        let cut = cut(stream, &lengths);
        prop_assert_eq!(&inflated(role, Rules::NONE, params, &cut), &expected, "{:?}", lengths);
    }
}
