//! The echo loop of the README of `sockudo-ws`: it feeds replies, and the next read flushes them.

use super::lent::READ;
use super::{Failure, Kind, Server};
use futures_util::{SinkExt, StreamExt};
use sockudo_ws::handshake::server_handshake;
use sockudo_ws::{Config, Message, Role, WebSocketStream};
use tokio::net::TcpStream;

pub struct Sockudo;

impl Server for Sockudo {
    const NAME: &str = "sockudo-ws";
    const KIND: Kind = Kind::Peer;

    async fn serve(mut socket: TcpStream) -> Result<(), Failure> {
        // Without its timers, because no other server here has any.
        let config =
            Config::builder().write_buffer_size(READ).idle_timeout(0).auto_ping(false).build();
        let leftover = server_handshake(&mut socket).await?.leftover;
        let mut socket =
            WebSocketStream::from_raw_with_leftover(socket, Role::Server, config, leftover);
        while let Some(message) = socket.next().await {
            match message? {
                message @ (Message::Text(_) | Message::Binary(_)) => socket.feed(message).await?,
                Message::Close(_) => break,
                _ => {}
            }
        }
        Ok(())
    }
}
