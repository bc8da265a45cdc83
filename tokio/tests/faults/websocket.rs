//! Faults of a WebSocket server, and of the way to it: how the client ends, and what it says.

use super::client;
use super::end::End;
use super::fault::Fault;
use super::patience::{Patience, SHORT};
use super::scene::Scene;
use eventwire_tokio::ws::rustls::{self, CertificateError, InvalidMessage};
use eventwire_tokio::ws::{
    self, CloseEvent, ConnectError, ConnectErrorKind, DialError, Failure, Hop, WebSocketOptions,
};
use std::error::Error;
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// Runs the client with short deadlines. Returns how it ended, and the text of that.
async fn run(fault: Fault) -> (End, String) {
    let scene = Scene::of(fault).await;
    let end = timeout(Duration::from_secs(2), client::run(&scene, Patience::Short)).await;
    let end = end.expect("the client ends by its own deadlines");
    let text = scene.mask(&end.text());
    assert!(!text.contains("secret"), "{text}");
    (end, text)
}

/// Returns an error of the client's own, such as the end of a connection.
fn error<E: Error + 'static>(end: &End) -> &E {
    end.error().downcast_ref().unwrap_or_else(|| panic!("another error: {end:?}"))
}

/// Returns the hop at which connecting failed.
fn hop(end: &End) -> Hop {
    match error::<ConnectError>(end).kind() {
        ConnectErrorKind::Dial(error) => error.hop(),
        error => panic!("not on the way to the server: {error:?}"),
    }
}

#[tokio::test]
async fn the_server_is_down() {
    let (end, text) = run(Fault::ServerDown).await;
    assert!(text.starts_with("cannot connect to SERVER: "), "{text}");
    assert_eq!((hop(&end), end.is_permanent()), (Hop::Tcp, Some(false)));
    let cause = end.cause::<io::Error>().expect("the system's error");
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);
    assert!(text.ends_with(&cause.to_string()), "{text}");
}

#[tokio::test]
async fn the_server_refuses() {
    for (fault, status, is_permanent) in [
        (Fault::Unauthorized, 401, true),
        (Fault::Redirected, 302, false),
        (Fault::TooManyRequests, 429, false),
        (Fault::Unavailable, 503, false),
    ] {
        let (end, text) = run(fault).await;
        assert_eq!(
            text,
            format!("SERVER: the server refused to open a WebSocket, with status {status}")
        );
        assert_eq!(end.is_permanent(), Some(is_permanent), "{status}");
        let error = error::<ConnectError>(&end);
        let wait = (status == 429).then_some(Duration::from_secs(7));
        assert_eq!(error.retry_after(), wait, "{status}");
        let refusal = error.refusal().expect("a refusal");
        assert_eq!((refusal.status(), &refusal.body()[..]), (status, &b"why"[..]));
        let header = match status {
            401 => refusal.header("www-authenticate"),
            302 => refusal.header("location"),
            _ => refusal.header("content-length"),
        };
        assert!(header.is_some(), "{status}");
    }
}

#[tokio::test]
async fn the_certificate_is_not_trusted() {
    let (end, text) = run(Fault::UnknownRoot).await;
    assert!(text.starts_with("cannot set up TLS with SERVER: invalid peer certificate"), "{text}");
    assert_eq!((hop(&end), end.is_permanent()), (Hop::Tls, Some(true)));
    let cause = end.cause::<rustls::Error>();
    let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    assert_eq!(cause, Some(&unknown));
}

#[tokio::test]
async fn the_certificate_is_for_another_name() {
    let (end, text) = run(Fault::WrongName).await;
    assert!(text.starts_with("cannot set up TLS with SERVER: invalid peer certificate"), "{text}");
    assert!(text.contains("other.test"), "{text}");
    assert_eq!((hop(&end), end.is_permanent()), (Hop::Tls, Some(true)));
    let cause = end.cause::<rustls::Error>().expect("an error of TLS");
    assert!(matches!(
        cause,
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
    ));
}

/// The server may send an alert, end the connection or reset it.
#[tokio::test]
async fn a_server_that_does_not_answer_may_expect_tls() {
    const HINT: &str = "; the server may expect another protocol, such as TLS (wss)";
    for fault in [Fault::WsToTls, Fault::CutHandshake, Fault::ResetHandshake] {
        let (end, text) = run(fault).await;
        assert!(
            text.starts_with("SERVER: the opening handshake failed: the "),
            "{fault:?}: {text}"
        );
        assert!(text.ends_with(HINT), "{fault:?}: {text}");
        assert_eq!(end.is_permanent(), Some(false), "{fault:?}");
        let cause = end.cause::<io::Error>().map(io::Error::kind);
        let reset = (fault == Fault::ResetHandshake).then_some(io::ErrorKind::ConnectionReset);
        assert_eq!(cause, reset, "{fault:?}");
    }
}

