//! Runs the clients for firmware on the host, over `embedded-io` and `embedded-io-async`.
//!
//! * `embedded http://127.0.0.1:3000/events` prints the data of each event, over a blocking
//!   transport. Whenever the stream ends, the client reconnects with the last event ID.
//! * `echo hello | embedded ws://127.0.0.1:9001/` sends the lines of its standard input, and prints
//!   the messages that it receives, over an async transport.
//!
//! Only this file needs `std`. The modules of the library do not allocate.

use embassy_futures::block_on;
use embedded::blocking::Blocking;
use embedded::sse;
use embedded::websocket::WebSocket;
use embedded_io_adapters::std::FromStd;
use embedded_io_adapters::tokio_1::FromTokio;
use eventwire::sse::decode::{InlineId, Text};
use eventwire::sse::{
    Decoder, DecoderOptions, Event, EventSource, EventSourceOptions, EventSourceStep, ReadyState,
};
use eventwire::ws::handshake::ClientRequest;
use eventwire::ws::{self, Close, CloseCode, Connection, Frame};
use example_support::stdin_lines::stdin_lines;
use http::Uri;
use std::error::Error;
use std::io::{self, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};
use tokio::select;
use tokio::time::{sleep_until, timeout};

const USAGE: &str = "usage: embedded http://HOST[:PORT][/PATH] | ws://HOST[:PORT][/PATH]";

/// How long the server may be silent, or read nothing, while the client waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("embedded: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [url] = &args[..] else { return Err(USAGE.into()) };
    let uri: Uri = url.parse()?;
    let host = uri.authority().ok_or(USAGE)?;
    let address = format!("{}:{}", host.host(), host.port_u16().unwrap_or(80));
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    match uri.scheme_str() {
        Some("http") => follow(&address, host.as_str(), target),
        Some("ws") => talk(&address, host.as_str(), target),
        _ => Err(USAGE.into()),
    }
}

/// Follows an event stream over any number of connections.
fn follow(address: &str, host: &str, target: &str) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let clock = || start.elapsed();
    let mut buffer = [0; 2048];
    let decoder =
        Decoder::with_storage(DecoderOptions::new().max_event(1920), InlineId::<64>::new());
    let mut source = EventSource::with_decoder(decoder, EventSourceOptions::new());
    loop {
        match source.poll(clock())? {
            EventSourceStep::Connect => {}
            EventSourceStep::Wait(until) => {
                thread::sleep(until.unwrap_or_default().saturating_sub(clock()));
                continue;
            }
            EventSourceStep::Closed => return Ok(()),
        }
        let followed = connect(address).map_err(sse::Error::Transport).and_then(|stream| {
            let transport = Blocking(FromStd::new(stream));
            let print = |event: Event<Text<'_>>| println!("{}", event.data);
            let buffer = &mut buffer[..];
            block_on(sse::follow(transport, host, target, &mut source, buffer, clock, print))
        });
        let _ = source.network_error((), clock());
        match followed {
            Err(error @ (sse::Error::Unsendable | sse::Error::RequestTooLong)) => {
                return Err(error.into());
            }
            Err(error) if source.ready_state() != ReadyState::Closed => {
                eprintln!("embedded: {error}, trying again");
            }
            end => return Ok(end?),
        }
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends the lines of standard input, and closes the connection at its end.
#[tokio::main(flavor = "current_thread")]
async fn talk(address: &str, host: &str, target: &str) -> Result<(), Box<dyn Error>> {
    let stream = timeout(PATIENCE, tokio::net::TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?;
    let request = ClientRequest::new(host, target, rand::random())?;
    let connection = Connection::frame_client(ws::Limits::new(), rand::random::<[u8; 4]>);
    let (mut received, mut to_send) = ([0; 512], [0; 1024]);
    let transport = FromTokio::new(stream);
    let opening = WebSocket::open(transport, &request, connection, &mut received, &mut to_send);
    let mut socket = timeout(PATIENCE, opening).await??;
    let (mut lines, mut no_more_lines) = (stdin_lines(), false);
    let mut end = Instant::now();
    loop {
        select! {
            line = lines.recv(), if !no_more_lines => {
                no_more_lines = line.is_none();
                let close = Close { code: CloseCode::NORMAL, reason: "" };
                let frame = match &line {
                    Some(line) => Frame::text(line),
                    None => Frame::close(Some(close))?,
                };
                timeout(PATIENCE, socket.send(&frame)).await??;
                end = Instant::now() + PATIENCE;
            }
            () = sleep_until(end.into()), if no_more_lines => {
                return Err("the server did not answer our close frame".into());
            }
            event = socket.receive() => match event? {
                Some(ws::frame::FrameEvent::Data(run)) => {
                    io::stdout().write_all(run.payload)?;
                    if run.fin {
                        io::stdout().write_all(b"\n")?;
                    }
                }
                Some(ws::frame::FrameEvent::Close(_)) => break,
                Some(_) | None => {}
            },
        }
    }
    Ok(timeout(PATIENCE, socket.finish()).await??)
}
