//! `ws::reconnect`: attempts, ends, and messages that are kept.

use eventwire_tokio::ws::{
    self, Attempt, CloseEvent, ConnectError, ConnectErrorKind, Disconnected, Failure, Hop, Message,
    ReadyState, ReconnectEvent, ReconnectOptions, ReconnectingWebSocket, SendError, WebSocket,
    WebSocketOptions,
};
use futures_util::{FutureExt, StreamExt, stream::FusedStream};
use std::error::Error;
use std::future::{IntoFuture, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

type Failed = Box<dyn Error + Send + Sync>;

const URL: &str = "ws://example.com/chat";

/// Options that wait for at most 1 ms.
fn options() -> ReconnectOptions {
    ReconnectOptions::new().backoff(Duration::from_millis(1), Duration::from_millis(1))
}

/// The servers' ends of the pipes that a client connects through.
struct Servers(mpsc::UnboundedReceiver<DuplexStream>);

impl Servers {
    async fn pipe(&mut self) -> DuplexStream {
        self.0.recv().await.expect("another attempt")
    }

    async fn accept(&mut self) -> Result<WebSocket, Failed> {
        Ok(ws::accept(self.pipe().await).await?)
    }

    /// Answers the next attempt with this response.
    async fn refuse(&mut self, response: &str) -> Result<(), Failed> {
        let mut pipe = self.pipe().await;
        let mut request = [0; 1024];
        while !request.windows(4).any(|it| it == b"\r\n\r\n") {
            assert_ne!(pipe.read(&mut request).await?, 0);
        }
        pipe.write_all(response.as_bytes()).await?;
        Ok(())
    }
}

/// A client over pipes of this size.
fn client_over(size: usize, options: ReconnectOptions) -> (ReconnectingWebSocket, Servers) {
    let (sender, pipes) = mpsc::unbounded_channel();
    let socket = ws::reconnect(options, move |_| {
        let (near, far) = duplex(size);
        // The test that has ended wants no more connections.
        let _ = sender.send(far);
        ws::connect(URL).over(near)
    });
    (socket, Servers(pipes))
}

fn client(options: ReconnectOptions) -> (ReconnectingWebSocket, Servers) {
    client_over(64 << 10, options)
}

async fn next(socket: &mut ReconnectingWebSocket) -> Result<ReconnectEvent, Failed> {
    Ok(socket.next().await.ok_or("the end")??)
}

async fn open(socket: &mut ReconnectingWebSocket) -> Result<(), Failed> {
    assert_eq!(next(socket).await?, ReconnectEvent::Open);
    Ok(())
}

async fn disconnected(socket: &mut ReconnectingWebSocket) -> Result<Disconnected, Failed> {
    match next(socket).await? {
        ReconnectEvent::Disconnected(end) => Ok(end),
        event => Err(format!("{event:?}").into()),
    }
}

/// Waits for the last end, which is an error.
async fn failed(socket: &mut ReconnectingWebSocket) -> Disconnected {
    let end = socket.next().await.expect("an end").expect_err("an error");
    assert_eq!((end.reconnect_in, socket.end()), (None, Some(&end)));
    assert!(socket.is_terminated());
    assert_eq!(socket.next().await, None);
    assert_eq!(socket.ready_state(), ReadyState::Closed);
    assert_eq!(socket.send("late").await, Err(SendError::Closed));
    end
}

fn connect_error(end: &Disconnected) -> &ConnectError {
    end.source().and_then(|error| error.downcast_ref()).expect("an error of `connect`")
}

async fn text(socket: &mut WebSocket) -> Result<String, Failed> {
    Ok(socket.next().await.ok_or("the end")??.to_string())
}

/// Runs both to their ends, in one task.
async fn both<A, B>(
    a: impl Future<Output = Result<A, Failed>>,
    b: impl Future<Output = Result<B, Failed>>,
) -> Result<(A, B), Failed> {
    tokio::try_join!(a, b)
}

#[tokio::test]
async fn a_server_that_comes_up_later_gets_what_was_sent_before() -> Result<(), Failed> {
    let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let mut socket =
        ws::reconnect(options(), move |_| ws::connect(format!("ws://{address}/")).no_proxy());
    for number in 0..3 {
        assert_eq!(socket.send(number.to_string()).await?, number);
    }
    for _ in 0..3 {
        let end = disconnected(&mut socket).await?;
        assert!(
            matches!(connect_error(&end).kind(), ConnectErrorKind::Dial(it) if it.hop() == Hop::Tcp)
        );
        assert!(end.to_string().starts_with("cannot connect to 127.0.0.1:"), "{end}");
        assert!(!end.was_open);
        assert_eq!(end.written, 0..0);
        assert!(end.reconnect_in.is_some_and(|wait| wait <= Duration::from_millis(1)));
    }
    let listener = TcpListener::bind(address).await?;
    let server = tokio::spawn(async move {
        let mut socket = ws::accept(listener.accept().await?.0).await?;
        for number in 0..3 {
            assert_eq!(text(&mut socket).await?, number.to_string());
        }
        socket.send("got them").await?;
        Ok::<_, Failed>(socket.closed().await)
    });
    while next(&mut socket).await? != ReconnectEvent::Open {}
    assert_eq!(next(&mut socket).await?, ReconnectEvent::Message("got them".into()));
    assert_eq!(socket.written(), 3);
    let end = socket.close(1000, "bye").await?;
    assert_eq!((end.close.code, end.written, end.reconnect_in), (1000, 0..3, None));
    assert!(end.was_open && end.close.was_clean);
    assert_eq!(socket.next().await, None);
    assert_eq!(server.await??.reason, "bye");
    Ok(())
}

/// Each server reads some messages and disconnects, while others lie in the pipe, which is narrow.
#[tokio::test]
async fn messages_are_written_in_order_and_never_twice() -> Result<(), Failed> {
    const COUNT: u64 = 300;
    let (mut socket, mut servers) = client_over(64, options());
    let server = tokio::spawn(async move {
        let mut got = Vec::new();
        for take in [0, 1, 7, 50, COUNT] {
            let mut socket = servers.accept().await?;
            let mut here = Vec::new();
            while here.len() < usize::try_from(take)? {
                let number: u64 = text(&mut socket).await?.trim().parse()?;
                here.push(number);
                if number == COUNT - 1 {
                    socket.send("all").await?;
                    assert_eq!(socket.closed().await.code, 1000);
                    break;
                }
            }
            got.push(here);
        }
        Ok::<_, Failed>(got)
    });
    for number in 0..COUNT {
        assert_eq!(socket.try_send(format!("{number:10}"))?, number);
    }
    let mut written = Vec::new();
    loop {
        match next(&mut socket).await? {
            ReconnectEvent::Open => {}
            ReconnectEvent::Disconnected(end) => written.push(end.written),
            ReconnectEvent::Message(_) => break,
        }
    }
    written.push(socket.close(1000, "").await?.written);
    let got = server.await??;
    assert_eq!((written.len(), got.len()), (5, 5));
    let mut expected = 0;
    for (written, got) in written.iter().zip(&got) {
        assert_eq!(written.start, expected, "{written:?}");
        expected = written.end;
        // A connection carries its numbers from the first one on. What was not read is lost.
        let carried: Vec<_> = written.clone().take(got.len()).collect();
        assert_eq!(&carried, got);
    }
    assert_eq!(expected, COUNT);
    Ok(())
}

/// The function logs in, and waits for the answer, before the kept messages.
#[tokio::test]
async fn each_connection_begins_with_a_login() -> Result<(), Failed> {
    let (sender, pipes) = mpsc::unbounded_channel();
    let mut servers = Servers(pipes);
    let mut socket = ws::reconnect(options(), move |attempt: Attempt| {
        let sender = sender.clone();
        async move {
            let (near, far) = duplex(1024);
            sender.send(far)?;
            let mut socket = ws::connect(URL).over(near).await?;
            socket.send(format!("login {}", attempt.number)).await?;
            match socket.next().await.ok_or("no answer")?? {
                answer if answer == Message::from("welcome") => Ok::<_, Failed>(socket),
                answer => Err(format!("refused: {answer}").into()),
            }
        }
    });
    for kept in ["a", "b"] {
        socket.send(kept).await?;
    }
    let server = async {
        let mut first = servers.accept().await?;
        assert_eq!(text(&mut first).await?, "login 0");
        first.send("go away").await?;
        let mut second = servers.accept().await?;
        assert_eq!(text(&mut second).await?, "login 1");
        assert_eq!(second.next().now_or_never(), None);
        // The message right after the answer belongs to the program.
        second.feed("welcome").await?;
        second.send("news").await?;
        assert_eq!(text(&mut second).await?, "a");
        assert_eq!(text(&mut second).await?, "b");
        Ok(second)
    };
    let program = async {
        let end = disconnected(&mut socket).await?;
        assert_eq!((end.to_string(), end.was_open), ("refused: go away".to_owned(), false));
        open(&mut socket).await?;
        assert_eq!(next(&mut socket).await?, ReconnectEvent::Message("news".into()));
        while socket.written() < 2 {
            assert!(socket.next().now_or_never().is_none());
            yield_now().await;
        }
        Ok(())
    };
    let _ = both(server, program).await?;
    Ok(())
}

#[tokio::test]
async fn messages_can_be_held_back() -> Result<(), Failed> {
    let (mut socket, mut servers) = client(options());
    socket.send("kept").await?;
    assert_eq!(socket.send_now("now"), Err(SendError::Connecting));
    let ((), mut server) = both(open(&mut socket), servers.accept()).await?;
    socket.hold();
    socket.send("kept too").await?;
    socket.send_now("now")?;
    assert!(socket.next().now_or_never().is_none());
    assert_eq!(text(&mut server).await?, "now");
    assert_eq!(socket.written(), 0);
    let mut seen = Vec::new();
    let taken = socket.take_unsent(|number, message| {
        seen.push(number);
        message.payload() == b"kept too"
    });
    assert_eq!(seen, [0, 1]);
    assert_eq!(taken.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1]);
    socket.release();
    assert!(socket.next().now_or_never().is_none());
    assert_eq!(text(&mut server).await?, "kept");
    Ok(())
}

