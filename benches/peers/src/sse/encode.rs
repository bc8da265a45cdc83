//! Encodes events, one at a time, into a buffer that is used again where a crate allows it.
//!
//! Crates that take events with owned text are given such events ready made. eventsource-stream,
//! sse-core, sse-parse and sseer only decode. actix-web-lab encodes with russe.

use super::peers::SSE_CORE_LIMIT;
use super::{Shape, lines, long_line, with_id};
use crate::harness::{Checksum, Contender, Field, Goal, Row, Sink, View, Work};
use crate::polling::drain;
use axum::response::IntoResponse;
use bytes::BytesMut;
use eventwire::sse::{EventBuilder, EventId, EventType};
use futures_util::stream;
use sse_core::{SseDecoder, SseEvent};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use tokio_util::codec::Encoder as _;

/// The number of bytes of events encoded in one run. They and the output stay in the first cache.
const EVENTS: usize = 16 << 10;

pub fn rows() -> Vec<Row> {
    let json = "x".repeat(250);
    let shapes = [
        (Shape::new("tiny 9 B", String::new(), "1".into()), false),
        (Shape::new("256 B", String::new(), json), true),
        (Shape { name: "id+event+1 KiB", ..with_id() }, true),
        (lines(), true),
        (long_line(), true),
    ];
    shapes.into_iter().map(|(shape, memcpy)| row(shape, memcpy)).collect()
}

fn row(shape: Shape, memcpy: bool) -> Row {
    let mut goals = vec![Goal::peers("to BytesMut", 2.0), Goal::peers("to slice", None)];
    if memcpy {
        goals.push(Goal::named("to BytesMut", "memcpy", 0.5));
    }
    Row {
        work: "SSE encode",
        shape: shape.name,
        delivery: "-",
        goals,
        plotted: false,
        field: Box::new(move || field(&shape)),
    }
}

fn field(shape: &Shape) -> Field {
    let count = (EVENTS / shape.data.len()).clamp(1, 512);
    let source = Source {
        event_type: (shape.event_type != "message").then_some(UPDATE),
        id: (!shape.id.is_empty()).then_some(shape.id),
        data: shape.data.clone(),
    };
    let encoded = source.message().to_bytes();
    let sources: Arc<[Source]> = vec![source; count].into();
    let slice = vec![0; encoded.len()];
    let mut copy = slice.clone();
    let copies: Vec<_> = vec![encoded.to_vec(); count];
    let contenders = vec![
        Contender::ours("to BytesMut", ToBytesMut(sources.clone(), BytesMut::new())),
        Contender::ours("to slice", ToSlice(sources.clone(), slice)),
        Contender::peer("axum", Axum(sources.clone())),
        Contender::peer("russe", Russe::new(sources.clone())),
        Contender::peer("sse-stream", SseStream(sources.clone(), Vec::new())),
        Contender::peer("warp", Warp::new(&sources)),
        Contender::limit("memcpy", move || {
            for encoded in &copies {
                black_box(&mut copy[..]).copy_from_slice(black_box(encoded));
            }
        }),
    ];
    Field { expected: shape.expected(count), contenders }
}

const UPDATE: EventType<'static> = EventType::from_static("update");

/// An event as the program has it.
#[derive(Clone)]
struct Source {
    /// eventwire checks it at compile time; the others check it again each time.
    event_type: Option<EventType<'static>>,
    id: Option<&'static str>,
    data: String,
}

impl Source {
    fn event_type(&self) -> Option<&'static str> {
        self.event_type.map(EventType::as_str)
    }

    fn message(&self) -> EventBuilder<'_> {
        let mut message = EventBuilder::new().data(&self.data);
        if let Some(event_type) = self.event_type {
            message = message.event_type(event_type);
        }
        if let Some(id) = self.id {
            message = message.id(EventId::new(id).unwrap());
        }
        message
    }
}

/// An encoded event, which sse-core reads back.
struct Encoded<'a>(&'a [u8]);

