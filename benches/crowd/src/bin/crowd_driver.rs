//! The least server on `eventwire-tokio`: it accepts a WebSocket, and waits for messages.

use eventwire_tokio::ws;
use std::io;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(async {
            let Ok(mut socket) = ws::accept(socket).await else { return };
            while let Some(Ok(_)) = socket.next().await {}
        });
    }
}