#[tokio::test]
async fn a_port_without_tls_is_told_from_one_with_it() {
    let (end, text) = run(Fault::WssToPlain).await;
    assert!(text.starts_with("cannot set up TLS with SERVER: "), "{text}");
    assert!(
        text.ends_with("; the port answers without TLS: use the port for TLS, or no TLS"),
        "{text}"
    );
    assert_eq!((hop(&end), end.is_permanent()), (Hop::Tls, Some(true)));
    let plain = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
    assert_eq!(end.cause(), Some(&plain));
}

#[tokio::test]
async fn the_server_never_answers_the_handshake() {
    let (end, text) = run(Fault::SilentServer).await;
    assert_eq!(text, "SERVER: the server did not answer the opening handshake within 200ms");
    assert_eq!(end.is_permanent(), Some(false));
}

/// Checks that an open connection ended with 1006 and this failure.
fn assert_failed(end: &End, failure: &Failure) {
    let close = error::<CloseEvent>(end);
    assert_eq!((close.code, close.failure.as_ref()), (1006, Some(failure)));
}

#[tokio::test]
async fn a_message_is_cut() {
    let (end, text) = run(Fault::CutMessage).await;
    assert_eq!(text, "closed with 1006: the transport ended too soon");
    assert_failed(&end, &Failure::EndOfStream);
}

#[tokio::test]
async fn a_close_is_not_answered() {
    let (end, text) = run(Fault::CloseUnanswered).await;
    assert_eq!(text, "closed with 1006: no closing handshake in time");
    assert_failed(&end, &Failure::ClosingTimeout);
}

#[tokio::test]
async fn the_peer_is_half_open() {
    let (end, text) = run(Fault::HalfOpen).await;
    assert_eq!(text, "closed with 1006: the peer did not answer a ping in time");
    assert_failed(&end, &Failure::PongTimeout);
}

#[tokio::test]
async fn the_peer_never_reads() {
    let (end, text) = run(Fault::NeverReads).await;
    assert_eq!(text, "closed with 1006: the peer did not answer a ping in time");
    assert_failed(&end, &Failure::PongTimeout);
}

/// The ping is out when the peer stops taking messages, and nobody reads its answer.
#[tokio::test]
async fn the_peer_never_reads_after_a_ping() {
    let scene = Scene::of(Fault::NeverReads).await;
    let options = WebSocketOptions::new().ping_interval(SHORT).pong_timeout(SHORT);
    let connect = ws::connect(scene.url("ws")).options(options).no_proxy();
    let mut socket = connect.await.expect("a connection");
    timeout(SHORT * 3 / 2, socket.next()).await.expect_err("a ping is sent, and nothing arrives");
    let sending = async { while socket.send(vec![0; 1 << 16]).await.is_ok() {} };
    timeout(Duration::from_secs(2), sending).await.expect("the client ends by its own deadlines");
    let close = socket.closed().await;
    assert_eq!((close.code, close.failure), (1006, Some(Failure::PongTimeout)));
}

/// Pings are a sign of life, and so only a deadline for messages ends this. As the peer reads
/// nothing, it never learns of the end.
#[tokio::test]
async fn the_peer_floods_with_pings() {
    let (end, _) = run(Fault::PingFlood).await;
    assert_failed(&end, &Failure::ClosingTimeout);
}

#[tokio::test]
async fn the_url_is_invalid() {
    let (end, text) = run(Fault::InvalidUrl).await;
    let begins = "the URL does not begin with ws://, wss://, http:// or https://";
    assert_eq!(text, format!("invalid URL: {begins}"));
    assert_eq!(end.is_permanent(), Some(true));
}

/// Other systems than Linux have no second address on loopback.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_dead_address_is_passed_over() {
    let (end, _) = run(Fault::DeadAddress).await;
    assert!(matches!(end, End::Open), "{end:?}");
}

#[tokio::test]
async fn the_proxy_never_answers() {
    let (end, text) = run(Fault::SilentProxy).await;
    assert_eq!(text, "cannot connect through the proxy PROXY: no answer in time");
    assert_eq!((hop(&end), end.is_permanent()), (Hop::Proxy, Some(false)));
}

#[tokio::test]
async fn the_proxy_refuses() {
    let (end, text) = run(Fault::RefusingProxy).await;
    let refusal = "it answered with status 403 Forbidden";
    assert_eq!(text, format!("cannot connect through the proxy PROXY: {refusal}"));
    assert_eq!((hop(&end), end.is_permanent()), (Hop::Proxy, Some(false)));
    let ConnectErrorKind::Dial(error) = error::<ConnectError>(&end).kind() else {
        unreachable!("it has a hop")
    };
    let response = DialError::proxy_response(error).expect("the proxy's answer");
    assert_eq!((response.status().as_u16(), &response.body()[..]), (403, &b"why"[..]));
}

#[test]
fn what_is_printed_of_a_connection_shows_no_credentials() {
    let connect = ws::connect("ws://user:secret@server.test/?token=secret")
        .header("authorization", "Bearer secret")
        .header("x-api-key", "secret")
        .proxy("http://user:secret@proxy.test:3128");
    let text = format!("{connect:?}");
    assert!(!text.contains("secret"), "{text}");
}
