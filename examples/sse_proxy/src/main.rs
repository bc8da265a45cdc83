//! A proxy that changes the data of one type of event to upper case, and passes on everything else
//! byte for byte. Run `sse_proxy http://127.0.0.1:3000/events weather`, and then
//! `curl -N http://127.0.0.1:3001`.

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
use eventwire::sse;
use eventwire::sse::header::{LAST_EVENT_ID, is_event_stream};
use example_support::serve::{PATIENCE, serve};
use futures_util::{Stream, stream};
use reqwest::{Client, Url};
use rewriter::Rewriter;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use tokio::net::TcpListener;

const USAGE: &str = "usage: sse_proxy UPSTREAM_URL EVENT_TYPE [ADDRESS], \
    where ADDRESS is 127.0.0.1:3001 by default";

/// Headers that concern only the connection to the upstream
/// ([RFC 9110, section 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)).
const CONNECTION_HEADERS: [HeaderName; 4] = [CONNECTION, TRANSFER_ENCODING, TRAILER, UPGRADE];

/// The maximum size of a block in bytes. A longer block is passed on unchanged.
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

/// Returns the new data of an event.
fn rewrite(data: &str) -> String {
    data.to_uppercase()
}

/// Opens a stream to the upstream for each client. It is closed when the client goes away.
async fn pass_on(State(proxy): State<Proxy>, headers: HeaderMap) -> Response {
    let mut request = proxy.client.get(proxy.upstream).header(ACCEPT, sse::header::CONTENT_TYPE);
    if let Some(id) = headers.get(LAST_EVENT_ID) {
        request = request.header(LAST_EVENT_ID, id);
    }
    let upstream = match request.send().await {
        Ok(upstream) => upstream,
        Err(error) => return (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response(),
    };
    let status = upstream.status();
    let mut headers = upstream.headers().clone();
    for name in CONNECTION_HEADERS {
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

/// Returns the rewritten body. If the upstream fails, the body is cut off. A waiting block is then
/// lost, and a reader would discard it anyway.
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

/// Returns `None` if the user asked for help.
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
        return Err("UPSTREAM_URL and EVENT_TYPE are required".into());
    };
    let address = address.unwrap_or_else(|| "127.0.0.1:3001".into());
    Ok(Some(Args { upstream, event_type, address }))
}
