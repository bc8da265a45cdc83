//! [`Answer`], the tokens of an answer over either wire.

use eventwire_tokio::sse::{Events, RequestBuilderExt};
use eventwire_tokio::ws::{self, ConnectErrorKind, WebSocket};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Display;
use std::time::Duration;

pub type BoxError = Box<dyn std::error::Error>;

/// The maximum time for connecting by POST. That of a WebSocket is 10 s by default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum silence within an event stream. A WebSocket notices by pings that its server is gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// An answer that is under way.
pub enum Answer {
    Messages(WebSocket),
    Events(Box<Events>),
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
    pub async fn to(url: &str, question: &str) -> Result<Self, BoxError> {
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
            Err(error) => match (error.refusal(), error.kind()) {
                (Some(refusal), _) if [401, 403, 429].contains(&refusal.status()) => {
                    return Err(with_body(&error, refusal.body()));
                }
                (_, ConnectErrorKind::Url(_) | ConnectErrorKind::Request(_)) => {
                    return Err(error.into());
                }
                _ => eprintln!("llm: {error}; asking by POST"),
            },
        }
        let http = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).build()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = http.post(url).headers(headers).body(body.to_string());
        let events = request.events().idle_timeout(IDLE_TIMEOUT);
        Ok(Self::Events(Box::new(events.until("[DONE]"))))
    }

    /// Returns the next token, or `None` after a complete answer.
    pub async fn next(&mut self) -> Result<Option<String>, BoxError> {
        match self {
            Self::Messages(socket) => {
                let message = socket.next().await;
                let message = message.ok_or("the server closed the WebSocket before the end")??;
                match serde_json::from_str(&message.into_text()?)? {
                    Piece::Delta { text } => Ok(Some(text)),
                    Piece::Done => Ok(socket.close(1000, "").await.map(|_| None)?),
                }
            }
            Self::Events(events) => match events.next().await {
                None => Ok(None),
                Some(Ok(event)) => {
                    let chunk: Value = serde_json::from_str(&event.data)?;
                    let text = chunk["choices"][0]["delta"]["content"].as_str();
                    Ok(Some(text.unwrap_or_default().to_owned()))
                }
                Some(Err(error)) => match error.refusal() {
                    Some(response) => Err(with_body(&error, response.body())),
                    None => Err(error.into()),
                },
            },
        }
    }
}

/// Returns an error with the body of a refusal, which often says why.
fn with_body(error: &impl Display, body: &[u8]) -> BoxError {
    format!("{error}: {}", String::from_utf8_lossy(body)).into()
}
