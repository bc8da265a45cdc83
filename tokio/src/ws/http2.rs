//! The client's opening handshake over HTTP/2.

use super::clock;
use super::connect::Connect;
use super::connect_error::ConnectErrorKind;
use super::masks::Masks;
use super::websocket::WebSocket;
use super::wire::Wire;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use eventwire::Url;
use eventwire::ws::WebSocket as Machine;
use eventwire::ws::handshake::{ClientRequest, ResponseError};
use eventwire::ws::socket::Refusal;
use http::Response;
use http::uri::Scheme;
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::ext::Protocol;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::Pin;
use tokio::time::{Instant, timeout_at};

/// Opens a WebSocket by an extended CONNECT.
pub(super) async fn open<B>(
    connect: &Connect,
    connection: &mut SendRequest<B>,
    deadline: Instant,
) -> Result<WebSocket, ConnectErrorKind>
where
    B: Body + Default + Send + 'static,
{
    let url = Url::parse(&connect.url)?;
    let names: Vec<&str> = connect.subprotocols.iter().map(String::as_str).collect();
    let request = connect.complete(ClientRequest::connect_url(&url)?, &names)?;
    let scheme = if url.is_encrypted() { Scheme::HTTPS } else { Scheme::HTTP };
    let mut message =
        request.to_http(scheme).map_err(ConnectErrorKind::Header)?.map(|()| B::default());
    message.extensions_mut().insert(Protocol::from_static("websocket"));

    let late = |_| ConnectErrorKind::Timeout(connect.timeout);
    let response = async {
        connection.ready().await?;
        connection.send_request(message).await
    };
    let response = timeout_at(deadline, response).await.map_err(late)?;
    let mut response = response.map_err(ConnectErrorKind::Http2)?;
    let agreed = match request.verify(&response) {
        Ok(agreed) => agreed,
        Err(ResponseError::Status { .. }) => return Err(refusal(response, deadline).await),
        Err(error) => return Err(ConnectErrorKind::Response(error)),
    };
    let machine = Machine::client(connect.options, Masks, clock::now())
        .with_protocol(agreed.subprotocol().unwrap_or_default());
    #[cfg(feature = "deflate")]
    let machine = match &connect.deflate {
        Some(deflate) => machine.deflate(deflate, agreed.deflate_params()),
        None => machine,
    };
    let upgrade = hyper::upgrade::on(&mut response);
    let io = timeout_at(deadline, upgrade).await.map_err(late)?;
    let io = io.map_err(ConnectErrorKind::Http2)?;
    let wire = Wire::new(machine, Some(Box::new(TokioIo::new(io))), BytesMut::new());
    Ok(WebSocket::drive(wire))
}

/// Returns the error of a response that refuses, with as much of its body as arrives in time.
async fn refusal(response: Response<Incoming>, deadline: Instant) -> ConnectErrorKind {
    let (parts, mut rest) = response.into_parts();
    let mut body = BytesMut::new();
    while body.len() < Refusal::MAX_BODY {
        let frame = poll_fn(|cx| Pin::new(&mut rest).poll_frame(cx));
        match timeout_at(deadline, frame).await {
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    body.put(data.take(Refusal::MAX_BODY - body.len()));
                }
            }
            // What was read is better than nothing.
            Ok(Some(Err(_)) | None) | Err(_) => break,
        }
    }
    ConnectErrorKind::Refused(Box::new(Refusal::from_parts(&parts, Bytes::from(body))))
}
