//! Connections without TLS.

use crate::support::{Erratic, Server, accept, answer, drain, echo, pair, upgrade};
use eventwire_blocking::ws::handshake::Rejection;
use eventwire_blocking::ws::{
    self, AcceptError, CloseCode, ConnectErrorKind, Failure, Frame, Hop, Limits, Message,
    ReadyState, SendError, WebSocketOptions,
};
use std::cell::RefCell;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(100);

fn impatient() -> WebSocketOptions {
    WebSocketOptions::new().closing_timeout(SHORT)
}

#[test]
fn messages_are_echoed_and_the_connection_is_closed() {
    let server = Server::start(|stream| {
        let mut socket = accept(stream).unwrap();
        echo(&mut socket);
        socket.close_event().unwrap()
    });
    let mut socket = ws::connect(server.url("ws")).open().unwrap();
    assert_eq!(socket.close_event(), None);
    socket.send("gr\u{FC}n").unwrap();
    socket.send(vec![7; 300_000]).unwrap();
    assert_eq!(socket.next().unwrap().unwrap(), Message::from("gr\u{FC}n"));
    assert_eq!(socket.next().unwrap().unwrap(), Message::from(vec![7; 300_000]));
    let close = socket.close(1000, "bye").unwrap();
    assert_eq!((close.code, &*close.reason, close.was_clean), (1000, "bye", true));
    assert_eq!(socket.close(CloseCode::GOING_AWAY, "again").unwrap(), close);
    assert_eq!(socket.close_event(), Some(close));
    assert_eq!(socket.next(), None);
    assert_eq!(socket.send("late"), Err(SendError::Closed));
    let close = server.join();
    assert_eq!((close.code, &*close.reason, close.was_clean), (1000, "bye", true));
}

#[test]
fn a_request_has_its_headers_and_the_server_chooses() {
    let server = Server::start(|stream| {
        let mut seen = Vec::new();
        let mut socket = ws::accept(stream)
            .protocols(["v2", "v1"])
            .on_request(|request| {
                seen.extend(
                    [request.path(), request.origin().unwrap_or_default()].map(String::from),
                );
                seen.push(String::from_utf8_lossy(request.header("x-token").unwrap()).into());
                Ok(())
            })
            .open()
            .unwrap();
        echo(&mut socket);
        (socket.protocol().to_owned(), seen)
    });
    let request = ws::connect(server.url("ws")).header("X-Token", "s3cret").origin("https://a.b");
    let request = request.subprotocol("v1").subprotocol("v3");
    assert!(!format!("{request:?}").contains("s3cret"));
    let socket = request.open().unwrap();
    assert_eq!(socket.protocol(), "v1");
    drop(socket);
    let seen = ["/chat", "https://a.b", "s3cret"].map(String::from).to_vec();
    assert_eq!(server.join(), ("v1".into(), seen));
}

/// The peer reads the bytes on the wire, so that it knows that they are compressed.
#[cfg(feature = "deflate")]
#[test]
fn messages_are_compressed_in_both_directions() {
    use eventwire_blocking::ws::Deflate;
    let server = Server::start(|stream| {
        let raw = stream.try_clone().unwrap();
        let mut socket = ws::accept(stream).deflate(Deflate::new()).open().unwrap();
        raw.peek(&mut [0; 8]).unwrap(); // waits for the message
        let waiting = raw.peek(&mut vec![0; 100_000]).unwrap();
        echo(&mut socket);
        waiting
    });
    let request = ws::connect(server.url("ws")).deflate(Deflate::new());
    let mut socket = request.open().unwrap();
    let text = "compress me ".repeat(4000);
    socket.send(&text).unwrap();
    assert_eq!(socket.next().unwrap().unwrap(), Message::from(text));
    assert!(socket.close(1000, "").unwrap().was_clean);
    assert!(server.join() < 1000);
}

#[cfg(unix)]
#[test]
fn a_unix_socket_serves_too() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let server = thread::spawn(move || echo(&mut ws::accept(theirs).open().unwrap()));
    let mut socket = ws::connect("ws://localhost/").over(ours).unwrap();
    socket.send("hello").unwrap();
    assert_eq!(socket.next().unwrap().unwrap(), Message::from("hello"));
    assert!(socket.close(1000, "").unwrap().was_clean);
    server.join().unwrap();
}

