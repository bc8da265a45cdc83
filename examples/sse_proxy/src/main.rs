//! Passes an event stream on, the data of one type of event in upper case and all else byte for byte:
//! `sse_proxy http://127.0.0.1:3000/events weather`, then `curl -N http://127.0.0.1:3001`.

mod rewriter;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use eventwire::sse::{self, LAST_EVENT_ID, is_event_stream};
use example_support::serve::{PATIENCE, serve};
use futures_util::{Stream, stream};
use reqwest::{Client, Url};
use rewriter::Rewriter;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use tokio::net::TcpListener;

const USAGE: &str = "usage: sse_proxy UPSTREAM_URL EVENT_TYPE [ADDRESS], \
    where ADDRESS is 127.0.0.1:3001 if not given";

/// What an upstream says to us alone (RFC 9110, 7.6.1).
const OF_THE_CONNECTION: [HeaderName; 4] = [CONNECTION, TRANSFER_ENCODING, TRAILER, UPGRADE];

/// A longer block is passed on as it is.
const MAX_BLOCK: usize = 1 << 20;

#[derive(Clone)]
struct Proxy {
    client: Client,
    upstream: Url,
    event_type: String,
}

struct Args {
    upstream: Url,
    event_type: String,
    address: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sse_proxy: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(args) = parse_args().map_err(|error| format!("{error} ({USAGE})"))? else {
        return Ok(writeln!(io::stdout(), "{USAGE}")?);
    };
    let Args { upstream, event_type, address } = args;
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| format!("cannot listen on {address:?}: {error}"))?;
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let proxy = Proxy { client: Client::new(), upstream, event_type };
    let router = Router::new().route("/", get(pass_on)).with_state(proxy);
    match serve(listener, router, PATIENCE).await {}
}

/// What becomes of the data.
fn rewrite(data: &str) -> String {
    data.to_uppercase()
}

/// Opens a stream upstream for each client, which is closed when that goes away.
async fn pass_on(State(proxy): State<Proxy>, headers: HeaderMap) -> Response {
    let mut request = proxy.client.get(proxy.upstream).header(ACCEPT, sse::CONTENT_TYPE);
    if let Some(id) = headers.get(LAST_EVENT_ID) {
        request = request.header(LAST_EVENT_ID, id);
    }
    let upstream = match request.send().await {
        Ok(upstream) => upstream,
        Err(error) => return (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response(),
    };
    let status = upstream.status();
    let mut headers = upstream.headers().clone();
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
    let body = match headers.get(CONTENT_TYPE) {
        Some(value) if is_event_stream(value.as_bytes()) => {
            headers.remove(CONTENT_LENGTH);
            let rewriter = Rewriter::new(&proxy.event_type, rewrite, MAX_BLOCK);
            Body::from_stream(rewritten(upstream, rewriter))
        }
        _ => Body::from_stream(upstream.bytes_stream()),
    };
    (status, headers, body).into_response()
}

/// The body to send on. If the upstream fails it is broken off, and with it a block that waits, which
/// a reader would discard.
fn rewritten(
    upstream: reqwest::Response,
    rewriter: Rewriter,
) -> impl Stream<Item = reqwest::Result<Bytes>> {
    stream::try_unfold(Some((upstream, rewriter)), async |state| {
        let Some((mut upstream, mut rewriter)) = state else { return Ok(None) };
        Ok(Some(match upstream.chunk().await? {
            Some(chunk) => (rewriter.push(&chunk), Some((upstream, rewriter))),
            None => (rewriter.finish(), None),
        }))
    })
}

/// `None` if all that is asked for is help.
fn parse_args() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let (mut upstream, mut event_type, mut address) = (None, None, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Value(value) if upstream.is_none() => upstream = Some(value.parse()?),
            Value(value) if event_type.is_none() => event_type = Some(value.string()?),
            Value(value) if address.is_none() => address = Some(value.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    let (Some(upstream), Some(event_type)) = (upstream, event_type) else {
        return Err("an upstream and an event type are needed".into());
    };
    let address = address.unwrap_or_else(|| "127.0.0.1:3001".into());
    Ok(Some(Args { upstream, event_type, address }))
}
