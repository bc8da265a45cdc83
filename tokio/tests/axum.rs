//! The extractors, in servers of axum over loopback.
#![cfg(feature = "axum")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use eventwire_tokio::axum::{UpgradeRejection, WebSocketUpgrade};
use eventwire_tokio::eventwire::sse::EventBuilder;
use eventwire_tokio::ws::handshake::ClientRequest;
use eventwire_tokio::ws::{self, Message, WebSocket, WebSocketOptions};
use eventwire_tokio::{Hub, HubOptions, LastEventId};
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

/// Serves a router. Returns its address.
async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

async fn echo(mut socket: WebSocket) -> Result<(), ws::SendError> {
    let protocol = socket.protocol().to_owned();
    socket.send(protocol).await?;
    while let Some(Ok(message)) = socket.next().await {
        socket.send(message).await?;
    }
    Ok(())
}

async fn open(upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .protocols(["echo.v2", "echo.v1"])
        .origins(["https://example.com"])
        .options(WebSocketOptions::new().ping_interval(20 * SECOND))
        .on_upgrade(echo)
}

async fn same_origin(upgrade: WebSocketUpgrade) -> Response {
    upgrade.same_origin().on_upgrade(echo)
}

async fn either(upgrade: Option<WebSocketUpgrade>) -> Response {
    match upgrade {
        Some(upgrade) => upgrade.on_upgrade(echo),
        None => "a page".into_response(),
    }
}

fn router() -> Router {
    Router::new()
        .route("/open", any(open))
        .route("/same", any(same_origin))
        .route("/either", any(either))
}

/// Sends a request, and returns the whole answer of a server that then closes.
async fn ask(address: SocketAddr, request: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.expect("a connection");
    tcp.write_all(request.replace('\n', "\r\n").as_bytes()).await.expect("sent");
    let mut answer = String::new();
    let read = tcp.read_to_string(&mut answer);
    timeout(SECOND, read).await.expect("an answer in time").expect("an answer");
    answer.to_lowercase()
}

async fn over(address: SocketAddr, connect: ws::Connect) -> Result<WebSocket, ws::ConnectError> {
    connect.over(TcpStream::connect(address).await.expect("a connection")).await
}

#[tokio::test]
async fn a_websocket_is_opened_by_an_upgrade() {
    let address = serve(router()).await;
    let url = format!("ws://{address}/open");
    let client = ws::connect(&url).subprotocol("echo.v1").subprotocol("echo.v2");
    let mut socket = over(address, client).await.expect("a WebSocket");
    assert_eq!(socket.protocol(), "echo.v2");
    assert_eq!(socket.next().await, Some(Ok(Message::Text("echo.v2".into()))));
    socket.send("hello").await.expect("sent");
    assert_eq!(socket.next().await, Some(Ok(Message::Text("hello".into()))));
    assert!(socket.close(1000, "").await.expect("closed").was_clean);

    let client = ws::connect(&url).header("origin", "https://EXAMPLE.com");
    assert_eq!(over(address, client).await.expect("a WebSocket").protocol(), "");
}

#[cfg(feature = "deflate")]
#[tokio::test]
async fn messages_are_compressed_if_both_want_it() {
    let deflate = eventwire::ws::Deflate::default;
    let open = move |upgrade: WebSocketUpgrade| async move {
        upgrade.deflate(deflate()).on_upgrade(|mut socket: WebSocket| async move {
            let extensions = socket.extensions().to_owned();
            socket.send(extensions).await
        })
    };
    let address = serve(Router::new().route("/", any(open))).await;
    let client = ws::connect(format!("ws://{address}/"));
    let mut socket = over(address, client.deflate(deflate())).await.expect("a WebSocket");
    assert!(socket.extensions().starts_with("permessage-deflate"), "{}", socket.extensions());
    let theirs = socket.extensions().into();
    assert_eq!(socket.next().await, Some(Ok(Message::Text(theirs))));
    let client = ws::connect(format!("ws://{address}/"));
    let mut socket = over(address, client).await.expect("a WebSocket");
    assert_eq!(socket.next().await, Some(Ok(Message::Text("".into()))));
}

