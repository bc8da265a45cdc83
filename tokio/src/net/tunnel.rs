//! The tunnel through an HTTP proxy, by `CONNECT`.

use super::dial_error::{BoxError, DialError};
use super::endpoint::Endpoint;
use super::progress::Progress;
use crate::transport::BoxTransport;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// The maximum size of the head of a proxy's response.
const MAX_HEAD: usize = 16 << 10;
/// The maximum size of the part of a refusal's body that is kept.
const MAX_BODY: usize = 16 << 10;
/// The maximum number of headers of a proxy's response.
const MAX_HEADERS: usize = 64;
/// How long the body of a refusal may take. The status has said everything that matters.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// Asks an HTTP proxy for a tunnel to a server ([RFC 9110, section
/// 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)).
pub(super) async fn connect(
    mut transport: BoxTransport,
    target: Endpoint<'_>,
    credentials: Option<&HeaderValue>,
    progress: &Progress,
) -> Result<BoxTransport, DialError> {
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(credentials) = credentials {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(credentials.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    send(&mut transport, &request).await.map_err(|error| progress.failed(error))?;

    let mut received = BytesMut::new();
    let response = loop {
        let head = read_head(&mut transport, &mut received).await;
        let head = head.map_err(|error| progress.failed(error))?;
        let response = parse(&head).map_err(|error| progress.failed(error))?;
        if !response.status().is_informational() {
            break response;
        }
    };
    if response.status().is_success() {
        // Neither TLS nor HTTP lets a server speak first, and so these bytes are no server's.
        return if received.is_empty() {
            Ok(transport)
        } else {
            Err(progress.failed("it sent a body with its success, which HTTP does not allow"))
        };
    }

    let (head, ()) = response.into_parts();
    // A body that is cut or late is kept as far as it has arrived.
    let _ = timeout(BODY_TIMEOUT, read_body(&mut transport, &head.headers, &mut received)).await;
    received.truncate(MAX_BODY);
    let error = progress.failed(format!("it answered with status {}", head.status));
    let error = match head.status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED if credentials.is_some() => {
            error.permanent().hint("correct the user and password in the proxy's URL")
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            error.permanent().hint("write a user and a password in the proxy's URL")
        }
        _ => error,
    };
    Err(error.response(Response::from_parts(head, received.freeze())))
}

async fn send(transport: &mut BoxTransport, request: &[u8]) -> io::Result<()> {
    transport.write_all(request).await?;
    transport.flush().await
}

/// Reads the head of a response, to its empty line, out of what is received.
async fn read_head(
    transport: &mut BoxTransport,
    received: &mut BytesMut,
) -> Result<Bytes, BoxError> {
    let mut searched: usize = 0;
    loop {
        // The empty line may straddle two reads.
        let from = searched.saturating_sub(3);
        if let Some(at) = received[from..].windows(4).position(|it| it == b"\r\n\r\n") {
            return Ok(received.split_to(from + at + 4).freeze());
        }
        searched = received.len();
        if searched >= MAX_HEAD {
            return Err(format!("the head of its response is longer than {MAX_HEAD} bytes").into());
        }
        received.reserve(1024);
        if transport.read_buf(received).await? == 0 {
            return Err(if received.is_empty() {
                "it closed the connection without a response".into()
            } else {
                "it closed the connection within the head of its response".into()
            });
        }
    }
}

/// Parses the head of a response.
fn parse(head: &[u8]) -> Result<Response<()>, BoxError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    if !parsed
        .parse(head)
        .map_err(|error| format!("it sent no HTTP response: {error}"))?
        .is_complete()
    {
        return Err("it sent no HTTP response".into());
    }
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(parsed.code.unwrap_or_default())?;
    for header in parsed.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes())?;
        response.headers_mut().append(name, HeaderValue::from_bytes(header.value)?);
    }
    Ok(response)
}

/// Reads the body of a refusal: as much as its length says, or to the end of the connection, and
/// at most [`MAX_BODY`].
async fn read_body(
    transport: &mut BoxTransport,
    headers: &HeaderMap,
    received: &mut BytesMut,
) -> io::Result<()> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    let length = length.unwrap_or(MAX_BODY).min(MAX_BODY);
    while received.len() < length {
        received.reserve(1024);
        if transport.read_buf(received).await? == 0 {
            break;
        }
    }
    received.truncate(length);
    Ok(())
}
