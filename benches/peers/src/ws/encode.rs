//! Encodes frames, one at a time, each into one buffer that is ready to be written. A client's
//! frames are each masked with an unpredictable key of their own.

use super::wire::Drain;
use super::{BINARY, Payload, Shape, TEXT, ascii, long};
use crate::harness::{Checksum, Contender, Field, Goal, LEVEL, Row, Sink, View, Work};
use crate::polling::context;
use bytes::{Bytes, BytesMut};
use eventwire::ws::connection::Writer;
use eventwire::ws::{Frame, MaskSource, OsMaskKeys};
use futures_util::Sink as _;
use std::hint::black_box;
use std::io::Cursor;
use std::pin::Pin;
use tokio_util::codec::Encoder as _;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

/// How much payload is sent in one run.
const SENT: usize = 16 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Server,
    Client,
}

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for side in [Side::Server, Side::Client] {
        rows.extend(ascii().map(|shape| row(side, shape, 2.0)));
        rows.extend(long().map(|shape| row(side, shape, LEVEL)));
    }
    rows
}

fn row(side: Side, shape: Shape, least: f64) -> Row {
    let len = shape.payload.bytes().len();
    let masked = side == Side::Client;
    Row {
        work: if masked { "WS encode masked" } else { "WS encode" },
        shape: shape.name,
        delivery: "-",
        goals: vec![Goal::peers("to BytesMut", least), Goal::peers("to slice", None)],
        plotted: len <= 20,
        field: Box::new(move || field(side, shape)),
    }
}

fn field(side: Side, Shape { payload, .. }: Shape) -> Field {
    let bytes = payload.bytes();
    let count = (SENT / bytes.len()).max(1);
    let mut expected = Checksum::default();
    for _ in 0..count {
        expected.whole(bytes, kind(payload.kind() == TEXT, side == Side::Client), "");
    }
    let mut copy = vec![0; bytes.len()];
    // Each closure has a type of its own, so the two roles of ours have two types.
    let mut contenders = match side {
        Side::Server => ours(count, payload, Writer::server),
        Side::Client => {
            // Most peers use the same generator.
            let mut contenders =
                ours(count, payload, || Writer::client(|| rand::random::<u32>().to_ne_bytes()));
            let system = || Writer::client(OsMaskKeys::new());
            let system = ToBytesMut { count, payload, writer: system(), buffer: BytesMut::new() };
            contenders.push(Contender::ours("OsMaskKeys", system));
            contenders
        }
    };
    contenders.extend([
        Contender::peer("tungstenite", Tungstenite::new(side, count, payload)),
        Contender::peer("fastwebsockets", Fastwebsockets::new(side, count, payload)),
        Contender::peer("tokio-websockets", TokioWebsockets::new(side, count, payload)),
        Contender::peer("sockudo-ws", Sockudo { side, count, payload, buffer: BytesMut::new() }),
        Contender::peer("yawc", Yawc::new(side, count, payload)),
        Contender::limit("memcpy", move || {
            for _ in 0..count {
                black_box(&mut copy[..]).copy_from_slice(black_box(bytes));
            }
        }),
    ]);
    Field { expected, contenders }
}

fn ours<M: MaskSource + 'static>(
    count: usize,
    payload: Payload,
    writer: impl Fn() -> Writer<M>,
) -> Vec<Contender> {
    let growing = ToBytesMut { count, payload, writer: writer(), buffer: BytesMut::new() };
    let buffer = vec![0; payload.bytes().len() + 14];
    let fixed = ToSlice { count, payload, writer: writer(), buffer };
    vec![Contender::ours("to BytesMut", growing), Contender::ours("to slice", fixed)]
}

/// Returns the name of a frame's kind in checksums.
fn kind(text: bool, masked: bool) -> &'static str {
    match (text, masked) {
        (true, false) => TEXT,
        (true, true) => "masked text",
        (false, false) => BINARY,
        (false, true) => "masked binary",
    }
}

/// An encoded frame, whose header tungstenite reads back.
struct Encoded<'a>(&'a [u8]);

