//! TLS, with certificates made here and with no provider installed as the process's default.

use crate::support::{Erratic, Server, accept, drain, echo};
use eventwire_blocking::ws::rustls::crypto::CryptoProvider;
use eventwire_blocking::ws::rustls::pki_types::CertificateDer;
use eventwire_blocking::ws::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use eventwire_blocking::ws::{
    self, AcceptError, ConnectError, ConnectErrorKind, Failure, Hop, Message, WebSocket,
};
use std::error::Error;
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

/// A certificate for `localhost`, and a server that has it.
fn certified() -> (CertificateDer<'static>, Arc<ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let server = ServerConfig::builder_with_provider(provider());
    let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let certificate = made.cert.der().clone();
    let server = server.with_single_cert(vec![certificate.clone()], key).unwrap();
    (certificate, Arc::new(server))
}

/// A server, and clients that trust it.
fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let (certificate, server) = certified();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider());
    let client = client.with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (server, Arc::new(client))
}

/// Returns the error of TLS, which is the cause.
fn rustls_error(error: &ConnectError) -> &rustls::Error {
    let ConnectErrorKind::Dial(dial) = error.kind() else { panic!("{error}") };
    assert_eq!(dial.hop(), Hop::Tls);
    error.source().and_then(|it| it.downcast_ref()).unwrap()
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
    // Another name, and a certificate that nobody has signed.
    let (server, client) = configs();
    let refusing = Server::start(|stream| accept_tls(stream, server).unwrap_err());
    let wrong = format!("wss://127.0.0.1:{}/", refusing.port);
    let error = ws::connect(wrong).tls_config(client).open().unwrap_err();
    assert!(matches!(rustls_error(&error), rustls::Error::InvalidCertificate(_)));
    assert!(error.is_permanent());
    assert!(matches!(refusing.join(), AcceptError::Tls(_)));

    let (server, _) = configs();
    let refusing = Server::start(|stream| accept_tls(stream, server).unwrap_err());
    let error = ws::connect(url(&refusing)).open().unwrap_err();
    let text = "invalid peer certificate: UnknownIssuer";
    let host = format!("localhost:{}", refusing.port);
    assert_eq!(error.to_string(), format!("cannot set up TLS with {host}: {text}"));
    assert!(error.is_permanent());
    assert!(matches!(refusing.join(), AcceptError::Tls(_)));
}

#[test]
fn further_authorities_are_trusted() {
    let (certificate, server) = certified();
    let server = Server::start(|stream| echo(&mut accept_tls(stream, server).unwrap()));
    let (other, _) = certified();
    let request = ws::connect(url(&server)).root_certificates([other]);
    let mut socket = request.root_certificates([certificate]).open().unwrap();
    assert!(socket.close(1000, "").unwrap().was_clean);
    server.join();

    let broken = CertificateDer::from(vec![1, 2, 3]);
    let (stream, _theirs) = crate::support::pair();
    let request = ws::connect("wss://localhost/").root_certificates([broken]);
    let error = request.over(stream).unwrap_err();
    assert!(matches!(rustls_error(&error), rustls::Error::InvalidCertificate(_)), "{error}");
    assert!(error.is_permanent());
}

#[test]
fn a_wrong_scheme_is_named() {
    let (server, client) = configs();
    let refusing = Server::start(|stream| accept_tls(stream, server).unwrap_err());
    let error = ws::connect(refusing.url("ws")).open().unwrap_err();
    let advice = "the server may expect another protocol, such as TLS (wss)";
    assert!(error.to_string().ends_with(advice), "{error}");
    refusing.join();

    let refusing = Server::start(|stream| accept(stream).unwrap_err());
    let error = ws::connect(url(&refusing)).tls_config(client).open().unwrap_err();
    let advice = "; the port answers without TLS: use the port for TLS, or no TLS";
    assert!(error.to_string().ends_with(advice), "{error}");
    assert!(error.is_permanent());
    refusing.join();

    let refusing = Server::start(drop);
    let error = ws::connect(url(&refusing)).open().unwrap_err();
    assert!(error.to_string().ends_with("; check that the port is for TLS"), "{error}");
    assert!(!error.is_permanent());
    refusing.join();
}

#[test]
fn a_server_that_never_answers_has_a_deadline() {
    let (_, client) = configs();
    let refusing = Server::start(|mut stream| drain(&mut stream));
    let short = Duration::from_millis(100);
    let error = ws::connect(url(&refusing)).tls_config(client).timeout(short).open().unwrap_err();
    let text = format!("cannot set up TLS with localhost:{}: no answer in time", refusing.port);
    assert_eq!(error.to_string(), text);
    assert!(!error.is_permanent());
    refusing.join();
}
