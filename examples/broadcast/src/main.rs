//! One stream of events over Server-Sent Events and WebSocket, served by axum:
//! `cargo run --release -p broadcast`.
//!
//! | request | answer |
//! |---|---|
//! | `POST /publish` | publishes the body as an event, and answers with the event's id |
//! | `GET /events` | an event stream of all events from now on, with a keep-alive during silence; with `Last-Event-ID` it begins with the events since then, or with all held events if some of those are no longer held |
//! | `GET /poll` | the same, with one event in each response |
//! | `GET /listeners` | the number of clients that listen |
//! | `/socket` | a WebSocket, by an upgrade or over HTTP/2 ([RFC 8441](https://www.rfc-editor.org/rfc/rfc8441)): sends the data of each event as a text message, and publishes each text message that it receives |

mod events;
mod socket;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use bytes::Bytes;
use eventwire::sse::EventBuilder;
use eventwire::ws::{Frame, PreparedFrame};
use eventwire::{FanoutOptions, Utf8Bytes};
use eventwire_tokio::old::hub::Hub;
use example_support::serve::{PATIENCE, serve};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};

/// The events that a returning client finds, and the most that a slow client may lag behind.
const HISTORY: FanoutOptions = FanoutOptions::new().max_items(4096).max_bytes(16 << 20);

/// The bytes that the operating system may hold for a client that does not read. Linux doubles the
/// number. Without the limit it could be some MiB for each client.
const SEND_BUFFER: u32 = 64 << 10;

/// The maximum number of connections that wait to be accepted.
const BACKLOG: u32 = 1024;

const HELP: &str = "POST /publish, GET /events, GET /poll, GET /listeners, WebSocket /socket\n";

/// An event, encoded once for all clients.
#[derive(Clone)]
struct OnWires {
    sse: Bytes,
    ws: PreparedFrame,
}

type Feed = Arc<Hub<OnWires>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = listen(address.parse()?)?;
    println!("listening on http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/", get(HELP))
        .route("/publish", post(publish))
        .route("/events", get(events::stream))
        .route("/poll", get(events::poll))
        .route("/socket", any(socket::open))
        .route("/listeners", get(listeners))
        .with_state(Hub::new(HISTORY));
    match serve(listener, router, PATIENCE).await {}
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(cfg!(unix))?;
    // Accepted connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn publish(State(feed): State<Feed>, body: Bytes) -> Response {
    match Utf8Bytes::try_from(body) {
        Ok(text) => publish_text(&feed, &text).as_str().to_owned().into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

async fn listeners(State(feed): State<Feed>) -> String {
    feed.listeners().to_string()
}

/// Publishes an event with this data, and returns its id.
fn publish_text(feed: &Feed, text: &str) -> Utf8Bytes {
    feed.publish(None, |id| {
        let sse = EventBuilder::new().id(id).data(text).to_bytes();
        let ws = Frame::text(text).prepare();
        let len = sse.len() + ws.encoded_len();
        (OnWires { sse, ws }, len)
    })
}
