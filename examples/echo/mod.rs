//! What an echoing endpoint does after the handshake, in either role.

use bytes::BytesMut;
use eventwire::ws::{
    Connection, Frame, MaskSource, Message, MessageDecoder, ProtocolError, Role, State,
};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the other side may take to close the transport.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends each message back until the connection is closed. `received` holds what came behind the
/// handshake, and `to_send` what is still to go before anything else.
pub async fn echo<M: MaskSource>(
    socket: &mut TcpStream,
    role: Role,
    mut connection: Connection<M, MessageDecoder>,
    mut received: BytesMut,
    mut to_send: Vec<u8>,
) -> io::Result<()> {
    loop {
        let result = answer(&mut connection, &mut received, &mut to_send);
        // All replies to one read in one write.
        socket.write_all(&to_send).await?;
        to_send.clear();
        if let Err(error) = result {
            eprintln!("closed with {}: {error}", error.close_code());
            return hang_up(socket, true).await;
        }
        if connection.state() == State::Closed {
            return hang_up(socket, role == Role::Server).await;
        }
        received.reserve(64 << 10);
        if socket.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
    }
}

fn answer<M: MaskSource>(
    connection: &mut Connection<M, MessageDecoder>,
    received: &mut BytesMut,
    to_send: &mut Vec<u8>,
) -> Result<(), ProtocolError> {
    loop {
        let result = connection.receive(received);
        let sent = match &result {
            Ok(Some(Message::Text(text))) => connection.send_to(&Frame::text(text), to_send),
            Ok(Some(Message::Binary(data))) => connection.send_to(&Frame::binary(data), to_send),
            _ => Ok(()),
        };
        sent.and_then(|()| connection.reply_to(to_send))
            .expect("an open connection, a buffer that grows, and keys for it");
        if result?.is_none() {
            return Ok(());
        }
    }
}

/// The server shuts the transport first, and a client that was told nonsense may do so too. Reading
/// on for a while lets the other side have what was sent before.
async fn hang_up(socket: &mut TcpStream, first: bool) -> io::Result<()> {
    if first {
        socket.shutdown().await?;
    }
    let _ = timeout(PATIENCE, copy(socket, &mut sink())).await;
    Ok(())
}
