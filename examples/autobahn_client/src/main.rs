//! A WebSocket client for the Autobahn test suite: in each case it echoes all that the suite sends.
//!
//! ```text
//! AUTOBAHN_URL=ws://127.0.0.1:9001 AUTOBAHN_AGENT=eventwire AUTOBAHN_CASES=517 \
//!     cargo run --release -p autobahn_client
//! ```

use bytes::BytesMut;
use eventwire::ws::handshake::ClientRequest;
use eventwire::ws::{Deflate, Failure, WebSocket, WebSocketOptions};
use eventwire_tokio::old::echo;
use std::env;
use tokio::net::TcpStream;
use tokio::time::Instant;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = env::var("AUTOBAHN_URL").map_err(|_| "AUTOBAHN_URL is not set")?;
    let agent = env::var("AUTOBAHN_AGENT").unwrap_or_else(|_| "eventwire".to_owned());
    let cases: u32 =
        env::var("AUTOBAHN_CASES").map_err(|_| "AUTOBAHN_CASES is not set")?.parse()?;
    let host = url.strip_prefix("ws://").ok_or("AUTOBAHN_URL is not a ws:// URL")?;
    let host = host.trim_end_matches('/');
    let deflate = Deflate::new();
    for case in 1..=cases {
        run(host, &format!("/runCase?case={case}&agent={agent}"), &deflate).await?;
    }
    run(host, &format!("/updateReports?agent={agent}"), &deflate).await?;
    Ok(())
}

async fn run(
    host: &str,
    target: &str,
    deflate: &Deflate,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let start = Instant::now();
    let request = ClientRequest::new(host, target, rand::random())?.deflate(deflate);
    let masks = rand::random::<[u8; 4]>;
    let socket = WebSocket::connect(&request, WebSocketOptions::new(), masks, start.elapsed());
    let close = echo::echo(&mut stream, socket, BytesMut::new(), start).await?;
    match close.failure {
        Some(failure @ (Failure::Handshake(_) | Failure::Refused(_))) => Err(failure.into()),
        // In some cases the suite breaks the protocol, and in others it only disconnects.
        _ => Ok(()),
    }
}
