//! One stream of events, served by any number of servers that share it through Redis Streams:
//! `cargo run --release -p redis_fanout -- 127.0.0.1:3000 redis://127.0.0.1:6379/`.
//!
//! | request | answer |
//! |---|---|
//! | `POST /publish` | 200 and the entry's id once Redis has what its body says; 503 if Redis did not say so |
//! | `GET /events` | an event stream: what comes, or with `Last-Event-ID` all that came since, whichever server sent that |
//!
//! An event's id is that of its entry in Redis. If neither this server nor Redis still holds the entry
//! of a `Last-Event-ID`, its client may have missed something: it gets an event `reset`, whose data is
//! that id, then all that Redis holds. Who keeps a state begins it anew there.
//!
//! Nothing that was acknowledged is lost or comes twice, as far as Redis keeps what it acknowledges:
//! with `appendfsync always` that is so after a crash too.

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
use eventwire::{FanoutOptions, Utf8Bytes};
use eventwire_tokio::hub::Hub;
use example_support::serve::{PATIENCE, serve};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::net::TcpListener;

const HELP: &str = "POST /publish, GET /events\n";

/// How long an event may be: it bounds what is read from Redis at once.
const MAX_BODY: usize = 64 << 10;

/// How much is held for those who come back, and how far behind one may be who reads slowly.
const MAX_BYTES: usize = 16 << 20;

struct Feed {
    /// The newest entries.
    hub: Arc<Hub>,
    store: Store,
    /// How often a client hears from us at least.
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
        .map_err(|error| format!("{:?} is no URL of a Redis: {error}", args.redis))?;
    let listener = TcpListener::bind(&args.address)
        .await
        .map_err(|error| format!("cannot listen on {:?}: {error}", args.address))?;
    println!("listening on http://{}", listener.local_addr()?);

    let options = FanoutOptions::new().max_items(args.history).max_bytes(MAX_BYTES);
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

/// It is never tried again here: what failed may have been written, and would be there twice.
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