/// More than all buffers of the kernel, in both directions at once.
#[test]
fn the_halves_send_and_receive_at_once() {
    const COUNT: usize = 300;
    let talk = |socket: ws::WebSocket| {
        let (mut tx, rx) = socket.split();
        let reader = thread::spawn(move || {
            let lens = rx.take(COUNT).map(|message| match message.unwrap() {
                Message::Binary(payload) => payload.len(),
                other => panic!("{other:?}"),
            });
            (lens.sum::<usize>(), ())
        });
        for _ in 0..COUNT {
            tx.send(vec![1; 100_000]).unwrap();
        }
        (tx, reader.join().unwrap().0)
    };
    let server = Server::start(move |stream| talk(accept(stream).unwrap()).1);
    let (_tx, received) = talk(ws::connect(server.url("ws")).open().unwrap());
    assert_eq!(received, COUNT * 100_000);
    assert_eq!(server.join(), COUNT * 100_000);
}

/// Both ends send in one thread. The one that pongs are due from must not wait for the other.
#[test]
fn a_reader_answers_pings_and_reads_on() {
    let server = Server::start(|mut stream| {
        upgrade(&mut stream);
        let mut pongs = 0;
        for number in 0..1000_u16 {
            let [a, b] = number.to_be_bytes();
            stream.write_all(&[0x89, 2, a, b]).unwrap();
        }
        while pongs < 1000 {
            let mut frame = [0; 8];
            stream.read_exact(&mut frame).unwrap();
            assert_eq!(frame[..2], [0x8A, 0x82]);
            let number = [frame[6] ^ frame[2], frame[7] ^ frame[3]];
            pongs += 1;
            // A later pong may stand for the ones before it.
            pongs = pongs.max(usize::from(u16::from_be_bytes(number)) + 1);
        }
        stream.write_all(&[0x81, 2, b'o', b'k']).unwrap();
        drain(&mut stream);
    });
    let (tx, mut rx) = ws::connect(server.url("ws")).open().unwrap().split();
    drop(tx);
    assert_eq!(rx.next().unwrap().unwrap(), Message::from("ok"));
    drop(rx);
    server.join();
}

#[test]
fn a_client_pings_and_gives_up_a_peer_that_is_gone() {
    let server = Server::start(|mut stream| {
        upgrade(&mut stream);
        drain(&mut stream)
    });
    let options = impatient().ping_interval(SHORT / 2).pong_timeout(SHORT);
    let mut socket = ws::connect(server.url("ws")).options(options).open().unwrap();
    let close = socket.next().unwrap().unwrap_err();
    assert_eq!(close.failure, Some(Failure::PongTimeout));
    assert_eq!(socket.next(), None);
    assert_eq!(server.join()[..2], [0x89, 0x80]);
}

/// The peer reads nothing, so the ping cannot be written either.
#[test]
fn send_gives_up_a_peer_that_does_not_read() {
    let (end, ended) = mpsc::channel::<()>();
    let server = Server::start(move |mut stream| {
        upgrade(&mut stream);
        let _ = ended.recv();
    });
    let options = impatient().ping_interval(SHORT).pong_timeout(SHORT);
    let mut socket = ws::connect(server.url("ws")).options(options).open().unwrap();
    assert_eq!(socket.send(vec![0; 64 << 20]), Err(SendError::Closed));
    let close = socket.next().unwrap().unwrap_err();
    assert_eq!(close.failure, Some(Failure::PongTimeout));
    drop(end);
    server.join();
}

#[test]
fn a_close_that_is_never_answered_has_a_deadline() {
    type Close = fn(ws::WebSocket) -> ws::CloseEvent;
    let whole: Close = |mut socket| socket.close(1000, "").unwrap();
    let reader: Close = |socket| socket.split().1.close(1000, "").unwrap();
    let writer: Close = |socket| {
        let mut tx = socket.split().0;
        tx.close(1000, "").unwrap()
    };
    for close in [whole, reader, writer] {
        let server = Server::start(|mut stream| {
            upgrade(&mut stream);
            drain(&mut stream)
        });
        let socket = ws::connect(server.url("ws")).options(impatient()).open().unwrap();
        let start = Instant::now();
        let end = close(socket);
        assert_eq!(end.failure, Some(Failure::ClosingTimeout));
        assert!(start.elapsed() < 10 * SHORT, "{:?}", start.elapsed());
        let sent = server.join();
        assert_eq!(sent[..2], [0x88, 0x82], "a close frame");
    }
}

