//! A WebSocket echo server. The Autobahn test suite runs against it, and against `autobahn_client`.
//!
//! ```text
//! cargo run --release -p echo_server -- \
//!     [ADDRESS] [--deflate] [--max-message BYTES] [--handshake-timeout SECONDS] \
//!     [--subprotocol NAME]...
//! ```

use eventwire_tokio::eventwire::ws::Deflate;
use eventwire_tokio::ws::{self, Limits, WebSocketOptions};
use lexopt::prelude::{Long, Value, ValueExt};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

struct Args {
    address: String,
    limits: Limits,
    /// The maximum time until a client's request has arrived.
    handshake_timeout: Duration,
    /// The compression for clients that offer it.
    deflate: Option<Deflate>,
    subprotocols: Vec<String>,
}

fn parse_args() -> Result<Args, lexopt::Error> {
    let mut args = Args {
        address: "127.0.0.1:9001".to_owned(),
        limits: Limits::new(),
        handshake_timeout: Duration::from_secs(10),
        deflate: None,
        subprotocols: Vec::new(),
    };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) => args.address = value.string()?,
            Long("deflate") => args.deflate = Some(Deflate::new()),
            Long("max-message") => {
                args.limits = args.limits.max_message(arguments.value()?.parse()?);
            }
            Long("handshake-timeout") => {
                args.handshake_timeout = Duration::from_secs(arguments.value()?.parse()?);
            }
            Long("subprotocol") => args.subprotocols.push(arguments.value()?.string()?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(args)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Arc::new(parse_args()?);
    let listener = TcpListener::bind(&args.address).await?;
    println!("echoing on ws://{}", listener.local_addr()?);
    loop {
        let (tcp, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // For example too many open files. Some may be closed after a pause.
                eprintln!("echo_server: {error}");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let args = Arc::clone(&args);
        tokio::spawn(async move {
            if let Err(error) = echo(tcp, &args).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn echo(tcp: TcpStream, args: &Args) -> Result<(), Box<dyn Error + Send + Sync>> {
    tcp.set_nodelay(true)?;
    let mut accept = ws::accept(tcp)
        .options(WebSocketOptions::new().limits(args.limits))
        .timeout(args.handshake_timeout)
        .protocols(&args.subprotocols);
    if let Some(deflate) = &args.deflate {
        accept = accept.deflate(deflate.clone());
    }
    let mut socket = accept.await?;
    while let Some(message) = socket.next().await {
        // The echoes of all messages from one read are written together. If this fails, the next
        // item says why.
        let _ = socket.feed(message?).await;
    }
    Ok(())
}
