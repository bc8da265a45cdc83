//! Sockets as transports.

use crate::support::pair;
use eventwire_blocking::Transport;
use std::io::Write;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(100);

/// Checks that a transport which is prepared waits for input.
fn waits(transport: &impl Transport, mut peer: impl Write) {
    transport.prepare().unwrap();
    let start = Instant::now();
    transport.read_within(&mut [0], Some(SHORT)).unwrap_err();
    assert!(start.elapsed() > SHORT / 2, "{:?}", start.elapsed());
    peer.write_all(b"!").unwrap();
    assert_eq!(transport.read_within(&mut [0], None).unwrap(), 1);
}

#[test]
fn a_socket_that_was_not_to_block_waits() {
    let (ours, theirs) = pair();
    ours.set_nonblocking(true).unwrap();
    waits(&ours, theirs);
    assert!(ours.nodelay().unwrap());
}

#[cfg(unix)]
#[test]
fn a_unix_socket_that_was_not_to_block_waits() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    waits(&ours, theirs);
}
