//! Decodes the input of a server, in reads of 16 KiB. Every contender validates text, keeps its
//! connection from run to run, and is charged for the copy out of the transport.

use super::wire::{Feed, READ};
use super::{BINARY, Payload, Shape, TEXT, ascii, long, mixed};
use crate::harness::{Checksum, Contender, Field, Goal, LEVEL, Row, Sink, View, Work};
use crate::polling::{context, drain};
use bytes::BytesMut;
use eventwire::ws::connection::MessageDecoder;
use eventwire::ws::frame::{DataKind, FrameDecoder, FrameEvent, MaskKey, Role, Run};
use eventwire::ws::{Frame, Limits, Message};
use std::hint::black_box;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use tokio_util::codec::Decoder as _;

/// How much of a stream is decoded in one run: enough to make its edges negligible, and in cache.
const STREAM: usize = 256 << 10;
const KEY: MaskKey = MaskKey([0xA1, 0x5B, 0x07, 0xFE]);
/// No message here comes close to this limit.
const MAX_MESSAGE: usize = 16 << 20;

pub fn rows() -> Vec<Row> {
    let [small, medium, kilobyte] = ascii();
    let long = long().map(|shape| row(shape, LEVEL, None));
    let mut rows = vec![
        row(small, 2.5, Some(1.3)),
        row(medium, 2.5, Some(1.3)),
        row(kilobyte, 1.2, Some(1.3)),
        row(mixed(), 1.2, Some(1.3)),
    ];
    // As fast as a parser that was measured at 10 ns where tungstenite took 31.6.
    rows[0].goals.push(Goal::named("slices", "tungstenite", 3.16));
    rows.extend(long);
    rows
}

fn row(shape: Shape, slices: f64, messages: Option<f64>) -> Row {
    Row {
        work: "WS decode",
        shape: shape.name,
        delivery: "16 KiB",
        goals: vec![Goal::peers("slices", slices), Goal::peers("messages", messages)],
        plotted: shape.payload.bytes().len() <= 1024,
        field: Box::new(move || field(shape)),
    }
}

fn field(shape: Shape) -> Field {
    let payload = shape.payload.bytes();
    let count = (STREAM / payload.len()).max(1);
    let mut frame = Vec::new();
    let encoded = match shape.payload {
        Payload::Text(text) => Frame::text(text).encode_to(Some(KEY), &mut frame),
        Payload::Binary(bytes) => Frame::binary(bytes).encode_to(Some(KEY), &mut frame),
    };
    encoded.unwrap();
    let stream: Rc<[u8]> = frame.repeat(count).into();
    let mut expected = Checksum::default();
    for _ in 0..count {
        expected.whole(payload, shape.payload.kind(), "");
    }
    let feed = || Feed::new(&stream);
    let copied = stream.clone();
    let mut buffer = vec![0; READ];
    let contenders = vec![
        Contender::ours("slices", Slices::new(stream.clone())),
        Contender::ours("messages", Messages::new(stream.clone())),
        Contender::peer("tungstenite", Tungstenite::new(feed())),
        Contender::peer("fastwebsockets", Fastwebsockets::new(feed())),
        Contender::peer("tokio-websockets", TokioWebsockets::new(feed())),
        Contender::peer("sockudo-ws", Sockudo::new(stream.clone())),
        Contender::peer("yawc", Yawc::new(stream.clone())),
        Contender::limit("memcpy", move || {
            for chunk in copied.chunks(READ) {
                black_box(&mut buffer[..chunk.len()]).copy_from_slice(black_box(chunk));
            }
        }),
    ];
    Field { expected, contenders }
}

/// Decodes runs of messages, in a buffer of one read.
struct Slices {
    stream: Rc<[u8]>,
    decoder: FrameDecoder,
    buffer: Vec<u8>,
}

impl Slices {
    fn new(stream: Rc<[u8]>) -> Self {
        let decoder = FrameDecoder::new(Role::Server, Limits::new());
        Self { stream, decoder, buffer: vec![0; READ + FrameDecoder::MIN_BUFFER] }
    }
}

impl Work for Slices {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        let Self { stream, decoder, buffer } = self;
        let mut filled = 0;
        for chunk in stream.chunks(READ) {
            buffer[filled..filled + chunk.len()].copy_from_slice(chunk);
            filled += chunk.len();
            let mut input = &mut buffer[..filled];
            while let Some(event) = decoder.decode(&mut input).unwrap() {
                if let FrameEvent::Data(run) = event {
                    sink.take(&run);
                }
            }
            let kept = input.len();
            buffer.copy_within(filled - kept..filled, 0);
            filled = kept;
        }
    }
}

impl View for Run<&mut [u8]> {
    fn show(&self, sum: &mut Checksum) {
        sum.run(self.payload);
        if self.fin {
            let text = self.kind == DataKind::Text;
            sum.end(if text { TEXT } else { BINARY }, "");
        }
    }

    fn ends(&self) -> bool {
        self.fin
    }
}

/// Decodes whole messages.
struct Messages {
    stream: Rc<[u8]>,
    decoder: MessageDecoder,
    buffer: BytesMut,
}

impl Messages {
    fn new(stream: Rc<[u8]>) -> Self {
        let decoder = MessageDecoder::new(Role::Server, Limits::new());
        Self { stream, decoder, buffer: BytesMut::new() }
    }
}

impl Work for Messages {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for chunk in self.stream.chunks(READ) {
            self.buffer.extend_from_slice(chunk);
            while let Some(message) = self.decoder.decode(&mut self.buffer).unwrap() {
                sink.take(&message);
            }
        }
    }
}