/// The reader has begun to wait before the closing timeout ran, and would wait for long.
#[test]
fn a_writer_that_closes_wakes_the_reader() {
    let (tell, told) = mpsc::channel();
    let server = Server::start(move |mut stream| {
        upgrade(&mut stream);
        stream.write_all(&[0x89, 0]).unwrap();
        stream.read_exact(&mut [0; 6]).unwrap(); // the pong
        tell.send(()).unwrap();
        drain(&mut stream)
    });
    let socket = ws::connect(server.url("ws")).options(impatient()).open().unwrap();
    let (mut tx, mut rx) = socket.split();
    let reader = thread::spawn(move || (rx.next(), rx));
    told.recv().unwrap();
    let start = Instant::now();
    let close = tx.close(1000, "").unwrap();
    assert!(start.elapsed() < 10 * SHORT, "{:?}", start.elapsed());
    assert_eq!(reader.join().unwrap().0, Some(Err(close)));
    server.join();
}

#[test]
fn either_half_closes() {
    for from_writer in [true, false] {
        let server = Server::start(|stream| {
            let mut socket = accept(stream).unwrap();
            echo(&mut socket);
            socket.close_event().unwrap()
        });
        let (mut tx, mut rx) = ws::connect(server.url("ws")).open().unwrap().split();
        let close = if from_writer {
            let reader = thread::spawn(move || rx.next());
            let close = tx.close(4000, "done").unwrap();
            assert_eq!(reader.join().unwrap(), None);
            assert_eq!(tx.close_event(), Some(close.clone()));
            close
        } else {
            let close = rx.close(4000, "done").unwrap();
            assert_eq!(tx.send("late"), Err(SendError::Closed));
            close
        };
        assert!(close.was_clean, "{close}");
        assert_eq!((server.join().code, close.code), (4000, 4000));
    }
}

/// The reader is busy, so its messages must be left to it, and the answer behind them too.
#[test]
fn a_writer_that_closes_takes_no_message_from_the_reader() {
    for reads in [true, false] {
        let server = Server::start(move |mut stream| {
            upgrade(&mut stream);
            stream.write_all(&[0x81, 4, b'k', b'e', b'p', b't']).unwrap();
            stream.read_exact(&mut [0; 8]).unwrap(); // the close frame
            stream.write_all(&[0x88, 2, 3, 0xE8]).unwrap();
        });
        let (mut tx, mut rx) = ws::connect(server.url("ws")).open().unwrap().split();
        let (tell, told) = mpsc::channel();
        let writer = thread::spawn(move || {
            let close = tx.close(1000, "").unwrap();
            let _ = tell.send(());
            close
        });
        server.join();
        assert!(told.recv_timeout(SHORT).is_err(), "the answer was taken");
        if reads {
            assert_eq!(rx.next().unwrap().unwrap(), Message::from("kept"));
            assert_eq!(rx.next(), None);
        }
        drop(rx); // from now on the writer takes what arrives
        told.recv_timeout(10 * SHORT).unwrap();
        assert!(writer.join().unwrap().was_clean);
    }
}

#[test]
fn dropping_both_halves_closes_the_connection() {
    let server = Server::start(|stream| {
        let mut socket = accept(stream).unwrap();
        assert!(socket.next().is_none());
        socket.close_event().unwrap()
    });
    let (tx, rx) = ws::connect(server.url("ws")).open().unwrap().split();
    drop(rx);
    drop(tx);
    assert_eq!(server.join().code, 1001);
}