#[tokio::test]
async fn other_requests_are_refused_with_a_reason() {
    let address = serve(router()).await;
    let upgrade = "upgrade: websocket\nconnection: upgrade, close\nsec-websocket-version: 13\n";
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\n";
    let rows = [
        ("GET /open HTTP/1.1", String::new(), 426, "sec-websocket-version: 13"),
        ("POST /open HTTP/1.1", format!("{upgrade}{key}"), 405, "allow: get"),
        ("GET /open HTTP/1.0", format!("{upgrade}{key}"), 505, ""),
        ("GET /open HTTP/1.1", upgrade.to_owned(), 400, ""),
        ("GET /open HTTP/1.1", format!("{upgrade}{key}origin: null\n"), 403, "may not connect"),
        ("GET /open HTTP/1.1", format!("{upgrade}{key}origin: https://a.com\n"), 403, ""),
        ("GET /same HTTP/1.1", format!("{upgrade}{key}origin: https://a.com\n"), 403, ""),
        ("GET /either HTTP/1.1", String::new(), 200, "a page"),
        ("GET /either HTTP/1.1", upgrade.to_owned(), 400, ""),
    ];
    for (line, headers, status, part) in rows {
        let close = if headers.contains("connection") { "" } else { "connection: close\n" };
        let answer = ask(address, &format!("{line}\nhost: b.com\n{close}{headers}\n")).await;
        let expected = format!(" {status} ");
        assert!(answer.lines().next().is_some_and(|it| it.contains(&expected)), "{line}: {answer}");
        assert!(answer.contains(part), "{line}: {answer}");
    }
    let client = ws::connect(format!("ws://{address}/same"));
    let client = client.header("origin", format!("http://{address}"));
    drop(over(address, client).await.expect("a page of this server may connect"));
}

/// By extended CONNECT (RFC 8441).
#[tokio::test]
async fn a_websocket_is_opened_over_http_2() {
    let (ours, theirs) = duplex(1 << 16);
    let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    server.enable_connect_protocol();
    let service = TowerToHyperService::new(router());
    tokio::spawn(server.serve_connection(TokioIo::new(theirs), service));
    let (mut send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(ours))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);

    let asked = ClientRequest::connect("example.com", "/open").expect("a request");
    let asked = asked.subprotocols(&["echo.v1"]).expect("subprotocols");
    let mut request = asked.to_http("https".parse().expect("a scheme")).expect("a request");
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    send.ready().await.expect("settings");
    let response =
        send.send_request(request.clone().map(|()| Body::empty())).await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(asked.verify(&response).expect("accepted").subprotocol(), Some("echo.v1"));
    let mut io = TokioIo::new(hyper::upgrade::on(response).await.expect("an upgrade"));
    // The text message "echo.v1", unmasked.
    let mut message = [0; 9];
    io.read_exact(&mut message).await.expect("a message");
    assert_eq!(&message, b"\x81\x07echo.v1");

    // Refusals.
    let get = Request::get("https://example.com/open").body(Body::empty()).expect("a request");
    let response = send.send_request(get).await.expect("a response");
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "CONNECT");
    let mut other = request.clone();
    other.extensions_mut().insert(Protocol::from_static("other"));
    let response = send.send_request(other.map(|()| Body::empty())).await.expect("a response");
    assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
    request.headers_mut().insert("origin", "https://a.com".parse().expect("an origin"));
    let foreign = request.map(|()| Body::empty());
    let response = send.send_request(foreign).await.expect("a response");
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

fn upgrade_request() -> Request<Body> {
    let request = ClientRequest::from_url("ws://localhost/", [7; 16]).expect("a request");
    request.to_http().expect("a request").map(|()| Body::empty())
}

#[tokio::test]
async fn a_server_that_does_not_upgrade_says_so() {
    let (mut parts, _) = upgrade_request().into_parts();
    let upgrade = <WebSocketUpgrade as FromRequestParts<()>>::from_request_parts(&mut parts, &());
    let rejection = upgrade.await.expect_err("nothing to upgrade");
    assert!(matches!(rejection, UpgradeRejection::NotUpgradable));
    let response = rejection.into_response();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = to_bytes(response.into_body(), 1000).await.expect("a body");
    assert_eq!(body, "this server does not upgrade connections\n");
}

