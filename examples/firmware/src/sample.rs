//! The program that is measured: it runs each part once, over the same transport.

use crate::wire::Wire;
use core::hint::black_box;
use embedded_io::{Read, Write};
#[cfg(feature = "sse")]
use firmware::sse;
#[cfg(feature = "websocket")]
use firmware::websocket::{self, Connection, Limits};

static STREAM: &[&[u8]] =
    &[b"id: 7\nevent: sum\ndata: 1 +\nda", b"ta: 2\n\nretry: 1\n: comment\n\n"];
static REQUEST: &[&[u8]] =
    &[b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"];
static FRAMES: &[&[u8]] =
    &[b"\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58\x89\x80\0\0\0\0", b"\x88\x82\0\0\0\0\x03\xE8"];

pub fn run(buffer: &mut [u8; firmware::BUFFER]) -> bool {
    #[allow(unused_mut, reason = "no part may be built in")]
    let mut right = [STREAM, REQUEST, FRAMES].into_iter().all(|chunks| without(chunks, buffer));
    #[cfg(feature = "sse")]
    {
        let mut wire = Wire::new(black_box(STREAM), ignore);
        let decoder = sse::follow(&mut wire, buffer, |event, last_event_id| {
            black_box((event.event_type, event.data, last_event_id));
        });
        right &= decoder.is_ok_and(|decoder| decoder.last_event_id() == "7");
    }
    #[cfg(feature = "handshake")]
    {
        let mut wire = Wire::new(black_box(REQUEST), ignore);
        right &= websocket::accept(&mut wire, buffer) == Ok(0);
    }
    #[cfg(feature = "websocket")]
    {
        let connection = Connection::frame_server(Limits::new());
        right &= websocket::echo(&mut Wire::new(black_box(FRAMES), ignore), connection, buffer, 0)
            .is_ok();
    }
    right
}

/// Does what every build contains, so that it does not count as part of any.
#[inline(never)]
fn without(chunks: &[&[u8]], buffer: &mut [u8]) -> bool {
    let mut wire = Wire::new(black_box(chunks), ignore);
    while let Ok(len @ 1..) = wire.read(buffer) {
        if wire.write_all(&buffer[..len]).is_err() {
            return false;
        }
    }
    true
}

fn ignore(bytes: &[u8]) {
    black_box(bytes);
}