#[test]
fn a_connection_cut_inside_a_message_is_an_error_once() {
    let server = Server::start(|mut stream| {
        upgrade(&mut stream);
        stream.write_all(&[0x81, 2, b'h', b'i', 0x81, 5, b'h']).unwrap();
    });
    let mut socket = ws::connect(server.url("ws")).open().unwrap();
    assert_eq!(socket.next().unwrap().unwrap(), Message::from("hi"));
    server.join();
    let close = socket.next().unwrap().unwrap_err();
    assert_eq!((close.code, &close.failure), (1006, &Some(Failure::EndOfStream)));
    assert_eq!(socket.next(), None);
    assert_eq!(socket.next(), None);
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_so() {
    let server = Server::start(|mut stream| {
        upgrade(&mut stream);
        stream.write_all(&[0x83, 0]).unwrap();
        let frame = drain(&mut stream);
        [frame[6] ^ frame[2], frame[7] ^ frame[3]]
    });
    let mut socket = ws::connect(server.url("ws")).open().unwrap();
    let close = socket.next().unwrap().unwrap_err();
    assert!(matches!(close.failure, Some(Failure::Protocol(_))), "{close}");
    assert_eq!(u16::from_be_bytes(server.join()), 1002);
}

#[test]
fn limits_of_the_options_hold() {
    let server = Server::start(|stream| {
        let options = WebSocketOptions::new().limits(Limits::new().max_message(10));
        ws::accept(stream).options(options).open().unwrap().next().unwrap().unwrap_err()
    });
    let mut socket = ws::connect(server.url("ws")).open().unwrap();
    socket.send("12345678901").unwrap();
    assert!(socket.next().is_none_or(|end| end.is_err()));
    assert_eq!(socket.close_event().unwrap().code, 1009);
    assert!(matches!(server.join().failure, Some(Failure::Protocol(_))));
}

#[test]
fn a_refusal_has_its_status_headers_and_body() {
    let server = Server::start(|mut stream| {
        let refusal = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n\
                       Retry-After: 7\r\nContent-Length: 5\r\n\r\nlogin";
        answer(&mut stream, refusal.as_bytes());
    });
    let error = ws::connect(server.url("ws")).open().unwrap_err();
    let text = "the server refused to open a WebSocket, with status 401";
    assert_eq!(error.to_string(), format!("127.0.0.1:{}: {text}", server.port));
    assert_eq!(format!("{error:?}"), format!("ConnectError({error})"));
    assert!(error.is_permanent());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let refusal = error.refusal().unwrap();
    assert_eq!((refusal.status(), &refusal.body()[..]), (401, &b"login"[..]));
    assert_eq!(refusal.header("www-authenticate"), Some(&b"Bearer"[..]));
    server.join();
}

#[test]
fn a_server_that_never_answers_has_a_deadline() {
    let (end, ended) = mpsc::channel::<()>();
    let server = Server::start(move |_stream| ended.recv());
    let error = ws::connect(server.url("ws")).timeout(SHORT).open().unwrap_err();
    assert!(matches!(error.kind(), &ConnectErrorKind::Timeout(SHORT)), "{error}");
    assert!(!error.is_permanent());
    drop(end);
    let _ = server.join();
}

#[test]
fn errors_name_the_hop() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = ws::connect(format!("ws://127.0.0.1:{port}/")).open().unwrap_err();
    let start = format!("cannot connect to 127.0.0.1:{port}: ");
    assert!(error.to_string().starts_with(&start), "{error}");
    assert!(!error.is_permanent());
    let ConnectErrorKind::Dial(dial) = error.kind() else { panic!("{error}") };
    assert_eq!((dial.hop(), dial.host()), (Hop::Tcp, &*format!("127.0.0.1:{port}")));
    let cause = error.source().and_then(|it| it.downcast_ref::<io::Error>()).unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);

    let error = ws::connect("ws://no.such.name.invalid/").open().unwrap_err();
    let start = "cannot find an address of no.such.name.invalid:80: ";
    assert!(error.to_string().starts_with(start), "{error}");
}

#[test]
fn invalid_requests_are_found_before_the_server_is() {
    let error = ws::connect("user:secret@localhost").open().unwrap_err();
    let text = "invalid URL: the URL does not begin with ws://, wss://, http:// or https://";
    assert_eq!(error.to_string(), text);
    assert!(error.is_permanent());
    for (name, value) in [("Upgrade", "h2c"), ("X", "a\nb"), ("Origin", "a\nb")] {
        let error = ws::connect("ws://no.such.name.invalid/").header(name, value).open();
        let error = error.unwrap_err();
        assert!(matches!(error.kind(), ConnectErrorKind::Request(_)), "{error}");
        assert!(error.is_permanent());
    }
}

#[test]
fn a_server_that_hangs_up_is_named_with_advice() {
    let server = Server::start(|mut stream| drop(answer(&mut stream, b"")));
    let error = ws::connect(server.url("ws")).open().unwrap_err();
    let text = "the opening handshake failed: the transport ended too soon; \
                the server may expect another protocol, such as TLS (wss)";
    assert_eq!(error.to_string(), format!("127.0.0.1:{}: {text}", server.port));
    assert!(matches!(error.kind(), ConnectErrorKind::Handshake(_)));
    server.join();
}

