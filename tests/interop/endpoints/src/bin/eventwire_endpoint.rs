//! Our endpoint in either role.

use bytes::{Buf, BytesMut};
use eventwire::ws::connection::MessageDecoder;
use eventwire::ws::deflate::DeflateParams;
use eventwire::ws::frame::Role;
use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
use eventwire::ws::{
    Close, CloseCode, Connection, ConnectionState, Frame, Limits, MaskSource, Message, OsMaskKeys,
    ProtocolError,
};
use eventwire_endpoints::{
    BytesAsText, Command, Commands, Compression, Data, Fragments, NO_CODE, Open, Report,
    SUBPROTOCOLS, as_text, drive,
};
use std::error::Error;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    drive(connect, serve).await
}

async fn connect(open: &Open, commands: &mut Commands) -> Result<(), Box<dyn Error>> {
    let mut socket = TcpStream::connect(&open.address).await?;
    socket.set_nodelay(true)?;
    let subprotocols: Vec<&str> = open.subprotocols.iter().map(String::as_str).collect();
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce)?;
    let deflate = open.deflate.as_ref().map(Compression::deflate);
    let mut request = ClientRequest::new(&open.address, "/", nonce)?.subprotocols(&subprotocols)?;
    if let Some(deflate) = &deflate {
        request = request.deflate(deflate);
    }
    socket.write_all(&request.to_bytes()).await?;
    let mut handshake = request.handshake();
    let mut received = BytesMut::new();
    let (head_len, agreed) = loop {
        match handshake.decode(&received) {
            Ok(Some(response)) => {
                report_open(response.subprotocol(), response.deflate_params())?;
                break (response.head_len(), response.deflate_params());
            }
            Ok(None) => {}
            Err(error) => return Ok(Report::Refused(error.to_string()).say()?),
        }
        if socket.read_buf(&mut received).await? == 0 {
            return Err("the server hung up during the handshake".into());
        }
    };
    received.advance(head_len);
    let mut options = Limits::new();
    if let Some(bytes) = open.max_message {
        options = options.max_message(bytes);
    }
    if let Some(frames) = open.max_fragments {
        options = options.max_fragments(frames);
    }
    let deflate = deflate.unwrap_or_default();
    let connection = Connection::client(options, OsMaskKeys::new()).deflate(&deflate, agreed);
    converse(socket, Role::Client, connection, received, commands).await
}

async fn serve(
    mut socket: TcpStream,
    compression: Option<&Compression>,
    commands: &mut Commands,
) -> Result<(), Box<dyn Error>> {
    let deflate = compression.map(Compression::deflate);
    socket.set_nodelay(true)?;
    let mut received = BytesMut::new();
    let mut handshake = ServerHandshake::new();
    let (head_len, agreed) = loop {
        if let Some(request) = handshake.decode(&received)? {
            let mut acceptance = request.accept();
            let subprotocol = request.select_subprotocol(&SUBPROTOCOLS);
            if let Some(name) = subprotocol {
                acceptance = acceptance.subprotocol(name)?;
            }
            if let Some(deflate) = &deflate {
                acceptance = acceptance.deflate(deflate);
            }
            socket.write_all(&acceptance.to_bytes()).await?;
            report_open(subprotocol, acceptance.deflate_params())?;
            break (request.head_len(), acceptance.deflate_params());
        }
        if socket.read_buf(&mut received).await? == 0 {
            return Err("the client hung up during the handshake".into());
        }
    };
    received.advance(head_len);
    let deflate = deflate.unwrap_or_default();
    let connection = Connection::server(Limits::new()).deflate(&deflate, agreed);
    converse(socket, Role::Server, connection, received, commands).await
}

fn report_open(subprotocol: Option<&str>, agreed: Option<DeflateParams>) -> io::Result<()> {
    let subprotocol = subprotocol.map(str::to_owned);
    let extensions = agreed.map(|params| params.to_string()).unwrap_or_default();
    Report::Open { subprotocol, extensions }.say()
}

