//! A hub on the driver, behind a reverse proxy: `hub_endpoint KEEP_ALIVE PING`, the time between
//! the keep-alives of an event stream and between the pings of a WebSocket, in milliseconds.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | a page for a browser, which does not let other pages open sockets on this machine |
//! | `POST /publish` | publishes the body |
//! | `GET /events` | an event stream |
//! | `/socket` | a WebSocket: sends the data of each event, and publishes each text message |

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use eventwire_tokio::axum::WebSocketUpgrade;
use eventwire_tokio::eventwire::sse::EventBuilder;
use eventwire_tokio::ws::{Message, WebSocketOptions};
use eventwire_tokio::{Hub, HubOptions, LastEventId};
use std::env;
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpListener;

const PAGE: &str = "<!doctype html><title>interop</title><link rel=icon href=data:,>";

#[derive(Clone)]
struct App {
    hub: Hub,
    socket: WebSocketOptions,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut intervals = env::args().skip(1).map(|it| it.parse().map(Duration::from_millis));
    let mut interval = || intervals.next().ok_or("usage: hub_endpoint KEEP_ALIVE PING");
    let options = HubOptions::new().keep_alive(interval()??).retry(Duration::from_millis(100));
    let socket = WebSocketOptions::new().ping_interval(interval()??);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/", get(Html(PAGE)))
        .route("/publish", post(publish))
        .route("/events", get(events))
        .route("/socket", any(chat))
        .with_state(App { hub: Hub::new(options), socket });
    Ok(axum::serve(listener, router).await?)
}

async fn publish(State(app): State<App>, body: String) -> String {
    app.hub.publish(EventBuilder::new().data(body)).into()
}

async fn events(State(app): State<App>, last: LastEventId) -> impl IntoResponse {
    app.hub.events(&last)
}

async fn chat(State(app): State<App>, upgrade: WebSocketUpgrade) -> Response {
    let App { hub, socket } = app;
    upgrade.options(socket).on_upgrade(move |socket| {
        hub.serve(socket).on_message(move |message| {
            if let Message::Text(text) = message {
                hub.publish(EventBuilder::new().data(&text));
            }
        })
    })
}
