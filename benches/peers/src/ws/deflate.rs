//! permessage-deflate: compressed input of a server, and its compressed output. The zlib of every
//! contender is zlib-rs, with level 6 and a window of 15 bits, and no message is too short to be
//! compressed.

use super::TEXT;
use super::json_feed;
use super::wire::{Drain, Feed, READ};
use crate::harness::{Checksum, Contender, Field, Goal, LEVEL, Row, Sink, View, Work};
use crate::polling::{context, drain};
use bytes::{Bytes, BytesMut};
use eventwire::ws::connection::{MessageDecoder, Writer};
use eventwire::ws::deflate::DeflateParams;
use eventwire::ws::frame::{MaskKey, Role};
use eventwire::ws::{self as ws, Deflate, Frame, Limits};
use futures_util::Sink as _;
use std::cell::RefCell;
use std::hint::black_box;
use std::io::{self, Cursor, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::protocol::frame::FrameHeader;
use zlib_rs::{DeflateFlush, Inflate, InflateFlush};

/// How much is inflated or compressed in one run: more than a window, and in cache.
const RUN: usize = 256 << 10;
/// The least number of messages.
const FEWEST: usize = 8;
const KEY: MaskKey = MaskKey([0xA1, 0x5B, 0x07, 0xFE]);
/// No message here comes close to this limit.
const MAX_MESSAGE: usize = 16 << 20;
/// The end of a message that is not sent (RFC 7692, 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
const LEVEL_OF_ZLIB: u8 = 6;
const WINDOW_BITS: u8 = 15;
/// Within a tenth of the time of zlib.
const NEAR_RAW: f64 = 1.0 / 1.1;

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for work in ["WS inflate", "WS deflate"] {
        for (shape, len) in
            [("JSON 100 B", 100), ("JSON 1 KiB", 1 << 10), ("JSON 64 KiB", 64 << 10)]
        {
            for (delivery, takeover) in [("takeover", true), ("alone", false)] {
                // Where zlib takes next to nothing, the other necessary work takes more than a
                // tenth.
                let quick = work == "WS inflate" && len == 100 && takeover;
                let near_raw = (!quick).then_some(NEAR_RAW);
                rows.push(Row {
                    work,
                    shape,
                    delivery,
                    goals: vec![
                        Goal::peers("messages", LEVEL),
                        Goal::named("messages", "zlib-rs", near_raw),
                    ],
                    plotted: false,
                    field: Box::new(move || {
                        let count = (RUN / len).max(FEWEST);
                        let messages = json_feed::messages(len, count);
                        match work {
                            "WS inflate" => inflating(&messages, takeover),
                            _ => deflating(&messages.into(), takeover),
                        }
                    }),
                });
            }
        }
    }
    rows
}

fn params(takeover: bool) -> DeflateParams {
    DeflateParams {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        ..DeflateParams::default()
    }
}

fn deflate() -> Deflate {
    Deflate::new().level(LEVEL_OF_ZLIB).min_len(0)
}

fn sockudo(takeover: bool) -> sockudo_ws::CompressedProtocol {
    let config = sockudo_ws::DeflateConfig {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        compression_level: LEVEL_OF_ZLIB.into(),
        compression_threshold: 0,
        ..sockudo_ws::DeflateConfig::default()
    };
    sockudo_ws::CompressedProtocol::server(MAX_MESSAGE, MAX_MESSAGE, config)
}

/// Its socket, because its codec leaves compression to that.
fn yawc<T: AsyncRead + AsyncWrite + Unpin>(transport: T, takeover: bool) -> yawc::WebSocket<T> {
    let level = yawc::CompressionLevel::new(LEVEL_OF_ZLIB.into());
    let options = yawc::Options::default()
        .with_utf8()
        .with_compression_level(level)
        .with_max_payload_read(MAX_MESSAGE)
        .with_read_buffer_capacity(2 * READ);
    let agreed = params(takeover).to_string();
    let role = yawc::Role::Server;
    yawc::WebSocket::from_stream_with_extensions(transport, role, Some(&agreed), options).unwrap()
}

fn expected(messages: &[String]) -> Checksum {
    let mut expected = Checksum::default();
    for message in messages {
        expected.whole(message.as_bytes(), TEXT, "");
    }
    expected
}

