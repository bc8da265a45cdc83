//! Prints the data of each event as it comes.
//!
//! * `sse_client http://127.0.0.1:3000/events` follows a stream, and comes back with the last event ID
//!   whenever it ends.
//! * `sse_client http://127.0.0.1:8080/v1/chat '{"stream": true}'` asks a server in the manner of a
//!   language model's, by a POST with a JSON body, up to `[DONE]` or another last event.

use bytes::Bytes;
use eventwire::Url;
use eventwire::sse::{
    DecoderOptions, EventSource, EventSourceError, EventSourceOptions, EventSourceStep, Item,
    LastEvent, OwnedDecoder, OwnedItem, Received,
};
use example_support::causes::with_causes;
use reqwest::{Client, RequestBuilder, Response};
use std::error::Error;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::{Instant, timeout};

const USAGE: &str = "usage: sse_client URL [BODY]";

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much is printed of a response that is no event stream.
const REFUSED_BODY: usize = 1024;

/// How those that answer a POST by events say that this was all.
const LAST_EVENTS: &[LastEvent] = &[
    LastEvent::Data("[DONE]"),
    LastEvent::EventType("message_stop"),
    LastEvent::EventType("response.completed"),
    LastEvent::EventType("response.incomplete"),
    LastEvent::EventType("response.failed"),
];

type Lost = EventSourceError<reqwest::Error>;

/// What there is of a connection.
enum Link {
    None,
    Asked(Pin<Box<dyn Future<Output = reqwest::Result<Response>>>>),
    Answered(Response),
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(url), body, None) = (args.next(), args.next(), args.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&url, body).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sse_client: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(url: &str, body: Option<String>) -> Result<(), Box<dyn Error>> {
    if Url::parse(url)?.scheme() != "http" {
        // With a feature of `reqwest` for TLS there is no need to.
        return Err("the URL has to begin with http://, as there is no TLS".into());
    }
    let client = Client::new();
    let mut options = EventSourceOptions::new().idle_timeout(PATIENCE);
    if body.is_some() {
        // It is not sent again, so each error is the end; with `.reconnect(true)` some are not.
        options = options.method("POST").last_event(LAST_EVENTS);
    }
    // What the end cuts off comes again only where the stream does.
    let shown = DecoderOptions::new().unknown_lines(true).unfinished(body.is_some());
    let mut source = EventSource::with_decoder(OwnedDecoder::with_options(shown), options);
    let start = Instant::now();
    let mut link = Link::None;
    loop {
        let wait = match source.poll(start.elapsed()) {
            Ok(EventSourceStep::Connect) => {
                let request = request(&client, url, body.as_ref(), &source);
                link = Link::Asked(Box::pin(request.send()));
                continue;
            }
            Ok(EventSourceStep::Wait(until)) => {
                until.map_or(Duration::MAX, |until| until.saturating_sub(start.elapsed()))
            }
            Ok(EventSourceStep::Closed) => return Ok(()),
            Err(error) => {
                link = Link::None;
                go_on(error.widen())?;
                continue;
            }
        };
        // Whoever is late is for `poll` to judge.
        let result = match &mut link {
            Link::None => {
                tokio::time::sleep(wait).await;
                continue;
            }
            Link::Asked(answer) => match timeout(wait, answer).await {
                Ok(Ok(response)) => {
                    let status = response.status().as_u16();
                    match source.response(status, response.headers(), start.elapsed()) {
                        Ok(()) => {
                            link = Link::Answered(response);
                            continue;
                        }
                        Err(error) => {
                            print_refused(response).await;
                            Err(error.widen())
                        }
                    }
                }
                // It can never be sent.
                Ok(Err(error)) if error.is_builder() => return Err(error.into()),
                Ok(Err(error)) => source.network_error(error, start.elapsed()),
                Err(_) => continue,
            },
            Link::Answered(response) => match timeout(wait, response.chunk()).await {
                Ok(Ok(Some(mut chunk))) => {
                    match receive(|| source.receive(&mut chunk, start.elapsed())) {
                        Ok(true) => continue,
                        Ok(false) => Ok(()),
                        Err(error) => Err(error.widen()),
                    }
                }
                Ok(Ok(None)) => receive(|| source.receive_eof(&mut Bytes::new(), start.elapsed()))
                    .and_then(|_| source.end(start.elapsed()))
                    .map_err(EventSourceError::widen),
                Ok(Err(error)) => source.network_error(error, start.elapsed()),
                Err(_) => continue,
            },
        };
        link = Link::None;
        result.or_else(go_on)?;
    }
}

fn request(
    client: &Client,
    url: &str,
    body: Option<&String>,
    source: &EventSource<OwnedDecoder>,
) -> RequestBuilder {
    let request = match body {
        None => client.get(url),
        Some(body) => {
            client.post(url).header("content-type", "application/json").body(body.clone())
        }
    };
    source.request_headers().fold(request, |request, (name, value)| request.header(name, value))
}

/// Prints what there is; returns whether there may be more.
fn receive(
    mut receive: impl FnMut() -> Result<Received<OwnedItem>, EventSourceError>,
) -> Result<bool, EventSourceError> {
    loop {
        match receive()? {
            Received::Item(Item::Event(event)) => println!("{}", event.data),
            Received::Item(Item::Unknown(line)) => eprintln!("sse_client: outside events: {line}"),
            Received::Item(_) => {}
            Received::More => return Ok(true),
            Received::Closed => return Ok(false),
        }
    }
}

/// Whether there will be another connection.
fn go_on(error: Lost) -> Result<(), Lost> {
    if error.reconnect_at.is_none() {
        return Err(error);
    }
    eprintln!("sse_client: {}, trying again", with_causes(&error));
    Ok(())
}

/// Prints why a server sent no event stream, as far as its response says so.
async fn print_refused(mut response: Response) {
    let mut body = Vec::new();
    // What came in time is printed.
    let _ = timeout(PATIENCE, async {
        while body.len() < REFUSED_BODY
            && let Ok(Some(chunk)) = response.chunk().await
        {
            body.extend_from_slice(&chunk);
        }
    })
    .await;
    body.truncate(REFUSED_BODY);
    let body = String::from_utf8_lossy(body.trim_ascii());
    if !body.is_empty() {
        eprintln!("sse_client: the server says: {}: {body}", response.status());
    }
}
