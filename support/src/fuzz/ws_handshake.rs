//! Any head, limit and chunking have one verdict, within the limit. Either side accepts the output
//! of the other.

use crate::cut;
use crate::handshake::{Seen, Verdict, decode_request, drive};
use arbitrary::Arbitrary;
use eventwire::Url;
use eventwire::ws::handshake::{
    ClientRequest, Rejection, RequestError, ResponseError, ServerHandshake, accept_key,
};
use std::fmt::Debug;

#[derive(Arbitrary, Debug)]
pub struct ServerInput {
    head: Head,
    max_head: Option<u8>,
    max_headers: Option<u8>,
    cuts: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
pub struct ClientInput {
    head: Head,
    max_head: Option<u8>,
    max_headers: Option<u8>,
    cuts: Vec<u8>,
    nonce: [u8; 16],
    host: String,
    target: String,
    origin: Option<String>,
    subprotocols: Vec<String>,
    headers: Vec<(String, String)>,
    refuse: Option<u16>,
}

/// A head made of pieces, or a valid head with edits.
#[derive(Arbitrary, Debug)]
enum Head {
    Pieces(Vec<Piece>),
    Edited(Vec<(u16, Edit)>),
}

#[derive(Arbitrary, Debug)]
enum Piece {
    Line(u8),
    Name(u8),
    Value(u8),
    Crlf,
    Cr,
    Lf,
    Colon,
    Comma,
    Semicolon,
    Equals,
    Quote,
    Backslash,
    Space,
    Tab,
    Text(String),
    Raw(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
enum Edit {
    Insert(Piece),
    Set(u8),
    Remove(u8),
    Cut,
}

const REQUEST: [&str; 9] = [
    "GET /chat HTTP/1.1",
    "Host: a",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Origin: null",
    "Sec-WebSocket-Protocol: chat, b",
    "Sec-WebSocket-Extensions: a; b=\"\\c\", d;e=1",
];

impl Piece {
    fn write(&self, lines: &[String], bytes: &mut Vec<u8>) {
        let line = |at: u8| lines[usize::from(at) % lines.len()].as_str();
        match self {
            Self::Line(at) => bytes.extend([line(*at), "\r\n"].concat().bytes()),
            Self::Name(at) => bytes.extend(line(*at).split(' ').next().unwrap_or("").bytes()),
            Self::Value(at) => bytes.extend(line(*at).split(' ').next_back().unwrap_or("").bytes()),
            Self::Crlf => bytes.extend(b"\r\n"),
            Self::Cr => bytes.push(b'\r'),
            Self::Lf => bytes.push(b'\n'),
            Self::Colon => bytes.push(b':'),
            Self::Comma => bytes.push(b','),
            Self::Semicolon => bytes.push(b';'),
            Self::Equals => bytes.push(b'='),
            Self::Quote => bytes.push(b'"'),
            Self::Backslash => bytes.push(b'\\'),
            Self::Space => bytes.push(b' '),
            Self::Tab => bytes.push(b'\t'),
            Self::Text(text) => bytes.extend(text.bytes()),
            Self::Raw(raw) => bytes.extend(raw),
        }
    }
}

impl Head {
    fn bytes(&self, lines: &[String]) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Pieces(pieces) => {
                for piece in pieces {
                    piece.write(lines, &mut bytes);
                }
            }
            Self::Edited(edits) => {
                bytes.extend(lines.iter().flat_map(|line| [line, "\r\n"].concat().into_bytes()));
                bytes.extend(b"\r\n");
                for (at, edit) in edits.iter().take(4) {
                    let at = usize::from(*at) % (bytes.len() + 1);
                    match edit {
                        Edit::Insert(piece) => {
                            let rest = bytes.split_off(at);
                            piece.write(lines, &mut bytes);
                            bytes.extend(rest);
                        }
                        Edit::Set(byte) => {
                            bytes[at..].first_mut().into_iter().for_each(|it| *it = *byte);
                        }
                        Edit::Remove(count) => {
                            let end = bytes.len().min(at + usize::from(*count));
                            bytes.drain(at..end);
                        }
                        Edit::Cut => bytes.truncate(at),
                    }
                }
            }
        }
        bytes
    }
}

/// The verdict, which is the same for any chunking and is found at the earliest byte.
fn verdict<M: Clone, E: Copy + Debug + PartialEq>(
    machine: &M,
    decode: impl Fn(&mut M, &[u8]) -> Result<Option<Seen>, E>,
    input: &[u8],
    cuts: &[u8],
    (max_head, max_headers): (usize, usize),
) -> Verdict<E> {
    let drive = |ends: Vec<usize>| drive(machine.clone(), &decode, input, ends);
    let found = drive((0..=input.len()).collect());
    assert_eq!(drive(vec![input.len()]).0, found.0, "whole");
    let ends = cut(input, cuts).into_iter().scan(0, |end, chunk| {
        *end += chunk.len();
        Some(*end)
    });
    assert_eq!(drive(ends.collect()).0, found.0, "cut by {cuts:?}");

    assert!(found.1 <= max_head, "never more than the limit is asked for");
    if let Ok(Some(seen)) = &found.0 {
        let head = &input[..seen.head_len];
        assert_eq!(seen.head_len, found.1, "at the head's end");
        // Empty lines are allowed before a request.
        let start = head.iter().position(|byte| !b"\r\n".contains(byte)).unwrap();
        let end = head[start..].windows(4).position(|window| window == b"\r\n\r\n");
        assert_eq!(end, Some(head.len() - start - 4), "which is the first");
        assert!(seen.headers.len() <= max_headers);
    }
    found
}

/// The limits of a head, in bytes and in headers.
fn limits(max_head: Option<u8>, max_headers: Option<u8>) -> (usize, usize) {
    let max_head = max_head.map_or(1 << 14, |max| usize::from(max) * 2);
    (max_head, max_headers.map_or(PARSED, usize::from))
}

/// The number of headers that the other parser has room for.
const PARSED: usize = 256;

/// Returns the headers that another parser finds.
fn headers(headers: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|header| (header.name.into(), header.value.into())).collect()
}

