//! Prints the data of each event as it arrives.
//!
//! * `sse_client http://127.0.0.1:3000/events` follows a stream. Whenever the stream ends, the
//!   client reconnects with the last event ID.
//! * `sse_client http://127.0.0.1:8080/v1/chat '{"stream": true}'` sends a POST with a JSON body,
//!   as for a language model. The response ends with `[DONE]` or another last event.

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

/// The maximum silence of the server.
const PATIENCE: Duration = Duration::from_secs(60);

/// The maximum number of bytes that are printed of a response that is not an event stream.
const REFUSED_BODY: usize = 1024;

/// The last events of servers that answer a POST with events.
const LAST_EVENTS: &[LastEvent] = &[
    LastEvent::Data("[DONE]"),
    LastEvent::EventType("message_stop"),
    LastEvent::EventType("response.completed"),
    LastEvent::EventType("response.incomplete"),
    LastEvent::EventType("response.failed"),
];

type SourceError = EventSourceError<reqwest::Error>;

/// The state of the connection.
enum Link {
    None,
    /// The request was sent, and the response has not arrived.
    Requested(Pin<Box<dyn Future<Output = reqwest::Result<Response>>>>),
    /// The body of the response arrives.
    Responded(Response),
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
        // A TLS feature of `reqwest` would lift this limit.
        return Err("the URL must begin with http://: this program has no TLS".into());
    }
    let client = Client::new();
    let mut options = EventSourceOptions::new().idle_timeout(PATIENCE);
    if body.is_some() {
        // A POST is not sent again, so every error is final. `.reconnect(true)` would change that.
        options = options.method("POST").last_event(LAST_EVENTS);
    }
    // An event that is cut off at the end arrives again only if the source reconnects.
    let decoder_options = DecoderOptions::new().unknown_lines(true).unfinished(body.is_some());
    let mut source =
        EventSource::with_decoder(OwnedDecoder::with_options(decoder_options), options);
    let start = Instant::now();
    let mut link = Link::None;
    loop {
        let wait = match source.poll(start.elapsed()) {
            Ok(EventSourceStep::Connect) => {
                let request = request(&client, url, body.as_ref(), &source);
                link = Link::Requested(Box::pin(request.send()));
                continue;
            }
            Ok(EventSourceStep::Wait(until)) => {
                until.map_or(Duration::MAX, |until| until.saturating_sub(start.elapsed()))
            }
            Ok(EventSourceStep::Closed) => return Ok(()),
            Err(error) => {
                link = Link::None;
                check_reconnects(error.widen())?;
                continue;
            }
        };
        // After a timeout `poll` decides what happens next.
        let result = match &mut link {
            Link::None => {
                tokio::time::sleep(wait).await;
                continue;
            }
            Link::Requested(answer) => match timeout(wait, answer).await {
                Ok(Ok(response)) => {
                    let status = response.status().as_u16();
                    match source.response(status, response.headers(), start.elapsed()) {
                        Ok(()) => {
                            link = Link::Responded(response);
                            continue;
                        }
                        Err(error) => {
                            print_refused(response).await;
                            Err(error.widen())
                        }
                    }
                }
                // This request can never be sent.
                Ok(Err(error)) if error.is_builder() => return Err(error.into()),
                Ok(Err(error)) => source.network_error(error, start.elapsed()),
                Err(_) => continue,
            },
            Link::Responded(response) => match timeout(wait, response.chunk()).await {
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
        result.or_else(check_reconnects)?;
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

/// Prints all items that are there. Returns whether there may be more.
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

/// Prints an error after which the source reconnects. Returns any other error.
fn check_reconnects(error: SourceError) -> Result<(), SourceError> {
    if error.reconnect_at.is_none() {
        return Err(error);
    }
    eprintln!("sse_client: {}, trying again", with_causes(&error));
    Ok(())
}

/// Prints the body of a response that is not an event stream: it often says why.
async fn print_refused(mut response: Response) {
    let mut body = Vec::new();
    // After the timeout the part that has arrived is printed.
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
        eprintln!("sse_client: the server answered {}: {body}", response.status());
    }
}
