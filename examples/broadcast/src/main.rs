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

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use eventwire_tokio::axum::WebSocketUpgrade;
use eventwire_tokio::eventwire::sse::{EventBody, EventBuilder};
use eventwire_tokio::ws::{Message, WebSocketOptions};
use eventwire_tokio::{Hub, HubOptions, LastEventId};
use example_support::serve::{PATIENCE, serve};
use futures_util::StreamExt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::sleep;

/// The events that a returning client finds, and the most that a slow client may lag behind. A
/// client waits for a second before it reconnects.
const OPTIONS: HubOptions =
    HubOptions::new().max_events(4096).max_bytes(16 << 20).retry(Duration::from_secs(1));

/// Pings a silent client. Keeps only some KiB of messages for each client: the rest waits in the
/// hub, which all clients share.
const SOCKET: WebSocketOptions =
    WebSocketOptions::new().ping_interval(Duration::from_secs(25)).high_water_mark(16 << 10);

/// The bytes that the operating system may hold for a client that does not read. Linux doubles the
/// number. Without the limit it could be some MiB for each client.
const SEND_BUFFER: u32 = 64 << 10;

/// The maximum number of connections that wait to be accepted.
const BACKLOG: u32 = 1024;

const HELP: &str = "POST /publish, GET /events, GET /poll, GET /listeners, WebSocket /socket\n";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = listen(address.parse()?)?;
    println!("listening on http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/", get(HELP))
        .route("/publish", post(publish))
        .route("/events", get(events))
        .route("/poll", get(poll))
        .route("/socket", any(socket))
        .route("/listeners", get(listeners))
        .with_state(Hub::new(OPTIONS));
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

async fn publish(State(hub): State<Hub>, body: String) -> String {
    hub.publish(EventBuilder::new().data(body)).into()
}

/// Sends events as they are published.
async fn events(State(hub): State<Hub>, last: LastEventId) -> impl IntoResponse {
    hub.events(&last)
}

/// Sends one event, after which the client reconnects at once. A client without a last event ID
/// gets all events that are held, because it would otherwise lose those between its first two
/// responses.
async fn poll(State(hub): State<Hub>, last: LastEventId) -> impl IntoResponse {
    let events = hub.resume(&last.or_oldest()).into_blocks();
    EventBody::new(events.take(1))
        .retry(Duration::ZERO)
        .keep_alive(HubOptions::DEFAULT_KEEP_ALIVE, sleep)
}

/// Sends the data of events, and publishes what the client says.
async fn socket(State(hub): State<Hub>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.options(SOCKET).on_upgrade(move |socket| {
        hub.serve(socket).on_message(move |message| {
            if let Message::Text(text) = message {
                hub.publish(EventBuilder::new().data(&text));
            }
        })
    })
}

async fn listeners(State(hub): State<Hub>) -> String {
    hub.subscribers().to_string()
}
