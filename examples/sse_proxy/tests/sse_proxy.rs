//! The program `sse_proxy`: its rewriter with every split of a stream, and the whole program
//! between a server and a client.

#[path = "../src/rewriter.rs"]
mod rewriter;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use eventwire::sse::header::LAST_EVENT_ID;
use eventwire::sse::{EventBuilder, EventType};
use eventwire_test_support::sse::{Rules, Seen, Trace, reference};
use eventwire_test_support::{cut, program};
use futures_util::stream;
use proptest::prelude::*;
use rewriter::Rewriter;
use std::io::{self, BufRead, BufReader};
use std::process::Child;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::timeout;

/// A limit that no block of [`event`] reaches.
const MAX_BLOCK: usize = 100;

/// Returns the output for a stream in these chunks.
fn pass_on(event_type: &str, max_block: usize, chunks: &[&[u8]]) -> Vec<u8> {
    let mut rewriter = Rewriter::new(event_type, str::to_uppercase, max_block);
    let mut output = Vec::new();
    for chunk in chunks {
        output.extend(rewriter.push(chunk));
    }
    output.extend(rewriter.finish());
    output
}

#[track_caller]
fn assert_output(event_type: &str, stream: &[u8], expected: &[u8]) {
    let check = |chunks: &[&[u8]]| {
        let output = pass_on(event_type, MAX_BLOCK, chunks);
        let shown: Vec<_> = chunks.iter().map(|chunk| chunk.escape_ascii().to_string()).collect();
        assert_eq!(
            output.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{shown:?}"
        );
    };
    check(&[stream]);
    check(&stream.chunks(1).collect::<Vec<_>>());
    for at in 0..=stream.len() {
        let (front, rest) = stream.split_at(at);
        check(&[front, b"", rest]);
    }
}

#[test]
fn other_bytes_are_passed_on_unchanged() {
    for stream in [
        &b""[..],
        b"\xEF\xBB\xBFdata: a\r\n\r\n: c\r\r\n\nid\n\r",
        b"\xEF\xBB\xBF\xEF\xBB\xBFevent: sum\ndata: a\n\n",
        b"\xEF\xBBevent: sum\ndata: a\n",
        b"x: 1\nevents: sum\ndata: \xFF\0\n\n:\n\n",
        b"event: sum\nevent: sums\ndata: a\r\r",
        b"event: sum\n\n",
        b"event: sum\nid: 1\nretry: 2\ndat: a\n\n",
        b"event: sum\ndata: cut off\n",
        b"even",
        LONG.as_bytes(),
    ] {
        assert_output("sum", stream, stream);
    }
}

#[test]
fn events_of_the_type_are_rewritten() {
    for (stream, expected) in [
        ("event: sum\ndata: a\n\n", "event: sum\ndata: A\n\n"),
        ("data:a\rdata\revent:sum\r\r: c\r", "event: sum\ndata: A\ndata: \n\n: c\r"),
        ("data:a\r\nevent:sum\r\n\r\n\r\nid: 1", "event: sum\ndata: A\n\n\r\nid: 1"),
        ("\u{FEFF}event: sum\ndata: a\n\n", "\u{FEFF}event: sum\ndata: A\n\n"),
        (
            ": a\nx\nretry: 10\nid: i\n: b\ny\ndata: ü\nevent: no\nevent: sum\n\n",
            ": a\nx\nevent: sum\nid: i\nretry: 10\ndata: Ü\n\n",
        ),
        ("id\nevent: sum\ndata: a\n\ndata: a\n\n", "event: sum\nid: \ndata: A\n\ndata: a\n\n"),
    ] {
        assert_output("sum", stream.as_bytes(), expected.as_bytes());
    }
    assert_output(
        "sum",
        b"event: sum\ndata: \xFFa\n\n",
        "event: sum\ndata: \u{FFFD}A\n\n".as_bytes(),
    );
    assert_output("message", b"data: a\n\nevent\ndata: b\n\n", b"data: A\n\ndata: B\n\n");
}

