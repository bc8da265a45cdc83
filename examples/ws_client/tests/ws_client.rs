//! The program `ws_client` against a server on loopback.

use bytes::BytesMut;
use eventwire::ws::handshake::ServerHandshake;
use eventwire_test_support::line_echo::{Server, echoes, ends_by_itself, run_long, serve};
use eventwire_test_support::program;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ws_client");

/// Returns the TLS of a server, and the path of a file with its new certificate.
fn tls(name: &str) -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    // Other packages of a build may enable another provider too.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config).into(), file.to_str().unwrap().to_owned())
}

/// Starts a server with TLS. A client that does not trust its certificate ends the connection.
async fn start_tls(acceptor: TlsAcceptor) -> Server {
    let open = move |stream| {
        let accepting = acceptor.accept(stream);
        async { accepting.await.ok() }
    };
    Server::start_with("wss", open).await
}

/// The input has more empty lines than the send queue takes.
#[tokio::test(flavor = "multi_thread")]
async fn empty_lines_wait_for_the_connection_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/chat?a=b", listener.local_addr().unwrap());
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        serve(listener.accept().await.unwrap().0).await
    });
    let (status, output) = run_long(PROGRAM, &[&url], &[b'\n'; 3000]);
    assert_eq!((status, output), (Some(0), vec![b'\n'; 3000]));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_echoed_and_the_connection_is_closed() {
    let (acceptor, ca) = tls("ws_clients.pem");
    let mut secure = start_tls(acceptor).await;
    let mut plain = Server::start().await;
    let url = secure.url.clone();
    echoes(PROGRAM, &[&url, "--ca", &ca], &mut secure).await;
    let url = plain.url.clone();
    echoes(PROGRAM, &[&url], &mut plain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_reconnects() {
    let (acceptor, ca) = tls("ws_clients_back.pem");
    let mut server = start_tls(acceptor).await;
    let mut child = program::start(PROGRAM, &["--ca", &ca, &server.url]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    writeln!(input, "one").unwrap();
    assert_eq!(output.next().unwrap(), "one");
    writeln!(input, "drop").unwrap();
    assert_eq!(errors.next().unwrap(), "open");
    // The server ends without a close of TLS, which differs from the end of the transport.
    let error = errors.next().unwrap();
    assert!(error.starts_with("closed with 1006: the transport failed: "), "{error}");
    assert!(error.contains("close_notify"), "{error}");
    server.ends.recv().await.unwrap();
    // This line is sent after the client has reconnected.
    writeln!(input, "two").unwrap();
    drop(input);
    assert_eq!(output.next().unwrap(), "two");
    assert_eq!(errors.collect::<Vec<_>>(), ["open", "closed with 1000"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_printed() {
    let (acceptor, ca) = tls("ws_clients_right.pem");
    let (_, wrong_ca) = tls("ws_clients_wrong.pem");
    let secure = start_tls(acceptor).await;
    let elsewhere = |server: &Server| server.url.replace("chat", "private");

    let refused = "ws_client: the server refused to open a WebSocket, with status 401\n";
    ends_by_itself(PROGRAM, &[&elsewhere(&secure), "--ca", &ca], "", 2, refused);

    let untrusted = "ws_client: cannot set up TLS with 127.0.0.1:";
    for args in [&[&*secure.url][..], &[&secure.url, "--ca", &wrong_ca]] {
        let (status, output, errors) = program::run(PROGRAM, args, b"lost\n");
        assert!(errors.starts_with(untrusted), "{errors}");
        assert!(errors.contains(": invalid peer certificate: "), "{errors}");
        assert_eq!((status, &*output, errors.lines().count()), (Some(2), "", 1));
    }
}

#[test]
fn arguments_are_refused_in_one_line() {
    let rows: &[&[&str]] =
        &[&[], &["localhost"], &["http://localhost/"], &["ws://"], &["ws://a b/"]];
    program::refuses_in_one_line(PROGRAM, rows);
    program::refuses_in_one_line(
        PROGRAM,
        &[&["wss://a/", "--ca"], &["wss://a/", "--ca", "no such file"]],
    );
}

/// Each client is stopped between its ping and the pong, for much longer than it waits for a pong.
/// When it continues, the pong waits unread. The client must stay connected.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_were_stopped_drop_no_connection() {
    const CLIENTS: usize = 40;
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(stays_connected())).collect();
    let mut dropped = 0;
    for client in clients {
        dropped += usize::from(!client.await.unwrap());
    }
    assert_eq!(dropped, 0, "of {CLIENTS} connections");
}

/// Returns whether a client is still connected after it was stopped.
#[cfg(unix)]
async fn stays_connected() -> bool {
    use std::time::Duration;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let mut child = program::start(PROGRAM, &[&url, "--ping", "4"]);
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
    // The next ping is overdue, so it comes next. A client that gave up would disconnect instead.
    let next = tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut frame)).await;
    let is_connected = matches!(next, Ok(Ok(_))) && frame[..2] == [0x89, 0x80];
    child.kill().unwrap();
    child.wait().unwrap();
    is_connected
}
