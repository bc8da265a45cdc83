//! The halves of a WebSocket on two threads, and a transport that is woken by a third.
//!
//! `EVENTWIRE_INTERLEAVINGS=10000` tries that many of each scenario, in each of two ways.

use eventwire_tokio_shuttle::ws::{Message, SendError, WebSocket, WebSocketOptions};
use shuttle::future::block_on;
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};

/// The bytes of both directions, and the waker of each.
#[derive(Default)]
struct Wire {
    to_us: VecDeque<u8>,
    is_ended: bool,
    reader: Option<Waker>,
    to_peer: Vec<u8>,
    /// The number of bytes that may be written now.
    room: usize,
    writer: Option<Waker>,
}

/// The bytes, and what tells the test that some were written.
type Shared = (Mutex<Wire>, Condvar);

/// The end that a `WebSocket` uses.
struct End(Arc<Shared>);

/// The end that a test uses.
struct Peer(Arc<Shared>);

fn wire(room: usize) -> (WebSocket, Peer) {
    let wire = Wire { room, ..Wire::default() };
    let wire = Arc::new((Mutex::new(wire), Condvar::new()));
    let socket = WebSocket::server(End(Arc::clone(&wire)), WebSocketOptions::new());
    (socket, Peer(wire))
}

impl Peer {
    fn send(&self, bytes: &[u8]) {
        let mut wire = self.0.0.lock().unwrap();
        wire.to_us.extend(bytes);
        let reader = wire.reader.take();
        drop(wire);
        reader.into_iter().for_each(Waker::wake);
    }

    fn end(&self) {
        let mut wire = self.0.0.lock().unwrap();
        wire.is_ended = true;
        let reader = wire.reader.take();
        drop(wire);
        reader.into_iter().for_each(Waker::wake);
    }

    fn make_room(&self, room: usize) {
        let mut wire = self.0.0.lock().unwrap();
        wire.room += room;
        let writer = wire.writer.take();
        drop(wire);
        writer.into_iter().for_each(Waker::wake);
    }

    fn received(&self) -> Vec<u8> {
        self.0.0.lock().unwrap().to_peer.clone()
    }

