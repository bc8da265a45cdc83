//! Replies wait in tungstenite's write buffer until no further message is ready.

use super::{Failure, Kind, Server};
use futures_util::future::poll_immediate;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

pub struct Tungstenite;

impl Server for Tungstenite {
    const NAME: &str = "tokio-tungstenite";
    const KIND: Kind = Kind::Peer;

    async fn serve(socket: TcpStream) -> Result<(), Failure> {
        // tungstenite clears its buffer before each read. The default of 128 KiB takes twice as
        // long.
        let config = WebSocketConfig::default().read_buffer_size(16 << 10);
        let mut socket = accept_async_with_config(socket, Some(config)).await?;
        while let Some(message) = socket.next().await {
            let mut ready = Some(Some(message));
            while let Some(Some(message)) = ready {
                let message = message?;
                if message.is_text() || message.is_binary() {
                    socket.feed(message).await?;
                }
                ready = poll_immediate(socket.next()).await;
            }
            socket.flush().await?;
        }
        Ok(())
    }
}
