//! A server's `WebSocket` that echoes, over any transport.

use bytes::{Buf, BytesMut};
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Frame, WebSocket, WebSocketEvent, WebSocketOptions,
};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;

/// Sends each message back, but closes on "close", drops the connection on "drop", and sends three
/// bytes on "binary". `received` holds the bytes that came after the handshake. Returns how the
/// connection was closed; `None` if it was dropped.
///
/// # Panics
///
/// Never: the close code and reason are valid.
pub async fn echo(
    stream: impl AsyncRead + AsyncWrite,
    mut received: BytesMut,
    options: WebSocketOptions,
) -> Option<CloseEvent> {
    let start = Instant::now();
    let mut socket = WebSocket::server(options.high_water_mark(usize::MAX), start.elapsed());
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (mut ended, mut failed, mut flushed, mut shut) = (false, false, true, false);
    loop {
        let now = start.elapsed();
        while let Some(event) = socket.poll(&mut received, now) {
            let sent = match event {
                WebSocketEvent::Text(text) => match &*text {
                    "close" => {
                        let code = CloseCode::new(4000).unwrap();
                        socket.close(Some(Close { code, reason: "bye" }), now).unwrap();
                        continue;
                    }
                    "drop" => return None,
                    "binary" => socket.send(Frame::binary([1, 2, 3])),
                    text => socket.send(Frame::text(text)),
                },
                WebSocketEvent::Binary(bytes) => socket.send(Frame::binary(&bytes)),
                WebSocketEvent::Close(close) => return Some(close),
                _ => continue,
            };
            // Fails if the client has closed in the meantime.
            let _ = sent;
        }
        let wait = socket.deadline().map(|deadline| deadline.saturating_sub(now));
        let shuts = socket.wants_shutdown() && !shut;
        let mut to_write = socket.to_write(now);
        let more = to_write.has_remaining();
        let write = async {
            if more {
                writer.write_buf(&mut to_write).await.map(drop)
            } else if shuts {
                writer.shutdown().await
            } else {
                writer.flush().await
            }
        };
        received.reserve(4096);
        tokio::select! {
            result = reader.read_buf(&mut received), if !ended => {
                if !matches!(result, Ok(1..)) {
                    ended = true;
                    socket.end_of_stream(start.elapsed());
                }
            }
            result = write, if !failed && (more || shuts || !flushed) => {
                flushed = !more;
                shut |= shuts;
                if let Err(error) = result {
                    failed = true;
                    socket.read_failed(error, start.elapsed());
                }
            }
            () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
}
