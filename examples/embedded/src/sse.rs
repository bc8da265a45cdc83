//! An SSE client with one buffer, over any transport. It needs no allocator, no `std` and no task.
//!
//! One `EventSource` serves all connections: it knows when to connect, and where to resume.

use super::body::Body;
use core::time::Duration;
use embedded_io_async::{Read, Write};
use eventwire::sse::decode::{IdStorage, Text};
use eventwire::sse::{Decoder, Event, EventSource, EventSourceError, Item, Received};
use httparse::{EMPTY_HEADER, Response, Status};

/// The maximum number of headers of a response. Each takes 16 bytes of stack on 32-bit machines.
const MAX_HEADERS: usize = 32;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Error<E> {
    /// The transport failed, or timed out because the server was silent.
    #[error("{0}")]
    Transport(E),
    /// The transport ended before the response did.
    #[error("the transport ended inside the response")]
    Ended,
    /// The response is not HTTP/1.1.
    #[error("malformed response")]
    Malformed,
    /// The host or target cannot be sent in a request.
    #[error("host or target with other than visible ASCII")]
    Unsendable,
    /// The request does not fit into the buffer.
    #[error("the buffer is too small for the request")]
    RequestTooLong,
    /// The head of the response, or an event with the size of a chunk, does not fit into the
    /// buffer.
    #[error("the buffer is too small")]
    BufferTooSmall,
    /// The stream ended, or the source refused the response.
    #[error(transparent)]
    Source(EventSourceError),
}

/// Requests the events of `target`, and passes each to `on_event`. Returns `Ok` if the stream ended
/// as the source expects.
///
/// Call this function at `EventSourceStep::Connect`. When it returns, or when its future is
/// dropped, call the source's `network_error`, which does nothing if the source already knows of
/// the end. `poll` then returns the next step.
///
/// `clock` returns the time since any fixed start. `buffer` needs room for an event of the
/// decoder's `max_event`, and after that for the line with the size of a chunk. The transport must
/// have a timeout for a silent server: the source's `idle_timeout` and `response_timeout` are not
/// used.
///
/// # Errors
///
/// Returns an [`Error`] if the connection ended in any other way.
pub async fn follow<T: Read + Write, S: IdStorage>(
    mut transport: T,
    host: &str,
    target: &str,
    source: &mut EventSource<Decoder<S>>,
    buffer: &mut [u8],
    clock: impl Fn() -> Duration,
    mut on_event: impl FnMut(Event<Text<'_>>),
) -> Result<(), Error<T::Error>> {
    let len = request(host, target, source, buffer)?;
    transport.write_all(&buffer[..len]).await.map_err(Error::Transport)?;
    transport.flush().await.map_err(Error::Transport)?;

    let mut body: Option<Body> = None;
    // The bytes of unfinished events, and after them the received bytes that are not parsed yet.
    let (mut events, mut received) = (0..0, 0..0);
    loop {
        let input = &buffer[received.clone()];
        let (framing, payload) = if let Some(body) = &mut body {
            body.take(input).ok_or(Error::Malformed)?
        } else {
            let len;
            (len, body) = head(input, source, clock())?;
            (len, 0)
        };
        received.start += framing;
        if payload > 0 {
            buffer.copy_within(received.start..received.start + payload, events.end);
            received.start += payload;
            events.end += payload;
            let mut input = &mut buffer[events.clone()];
            loop {
                match source.receive(&mut input, clock()).map_err(Error::Source)? {
                    Received::Item(Item::Event(event)) => on_event(event),
                    Received::Item(_) => {}
                    Received::More => break,
                    Received::Closed => return Ok(()),
                }
            }
            events.start = events.end - input.len();
        }
        if framing + payload > 0 {
            continue;
        }

        if let Some(Body::End) = body {
            return end(source, &mut buffer[events], clock(), on_event).map_err(Error::Source);
        }
        buffer.copy_within(events.clone(), 0);
        events = 0..events.len();
        buffer.copy_within(received.clone(), events.end);
        received = events.end..events.end + received.len();
        let room = &mut buffer[received.end..];
        if room.is_empty() {
            return Err(Error::BufferTooSmall);
        }
        match (transport.read(room).await.map_err(Error::Transport)?, body) {
            (0, Some(Body::UntilClose)) => {
                return end(source, &mut buffer[events], clock(), on_event).map_err(Error::Source);
            }
            (0, _) => return Err(Error::Ended),
            (len, _) => received.end += len,
        }
    }
}

/// Ends the body. The bytes that are left may be the last event without its blank line.
fn end<S: IdStorage>(
    source: &mut EventSource<Decoder<S>>,
    mut events: &mut [u8],
    now: Duration,
    mut on_event: impl FnMut(Event<Text<'_>>),
) -> Result<(), EventSourceError> {
    while let Received::Item(item) = source.receive_eof(&mut events, now)? {
        if let Item::Event(event) = item {
            on_event(event);
        }
    }
    source.end(now)
}

/// Writes the request to the front of `buffer`, and returns its length.
fn request<S: IdStorage, E>(
    host: &str,
    target: &str,
    source: &EventSource<Decoder<S>>,
    buffer: &mut [u8],
) -> Result<usize, Error<E>> {
    if !host.bytes().chain(target.bytes()).all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Unsendable);
    }
    let (host, target) = (host.as_bytes(), target.as_bytes());
    let start = [b"GET ", target, b" HTTP/1.1\r\nhost: ", host, b"\r\nconnection: close\r\n"];
    let headers = source.request_headers();
    let headers = headers.flat_map(|(name, value)| [name.as_bytes(), b": ", value, b"\r\n"]);
    let mut len = 0;
    for piece in start.into_iter().chain(headers).chain([&b"\r\n"[..]]) {
        let room = buffer.get_mut(len..len + piece.len()).ok_or(Error::RequestTooLong)?;
        room.copy_from_slice(piece);
        len += piece.len();
    }
    Ok(len)
}

/// Parses the head of the response, and passes it to the source. Returns the length of the head, or
/// 0 if it has not all arrived, and the first part of the body. There is no body after an interim
/// response.
fn head<S: IdStorage, E>(
    received: &[u8],
    source: &mut EventSource<Decoder<S>>,
    now: Duration,
) -> Result<(usize, Option<Body>), Error<E>> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    match (response.parse(received).map_err(|_| Error::Malformed)?, response.code) {
        (Status::Partial, _) => Ok((0, None)),
        (Status::Complete(len), Some(100 | 102..200)) => Ok((len, None)),
        (Status::Complete(len), status) => {
            let fields = response.headers.iter().map(|header| (header.name, header.value));
            source.response(status.unwrap_or_default(), fields, now).map_err(Error::Source)?;
            let body = Body::of(response.headers).ok_or(Error::Malformed)?;
            Ok((len, Some(body)))
        }
    }
}
