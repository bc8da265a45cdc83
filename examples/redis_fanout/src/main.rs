//! One stream of events, which any number of servers share through Redis Streams:
//! `cargo run --release -p redis_fanout -- 127.0.0.1:3000 redis://127.0.0.1:6379/`.
//!
//! | request | answer |
//! |---|---|
//! | `POST /publish` | publishes the body as an event: 200 and the entry's id once Redis has confirmed the entry, 503 if it has not |
//! | `GET /events` | an event stream: events from now on, or with `Last-Event-ID` all events since then, whichever server sent that event |
//!
//! The id of an event is the id of its entry in Redis. If neither this server nor Redis still holds
//! the entry of a `Last-Event-ID`, the client may have missed events. It then gets an event
//! `reset`, whose data is that id, followed by all events that Redis holds. A client that keeps a
//! state starts it anew at a `reset`.
//!
//! No confirmed event is lost or sent twice, as long as Redis keeps the entries that it has
//! confirmed. With `appendfsync always` Redis keeps them after a crash too.

mod args;
mod events;
mod reader;
mod store;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use eventwire_tokio::eventwire::Utf8Bytes;
use eventwire_tokio::{Hub, HubOptions};
use example_support::serve::{PATIENCE, serve};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::net::TcpListener;

const HELP: &str = "POST /publish, GET /events\n";

/// The maximum size of an event in bytes. It bounds the size of a page that is read from Redis.
const MAX_BODY: usize = 64 << 10;

/// The bytes of events that are held for returning clients, and the most that a slow client may lag
/// behind.
const MAX_BYTES: usize = 16 << 20;

struct Feed {
    /// The newest entries.
    hub: Hub,
    store: Store,
    /// The time without an event after which a keep-alive is sent.
    keep_alive: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("redis_fanout: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(args) = args::parse()? else {
        println!("{}", args::USAGE);
        return Ok(());
    };
    let store = Store::new(&args.redis, args.length)
        .map_err(|error| format!("{:?} is not the URL of a Redis server: {error}", args.redis))?;
    let listener = TcpListener::bind(&args.address)
        .await
        .map_err(|error| format!("cannot listen on {:?}: {error}", args.address))?;
    println!("listening on http://{}", listener.local_addr()?);

    let options = HubOptions::new().max_events(args.history).max_bytes(MAX_BYTES);
    let feed = Arc::new(Feed { hub: Hub::new(options), store, keep_alive: args.keep_alive });
    let router = Router::new()
        .route("/", get(HELP))
        .route("/publish", post(publish))
        .route("/events", get(events::stream))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::clone(&feed));
    tokio::select! {
        never = serve(listener, router, PATIENCE) => match never {},
        () = reader::run(&feed.store, &feed.hub, args.history) => Ok(()),
    }
}

/// Publishes an event. Never tries again: Redis may have added the entry in spite of an error, and
/// would then add it twice.
async fn publish(State(feed): State<Arc<Feed>>, body: Bytes) -> Response {
    let text = match Utf8Bytes::try_from(body) {
        Ok(text) => text,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let Some(mut redis) = feed.store.redis() else {
        let answer = "Redis is away: nothing was published\n";
        return (StatusCode::SERVICE_UNAVAILABLE, answer).into_response();
    };
    match feed.store.append(&mut redis, &text).await {
        Ok(id) => id.into_response(),
        Err(error) => {
            let answer = format!("Redis did not say whether this was published: {error}\n");
            (StatusCode::SERVICE_UNAVAILABLE, answer).into_response()
        }
    }
}
