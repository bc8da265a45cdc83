//! Accepts connections: a new member of the chat room, or plain HTTP.

use crate::room::Room;
use crate::{http, member};
use axum::Router;
use axum::extract::Query;
use axum::http::Uri;
use bytes::{Buf, BytesMut};
use eventwire::ws::handshake::{Rejection, Request, RequestError, ServerHandshake};
use serde::Deserialize;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// The maximum time until the head of a request has arrived.
const PATIENCE: Duration = Duration::from_secs(30);

const FOREIGN: Rejection<'_> = refusal(403, "Only pages of this server may join the chat.\n");
const FULL: Rejection<'_> = refusal(503, "The room is full or closed.\n");

pub(crate) async fn serve(mut socket: TcpStream, router: Router, room: &Room) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let deadline = Instant::now() + PATIENCE;
    let mut received = BytesMut::new();
    let mut handshake = ServerHandshake::new();
    let request = loop {
        match handshake.decode(&received) {
            Ok(None) => {
                let read = socket.read_buf(&mut received);
                if timeout_at(deadline, read).await?? == 0 {
                    return Ok(());
                }
            }
            Ok(Some(request)) if uri(&request).path() == "/chat" => break request,
            Err(error) if asks_for_websocket(error) => {
                return refuse(socket, error.rejection()).await;
            }
            _ => return http::serve(socket, received, router).await.map_err(io::Error::other),
        }
    };
    if !is_from_our_page(&request) {
        return refuse(socket, FOREIGN).await;
    }
    let Ok(membership) = room.enter(&name(&request)).await else {
        return refuse(socket, FULL).await;
    };
    let head_len = request.head_len();
    let accepted = request.accept().to_bytes();
    // The rest is what the member sent right after the request.
    received.advance(head_len);
    // If this fails, `member::serve` finds the connection lost.
    let _ = socket.write_all(&accepted).await;
    member::serve(room, membership, socket, received).await;
    Ok(())
}

/// Returns whether a faulty request was meant to open a WebSocket. hyper answers all other
/// requests, well-formed or not.
const fn asks_for_websocket(error: RequestError) -> bool {
    matches!(
        error,
        RequestError::Connection
            | RequestError::WebSocketVersion
            | RequestError::Key
            | RequestError::Body
            | RequestError::Origin
            | RequestError::Subprotocols
            | RequestError::Extensions
    )
}

/// Returns whether the request comes from a page of this server. Browsers let any page connect to
/// any server, and send the page's origin. Other programs send no origin, and may join.
fn is_from_our_page(request: &Request<'_>) -> bool {
    request.origin().is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_scheme, host)| host);
        host.is_some_and(|host| host.eq_ignore_ascii_case(request.host()))
    })
}

fn uri(request: &Request<'_>) -> Uri {
    request.target().parse().unwrap_or_default()
}

/// `?name=NAME`: the name that a member wants.
#[derive(Deserialize)]
struct Wanted {
    name: String,
}

fn name(request: &Request<'_>) -> String {
    Query::try_from_uri(&uri(request)).map(|Query(Wanted { name })| name).unwrap_or_default()
}

const fn refusal(status: u16, body: &str) -> Rejection<'_> {
    match Rejection::new(status) {
        Ok(rejection) => rejection.body(body),
        Err(_) => panic!("a refusal cannot have this status"),
    }
}

async fn refuse(mut socket: TcpStream, rejection: Rejection<'_>) -> io::Result<()> {
    socket.write_all(&rejection.to_bytes()).await?;
    socket.shutdown().await
}
