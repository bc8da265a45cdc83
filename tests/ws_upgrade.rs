//! A WebSocket through axum and hyper: their types judged and answered, their connection upgraded.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::routing::any;
use bytes::{Buf, BytesMut};
use eventwire::ws::handshake::{self, ClientRequest, ResponseError};
use eventwire::ws::{Close, CloseCode, Connection, Frame, Message, Options, State};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Echoes on an upgraded connection, or answers with what is wrong.
async fn echo(request: Request) -> Response<Body> {
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

async fn serve(mut io: TokioIo<hyper::upgrade::Upgraded>) {
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
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/echo", any(echo));
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
