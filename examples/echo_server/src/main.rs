//! A WebSocket echo server. The Autobahn test suite runs against it, and against `autobahn_client`.
//!
//! ```text
//! cargo run --release -p echo_server -- \
//!     [ADDRESS] [--deflate] [--max-message BYTES] [--handshake-timeout SECONDS] \
//!     [--subprotocol NAME]...
//! ```

use bytes::{Buf, BytesMut};
use eventwire::ws::deflate::DeflateParams;
use eventwire::ws::handshake::ServerHandshake;
use eventwire::ws::{Deflate, Limits, WebSocket, WebSocketOptions};
use eventwire_tokio::old::echo;
use lexopt::prelude::{Long, Value, ValueExt};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

struct Args {
    address: String,
    limits: Limits,
    /// The maximum time until a client's request has arrived.
    handshake_timeout: Duration,
    /// Whether messages are compressed for clients that offer it.
    compresses: bool,
    deflate: Deflate,
    subprotocols: Vec<String>,
}

fn parse_args() -> Result<Args, lexopt::Error> {
    let mut args = Args {
        address: "127.0.0.1:9001".to_owned(),
        limits: Limits::new(),
        handshake_timeout: Duration::from_secs(10),
        compresses: false,
        deflate: Deflate::new(),
        subprotocols: Vec::new(),
    };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) => args.address = value.string()?,
            Long("deflate") => args.compresses = true,
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
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Arc::new(parse_args()?);
    let listener = TcpListener::bind(&args.address).await?;
    println!("echoing on ws://{}", listener.local_addr()?);
    loop {
        let (socket, peer) = match listener.accept().await {
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
            if let Err(error) = serve(socket, &args).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(mut stream: TcpStream, args: &Args) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = BytesMut::new();
    let accepted = accept(&mut stream, &mut received, args);
    let Some(compression) = timeout(args.handshake_timeout, accepted).await?? else {
        return Ok(());
    };
    let start = Instant::now();
    let socket = WebSocket::server(WebSocketOptions::new().limits(args.limits), start.elapsed())
        .deflate(&args.deflate, compression);
    let close = echo::echo(&mut stream, socket, received, start).await?;
    if !close.was_clean {
        eprintln!("{close}");
    }
    Ok(())
}

/// Answers the opening request. Returns the negotiated compression, or `None` if no connection was
/// opened. Leaves the bytes after the request in `received`.
async fn accept(
    stream: &mut TcpStream,
    received: &mut BytesMut,
    args: &Args,
) -> io::Result<Option<Option<DeflateParams>>> {
    let subprotocols: Vec<&str> = args.subprotocols.iter().map(String::as_str).collect();
    let mut handshake = ServerHandshake::new();
    let (head_len, compression) = loop {
        match handshake.decode(received) {
            Ok(Some(request)) => {
                let mut acceptance = request.accept();
                if let Some(name) = request.select_subprotocol(&subprotocols) {
                    acceptance = acceptance.subprotocol(name).map_err(io::Error::other)?;
                }
                if args.compresses {
                    acceptance = acceptance.deflate(&args.deflate);
                }
                stream.write_all(&acceptance.to_bytes()).await?;
                break (request.head_len(), acceptance.deflate_params());
            }
            Ok(None) => {
                if stream.read_buf(received).await? == 0 {
                    return Ok(None);
                }
            }
            Err(error) => {
                stream.write_all(&error.rejection().to_bytes()).await?;
                return Ok(None);
            }
        }
    };
    received.advance(head_len);
    Ok(Some(compression))
}
