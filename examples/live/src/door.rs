//! Where connections come in: a new member of the chat, or plain HTTP?

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

/// How long a request's head may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

const FOREIGN: Rejection<'_> = refusal(403, "The chat is for this server's own page.\n");
const FULL: Rejection<'_> = refusal(503, "The room is full, or closed.\n");

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
    // What the member sent at once, behind the request.
    received.advance(head_len);
    // A member that does not take the answer is soon known to be lost.
    let _ = socket.write_all(&accepted).await;
    member::serve(room, membership, socket, received).await;
    Ok(())
}

/// Whether a request that opens no WebSocket meant to. What is no such request to begin with is for
/// hyper to judge, be it well-formed or not.
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

/// Browsers let any page connect to any server, and name the page's origin. Programs other than
/// browsers name none, and may come in.
fn is_from_our_page(request: &Request<'_>) -> bool {
    request.origin().is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_scheme, host)| host);
        host.is_some_and(|host| host.eq_ignore_ascii_case(request.host()))
    })
}

fn uri(request: &Request<'_>) -> Uri {
    request.target().parse().unwrap_or_default()
}

/// `?name=NAME`: what a member wants to be called.
#[derive(Deserialize)]
struct Wish {
    name: String,
}

fn name(request: &Request<'_>) -> String {
    Query::try_from_uri(&uri(request)).map(|Query(Wish { name })| name).unwrap_or_default()
}

const fn refusal(status: u16, body: &str) -> Rejection<'_> {
    match Rejection::new(status) {
        Ok(rejection) => rejection.body(body),
        Err(_) => panic!("no refusal has this status"),
    }
}

async fn refuse(mut socket: TcpStream, rejection: Rejection<'_>) -> io::Result<()> {
    socket.write_all(&rejection.to_bytes()).await?;
    socket.shutdown().await
}
