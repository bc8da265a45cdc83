//! TLS, with certificates made here and with no provider installed as the process's default.

use crate::support::{Erratic, Server, accept, drain, echo};
use eventwire_blocking::rustls::crypto::CryptoProvider;
use eventwire_blocking::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use eventwire_blocking::ws::{self, AcceptError, ConnectError, Failure, Message, WebSocket};
use std::error::Error;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    provider.into()
}

/// A certificate for `localhost`, and clients that trust it.
fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let server = ServerConfig::builder_with_provider(provider());
    let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let server = server.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let client = ClientConfig::builder_with_provider(provider());
    let client = client.with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

fn accept_tls(stream: TcpStream, config: Arc<ServerConfig>) -> Result<WebSocket, AcceptError> {
    ws::accept(stream).tls_config(config).open()
}

fn url<T: Send + 'static>(server: &Server<T>) -> String {
    format!("wss://localhost:{}/", server.port)
}

#[test]
fn messages_are_echoed_and_the_connection_is_closed() {
    let (server, client) = configs();
    let server = Server::start(|stream| {
        let mut socket = accept_tls(stream, server).unwrap();
        echo(&mut socket);
        socket.close_event().unwrap()
    });
    let mut socket = ws::connect(url(&server)).tls_config(client).open().unwrap();
    for len in [0, 1, 100_000, 5] {
        socket.send(vec![9; len]).unwrap();
        assert_eq!(socket.next().unwrap().unwrap(), Message::from(vec![9; len]));
    }
    assert!(socket.close(1000, "").unwrap().was_clean);
    let close = server.join();
    assert!(close.was_clean, "{close}");
    assert!(CryptoProvider::get_default().is_none());
}

#[test]
fn the_halves_send_and_receive_at_once() {
    const COUNT: usize = 100;
    let talk = |socket: WebSocket| {
        let (mut tx, rx) = socket.split();
        let reader = thread::spawn(move || rx.take(COUNT).flatten().count());
        for _ in 0..COUNT {
            tx.send(vec![1; 100_000]).unwrap();
        }
        (tx, reader.join().unwrap())
    };
    let (server, client) = configs();
    let server = Server::start(move |stream| talk(accept_tls(stream, server).unwrap()).1);
    let socket = ws::connect(url(&server)).tls_config(client).open().unwrap();
    assert_eq!(talk(socket).1, COUNT);
    assert_eq!(server.join(), COUNT);
}

/// The writer must not wait for the reader, which waits for a message that never comes.
#[test]
fn a_writer_sends_while_the_reader_waits() {
    let (server, client) = configs();
    let server = Server::start(|stream| {
        let mut socket = accept_tls(stream, server).unwrap();
        let message = socket.next().unwrap().unwrap();
        let end = socket.next();
        (message, end)
    });
    let socket = ws::connect(url(&server)).tls_config(client).open().unwrap();
    let (mut tx, mut rx) = socket.split();
    let reader = thread::spawn(move || rx.next());
    tx.send("one").unwrap();
    assert!(tx.close(1000, "").unwrap().was_clean);
    assert_eq!(reader.join().unwrap(), None);
    assert_eq!(server.join(), (Message::from("one"), None));
}

/// Records are written in pieces, and a piece is written once.
#[test]
fn a_slow_transport_garbles_nothing() {
    let (server, client) = configs();
    let server = Server::start(|stream| {
        echo(&mut ws::accept(Erratic::new(stream, 10, 1)).tls_config(server).open().unwrap());
    });
    let stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let mut socket = ws::connect("wss://localhost/")
        .tls_config(client)
        .over(Erratic::new(stream, 10, 2))
        .unwrap();
    for number in 0..15 {
        let message = vec![number; 1000 * usize::from(number)];
        socket.send(&message).unwrap();
        assert_eq!(socket.next().unwrap().unwrap(), Message::from(message));
    }
    assert!(socket.close(1000, "").unwrap().was_clean);
    server.join();
}

#[test]
fn dropping_the_socket_says_goodbye() {
    let (server, client) = configs();
    let server = Server::start(|stream| {
        let mut socket = accept_tls(stream, server).unwrap();
        assert!(socket.next().is_none());
        socket.close_event().unwrap()
    });
    drop(ws::connect(url(&server)).tls_config(client).open().unwrap());
    assert_eq!(server.join().code, 1001);
}

#[test]
fn a_connection_cut_without_close_notify_has_a_cause() {
    let (server, client) = configs();
    let server = Server::start(|stream| {
        let raw = stream.try_clone().unwrap();
        let socket = accept_tls(stream, server).unwrap();
        raw.shutdown(std::net::Shutdown::Both).unwrap();
        drop(socket);
    });
    let mut socket = ws::connect(url(&server)).tls_config(client).open().unwrap();
    let close = socket.next().unwrap().unwrap_err();
    assert!(matches!(close.failure, Some(Failure::Transport(_))), "{close}");
    assert!(close.to_string().contains("close_notify"), "{close}");
    server.join();
}

#[test]
fn certificates_are_checked() {
    let rustls_error = |error: &ConnectError| {
        assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
        let source = error.source().and_then(|it| it.downcast_ref::<io::Error>());
        source.and_then(io::Error::get_ref).is_some()
    };
    // Another name, and a certificate that nobody has signed.
    let (server, client) = configs();
    let refusing = Server::start(|stream| accept_tls(stream, server).unwrap_err());
    let wrong = format!("wss://127.0.0.1:{}/", refusing.port);
    let error = ws::connect(wrong).tls_config(client).open().unwrap_err();
    assert!(rustls_error(&error));
    assert!(matches!(refusing.join(), AcceptError::Tls(_)));

    let (server, _) = configs();
    let refusing = Server::start(|stream| accept_tls(stream, server).unwrap_err());
    let error = ws::connect(url(&refusing)).open().unwrap_err();
    assert!(rustls_error(&error));
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    assert!(matches!(refusing.join(), AcceptError::Tls(_)));
}

#[test]
fn a_wrong_scheme_is_named() {
    let (server, client) = configs();
    let refusing = Server::start(|stream| accept_tls(stream, server).unwrap_err());
    let error = ws::connect(refusing.url("ws")).open().unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 answered with TLS: use wss:// in the URL");
    refusing.join();

    let refusing = Server::start(|stream| accept(stream).unwrap_err());
    let error = ws::connect(url(&refusing)).tls_config(client).open().unwrap_err();
    assert!(error.to_string().contains("use ws:// in the URL"), "{error}");
    refusing.join();
}

#[test]
fn a_server_that_never_answers_has_a_deadline() {
    let (_, client) = configs();
    let refusing = Server::start(|mut stream| drain(&mut stream));
    let short = Duration::from_millis(100);
    let error = ws::connect(url(&refusing)).tls_config(client).timeout(short).open().unwrap_err();
    assert!(matches!(error, ConnectError::Timeout { hop: "TLS", .. }), "{error}");
    refusing.join();
}
