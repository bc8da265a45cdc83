//! A WebSocket client with two buffers, over any transport. It needs no allocator and no `std`.
//!
//! The futures of `receive` and `send` may be dropped, for example in a `select`, if the futures of
//! the transport may. No received bytes are lost, and the next call finishes a write that has
//! begun. A frame is not sent if its write has not begun.

use core::ops::Range;
use embedded_io_async::{Read, Write};
use eventwire::BufferTooSmall;
use eventwire::ws::frame::{FrameDecoder, FrameEvent};
use eventwire::ws::handshake::{ClientRequest, ResponseError};
use eventwire::ws::{Connection, Frame, MaskSource, ProtocolError, SendError};

/// A WebSocket client over a transport, in two buffers of the caller.
#[derive(Debug)]
pub struct WebSocket<'b, T, M> {
    transport: T,
    connection: Connection<M>,
    received: &'b mut [u8],
    /// The received bytes that are not decoded yet.
    undecoded: Range<usize>,
    /// Set if the bytes that are not decoded yet contain nothing complete.
    wants_more: bool,
    /// The fault of the server. A close frame tells the server before the caller learns of it.
    failed: Option<ProtocolError>,
    to_send: &'b mut [u8],
    /// The bytes to send, until they are written and flushed.
    unwritten: Option<Range<usize>>,
}

/// Why a connection cannot go on. After `Send` the connection can go on.
#[derive(Debug, thiserror::Error)]
pub enum Error<E> {
    /// The transport failed.
    #[error("{0}")]
    Transport(E),
    /// The transport ended.
    #[error("the transport ended")]
    Ended,
    /// A buffer has no room for the request or for a control frame.
    #[error(transparent)]
    BufferTooSmall(BufferTooSmall),
    /// The server did not open a WebSocket.
    #[error(transparent)]
    Handshake(ResponseError),
    /// The server broke the protocol. A close frame told it so.
    #[error(transparent)]
    Protocol(ProtocolError),
    /// The frame cannot be sent.
    #[error(transparent)]
    Send(SendError),
}

impl<'b, T: Read + Write, M: MaskSource> WebSocket<'b, T, M> {
    /// Opens a connection. `received` needs room for the head of the response, and `to_send` for
    /// the request and the longest frame. Both need room for a control frame.
    ///
    /// # Errors
    ///
    /// Returns an [`Error`] if the connection does not open.
    pub async fn open(
        transport: T,
        request: &ClientRequest<'_>,
        connection: Connection<M>,
        received: &'b mut [u8],
        to_send: &'b mut [u8],
    ) -> Result<Self, Error<T::Error>> {
        let needed = FrameDecoder::MIN_BUFFER;
        if received.len().min(to_send.len()) < needed {
            return Err(Error::BufferTooSmall(BufferTooSmall { needed }));
        }
        let len = request.encode(to_send).map_err(Error::BufferTooSmall)?;
        let mut socket = Self {
            transport,
            connection,
            received,
            undecoded: 0..0,
            wants_more: false,
            failed: None,
            to_send,
            unwritten: Some(0..len),
        };
        socket.flush().await?;
        let mut handshake = request.handshake().max_head(socket.received.len());
        loop {
            let head = &socket.received[..socket.undecoded.end];
            if let Some(response) = handshake.decode(head).map_err(Error::Handshake)? {
                socket.undecoded.start = response.head_len();
                return Ok(socket);
            }
            socket.read().await?;
        }
    }

    /// Returns the next run of a message, or the next control frame. Call again after `None`. The
    /// next call writes the answer to a control frame. After the server's close frame, call
    /// `finish`.
    ///
    /// # Errors
    ///
    /// Returns an [`Error`] if the transport or the server fails.
    pub async fn receive(
        &mut self,
    ) -> Result<Option<FrameEvent<&mut [u8], &str>>, Error<T::Error>> {
        self.flush().await?;
        if let Some(error) = self.failed {
            return Err(Error::Protocol(error));
        }
        if self.wants_more {
            self.received.copy_within(self.undecoded.clone(), 0);
            self.undecoded = 0..self.undecoded.len();
            self.read().await?;
        }
        let mut input = &mut self.received[self.undecoded.clone()];
        let event = self.connection.receive(&mut input);
        self.undecoded.start = self.undecoded.end - input.len();
        self.wants_more = matches!(event, Ok(None));
        self.failed = event.as_ref().err().copied();
        Ok(event.unwrap_or_default())
    }

    /// Sends a message, a ping or a close frame. After a close frame, call `receive` until the
    /// close frame of the server arrives.
    ///
    /// # Errors
    ///
    /// Returns an [`Error`] if the transport fails or the frame cannot be sent.
    pub async fn send(&mut self, frame: &Frame<&[u8]>) -> Result<(), Error<T::Error>> {
        self.flush().await?;
        let len = self.connection.send(frame, self.to_send).map_err(Error::Send)?;
        self.unwritten = Some(0..len);
        self.flush().await
    }

    /// Writes our close frame if it is due, and waits until the server closes the transport
    /// ([RFC 6455, section 7.1.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.1)). Call it
    /// with a timeout.
    ///
    /// # Errors
    ///
    /// Returns an [`Error`] if the transport fails.
    pub async fn finish(mut self) -> Result<(), Error<T::Error>> {
        self.flush().await?;
        while self.transport.read(self.received).await.map_err(Error::Transport)? > 0 {}
        Ok(())
    }

    /// Appends bytes from the transport to the received ones.
    async fn read(&mut self) -> Result<(), Error<T::Error>> {
        let room = &mut self.received[self.undecoded.end..];
        match self.transport.read(room).await.map_err(Error::Transport)? {
            0 => Err(Error::Ended),
            len => {
                self.undecoded.end += len;
                Ok(())
            }
        }
    }

    /// Finishes the write that has begun, and then writes the reply that is due.
    async fn flush(&mut self) -> Result<(), Error<T::Error>> {
        self.write().await?;
        let len = self.connection.reply(self.to_send).map_err(Error::Send)?;
        self.unwritten = (len > 0).then_some(0..len);
        self.write().await
    }

    /// Finishes the write that has begun.
    async fn write(&mut self) -> Result<(), Error<T::Error>> {
        while let Some(unwritten) = &mut self.unwritten {
            match &self.to_send[unwritten.clone()] {
                [] => {
                    self.transport.flush().await.map_err(Error::Transport)?;
                    self.unwritten = None;
                }
                bytes => {
                    unwritten.start +=
                        self.transport.write(bytes).await.map_err(Error::Transport)?;
                }
            }
        }
        Ok(())
    }
}
