//! A loop around a `WebSocket` on tokio, in either role, that sends each message back.

use crate::old::transport::Writer;
use bytes::BytesMut;
use eventwire::ws::{CloseEvent, Flow, Frame, MaskSource, WebSocket, WebSocketEvent};
use std::io;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Sends each message back until the connection is closed. Returns how the connection was closed.
///
/// `received` holds the bytes that arrived after the handshake. The times given to the WebSocket
/// are measured from `start`.
///
/// # Errors
///
/// Returns an error if a message cannot be sent although the transport works.
pub async fn echo<M: MaskSource>(
    transport: &mut TcpStream,
    mut socket: WebSocket<M>,
    mut received: BytesMut,
    start: Instant,
) -> io::Result<CloseEvent> {
    let (mut reading, writing) = transport.split();
    let mut writer = Writer::new(writing);
    // `ended` means that there is nothing more to read, `failed` that nothing more can be written.
    let (mut ended, mut failed) = (false, false);
    loop {
        let now = start.elapsed();
        let mut flow = socket.flow();
        while failed || flow == Flow::Ready {
            let sent = match socket.poll(&mut received, now) {
                Some(WebSocketEvent::Text(text)) => socket.send(Frame::text(&text)),
                Some(WebSocketEvent::Binary(bytes)) => socket.send(Frame::binary(bytes)),
                Some(WebSocketEvent::Close(close)) => return Ok(close),
                Some(_) => continue,
                None => break,
            };
            flow = match sent {
                Err(error) if !failed => return Err(io::Error::other(error)),
                sent => sent.unwrap_or(flow),
            };
        }
        // Reading stops while the peer does not read the echoes.
        if !failed
            && flow == Flow::Full
            && let Some(WebSocketEvent::Close(close)) = socket.poll_time(now)
        {
            return Ok(close);
        }
        let reads = !ended && (failed || flow == Flow::Ready);
        let deadline = socket.deadline();
        let wants_shutdown = socket.wants_shutdown();
        // The echoes of all messages from one read are written together.
        let mut to_write = socket.to_write(now);
        received.reserve(64 << 10);
        let (read, written) = tokio::select! {
            written = writer.write(&mut to_write, wants_shutdown) => (Ok(1), written),
            read = reading.read_buf(&mut received), if reads => (read, Ok(())),
            () = sleep_until(start + deadline.unwrap_or_default()), if deadline.is_some() => {
                continue;
            }
        };
        let now = start.elapsed();
        if let Err(error) = written {
            failed = true;
            socket.write_failed(error, now);
        }
        ended |= !matches!(read, Ok(1..));
        failed |= ended;
        match read {
            Ok(0) => socket.end_of_stream(now),
            Ok(_) => {}
            Err(error) => socket.read_failed(error, now),
        }
    }
}