#[test]
fn a_block_waits_up_to_its_limit() {
    let line = "z".repeat(MAX_BLOCK - "event: sum\ndata: \n\n".len());
    let whole = format!("event: sum\ndata: {line}\n\n");
    assert_output("sum", whole.as_bytes(), whole.replace('z', "Z").as_bytes());
    let over = format!("event: sum\ndata: z{line}\n\n");
    assert_output(
        "sum",
        format!("{over}{whole}").as_bytes(),
        format!("{over}{}", whole.replace('z', "Z")).as_bytes(),
    );
    let mut rewriter = Rewriter::new("sum", str::to_uppercase, 8);
    assert_eq!(rewriter.push(b"data\nxxx"), "");
    assert_eq!(rewriter.push(b"x"), "data\nxxxx");
    assert_eq!(rewriter.push(b"x"), "x");
    assert_eq!(rewriter.finish(), "");
}

#[test]
fn only_a_block_waits() {
    let mut rewriter = Rewriter::new("sum", str::to_uppercase, MAX_BLOCK);
    for (chunk, output) in [
        (":\n\n", ":\n\n"),
        (": d", ": d"),
        ("\r", "\r"),
        ("\n", "\n"),
        ("\r\n", "\r\n"),
        ("x: event", "x: event"), // not a name, because it is in the value
        ("s\n", "s\n"),
        ("even", ""),
        ("s: 1\r\n", "evens: 1\r\n"), // not a name after all
        ("even", ""),
        ("t: sum\r\n", ""),
        (": ping\r\ndata: a\r\n", ""),
        ("\r", "event: sum\ndata: A\n\n"),
        ("\n", ""),
        ("\ndata: a\n", "\n"),
        ("\n", "data: a\n\n"),
    ] {
        assert_eq!(rewriter.push(chunk.as_bytes()), output, "{chunk:?}");
    }
}

/// A block that is too long to wait.
const LONG: &str = "event: sum\ndata: a line that is longer than what is held back in these \
    tests until a blank line\ndata: tells that it is whole\n\n";
const _: () = assert!(LONG.len() > MAX_BLOCK);

/// The bytes of a piece of the stream, and the expected output for it.
type Piece = (Vec<u8>, Vec<u8>);

fn other() -> impl Strategy<Value = Piece> {
    let fixed: Vec<&[u8]> = vec![
        b":\n\n",
        b": event: sum\r",
        b"\r\n",
        b"\r",
        b"x: \xFF\r\n",
        b"datas\n",
        b"data: a\n\n",
        b"id: 1\r\n: b\r\n\r\n",
        b"event: sum\r\r",
        b"event: sum\nevent: no\ndata: a\n\n",
        LONG.as_bytes(),
    ];
    prop::sample::select(fixed).prop_map(|bytes| (bytes.to_vec(), bytes.to_vec()))
}

fn event() -> impl Strategy<Value = Piece> {
    let text = prop::sample::select(vec!["", "a", " b", ":", "\u{FC}", "data: c"]);
    let id = prop::option::of(prop::sample::select(vec!["", "7", "x y"]));
    let retry = prop::option::of(0..100u16);
    let data = prop::collection::vec(text, 1..4);
    let end = prop::sample::select(vec!["\n", "\r", "\r\n"]);
    (id, retry, data, end, any::<bool>(), any::<bool>()).prop_map(
        |(id, retry, data, end, type_first, comment)| {
            let data_lines = data.iter().map(|line| format!("data: {line}"));
            let mut lines: Vec<_> = data_lines.collect();
            lines.extend(id.map(|id| format!("id: {id}")));
            lines.extend(retry.map(|retry| format!("retry: {retry}")));
            lines.extend(comment.then(|| ":".into()));
            lines.insert(if type_first { 0 } else { lines.len() }, "event: sum".into());
            let data = data.join("\n").to_uppercase();
            let mut event =
                EventBuilder::new().event_type(EventType::from_static("sum")).data(data);
            if let Some(id) = id {
                event = event.try_id(id).unwrap();
            }
            if let Some(retry) = retry {
                event = event.retry(Duration::from_millis(retry.into()));
            }
            ((lines.join(end) + end + end).into(), event.to_bytes().into())
        },
    )
}