/// An origin may be set as any other header, and the last call counts.
#[test]
fn an_origin_is_a_header() {
    for origins in [["https://x.y", "https://a.b"], ["", "https://a.b"]] {
        let server = Server::start(|mut stream| answer(&mut stream, b""));
        let request = ws::connect(server.url("ws"));
        let request = match origins {
            ["", origin] => request.header("origin", origin),
            [first, last] => request.header("Origin", first).origin(last),
        };
        request.open().unwrap_err();
        let head = server.join();
        assert_eq!(head.matches("rigin: ").count(), 1, "{head}");
        assert!(head.contains("\r\nOrigin: https://a.b\r\n"), "{head}");
    }
}

#[test]
fn a_wait_for_a_message_may_be_limited() {
    type Next = Box<dyn FnMut(Duration) -> Result<Option<Message>, ws::CloseEvent>>;
    type Send = Box<dyn FnMut(&'static str) -> Result<(), SendError>>;
    for split in [false, true] {
        let (go, gone) = mpsc::channel::<()>();
        let server = Server::start(move |stream| {
            let mut socket = accept(stream).unwrap();
            let _ = gone.recv();
            socket.send("late").unwrap();
            assert_eq!(socket.next().unwrap().unwrap(), Message::from("go on"));
            socket.send("more").unwrap();
            socket.close(1000, "").unwrap();
        });
        let socket = ws::connect(server.url("ws")).open().unwrap();
        let (mut next, mut send): (Next, Send) = if split {
            let (mut tx, mut rx) = socket.split();
            (Box::new(move |time| rx.next_within(time)), Box::new(move |text| tx.send(text)))
        } else {
            let socket = Rc::new(RefCell::new(socket));
            let same = Rc::clone(&socket);
            let send = move |text| same.borrow_mut().send(text);
            (Box::new(move |time| socket.borrow_mut().next_within(time)), Box::new(send))
        };
        let start = Instant::now();
        assert_eq!(next(SHORT), Ok(None));
        assert!((SHORT..10 * SHORT).contains(&start.elapsed()), "{:?}", start.elapsed());
        assert_eq!(next(Duration::ZERO), Ok(None));
        drop(go);
        assert_eq!(next(Duration::MAX), Ok(Some(Message::from("late"))));
        send("go on").unwrap();
        // A program that only looks for messages gets them too.
        let deadline = Instant::now() + 20 * SHORT;
        let more = loop {
            assert!(Instant::now() < deadline);
            if let Some(message) = next(Duration::ZERO).unwrap() {
                break message;
            }
        };
        assert_eq!(more, Message::from("more"));
        assert!(next(Duration::MAX).unwrap_err().was_clean);
        assert!(next(Duration::ZERO).unwrap_err().was_clean);
        server.join();
    }
}

#[test]
fn a_cut_connection_is_reported_by_either_wait_once() {
    let server = Server::start(|mut stream| upgrade(&mut stream));
    let mut socket = ws::connect(server.url("ws")).open().unwrap();
    let close = socket.next_within(Duration::MAX).unwrap_err();
    assert_eq!((close.code, &close.failure), (1006, &Some(Failure::EndOfStream)));
    assert_eq!(socket.next(), None);
    server.join();
}

#[test]
fn a_socket_tells_its_state_and_its_end() {
    let server = Server::start(|stream| {
        let mut socket = accept(stream).unwrap();
        socket.send("dropped").unwrap();
        socket.close(4000, "done").unwrap()
    });
    let mut socket = ws::connect(server.url("ws")).open().unwrap();
    assert_eq!(socket.ready_state(), ReadyState::Open);
    let close = socket.closed();
    assert_eq!((close.code, close.was_clean), (4000, true));
    assert_eq!(socket.ready_state(), ReadyState::Closed);
    assert!(socket.next().is_none());
    server.join();
}

#[test]
fn limits_are_raised_after_the_opening() {
    let server = Server::start(|stream| {
        let options = WebSocketOptions::new().limits(Limits::new().max_message(5));
        let mut socket = ws::accept(stream).options(options).open().unwrap();
        assert_eq!(socket.next().unwrap().unwrap(), Message::from("login"));
        socket.set_limits(Limits::new().max_message(100));
        socket.send("welcome").unwrap();
        socket.next().unwrap().unwrap()
    });
    let mut socket = ws::connect(server.url("ws")).open().unwrap();
    socket.send("login").unwrap();
    socket.next().unwrap().unwrap();
    socket.send("a longer one").unwrap();
    assert_eq!(server.join(), Message::from("a longer one"));
}

#[test]
fn requests_that_open_no_websocket_are_answered() {
    let plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nHost: a\r\n\r\n";
    let noise = "hello\r\n\r\n";
    let huge = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(20_000));
    for (request, status) in [(plain, 426), (post, 405), (noise, 400), (&huge, 431)] {
        let (mut ours, theirs) = pair();
        ours.write_all(request.as_bytes()).unwrap();
        let server = thread::spawn(move || accept(theirs).unwrap_err());
        let response = String::from_utf8(drain(&mut ours)).unwrap();
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
        drop(ours);
        let error = server.join().unwrap();
        assert!(matches!(error, AcceptError::Request(error) if error.status() == status));
    }
}

