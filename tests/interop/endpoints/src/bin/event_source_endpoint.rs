//! Our event source over a socket: `event_source_endpoint ADDRESS TARGET`. Reports until its
//! standard input or the source ends.

use bytes::{Buf, BytesMut};
use eventwire::sse::{
    EventSource, EventSourceError, EventSourceErrorCause, EventSourceOptions, EventSourceStep,
    Item, OwnedDecoder, Received,
};
use eventwire_endpoints::{read_commands, say};
use serde::Serialize;
use std::error::Error;
use std::future::pending;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::{Instant, sleep_until};

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Report {
    Connecting { last_event_id: String },
    Open,
    Event { event: String, data: String, last_event_id: String },
    Error { cause: String, reconnect_at: Option<u64> },
}

/// A report and its time, in milliseconds since the start.
#[derive(Serialize)]
struct At<'r> {
    at: u128,
    #[serde(flatten)]
    report: &'r Report,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(address), Some(target), None) = (args.next(), args.next(), args.next()) else {
        return Err("usage: event_source_endpoint ADDRESS TARGET".into());
    };
    // There are no commands; only the end of the input counts.
    let mut commands = read_commands::<()>();
    let start = Instant::now();
    let report = |report: &Report| say(&At { at: start.elapsed().as_millis(), report });
    let tell = |result: Result<(), EventSourceError<Box<dyn Error>>>| match result {
        Ok(()) => Ok(false),
        Err(EventSourceError { cause, reconnect_at, .. }) => {
            let cause = match cause {
                EventSourceErrorCause::Network(_) => "Network".to_owned(),
                cause => format!("{cause:?}"),
            };
            let reconnect_at = reconnect_at.map(|at| at.as_millis().try_into().unwrap_or(u64::MAX));
            report(&Report::Error { cause, reconnect_at }).map(|()| true)
        }
    };

    let mut source = EventSource::owned(EventSourceOptions::new());
    let mut connection: Option<TcpStream> = None;
    let mut received = BytesMut::new();
    loop {
        let wake = match source.poll(start.elapsed()) {
            Ok(EventSourceStep::Connect) => {
                let last_event_id = source.last_event_id().to_owned();
                report(&Report::Connecting { last_event_id })?;
                received.clear();
                let result = match request(&address, &target, &source, &mut received).await {
                    Ok((stream, Head { status, headers })) => {
                        connection = Some(stream);
                        source
                            .response(status, headers, start.elapsed())
                            .map_err(EventSourceError::widen)
                    }
                    Err(error) => source.network_error(error, start.elapsed()),
                };
                if result.is_ok() {
                    report(&Report::Open)?;
                }
                if tell(result)? {
                    connection = None;
                }
                continue;
            }
            Ok(EventSourceStep::Wait(until)) => until.map(|until| start + until),
            Ok(EventSourceStep::Closed) => return Ok(()),
            Err(error) => {
                tell(Err(error.widen()))?;
                connection = None;
                continue;
            }
        };

        let result = loop {
            match source.receive_buffer(&mut received, start.elapsed()) {
                Ok(Received::Item(Item::Event(event))) => report(&Report::Event {
                    event: event.event_type.as_deref().unwrap_or("message").to_owned(),
                    data: event.data.to_string(),
                    last_event_id: event.last_event_id.to_string(),
                })?,
                Ok(Received::Item(_)) => {}
                // Also without a connection, because nothing was received.
                Ok(Received::More | Received::Closed) => break Ok(()),
                Err(error) => break Err(error.widen()),
            }
        };
        if tell(result)? {
            connection = None;
            continue;
        }

        select! {
            read = read(connection.as_mut(), &mut received) => {
                let result = match read {
                    Ok(0) => source.end(start.elapsed()).map_err(EventSourceError::widen),
                    Ok(_) => Ok(()),
                    Err(error) => source.network_error(error.into(), start.elapsed()),
                };
                if tell(result)? {
                    connection = None;
                }
            }
            () = sleep_until(wake.unwrap_or(start)), if wake.is_some() => {}
            _ = commands.recv() => return Ok(()),
        }
    }
}

async fn read(connection: Option<&mut TcpStream>, received: &mut BytesMut) -> io::Result<usize> {
    let Some(connection) = connection else { return pending().await };
    connection.read_buf(received).await
}

struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

/// Sends the request as HTTP/1.0, so that the body arrives unchunked. Bytes after the response's
/// head stay in `received`.
async fn request(
    address: &str,
    target: &str,
    source: &EventSource<OwnedDecoder>,
    received: &mut BytesMut,
) -> Result<(TcpStream, Head), Box<dyn Error>> {
    let mut request = format!("GET {target} HTTP/1.0\r\nhost: {address}\r\n").into_bytes();
    for (name, value) in source.request_headers() {
        request.extend_from_slice(name.as_bytes());
        request.extend_from_slice(b": ");
        request.extend_from_slice(value);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&request).await?;
    loop {
        if let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = parse(std::str::from_utf8(&received[..end])?).ok_or("no HTTP")?;
            received.advance(end + 4);
            return Ok((stream, head));
        }
        if stream.read_buf(received).await? == 0 {
            return Err("no whole head".into());
        }
    }
}

fn parse(head: &str) -> Option<Head> {
    let (status_line, fields) = head.split_once("\r\n")?;
    let status = status_line.split(' ').nth(1)?.parse().ok()?;
    let headers = fields.split("\r\n").filter_map(|field| field.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    Some(Head { status, headers })
}