#[tokio::test]
async fn the_token_is_renewed_after_a_refusal() -> Result<(), Failed> {
    let (sender, pipes) = mpsc::unbounded_channel();
    let mut servers = Servers(pipes);
    let options = options().ends_on(|_| false);
    let mut token = "old";
    let mut socket = ws::reconnect(options, move |attempt: Attempt| {
        if let Some(Failure::Refused(refusal)) = attempt.last_close.and_then(|it| it.failure)
            && refusal.status() == 401
        {
            token = "new";
        }
        let (near, far) = duplex(1024);
        let _ = sender.send(far);
        ws::connect(URL).header("Authorization", token).over(near)
    });
    let server = async {
        let check = |request: &ws::handshake::Request<'_>| match request.header("authorization") {
            Some(b"new") => Ok(()),
            _ => Err(ws::handshake::Rejection::UNAUTHORIZED),
        };
        ws::accept(servers.pipe().await).on_request(check).await.expect_err("the old token");
        Ok(ws::accept(servers.pipe().await).on_request(check).await?)
    };
    let program = async {
        assert!(disconnected(&mut socket).await?.reconnect_in.is_some());
        open(&mut socket).await
    };
    let _ = both(server, program).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_heeded() -> Result<(), Failed> {
    let (mut socket, mut servers) = client(options());
    let response = "HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nslow";
    let (end, ()) = both(disconnected(&mut socket), servers.refuse(response)).await?;
    let Some(Failure::Refused(refusal)) = &end.close.failure else { panic!("{end:?}") };
    assert_eq!((refusal.status(), &refusal.body()[..]), (429, &b"slow"[..]));
    assert_eq!(end.reconnect_in, Some(Duration::from_secs(7)));
    let start = Instant::now();
    let ((), _server) = both(open(&mut socket), servers.accept()).await?;
    assert!((7000..7100).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_refusal_for_good_is_an_error() -> Result<(), Failed> {
    let (mut socket, mut servers) = client(options());
    socket.send("kept").await?;
    let response = "HTTP/1.1 401 No\r\nX-Why: you\r\nContent-Length: 5\r\n\r\nlogin";
    let (end, refused) = tokio::join!(failed(&mut socket), servers.refuse(response));
    refused?;
    let Some(Failure::Refused(refusal)) = &end.close.failure else { panic!("{end:?}") };
    assert_eq!(refusal.header("x-why"), Some(&b"you"[..]));
    assert_eq!(refusal.body(), "login");
    assert_eq!(end.to_string(), "the server refused to open a WebSocket, with status 401");
    assert_eq!(socket.take_unsent(|_, _| true).len(), 1);
    assert!(servers.0.recv().now_or_never().is_none(), "no further attempt");
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("cannot log in")]
struct NoLogin(#[source] ConnectError);

#[tokio::test]
async fn what_cannot_be_connected_to_is_an_error() {
    let mut socket = ws::reconnect(options(), |_| ws::connect("http ://example.com"));
    let end = failed(&mut socket).await;
    assert!(matches!(connect_error(&end).kind(), ConnectErrorKind::Url(_)));
    assert!(end.to_string().starts_with("invalid URL: "), "{end}");

    // An error that has it as its source is as permanent.
    let mut socket = ws::reconnect(options(), async |_| {
        ws::connect("ws://a/").header("Upgrade", "x").await.map_err(NoLogin)
    });
    assert_eq!(failed(&mut socket).await.to_string(), "cannot log in");
}

#[tokio::test]
async fn attempts_are_limited() -> Result<(), Failed> {
    let mut socket = ws::reconnect(options().max_attempts(2), async |attempt: Attempt| {
        assert_eq!(attempt.number == 0, attempt.last_close.is_none());
        Err(format!("no {}", attempt.number))
    });
    for number in 0..2 {
        let end = disconnected(&mut socket).await?;
        assert_eq!(end.to_string(), format!("no {number}"));
    }
    assert_eq!(failed(&mut socket).await.to_string(), "no 2");
    Ok(())
}

/// A socket that was used up by the function is no connection.
#[tokio::test]
async fn a_function_that_returns_a_closed_socket_has_failed() -> Result<(), Failed> {
    let (sender, pipes) = mpsc::unbounded_channel();
    let mut servers = Servers(pipes);
    let mut socket = ws::reconnect(options(), move |_| {
        let (near, far) = duplex(1024);
        let _ = sender.send(far);
        async {
            let mut socket = ws::connect(URL).over(near).await?;
            socket.closed().await;
            Ok::<_, ConnectError>(socket)
        }
    });
    let server = async { Ok(servers.accept().await?.close(4000, "later").await?) };
    let (end, _) = both(disconnected(&mut socket), server).await?;
    let close: &CloseEvent = end.source().and_then(|it| it.downcast_ref()).expect("its end");
    assert_eq!((close.code, end.was_open), (4000, false));
    let server = async { Ok::<_, Failed>(servers.accept().await?.close(1000, "done").await?) };
    let (end, closed) = tokio::join!(failed(&mut socket), server);
    closed?;
    assert_eq!(end.to_string(), "closed with 1000 (\"done\")");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_given_up() -> Result<(), Failed> {
    struct Guard(Arc<AtomicBool>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = Arc::clone(&dropped);
    let mut socket = ws::reconnect(options(), move |_| {
        let guard = Guard(Arc::clone(&guard));
        async move {
            let _guard = guard;
            pending::<Result<WebSocket, Failed>>().await
        }
    });
    let start = Instant::now();
    let end = disconnected(&mut socket).await?;
    assert_eq!(end.close.failure, Some(Failure::ConnectTimeout));
    assert!((30_000..32_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert!(dropped.load(Ordering::Relaxed));
    Ok(())
}

#[tokio::test]
async fn closing_without_a_connection_gives_up() -> Result<(), Failed> {
    let never = |_| pending::<Result<WebSocket, Failed>>();
    // Before the first attempt, during an attempt, and from elsewhere.
    for polls in [false, true] {
        let mut socket = ws::reconnect(options(), never);
        socket.send("kept").await?;
        if polls {
            assert!(socket.next().now_or_never().is_none());
        }
        let end = socket.close(1000, "bye").await?;
        assert_eq!(end.close.failure, Some(Failure::Aborted));
        assert_eq!(socket.next().await, None);
        assert!(socket.is_terminated());
        assert_eq!(socket.take_unsent(|_, _| true)[0].0, 0);
    }
    let mut socket = ws::reconnect(options(), never);
    let sender = socket.sender();
    let waits = tokio::spawn(async move { (socket.next().await, socket) });
    yield_now().await;
    sender.close(1000, "bye")?;
    let (event, socket) = waits.await?;
    assert_eq!(event, None, "the program asked for it");
    assert!(socket.end().is_some());
    assert_eq!(sender.send("late").await, Err(SendError::Closed));
    Ok(())
}

#[tokio::test]
async fn closing_writes_what_is_kept_and_keeps_what_arrives() -> Result<(), Failed> {
    let (mut socket, mut servers) = client_over(16, options());
    let sender = socket.sender();
    let server = async {
        let mut server = servers.accept().await?;
        let mut count = 0;
        while let Some(message) = server.next().await {
            server.send(message?).await?;
            count += 1;
        }
        Ok(count)
    };
    let program = async {
        open(&mut socket).await?;
        for _ in 0..100 {
            sender.send("kept").await?;
        }
        sender.close(1000, "bye")?;
        assert_eq!(sender.try_send("late"), Err(SendError::Closed));
        let mut echoes = 0;
        while let Some(event) = socket.next().await {
            assert_eq!(event?, ReconnectEvent::Message("kept".into()));
            echoes += 1;
        }
        Ok(echoes)
    };
    assert_eq!(both(server, program).await?, (100, 100));
    assert_eq!(socket.end().map(|end| end.written.clone()), Some(0..100));
    assert_eq!(socket.close(1000, "again").await?.close.reason, "bye");
    Ok(())
}

#[tokio::test]
async fn closing_with_a_bad_code_closes_nothing() -> Result<(), Failed> {
    let (mut socket, mut servers) = client(options());
    let ((), mut server) = both(open(&mut socket), servers.accept()).await?;
    assert!(socket.close(1005, "").await.is_err());
    socket.send("alive").await?;
    assert_eq!(text(&mut server).await?, "alive");
    Ok(())
}

/// Nothing is lost if a full client waits through failures. They are reported as one.
#[tokio::test]
async fn a_send_waits_for_room() -> Result<(), Failed> {
    let up = Arc::new(AtomicBool::new(false));
    let (sender, pipes) = mpsc::unbounded_channel();
    let mut servers = Servers(pipes);
    let (tried, mut attempts) = mpsc::unbounded_channel();
    let is_up = Arc::clone(&up);
    let mut socket = ws::reconnect(options().max_unsent(2, 100), move |_| {
        let (near, far) = duplex(1024);
        let _ = tried.send(());
        let pipe = is_up.load(Ordering::Relaxed).then(|| sender.send(far));
        async move {
            pipe.ok_or("down")??;
            Ok::<_, Failed>(ws::connect(URL).over(near).await?)
        }
    });
    assert_eq!(socket.try_send("0")?, 0);
    assert_eq!(socket.try_send("1")?, 1);
    assert_eq!(socket.try_send("2"), Err(SendError::Full));
    assert_eq!(socket.try_send(vec![0; 101]), Err(SendError::MessageTooLong { limit: 100 }));
    let server = async {
        for _ in 0..3 {
            attempts.recv().await.ok_or("no attempt")?;
        }
        up.store(true, Ordering::Relaxed);
        let mut server = servers.accept().await?;
        for number in 0..4 {
            assert_eq!(text(&mut server).await?, number.to_string());
        }
        Ok(server)
    };
    let program = async {
        assert_eq!(socket.send("2").await?, 2);
        assert_eq!(socket.send("3").await?, 3);
        assert_eq!(disconnected(&mut socket).await?.to_string(), "down");
        open(&mut socket).await?;
        while socket.written() < 4 {
            assert!(socket.next().now_or_never().is_none());
            yield_now().await;
        }
        Ok(())
    };
    let (server, ()) = both(server, program).await?;
    drop(server);
    assert_eq!(disconnected(&mut socket).await?.written, 0..4);
    Ok(())
}

#[tokio::test]
async fn room_is_noticed_as_soon_as_there_is_some() -> Result<(), Failed> {
    let (mut socket, mut servers) = client(options().max_unsent(1, 100));
    let ((), mut server) = both(open(&mut socket), servers.accept()).await?;
    // A write makes room.
    socket.try_send("a")?;
    assert_eq!(socket.send("b").now_or_never(), Some(Ok(1)));
    assert_eq!(text(&mut server).await?, "a");
    assert_eq!(text(&mut server).await?, "b");
    // Taking back makes room.
    socket.hold();
    assert_eq!(socket.send("c").now_or_never(), Some(Ok(2)));
    let sender = socket.sender();
    let waits = tokio::spawn(async move { sender.send("d").await });
    yield_now().await;
    assert!(!waits.is_finished());
    assert_eq!(socket.take_unsent(|_, _| true).len(), 1);
    assert_eq!(waits.await?, Ok(3));
    Ok(())
}

/// The pongs of a server lie unread while a program only sends.
#[tokio::test(start_paused = true)]
async fn silence_is_no_fault_while_nobody_receives() -> Result<(), Failed> {
    let (mut socket, mut servers) = client(options().max_unsent(1, 100));
    let server = async {
        // The server sends no pings, which would lie unread too.
        Ok(ws::accept(servers.pipe().await).options(WebSocketOptions::new()).await?)
    };
    let ((), mut server) = both(open(&mut socket), server).await?;
    let server = tokio::spawn(async move { text(&mut server).await });
    socket.hold();
    socket.send("kept").await?;
    assert!(timeout(Duration::from_secs(300), socket.send("too much")).await.is_err());
    socket.release();
    assert!(socket.next().now_or_never().is_none(), "the connection is still open");
    assert_eq!(server.await??, "kept");
    Ok(())
}

/// The numbers of all connections that ended unseen are in the event of the last one.
#[tokio::test(start_paused = true)]
async fn unseen_ends_are_joined() -> Result<(), Failed> {
    let (mut socket, mut servers) = client_over(8, options().max_unsent(1, 100));
    let server = async {
        for _ in 0..3 {
            let mut server = servers.accept().await?;
            text(&mut server).await?;
        }
        let mut server = servers.accept().await?;
        while text(&mut server).await? != "the last one" {}
        Ok(server)
    };
    let program = async {
        for number in 0..20 {
            assert_eq!(socket.send(format!("message {number}")).await?, number);
        }
        socket.send("the last one").await?;
        let end = disconnected(&mut socket).await?;
        assert!(end.was_open);
        assert_eq!(end.written.start, 0);
        assert!(end.written.end >= 3, "{end:?}");
        open(&mut socket).await?;
        while socket.written() < 21 {
            assert!(socket.next().now_or_never().is_none());
            yield_now().await;
        }
        Ok(())
    };
    let _ = both(server, program).await?;
    Ok(())
}

#[tokio::test]
async fn senders_wait_for_room_and_for_the_end() -> Result<(), Failed> {
    let (mut socket, mut servers) = client(options().max_unsent(1, 100));
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let sender = socket.sender();
            tokio::spawn(async move { sender.send("one of ten").await })
        })
        .collect();
    yield_now().await;
    let server = async {
        let mut server = servers.accept().await?;
        for _ in 0..10 {
            assert_eq!(text(&mut server).await?, "one of ten");
        }
        server.send("all").await?;
        Ok(server)
    };
    let program = async {
        open(&mut socket).await?;
        assert_eq!(next(&mut socket).await?, ReconnectEvent::Message("all".into()));
        Ok(())
    };
    let (mut server, ()) = both(server, program).await?;
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await??);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());

    let sender = socket.sender();
    assert_eq!(sender.try_send("kept")?, 10);
    let waits = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send("too much").await }
    });
    yield_now().await;
    assert!(!waits.is_finished());
    let flushes = tokio::spawn({
        let sender = sender.clone();
        async move { sender.flush().await }
    });
    yield_now().await;
    assert!(!flushes.is_finished());
    // The server is told, and the senders too.
    socket.hold();
    drop(socket);
    assert_eq!(waits.await?, Err(SendError::Closed));
    assert_eq!(flushes.await?, Err(SendError::Closed));
    assert_eq!(sender.try_send("late"), Err(SendError::Closed));
    assert_eq!(server.next().await.ok_or("no end")?.map_err(|end| end.code), Err(1001));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn flushing_waits_until_all_is_written() -> Result<(), Failed> {
    let (mut socket, mut servers) = client_over(16, options());
    let start = Instant::now();
    socket.flush().await?;
    let sender = socket.sender();
    let server = async {
        drop(servers.accept().await?);
        let mut server = servers.accept().await?;
        while text(&mut server).await? != "3" {}
        Ok(server)
    };
    let program = async {
        for number in 0..4 {
            socket.send(number.to_string()).await?;
        }
        socket.flush().await?;
        assert_eq!(socket.written(), 4);
        Ok(())
    };
    let (mut server, ()) = both(server, program).await?;
    // The first server's end was noticed although nobody received.
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    disconnected(&mut socket).await?;
    open(&mut socket).await?;
    socket.hold();
    let kept = sender.send("kept").await?;
    let mut flushing = tokio::spawn({
        let sender = sender.clone();
        async move { sender.flush().await }
    });
    assert!(socket.next().now_or_never().is_none());
    assert!((&mut flushing).now_or_never().is_none());
    socket.release();
    let drives = async {
        tokio::select! {
            event = next(&mut socket) => Err(format!("{event:?}").into()),
            flushed = &mut flushing => Ok(flushed??),
        }
    };
    let (kept_text, ()) = both(text(&mut server), drives).await?;
    assert_eq!((kept_text.as_str(), socket.written()), ("kept", kept + 1));
    // What cannot be written any more is not waited for.
    socket.hold();
    socket.send("lost").await?;
    let server = tokio::spawn(async move { server.close(1000, "done").await });
    assert_eq!(socket.next().await, None);
    server.await??;
    assert_eq!(socket.flush().await, Err(SendError::Closed));
    assert_eq!(sender.flush().await, Err(SendError::Closed));
    socket.take_unsent(|_, _| true);
    assert_eq!(sender.flush().await, Ok(()));
    Ok(())
}

/// Drops the future of `next` whenever it waits.
async fn next_dropped(
    socket: &mut ReconnectingWebSocket,
) -> Option<Result<ReconnectEvent, Disconnected>> {
    loop {
        if let Some(event) = socket.next().now_or_never() {
            return event;
        }
        yield_now().await;
    }
}

#[tokio::test]
async fn dropped_futures_lose_nothing() -> Result<(), Failed> {
    let (mut socket, mut servers) = client_over(5, options().max_unsent(3, 1000));
    let server = tokio::spawn(async move {
        let mut got = Vec::new();
        for _ in 0..3 {
            let mut server = servers.accept().await?;
            for number in 0..10 {
                server.send(format!("from the server {number}")).await?;
                got.push(text(&mut server).await?);
            }
            server.close(1001, "again").await?;
        }
        let server = servers.accept().await?;
        Ok::<_, Failed>((got, server))
    });
    let (mut opens, mut ends, mut messages, mut sent) = (0, 0, 0, 0);
    while opens < 4 {
        // A send that is dropped while it waits has sent nothing.
        if let Some(number) = socket.send(format!("from the client {sent}")).now_or_never() {
            assert_eq!(number?, sent);
            sent += 1;
        }
        match next_dropped(&mut socket).await.ok_or("the end")?? {
            ReconnectEvent::Open => opens += 1,
            ReconnectEvent::Disconnected(_) => ends += 1,
            ReconnectEvent::Message(message) => {
                assert_eq!(message.to_string(), format!("from the server {}", messages % 10));
                messages += 1;
            }
        }
    }
    assert_eq!((ends, messages), (3, 30));
    let (got, _server) = server.await??;
    let numbers: Vec<u64> = got
        .iter()
        .map(|text| text.trim_start_matches("from the client ").parse())
        .collect::<Result<_, _>>()?;
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_left() -> Result<(), Failed> {
    let (mut socket, mut servers) = client(options());
    let ((), dead) = both(open(&mut socket), servers.accept()).await?;
    let start = Instant::now();
    let end = disconnected(&mut socket).await?;
    assert_eq!(end.close.failure, Some(Failure::PongTimeout));
    assert!((40_000..42_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    let ((), _server) = both(open(&mut socket), servers.accept()).await?;
    drop(dead);
    Ok(())
}

/// A peer that does not read is noticed also by a program that only sends.
#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_left_by_a_send() -> Result<(), Failed> {
    let (mut socket, mut servers) = client_over(256, options().max_unsent(1, 1000));
    let ((), stuck) = both(open(&mut socket), servers.accept()).await?;
    let server = async {
        let mut server = servers.accept().await?;
        text(&mut server).await?;
        Ok(server)
    };
    let program = async {
        for _ in 0..2 {
            socket.send(vec![b'x'; 500]).await?;
        }
        Ok(())
    };
    let ((), _server) = timeout(Duration::from_secs(60), both(program, server)).await??;
    let end = disconnected(&mut socket).await?;
    assert_eq!((end.close.failure, end.written), (Some(Failure::PongTimeout), 0..0));
    drop(stuck);
    Ok(())
}

#[tokio::test]
async fn it_is_a_stream() -> Result<(), Failed> {
    let (mut socket, mut servers) = client(options());
    let server = async {
        let options = WebSocketOptions::new();
        let mut server = ws::accept(servers.pipe().await).options(options).into_future().await?;
        server.send("hello").await?;
        server.close(1000, "done").await?;
        Ok(())
    };
    let program = async { Ok(StreamExt::collect::<Vec<_>>(&mut socket).await) };
    let ((), events) = both(server, program).await?;
    let message = ReconnectEvent::Message(Message::from("hello"));
    assert_eq!(events, [Ok(ReconnectEvent::Open), Ok(message)]);
    assert!(socket.is_terminated());
    assert_eq!(socket.end().map(|end| end.close.reason.to_string()), Some("done".to_owned()));
    assert!(matches!(socket.next().now_or_never(), Some(None)));
    Ok(())
}
