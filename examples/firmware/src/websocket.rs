//! A WebSocket over any transport that sends back all data. Only a server has a handshake here.

use crate::BUFFER;
use embedded_io::{Read, Write};
use eventwire::ws::frame::FrameEvent;
#[cfg(feature = "handshake")]
use eventwire::ws::handshake::{RequestError, ServerHandshake};
use eventwire::ws::{ConnectionState, MaskSource, ProtocolError, SendError};

pub use eventwire::ws::{Connection, Limits};

/// The bytes of the buffer for received data. The rest is for sending the same data with a header.
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

/// Answers the opening request. Returns the number of bytes that arrived after the request. They
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

/// Sends data back as it arrives, until the connection is closed. The first `held` bytes are
/// already in `buffer`.
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

/// Reads at least one byte.
fn read<T: Read>(transport: &mut T, buffer: &mut [u8]) -> Result<usize, Error<T::Error>> {
    match transport.read(buffer).map_err(Error::Transport)? {
        0 => Err(Error::EndOfStream),
        len => Ok(len),
    }
}
