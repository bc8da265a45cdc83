//! Requests that cannot be sent, and responses that are no event stream.

use crate::memory::{Answer, Memory, body, events};
use crate::server::Server;
use eventwire_tokio::sse::{
    self, DecoderOptions, EventSourceErrorKind, EventSourceOptions, RequestBuilderExt, connect_with,
};
use http::Response;
#[cfg(feature = "reqwest-tls")]
use std::error::Error;
use std::time::Duration;
#[cfg(feature = "reqwest-tls")]
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

#[tokio::test]
async fn a_response_that_is_no_event_stream_is_final_and_shown() {
    let server = Server::start().await;
    for (status, header, body, text) in [
        (
            "204 No Content",
            "x: y",
            "",
            "status 204 No Content, by which the server asks its clients to stop",
        ),
        (
            "301 Moved Permanently",
            "location: /elsewhere",
            "",
            "status 301 Moved Permanently, a redirect that the HTTP client did not follow",
        ),
        ("401 Unauthorized", "www-authenticate: Bearer", "who?", "status 401 Unauthorized"),
        ("429 Too Many Requests", "retry-after: 7", "slow down", "status 429 Too Many Requests"),
        ("500 Internal Server Error", "x: y", "{}", "status 500 Internal Server Error"),
        ("200 OK", "content-type: text/html", "<html>", "content type text/html"),
        ("200 OK", "x: y", "data: a\n\n", "no content type"),
    ] {
        // Those of the standard, in which no status is tried again.
        let mut source = sse::connect(server.url()).options(EventSourceOptions::new()).build();
        let len = if status.starts_with("204") {
            String::new()
        } else {
            format!("content-length: {}\r\n", body.len())
        };
        let answer =
            format!("HTTP/1.1 {status}\r\n{header}\r\n{len}connection: close\r\n\r\n{body}");
        let (_, error) = tokio::join!(server.answer(answer), source.next());
        let error = error.unwrap().unwrap_err();
        let host = server.address();
        let text = format!("{host}: the response is not an event stream: {text}");
        assert_eq!(error.to_string(), text);
        assert!(!error.will_retry());
        let response = error.refusal().unwrap();
        assert_eq!(response.body(), body);
        assert!(status.starts_with(response.status().as_str()));
        let (name, value) = header.split_once(": ").unwrap();
        assert_eq!(response.headers()[name], value);
        assert!(source.next().await.is_none());
        server.assert_no_request().await;
    }
}

/// The error of a program's `main` is printed by its `Debug`.
#[tokio::test]
async fn the_debug_of_an_error_is_its_text() {
    let server = Server::start().await;
    let answer = "HTTP/1.1 401 No\r\nset-cookie: hunter2\r\nlocation: hunter2\r\n\
                  content-length: 7\r\n\r\nhunter2";
    let (_, error) = tokio::join!(server.answer(answer), sse::connect(server.url()).into_future());
    let error = error.unwrap_err();
    assert_eq!(format!("{error:?}"), format!("EventSourceError({error})"));
    let kind = format!("{:?}", error.kind());
    assert!(!kind.contains("hunter2"), "{kind}");
    for part in ["Refused", "401", "\"set-cookie\"", "body_len: 7"] {
        assert!(kind.contains(part), "{kind}");
    }
}