    /// Waits until these bytes have arrived.
    fn wait_for(&self, bytes: &[u8]) {
        let mut wire = self.0.0.lock().unwrap();
        while !wire.to_peer.windows(bytes.len()).any(|window| window == bytes) {
            wire = self.0.1.wait(wire).unwrap();
        }
    }
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut wire = self.0.0.lock().unwrap();
        if wire.to_us.is_empty() && !wire.is_ended {
            wire.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = wire.to_us.len().min(buffer.remaining());
        let rest = wire.to_us.split_off(len);
        let read = std::mem::replace(&mut wire.to_us, rest);
        buffer.put_slice(&Vec::from(read));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.0.0.lock().unwrap();
        let len = bytes.len().min(wire.room);
        if len == 0 {
            wire.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        wire.room -= len;
        wire.to_peer.extend(&bytes[..len]);
        self.0.1.notify_all();
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const HELLO: &[u8] = b"\x81\x82\0\0\0\0hi";
const PING: &[u8] = b"\x89\x80\0\0\0\0";
const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xE8";

/// Timers need a runtime. Its time stands still, so that no timer hides a lost wake-up.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
});

/// Tries a scenario in many interleavings. One in which all threads wait is a failure.
fn check(scenario: fn()) {
    let times = std::env::var("EVENTWIRE_INTERLEAVINGS").ok().and_then(|text| text.parse().ok());
    let times = times.unwrap_or(200);
    let _guard = RUNTIME.enter();
    shuttle::check_random(scenario, times);
    shuttle::check_pct(scenario, times, 3);
}

/// A reader waits, a writer sends and closes, and the peer answers from a third thread.
#[test]
fn one_reads_and_one_sends_and_closes() {
    check(|| {
        let (socket, peer) = wire(3);
        let (mut tx, mut rx) = socket.split();
        let reader = thread::spawn(move || {
            block_on(async move {
                let mut count = 0;
                while let Some(message) = rx.next().await {
                    assert_eq!(message.unwrap(), Message::from("hi"));
                    count += 1;
                }
                count
            })
        });
        let writer = thread::spawn(move || {
            block_on(async move {
                tx.send("abc").await.unwrap();
                assert!(tx.close(1000, "").await.unwrap().was_clean);
            });
        });
        peer.send(HELLO);
        peer.make_room(4);
        peer.send(PING);
        peer.make_room(100);
        peer.wait_for(b"\x88\x02\x03\xE8");
        peer.send(HELLO);
        peer.send(CLOSE);
        peer.end();
        writer.join().unwrap();
        assert_eq!(reader.join().unwrap(), 2);
        assert!(peer.received().windows(5).any(|bytes| bytes == b"\x81\x03abc"));
    });
}

/// The reader makes room and writes for a writer that waits.
#[test]
fn one_waits_for_the_flush() {
    check(|| {
        let (socket, peer) = wire(0);
        let (mut tx, mut rx) = socket.split();
        let reader = thread::spawn(move || {
            block_on(async move { while let Some(Ok(_)) = rx.next().await {} });
        });
        let writer = thread::spawn(move || {
            block_on(async move {
                assert_eq!(tx.send("a").await, Ok(()));
                tx.feed("b").await.unwrap();
                assert_eq!(tx.flush().await, Ok(()));
            });
        });
        for _ in 0..6 {
            peer.make_room(1);
        }
        writer.join().unwrap();
        peer.end();
        peer.make_room(100);
        reader.join().unwrap();
        assert!(peer.received().starts_with(b"\x81\x01a\x81\x01b"));
    });
}

/// The reader writes what the writer only queues.
#[test]
fn a_waiting_reader_writes_what_is_queued() {
    check(|| {
        let (socket, peer) = wire(100);
        let (mut tx, mut rx) = socket.split();
        let reader = thread::spawn(move || block_on(rx.next()));
        let writer = thread::spawn(move || {
            tx.try_send("a").unwrap();
            tx
        });
        peer.wait_for(b"\x81\x01a");
        peer.send(HELLO);
        assert_eq!(reader.join().unwrap(), Some(Ok(Message::from("hi"))));
        drop(writer.join().unwrap());
    });
}

/// Both wait for the end.
#[test]
fn both_wait_for_the_end() {
    check(|| {
        let (socket, peer) = wire(100);
        let (mut tx, mut rx) = socket.split();
        let reader = thread::spawn(move || block_on(rx.closed()).was_clean);
        let writer = thread::spawn(move || block_on(tx.closed()).was_clean);
        peer.send(HELLO);
        peer.send(CLOSE);
        peer.end();
        assert!(reader.join().unwrap());
        assert!(writer.join().unwrap());
    });
}

/// The writer reads no more, because messages wait that nobody takes. Then the reader goes away.
#[test]
fn the_reader_goes_away_while_the_writer_waits() {
    check(|| {
        let (socket, peer) = wire(100);
        let long = [&b"\x82\xFE\xFF\xFF\0\0\0\0"[..], &[0; 0xFFFF]].concat();
        peer.send(&long);
        peer.send(&long);
        peer.send(CLOSE);
        peer.end();
        let (mut tx, rx) = socket.split();
        let writer = thread::spawn(move || block_on(tx.close(1000, "")).unwrap().was_clean);
        let reader = thread::spawn(move || drop(rx));
        reader.join().unwrap();
        assert!(writer.join().unwrap());
    });
}

/// The same with a reader that takes messages again.
#[test]
fn the_reader_takes_what_the_writer_has_read() {
    check(|| {
        let (socket, peer) = wire(100);
        let long = [&b"\x82\xFE\xFF\xFF\0\0\0\0"[..], &[0; 0xFFFF]].concat();
        peer.send(&long);
        peer.send(&long);
        peer.send(CLOSE);
        peer.end();
        let (mut tx, mut rx) = socket.split();
        let writer = thread::spawn(move || block_on(tx.close(1000, "")).unwrap().was_clean);
        let reader = thread::spawn(move || {
            block_on(async move {
                let mut count = 0;
                while let Some(message) = rx.next().await {
                    message.unwrap();
                    count += 1;
                }
                count
            })
        });
        assert_eq!(reader.join().unwrap(), 2);
        assert!(writer.join().unwrap());
    });
}

/// The writer goes away, and then both are gone.
#[test]
fn the_writer_goes_away_while_the_reader_waits() {
    check(|| {
        let (socket, peer) = wire(100);
        let (mut tx, mut rx) = socket.split();
        let reader = thread::spawn(move || {
            let message = block_on(rx.next());
            assert_eq!(message, Some(Ok(Message::from("hi"))));
        });
        let writer = thread::spawn(move || tx.try_send("a"));
        peer.send(PING);
        peer.send(HELLO);
        assert_eq!(writer.join().unwrap(), Ok(()));
        reader.join().unwrap();
        assert!(peer.received().ends_with(b"\x88\x02\x03\xE9"));
    });
}

/// The connection fails while both use it.
#[test]
fn both_see_a_failure() {
    check(|| {
        let (socket, peer) = wire(2);
        let (mut tx, mut rx) = socket.split();
        let reader = thread::spawn(move || block_on(rx.next()));
        let writer = thread::spawn(move || block_on(tx.send("too long")));
        peer.end();
        assert!(reader.join().unwrap().unwrap().is_err());
        assert_eq!(writer.join().unwrap(), Err(SendError::Closed));
    });
}
