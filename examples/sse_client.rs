//! Prints the data of each event as it comes.
//!
//! * `sse_client http://127.0.0.1:3000/events` follows a stream, and comes back with the last event ID
//!   whenever it ends.
//! * `sse_client http://127.0.0.1:8080/v1/chat '{"stream": true}'` asks a server in the manner of a
//!   language model's, by a POST with a JSON body, up to `[DONE]`.

use eventwire::sse::{EventSource, Item, LastEvent, ReadyState, SourceError, SourceOptions, Step};
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::{Instant, timeout};

const USAGE: &str = "usage: sse_client URL [BODY]";

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(url), body, None) = (args.next(), args.next(), args.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&url, body.as_deref()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sse_client: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(url: &str, body: Option<&str>) -> Result<(), Box<dyn Error>> {
    let client = reqwest::Client::new();
    let mut options = SourceOptions::new().idle_timeout(PATIENCE);
    if body.is_some() {
        // It is not sent again, so each error is the end; with `.reconnect(true)` some are not.
        options = options.method("POST").last_event(LastEvent::Data("[DONE]"));
    }
    let mut source = EventSource::owned(options);
    let start = Instant::now();
    let mut response = None;
    loop {
        if source.ready_state() != ReadyState::Open {
            response = None;
        }
        let wait = match source.poll(start.elapsed()) {
            Ok(Step::Connect) => {
                let mut request = match body {
                    None => client.get(url),
                    Some(body) => {
                        let request = client.post(url).header("content-type", "application/json");
                        request.body(body.to_owned())
                    }
                };
                for (name, value) in source.request_headers() {
                    request = request.header(name, value);
                }
                let head = match timeout(PATIENCE, request.send()).await {
                    Ok(head) => head.map_err(|error| error.to_string()),
                    Err(late) => Err(late.to_string()),
                };
                match head {
                    Ok(head) => {
                        let status = head.status().as_u16();
                        go_on(source.response(status, head.headers(), start.elapsed()))?;
                        response = Some(head);
                    }
                    Err(error) => {
                        eprintln!("sse_client: {error}");
                        go_on(source.network_error(start.elapsed()))?;
                    }
                }
                continue;
            }
            Ok(Step::Wait(until)) => {
                until.map_or(Duration::MAX, |until| until.saturating_sub(start.elapsed()))
            }
            Ok(Step::Closed) => return Ok(()),
            Err(error) => {
                go_on(Err(error))?;
                continue;
            }
        };
        let Some(head) = &mut response else {
            tokio::time::sleep(wait).await;
            continue;
        };
        let result = match timeout(wait, head.chunk()).await {
            Ok(Ok(Some(mut chunk))) => loop {
                match source.receive(&mut chunk, start.elapsed()) {
                    Ok(Some(Item::Event(event))) => println!("{}", event.data),
                    Ok(Some(_)) => {}
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            },
            Ok(Ok(None)) => source.end(start.elapsed()),
            Ok(Err(_)) => source.network_error(start.elapsed()),
            Err(_) => Ok(()), // `poll` says what the silence means
        };
        go_on(result)?;
    }
}

/// Whether there will be another connection.
fn go_on(result: Result<(), SourceError>) -> Result<(), SourceError> {
    match result {
        Err(error) if error.reconnect_at.is_none() => Err(error),
        Err(error) => {
            eprintln!("sse_client: {error}, trying again");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