/// Returns pieces that are likely to make a tricky stream.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let fixed: Vec<&[u8]> = vec![
        b"event: sum\n",
        b"event: sum\r\ndata: a\r\n\r\n",
        b"event",
        b"event:",
        b"sum",
        b"data",
        b"data: ",
        b"id: 1",
        b"id:\0",
        b"retry: 10",
        b"retry:+5",
        b":",
        b" ",
        b"x",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\xEF\xBB\xBF",
        b"\xEF\xBB",
        b"\xFF",
        "\u{FC}".as_bytes(),
    ];
    prop_oneof![
        20 => prop::sample::select(fixed).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(fragment(), 0..40).prop_map(|pieces| pieces.concat())
}

/// Returns the expected trace of the output for this trace of the input.
fn rewritten(mut trace: Trace) -> Trace {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    for seen in &mut trace.seen {
        let Seen::Event { event_type, data, id, .. } = seen else { continue };
        if event_type.as_ref().map(text).as_deref() == Some("sum") {
            *data = text(data).to_uppercase().into();
            *id = id.as_ref().map(|id| text(id).into());
        }
    }
    trace
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn only_matching_events_are_rewritten(
        mark in any::<bool>(),
        pieces in prop::collection::vec(prop_oneof![other(), event()], 0..12),
        end in prop::sample::select(vec![&b""[..], b":", b"\xFF", b"ev", b"event: sum\ndata: a\n"]),
        lengths in prop::collection::vec(0..9usize, 1..6),
    ) {
        let mark = if mark { "\u{FEFF}" } else { "" };
        let (input, output): (Vec<_>, Vec<_>) = pieces.into_iter().unzip();
        let whole = |pieces: Vec<Vec<u8>>| [mark.as_bytes(), &pieces.concat(), end].concat();
        let (input, expected) = (whole(input), whole(output));
        for chunks in [vec![&input[..]], input.chunks(1).collect(), cut(&input, &lengths)] {
            let output = pass_on("sum", MAX_BLOCK, &chunks);
            prop_assert_eq!(output.escape_ascii().to_string(), expected.escape_ascii().to_string());
        }
    }

    #[test]
    fn any_stream_reads_the_same_except_for_rewritten_events(
        stream in stream(),
        max_block in prop_oneof![Just(usize::MAX), 0..48usize],
        lengths in prop::collection::vec(0..9usize, 1..6),
    ) {
        prop_assert_eq!(&pass_on("nothing", max_block, &cut(&stream, &lengths)), &stream);
        let limited = pass_on("sum", max_block, &[&stream]);
        prop_assert_eq!(&pass_on("sum", max_block, &cut(&stream, &lengths)), &limited);
        let output = pass_on("sum", usize::MAX, &[&stream]);
        let rules = Rules { blocks: true, ..Rules::UNLIMITED };
        let expected = rewritten(reference::trace(rules, &stream));
        prop_assert_eq!(reference::trace(rules, &output), expected);
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_sse_proxy");

/// The running program. Dropping it stops the program.
struct Proxy {
    process: Child,
    url: String,
}

impl Proxy {
    fn start(upstream: &str) -> Self {
        let mut process = program::start(PROGRAM, &[upstream, "sum", "127.0.0.1:0"]);
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, url }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The headers of a request, and the sender for the body of its response.
type Request = (HeaderMap, Sender<io::Result<Bytes>>);

async fn events(State(requests): State<Sender<Request>>, headers: HeaderMap) -> Response {
    let (body, mut pieces) = mpsc::channel(1);
    requests.send((headers, body)).await.unwrap();
    let body = Body::from_stream(stream::poll_fn(move |cx| pieces.poll_recv(cx)));
    let headers = [
        (CONTENT_TYPE, "text/event-stream;charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, body).into_response()
}

/// An event that would be rewritten in an event stream.
const NOTHING: &str = "event: sum\ndata: nothing here\n\n";

/// Starts a server whose streams the test fills, and a proxy for one of its paths.
async fn proxied(path: &str) -> (Proxy, Receiver<Request>) {
    let (sender, requests) = mpsc::channel(1);
    let router = Router::new()
        .route("/events", get(events))
        .with_state(sender)
        .fallback(async || (StatusCode::NOT_FOUND, NOTHING));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    (Proxy::start(&url), requests)
}

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("nothing waits for later bytes")
}

/// Sends a request with a last event ID. Returns the response, and the request that the server got.
async fn open(proxy: &Proxy, requests: &mut Receiver<Request>) -> (reqwest::Response, Request) {
    let client = reqwest::Client::new().get(&proxy.url).header(LAST_EVENT_ID, "7 \u{FC}");
    let (response, request) = soon(async { tokio::join!(client.send(), requests.recv()) }).await;
    (response.unwrap(), request.unwrap())
}

/// Reads as many bytes as are expected, in any chunks.
async fn read(response: &mut reqwest::Response, expected: &str) {
    let mut read = Vec::new();
    while read.len() < expected.len() {
        read.extend(soon(response.chunk()).await.unwrap().expect("more of the body"));
    }
    assert_eq!(String::from_utf8(read).unwrap(), expected);
}

#[tokio::test]
async fn a_stream_is_passed_on_byte_for_byte() {
    let (proxy, mut requests) = proxied("/events").await;
    let (response, (headers, body)) = open(&proxy, &mut requests).await;
    assert_eq!(headers[LAST_EVENT_ID], "7 \u{FC}");
    assert_eq!(headers["accept"], "text/event-stream");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream;charset=utf-8");
    assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
    assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    let stream = b"\xEF\xBB\xBF:\r\rx: \xFF\nretry: 10\r\n\r\ndata: a\revent: sum\r\r\
        event: sum\r\nid: 7\r\n: c\r\ndata: b\r\ndata: c\r\n\r\n\
        data: d\n\ndata:\xFF\0\n\nevent: sum\ndata";
    let expected = b"\xEF\xBB\xBF:\r\rx: \xFF\nretry: 10\r\n\r\nevent: sum\ndata: A\n\n\
        event: sum\nid: 7\ndata: B\ndata: C\n\n\
        data: d\n\ndata:\xFF\0\n\nevent: sum\ndata";
    tokio::spawn(async move {
        for piece in cut(stream, &[1usize, 7, 2, 0, 11]) {
            body.send(Ok(Bytes::from_static(piece))).await.unwrap();
        }
    });
    let output = soon(response.bytes()).await.unwrap();
    assert_eq!(output.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

#[tokio::test]
async fn nothing_waits_for_later_bytes() {
    let (proxy, mut requests) = proxied("/events").await;
    let (mut response, (_, body)) = open(&proxy, &mut requests).await;
    for (sent, expected) in [
        (": ping\n\n", ": ping\n\n"),
        ("data: a\r\n\r", "data: a\r\n\r"),
        ("\nevent: sum\r\ndata: a\r\n\r", "\nevent: sum\ndata: A\n\n"),
        (":", ":"),
    ] {
        body.send(Ok(sent.into())).await.unwrap();
        read(&mut response, expected).await;
    }
    drop(response);
    soon(body.closed()).await;
}

#[tokio::test]
async fn a_failed_upstream_cuts_the_response_off() {
    let (proxy, mut requests) = proxied("/events").await;
    let (mut response, (_, body)) = open(&proxy, &mut requests).await;
    body.send(Ok("data: a\n\ndata: b".into())).await.unwrap();
    read(&mut response, "data: a\n\n").await;
    body.send(Err(io::Error::other("broken"))).await.unwrap();
    assert!(soon(response.chunk()).await.is_err());
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_upstream() {
    let (proxy, mut requests) = proxied("/events").await;
    let (_response, (_, body)) = open(&proxy, &mut requests).await;
    let piece = Bytes::from(": ping\n".repeat(1 << 16));
    let mut sent = 0;
    while timeout(Duration::from_millis(500), body.send(Ok(piece.clone()))).await.is_ok() {
        sent += piece.len();
        assert!(sent < 256 << 20, "sockets hold less");
    }
}

#[tokio::test]
async fn other_responses_are_passed_on() {
    let (proxy, _requests) = proxied("/missing").await;
    let response = soon(reqwest::get(&proxy.url)).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(response.text().await.unwrap(), NOTHING);
    let proxy = Proxy::start("http://127.0.0.1:1/");
    let response = soon(reqwest::get(&proxy.url)).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
}

#[test]
fn usage() {
    program::refuses_in_one_line(
        PROGRAM,
        &[
            &[],
            &["http://127.0.0.1:1/"],
            &["no url", "sum"],
            &["http://127.0.0.1:1/", "a", "b", "c"],
        ],
    );
}
