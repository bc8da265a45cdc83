//! The programs `ws_client_tokio` and `ws_client_std` against a server on loopback.

use eventwire_test_support::echo;
use eventwire_test_support::program;

use bytes::{Buf, BytesMut};
use eventwire::ws::handshake::{Rejection, ServerHandshake};
use eventwire::ws::{CloseEvent, WebSocketOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::thread;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

static TOKIO: LazyLock<PathBuf> = LazyLock::new(|| program::build("ws_client_tokio"));
static STD: LazyLock<PathBuf> = LazyLock::new(|| program::build("ws_client_std"));

/// A server that runs as long as the test.
struct Server {
    url: String,
    /// How connections were closed; `None` for those that the server dropped.
    ends: mpsc::UnboundedReceiver<Option<CloseEvent>>,
}

impl Server {
    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let url = format!("{scheme}://{}/chat?a=b", listener.local_addr().unwrap());
        let (sender, ends) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, sender) = (tls.clone(), sender.clone());
                tokio::spawn(async move {
                    let end = match tls {
                        None => serve(stream).await,
                        // A client that does not trust us ends this.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream).await,
                            Err(_) => return,
                        },
                    };
                    let _ = sender.send(end);
                });
            }
        });
        Self { url, ends }
    }
}

/// Echoes at the target of every test, and refuses others.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<CloseEvent> {
    let mut received = BytesMut::new();
    let mut handshake = ServerHandshake::new();
    let (head_len, response, accepted) = loop {
        match handshake.decode(&received).unwrap() {
            Some(request) if request.target() == "/chat?a=b" => {
                break (request.head_len(), request.accept().to_bytes(), true);
            }
            Some(request) => {
                let rejection = Rejection::new(401).unwrap();
                break (request.head_len(), rejection.to_bytes(), false);
            }
            None => assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0),
        }
    };
    received.advance(head_len);
    stream.write_all(&response).await.unwrap();
    stream.flush().await.unwrap();
    if !accepted {
        stream.shutdown().await.unwrap();
        return None;
    }
    echo::echo(stream, received, WebSocketOptions::new()).await
}

/// A server's TLS by a new certificate, which is in a file of this name.
fn tls(name: &str) -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config).into(), file.to_str().unwrap().to_owned())
}

/// As `program::run`, of an input too long for the pipes.
fn run_long(program: &Path, args: &[&str], input: &[u8]) -> (Option<i32>, Vec<u8>) {
    let mut child = program::start(program, args);
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        let output = child.wait_with_output().unwrap();
        (output.status.code(), output.stdout)
    })
}

/// What both clients do; `args` name the server.
async fn echoes(program: &Path, args: &[&str], server: &mut Server) {
    let normal = (Some(0), "one\ngr\u{FC}n\n3 bytes\n\n".into(), "open\nclosed with 1000\n".into());
    let input = "one\ngr\u{FC}n\nbinary\n\n";
    assert_eq!(program::run(program, args, input.as_bytes()), normal);
    let end = server.ends.recv().await.unwrap().unwrap();
    assert_eq!((end.code, end.was_clean), (1000, true), "{end}");

    // Much more than may wait to be written, in lines short and long.
    let line = |len: usize| "x".repeat(len % 997) + "\n";
    let input: String =
        (0..8000).map(line).chain([100_000, 500_000].map(|it| "y".repeat(it) + "\n")).collect();
    let (status, output) = run_long(program, args, input.as_bytes());
    assert_eq!(status, Some(0));
    assert!(output == input.as_bytes(), "{} bytes of {}", output.len(), input.len());
}

/// More lines than may wait, and nothing in them.
#[tokio::test(flavor = "multi_thread")]
async fn empty_lines_wait_for_the_connection_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/chat?a=b", listener.local_addr().unwrap());
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        serve(listener.accept().await.unwrap().0).await
    });
    let (status, output) = run_long(&TOKIO, &[&url], &[b'\n'; 3000]);
    assert_eq!((status, output), (Some(0), vec![b'\n'; 3000]));
}