impl View for Encoded<'_> {
    fn show(&self, sum: &mut Checksum) {
        let mut cursor = Cursor::new(self.0);
        let (header, len) = FrameHeader::parse(&mut cursor).unwrap().unwrap();
        let start = usize::try_from(cursor.position()).unwrap();
        let mut payload = self.0[start..].to_vec();
        assert_eq!(payload.len() as u64, len);
        assert!(header.is_final);
        for (byte, key) in payload.iter_mut().zip(header.mask.unwrap_or_default().iter().cycle()) {
            *byte ^= key;
        }
        let text = match header.opcode {
            OpCode::Data(Data::Text) => true,
            OpCode::Data(Data::Binary) => false,
            other => panic!("a frame of kind {other}"),
        };
        sum.whole(&payload, kind(text, header.mask.is_some()), "");
    }
}

fn frame(payload: Payload) -> Frame<&'static [u8]> {
    match black_box(payload) {
        Payload::Text(text) => Frame::text(text),
        Payload::Binary(bytes) => Frame::binary(bytes),
    }
}

struct ToBytesMut<M> {
    count: usize,
    payload: Payload,
    writer: Writer<M>,
    buffer: BytesMut,
}

impl<M: MaskSource> Work for ToBytesMut<M> {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for _ in 0..self.count {
            self.buffer.clear();
            self.writer.send_to(frame(self.payload), &mut self.buffer).unwrap();
            sink.take(&Encoded(&self.buffer));
        }
    }
}

struct ToSlice<M> {
    count: usize,
    payload: Payload,
    writer: Writer<M>,
    buffer: Vec<u8>,
}

impl<M: MaskSource> Work for ToSlice<M> {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for _ in 0..self.count {
            let len = self.writer.send(frame(self.payload), &mut self.buffer).unwrap();
            sink.take(&Encoded(&self.buffer[..len]));
        }
    }
}

/// Writes into its output buffer, which it hands to the transport. No further copy is charged.
struct Tungstenite {
    count: usize,
    message: tungstenite::Message,
    socket: tungstenite::WebSocket<Drain>,
}

impl Tungstenite {
    fn new(side: Side, count: usize, payload: Payload) -> Self {
        let role = match side {
            Side::Server => tungstenite::protocol::Role::Server,
            Side::Client => tungstenite::protocol::Role::Client,
        };
        let message = match payload {
            Payload::Text(text) => {
                tungstenite::Message::Text(tungstenite::Utf8Bytes::from_static(text))
            }
            Payload::Binary(bytes) => tungstenite::Message::Binary(Bytes::from_static(bytes)),
        };
        let config = tungstenite::protocol::WebSocketConfig::default().write_buffer_size(0);
        let socket = tungstenite::WebSocket::from_raw_socket(Drain::default(), role, Some(config));
        Self { count, message, socket }
    }
}

impl Work for Tungstenite {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.socket.get_mut().copy = S::CHECKING;
        for _ in 0..self.count {
            self.socket.get_mut().bytes.clear();
            self.socket.write(black_box(&self.message).clone()).unwrap();
            sink.take(&Encoded(&self.socket.get_ref().bytes));
        }
    }
}

/// fastwebsockets masks payloads in place, so the program gives them away.
struct Fastwebsockets {
    side: Side,
    payload: Payload,
    given: Vec<Vec<u8>>,
    buffer: Vec<u8>,
}

impl Fastwebsockets {
    fn new(side: Side, count: usize, payload: Payload) -> Self {
        let given = vec![payload.bytes().to_vec(); count];
        Self { side, payload, given, buffer: Vec::new() }
    }
}

impl Work for Fastwebsockets {
    const PREPARES: bool = true;

    fn prepare(&mut self) {
        for given in &mut self.given {
            given.copy_from_slice(self.payload.bytes());
        }
    }

