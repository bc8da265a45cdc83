//! Serves a WebSocket over any transport, and sends back what comes; a client does the latter.

use crate::BUFFER;
use embedded_io::{Read, Write};
use eventwire::ws::frame::FrameEvent;
#[cfg(feature = "handshake")]
use eventwire::ws::handshake::{RequestError, ServerHandshake};
use eventwire::ws::{ConnectionState, MaskSource, ProtocolError, SendError};

pub use eventwire::ws::{Connection, Limits};

/// How much of the buffer is received into. The rest is for what is sent: as much, and a header.
const RECEIVED: usize = BUFFER / 2 - 4;

/// Why there was no closing handshake.
#[derive(Debug, PartialEq)]
pub enum Error<E> {
    #[cfg(feature = "handshake")]
    Handshake(RequestError),
    Protocol(ProtocolError),
    Send(SendError),
    Transport(E),
    EndOfStream,
}

/// Answers the request that opens a connection. Returns how many bytes of frames came behind it; they
/// are at the front of `buffer`.
#[cfg(feature = "handshake")]
pub fn accept<T: Read + Write>(
    transport: &mut T,
    buffer: &mut [u8; BUFFER],
) -> Result<usize, Error<T::Error>> {
    let (received, to_send) = buffer.split_at_mut(RECEIVED);
    let mut handshake = ServerHandshake::new().max_head(RECEIVED);
    let mut held = 0;
    loop {
        held += read(transport, &mut received[held..])?;
        let (answer, outcome) = match handshake.decode(&received[..held]) {
            Ok(None) => continue,
            Ok(Some(request)) => (request.accept().encode(to_send), Ok(request.head_len())),
            Err(error) => (error.rejection().encode(to_send), Err(error)),
        };
        let answer = answer.map_err(|error| Error::Send(error.into()))?;
        transport.write_all(&to_send[..answer]).map_err(Error::Transport)?;
        let head = outcome.map_err(Error::Handshake)?;
        received.copy_within(head..held, 0);
        return Ok(held - head);
    }
}

/// Sends back all that comes, as it comes, until the connection is closed. The first `held` bytes are
/// in `buffer` already.
pub fn echo<T: Read + Write, M: MaskSource>(
    transport: &mut T,
    mut connection: Connection<M>,
    buffer: &mut [u8; BUFFER],
    mut held: usize,
) -> Result<(), Error<T::Error>> {
    let (received, to_send) = buffer.split_at_mut(RECEIVED);
    loop {
        let mut input = &mut received[..held];
        loop {
            let event = connection.receive(&mut input);
            let sent = match &event {
                Ok(Some(FrameEvent::Data(run))) if connection.state() == ConnectionState::Open => {
                    connection.writer().send_run(run, to_send)
                }
                _ => connection.reply(to_send),
            };
            let sent = sent.map_err(Error::Send)?;
            transport.write_all(&to_send[..sent]).map_err(Error::Transport)?;
            if event.map_err(Error::Protocol)?.is_none() {
                break;
            }
        }
        if connection.state() == ConnectionState::Closed {
            return Ok(());
        }
        let left = input.len();
        received.copy_within(held - left..held, 0);
        held = left + read(transport, &mut received[left..])?;
    }
}

/// Reads some bytes, at least one.
fn read<T: Read>(transport: &mut T, buffer: &mut [u8]) -> Result<usize, Error<T::Error>> {
    match transport.read(buffer).map_err(Error::Transport)? {
        0 => Err(Error::EndOfStream),
        len => Ok(len),
    }
}