/// Asserts that it exits with this status and these errors, as the server's doing: nothing is
/// closed on this side.
fn ends_by_itself(program: &Path, args: &[&str], input: &str, status: i32, error: &str) {
    let mut child = program::start(program, args);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    let mut errors = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        errors += &(line.unwrap() + "\n");
    }
    assert_eq!((child.wait().unwrap().code(), &*errors), (Some(status), error));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_echo_and_close() {
    let (acceptor, ca) = tls("ws_clients.pem");
    let mut secure = Server::start(Some(acceptor)).await;
    let mut plain = Server::start(None).await;
    let url = secure.url.clone();
    echoes(&TOKIO, &[&url, "--ca", &ca], &mut secure).await;
    let url = plain.url.clone();
    echoes(&TOKIO, &[&url], &mut plain).await;
    echoes(&STD, &[&url], &mut plain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokio_comes_back() {
    let (acceptor, ca) = tls("ws_clients_back.pem");
    let mut server = Server::start(Some(acceptor)).await;
    let mut child = program::start(&TOKIO, &["--ca", &ca, &server.url]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    writeln!(input, "one").unwrap();
    assert_eq!(output.next().unwrap(), "one");
    writeln!(input, "drop").unwrap();
    assert_eq!(errors.next().unwrap(), "open");
    // The server's TLS says no goodbye, which is not the same as the end of the transport.
    let error = errors.next().unwrap();
    assert!(error.starts_with("closed with 1006: the transport failed: "), "{error}");
    assert!(error.contains("close_notify"), "{error}");
    server.ends.recv().await.unwrap();
    // Sent when there is a connection again.
    writeln!(input, "two").unwrap();
    drop(input);
    assert_eq!(output.next().unwrap(), "two");
    assert_eq!(errors.collect::<Vec<_>>(), ["open", "closed with 1000"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told() {
    let (acceptor, ca) = tls("ws_clients_right.pem");
    let (_, wrong_ca) = tls("ws_clients_wrong.pem");
    let secure = Server::start(Some(acceptor)).await;
    let plain = Server::start(None).await;
    let elsewhere = |server: &Server| server.url.replace("chat", "private");

    let refused = "closed with 1006: the server refused to open a WebSocket, with status 401\n";
    ends_by_itself(&TOKIO, &[&elsewhere(&secure), "--ca", &ca], "", 1, refused);
    ends_by_itself(&STD, &[&elsewhere(&plain)], "", 1, refused);
    let bye = "open\nclosed with 4000 (\"bye\")\n";
    ends_by_itself(&STD, &[&plain.url], "close\n", 0, bye);
    let cut = "open\nclosed with 1006: the transport ended too soon\n";
    ends_by_itself(&STD, &[&plain.url], "drop\n", 1, cut);

    let untrusted = "ws_client_tokio: invalid peer certificate: ";
    for args in [&[&*secure.url][..], &[&secure.url, "--ca", &wrong_ca]] {
        let (status, output, errors) = program::run(&TOKIO, args, b"lost\n");
        assert!(errors.starts_with(untrusted), "{errors}");
        assert_eq!((status, &*output, errors.lines().count()), (Some(2), "", 1));
    }
}

#[test]
fn arguments_are_refused_in_one_line() {
    let rows: &[&[&str]] =
        &[&[], &["localhost"], &["http://localhost/"], &["ws://"], &["ws://a b/"]];
    program::refuses_in_one_line(&STD, rows);
    program::refuses_in_one_line(&STD, &[&["wss://localhost/"], &["ws://a/", "ws://b/"]]);
    program::refuses_in_one_line(&TOKIO, rows);
    program::refuses_in_one_line(
        &TOKIO,
        &[&["wss://a/", "--ca"], &["wss://a/", "--ca", "no such file"]],
    );
}

/// Whether each of so many clients is still connected that was stopped between its ping and the pong, for
/// much longer than it waits for that: the pong lies unread when it goes on.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_were_stopped_drop_no_connection() {
    const CLIENTS: usize = 40;
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(stopped())).collect();
    let mut dropped = 0;
    for client in clients {
        dropped += usize::from(!client.await.unwrap());
    }
    assert_eq!(dropped, 0, "of {CLIENTS} connections");
}

#[cfg(unix)]
async fn stopped() -> bool {
    use std::time::Duration;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let mut child = program::start(&TOKIO, &[&url, "--ping", "4"]);
    let signal = |name: &str| {
        let kill = format!("kill {name} {}", child.id());
        assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    };
    let mut stream = listener.accept().await.unwrap().0;
    let mut received = BytesMut::new();
    let mut handshake = ServerHandshake::new();
    let response = loop {
        match handshake.decode(&received).unwrap() {
            Some(request) => break request.accept().to_bytes(),
            None => assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0),
        }
    };
    stream.write_all(&response).await.unwrap();
    // An empty ping, masked.
    let mut frame = [0; 6];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[..2], [0x89, 0x80]);
    signal("-STOP");
    stream.write_all(b"\x8A\x00").await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    signal("-CONT");
    // The next ping is overdue: it is what comes, where a client that gave up would hang up.
    let next = tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut frame)).await;
    let lives = matches!(next, Ok(Ok(_))) && frame[..2] == [0x89, 0x80];
    child.kill().unwrap();
    child.wait().unwrap();
    lives
}