fn inflating(messages: &[String], takeover: bool) -> Field {
    let (mut stream, mut payloads) = (Vec::new(), Vec::new());
    let mut raw = raw_deflate();
    for message in messages {
        let mut payload = vec![0; message.len() + 64];
        if !takeover {
            raw.reset();
        }
        let len = deflate_all(&mut raw, message.as_bytes(), &mut payload);
        payload.truncate(len);
        payload.extend_from_slice(&TAIL);
        let plain = ws::frame::FrameHeader::new(ws::frame::OpCode::Text, len as u64);
        let header = ws::frame::FrameHeader { mask: Some(KEY), rsv: ws::frame::Rsv::RSV1, ..plain };
        stream.extend_from_slice(&header.encode().unwrap());
        let start = stream.len();
        stream.extend_from_slice(&payload[..len]);
        let mut key = KEY;
        key.apply(&mut stream[start..]);
        payloads.push(payload);
    }
    let stream: Rc<[u8]> = stream.into();
    let longest = messages.iter().map(String::len).max().unwrap_or_default();
    let decoder = MessageDecoder::new(Role::Server, Limits::new())
        .deflate(&deflate(), Some(params(takeover)));
    let raw = RawInflate { payloads, takeover, zlib: raw_inflate(), output: vec![0; longest + 1] };
    let feed = Feed::new(&stream);
    let yawc = YawcInflate { feed: feed.clone(), socket: yawc(feed, takeover) };
    let contenders = vec![
        Contender::ours(
            "messages",
            Messages { stream: stream.clone(), decoder, buffer: BytesMut::new() },
        ),
        Contender::peer("sockudo-ws", SockudoInflate::new(stream, takeover)),
        Contender::peer("yawc", yawc),
        Contender::checked_limit("zlib-rs", raw),
    ];
    Field { expected: expected(messages), contenders }
}

fn deflating(messages: &Rc<[String]>, takeover: bool) -> Field {
    let writer = Writer::server().deflate(&deflate(), Some(params(takeover)));
    let contenders = vec![
        Contender::ours("messages", Sends::new(messages, takeover, writer)),
        Contender::peer("sockudo-ws", SockudoDeflate::new(messages, takeover)),
        Contender::peer("yawc", YawcDeflate::new(messages, takeover)),
        Contender::checked_limit("zlib-rs", RawDeflate::new(messages, takeover)),
    ];
    Field { expected: expected(messages), contenders }
}

fn raw_inflate() -> Inflate {
    Inflate::new(false, WINDOW_BITS)
}

fn raw_deflate() -> zlib_rs::Deflate {
    zlib_rs::Deflate::new(LEVEL_OF_ZLIB.into(), false, WINDOW_BITS)
}

/// Compresses a message to the front of `output`. Returns its length without its tail.
fn deflate_all(zlib: &mut zlib_rs::Deflate, message: &[u8], output: &mut [u8]) -> usize {
    let before = zlib.total_out();
    zlib.compress(message, output, DeflateFlush::SyncFlush).unwrap();
    let len = usize::try_from(zlib.total_out() - before).unwrap();
    assert!(len < output.len());
    len - TAIL.len()
}

/// Inflates a message with its tail to the front of `output`. Returns its length.
fn inflate_all(zlib: &mut Inflate, payload: &[u8], output: &mut [u8]) -> usize {
    let before = zlib.total_out();
    zlib.decompress(payload, output, InflateFlush::NoFlush).unwrap();
    let len = usize::try_from(zlib.total_out() - before).unwrap();
    assert!(len < output.len());
    len
}

struct Messages {
    stream: Rc<[u8]>,
    decoder: MessageDecoder,
    buffer: BytesMut,
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

/// Its machine, without a stream around it.
struct SockudoInflate {
    stream: Rc<[u8]>,
    protocol: sockudo_ws::CompressedProtocol,
    buffer: BytesMut,
    messages: Vec<sockudo_ws::Message>,
}

impl SockudoInflate {
    fn new(stream: Rc<[u8]>, takeover: bool) -> Self {
        let protocol = sockudo(takeover);
        Self { stream, protocol, buffer: BytesMut::new(), messages: Vec::new() }
    }
}

impl Work for SockudoInflate {
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

struct YawcInflate {
    feed: Feed,
    socket: yawc::WebSocket<Feed>,
}

impl Work for YawcInflate {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        self.feed.rewind();
        drain(&mut self.socket, |frame| sink.take(&frame));
    }
}

/// One call of zlib for each message, which already has its tail, into memory that is already
/// there.
struct RawInflate {
    payloads: Vec<Vec<u8>>,
    takeover: bool,
    zlib: Inflate,
    output: Vec<u8>,
}

impl Work for RawInflate {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for payload in &self.payloads {
            if !self.takeover {
                self.zlib.reset(false);
            }
            let len = inflate_all(&mut self.zlib, payload, &mut self.output);
            sink.take(&Inflated(&self.output[..len]));
        }
    }
}

struct Inflated<'a>(&'a [u8]);

impl View for Inflated<'_> {
    fn show(&self, sum: &mut Checksum) {
        sum.whole(self.0, TEXT, "");
    }
}

/// The output of a contender, and a client that inflates it.
struct Sent<'a> {
    frame: &'a [u8],
    peer: &'a Peer,
}

/// A client that does nothing unless results are checked.
struct Peer {
    takeover: bool,
    zlib: RefCell<Inflate>,
}

impl Peer {
    fn new(takeover: bool) -> Self {
        Self { takeover, zlib: RefCell::new(raw_inflate()) }
    }

