//! Faults that were found by reading the code, each with its test.

use eventwire_tokio::ws::{self, Failure, Message, WebSocket, WebSocketOptions};
use futures_util::{FutureExt, SinkExt, StreamExt, future};
use std::error::Error;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};

type Failed = Box<dyn Error + Send + Sync>;

pub async fn pair(size: usize, options: WebSocketOptions) -> (WebSocket, WebSocket) {
    let (a, b) = duplex(size);
    let server = tokio::spawn(ws::accept(b).into_future());
    let client = ws::connect("ws://example.com/").options(options).over(a).await;
    (client.expect("a client"), server.await.expect("no panic").expect("a server"))
}

/// Fails if a future is polled very often without anything happening.
async fn calmly<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        assert!(polls < 200, "a busy loop");
        future.as_mut().poll(cx)
    })
    .await
}

/// A writer that waits for its flush, and a reader that waits for a message, in one task.
#[tokio::test(start_paused = true)]
async fn one_task_may_wait_for_both_halves() {
    let (client, mut server) = pair(64, WebSocketOptions::new()).await;
    let (mut tx, mut rx) = client.split();
    let peer = async move {
        sleep(Duration::from_secs(1)).await;
        let received = server.next().await;
        server.send("done").await?;
        Ok::<_, Failed>(received)
    };
    let both = calmly(future::join(tx.send(vec![0; 1000]), rx.next()));
    let ((sent, answer), received) = future::join(both, peer).await;
    assert_eq!(sent, Ok(()));
    assert_eq!(received.expect("it is sent"), Some(Ok(Message::from(vec![0; 1000]))));
    assert_eq!(answer, Some(Ok(Message::from("done"))));
}

#[tokio::test(start_paused = true)]
async fn one_task_may_close_and_receive() {
    let (client, _server) = pair(4096, WebSocketOptions::new()).await;
    let (mut tx, mut rx) = client.split();
    let (closed, end) = calmly(future::join(SinkExt::close(&mut tx), rx.next())).await;
    assert_eq!(closed, Ok(()));
    let close = end.expect("an error").expect_err("the peer did not answer");
    assert_eq!(close.failure, Some(Failure::ClosingTimeout));
}

#[tokio::test(start_paused = true)]
async fn one_task_may_use_a_stream_of_bytes_in_both_directions() -> Result<(), Failed> {
    let (client, mut server) = pair(64, WebSocketOptions::new()).await;
    let (mut read, mut write) = tokio::io::split(client.into_byte_stream());
    let peer = async move {
        sleep(Duration::from_secs(1)).await;
        let received = server.next().await;
        server.send(b"done").await?;
        Ok::<_, Failed>(received)
    };
    let sending = async move {
        write.write_all(&[0; 1000]).await?;
        write.flush().await?;
        Ok::<_, std::io::Error>(write)
    };
    let mut answer = [0; 4];
    let both = calmly(future::join(sending, read.read_exact(&mut answer)));
    let ((sent, read), received) = future::join(both, peer).await;
    assert!(sent.is_ok() && read.is_ok() && received.is_ok());
    assert_eq!(&answer, b"done");
    Ok(())
}

/// Messages that the one half has read must not wake the other again and again.
#[tokio::test(start_paused = true)]
async fn both_halves_may_wait_for_the_end() -> Result<(), Failed> {
    let (client, mut server) = pair(4096, WebSocketOptions::new()).await;
    let (mut tx, mut rx) = client.split();
    server.send("unread").await?;
    let writer = tokio::spawn(async move { calmly(tx.closed()).await });
    let reader = tokio::spawn(async move { calmly(rx.closed()).await });
    sleep(Duration::from_secs(1)).await;
    assert!(server.close(1000, "").await?.was_clean);
    assert!(writer.await?.was_clean && reader.await?.was_clean);
    Ok(())
}

/// Fills the pipe to the peer, while a task waits for the peer's messages.
async fn flush_beside_a_reader<R, F>(reader: R, flush: F, mut server: WebSocket)
where
    R: Future<Output: Send> + Send + 'static,
    F: Future<Output: Send> + Send + 'static,
{
    let flush = tokio::spawn(flush);
    tokio::task::yield_now().await;
    // It is polled after the flush, and now the transport has its waker.
    let reader = tokio::spawn(reader);
    tokio::task::yield_now().await;
    let received = timeout(Duration::from_secs(1), server.next()).await;
    assert!(matches!(received, Ok(Some(Ok(_)))), "{received:?}");
    // The server received all, so that nothing else wakes the task that flushes.
    let flushed = timeout(Duration::from_secs(1), flush).await;
    assert!(flushed.is_ok(), "the flush waits for ever");
    drop(reader);
}

#[tokio::test(start_paused = true)]
async fn two_tasks_may_use_one_stream_of_bytes() {
    let (client, server) = pair(64, WebSocketOptions::new()).await;
    let (mut read, mut write) = tokio::io::split(client.into_byte_stream());
    let reader = async move { read.read_u8().await };
    let flush = async move {
        write.write_all(&[0; 1000]).await?;
        write.flush().await?;
        Ok::<_, std::io::Error>(write)
    };
    flush_beside_a_reader(reader, flush, server).await;
}

