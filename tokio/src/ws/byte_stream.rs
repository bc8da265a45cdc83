//! [`ByteStream`], a stream of bytes in binary messages.

use super::driven::Driven;
use super::tasks::Side;
use super::websocket::WebSocket;
use bytes::{Buf, Bytes};
use eventwire::ws::{Message, SendError};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes of a message. A long write takes several, so that the peer's limits are kept.
const LONGEST_MESSAGE: usize = 64 << 10;

/// A stream of bytes in the binary messages of a WebSocket, from
/// [`WebSocket::into_byte_stream`]: for MQTT, VNC, tunnels and other protocols of their own.
///
/// It reads end of file after the peer's closing handshake. If the connection ended otherwise,
/// reading fails with an error whose source is the
/// [`CloseEvent`](eventwire::ws::CloseEvent). A text message is an error of kind
/// [`InvalidData`](io::ErrorKind::InvalidData). A write is queued; [flush] it, or read.
/// [Shutting it down] closes the WebSocket with code 1000, and waits for the peer's answer.
/// [`tokio::io::split`] makes halves for two tasks of it.
///
/// [flush]: tokio::io::AsyncWriteExt::flush
/// [Shutting it down]: tokio::io::AsyncWriteExt::shutdown
///
/// ```
/// use eventwire_tokio::ws::WebSocket;
/// use tokio::net::TcpStream;
///
/// /// Passes a WebSocket on to a plain TCP server.
/// async fn tunnel(socket: WebSocket, server: &str) -> std::io::Result<()> {
///     let mut server = TcpStream::connect(server).await?;
///     tokio::io::copy_bidirectional(&mut socket.into_byte_stream(), &mut server).await?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "dropping it closes the WebSocket"]
pub struct ByteStream {
    socket: WebSocket,
    /// The part of the last message that was not read yet.
    unread: Bytes,
}

impl ByteStream {
    pub(super) const fn new(socket: WebSocket) -> Self {
        Self { socket, unread: Bytes::new() }
    }

    /// Returns the WebSocket.
    pub const fn socket(&self) -> &WebSocket {
        &self.socket
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(self.socket.poll_side(Side::Reader, cx, Driven::poll_next)) {
                Some(Ok(Message::Binary(payload))) => self.unread = payload,
                Some(Ok(message @ (Message::Text(_) | Message::Skipped(_)))) => {
                    let error = match message {
                        Message::Text(_) => "a text message in a stream of binary messages",
                        _ => "a message was too long, and so bytes are missing",
                    };
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
                }
                Some(Ok(_)) => {}
                Some(Err(close)) => return Poll::Ready(Err(io::Error::other(close))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let len = self.unread.len().min(buffer.remaining());
        buffer.put_slice(&self.unread[..len]);
        self.unread.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let bytes = &bytes[..bytes.len().min(LONGEST_MESSAGE)];
        ready!(self.socket.poll_side(Side::Writer, cx, Driven::poll_room)).map_err(broken_pipe)?;
        self.socket.push(bytes).map_err(broken_pipe)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_side(Side::Writer, cx, Driven::poll_flush).map_err(broken_pipe)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_close_sink(cx).map_err(broken_pipe)
    }
}

fn broken_pipe(error: SendError) -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, error)
}
