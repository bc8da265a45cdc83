//! A WebSocket echo server, one of the two programs that the Autobahn suite is run against.
//!
//! ```text
//! cargo run --release --example echo_server -- [ADDRESS] [--max-message BYTES] [--subprotocol NAME]...
//! ```

#[path = "echo/mod.rs"]
mod echo;

use bytes::{Buf, BytesMut};
use eventwire::ws::handshake::ServerHandshake;
use eventwire::ws::{Options, SocketOptions, WebSocket};
use lexopt::prelude::{Long, Value, ValueExt};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut address = "127.0.0.1:9001".to_owned();
    let mut options = Options::new();
    let mut subprotocols = Vec::new();
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) => address = value.string()?,
            Long("max-message") => {
                let bytes = arguments.value()?.parse()?;
                options = options.max_message(bytes);
            }
            Long("subprotocol") => subprotocols.push(arguments.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let subprotocols: Arc<[String]> = subprotocols.into();
    let listener = TcpListener::bind(&address).await?;
    println!("echoing on ws://{}", listener.local_addr()?);
    loop {
        let (socket, peer) = listener.accept().await?;
        let subprotocols = Arc::clone(&subprotocols);
        tokio::spawn(async move {
            if let Err(error) = serve(socket, options, &subprotocols).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(mut stream: TcpStream, options: Options, subprotocols: &[String]) -> io::Result<()> {
    let subprotocols: Vec<&str> = subprotocols.iter().map(String::as_str).collect();
    stream.set_nodelay(true)?;
    let mut received = BytesMut::new();
    let mut handshake = ServerHandshake::new();
    let head_len = loop {
        match handshake.decode(&received) {
            Ok(Some(request)) => {
                let mut acceptance = request.accept();
                if let Some(name) = request.select_subprotocol(&subprotocols) {
                    acceptance = acceptance.subprotocol(name).map_err(io::Error::other)?;
                }
                stream.write_all(&acceptance.to_bytes()).await?;
                break request.head_len();
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
    let socket = WebSocket::server(SocketOptions::new().limits(options), start.elapsed());
    let close = echo::echo(&mut stream, socket, received, start).await?;
    if !close.was_clean {
        eprintln!("{close}");
    }
    Ok(())
}
