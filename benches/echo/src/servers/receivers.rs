//! Clients that receive a feed. Each takes every message of the sockets that it is given, in the
//! role of a client: the load is the WebSocket's server.

use super::lent::{Buffers, READ};
use super::{Failure, Kind, Server};
use crate::load::REQUEST;
use crate::received;
use eventwire::ws::{Connection, Limits, Message, OsMaskKeys};
use eventwire_tokio::ws::{self, WebSocketOptions};
use fastwebsockets::FragmentCollector;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// Reads bytes and drops them. This is the lower bound.
pub struct RawTcp;

impl Server for RawTcp {
    const NAME: &str = "raw TCP";
    const KIND: Kind = Kind::RawTcp;

    async fn serve(mut socket: TcpStream) -> Result<(), Failure> {
        let mut buffers = Buffers::default();
        while let Some(read) = buffers.read(&mut socket).await? {
            buffers = read;
            received::bytes(buffers.received.len());
            buffers.received.clear();
        }
        Ok(())
    }
}

/// eventwire by hand: whole messages, which share the memory that was read into.
pub struct Messages;

impl Server for Messages {
    const NAME: &str = "eventwire, messages";
    const KIND: Kind = Kind::Ours;

    async fn serve(mut socket: TcpStream) -> Result<(), Failure> {
        shake_hands(&mut socket).await?;
        let mut connection = Connection::client(Limits::new(), OsMaskKeys::new());
        let mut buffers = Buffers::default();
        loop {
            let message = connection.receive(&mut buffers.received);
            connection.reply_to(&mut buffers.to_send)?;
            match message? {
                Some(Message::Text(text)) => received::message(text.as_bytes()),
                Some(_) => {}
                None => {
                    socket.write_all(&buffers.to_send).await?;
                    buffers.to_send.clear();
                    match buffers.read(&mut socket).await? {
                        Some(read) => buffers = read,
                        None => return Ok(()),
                    }
                }
            }
        }
    }
}

pub struct Driver;

impl Server for Driver {
    const NAME: &str = "eventwire-tokio";
    const KIND: Kind = Kind::Driver;

    async fn serve(socket: TcpStream) -> Result<(), Failure> {
        // Without pings, because no other client here sends any.
        let connect = ws::connect("ws://localhost/").options(WebSocketOptions::new());
        let mut socket = connect.over(socket).await?;
        while let Some(message) = socket.next().await {
            if let Message::Text(text) = message? {
                received::message(text.as_bytes());
            }
        }
        Ok(())
    }
}

pub struct Tungstenite;

impl Server for Tungstenite {
    const NAME: &str = "tokio-tungstenite";
    const KIND: Kind = Kind::Peer;

    async fn serve(mut socket: TcpStream) -> Result<(), Failure> {
        shake_hands(&mut socket).await?;
        let config = WebSocketConfig::default().read_buffer_size(16 << 10);
        let mut socket = WebSocketStream::from_raw_socket(socket, Role::Client, Some(config)).await;
        while let Some(message) = socket.next().await {
            let message = message?;
            if message.is_text() {
                received::message(message.to_text()?.as_bytes());
            }
        }
        Ok(())
    }
}

pub struct FastWebSockets;

impl Server for FastWebSockets {
    const NAME: &str = "fastwebsockets";
    const KIND: Kind = Kind::Peer;

    async fn serve(mut socket: TcpStream) -> Result<(), Failure> {
        use fastwebsockets::{OpCode, Role, WebSocket};

        shake_hands(&mut socket).await?;
        let socket = WebSocket::after_handshake(socket, Role::Client);
        let mut socket = FragmentCollector::new(socket);
        loop {
            let frame = socket.read_frame().await?;
            match frame.opcode {
                OpCode::Text => received::message(&frame.payload),
                OpCode::Close => return Ok(()),
                _ => {}
            }
        }
    }
}

pub struct TokioWebSockets;

impl Server for TokioWebSockets {
    const NAME: &str = "tokio-websockets";
    const KIND: Kind = Kind::Peer;

    async fn serve(mut socket: TcpStream) -> Result<(), Failure> {
        shake_hands(&mut socket).await?;
        let mut socket = tokio_websockets::ClientBuilder::new().take_over(socket);
        while let Some(message) = socket.next().await {
            if let Some(text) = message?.as_text() {
                received::message(text.as_bytes());
            }
        }
        Ok(())
    }
}

pub struct Sockudo;

impl Server for Sockudo {
    const NAME: &str = "sockudo-ws";
    const KIND: Kind = Kind::Peer;

    async fn serve(mut socket: TcpStream) -> Result<(), Failure> {
        use sockudo_ws::{Config, Message, Role, WebSocketStream};

        shake_hands(&mut socket).await?;
        let config = Config::builder().idle_timeout(0).auto_ping(false).build();
        let mut socket = WebSocketStream::from_raw(socket, Role::Client, config);
        while let Some(message) = socket.next().await {
            match message? {
                Message::Text(text) => received::message(text.as_ref()),
                Message::Close(_) => break,
                _ => {}
            }
        }
        Ok(())
    }
}

pub struct Yawc;

impl Server for Yawc {
    const NAME: &str = "yawc";
    const KIND: Kind = Kind::Peer;

    async fn serve(mut socket: TcpStream) -> Result<(), Failure> {
        use yawc::{OpCode, Options, Role, WebSocket};

        shake_hands(&mut socket).await?;
        let options = Options::default()
            .with_utf8()
            .without_compression()
            .with_read_buffer_capacity(2 * READ);
        let mut socket = WebSocket::from_stream(socket, Role::Client, options)?;
        loop {
            let frame = socket.next_frame().await?;
            match frame.opcode() {
                OpCode::Text => received::message(frame.payload()),
                OpCode::Close => return Ok(()),
                _ => {}
            }
        }
    }
}

/// Does the handshake by hand, for libraries that can take over a socket after it.
async fn shake_hands(socket: &mut TcpStream) -> Result<(), Failure> {
    socket.write_all(REQUEST).await?;
    let mut head = Vec::new();
    // The load sends nothing more before all clients are ready.
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await?);
    }
    if head.starts_with(b"HTTP/1.1 101 ") { Ok(()) } else { Err("refused".into()) }
}