    fn run<S: Sink>(&mut self, sink: &mut S) {
        for given in &mut self.given {
            let payload = fastwebsockets::Payload::BorrowedMut(given);
            let mut frame = match black_box(self.payload) {
                Payload::Text(_) => fastwebsockets::Frame::text(payload),
                Payload::Binary(_) => fastwebsockets::Frame::binary(payload),
            };
            if self.side == Side::Client {
                frame.mask();
            }
            sink.take(&Encoded(frame.write(&mut self.buffer)));
        }
    }
}

/// tokio-websockets queues payloads without a copy, masks them in place, and leaves the joining of
/// header and payload to a vectored write. The copy is then the transport's, as that of the others
/// is their own.
struct TokioWebsockets {
    side: Side,
    payload: Payload,
    count: usize,
    given: Vec<tokio_websockets::Message>,
    socket: tokio_websockets::WebSocketStream<Drain>,
}

impl TokioWebsockets {
    fn new(side: Side, count: usize, payload: Payload) -> Self {
        let drain = Drain { copy: true, bytes: Vec::new() };
        // In one frame, like all the others.
        let config = tokio_websockets::Config::default().frame_size(usize::MAX);
        let socket = match side {
            Side::Server => tokio_websockets::ServerBuilder::new().config(config).serve(drain),
            Side::Client => tokio_websockets::ClientBuilder::new().config(config).take_over(drain),
        };
        Self { side, payload, count, given: Vec::new(), socket }
    }
}

impl Work for TokioWebsockets {
    const PREPARES: bool = true;

    fn prepare(&mut self) {
        let Self { side, payload, count, given, .. } = self;
        given.extend((0..*count).map(|_| {
            let bytes = payload.bytes();
            // The library masks memory that only it owns without a copy.
            let bytes = match side {
                Side::Server => Bytes::from_static(bytes),
                Side::Client => BytesMut::from(bytes).freeze(),
            };
            match payload {
                Payload::Text(_) => tokio_websockets::Message::text(bytes),
                Payload::Binary(_) => tokio_websockets::Message::binary(bytes),
            }
        }));
    }

    fn run<S: Sink>(&mut self, sink: &mut S) {
        let Self { given, socket, .. } = self;
        let mut context = context();
        for message in given.drain(..) {
            socket.get_mut().bytes.clear();
            let mut pinned = Pin::new(&mut *socket);
            pinned.as_mut().start_send(message).unwrap();
            assert!(pinned.as_mut().poll_flush(&mut context).is_ready());
            sink.take(&Encoded(&socket.get_ref().bytes));
        }
    }
}

struct Sockudo {
    side: Side,
    count: usize,
    payload: Payload,
    buffer: BytesMut,
}

impl Work for Sockudo {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for _ in 0..self.count {
            let (opcode, bytes) = match black_box(self.payload) {
                Payload::Text(text) => (sockudo_ws::OpCode::Text, text.as_bytes()),
                Payload::Binary(bytes) => (sockudo_ws::OpCode::Binary, bytes),
            };
            let mask = (self.side == Side::Client).then(sockudo_ws::mask::generate_mask);
            self.buffer.clear();
            sockudo_ws::frame::encode_frame(&mut self.buffer, opcode, bytes, true, mask);
            sink.take(&Encoded(&self.buffer));
        }
    }
}

struct Yawc {
    count: usize,
    payload: Payload,
    encoder: yawc::codec::Encoder,
    buffer: BytesMut,
}

impl Yawc {
    fn new(side: Side, count: usize, payload: Payload) -> Self {
        let role = match side {
            Side::Server => yawc::Role::Server,
            Side::Client => yawc::Role::Client,
        };
        let encoder = yawc::codec::Encoder::new(role);
        Self { count, payload, encoder, buffer: BytesMut::new() }
    }
}

impl Work for Yawc {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for _ in 0..self.count {
            let frame = match black_box(self.payload) {
                Payload::Text(text) => yawc::frame::Frame::text(text),
                Payload::Binary(bytes) => yawc::frame::Frame::binary(bytes),
            };
            self.buffer.clear();
            self.encoder.encode(frame, &mut self.buffer).unwrap();
            sink.take(&Encoded(&self.buffer));
        }
    }
}
