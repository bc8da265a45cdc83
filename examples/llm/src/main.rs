//! Asks a language model, and prints the answer as it comes.
//!
//! `llm http://127.0.0.1:3000/v1/chat 'Why is the sky blue?'` asks over a WebSocket. If none can be
//! opened, the question is sent by POST, and the answer is an event stream. The environment may name
//! a proxy, and `LLM_TOKEN` is the token.
//!
//! The status is 0 after a complete answer, 1 if there is no answer, 2 if the command is wrong, and
//! 3 if the answer was cut, so that only a part of it is printed.

use eventwire_tokio::sse::{Events, LastEvent, RequestBuilderExt};
use eventwire_tokio::ws::{self, ConnectError, WebSocket};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

type BoxError = Box<dyn std::error::Error>;

/// The maximum time for connecting by POST.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum silence within an event stream. A WebSocket notices by pings that the server is gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(question), None) = (args.next(), args.next(), args.next()) else {
        eprintln!("usage: llm URL QUESTION");
        return ExitCode::from(2);
    };
    let mut has_begun = false;
    let result = print_answer(&url, &question, &mut has_begun).await;
    if has_begun {
        println!();
    }
    match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) if has_begun => eprintln!("llm: the answer was cut: {error}"),
        Err(error) => eprintln!("llm: no answer: {error}"),
    }
    ExitCode::from(if has_begun { 3 } else { 1 })
}

async fn print_answer(url: &str, question: &str, has_begun: &mut bool) -> Result<(), BoxError> {
    let mut answer = Answer::to(url, question).await?;
    while let Some(token) = answer.next().await? {
        write!(stdout(), "{token}")?;
        stdout().flush()?;
        *has_begun = true;
    }
    Ok(())
}

/// An answer that is under way, over either wire.
enum Answer {
    Messages(WebSocket),
    Events(Events),
}

/// A message of the server over WebSocket.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Piece {
    Delta { text: String },
    Done,
}

impl Answer {
    /// Asks over a WebSocket, or else by POST. The question is never sent twice.
    async fn to(url: &str, question: &str) -> Result<Self, BoxError> {
        let body = json!({ "stream": true, "messages": [{ "role": "user", "content": question }] });
        let mut headers = HeaderMap::new();
        if let Ok(token) = std::env::var("LLM_TOKEN") {
            headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}"))?);
        }
        match ws::connect(url).headers(headers.clone()).await {
            Ok(mut socket) => {
                socket.send(body.to_string()).await?;
                return Ok(Self::Messages(socket));
            }
            // These are no matter of the wire.
            Err(ConnectError::Refused(refusal)) if [401, 403, 429].contains(&refusal.status()) => {
                return Err(with_body(refusal.to_string(), refusal.body()));
            }
            Err(error @ (ConnectError::Url(_) | ConnectError::Request(_))) => {
                return Err(error.into());
            }
            Err(error) => eprintln!("llm: {error}; asking by POST"),
        }
        let http = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).build()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = http.post(url).headers(headers).body(body.to_string());
        let events = request.events().idle_timeout(IDLE_TIMEOUT);
        Ok(Self::Events(events.until(LastEvent::Data("[DONE]"))))
    }

    /// Returns the next token, or `None` after a complete answer.
    async fn next(&mut self) -> Result<Option<String>, BoxError> {
        match self {
            Self::Messages(socket) => {
                let Some(message) = socket.next().await else {
                    return Err("the server closed the WebSocket".into());
                };
                match serde_json::from_str(&message?.into_text()?)? {
                    Piece::Delta { text } => return Ok(Some(text)),
                    Piece::Done => drop(socket.close(1000, "").await?),
                }
                Ok(None)
            }
            Self::Events(events) => match events.next().await {
                None => Ok(None),
                Some(Ok(event)) => {
                    let chunk: Value = serde_json::from_str(&event.data)?;
                    let text = chunk["choices"][0]["delta"]["content"].as_str();
                    Ok(Some(text.unwrap_or_default().to_owned()))
                }
                Some(Err(error)) => match error.response() {
                    Some(response) => Err(with_body(error.to_string(), response.body())),
                    None => Err(error.into()),
                },
            },
        }
    }
}

/// Returns an error with the body of a refusal, which often says why.
fn with_body(error: String, body: &[u8]) -> BoxError {
    format!("{error}: {}", String::from_utf8_lossy(body)).into()
}