/// The answers of a server that restarts, and of a proxy before it.
#[tokio::test]
async fn a_status_that_passes_is_tried_again_by_default() {
    let server = Server::start().await;
    for status in ["408 a", "425 a", "429 a", "500 a", "502 a", "503 a", "504 a", "501 a", "404 a"]
    {
        let mut source = sse::connect(server.url()).build();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let (_, error) = tokio::join!(server.answer(answer), source.next());
        let is_final = status.starts_with("501") || status.starts_with("404");
        assert_eq!(error.unwrap().unwrap_err().will_retry(), !is_final, "{status}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_final() {
    for url in ["localhost:3000/feed", "ws://localhost/", "ftp://a/", "localhost"] {
        let text = "the request cannot be sent: the URL does not begin with http:// or https://";
        assert_eq!(sse::connect(url).await.unwrap_err().to_string(), text);
        let mut events = reqwest::Client::new().get(url).events();
        let error = events.next().await.unwrap().unwrap_err().to_string();
        assert!(error.ends_with(text), "{error}"); // after the host, if there is one
    }
    for url in ["localhost:3000/feed", "", "ws://localhost/", "http://", "http://a b/", "ftp://a/"]
    {
        let mut source = sse::connect(url).build();
        let error = source.next().await.unwrap().unwrap_err();
        assert!(matches!(error.kind(), EventSourceErrorKind::InvalidRequest(_)), "{url}");
        assert!(!error.will_retry());
        assert!(error.to_string().starts_with("the request cannot be sent: "), "{error}");
        assert!(!error.to_string().contains("ws://"), "{error}");
        assert!(source.next().await.is_none());
    }
    for connect in [
        sse::connect("http://localhost/").last_event_id("a\nb"),
        sse::connect("http://localhost/").header("a b", "c"),
        sse::connect("http://localhost/").method("P O S T"),
    ] {
        let error = connect.await.unwrap_err();
        assert!(matches!(error.kind(), EventSourceErrorKind::InvalidRequest(_)), "{error}");
    }
}

#[tokio::test]
async fn the_body_of_a_refusal_is_bounded() {
    let long = "x".repeat(100_000);
    let server = Server::start().await;
    let answer = format!("HTTP/1.1 500 No\r\ncontent-length: {}\r\n\r\n{long}", long.len());
    let connect = sse::connect(server.url()).into_future();
    let (_, error) = tokio::join!(server.answer(answer), connect);
    assert_eq!(error.unwrap_err().refusal().unwrap().body().len(), 64 << 10);
}

#[tokio::test(start_paused = true)]
async fn the_time_for_the_body_of_a_refusal_is_bounded() {
    let parts = std::iter::once((0, "why")).chain(std::iter::repeat((3000, "?")));
    let mut response = Response::new(body(parts));
    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    let client = Memory::new([Answer::Response(response)]);
    let start = Instant::now();
    let error = connect_with(client, "http://localhost/").await.unwrap_err();
    assert_eq!(error.refusal().unwrap().body(), "why?");
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_status_is_retried_when_the_server_says() {
    let refusal = || {
        let response = Response::builder().status(429).header("retry-after", "7");
        Answer::Response(response.body(body([])).unwrap())
    };
    let client = Memory::new([refusal(), events([(0, "data: a\n\n")])]);
    let options = EventSourceOptions::new().retry_statuses(&[429]);
    let mut source = connect_with(client.clone(), "http://localhost/").options(options).build();
    let error = source.next().await.unwrap().unwrap_err();
    let wait = error.reconnect_at().unwrap() - Instant::now();
    assert!((6_990..=7_000).contains(&wait.as_millis()), "{wait:?}");
    assert_eq!(error.refusal().unwrap().status(), 429);
    assert_eq!(source.next().await.unwrap().unwrap().data, "a");
    assert!((7000..7100).contains(&client.times()[1]), "{:?}", client.times());
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_final() {
    let client = Memory::new([events([(0, "data: a\n\n"), (0, "data: too long\n\n")])]);
    let options = DecoderOptions::new().max_event(10);
    let mut source =
        connect_with(client.clone(), "http://localhost/").decoder_options(options).build();
    assert_eq!(source.next().await.unwrap().unwrap().data, "a");
    let error = source.next().await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), EventSourceErrorKind::Decode(_)));
    assert!(source.next().await.is_none());
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(client.times().len(), 1);
}

#[cfg(not(feature = "reqwest-tls"))]
#[tokio::test]
async fn a_client_without_tls_says_so_at_once() {
    let mut source = sse::connect("https://127.0.0.1:1/").build();
    let error = source.next().await.unwrap().unwrap_err();
    assert!(!error.will_retry());
    assert!(error.to_string().contains("enable feature `reqwest-tls`"), "{error}");
    let mut events = reqwest::Client::new().get("https://127.0.0.1:1/").events();
    assert!(!events.next().await.unwrap().unwrap_err().will_retry());
}

#[cfg(feature = "reqwest-tls")]
#[tokio::test]
async fn a_port_without_tls_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await
    };
    let connect = sse::connect(format!("https://{address}/")).into_future();
    let (_, error) = tokio::join!(serve, connect);
    let error = error.unwrap_err();
    assert!(error.to_string().contains("the port answers without TLS"), "{error}");
    assert!(matches!(error.kind(), EventSourceErrorKind::InvalidRequest(_)));
    assert!(error.source().is_some_and(|it| it.source().unwrap().is::<reqwest::Error>()));
}

/// Without a provider for the process, and with two compiled in.
#[cfg(feature = "reqwest-tls")]
#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_no_panic() {
    use std::sync::Arc;
    use tokio_rustls::{TlsAcceptor, rustls};

    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], key.signing_key.into())
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        assert!(TlsAcceptor::from(Arc::new(config)).accept(stream).await.is_err());
    };
    let ((), error) = tokio::join!(serve, sse::connect(url).into_future());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}