#[tokio::test]
async fn a_failed_upgrade_is_reported() {
    let mut request = upgrade_request();
    // An upgrade that cannot succeed, as that of a client that has gone.
    let upgrade = hyper::upgrade::on(&mut request);
    request.extensions_mut().insert(upgrade);
    let (mut parts, _) = request.into_parts();
    let upgrade = <WebSocketUpgrade as FromRequestParts<()>>::from_request_parts(&mut parts, &());
    let (report, reported) = oneshot::channel();
    let response = upgrade
        .await
        .expect("a request for a WebSocket")
        .on_failed_upgrade(|error| drop(report.send(error.to_string())))
        .on_upgrade(async |_| panic!("there is no WebSocket"));
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let reason = timeout(SECOND, reported).await.expect("in time").expect("a report");
    assert!(reason.contains("upgrade"), "{reason}");
}

async fn resume(last: LastEventId) -> String {
    format!("{:?}", last.as_bytes().map(String::from_utf8_lossy))
}

#[tokio::test]
async fn the_last_event_id_is_in_the_header_or_the_query() {
    let address = serve(Router::new().route("/", get(resume))).await;
    for (query, header, expected) in [
        ("", "", "none"),
        ("", "last-event-id: 7\n", "some(\"7\")"),
        ("?a=1&last_event_id=a%2Bb+c&last_event_id=8", "", "some(\"a+b c\")"),
        ("?last_event_id=8", "last-event-id: 7\n", "some(\"7\")"),
        ("?last_event_id=", "", "none"),
        ("?last_event_ids=8", "", "none"),
    ] {
        let request = format!("GET /{query} HTTP/1.1\nhost: a\nconnection: close\n{header}\n");
        let answer = ask(address, &request).await;
        assert!(answer.ends_with(&format!("\r\n\r\n{expected}")), "{query} {header}: {answer}");
    }
}

async fn feed(State(hub): State<Hub>, last: LastEventId) -> impl IntoResponse {
    hub.events(&last)
}

async fn feed_socket(
    State(hub): State<Hub>,
    last: LastEventId,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| hub.resume(&last).serve(socket))
}

/// A server stops while clients listen on both wires.
#[tokio::test]
async fn a_server_with_a_hub_stops() {
    let hub = Hub::new(HubOptions::new().retry(SECOND));
    let id = hub.publish(EventBuilder::new().data("one"));
    hub.publish(EventBuilder::new().data("two"));
    let router = Router::new()
        .route("/events", get(feed))
        .route("/socket", any(feed_socket))
        .with_state(hub.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let stopping = hub.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stopped.await.expect("the signal");
        stopping.shutdown().await;
    });
    let server = tokio::spawn(server.into_future());

    let client = ws::connect(format!("ws://{address}/socket?last_event_id={id}"));
    let mut socket = over(address, client).await.expect("a WebSocket");
    assert_eq!(socket.next().await, Some(Ok(Message::Text("two".into()))));
    let request =
        format!("GET /events HTTP/1.1\nhost: a\nconnection: close\nlast-event-id: {id}\n\n");
    let events = tokio::spawn(async move { ask(address, &request).await });
    while hub.subscribers() < 2 {
        tokio::task::yield_now().await;
    }
    hub.publish(EventBuilder::new().data("three"));
    stop.send(()).expect("the server runs");
    assert_eq!(socket.next().await, Some(Ok(Message::Text("three".into()))));
    assert_eq!(socket.next().await, None);
    assert_eq!(socket.close_event().map(|close| close.code), Some(1012));
    let events = events.await.expect("no panic");
    assert!(events.contains("retry: 1000\n\n"), "{events}");
    assert!(events.contains("data: two\n\n") && events.contains("data: three\n\n"), "{events}");
    assert!(!events.contains("data: one"), "{events}");
    timeout(2 * SECOND, server).await.expect("in time").expect("no panic").expect("no error");
}