pub fn server(input: &ServerInput) {
    let bytes = input.head.bytes(&REQUEST.map(Into::into));
    let limits = limits(input.max_head, input.max_headers);
    let machine = ServerHandshake::new().max_head(limits.0).max_headers(limits.1);
    let mut buffer = [0; 1024];
    match verdict(&machine, decode_request, &bytes, &input.cuts, limits).0 {
        Ok(None) => {}
        Ok(Some(seen)) => {
            let mut parsed = [httparse::EMPTY_HEADER; PARSED];
            let mut request = httparse::Request::new(&mut parsed);
            assert_eq!(request.parse(&bytes), Ok(httparse::Status::Complete(seen.head_len)));
            assert_eq!(seen.headers, headers(request.headers));
            assert_eq!(request.method, Some("GET"));
            assert!(request.path.unwrap().ends_with(&*seen.target) || seen.target == "/");

            let request = machine.clone().decode(&bytes).unwrap().unwrap();
            let mut acceptance = request.accept();
            if let Some(name) = seen.subprotocols.last() {
                acceptance = acceptance.subprotocol(name).unwrap();
            }
            // A name may be as long as the head allows.
            let mut buffer = vec![0; acceptance.encoded_len()];
            assert_eq!(acceptance.encode(&mut buffer), Ok(buffer.len()));
            let mut parsed = [httparse::EMPTY_HEADER; PARSED];
            let mut response = httparse::Response::new(&mut parsed);
            assert_eq!(response.parse(&buffer), Ok(httparse::Status::Complete(buffer.len())));
            let key = std::str::from_utf8(request.header("sec-websocket-key").unwrap()).unwrap();
            assert_eq!(response.headers[2].value, accept_key(key));
        }
        Err(error) => {
            assert!(!matches!(error, RequestError::InputShrunk { .. }));
            let len = error.rejection().encode(&mut buffer).unwrap();
            let client = ClientRequest::new("a", "/", [0; 16]).unwrap();
            let refused = client.handshake().decode(&buffer[..len]).unwrap_err();
            assert!(matches!(refused, ResponseError::Status { status, head_len }
                    if status == error.status() && head_len < len));
        }
    }
}

