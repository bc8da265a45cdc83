//! A WebSocket's heartbeat, where the transport takes its time.
#![cfg(feature = "alloc")]

use bytes::{Buf, BytesMut};
use eventwire::ws::{CloseEvent, Failure, Frame, SocketEvent, SocketOptions, WebSocket};
use std::time::Duration;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A write that is awaited takes its bytes later than it was begun, and that is when the peer was
/// last there.
#[test]
fn what_a_write_takes_counts_from_when_it_ends() {
    let options = SocketOptions::new().ping_interval(ms(100)).pong_timeout(ms(500));
    let mut socket = WebSocket::server(options, ms(0));
    let mut received = BytesMut::new();
    assert_eq!(socket.poll(&mut received, ms(0)), Some(SocketEvent::Open));
    let _ = socket.send(&Frame::binary([0; 1000])).unwrap();
    assert_eq!(socket.poll(&mut received, ms(100)), None); // the ping is queued
    for began in (100..2000).step_by(400) {
        socket.to_write(ms(began)).advance(10);
        assert_eq!(socket.poll(&mut received, ms(began + 400)), None, "begun at {began}");
    }
    // The last write was seen at 2100.
    assert_eq!(socket.deadline(), Some(ms(2600)));
    assert_eq!(socket.poll(&mut received, ms(2599)), None);
    let Some(SocketEvent::Close(CloseEvent { failure, .. })) = socket.poll(&mut received, ms(2600))
    else {
        panic!("still open")
    };
    assert_eq!(failure, Some(Failure::PongTimeout));
}
