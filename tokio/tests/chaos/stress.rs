//! Many sockets over real TCP, on many threads.

use crate::rng::Rng;
use eventwire_tokio::ws::{self, CloseEvent, Message, WebSocket};
use std::future::IntoFuture;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet, yield_now};
use tokio::time::timeout;

const SOCKETS: u64 = 50;

/// What one end knows when all is over: what it sent, what it received, and how it ended.
struct End {
    sent: u32,
    received: u32,
    close: CloseEvent,
}

/// Sends for a while, receives all the while, and perhaps closes.
async fn talk(socket: WebSocket, mut rng: Rng, closes: bool) -> End {
    let (mut tx, mut rx) = socket.split();
    let receiving: JoinHandle<u32> = tokio::spawn(async move {
        let mut count = 0_u32;
        while let Some(message) = rx.next().await {
            let message = message.expect("no failure");
            let Message::Binary(bytes) = message else { panic!("{message:?}") };
            let number = bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
            assert_eq!(number, Some(count));
            count += 1;
        }
        assert!(rx.next().await.is_none());
        count
    });
    let mut sent = 0_u32;
    let most = 100 + rng.below(400);
    for _ in 0..most {
        let mut message = sent.to_be_bytes().to_vec();
        message.resize(4 + rng.below(2000), 0);
        let result = match rng.below(3) {
            0 => tx.feed(message).await,
            _ => tx.send(message).await,
        };
        if result.is_err() {
            break;
        }
        sent += 1;
        if rng.once_in(20) {
            yield_now().await;
        }
    }
    let close = if closes { tx.close(4000, "").await.expect("a close") } else { tx.closed().await };
    End { sent, received: receiving.await.expect("no panic"), close }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_ends_agree() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut pairs = JoinSet::new();
    for seed in 0..SOCKETS {
        let mut rng = Rng::new(seed);
        let connect = ws::connect(format!("ws://{address}/")).no_proxy().into_future();
        let connecting = tokio::spawn(connect);
        let (tcp, _) = listener.accept().await.expect("a client");
        let server = ws::accept(tcp).await.expect("a server");
        let client = connecting.await.expect("no panic").expect("a client");
        let closers = [[true, false], [false, true], [true, true]][rng.below(3)];
        let client = tokio::spawn(talk(client, rng.fork(), closers[0]));
        let server = tokio::spawn(talk(server, rng.fork(), closers[1]));
        pairs.spawn(async move { (client.await, server.await) });
    }
    let all = timeout(Duration::from_secs(60), pairs.join_all()).await.expect("no hang");
    for (client, server) in all {
        let (client, server) = (client.expect("no panic"), server.expect("no panic"));
        assert!(client.close.was_clean && server.close.was_clean, "{}", client.close);
        assert_eq!((client.close.code, server.close.code), (4000, 4000));
        // A message whose `send` failed may have been sent.
        assert!((client.sent..=client.sent + 1).contains(&server.received));
        assert!((server.sent..=server.sent + 1).contains(&client.received));
    }
}