impl View for Message {
    fn show(&self, sum: &mut Checksum) {
        match self {
            Self::Text(text) => sum.whole(text.as_bytes(), TEXT, ""),
            Self::Binary(bytes) => sum.whole(bytes, BINARY, ""),
            _ => sum.end("control", ""),
        }
    }
}

struct Tungstenite {
    feed: Feed,
    socket: tungstenite::WebSocket<Feed>,
}

impl Tungstenite {
    fn new(feed: Feed) -> Self {
        // tungstenite clears the buffer that it offers to a read: offer what one read returns.
        let config = tungstenite::protocol::WebSocketConfig::default().read_buffer_size(READ);
        let role = tungstenite::protocol::Role::Server;
        let socket = tungstenite::WebSocket::from_raw_socket(feed.clone(), role, Some(config));
        Self { feed, socket }
    }
}

impl Work for Tungstenite {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.feed.rewind();
        while let Ok(message) = self.socket.read() {
            sink.take(&message);
        }
    }
}

impl View for tungstenite::Message {
    fn show(&self, sum: &mut Checksum) {
        match self {
            Self::Text(text) => sum.whole(text.as_bytes(), TEXT, ""),
            Self::Binary(bytes) => sum.whole(bytes, BINARY, ""),
            _ => sum.end("control", ""),
        }
    }
}

/// fastwebsockets returns frames; whole messages would be one more layer.
struct Fastwebsockets {
    feed: Feed,
    socket: fastwebsockets::WebSocket<Feed>,
}

impl Fastwebsockets {
    fn new(feed: Feed) -> Self {
        let role = fastwebsockets::Role::Server;
        let socket = fastwebsockets::WebSocket::after_handshake(feed.clone(), role);
        Self { feed, socket }
    }
}

impl Work for Fastwebsockets {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.feed.rewind();
        let mut context = context();
        // The reader only waits between two frames, so nothing is lost with the future.
        while let Poll::Ready(frame) = pin!(self.socket.read_frame()).poll(&mut context) {
            sink.take(&frame.unwrap());
        }
    }
}

impl View for fastwebsockets::Frame<'_> {
    fn show(&self, sum: &mut Checksum) {
        let kind = match self.opcode {
            fastwebsockets::OpCode::Text => TEXT,
            fastwebsockets::OpCode::Binary => BINARY,
            _ => "control",
        };
        sum.whole(&self.payload, kind, "");
    }
}

struct TokioWebsockets {
    feed: Feed,
    socket: tokio_websockets::WebSocketStream<Feed>,
}

impl TokioWebsockets {
    fn new(feed: Feed) -> Self {
        let socket = tokio_websockets::ServerBuilder::new().serve(feed.clone());
        Self { feed, socket }
    }
}

impl Work for TokioWebsockets {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.feed.rewind();
        drain(&mut self.socket, |message| sink.take(&message.unwrap()));
    }
}

impl View for tokio_websockets::Message {
    fn show(&self, sum: &mut Checksum) {
        sum.whole(self.as_payload(), if self.is_text() { TEXT } else { BINARY }, "");
    }
}

/// Its machine, without a stream around it.
struct Sockudo {
    stream: Rc<[u8]>,
    protocol: sockudo_ws::protocol::Protocol,
    buffer: BytesMut,
    messages: Vec<sockudo_ws::Message>,
}

impl Sockudo {
    fn new(stream: Rc<[u8]>) -> Self {
        let role = sockudo_ws::Role::Server;
        let protocol = sockudo_ws::protocol::Protocol::new(role, MAX_MESSAGE, MAX_MESSAGE);
        Self { stream, protocol, buffer: BytesMut::new(), messages: Vec::new() }
    }
}

impl Work for Sockudo {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for chunk in self.stream.chunks(READ) {
            self.buffer.extend_from_slice(chunk);
            self.protocol.process_into(&mut self.buffer, &mut self.messages).unwrap();
            for message in self.messages.drain(..) {
                sink.take(&message);
            }
        }
    }
}

impl View for sockudo_ws::Message {
    fn show(&self, sum: &mut Checksum) {
        sum.whole(self.as_bytes(), if self.is_text() { TEXT } else { BINARY }, "");
    }
}

/// Its codec, without a stream around it. The codec leaves text to the layer above, so it is
/// validated here in the same way as that layer does it.
struct Yawc {
    stream: Rc<[u8]>,
    decoder: yawc::codec::Decoder,
    buffer: BytesMut,
}

impl Yawc {
    fn new(stream: Rc<[u8]>) -> Self {
        let decoder = yawc::codec::Decoder::new(yawc::Role::Server, MAX_MESSAGE);
        Self { stream, decoder, buffer: BytesMut::new() }
    }
}

impl Work for Yawc {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for chunk in self.stream.chunks(READ) {
            self.buffer.extend_from_slice(chunk);
            while let Some(frame) = self.decoder.decode(&mut self.buffer).unwrap() {
                if frame.opcode() == yawc::frame::OpCode::Text {
                    simdutf8::basic::from_utf8(frame.payload()).unwrap();
                }
                sink.take(&frame);
            }
        }
    }
}

impl View for yawc::frame::Frame {
    fn show(&self, sum: &mut Checksum) {
        let text = self.opcode() == yawc::frame::OpCode::Text;
        sum.whole(self.payload(), if text { TEXT } else { BINARY }, "");
    }
}
