//! tokio-tungstenite's endpoint in either role.

use eventwire_endpoints::{
    BytesAsText, Command, Commands, Compression, Data, Fragments, NO_CODE, Open, Report,
    SUBPROTOCOLS, as_text, drive,
};
use futures_util::{SinkExt, StreamExt};
use std::error::Error;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::select;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, Uri};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{self, OpCode};
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, connect_async};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    drive(connect, serve).await
}

async fn connect(open: &Open, commands: &mut Commands) -> Result<(), Box<dyn Error>> {
    let uri: Uri = format!("ws://{}/", open.address).parse()?;
    let mut request = ClientRequestBuilder::new(uri);
    for name in &open.subprotocols {
        request = request.with_sub_protocol(name);
    }
    match connect_async(request).await {
        Ok((socket, response)) => {
            report_open(response.headers())?;
            converse(socket, commands).await
        }
        Err(error) => Ok(Report::Refused(error.to_string()).say()?),
    }
}

async fn serve(
    socket: TcpStream,
    _: Option<&Compression>, // tokio-tungstenite has no compression
    commands: &mut Commands,
) -> Result<(), Box<dyn Error>> {
    socket.set_nodelay(true)?;
    let mut headers = HeaderMap::new();
    #[expect(clippy::result_large_err, reason = "the callback's type is tungstenite's")]
    let choose = |request: &Request, mut response: Response| -> Result<_, ErrorResponse> {
        let offers = request.headers().get("Sec-WebSocket-Protocol");
        let offers = offers.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let offered = |name: &&&str| offers.split(',').any(|offer| offer.trim() == **name);
        if let Some(name) = SUBPROTOCOLS.iter().find(offered) {
            let name = HeaderValue::from_static(name);
            response.headers_mut().insert("Sec-WebSocket-Protocol", name);
        }
        headers.clone_from(response.headers());
        Ok(response)
    };
    let socket = accept_hdr_async(socket, choose).await?;
    report_open(&headers)?;
    converse(socket, commands).await
}

fn report_open(headers: &HeaderMap) -> io::Result<()> {
    let header = |name| headers.get(name).map(|value| as_text(value.as_bytes()));
    let subprotocol = header("Sec-WebSocket-Protocol");
    let extensions = header("Sec-WebSocket-Extensions").unwrap_or_default();
    Report::Open { subprotocol, extensions }.say()
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
    commands: &mut Commands,
) -> Result<(), Box<dyn Error>> {
    let mut closing = None;
    loop {
        let message = select! {
            message = socket.next() => message,
            command = commands.recv() => match command {
                Some(command) => {
                    send(&mut socket, command).await?;
                    continue;
                }
                None => return Ok(()),
            },
        };
        match message {
            Some(Ok(Message::Text(text))) => Report::Text(text.to_string()).say()?,
            Some(Ok(Message::Binary(data))) => Report::Binary(BytesAsText(data.into())).say()?,
            Some(Ok(Message::Pong(payload))) => Report::Pong(as_text(&payload)).say()?,
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(close))) => {
                closing =
                    Some(close.map_or((NO_CODE, String::new()), |CloseFrame { code, reason }| {
                        (code.into(), reason.to_string())
                    }));
            }
            Some(Err(error)) => return Ok(Report::Failed(error.to_string()).say()?),
            // Only a whole closing handshake ends the stream without an error.
            None => {
                let (code, reason) = closing.ok_or("the stream ended without a close frame")?;
                return Ok(Report::Close { code, reason, clean: true }.say()?);
            }
        }
    }
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    command: Command,
) -> Result<(), Box<dyn Error>> {
    let message = match command {
        Command::Text(text) => Message::text(text),
        Command::Binary(BytesAsText(data)) => Message::binary(data),
        Command::Ping(payload) => Message::Ping(payload.into()),
        Command::Close(closing) => Message::Close(closing.map(|closing| CloseFrame {
            code: closing.code.into(),
            reason: closing.reason.into(),
        })),
        Command::InvalidText(BytesAsText(data)) => frame(data, coding::Data::Text, true),
        Command::Fragments(Fragments { message, size, ping }) => {
            let (data, mut kind) = match message {
                Data::Text(text) => (text.into_bytes(), coding::Data::Text),
                Data::Binary(BytesAsText(data)) => (data, coding::Data::Binary),
            };
            let mut ping = Some(Message::Ping(ping.into()));
            let mut left = data.len().div_ceil(size);
            for fragment in data.chunks(size) {
                left -= 1;
                socket.send(frame(fragment.to_vec(), kind, left == 0)).await?;
                kind = coding::Data::Continue;
                if let Some(ping) = ping.take() {
                    socket.send(ping).await?;
                }
            }
            return Ok(());
        }
        Command::Open(_) | Command::Listen(_) => return Err("already open".into()),
    };
    Ok(socket.send(message).await?)
}

fn frame(payload: Vec<u8>, kind: coding::Data, fin: bool) -> Message {
    Message::Frame(Frame::message(payload, OpCode::Data(kind), fin))
}
