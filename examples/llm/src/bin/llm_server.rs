//! A server like that of a language model, to try `llm` with. It answers each question by repeating
//! it, a word at a time: over a WebSocket, or as the event stream of a POST.
//!
//! * `--cut` cuts each answer before its last word.
//! * `--refuse STATUS` refuses to open a WebSocket, for example with 426 or 404.
//! * `--token TOKEN` answers 401 to requests without this token.

use axum::Router;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use eventwire_tokio::axum::WebSocketUpgrade;
use eventwire_tokio::sse::{EventBody, EventBuilder};
use eventwire_tokio::ws::WebSocket;
use futures_util::{StreamExt, stream};
use lexopt::{Arg, ValueExt};
use serde_json::{Value, json};
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::sleep;

const USAGE: &str = "usage: llm_server [--cut] [--refuse STATUS] [--token TOKEN] [ADDRESS]";

/// The time that the model thinks about each word.
const THINKING: Duration = Duration::from_millis(30);

#[derive(Clone, Default)]
struct Options {
    cuts: bool,
    refusal: Option<StatusCode>,
    token: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = Options::default();
    let mut address = "127.0.0.1:3000".to_owned();
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("cut") => options.cuts = true,
            Arg::Long("refuse") => options.refusal = Some(args.value()?.parse()?),
            Arg::Long("token") => options.token = Some(args.value()?.string()?),
            Arg::Value(value) => address = value.string()?,
            arg => return Err(format!("{} ({USAGE})", arg.unexpected()).into()),
        }
    }
    let router = Router::new().route("/v1/chat", any(chat)).with_state(options);
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}/v1/chat", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}

async fn chat(
    State(options): State<Options>,
    headers: HeaderMap,
    upgrade: Option<WebSocketUpgrade>,
    body: String,
) -> Response {
    let given = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
    if options.token.is_some() && options.token.as_deref() != given {
        let error = json!({ "error": "the token is missing or wrong" });
        return (StatusCode::UNAUTHORIZED, error.to_string()).into_response();
    }
    let cuts = options.cuts;
    match (upgrade, options.refusal) {
        (Some(_), Some(status)) => status.into_response(),
        (Some(upgrade), None) => upgrade.on_upgrade(move |socket| over_websocket(socket, cuts)),
        (None, _) => over_events(&body, cuts),
    }
}

/// Answers one question. Dropping the socket cuts the answer.
async fn over_websocket(mut socket: WebSocket, cuts: bool) -> Option<()> {
    let question = socket.next().await?.ok()?.into_text().ok()?;
    for text in answer(&question, cuts) {
        sleep(THINKING).await;
        let delta = json!({ "type": "delta", "text": text }).to_string();
        socket.send(delta).await.ok()?;
    }
    if !cuts {
        socket.send(json!({ "type": "done" }).to_string()).await.ok()?;
        socket.closed().await;
    }
    Some(())
}

fn over_events(question: &str, cuts: bool) -> Response {
    let end = if cuts { Err(io::Error::other("cut")) } else { Ok("[DONE]".to_owned()) };
    let chunks = answer(question, cuts)
        .into_iter()
        .map(|text| Ok(json!({ "choices": [{ "delta": { "content": text } }] }).to_string()));
    let events = stream::iter(chunks.chain([end])).then(async |chunk| {
        sleep(THINKING).await;
        chunk.map(|data| EventBuilder::new().data(data))
    });
    EventBody::new(events).into_http().map(axum::body::Body::new)
}

/// Returns the words of the answer, without the last one if it is cut.
fn answer(question: &str, cuts: bool) -> Vec<String> {
    let question: Value = serde_json::from_str(question).unwrap_or_default();
    let question = question["messages"][0]["content"].as_str().unwrap_or("What?");
    let mut words: Vec<_> = question.split_inclusive(' ').map(ToOwned::to_owned).collect();
    words.truncate(words.len() - usize::from(cuts));
    words
}
