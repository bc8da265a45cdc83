//! A WebSocket through axum and hyper: their types are checked and answered, and their connection
//! is upgraded.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::Scheme;
use axum::http::{Response, StatusCode};
use axum::routing::any;
use bytes::{Buf, BytesMut};
use eventwire::ws::handshake::{self, ClientRequest, Connect, RequestError, ResponseError};
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Connection, ConnectionState, Frame, Limits, Message,
    WebSocketOptions,
};
use eventwire_test_support::echo;
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

type Upgraded = TokioIo<hyper::upgrade::Upgraded>;

/// Echoes with `Connection`.
async fn connection(request: Request) -> Response<Body> {
    upgrade(request, serve)
}

/// Serves an upgraded connection, or responds with the error.
fn upgrade<F>(
    request: Request,
    serve: impl FnOnce(Upgraded) -> F + Send + 'static,
) -> Response<Body>
where
    F: Future<Output: Send> + Send,
{
    let response = match accept(&request) {
        Ok(response) => response.map(|()| Body::empty()),
        Err(error) => error.rejection().to_http(request.version()).unwrap().map(Body::from),
    };
    if matches!(response.status(), StatusCode::SWITCHING_PROTOCOLS | StatusCode::OK) {
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(request).await.unwrap();
            serve(TokioIo::new(upgraded)).await;
        });
    }
    response
}

/// Accepts an upgrade, or a request over HTTP/2.
fn accept(request: &Request) -> Result<Response<()>, RequestError> {
    if let Some(protocol) = request.extensions().get::<Protocol>() {
        let checked = handshake::Request::<Connect>::from_connect(request, protocol.as_str())?;
        let mut acceptance = checked.accept();
        if let Some(name) = checked.select_subprotocol(&["echo"]) {
            acceptance = acceptance.subprotocol(name).unwrap();
        }
        return Ok(acceptance.to_http().unwrap());
    }
    let checked = handshake::Request::from_http(request)?;
    let mut acceptance = checked.accept();
    if let Some(name) = checked.select_subprotocol(&["echo"]) {
        acceptance = acceptance.subprotocol(name).unwrap();
    }
    Ok(acceptance.to_http().unwrap())
}

async fn serve(mut io: Upgraded) {
    let mut connection = Connection::server(Limits::new());
    let (mut received, mut to_send) = (BytesMut::new(), Vec::new());
    while connection.state() != ConnectionState::Closed
        && io.read_buf(&mut received).await.unwrap() > 0
    {
        while let Some(message) = connection.receive(&mut received).unwrap() {
            if let Message::Text(text) = message {
                connection.send_to(Frame::text(&text), &mut to_send).unwrap();
            }
            connection.reply_to(&mut to_send).unwrap();
        }
        io.write_all(&to_send).await.unwrap();
        to_send.clear();
    }
    io.shutdown().await.unwrap();
}

async fn listen() -> SocketAddr {
    route(Router::new().route("/echo", any(connection))).await
}

async fn route(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

/// Returns everything that the server sends until it hangs up.
async fn ask(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut received = Vec::new();
    socket.read_to_end(&mut received).await.unwrap();
    received
}

#[tokio::test]
async fn frames_behind_the_request_are_answered() {
    let address = listen().await;
    let host = address.to_string();
    let request = ClientRequest::new(&host, "/echo", [7; 16]).unwrap();
    let request = request.subprotocols(&["other", "echo"]).unwrap();
    let mut client = Connection::client(Limits::new(), || [1, 2, 3, 4]);
    let mut sent = request.to_bytes().to_vec();
    client.send_to(Frame::text("gr\u{FC}n"), &mut sent).unwrap();
    let close = Close { code: CloseCode::NORMAL, reason: "bye" };
    client.send_to(Frame::close(Some(close)).unwrap(), &mut sent).unwrap();

    let mut received = BytesMut::from(&ask(address, &sent).await[..]);
    let response = request.handshake().decode(&received).unwrap().unwrap();
    assert_eq!(response.subprotocol(), Some("echo"));
    let head_len = response.head_len();
    received.advance(head_len);
    assert_eq!(client.receive(&mut received), Ok(Some(Message::Text("gr\u{FC}n".into()))));
    let Ok(Some(Message::Close(Some(close)))) = client.receive(&mut received) else { panic!() };
    assert_eq!((close.code, &*close.reason), (CloseCode::NORMAL, "bye"));
    assert_eq!(client.state(), ConnectionState::Closed);
}

#[tokio::test]
async fn what_opens_no_websocket_is_refused() {
    let address = listen().await;
    let request = ClientRequest::new("a", "/echo", rand::random()).unwrap();
    let sent = String::from_utf8(request.to_bytes().to_vec()).unwrap();
    for (from, to, status) in [
        ("Version: 13", "Version: 8", 426),
        ("GET", "POST", 405),
        ("Key: ", "Key: x", 400),
        ("/echo", "/elsewhere", 404),
    ] {
        let sent = sent.replace(from, to).replace("Connection: ", "Connection: close, ");
        let received = ask(address, sent.as_bytes()).await;
        let error = request.handshake().decode(&received).map(drop).unwrap_err();
        assert!(matches!(error, ResponseError::Status { status: it, .. } if it == status), "{to}");
    }
}

/// Echoes with `WebSocket`, pings every 50 ms, and reports how connections were closed.
async fn socket() -> (SocketAddr, mpsc::UnboundedReceiver<Option<CloseEvent>>) {
    let (sender, ends) = mpsc::unbounded_channel();
    let serve = |io| async move {
        let options = WebSocketOptions::new().ping_interval(Duration::from_millis(50));
        sender.send(echo::echo(io, BytesMut::new(), options).await)
    };
    let handler = |request: Request| async move { upgrade(request, serve) };
    (route(Router::new().route("/echo", any(handler))).await, ends)
}

#[tokio::test]
async fn a_socket_echoes_pings_and_closes() {
    let (address, mut ends) = socket().await;
    let host = address.to_string();
    let request = ClientRequest::new(&host, "/echo", [7; 16]).unwrap();
    let mut client = Connection::client(Limits::new(), || [1, 2, 3, 4]);
    // Bytes after the request go to the socket.
    let mut sent = request.to_bytes().to_vec();
    client.send_to(Frame::text("gr\u{FC}n"), &mut sent).unwrap();

    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut received = BytesMut::new();
    let mut handshake = request.handshake();
    let (mut open, mut said, mut pings) = (false, Vec::new(), 0);
    while client.state() != ConnectionState::Closed {
        stream.write_all(&sent).await.unwrap();
        sent.clear();
        assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0);
        if !open {
            let Some(response) = handshake.decode(&received).unwrap() else { continue };
            let head_len = response.head_len();
            received.advance(head_len);
            open = true;
        }
        while let Some(message) = client.receive(&mut received).unwrap() {
            match message {
                Message::Ping(_) if pings == 2 => {
                    client.reply_to(&mut sent).unwrap();
                    let close = Close { code: CloseCode::NORMAL, reason: "bye" };
                    client.send_to(Frame::close(Some(close)).unwrap(), &mut sent).unwrap();
                    pings += 1;
                }
                Message::Ping(_) => pings += 1,
                other => said.push(other),
            }
            client.reply_to(&mut sent).unwrap();
        }
    }
    let bye = Close { code: CloseCode::NORMAL, reason: "bye".into() };
    assert_eq!(said, [Message::Text("gr\u{FC}n".into()), Message::Close(Some(bye))]);
    // The server hangs up first.
    assert_eq!(stream.read_buf(&mut received).await.unwrap(), 0);
    drop(stream);
    let end = ends.recv().await.unwrap().unwrap();
    assert_eq!((end.code, &*end.reason, end.was_clean), (1000, "bye", true));
}

