//! A WebSocket client that echoes whatever the Autobahn suite's server sends, case by case.
//!
//! ```text
//! AUTOBAHN_URL=ws://127.0.0.1:9001 AUTOBAHN_AGENT=eventwire AUTOBAHN_CASES=301 \
//!     cargo run --release --example autobahn_client
//! ```

#[path = "echo/mod.rs"]
mod echo;

use bytes::{Buf, BytesMut};
use eventwire::ws::handshake::ClientRequest;
use eventwire::ws::{Connection, Options, Role};
use std::{env, io};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = env::var("AUTOBAHN_URL").map_err(|_| "AUTOBAHN_URL is not set")?;
    let agent = env::var("AUTOBAHN_AGENT").unwrap_or_else(|_| "eventwire".to_owned());
    let cases: u32 =
        env::var("AUTOBAHN_CASES").map_err(|_| "AUTOBAHN_CASES is not set")?.parse()?;
    let host = url.strip_prefix("ws://").ok_or("AUTOBAHN_URL is no ws:// URL")?;
    let host = host.trim_end_matches('/');
    for case in 1..=cases {
        run(host, &format!("/runCase?case={case}&agent={agent}")).await?;
    }
    run(host, &format!("/updateReports?agent={agent}")).await?;
    Ok(())
}

async fn run(host: &str, target: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut socket = TcpStream::connect(host).await?;
    socket.set_nodelay(true)?;
    let request = ClientRequest::new(host, target, rand::random())?;
    socket.write_all(&request.to_bytes()).await?;
    let mut handshake = request.handshake();
    let mut received = BytesMut::new();
    let head_len = loop {
        if let Some(response) = handshake.decode(&received)? {
            break response.head_len();
        }
        if socket.read_buf(&mut received).await? == 0 {
            return Err("the server hung up during the handshake".into());
        }
    };
    received.advance(head_len);
    let connection = Connection::message_client(Options::new(), rand::random::<[u8; 4]>);
    match echo::echo(&mut socket, Role::Client, connection, received, Vec::new()).await {
        // Some cases end with the server hanging up.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        result => Ok(result?),
    }
}