#[test]
fn a_server_refuses_by_its_own_check() {
    let server = Server::start(|stream| {
        let forbidden = Rejection::new(403).unwrap().body("not you\n");
        ws::accept(stream).on_request(|_| Err(forbidden)).open().unwrap_err()
    });
    let error = ws::connect(server.url("ws")).open().unwrap_err();
    assert_eq!(&error.refusal().unwrap().body()[..], b"not you\n");
    assert!(matches!(server.join(), AcceptError::Rejected { status: 403 }));
}

#[test]
fn a_client_that_sends_no_request_is_given_up() {
    let (ours, theirs) = pair();
    let error = ws::accept(theirs).timeout(SHORT).open().unwrap_err();
    assert!(matches!(error, AcceptError::Timeout(SHORT)), "{error}");
    drop(ours);
    let (ours, theirs) = pair();
    drop(ours);
    assert!(matches!(accept(theirs).unwrap_err(), AcceptError::EndOfStream));
}

#[test]
fn frames_behind_the_request_are_kept() {
    let (mut ours, theirs) = pair();
    ours.write_all(
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
          \x81\x82\x01\x02\x03\x04\x69\x6b",
    )
    .unwrap();
    let mut socket = accept(theirs).unwrap();
    assert_eq!(socket.next().unwrap().unwrap(), Message::from("hi"));
}

/// Both ends send and receive at once, over transports that are cut anywhere and late at any time,
/// with pings between. Every message arrives once, in order and whole.
#[test]
fn any_transport_serves_however_slow() {
    fn talk(socket: ws::WebSocket, seed: u64) -> (u64, ws::CloseEvent) {
        let (mut tx, mut rx) = socket.split();
        let writer = thread::spawn(move || {
            for number in 0..50_u64 {
                let mut message = number.to_be_bytes().to_vec();
                message.resize(8 + (number * seed % 3000) as usize, 7);
                tx.send(message).unwrap();
                if number % 5 == 0 {
                    tx.send(Frame::ping(b"?").unwrap()).unwrap();
                }
            }
            tx
        });
        let mut count = 0_u64;
        for message in rx.by_ref().take(50) {
            let Message::Binary(payload) = message.unwrap() else { panic!() };
            assert_eq!(payload[..8], count.to_be_bytes());
            assert_eq!(payload.len(), 8 + (count * seed % 3000) as usize);
            assert!(payload[8..].iter().all(|&byte| byte == 7));
            count += 1;
        }
        let mut tx = writer.join().unwrap();
        let close = if seed.is_multiple_of(2) {
            let close = thread::spawn(move || tx.close(1000, "").unwrap());
            assert_eq!(rx.next(), None);
            close.join().unwrap()
        } else {
            rx.close(1000, "").unwrap()
        };
        (count, close)
    }
    for seed in 1..20 {
        let server = Server::start(move |stream| {
            talk(ws::accept(Erratic::new(stream, 100, seed)).open().unwrap(), seed)
        });
        let stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        let socket = ws::connect("ws://a/").over(Erratic::new(stream, 100, !seed)).unwrap();
        let (count, close) = talk(socket, seed);
        assert!(count == 50 && close.was_clean, "{seed}: {close}");
        let (count, close) = server.join();
        assert!(count == 50 && close.was_clean, "{seed}: {close}");
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_url_that_needs_tls_names_the_feature() {
    let (ours, _theirs) = pair();
    let error = ws::connect("wss://localhost/").over(ours).unwrap_err();
    let text = "TLS is missing: enable feature `tls` of eventwire-blocking";
    assert_eq!(error.to_string(), format!("cannot set up TLS with localhost:443: {text}"));
    assert!(error.is_permanent());
}