async fn converse<M: MaskSource>(
    mut socket: TcpStream,
    role: Role,
    mut connection: Connection<M, MessageDecoder>,
    mut received: BytesMut,
    commands: &mut Commands,
) -> Result<(), Box<dyn Error>> {
    let mut to_send = Vec::new();
    let mut closing = None;
    loop {
        let result = take(&mut connection, &mut received, &mut to_send, &mut closing);
        socket.write_all(&to_send).await?;
        to_send.clear();
        if let Err(error) = result {
            socket.shutdown().await?;
            drain(&mut socket).await?;
            let code = error.close_code();
            return Ok(Report::Failed(format!("{code}: {}", error.fault)).say()?);
        }
        if connection.state() == ConnectionState::Closed {
            if role == Role::Server {
                socket.shutdown().await?;
            }
            drain(&mut socket).await?;
            let (code, reason) = closing.ok_or("the connection closed without a close frame")?;
            return Ok(Report::Close { code, reason, clean: true }.say()?);
        }
        received.reserve(64 << 10);
        select! {
            read = socket.read_buf(&mut received) => if read.unwrap_or(0) == 0 {
                return Ok(Report::Failed("no close frame".to_owned()).say()?);
            },
            command = commands.recv() => match command {
                Some(command) => send(&mut connection, &command, &mut to_send)?,
                None => return Ok(()),
            },
        }
    }
}

/// Reads until the other side shuts the transport down.
async fn drain(socket: &mut TcpStream) -> io::Result<()> {
    tokio::io::copy(socket, &mut tokio::io::sink()).await.map(drop)
}

/// Reports and answers everything received so far.
fn take<M: MaskSource>(
    connection: &mut Connection<M, MessageDecoder>,
    received: &mut BytesMut,
    to_send: &mut Vec<u8>,
    closing: &mut Option<(u16, String)>,
) -> Result<(), ProtocolError> {
    loop {
        let result = connection.receive(received);
        connection.reply_to(to_send).expect("the buffer grows and keys are available");
        let report = match result? {
            None => return Ok(()),
            Some(Message::Text(text)) => Report::Text(text.to_string()),
            Some(Message::Binary(data)) => Report::Binary(BytesAsText(data.into())),
            Some(Message::Pong(payload)) => Report::Pong(as_text(&payload)),
            Some(Message::Ping(_) | Message::Skipped(_)) => continue,
            Some(Message::Close(close)) => {
                *closing =
                    Some(close.map_or((NO_CODE, String::new()), |Close { code, reason }| {
                        (code.get(), reason.to_string())
                    }));
                continue;
            }
        };
        report.say().expect("standard output is open");
    }
}

fn send<M: MaskSource>(
    connection: &mut Connection<M, MessageDecoder>,
    command: &Command,
    to_send: &mut Vec<u8>,
) -> Result<(), Box<dyn Error>> {
    let frame = match command {
        Command::Text(text) => Frame::text(text),
        Command::Binary(BytesAsText(data)) => Frame::binary(&data[..]),
        Command::Ping(payload) => Frame::ping(payload.as_bytes())?,
        Command::Close(None) => Frame::close(None)?,
        Command::Close(Some(closing)) => {
            let code = CloseCode::new(closing.code).ok_or("no code to send")?;
            Frame::close(Some(Close { code, reason: &closing.reason }))?
        }
        Command::Fragments(Fragments { message, size, ping }) => {
            let whole = match message {
                Data::Text(text) => Frame::text(text),
                Data::Binary(BytesAsText(data)) => Frame::binary(&data[..]),
            };
            let mut ping = Some(Frame::ping(ping.as_bytes())?);
            for fragment in whole.fragments(*size) {
                connection.send_to(fragment, to_send)?;
                if let Some(ping) = ping.take() {
                    connection.send_to(ping, to_send)?;
                }
            }
            return Ok(());
        }
        Command::Open(_) | Command::Listen(_) | Command::InvalidText(_) => {
            return Err("not while open".into());
        }
    };
    Ok(connection.send_to(frame, to_send)?)
}
