//! Masks payloads in place.
//!
//! The mask functions of tungstenite and tokio-websockets are private.

use crate::harness::{Checksum, Contender, Field, Goal, LEVEL, Row, Sink, View, Work};
use eventwire::ws::frame::MaskKey;
use std::hint::black_box;
use std::marker::PhantomData;

const KEY: [u8; 4] = [0xA1, 0x5B, 0x07, 0xFE];
const CACHE_LINE: usize = 64;
/// Short payloads are next to each other, so that no mask waits for bytes that were just written,
/// just as if each were masked once. All of them stay in the first cache.
const REGION: usize = 16 << 10;

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, len) in [
        ("16 B", 16),
        ("64 B", 64),
        ("125 B", 125),
        ("1 KiB", 1 << 10),
        ("16 KiB", 16 << 10),
        ("64 KiB", 64 << 10),
        ("1 MiB", 1 << 20),
    ] {
        for (delivery, offset) in [("aligned", 0), ("at 1", 1), ("at 3", 3)] {
            rows.push(Row {
                work: "mask",
                shape: name,
                delivery,
                // Any less is noise.
                goals: vec![Goal::peers("apply", LEVEL)],
                plotted: false,
                field: Box::new(move || field(len, offset)),
            });
        }
    }
    rows
}

fn field(len: usize, offset: usize) -> Field {
    let places = Places::new(len, offset);
    let mut expected = Checksum::default();
    for start in places.starts() {
        let plain = &places.memory[start..start + len];
        let masked: Vec<u8> = plain.iter().zip(KEY.iter().cycle()).map(|(a, b)| a ^ b).collect();
        expected.whole(&masked, "", "");
    }
    let contenders = vec![
        Contender::ours("apply", Masks::<Ours>::new(len, offset)),
        Contender::peer("fastwebsockets", Masks::<Fastwebsockets>::new(len, offset)),
        Contender::peer("sockudo-ws", Masks::<Sockudo>::new(len, offset)),
        Contender::peer("yawc", Masks::<Yawc>::new(len, offset)),
    ];
    Field { expected, contenders }
}

/// Payloads that each begin this many bytes after the start of a cache line.
struct Places {
    memory: Vec<u8>,
    first: usize,
    stride: usize,
    len: usize,
    count: usize,
}

impl Places {
    fn new(len: usize, offset: usize) -> Self {
        let stride = (offset + len).next_multiple_of(CACHE_LINE);
        let count = (REGION / stride).max(1);
        let memory = vec![0xC5; count * stride + CACHE_LINE];
        let first = memory.as_ptr().align_offset(CACHE_LINE) + offset;
        Self { memory, first, stride, len, count }
    }

    fn starts(&self) -> impl Iterator<Item = usize> + use<> {
        let Self { first, stride, count, .. } = *self;
        (0..count).map(move |index| first + index * stride)
    }
}

trait Mask {
    fn mask(place: &mut [u8], key: [u8; 4]);
}

struct Masks<M> {
    places: Places,
    mask: PhantomData<M>,
}

impl<M> Masks<M> {
    fn new(len: usize, offset: usize) -> Self {
        Self { places: Places::new(len, offset), mask: PhantomData }
    }
}

impl<M: Mask> Work for Masks<M> {
    fn run<S: Sink>(&mut self, sink: &mut S) {
        let len = black_box(self.places.len);
        for start in self.places.starts() {
            let place = &mut self.places.memory[start..start + len];
            M::mask(place, black_box(KEY));
            sink.take(&Masked(place));
        }
    }
}

struct Masked<'a>(&'a [u8]);

impl View for Masked<'_> {
    fn show(&self, sum: &mut Checksum) {
        sum.whole(self.0, "", "");
    }
}

struct Ours;

impl Mask for Ours {
    fn mask(place: &mut [u8], key: [u8; 4]) {
        MaskKey(key).apply(place);
    }
}

struct Fastwebsockets;

impl Mask for Fastwebsockets {
    fn mask(place: &mut [u8], key: [u8; 4]) {
        fastwebsockets::unmask(place, key);
    }
}

struct Sockudo;

impl Mask for Sockudo {
    fn mask(place: &mut [u8], key: [u8; 4]) {
        sockudo_ws::mask::apply_mask(place, key);
    }
}

/// Public, but hidden in its documentation.
struct Yawc;

impl Mask for Yawc {
    fn mask(place: &mut [u8], key: [u8; 4]) {
        yawc::mask::apply_mask(place, key);
    }
}
