//! Peers that do harm: memory stays bounded, and nothing waits for ever. And what users do: other
//! runtimes, runtimes that end, and sizes.

use crate::faults::pair;
use allocation_counter::{AllocationInfo, measure};
use eventwire_tokio::ws::{self, Failure, SendError, WebSocket, WebSocketOptions};
use futures_util::{FutureExt, future};
use std::future::{Future, IntoFuture};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{sleep, timeout};

/// Runs this on a runtime of its own, in paused time, and counts its memory.
fn measured<F: Future>(future: impl FnOnce() -> F) -> AllocationInfo {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    measure(|| drop(runtime.block_on(future())))
}

/// Writes these bytes again and again, until the peer takes no more for a second. Returns the
/// number that it took.
async fn flood(io: &mut tokio::io::DuplexStream, bytes: &[u8], most: usize) -> usize {
    let mut taken = 0;
    while taken < most {
        let rest = &bytes[taken % bytes.len()..];
        let Ok(Ok(len)) = timeout(Duration::from_secs(1), io.write(rest)).await else { break };
        taken += len;
    }
    taken
}

/// A peer that sends pings and never reads makes us hold no more than the mark.
#[test]
fn a_flood_of_pings_holds_no_memory() {
    let used = measured(|| async {
        let (a, mut b) = duplex(4096);
        let options = WebSocketOptions::new().high_water_mark(10_000);
        let mut server = WebSocket::server(a, options);
        let receiving = tokio::spawn(async move {
            let _ = timeout(Duration::from_secs(30), server.next()).await;
            server
        });
        let ping = [&b"\x89\xFD\0\0\0\0"[..], &[b'p'; 125]].concat();
        let taken = flood(&mut b, &ping.repeat(10), 10_000_000).await;
        assert!(taken > 1_000_000, "{taken}");
        receiving.abort();
    });
    // The pipe, the scratch, and twice the mark for the queue's growth.
    assert!(used.bytes_max < 200_000, "{used:?}");
}

/// The peer sends tiny messages while we wait for the answer to our close frame, and nobody
/// receives. What waits is bounded.
#[test]
fn a_flood_of_empty_messages_while_closing_holds_no_memory() {
    let used = measured(|| async {
        let (a, mut b) = duplex(1 << 18);
        let (mut tx, _rx) = WebSocket::server(a, WebSocketOptions::new()).split();
        // There at once, so that it comes by one read.
        let empty = b"\x82\x80\0\0\0\0".repeat(10_000);
        b.write_all(&empty).await.expect("room");
        let close = tx.close(1000, "").await.expect("a close");
        assert_eq!(close.failure, Some(Failure::ClosingTimeout));
    });
    // The pipe and the scratch take 330 kB. 10,000 messages would take 1 MB more.
    assert!(used.bytes_max < 450_000, "{used:?}");
}

/// The same if the half that receives is in use, but does not receive.
#[test]
fn a_flood_of_messages_while_both_halves_wait_for_the_end_is_dropped() {
    let used = measured(|| async {
        let (a, mut b) = duplex(4096);
        let (mut tx, mut rx) = WebSocket::server(a, WebSocketOptions::new()).split();
        let ends = tokio::spawn(async move { future::join(tx.closed(), rx.closed()).await });
        let message = b"\x82\x81\0\0\0\0x".repeat(500);
        let taken = flood(&mut b, &message, 5_000_000).await;
        assert!(taken >= 5_000_000, "{taken}");
        drop(b);
        ends.await.expect("no panic");
    });
    assert!(used.bytes_max < 200_000, "{used:?}");
}

/// A long message in pieces of one byte takes memory for what arrived, not for what was claimed.
#[test]
fn a_message_in_tiny_frames_holds_its_size() {
    let used = measured(|| async {
        let (a, mut b) = duplex(4096);
        let mut server = WebSocket::server(a, WebSocketOptions::new());
        let receiving =
            tokio::spawn(async move { timeout(Duration::from_secs(9), server.next()).await });
        b.write_all(b"\x02\x81\0\0\0\0x").await.expect("room");
        let piece = b"\x00\x81\0\0\0\0x".repeat(100);
        flood(&mut b, &piece, 7 * 100_000).await;
        let _ = receiving.await;
    });
    assert!(used.bytes_max < 600_000, "{used:?}");
}

/// A claim of 16 MiB, of which nothing comes.
#[test]
fn a_claim_takes_no_memory() {
    let used = measured(|| async {
        let (a, mut b) = duplex(4096);
        let mut server = WebSocket::server(a, WebSocketOptions::new());
        b.write_all(b"\x82\xFF\0\0\0\0\x01\0\0\0\0\0\0\0x").await.expect("room");
        assert!(timeout(Duration::from_secs(9), server.next()).await.is_err());
    });
    assert!(used.bytes_max < 100_000, "{used:?}");
}

