//! One stream of events on both wires, served by axum:
//! `cargo run --release --features http,http-body --example broadcast`.
//!
//! | request | answer |
//! |---|---|
//! | `POST /publish` | tells everyone what its body says; answers with the event's id |
//! | `GET /events` | an event stream: what comes, or with `Last-Event-ID` what came since then (all that is held, if that is not all), and a sign of life when nothing does |
//! | `GET /poll` | the same, an event in each response |
//! | `/socket` | a WebSocket, by an upgrade or over HTTP/2 (RFC 8441): each event's data as a text message; what it says is published |

#[path = "../hub/mod.rs"]
mod hub;

mod events;
mod socket;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::serve::ListenerExt;
use bytes::Bytes;
use eventwire::sse::Message;
use eventwire::ws::{Frame, PreparedFrame};
use eventwire::{FanoutOptions, Utf8Bytes};
use hub::Hub;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What those who come back find, and how far behind one may be who reads slowly.
const HISTORY: FanoutOptions = FanoutOptions::new().max_items(4096).max_bytes(16 << 20);

const HELP: &str = "POST /publish, GET /events, GET /poll, WebSocket /socket\n";

/// An event as it was encoded, once for all.
#[derive(Clone)]
struct OnWires {
    sse: Bytes,
    ws: PreparedFrame,
}

type Feed = Arc<Hub<OnWires>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/", get(HELP))
        .route("/publish", post(publish))
        .route("/events", get(events::stream))
        .route("/poll", get(events::poll))
        .route("/socket", any(socket::open))
        .with_state(Hub::new(HISTORY));
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    Ok(axum::serve(listener, router).await?)
}

async fn publish(State(feed): State<Feed>, body: Bytes) -> Response {
    match Utf8Bytes::try_from(body) {
        Ok(text) => tell(&feed, &text).as_str().to_owned().into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

/// Tells everyone; returns the event's id.
fn tell(feed: &Feed, text: &str) -> Utf8Bytes {
    feed.publish(None, |id| {
        let sse = Message::new().id(id).data(text).to_bytes();
        let ws = Frame::text(text).prepare();
        let len = sse.len() + ws.encoded_len();
        (OnWires { sse, ws }, len)
    })
}
