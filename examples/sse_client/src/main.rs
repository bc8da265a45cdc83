//! Prints the data of each event as it arrives.
//!
//! * `sse_client http://127.0.0.1:3000/events` follows a stream. Whenever the stream ends, the
//!   client reconnects with the last event ID.
//! * `sse_client http://127.0.0.1:8080/v1/chat '{"stream": true}'` sends a POST with a JSON body,
//!   as for a language model. The response ends with `[DONE]` or another last event.

use eventwire_tokio::sse::{
    self, DecoderOptions, EventSourceError, EventSourceOptions, Item, LastEvent,
};
use std::process::ExitCode;
use std::time::Duration;

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
            eprintln!("sse_client: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(url: &str, body: Option<String>) -> Result<(), EventSourceError> {
    let mut connect = sse::connect(url);
    let mut options = EventSourceOptions::new().idle_timeout(PATIENCE);
    let mut decoder_options = DecoderOptions::new().unknown_lines(true);
    if let Some(body) = body {
        // A POST is not sent again, so every error is final. `.reconnect(true)` would change that.
        connect = connect.method("POST").header("content-type", "application/json").body(body);
        options = options.last_event(LAST_EVENTS);
        // An event that is cut off at the end arrives again only if the source reconnects.
        decoder_options = decoder_options.unfinished(true);
    }
    let mut source = connect.options(options).decoder_options(decoder_options).build();
    while let Some(item) = source.next_item().await {
        match item {
            Ok(Item::Event(event)) => println!("{}", event.data),
            Ok(Item::Unknown(line)) => eprintln!("sse_client: outside events: {line}"),
            Ok(_) => {}
            Err(error) if error.will_retry() => eprintln!("sse_client: {error}, trying again"),
            Err(error) => {
                // The body of a response that is not an event stream often says why.
                if let Some(response) = error.refusal().filter(|it| !it.body().is_empty()) {
                    let body = &response.body()[..response.body().len().min(REFUSED_BODY)];
                    let body = String::from_utf8_lossy(body.trim_ascii());
                    eprintln!("sse_client: the server answered {}: {body}", response.status());
                }
                return Err(error);
            }
        }
    }
    Ok(())
}