/// A peer that never reads, while we feed: the queue ends at its mark, and the peer is given up.
#[test]
fn a_peer_that_never_reads_holds_no_more_than_the_mark() {
    let used = measured(|| async {
        let options =
            WebSocketOptions::new().high_water_mark(20_000).ping_interval(Duration::from_secs(20));
        let (mut client, _server) = pair(1000, options).await;
        let mut fed = 0;
        loop {
            match client.feed(vec![0; 100]).await {
                Ok(()) => fed += 1,
                Err(SendError::Closed) => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!((100..400).contains(&fed), "{fed}");
        let failure = client.close_event().and_then(|close| close.failure.clone());
        assert_eq!(failure, Some(Failure::PongTimeout));
    });
    assert!(used.bytes_max < 200_000, "{used:?}");
}

/// A server that has pings off and whose peer is gone without a word waits, as its options say.
/// With `idle_timeout` it does not.
#[tokio::test(start_paused = true)]
async fn a_half_open_peer_is_given_up() {
    let (a, b) = duplex(4096);
    let options = WebSocketOptions::new().idle_timeout(Duration::from_secs(30));
    let mut server = WebSocket::server(a, options);
    let end = timeout(Duration::from_secs(40), server.next()).await;
    let close = end.expect("in time").expect("an error").expect_err("an error");
    assert_eq!(close.failure, Some(Failure::ClosingTimeout));
    drop(b);
}

/// Dropping a socket when its runtime ends, or has ended, is no fault.
#[test]
fn a_socket_outlives_its_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let kept = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut sockets = Vec::new();
        for _ in 0..2 {
            let connect = ws::connect(format!("ws://{address}/")).no_proxy();
            let accept = async { ws::accept(listener.accept().await.expect("a client").0).await };
            let (client, server) = future::join(connect.into_future(), accept).await;
            sockets.push((client.expect("a client"), server.expect("a server")));
        }
        let (client, mut server) = sockets.pop().expect("two");
        // These are dropped while the runtime shuts down.
        let (mut tx, mut rx) = client.split();
        tokio::spawn(async move { while tx.send("x").await.is_ok() {} });
        tokio::spawn(async move { rx.next().await });
        tokio::spawn(async move { while server.next().await.is_some() {} });
        sockets
    });
    drop(runtime);
    drop(kept);
}

/// Without a timer that is due, a socket needs no runtime.
#[test]
fn a_socket_without_timers_needs_no_runtime() {
    let (a, mut b) = duplex(4096);
    let mut server = WebSocket::server(a, WebSocketOptions::new());
    let sent = server.send("hello").now_or_never();
    assert_eq!(sent, Some(Ok(())));
    drop(server);
    let mut received = Vec::new();
    let read = b.read_to_end(&mut received).now_or_never();
    assert!(matches!(read, Some(Ok(_))), "{read:?}");
    assert_eq!(received, b"\x81\x05hello\x88\x02\x03\xE9");
}

/// A task that does nothing but receive a flood still lets others run.
#[tokio::test]
async fn a_flood_leaves_time_to_other_tasks() {
    let (client, mut server) = pair(1 << 20, WebSocketOptions::new()).await;
    let receiving = tokio::spawn(async move { server.closed().await });
    let sending = tokio::spawn(async move {
        let mut client = client;
        while client.send(vec![0; 1000]).await.is_ok() {}
    });
    // Both are always ready, and this still comes to its end.
    for _ in 0..10 {
        sleep(Duration::from_millis(1)).await;
    }
    sending.abort();
    receiving.abort();
}

/// Returns the size of a future, in bytes.
#[expect(clippy::needless_pass_by_value, reason = "the future would borrow the socket")]
fn size<F: Future>(future: F) -> usize {
    size_of_val(&future)
}

#[tokio::test]
async fn sockets_and_futures_stay_small() {
    let (mut client, server) = pair(4096, WebSocketOptions::new()).await;
    assert!(size_of::<WebSocket>() <= 32, "{}", size_of::<WebSocket>());
    assert!(size_of::<ws::WriteHalf>() <= 16);
    assert!(size_of::<ws::ReadHalf>() <= 16);
    let (mut tx, mut rx) = server.split();
    let sizes = [
        ("next", size(client.next())),
        ("send", size(client.send("hello"))),
        ("feed", size(client.feed("hello"))),
        ("flush", size(client.flush())),
        ("closed", size(client.closed())),
        ("close", size(client.close(1000, "bye"))),
        ("next of a half", size(rx.next())),
        ("send of a half", size(tx.send("hello"))),
        ("close of a half", size(tx.close(1000, "bye"))),
    ];
    assert!(sizes.iter().all(|(_, size)| *size <= 128), "{sizes:?}");
}