/// Several sockets share one connection ([RFC 8441](https://www.rfc-editor.org/rfc/rfc8441)),
/// with hyper on both sides.
#[tokio::test]
async fn sockets_share_a_connection_of_http2() {
    let (address, mut ends) = socket().await;
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (requests, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let host = address.to_string();
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..3 {
        let (host, mut requests) = (host.clone(), requests.clone());
        clients.spawn(async move {
            let request = ClientRequest::connect(&host, "/echo").unwrap();
            let request = request.subprotocols(&["other", "echo"]).unwrap();
            let mut sent = request.to_http(Scheme::HTTP).unwrap().map(|()| Body::empty());
            sent.extensions_mut().insert(Protocol::from_static("websocket"));
            requests.ready().await.unwrap();
            let response = requests.send_request(sent).await.unwrap();
            assert_eq!(request.verify(&response).unwrap().subprotocol(), Some("echo"));
            let mut io = TokioIo::new(hyper::upgrade::on(response).await.unwrap());

            let mut client = Connection::client(Limits::new(), || [1, 2, 3, 4]);
            let (mut received, mut sent) = (BytesMut::new(), Vec::new());
            let text = format!("gr\u{FC}n {number} {}", "x".repeat(100_000));
            client.send_to(Frame::text(&text), &mut sent).unwrap();
            let mut said = Vec::new();
            while client.state() != ConnectionState::Closed {
                io.write_all(&sent).await.unwrap();
                sent.clear();
                assert_ne!(io.read_buf(&mut received).await.unwrap(), 0);
                while let Some(message) = client.receive(&mut received).unwrap() {
                    client.reply_to(&mut sent).unwrap();
                    if let Message::Text(_) = message {
                        client.send_to(Frame::close(None).unwrap(), &mut sent).unwrap();
                    }
                    if !matches!(message, Message::Ping(_)) {
                        said.push(message);
                    }
                }
            }
            assert_eq!(said, [Message::Text(text.into()), Message::Close(None)]);
            // The server ends the stream, and the connection goes on for the others.
            assert_eq!(io.read_buf(&mut received).await.unwrap(), 0);
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    for _ in 0..3 {
        let end = ends.recv().await.unwrap().unwrap();
        assert_eq!((end.code, end.was_clean), (1005, true));
    }
}

#[tokio::test]
async fn what_is_no_websocket_over_http2_is_refused() {
    let (address, _ends) = socket().await;
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut requests, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let host = address.to_string();
    let request = ClientRequest::connect(&host, "/echo").unwrap();
    for (protocol, version, status) in
        [("websocket", "13", 200), ("connect-ip", "13", 501), ("websocket", "8", 400)]
    {
        let mut sent = request.to_http(Scheme::HTTP).unwrap().map(|()| Body::empty());
        sent.headers_mut().insert("sec-websocket-version", version.parse().unwrap());
        sent.extensions_mut().insert(Protocol::from(protocol));
        requests.ready().await.unwrap();
        let response = requests.send_request(sent).await.unwrap();
        assert_eq!(response.status(), status, "{protocol}, version {version}");
    }
}

/// This is how axum's own test sends it.
#[tokio::test]
async fn a_request_over_http2_may_have_its_host_in_a_header() {
    let (address, _ends) = socket().await;
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut requests, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    for (host, status) in [(Some("server.example.com"), 200), (None, 400)] {
        let mut sent = http::Request::connect("/echo")
            .extension(Protocol::from_static("websocket"))
            .header("sec-websocket-version", "13");
        if let Some(host) = host {
            sent = sent.header("host", host);
        }
        requests.ready().await.unwrap();
        let response = requests.send_request(sent.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{host:?}");
    }
}
