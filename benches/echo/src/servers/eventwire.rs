//! eventwire, with both ways of receiving.

use super::lent::Buffers;
use super::{Failure, Kind, Server};
use bytes::Buf;
use eventwire::ws::connection::MessageDecoder;
use eventwire::ws::frame::{FrameEvent, NoMask};
use eventwire::ws::handshake::ServerHandshake;
use eventwire::ws::{Connection, ConnectionState, Frame, Limits, Message, ProtocolError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Receives runs of messages as they arrive, from a slice.
pub struct Runs;

impl Server for Runs {
    const NAME: &str = "eventwire, runs";
    const KIND: Kind = Kind::Ours;

    async fn serve(socket: TcpStream) -> Result<(), Failure> {
        echo(socket, Connection::frame_server(Limits::new()), answer_runs).await
    }
}

/// Receives whole messages, which share the memory that was read into.
pub struct Messages;

impl Server for Messages {
    const NAME: &str = "eventwire, messages";
    const KIND: Kind = Kind::Ours;

    async fn serve(socket: TcpStream) -> Result<(), Failure> {
        echo(socket, Connection::server(Limits::new()), answer_messages).await
    }
}

/// The final result of a receiving connection.
type Answered = Result<(), ProtocolError>;

/// Answers everything that was received in one write.
async fn echo<D>(
    mut socket: TcpStream,
    mut connection: Connection<NoMask, D>,
    answer: fn(&mut Connection<NoMask, D>, &mut Buffers) -> Result<Answered, Failure>,
) -> Result<(), Failure> {
    let mut buffers = accept(&mut socket).await?;
    loop {
        let answered = answer(&mut connection, &mut buffers)?;
        socket.write_all(&buffers.to_send).await?;
        buffers.to_send.clear();
        answered?;
        if connection.state() == ConnectionState::Closed {
            return Ok(());
        }
        match buffers.read(&mut socket).await? {
            Some(read) => buffers = read,
            None => return Ok(()),
        }
    }
}

fn answer_runs(connection: &mut Connection, buffers: &mut Buffers) -> Result<Answered, Failure> {
    let Buffers { received, to_send } = buffers;
    let filled = received.len();
    let mut input = &mut received[..];
    let answered = loop {
        let event = connection.receive(&mut input);
        connection.reply_to(to_send)?;
        match event {
            Ok(Some(FrameEvent::Data(run))) => connection.writer().send_run_to(&run, to_send)?,
            Ok(Some(_)) => {}
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let left = input.len();
    received.advance(filled - left);
    Ok(answered)
}

fn answer_messages(
    connection: &mut Connection<NoMask, MessageDecoder>,
    buffers: &mut Buffers,
) -> Result<Answered, Failure> {
    let Buffers { received, to_send } = buffers;
    loop {
        let message = connection.receive(received);
        connection.reply_to(to_send)?;
        match message {
            Ok(Some(Message::Text(text))) => connection.send_to(Frame::text(&text), to_send)?,
            Ok(Some(Message::Binary(data))) => connection.send_to(Frame::binary(data), to_send)?,
            Ok(Some(_)) => {}
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Does the handshake. Returns the bytes that came after it.
async fn accept(socket: &mut TcpStream) -> Result<Buffers, Failure> {
    let mut buffers = Buffers::default();
    let mut handshake = ServerHandshake::new();
    loop {
        if let Some(request) = handshake.decode(&buffers.received)? {
            let head_len = request.head_len();
            socket.write_all(&request.accept().to_bytes()).await?;
            buffers.received.advance(head_len);
            return Ok(buffers);
        }
        if socket.read_buf(&mut buffers.received).await? == 0 {
            return Err("closed during the handshake".into());
        }
    }
}
