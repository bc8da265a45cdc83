//! A live event stream and a page that shows it: `cargo run --release --example live`, then open
//! `http://127.0.0.1:3000`, or `curl -N http://127.0.0.1:3000/events`.
//!
//! HTTP is axum's, every byte of the stream is eventwire's.

mod feed;
mod hub;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use eventwire::sse::{LAST_EVENT_ID, RESPONSE_HEADERS};
use futures_util::{StreamExt, stream};
use hub::Hub;
use std::convert::Infallible;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;

const USAGE: &str = "usage: live [ADDRESS], where ADDRESS is 127.0.0.1:3000 if not given";

const PAGE: &str = include_str!("page.html");

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("live: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(address) = parse_args().map_err(|error| format!("{error} ({USAGE})"))? else {
        return Ok(writeln!(io::stdout(), "{USAGE}")?);
    };
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| format!("cannot listen on {address:?}: {error}"))?;
    let stopped = stop_signal()?;
    // Not `println!`, which panics if nobody reads; standard output sends each line at once.
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;

    let hub = Arc::new(Hub::default());
    let router = Router::new()
        .route("/", get(Html(PAGE)))
        .route("/events", get(events))
        .route("/drop", post(drop_client))
        .with_state(Arc::clone(&hub));
    // A stream has no end to wait for: stopping cuts them all.
    tokio::select! {
        () = stopped => Ok(()),
        result = feed::run(&hub) => Ok(result?),
        result = axum::serve(listener, router).into_future() => Ok(result?),
    }
}

/// The address to listen on, `None` if all that is asked for is help.
fn parse_args() -> Result<Option<String>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut address = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Value(value) if address.is_none() => address = Some(value.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(address.or_else(|| Some("127.0.0.1:3000".into())))
}

/// Listens from now on for what ends the program.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        ctrl_c.recv().await;
    })
}

/// `?client=ID`: the page that a stream belongs to.
#[derive(serde::Deserialize)]
struct Page {
    client: Option<String>,
}

async fn events(
    State(hub): State<Arc<Hub>>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let last_event_id =
        headers.get(LAST_EVENT_ID).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let (backlog, mut live) = hub.subscribe(page.client, last_event_id.as_deref()).await;
    let blocks = stream::iter(backlog).chain(stream::poll_fn(move |cx| live.poll_recv(cx)));
    (RESPONSE_HEADERS, Body::from_stream(blocks.map(Ok::<_, Infallible>)))
}

async fn drop_client(State(hub): State<Arc<Hub>>, Query(page): Query<Page>) -> StatusCode {
    match page.client {
        Some(client) if hub.disconnect(&client).await => StatusCode::NO_CONTENT,
        _ => StatusCode::NOT_FOUND,
    }
}
