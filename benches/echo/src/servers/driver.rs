//! `eventwire-tokio`.

use super::{Failure, Kind, Server};
use eventwire_tokio::ws::{self, WebSocketOptions};
use tokio::net::TcpStream;

/// Queues each echo. The next wait for a message writes all of them.
pub struct Driver;

impl Server for Driver {
    const NAME: &str = "eventwire-tokio";
    const KIND: Kind = Kind::Driver;

    async fn serve(socket: TcpStream) -> Result<(), Failure> {
        // Without pings, because no other server here sends any.
        let mut socket = ws::accept(socket).options(WebSocketOptions::new()).await?;
        while let Some(message) = socket.next().await {
            socket.feed(message?).await?;
        }
        Ok(())
    }
}