    fn show(&self, payload: &[u8], sum: &mut Checksum) {
        let mut zlib = self.zlib.borrow_mut();
        if !self.takeover {
            zlib.reset(false);
        }
        let mut output = vec![0; 1 << 20];
        let len = inflate_all(&mut zlib, &[payload, &TAIL].concat(), &mut output);
        sum.whole(&output[..len], TEXT, "");
    }
}

impl View for Sent<'_> {
    fn show(&self, sum: &mut Checksum) {
        let mut cursor = Cursor::new(self.frame);
        let (header, len) = FrameHeader::parse(&mut cursor).unwrap().unwrap();
        let payload = &self.frame[usize::try_from(cursor.position()).unwrap()..];
        assert_eq!(payload.len() as u64, len);
        assert!(header.is_final && header.rsv1 && header.mask.is_none());
        self.peer.show(payload, sum);
    }
}

struct Sends {
    messages: Rc<[String]>,
    writer: Writer,
    buffer: BytesMut,
    peer: Peer,
}

impl Sends {
    fn new(messages: &Rc<[String]>, takeover: bool, writer: Writer) -> Self {
        let messages = messages.clone();
        Self { messages, writer, buffer: BytesMut::new(), peer: Peer::new(takeover) }
    }
}

impl Work for Sends {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for message in &*self.messages {
            self.buffer.clear();
            self.writer.send_to(Frame::text(black_box(message)), &mut self.buffer).unwrap();
            sink.take(&Sent { frame: &self.buffer, peer: &self.peer });
        }
    }
}

struct SockudoDeflate {
    messages: Vec<sockudo_ws::Message>,
    protocol: sockudo_ws::CompressedProtocol,
    buffer: BytesMut,
    peer: Peer,
}

impl SockudoDeflate {
    fn new(messages: &[String], takeover: bool) -> Self {
        let messages = messages.iter().map(sockudo_ws::Message::text).collect();
        let (protocol, peer) = (sockudo(takeover), Peer::new(takeover));
        Self { messages, protocol, buffer: BytesMut::new(), peer }
    }
}

impl Work for SockudoDeflate {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for message in &self.messages {
            self.buffer.clear();
            self.protocol.encode_message(black_box(message), &mut self.buffer).unwrap();
            sink.take(&Sent { frame: &self.buffer, peer: &self.peer });
        }
    }
}

/// Writes into its output buffer, which it hands to the transport. No further copy is charged.
struct YawcDeflate {
    messages: Vec<Bytes>,
    drain: SharedDrain,
    socket: yawc::WebSocket<SharedDrain>,
    peer: Peer,
}

impl YawcDeflate {
    fn new(messages: &[String], takeover: bool) -> Self {
        let messages = messages.iter().map(|text| Bytes::from(text.clone())).collect();
        let drain = SharedDrain::default();
        let socket = yawc(drain.clone(), takeover);
        Self { messages, drain, socket, peer: Peer::new(takeover) }
    }
}

impl Work for YawcDeflate {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        let mut context = context();
        self.drain.0.borrow_mut().copy = S::CHECKING;
        for message in &self.messages {
            self.drain.0.borrow_mut().bytes.clear();
            let mut socket = Pin::new(&mut self.socket);
            assert!(socket.as_mut().poll_ready(&mut context).is_ready());
            let frame = yawc::frame::Frame::text(black_box(message).clone());
            socket.as_mut().start_send(frame).unwrap();
            assert!(socket.as_mut().poll_flush(&mut context).is_ready());
            let Drain { bytes, .. } = &*self.drain.0.borrow();
            sink.take(&Sent { frame: bytes, peer: &self.peer });
        }
    }
}

/// One call of zlib for each message, into memory that is already there, and no frame around it.
struct RawDeflate {
    messages: Rc<[String]>,
    takeover: bool,
    zlib: zlib_rs::Deflate,
    output: Vec<u8>,
    peer: Peer,
}

impl RawDeflate {
    fn new(messages: &Rc<[String]>, takeover: bool) -> Self {
        let longest = messages.iter().map(String::len).max().unwrap_or_default();
        let (messages, output) = (messages.clone(), vec![0; longest + 64]);
        Self { messages, takeover, zlib: raw_deflate(), output, peer: Peer::new(takeover) }
    }
}

impl Work for RawDeflate {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for message in &*self.messages {
            if !self.takeover {
                self.zlib.reset();
            }
            let message = black_box(message).as_bytes();
            let len = deflate_all(&mut self.zlib, message, &mut self.output);
            sink.take(&RawSent { payload: &self.output[..len], peer: &self.peer });
        }
    }
}

struct RawSent<'a> {
    payload: &'a [u8],
    peer: &'a Peer,
}

impl View for RawSent<'_> {
    fn show(&self, sum: &mut Checksum) {
        self.peer.show(self.payload, sum);
    }
}

/// A transport to which its owner gives no access.
#[derive(Clone, Default)]
struct SharedDrain(Rc<RefCell<Drain>>);

impl AsyncWrite for SharedDrain {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Nothing is read while writing.
impl AsyncRead for SharedDrain {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(ErrorKind::Unsupported.into()))
    }
}