#[tokio::test(start_paused = true)]
async fn two_tasks_may_use_a_stream_and_a_sink() {
    let (client, server) = pair(64, WebSocketOptions::new()).await;
    let (mut tx, mut rx) = StreamExt::split(client);
    let reader = async move { rx.next().await };
    let flush = async move {
        let sent = tx.send(Message::from(vec![0; 1000])).await;
        (sent, tx)
    };
    flush_beside_a_reader(reader, flush, server).await;
}

/// A flush that was dropped has polled the transport last. The reader still writes the rest.
#[tokio::test(start_paused = true)]
async fn a_reader_goes_on_with_a_flush_that_was_dropped() -> Result<(), Failed> {
    let (client, mut server) = pair(64, WebSocketOptions::new()).await;
    let (mut tx, mut rx) = client.split();
    let reader = tokio::spawn(async move { rx.next().await });
    tokio::task::yield_now().await;
    tx.feed(vec![0; 1000]).await?;
    tokio::task::yield_now().await;
    assert_eq!(tx.flush().now_or_never(), None);
    let received = timeout(Duration::from_secs(1), server.next()).await?;
    assert_eq!(received, Some(Ok(Message::from(vec![0; 1000]))));
    reader.abort();
    Ok(())
}

/// The timer wakes the task that waits for messages, even if another one polled it last.
#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_given_up_beside_a_writer() -> Result<(), Failed> {
    let options = WebSocketOptions::new().ping_interval(Duration::from_secs(20));
    let (client, mut server) = pair(64, options).await;
    let (mut read, mut write) = tokio::io::split(client.into_byte_stream());
    let reader = tokio::spawn(async move {
        let start = Instant::now();
        (read.read_u8().await.map_err(|error| error.to_string()), start.elapsed())
    });
    tokio::task::yield_now().await;
    write.write_all(&[0; 1000]).await?;
    let (flushed, received) = future::join(write.flush(), server.next()).await;
    flushed?;
    assert!(received.is_some());
    // Nobody polls the server any more.
    let (read, took) = timeout(Duration::from_secs(100), reader).await??;
    assert!(read.is_err());
    assert!(took < Duration::from_secs(45), "{took:?}");
    Ok(())
}

/// The sink's end leaves messages to the stream.
#[tokio::test]
async fn closing_the_sink_loses_no_message_of_the_stream() -> Result<(), Failed> {
    let (client, mut server) = pair(4096, WebSocketOptions::new()).await;
    let (mut tx, mut rx) = StreamExt::split(client);
    for text in ["a", "b", "c"] {
        server.feed(text).await?;
    }
    server.flush().await?;
    let server = tokio::spawn(async move { server.closed().await });
    SinkExt::close(&mut tx).await?;
    for text in ["a", "b", "c"] {
        assert_eq!(rx.next().await, Some(Ok(Message::from(text))));
    }
    assert_eq!(rx.next().await, None);
    assert!(server.await?.was_clean);
    Ok(())
}

/// A task that is dropped with its last waker, as those of some runtimes are.
struct DropsWithWaker(#[expect(dead_code, reason = "it is dropped")] Mutex<ws::ReadHalf>);

impl Wake for DropsWithWaker {
    fn wake(self: Arc<Self>) {}
}

#[tokio::test]
async fn the_last_waker_of_a_task_may_drop_the_other_half() {
    let (client, _server) = pair(4096, WebSocketOptions::new()).await;
    let (mut tx, rx) = client.split();
    let waker = Waker::from(Arc::new(DropsWithWaker(Mutex::new(rx))));
    let mut closed = pin!(tx.closed());
    assert!(closed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    // The first waker is dropped for this one. That must not happen under a lock.
    assert!(closed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// An end of a pipe that panics when it is read the first time.
struct Panics(DuplexStream, bool);

impl tokio::io::AsyncRead for Panics {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        assert!(std::mem::replace(&mut self.1, true), "a transport's fault");
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl tokio::io::AsyncWrite for Panics {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn the_other_half_survives_a_panic() -> Result<(), Failed> {
    let (a, mut b) = duplex(4096);
    let (mut tx, mut rx) = WebSocket::server(Panics(a, false), WebSocketOptions::new()).split();
    let reader = tokio::spawn(async move {
        let panicked = std::panic::AssertUnwindSafe(rx.next()).catch_unwind().await;
        (panicked.is_err(), rx)
    });
    let (panicked, rx) = reader.await?;
    assert!(panicked);
    tx.send("still here").await?;
    drop((tx, rx));
    let mut received = Vec::new();
    b.read_to_end(&mut received).await?;
    assert_eq!(received, b"\x81\x0Astill here\x88\x02\x03\xE9");
    Ok(())
}
