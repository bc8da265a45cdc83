//! The WebSocket, over a connection that hyper has upgraded.

use crate::{Feed, OnWires, publish_text};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use eventwire::ws::handshake::{self, Connect, RequestError};
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Flow, WebSocket, WebSocketEvent, WebSocketOptions,
};
use eventwire_tokio::old::hub::Listener;
use eventwire_tokio::old::transport::Writer;
use hyper::ext::Protocol;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf, split};
use tokio::time::{Instant, sleep_until};

/// Pings a silent client. Keeps only some KiB of messages for each client: the rest waits in the
/// history, which all clients share.
const OPTIONS: WebSocketOptions =
    WebSocketOptions::new().ping_interval(Duration::from_secs(25)).high_water_mark(16 << 10);

/// Opens a WebSocket by an upgrade of HTTP/1.1 or an extended CONNECT of HTTP/2, or answers with
/// the reason for a refusal.
pub(crate) async fn open(State(feed): State<Feed>, mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    match accept(&request) {
        Ok(response) => {
            tokio::spawn(serve(feed, upgrade));
            response.map(|()| Body::empty())
        }
        Err(error) => match error.rejection().to_http(request.version()) {
            Ok(response) => response.map(|text| Body::from(text.to_owned())),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
    }
}

fn accept(request: &Request) -> Result<Response<()>, RequestError> {
    let response = match request.extensions().get::<Protocol>() {
        None => handshake::Request::from_http(request)?.accept().to_http(),
        Some(protocol) => {
            let request = handshake::Request::<Connect>::from_connect(request, protocol.as_str())?;
            request.accept().to_http()
        }
    };
    Ok(response.expect("no header was added"))
}

async fn serve(feed: Feed, upgrade: OnUpgrade) {
    // If the upgrade failed, there is no client to serve.
    let Ok(upgraded) = upgrade.await else { return };
    let listener = feed.listen(None);
    let close = run(&feed, listener, TokioIo::new(upgraded)).await;
    if !close.was_clean {
        eprintln!("a WebSocket was {close}");
    }
}

/// Runs the WebSocket over its transport until it is closed. Holds no read buffer while it is idle.
async fn run(
    feed: &Feed,
    mut listener: Listener<OnWires>,
    transport: TokioIo<Upgraded>,
) -> CloseEvent {
    let (mut reading, writing) = split(transport);
    let mut writer = Writer::new(writing);
    let start = Instant::now();
    let mut socket = WebSocket::server(OPTIONS, start.elapsed());
    let mut received = BytesMut::new();
    let (mut ended, mut lagging) = (false, false);
    loop {
        while let Some(event) = socket.poll(&mut received, start.elapsed()) {
            match event {
                WebSocketEvent::Text(text) => drop(publish_text(feed, &text)),
                WebSocketEvent::Close(close) => return close,
                _ => {}
            }
        }
        if received.is_empty() {
            received = BytesMut::new();
        }
        while !lagging && socket.flow() == Flow::Ready {
            match listener.try_next() {
                // A WebSocket that is closing drops the event.
                Ok(Some(event)) => drop(socket.send_prepared(&event.ws)),
                Ok(None) => break,
                Err(lagged) => {
                    lagging = true;
                    let reason = lagged.to_string();
                    let close = Close { code: CloseCode::TRY_AGAIN_LATER, reason: &*reason };
                    // The reason is short enough: some words and a number.
                    let _ = socket.close(Some(close), start.elapsed());
                }
            }
        }
        let deadline = socket.deadline().map(|deadline| start + deadline);
        let awaits_news = !lagging && socket.flow() == Flow::Ready;
        let wants_shutdown = socket.wants_shutdown();
        let mut to_write = socket.to_write(start.elapsed());
        tokio::select! {
            written = writer.write(&mut to_write, wants_shutdown) => {
                if let Err(error) = written {
                    socket.write_failed(error, start.elapsed());
                }
            }
            read = poll_fn(|cx| read(Pin::new(&mut reading), cx, &mut received)), if !ended => {
                ended = !matches!(read, Ok(1..));
                match read {
                    Ok(0) => socket.end_of_stream(start.elapsed()),
                    Ok(_) => {}
                    Err(error) => socket.read_failed(error, start.elapsed()),
                }
            }
            () = listener.news(), if awaits_news => {}
            () = sleep_until(deadline.unwrap_or(start)), if deadline.is_some() => {}
        }
    }
}

/// Appends bytes to `received`. Reads into the stack, so that an idle client needs no buffer.
fn read(
    reading: Pin<&mut impl AsyncRead>,
    cx: &mut Context<'_>,
    received: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let mut memory = [0; 8192];
    let mut buffer = ReadBuf::new(&mut memory);
    ready!(reading.poll_read(cx, &mut buffer))?;
    received.extend_from_slice(buffer.filled());
    Poll::Ready(Ok(buffer.filled().len()))
}
