//! A WebSocket echo server, one of the two programs that the Autobahn suite is run against.
//!
//! ```text
//! cargo run --release --features deflate --example echo_server -- \
//!     [ADDRESS] [--deflate] [--max-message BYTES] [--subprotocol NAME]...
//! ```

#[path = "echo/mod.rs"]
mod echo;

use bytes::{Buf, BytesMut};
use eventwire::ws::handshake::ServerHandshake;
use eventwire::ws::{Deflate, Options, SocketOptions, WebSocket};
use lexopt::prelude::{Long, Value, ValueExt};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

struct Args {
    address: String,
    limits: Options,
    /// Whether clients may have their messages compressed.
    compresses: bool,
    deflate: Deflate,
    subprotocols: Vec<String>,
}

fn parse_args() -> Result<Args, lexopt::Error> {
    let mut args = Args {
        address: "127.0.0.1:9001".to_owned(),
        limits: Options::new(),
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
        let (socket, peer) = listener.accept().await?;
        let args = Arc::clone(&args);
        tokio::spawn(async move {
            if let Err(error) = serve(socket, &args).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(mut stream: TcpStream, args: &Args) -> io::Result<()> {
    let subprotocols: Vec<&str> = args.subprotocols.iter().map(String::as_str).collect();
    stream.set_nodelay(true)?;
    let mut received = BytesMut::new();
    let mut handshake = ServerHandshake::new();
    let (head_len, compression) = loop {
        match handshake.decode(&received) {
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
                if stream.read_buf(&mut received).await? == 0 {
                    return Ok(());
                }
            }
            Err(error) => return stream.write_all(&error.rejection().to_bytes()).await,
        }
    };
    received.advance(head_len);
    let start = Instant::now();
    let socket = WebSocket::server(SocketOptions::new().limits(args.limits), start.elapsed())
        .deflate(&args.deflate, compression);
    let close = echo::echo(&mut stream, socket, received, start).await?;
    if !close.was_clean {
        eprintln!("{close}");
    }
    Ok(())
}
