//! Sockets over HTTP/2, as streams of a connection that they share.
#![cfg(feature = "http2")]

use bytes::Bytes;
use eventwire_tokio::ws::handshake::{Connect, Request as Opening};
use eventwire_tokio::ws::{self, ConnectError, ConnectErrorKind, WebSocket, WebSocketOptions};
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body_util::{Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::ext::Protocol;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;
use tokio::io::duplex;

type Failed = Box<dyn Error + Send + Sync>;

/// Echoes at `/echo`, and refuses everything else.
async fn serve(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let upgrade = hyper::upgrade::on(&mut request);
    let protocol = request.extensions().get::<Protocol>().map_or("", Protocol::as_str).to_owned();
    let opening = Opening::<Connect>::from_connect(&request, &protocol);
    let accepted = match opening {
        Ok(opening) if opening.path() == "/echo" => {
            let name = opening.select_subprotocol(&["echo"]);
            let mut acceptance = opening.accept();
            if let Some(name) = name {
                acceptance = acceptance.subprotocol(name).expect("it was offered");
            }
            acceptance.to_http().expect("no header was added")
        }
        _ => {
            let mut response = Response::new(Full::from("no such socket"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response.headers_mut().insert("x-why", "path".parse().expect("a value"));
            return Ok(response);
        }
    };
    tokio::spawn(async move {
        let io = TokioIo::new(upgrade.await?);
        let mut socket = WebSocket::server(io, WebSocketOptions::new());
        while let Some(message) = socket.next().await {
            socket.send(message?).await?;
        }
        Ok::<_, Failed>(())
    });
    Ok(accepted.map(|()| Full::default()))
}

/// A connection to a server, which may allow extended CONNECT.
async fn connection(extended_connect: bool) -> Result<SendRequest<Empty<Bytes>>, Failed> {
    let (client, server) = duplex(1 << 16);
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    if extended_connect {
        builder.enable_connect_protocol();
    }
    tokio::spawn(builder.serve_connection(TokioIo::new(server), service_fn(serve)));
    let executor = TokioExecutor::new();
    let (sender, driver) =
        hyper::client::conn::http2::handshake(executor, TokioIo::new(client)).await?;
    tokio::spawn(driver);
    Ok(sender)
}

#[tokio::test]
async fn many_sockets_share_a_connection() -> Result<(), Failed> {
    let mut http2 = connection(true).await?;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let connect = ws::connect("ws://example.com/echo").subprotocol("echo");
        sockets.push(connect.over_http2(&mut http2).await?);
    }
    for (i, socket) in sockets.iter_mut().enumerate() {
        assert_eq!(socket.protocol(), "echo");
        socket.send(format!("{i}")).await?;
    }
    for (i, socket) in sockets.iter_mut().enumerate() {
        assert_eq!(socket.next().await.expect("an echo")?.to_string(), format!("{i}"));
        assert!(socket.close(1000, "").await?.was_clean);
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_has_status_headers_and_body() -> Result<(), Failed> {
    let mut http2 = connection(true).await?;
    let error = ws::connect("ws://example.com/").over_http2(&mut http2).await;
    let error = error.expect_err("a refusal");
    let refusal = error.refusal().expect("a refusal");
    assert_eq!((refusal.status(), &refusal.body()[..]), (404, &b"no such socket"[..]));
    assert_eq!(refusal.header("X-Why"), Some(&b"path"[..]));
    Ok(())
}

#[tokio::test]
async fn a_server_without_extended_connect_is_an_error() -> Result<(), Failed> {
    let mut http2 = connection(false).await?;
    let error = ws::connect("ws://example.com/echo").over_http2(&mut http2).await;
    assert!(
        matches!(error.as_ref().map_err(ConnectError::kind), Err(ConnectErrorKind::Http2(_))),
        "{error:?}"
    );
    Ok(())
}

/// The status matters more than the end of the body.
#[tokio::test]
async fn a_refusal_without_an_end_is_a_refusal() -> Result<(), Failed> {
    let (client, server) = duplex(1 << 16);
    let refuse = |_: Request<Incoming>| async {
        let frames = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from("why")))]);
        Response::builder().status(401).body(StreamBody::new(frames.chain(stream::pending())))
    };
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder.enable_connect_protocol();
    tokio::spawn(builder.serve_connection(TokioIo::new(server), service_fn(refuse)));
    let executor = TokioExecutor::new();
    let (mut http2, driver) =
        hyper::client::conn::http2::handshake(executor, TokioIo::new(client)).await?;
    tokio::spawn(driver);
    let connect = ws::connect("ws://example.com/").timeout(Duration::from_millis(200));
    let error = connect.over_http2::<Empty<Bytes>>(&mut http2).await.expect_err("a refusal");
    let refusal = error.refusal().expect("a refusal");
    assert_eq!((refusal.status(), &refusal.body()[..]), (401, &b"why"[..]));
    Ok(())
}

/// The server never says a word.
#[tokio::test]
async fn a_connection_that_is_stuck_costs_the_timeout() -> Result<(), Failed> {
    let (client, _server) = duplex(1 << 16);
    let executor = TokioExecutor::new();
    let (mut http2, driver) =
        hyper::client::conn::http2::handshake(executor, TokioIo::new(client)).await?;
    tokio::spawn(driver);
    let error: Result<_, ConnectError> = ws::connect("ws://example.com/echo")
        .timeout(Duration::from_millis(50))
        .over_http2::<Empty<Bytes>>(&mut http2)
        .await;
    assert!(
        matches!(error.as_ref().map_err(ConnectError::kind), Err(ConnectErrorKind::Timeout(_))),
        "{error:?}"
    );
    Ok(())
}
