//! tokio-websockets writes its queue before it returns the next message, so all messages that are
//! ready are taken first.

use super::lent::READ;
use super::{Failure, Kind, Server};
use futures_util::future::poll_immediate;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_websockets::{Config, ServerBuilder};

pub struct TokioWebSockets;

impl Server for TokioWebSockets {
    const NAME: &str = "tokio-websockets";
    const KIND: Kind = Kind::Peer;

    async fn serve(socket: TcpStream) -> Result<(), Failure> {
        let config = Config::default().flush_threshold(READ);
        let (_, mut socket) = ServerBuilder::new().config(config).accept(socket).await?;
        let mut batch = Vec::new();
        while let Some(message) = socket.next().await {
            let mut ready = Some(Some(message));
            while let Some(Some(message)) = ready {
                batch.push(message?);
                ready = poll_immediate(socket.next()).await;
            }
            for message in batch.drain(..) {
                if message.is_text() || message.is_binary() {
                    socket.feed(message).await?;
                }
            }
            socket.flush().await?;
        }
        Ok(())
    }
}
