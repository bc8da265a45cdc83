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
    let framing = Framing::of(&head.headers);
    let _ = timeout(BODY_TIMEOUT, read_body(&mut transport, framing, &mut received)).await;
    let error = progress.failed(format!("it answered with status {}", head.status));
    let error = match (head.status, credentials) {
        // Some proxies, such as tinyproxy, answer 401 to wrong credentials.
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED, Some(_)) => {
            error.permanent().hint("correct the user and password in the proxy's URL")
        }
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED, None) => {
            error.permanent().hint("write a user and a password in the proxy's URL")
        }
        _ => error,
    };
    Err(error.response(Response::from_parts(head, body(framing, received))))
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
    // The head is complete, and so it is either parsed or invalid.
    parsed.parse(head).map_err(|error| format!("its answer is not HTTP: {error}"))?;
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(parsed.code.unwrap_or_default())?;
    for header in parsed.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes())?;
        response.headers_mut().append(name, HeaderValue::from_bytes(header.value)?);
    }
    Ok(response)
}

/// How the body of a response ends ([RFC 9112, section
/// 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)).
#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunks,
    UntilEnd,
}

impl Framing {
    fn of(headers: &HeaderMap) -> Self {
        let value = |name| headers.get(name).and_then(|it| it.to_str().ok());
        if let Some(coding) = value(header::TRANSFER_ENCODING) {
            let is_chunked = coding.to_ascii_lowercase().ends_with("chunked");
            return if is_chunked { Self::Chunks } else { Self::UntilEnd };
        }
        let length = value(header::CONTENT_LENGTH).and_then(|it| it.trim().parse().ok());
        length.map_or(Self::UntilEnd, Self::Length)
    }
}

/// Reads the body of a refusal, to its end or to [`MAX_BODY`]. It is left in `received`.
async fn read_body(
    transport: &mut BoxTransport,
    framing: Framing,
    received: &mut BytesMut,
) -> io::Result<()> {
    loop {
        let is_complete = match framing {
            Framing::Length(length) => received.len() >= length,
            Framing::Chunks => unchunk(received).1,
            Framing::UntilEnd => false,
        };
        if is_complete || received.len() >= MAX_BODY {
            return Ok(());
        }
        received.reserve(1024);
        if transport.read_buf(received).await? == 0 {
            return Ok(());
        }
    }
}

/// Returns what has arrived of a body.
fn body(framing: Framing, received: BytesMut) -> Bytes {
    let mut body = match framing {
        Framing::Chunks => unchunk(&received).0.into(),
        Framing::Length(_) | Framing::UntilEnd => received.freeze(),
    };
    body.truncate(match framing {
        Framing::Length(length) => length.min(MAX_BODY),
        Framing::Chunks | Framing::UntilEnd => MAX_BODY,
    });
    body
}

/// Returns the content of the chunks that have arrived, and whether they have ended.
fn unchunk(mut received: &[u8]) -> (Vec<u8>, bool) {
    let mut content = Vec::new();
    loop {
        match httparse::parse_chunk_size(received) {
            Ok(httparse::Status::Partial) => return (content, false),
            Ok(httparse::Status::Complete((_, 0))) | Err(_) => return (content, true),
            Ok(httparse::Status::Complete((line, size))) => {
                let chunk = &received[line..];
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                content.extend_from_slice(&chunk[..size.min(chunk.len())]);
                // A chunk ends with a line end.
                match chunk.get(size.saturating_add(2)..) {
                    Some(rest) => received = rest,
                    None => return (content, false),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventwire::Url;

    #[tokio::test]
    async fn the_answer_may_come_byte_by_byte() {
        for (answer, refused) in [
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n", None),
            ("HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\nno way", Some("no way")),
            (
                "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n\
                 2\r\nno\r\n4\r\n way\r\n0\r\n\r\n",
                Some("no way"),
            ),
        ] {
            let (transport, mut proxy) = tokio::io::duplex(1);
            let answering = tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(proxy.read_u8().await.unwrap());
                }
                // The end of the last chunk is not awaited.
                let _ = proxy.write_all(answer.as_bytes()).await;
                proxy
            });
            let progress = Progress::new(&Url::parse("ws://server.test").unwrap());
            let target = Endpoint { host: "server.test", port: 80 };
            let connected = connect(Box::new(transport), target, None, &progress).await;
            let error = connected.err();
            let response = error.as_ref().and_then(|error| error.proxy_response());
            assert_eq!(response.map(|it| &it.body()[..]), refused.map(str::as_bytes));
            drop(answering.await);
        }
    }
}