impl View for Encoded<'_> {
    fn show(&self, sum: &mut Checksum) {
        let mut decoder = SseDecoder::with_limit(SSE_CORE_LIMIT);
        let mut input = self.0;
        while let Some(item) = decoder.next(&mut input) {
            if let SseEvent::Message(event) = item.unwrap() {
                event.show(sum);
            }
        }
    }
}

struct ToBytesMut(Arc<[Source]>, BytesMut);

impl Work for ToBytesMut {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        let Self(sources, buffer) = self;
        for source in &**sources {
            buffer.clear();
            source.message().encode_to(buffer).unwrap();
            sink.take(&Encoded(buffer));
        }
    }
}

struct ToSlice(Arc<[Source]>, Vec<u8>);

impl Work for ToSlice {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        let Self(sources, buffer) = self;
        for source in &**sources {
            let len = source.message().encode(buffer).unwrap();
            sink.take(&Encoded(&buffer[..len]));
        }
    }
}

/// axum only encodes inside a response's body, each event to `Bytes` of its own.
struct Axum(Arc<[Source]>);

impl Work for Axum {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        let sources = self.0.clone();
        let events = (0..sources.len()).map(move |index| {
            let source = &sources[index];
            let mut event = axum::response::sse::Event::default();
            if let Some(event_type) = source.event_type() {
                event = event.event(event_type);
            }
            if let Some(id) = source.id {
                event = event.id(id);
            }
            Ok::<_, Infallible>(event.data(&source.data))
        });
        let response = axum::response::Sse::new(stream::iter(events)).into_response();
        drain(response.into_body().into_data_stream(), |encoded| {
            sink.take(&Encoded(&encoded.unwrap()));
        });
    }
}

/// The encoder of actix-web-lab. It takes events whose text is reference-counted.
struct Russe {
    sources: Arc<[Source]>,
    events: Vec<russe::Event>,
    encoder: russe::Encoder,
    buffer: BytesMut,
}

impl Russe {
    fn new(sources: Arc<[Source]>) -> Self {
        Self {
            sources,
            events: Vec::new(),
            encoder: russe::Encoder::default(),
            buffer: BytesMut::new(),
        }
    }
}

impl Work for Russe {
    const PREPARES: bool = true;

    fn prepare(&mut self) {
        self.events.extend(self.sources.iter().map(|source| {
            russe::Event::Message(russe::Message {
                data: source.data.clone().into(),
                event: source.event_type().map(Into::into),
                retry: None,
                id: source.id.map(Into::into),
            })
        }));
    }

    fn run<S: Sink>(&mut self, sink: &mut S) {
        for event in self.events.drain(..) {
            self.buffer.clear();
            self.encoder.encode(event, &mut self.buffer).unwrap();
            sink.take(&Encoded(&self.buffer));
        }
    }
}

/// sse-stream takes events whose text is owned, and encodes each to `Bytes` of its own.
struct SseStream(Arc<[Source]>, Vec<sse_stream::Sse>);

impl Work for SseStream {
    const PREPARES: bool = true;

    fn prepare(&mut self) {
        self.1.extend(self.0.iter().map(|source| sse_stream::Sse {
            event: source.event_type().map(Into::into),
            data: Some(source.data.clone()),
            id: source.id.map(Into::into),
            retry: None,
        }));
    }

    fn run<S: Sink>(&mut self, sink: &mut S) {
        for event in self.1.drain(..) {
            sink.take(&Encoded(&event.encode().unwrap()));
        }
    }
}

/// warp's events have owned text and are formatted; the program keeps them.
struct Warp {
    events: Vec<warp::sse::Event>,
    buffer: String,
}

impl Warp {
    fn new(sources: &[Source]) -> Self {
        let events = sources.iter().map(|source| {
            let mut event = warp::sse::Event::default().data(&source.data);
            if let Some(event_type) = source.event_type() {
                event = event.event(event_type);
            }
            if let Some(id) = source.id {
                event = event.id(id);
            }
            event
        });
        Self { events: events.collect(), buffer: String::new() }
    }
}

impl Work for Warp {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        for event in &self.events {
            self.buffer.clear();
            write!(self.buffer, "{event}").unwrap();
            sink.take(&Encoded(self.buffer.as_bytes()));
        }
    }
}
