//! The rows that decode events.

use super::{Shape, anthropic, comments, lines, long_line, openai, ours, peers, with_id};
use crate::harness::{Contender, Field, Goal, LEVEL, Row};
use bytes::Bytes;
use memchr::memchr2_iter;
use std::hint::black_box;
use std::rc::Rc;

/// How much of a stream is decoded in one run: enough to make its edges negligible, and in cache.
const STREAM: usize = 256 << 10;
/// The same in very small chunks, whose list must stay in cache too.
const SMALL_STREAM: usize = 16 << 10;

/// How a stream arrives: in chunks of this many bytes, or each event by itself.
#[derive(Clone, Copy)]
struct Delivery {
    name: &'static str,
    chunk: Option<usize>,
}

const DELIVERIES: [Delivery; 4] = [
    Delivery { name: "whole", chunk: Some(usize::MAX) },
    Delivery { name: "16 KiB", chunk: Some(16 << 10) },
    Delivery { name: "1400 B", chunk: Some(1400) },
    Delivery { name: "event", chunk: None },
];
const SMALL: [Delivery; 2] =
    [Delivery { name: "16 B", chunk: Some(16) }, Delivery { name: "1 B", chunk: Some(1) }];

/// The goal of a row: how many times faster than the best peer.
#[derive(Clone, Copy)]
struct Aims {
    borrowed: f64,
    /// `None` for a shape that no language model streams.
    model: Option<Model>,
    plotted: bool,
}

/// The streams of language models are also compared with the line scan, and decoded to owned text.
#[derive(Clone, Copy)]
struct Model {
    lines: Option<f64>,
    owned: Option<f64>,
}

const MODEL: Aims = Aims {
    borrowed: 2.0,
    model: Some(Model { lines: Some(LEVEL), owned: Some(1.5) }),
    plotted: true,
};
const TINY: Aims = Aims { borrowed: 2.0, model: None, plotted: true };
const OTHER: Aims = Aims { borrowed: 1.5, model: None, plotted: true };
const LONG: Aims = Aims { plotted: false, ..OTHER };
const COMMENTS: Aims = Aims { borrowed: LEVEL, ..LONG };
const SMALL_CHUNKS: Aims =
    Aims { borrowed: LEVEL, model: Some(Model { lines: None, owned: None }), plotted: false };

pub fn rows() -> Vec<Row> {
    let tiny = Shape::new("tiny 9 B", "data: 1\n\n".into(), "1".into());
    let shapes = [
        (openai("OpenAI 256 B", " streamed"), MODEL),
        (openai("OpenAI non-ASCII", "\u{6D41}\u{308C}\u{304C}"), MODEL),
        (anthropic("Anthropic 141 B", " the server's event stream"), MODEL),
        (
            anthropic(
                "Anthropic non-ASCII",
                " \u{6D41}\u{308C}\u{306E}\u{4E2D}\u{3092} f\u{FC}r dich",
            ),
            MODEL,
        ),
        (tiny, TINY),
        (with_id(), OTHER),
        (lines(), OTHER),
        (comments(), COMMENTS),
        (long_line(), LONG),
    ];
    let mut rows = Vec::new();
    for (shape, aims) in &shapes {
        for delivery in DELIVERIES {
            // A single event of at least this length is the whole stream anyway.
            if delivery.chunk.is_some() || shape.sent.len() < STREAM {
                rows.push(row(shape, delivery, *aims, STREAM));
            }
        }
    }
    for index in [0, 3] {
        for delivery in SMALL {
            rows.push(row(&shapes[index].0, delivery, SMALL_CHUNKS, SMALL_STREAM));
        }
    }
    rows
}

fn row(shape: &Shape, delivery: Delivery, aims: Aims, stream: usize) -> Row {
    let mut goals = vec![Goal::peers("borrowed", aims.borrowed)];
    if let Some(model) = aims.model {
        goals.push(Goal::named("borrowed", "memchr2 lines", model.lines));
    }
    goals.push(Goal::peers("owned", aims.model.and_then(|model| model.owned)));
    goals.push(Goal::peers("owned BytesMut", None));
    let input = shape.clone();
    Row {
        work: "SSE decode",
        shape: shape.name,
        delivery: delivery.name,
        goals,
        plotted: aims.plotted && delivery.name == "16 KiB",
        field: Box::new(move || field(&input, delivery, stream)),
    }
}

fn field(shape: &Shape, delivery: Delivery, stream: usize) -> Field {
    let count = (stream / shape.sent.len()).max(1);
    let stream = Bytes::from(shape.sent.repeat(count));
    let chunk = delivery.chunk.unwrap_or(shape.sent.len()).min(stream.len());
    let chunks: Rc<[Bytes]> = stream.chunks(chunk).map(|chunk| stream.slice_ref(chunk)).collect();
    let mut contenders = vec![
        if shape.data.contains('\n') {
            Contender::ours("borrowed", ours::Borrowed::<true>::new(stream.clone(), chunk))
        } else {
            Contender::ours("borrowed", ours::Borrowed::<false>::new(stream.clone(), chunk))
        },
        Contender::ours("owned", peers::Over::<ours::Owned>::new(&chunks)),
        Contender::ours("owned BytesMut", peers::Over::<ours::OwnedMut>::new(&chunks)),
    ];
    contenders.extend(peers::all(&chunks));
    let lines = chunks.clone();
    contenders.push(Contender::limit("memchr2 lines", move || {
        for chunk in &*lines {
            black_box(memchr2_iter(b'\n', b'\r', black_box(chunk)).count());
        }
    }));
    let mut buffer = vec![0; chunk];
    contenders.push(Contender::limit("memcpy", move || {
        for chunk in &*chunks {
            black_box(&mut buffer[..chunk.len()]).copy_from_slice(black_box(chunk));
        }
    }));
    Field { expected: shape.expected(count), contenders }
}