pub fn client(input: &ClientInput) {
    let host = Some(&*input.host).filter(|it| ClientRequest::new(it, "/", [0; 16]).is_ok());
    let host = host.unwrap_or("a");
    let target = Some(&*input.target).filter(|it| ClientRequest::new("a", it, [0; 16]).is_ok());
    let target = target.unwrap_or("/");
    let mut request = ClientRequest::new(host, target, input.nonce).unwrap();
    let origin = input.origin.as_deref().filter(|it| request.clone().origin(it).is_ok());
    if let Some(origin) = origin {
        request = request.origin(origin).unwrap();
    }
    let mut names: Vec<_> = input.subprotocols.iter().map(|name| &**name).collect();
    names.retain(|name| request.clone().subprotocols(&[name]).is_ok());
    names.sort_unstable();
    names.dedup();
    names.truncate(64);
    request = request.subprotocols(&names).unwrap();
    let mut more: Vec<_> = input.headers.iter().map(|it| (&*it.0, &*it.1)).collect();
    more.retain(|it| request.clone().headers(&[*it]).is_ok());
    more.truncate(50);
    request = request.headers(&more).unwrap();

    // A URL gives the same result.
    let text = ["ws://", host, target].concat();
    if let Ok(url) = Url::parse(&text) {
        let of_url = ClientRequest::from_url(&url, input.nonce).unwrap();
        let again = ClientRequest::new(url.host_header(), target, input.nonce).unwrap();
        assert_eq!(of_url, again, "{text}");
    }
    if let Ok(url) = Url::parse(&input.target) {
        let request = ClientRequest::from_url(&url, input.nonce).unwrap();
        let mut sent = vec![0; request.encoded_len()];
        assert_eq!(request.encode(&mut sent), Ok(sent.len()));
        let mut server = ServerHandshake::new();
        let received = server.decode(&sent).unwrap().unwrap();
        assert_eq!(received.host(), url.host_header());
        assert_eq!(received.target(), url.target().to_string());
    }

    // A server accepts it, and the client accepts the server's answer.
    let mut sent = vec![0; request.encoded_len()];
    assert_eq!(request.encode(&mut sent), Ok(sent.len()));
    let mut server = ServerHandshake::new().max_head(sent.len());
    let received = server.decode(&sent).unwrap().unwrap();
    assert_eq!((received.host(), received.origin()), (host, origin));
    assert!(received.subprotocols().eq(names.iter().copied()));
    let found = received.headers().skip(received.headers().count() - more.len());
    assert!(found.eq(more.iter().map(|&(name, value)| (name, value.as_bytes()))));
    let mut acceptance = received.accept().headers(&more).unwrap();
    if let Some(name) = names.first() {
        acceptance = acceptance.subprotocol(name).unwrap();
    }
    let mut answer = vec![0; acceptance.encoded_len()];
    assert_eq!(acceptance.encode(&mut answer), Ok(answer.len()));
    let mut handshake = request.handshake().max_head(answer.len());
    let response = handshake.decode(&answer).unwrap().unwrap();
    assert_eq!(response.subprotocol(), names.first().copied());
    assert_eq!(response.head_len(), answer.len());

    if let Some(Ok(rejection)) = input.refuse.map(Rejection::new) {
        let refusal = rejection.body(&input.target);
        let mut answer = vec![0; refusal.encoded_len()];
        assert_eq!(refusal.encode(&mut answer), Ok(answer.len()));
        let head_len = answer.len() - input.target.len();
        let expected = ResponseError::Status { status: rejection.status(), head_len };
        assert_eq!(request.handshake().decode(&answer).unwrap_err(), expected);
    }

    // Any other answer has one verdict.
    let mut lines: Vec<_> = std::str::from_utf8(&answer).unwrap().split("\r\n").collect();
    lines.truncate(8);
    lines.retain(|line| !line.is_empty());
    let lines: Vec<_> = lines.into_iter().map(str::to_owned).collect();
    let bytes = input.head.bytes(&lines);
    let limits = limits(input.max_head, input.max_headers);
    let decode = |machine: &mut eventwire::ws::handshake::ClientHandshake<'_>, input: &[u8]| {
        Ok(machine.decode(input)?.as_ref().map(Seen::response))
    };
    let machine = request.max_head(limits.0).max_headers(limits.1).handshake();
    let found = verdict(&machine, decode, &bytes, &input.cuts, limits).0;
    assert!(!matches!(found, Err(ResponseError::InputShrunk { .. })));
    if let Ok(Some(seen)) = found {
        let mut parsed = [httparse::EMPTY_HEADER; PARSED];
        let mut response = httparse::Response::new(&mut parsed);
        assert_eq!(response.parse(&bytes), Ok(httparse::Status::Complete(seen.head_len)));
        assert_eq!((response.code, seen.headers), (Some(101), headers(response.headers)));
    }
}
