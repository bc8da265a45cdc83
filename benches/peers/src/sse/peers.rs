//! The decoders of other crates, each by the cheapest way that its documentation shows.

use crate::harness::{Checksum, Contender, Sink, View, Work};
use crate::polling::drain;
use bytes::Bytes;
use futures_util::Stream;
use std::convert::Infallible;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::rc::Rc;

/// A decoder of `Bytes` chunks.
pub trait Decode {
    fn decode(chunks: &[Bytes], sink: &mut impl Sink);
}

/// A decoder with its input.
pub struct Over<D> {
    chunks: Rc<[Bytes]>,
    decoder: PhantomData<D>,
}

impl<D> Over<D> {
    pub fn new(chunks: &Rc<[Bytes]>) -> Self {
        Self { chunks: chunks.clone(), decoder: PhantomData }
    }
}

impl<D: Decode> Work for Over<D> {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        D::decode(&self.chunks, sink);
    }
}

pub fn all(chunks: &Rc<[Bytes]>) -> [Contender; 5] {
    [
        Contender::peer("eventsource-stream", Over::<EventsourceStream>::new(chunks)),
        Contender::peer("sse-stream", Over::<SseStream>::new(chunks)),
        Contender::peer("sse-core", Over::<SseCore>::new(chunks)),
        Contender::peer("sse-parse", Over::<SseParse>::new(chunks)),
        Contender::peer("sseer", Over::<Sseer>::new(chunks)),
    ]
}

/// The chunks as the body of an HTTP client.
fn body(chunks: &[Bytes]) -> impl Stream<Item = Result<Bytes, Infallible>> {
    futures_util::stream::iter(chunks.iter().cloned().map(Ok))
}

struct EventsourceStream;

impl Decode for EventsourceStream {
    fn decode(chunks: &[Bytes], sink: &mut impl Sink) {
        let events = eventsource_stream::EventStream::new(body(chunks));
        drain(events, |event| sink.take(&event.unwrap()));
    }
}

impl View for eventsource_stream::Event {
    fn show(&self, sum: &mut Checksum) {
        sum.whole(self.data.as_bytes(), &self.event, &self.id);
    }
}

struct SseStream;

impl Decode for SseStream {
    fn decode(chunks: &[Bytes], sink: &mut impl Sink) {
        let blocks = sse_stream::SseByteStream::new(body(chunks));
        drain(blocks, |block| {
            let block = block.unwrap();
            // The library also returns blocks that are no events.
            if block.data.is_some() {
                sink.take(&block);
            }
        });
    }
}

impl View for sse_stream::Sse {
    fn show(&self, sum: &mut Checksum) {
        let Self { event, data, id, .. } = self;
        let data = data.as_deref().unwrap_or_default();
        let id = id.as_deref().unwrap_or_default();
        sum.whole(data.as_bytes(), event.as_deref().unwrap_or("message"), id);
    }
}

/// Without a stream around it.
struct SseCore;

/// The limit of sse-core is 512 KiB by default.
pub const SSE_CORE_LIMIT: NonZeroUsize = NonZeroUsize::new(8 << 20).unwrap();

impl Decode for SseCore {
    fn decode(chunks: &[Bytes], sink: &mut impl Sink) {
        let mut decoder = sse_core::SseDecoder::with_limit(SSE_CORE_LIMIT);
        for chunk in chunks {
            let mut chunk = &chunk[..];
            while let Some(item) = decoder.next(&mut chunk) {
                if let sse_core::SseEvent::Message(event) = item.unwrap() {
                    sink.take(&event);
                }
            }
        }
    }
}

impl View for sse_core::MessageEvent {
    fn show(&self, sum: &mut Checksum) {
        let id = self.last_event_id.as_deref().unwrap_or_default();
        sum.whole(self.data.as_bytes(), &self.event, id);
    }
}

/// Without a stream around it.
struct SseParse;

impl Decode for SseParse {
    fn decode(chunks: &[Bytes], sink: &mut impl Sink) {
        let mut parser = sse_parse::SseParser::new();
        for chunk in chunks {
            parser.feed(chunk);
            while let Some(event) = parser.next_event() {
                sink.take(&event);
            }
        }
    }
}

impl View for sse_parse::Event {
    fn show(&self, sum: &mut Checksum) {
        sum.whole(self.data.as_bytes(), &self.event, &self.id);
    }
}

struct Sseer;

impl Decode for Sseer {
    fn decode(chunks: &[Bytes], sink: &mut impl Sink) {
        let events = sseer::EventStream::new(body(chunks));
        drain(events, |event| sink.take(&event.unwrap()));
    }
}

impl View for sseer::event::Event {
    fn show(&self, sum: &mut Checksum) {
        sum.whole(self.data.as_bytes(), &self.event, &self.id);
    }
}
