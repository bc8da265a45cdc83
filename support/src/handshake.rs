//! Drives the handshake's state machines under any chunking and records their results.

use eventwire::ws::handshake::{
    ClientRequest, Extension, Headers, Request, RequestError, Response, ResponseError,
    ServerHandshake,
};
use std::fmt::Debug;

/// The contents of a request or a response, in a form that owns its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub target: String,
    pub host: String,
    pub origin: Option<String>,
    pub subprotocols: Vec<String>,
    pub extensions: Vec<String>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub head_len: usize,
}

impl Seen {
    pub fn request<By>(request: &Request<'_, By>) -> Self {
        Self {
            target: request.target().into(),
            host: request.host().into(),
            origin: request.origin().map(Into::into),
            subprotocols: request.subprotocols().map(Into::into).collect(),
            extensions: request.extensions().map(show).collect(),
            headers: own(request.headers()),
            head_len: request.head_len(),
        }
    }

    pub fn response(response: &Response<'_>) -> Self {
        Self {
            subprotocols: response.subprotocol().map(Into::into).into_iter().collect(),
            headers: own(response.headers()),
            head_len: response.head_len(),
            ..Self::default()
        }
    }
}

/// Formats an extension as on the wire, without quotes.
fn show(extension: Extension<'_>) -> String {
    let params = extension.params().map(|(name, value)| match value {
        Some(value) => format!(";{name}={value}"),
        None => format!(";{name}"),
    });
    [extension.name().to_owned()].into_iter().chain(params).collect()
}

fn own(headers: Headers<'_>) -> Vec<(String, Vec<u8>)> {
    headers.map(|(name, value)| (name.into(), value.into())).collect()
}

/// A machine's verdict, and the number of bytes that it had seen by then.
pub type Verdict<E> = (Result<Option<Seen>, E>, usize);

/// Shows a machine the input up to each of these ends until it has a verdict. Checks that the
/// machine then repeats the verdict.
pub fn drive<M, E: Copy + Debug + PartialEq>(
    mut machine: M,
    decode: impl Fn(&mut M, &[u8]) -> Result<Option<Seen>, E>,
    input: &[u8],
    ends: impl IntoIterator<Item = usize>,
) -> Verdict<E> {
    for end in ends {
        let verdict = decode(&mut machine, &input[..end]);
        if verdict != Ok(None) {
            assert_eq!(decode(&mut machine, &input[..end]), verdict, "repeats its verdict");
            assert_eq!(decode(&mut machine, input), verdict, "more input changes nothing");
            match &verdict {
                Ok(Some(seen)) => assert!(seen.head_len <= end, "the whole head had arrived"),
                _ => assert_eq!(decode(&mut machine, b""), verdict, "stays failed"),
            }
            return (verdict, end);
        }
    }
    (Ok(None), input.len())
}

/// Returns the verdict and the number of bytes needed for it. Checks that the verdict is the same
/// for the whole input, byte by byte, at every two-way split, and with bytes after it.
fn every_split<M, E: Copy + Debug + PartialEq>(
    machine: impl Fn() -> M,
    decode: impl Fn(&mut M, &[u8]) -> Result<Option<Seen>, E>,
    input: &[u8],
) -> Verdict<E> {
    let drive =
        |input: &[u8], ends: &[usize]| drive(machine(), &decode, input, ends.iter().copied());
    let all: Vec<_> = (0..=input.len()).collect();
    let expected = drive(input, &all);
    assert_eq!(drive(input, &[input.len()]).0, expected.0, "whole");
    // For a long head, test only a sample of the splits, and all of those near its ends.
    let step = 1 + input.len() / 2048;
    let near_an_end = |at| at < 8 || at + 8 > input.len();
    for at in (0..=input.len()).filter(|&at| at % step == 0 || near_an_end(at)) {
        let split = drive(input, &[at, input.len()]).0;
        assert_eq!(split, expected.0, "split at {at}: {}", input.escape_ascii());
    }
    if expected.0 != Ok(None) {
        let behind = [input, b"\x81\x05\r\n\r\n\n"].concat();
        assert_eq!(drive(&behind, &[behind.len()]).0, expected.0, "with bytes after the head");
    }
    expected
}

pub fn decode_request(
    machine: &mut ServerHandshake,
    input: &[u8],
) -> Result<Option<Seen>, RequestError> {
    Ok(machine.decode(input)?.as_ref().map(Seen::request))
}

pub fn request(max_head: usize, input: &[u8]) -> Verdict<RequestError> {
    every_split(|| ServerHandshake::new().max_head(max_head), decode_request, input)
}

pub fn response(
    request: &ClientRequest<'_>,
    max_head: usize,
    input: &[u8],
) -> Verdict<ResponseError> {
    every_split(
        || request.handshake().max_head(max_head),
        |machine, input| Ok(machine.decode(input)?.as_ref().map(Seen::response)),
        input,
    )
}
