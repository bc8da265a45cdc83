//! A WebSocket through axum and hyper: their types judged and answered, their connection upgraded.

#[path = "common/echo.rs"]
mod echo;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::routing::any;
use bytes::{Buf, BytesMut};
use eventwire::ws::handshake::{self, ClientRequest, ResponseError};
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Connection, Frame, Message, Options, SocketOptions, State,
};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

type Upgraded = TokioIo<hyper::upgrade::Upgraded>;

/// Echoes by `Connection`.
async fn connection(request: Request) -> Response<Body> {
    upgrade(request, serve)
}

/// Serves an upgraded connection, or answers with what is wrong.
fn upgrade<F>(
    request: Request,
    serve: impl FnOnce(Upgraded) -> F + Send + 'static,
) -> Response<Body>
where
    F: Future<Output: Send> + Send,
{
    let response = match handshake::Request::from_http(&request) {
        Ok(checked) => {
            let mut acceptance = checked.accept();
            if let Some(name) = checked.select_subprotocol(&["echo"]) {
                acceptance = acceptance.subprotocol(name).unwrap();
            }
            acceptance.to_http().unwrap().map(|()| Body::empty())
        }
        Err(error) => error.rejection().to_http(request.version()).unwrap().map(Body::from),
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(request).await.unwrap();
            serve(TokioIo::new(upgraded)).await;
        });
    }
    response
}

async fn serve(mut io: Upgraded) {
    let mut connection = Connection::message_server(Options::new());
    let (mut received, mut to_send) = (BytesMut::new(), Vec::new());
    while connection.state() != State::Closed && io.read_buf(&mut received).await.unwrap() > 0 {
        while let Some(message) = connection.receive(&mut received).unwrap() {
            if let Message::Text(text) = message {
                connection.send_to(&Frame::text(&text), &mut to_send).unwrap();
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

/// All that the server sends until it hangs up.
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
    let mut client = Connection::message_client(Options::new(), || [1, 2, 3, 4]);
    let mut sent = request.to_bytes().to_vec();
    client.send_to(&Frame::text("gr\u{FC}n"), &mut sent).unwrap();
    let close = Close { code: CloseCode::NORMAL, reason: "bye" };
    client.send_to(&Frame::close(Some(close)).unwrap(), &mut sent).unwrap();

    let mut received = BytesMut::from(&ask(address, &sent).await[..]);
    let response = request.handshake().decode(&received).unwrap().unwrap();
    assert_eq!(response.subprotocol(), Some("echo"));
    let head_len = response.head_len();
    received.advance(head_len);
    assert_eq!(client.receive(&mut received), Ok(Some(Message::Text("gr\u{FC}n".into()))));
    let Ok(Some(Message::Close(Some(close)))) = client.receive(&mut received) else { panic!() };
    assert_eq!((close.code, &*close.reason), (CloseCode::NORMAL, "bye"));
    assert_eq!(client.state(), State::Closed);
}

#[tokio::test]
async fn what_opens_no_websocket_is_refused() {
    let address = listen().await;
    let request = ClientRequest::new("a", "/echo", [7; 16]).unwrap();
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

/// Echoes by `WebSocket`, pings every 50 ms, and says how connections were closed.
async fn socket() -> (SocketAddr, mpsc::UnboundedReceiver<Option<CloseEvent>>) {
    let (sender, ends) = mpsc::unbounded_channel();
    let serve = |io| async move {
        let options = SocketOptions::new().ping_interval(Duration::from_millis(50));
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
    let mut client = Connection::message_client(Options::new(), || [1, 2, 3, 4]);
    // What stands behind the request goes to the socket.
    let mut sent = request.to_bytes().to_vec();
    client.send_to(&Frame::text("gr\u{FC}n"), &mut sent).unwrap();

    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut received = BytesMut::new();
    let mut handshake = request.handshake();
    let (mut open, mut said, mut pings) = (false, Vec::new(), 0);
    while client.state() != State::Closed {
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
                    client.send_to(&Frame::close(Some(close)).unwrap(), &mut sent).unwrap();
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
