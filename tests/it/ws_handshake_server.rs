//! A server's handshake: the requests that it accepts and refuses, and the responses that it
//! writes.

use eventwire::BufferTooSmall;
use eventwire::ws::handshake::{
    DEFAULT_MAX_HEAD, DEFAULT_MAX_HEADERS, Headers, Rejection, RequestError, ServerHandshake,
    Unsendable, accept_key,
};
use eventwire_test_support::handshake::{Seen, request};
use std::time::{Duration, Instant};

/// The example of the RFC
/// ([RFC 6455, section 1.2](https://www.rfc-editor.org/rfc/rfc6455#section-1.2)).
const REQUEST: &str = "GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

const HOST: &str = "Host: server.example.com\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\n";
const CONNECTION: &str = "Connection: Upgrade\r\n";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const ORIGIN: &str = "Origin: http://example.com\r\n";
const PROTOCOL: &str = "Sec-WebSocket-Protocol: chat, superchat\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";

/// Returns the RFC's request with `from` replaced by `to`.
fn changed(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(REQUEST.matches(from).count(), 1, "{from}");
    REQUEST.replacen(from, to, 1).into()
}

fn accepted(head: &[u8]) -> Seen {
    let (verdict, decided) = request(DEFAULT_MAX_HEAD, head);
    let seen = verdict.unwrap_or_else(|error| panic!("{error}: {}", head.escape_ascii()));
    assert_eq!(decided, head.len());
    seen.expect("the head is whole")
}

/// Returns the error. Checks that it comes with the deciding byte.
fn refused(head: &[u8]) -> RequestError {
    let (verdict, decided) = request(DEFAULT_MAX_HEAD, head);
    let error = verdict.expect_err(&head.escape_ascii().to_string());
    let deciding = match error {
        RequestError::LineEnd { offset } => offset + 1,
        RequestError::LineTooLong { limit } | RequestError::TooLong { limit } => limit,
        _ => head.len(),
    };
    assert_eq!(decided, deciding, "{error}: {}", head.escape_ascii());
    error
}

#[test]
fn the_rfcs_sample() {
    let seen = accepted(REQUEST.as_bytes());
    assert_eq!((&*seen.target, &*seen.host), ("/chat", "server.example.com"));
    assert_eq!(seen.origin.as_deref(), Some("http://example.com"));
    assert_eq!(seen.subprotocols, ["chat", "superchat"]);
    assert_eq!(seen.head_len, REQUEST.len());
    assert_eq!(seen.headers.len(), 7);

    let mut server = ServerHandshake::new();
    let request = server.decode(REQUEST.as_bytes()).unwrap().unwrap();
    assert_eq!(request.header("ORIGIN"), Some(&b"http://example.com"[..]));
    assert_eq!(request.header("Orig"), None);
    let acceptance = request.accept().subprotocol("chat").unwrap();
    let mut buffer = [0; 512];
    let len = acceptance.encode(&mut buffer).unwrap();
    let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Protocol: chat\r\n\r\n";
    assert_eq!(std::str::from_utf8(&buffer[..len]).unwrap(), expected);
    assert_eq!(acceptance.encoded_len(), len);
    let small = acceptance.encode(&mut buffer[..len - 1]);
    assert_eq!(small, Err(BufferTooSmall { needed: len }));
    #[cfg(feature = "alloc")]
    {
        assert_eq!(acceptance.to_bytes(), expected);
        let mut growing = bytes::BytesMut::from("in front ");
        acceptance.encode_to(&mut growing).unwrap();
        assert_eq!(growing, ["in front ", expected].concat());
        let mut limited = bytes::BufMut::limit(Vec::new(), len - 1);
        assert_eq!(acceptance.encode_to(&mut limited), Err(BufferTooSmall { needed: len }));
        assert!(limited.into_inner().is_empty(), "nothing may be written");
    }
    assert_eq!(&accept_key("dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn what_is_accepted() {
    for (from, to) in [
        ("/chat", "/"),
        ("/chat", "/chat?room=a|{b}%20\"c\"&d=[^`]"),
        ("/chat", "//"),
        (HOST, "host:server.example.com\r\n"),
        (HOST, "HOST: \t server.example.com \t\r\n"),
        (HOST, "Host: a:8080\r\n"),
        (HOST, "Host: a:\r\n"),
        (HOST, "Host: [::1]:80\r\n"),
        (HOST, "Host: 127.0.0.1\r\n"),
        (UPGRADE, "Upgrade: WebSocket\r\n"),
        (UPGRADE, "uPGRADE:h2c , ,\twebSocket\t,\r\n"),
        (UPGRADE, "Upgrade: h2c\r\nUpgrade: websocket\r\n"),
        (CONNECTION, "Connection: keep-alive, Upgrade\r\n"),
        (CONNECTION, "connection: keep-alive\r\nX: y\r\nCONNECTION: ,upgrade ,\r\n"),
        (ORIGIN, ""),
        (ORIGIN, "Origin: null\r\n"),
        (PROTOCOL, ""),
        (PROTOCOL, "Content-Length: 0\r\n"),
        (PROTOCOL, "Content-Length: 000\r\n"),
        (VERSION, "Sec-WebSocket-Version:\t13 \r\n"),
        (VERSION, "Sec-WebSocket-Version: 13\r\nX-Latin: \u{E9}\r\nX-Empty:\r\nX-Tab: a\tb\r\n"),
        (VERSION, "Sec-WebSocket-Version: 13\r\nCookie: a\r\nCookie: b\r\n"),
    ] {
        accepted(&changed(from, to));
    }
    for (target, host, path) in [
        ("HTTPS://other.example:8443/a?x", "other.example:8443", "/a?x"),
        ("http://a", "a", "/"),
        ("http://a/", "a", "/"),
        ("wss://a/chat", "a", "/chat"),
        ("ws://a:80", "a:80", "/"),
        ("WSS://[::1]:443/a?b", "[::1]:443", "/a?b"),
        ("ws://a?b", "a", "?b"),
        ("http://a?b=/c", "a", "?b=/c"),
    ] {
        let seen = accepted(&changed("/chat", target));
        assert_eq!((&*seen.host, &*seen.target), (host, path), "a target's own host comes first");
    }
    let listed = "Sec-WebSocket-Protocol: ,a , ,b,\r\nSec-WebSocket-Protocol: \r\n";
    assert_eq!(accepted(&changed(PROTOCOL, listed)).subprotocols, ["a", "b"]);
}

/// Checks rows: a part of the RFC's request, its replacement, and the error.
fn refuses<const N: usize>(rows: [(&str, &str, RequestError); N]) {
    for (from, to, expected) in rows {
        let head = changed(from, to);
        assert_eq!(refused(&head), expected, "{}", head.escape_ascii());
    }
}

/// The error for a malformed line that begins with `text`.
fn line(text: &str) -> RequestError {
    RequestError::Malformed { offset: REQUEST.find(text).unwrap() }
}

const fn repeated(header: &'static str) -> RequestError {
    RequestError::Repeated { header }
}

#[test]
fn request_lines_that_are_refused() {
    let start = "GET /chat HTTP/1.1\r\n";
    refuses([
        (start, "get /chat HTTP/1.1\r\n", RequestError::Method),
        (start, "HEAD /chat HTTP/1.1\r\n", RequestError::Method),
        (start, "CONNECT a:80 HTTP/1.1\r\n", RequestError::Method),
        (start, "GET /chat HTTP/1.0\r\n", RequestError::HttpVersion),
        (start, "GET /chat HTTP/1.2\r\n", RequestError::HttpVersion),
        (start, "GET /chat HTTP/2.0\r\n", RequestError::HttpVersion),
        (start, "PRI * HTTP/2.0\r\n", RequestError::HttpVersion),
        (start, "GET /chat HTTP/1.10\r\n", line("GET")),
        (start, "GET /chat http/1.1\r\n", line("GET")),
        (start, "GET /chat HTTP/1.1 \r\n", line("GET")),
        (start, "GET /chat FTP/1.1\r\n", line("GET")),
        (start, "GET /chat\r\n", line("GET")),
        (start, "GET\r\n", line("GET")),
        (start, "GET  /chat HTTP/1.1\r\n", line("GET")),
        (start, "GET /chat  HTTP/1.1\r\n", line("GET")),
        (start, "GET /a b HTTP/1.1\r\n", line("GET")),
        (start, "GET\t/chat HTTP/1.1\r\n", line("GET")),
        (start, " GET /chat HTTP/1.1\r\n", line("GET")),
        (start, "G(T /chat HTTP/1.1\r\n", line("GET")),
        (start, "GET /ch\0at HTTP/1.1\r\n", line("GET")),
        (start, "GET /ch\x7Fat HTTP/1.1\r\n", line("GET")),
        ("/chat", "chat", RequestError::Target),
        ("/chat", "*", RequestError::Target),
        ("/chat", "/chat#top", RequestError::Target),
        ("/chat", "/gr\u{FC}n", RequestError::Target),
        ("/chat", "ftp://a/", RequestError::Target),
        ("/chat", "http://", RequestError::Target),
        ("/chat", "http:///chat", RequestError::Target),
        ("/chat", "http://user@a/", RequestError::Target),
        ("/chat", "ws://user:pw@a/", RequestError::Target),
        ("/chat", "ws://@a/", RequestError::Target),
        ("/chat", "http://a/#b", RequestError::Target),
        ("/chat", "ws://a#", RequestError::Target),
        ("/chat", "ws:/a", RequestError::Target),
        ("/chat", "?a", RequestError::Target),
        ("/chat", "http://a\\b/", RequestError::Target),
        ("/chat", "a:80", RequestError::Target),
    ]);
}

#[test]
fn lines_that_are_refused() {
    let end = |offset| RequestError::LineEnd { offset };
    let host = REQUEST.find("Host").unwrap();
    let start = "GET /chat HTTP/1.1\r\n";
    refuses([
        // Line ends.
        (start, "\nGET /chat HTTP/1.1\r\n", end(0)),
        (start, "\rGET /chat HTTP/1.1\r\n", end(1)),
        (start, "\r\r\nGET /chat HTTP/1.1\r\n", end(1)),
        (start, "\r\n\nGET /chat HTTP/1.1\r\n", end(2)),
        (start, "\r\n \r\nGET /chat HTTP/1.1\r\n", RequestError::Malformed { offset: 2 }),
        (start, "GET /chat HTTP/1.1\n", end(18)),
        (start, "GET /chat HTTP/1.1\r", end(19)),
        (start, "GET /chat HTTP/1.1\r\r\n", end(19)),
        (start, "GET /chat\r HTTP/1.1\r\n", end(10)),
        (HOST, "Host: a\n", end(host + 7)),
        (HOST, "Host: a\nX: b\r\n", end(host + 7)),
        (HOST, "Host: a\r", end(host + 8)),
        (HOST, "Host: \ra\r\n", end(host + 7)),
        (HOST, "Host: a\r\r\n", end(host + 8)),
        ("13\r\n\r\n", "13\r\n\n", end(REQUEST.len() - 2)),
        ("13\r\n\r\n", "13\n\n", end(REQUEST.len() - 4)),
        ("13\r\n\r\n", "13\r\n\r \r\n", end(REQUEST.len() - 1)),
        // Header lines.
        (HOST, "Host: a\r\n folded\r\n", RequestError::Malformed { offset: host + 9 }),
        (HOST, "Host: a\r\n\tfolded\r\n", RequestError::Malformed { offset: host + 9 }),
        (HOST, "Host: a\r\n \r\n", RequestError::Malformed { offset: host + 9 }),
        (HOST, " Host: a\r\n", line("Host")),
        (HOST, "Host : a\r\n", line("Host")),
        (HOST, "Host\t: a\r\n", line("Host")),
        (HOST, "Host\r\n", line("Host")),
        (HOST, ": a\r\n", line("Host")),
        (HOST, "Ho(st: a\r\n", line("Host")),
        (HOST, "H\u{F6}st: a\r\n", line("Host")),
        (HOST, "Host: a\0\r\n", line("Host")),
        (HOST, "Host: a\x01\r\n", line("Host")),
        (HOST, "Host: \x7F\r\n", line("Host")),
        // Host.
        (HOST, "", RequestError::Host),
        (HOST, "Host:\r\n", RequestError::Host),
        (HOST, "Host: a b\r\n", RequestError::Host),
        (HOST, "Host: a/b\r\n", RequestError::Host),
        (HOST, "Host: user@a\r\n", RequestError::Host),
        (HOST, "Host: a:b\r\n", RequestError::Host),
        (HOST, "Host: a:80:80\r\n", RequestError::Host),
        (HOST, "Host: :80\r\n", RequestError::Host),
        (HOST, "Host: ::1\r\n", RequestError::Host),
        (HOST, "Host: [::1\r\n", RequestError::Host),
        (HOST, "Host: []\r\n", RequestError::Host),
        (HOST, "Host: [::1]80\r\n", RequestError::Host),
        (HOST, "Host: gr\u{FC}n\r\n", RequestError::Host),
        (HOST, "Host: a\r\nHost: a\r\n", repeated("Host")),
        (HOST, "Host: a\r\nhOST: b\r\n", repeated("Host")),
    ]);
}

#[test]
fn headers_that_are_refused() {
    refuses([
        // The headers of an upgrade.
        (UPGRADE, "", RequestError::NotAnUpgrade),
        (UPGRADE, "Upgrade:\r\n", RequestError::NotAnUpgrade),
        (UPGRADE, "Upgrade: h2c\r\n", RequestError::NotAnUpgrade),
        (UPGRADE, "Upgrade: websockets\r\n", RequestError::NotAnUpgrade),
        (UPGRADE, "Upgrade: \"websocket\"\r\n", RequestError::NotAnUpgrade),
        (UPGRADE, "Upgrade: websocket h2c\r\n", RequestError::NotAnUpgrade),
        (UPGRADE, "Upgrade: websocket/13\r\n", RequestError::NotAnUpgrade),
        (UPGRADE, "X-Upgrade: websocket\r\n", RequestError::NotAnUpgrade),
        (CONNECTION, "", RequestError::Connection),
        (CONNECTION, "Connection: keep-alive\r\n", RequestError::Connection),
        (CONNECTION, "Connection: upgrade keep-alive\r\n", RequestError::Connection),
        (CONNECTION, "Connection: upgrades\r\n", RequestError::Connection),
        // The WebSocket version.
        (VERSION, "", RequestError::WebSocketVersion),
        (VERSION, "Sec-WebSocket-Version: 8\r\n", RequestError::WebSocketVersion),
        (VERSION, "Sec-WebSocket-Version: 013\r\n", RequestError::WebSocketVersion),
        (VERSION, "Sec-WebSocket-Version: 13, 8\r\n", RequestError::WebSocketVersion),
        (VERSION, "Sec-WebSocket-Version:\r\n", RequestError::WebSocketVersion),
        (
            VERSION,
            "Sec-WebSocket-Version: 13\r\n".repeat(2).leak(),
            repeated("Sec-WebSocket-Version"),
        ),
        // The key: missing, short, long, of 15 or 17 bytes, unpadded, of another alphabet, twice.
        (KEY, "", RequestError::Key),
        (KEY, "Sec-WebSocket-Key:\r\n", RequestError::Key),
        (KEY, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n", RequestError::Key),
        (KEY, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWVl\r\n", RequestError::Key),
        (KEY, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=\r\n", RequestError::Key),
        (KEY, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n", RequestError::Key),
        (KEY, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==AAAA\r\n", RequestError::Key),
        (KEY, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j-Q==\r\n", RequestError::Key),
        (KEY, "Sec-WebSocket-Key: dGhl HNhbXBsZSBub25jZQ==\r\n", RequestError::Key),
        (KEY, "Sec-WebSocket-Key: ========================\r\n", RequestError::Key),
        (
            KEY,
            "Sec-WebSocket-Key: \u{E9}\u{E9}\u{E9}\u{E9}\u{E9}\u{E9}\u{E9}\u{E9}\u{E9}\u{E9}\u{E9}\u{E9}\r\n",
            RequestError::Key,
        ),
        (KEY, KEY.repeat(2).leak(), repeated("Sec-WebSocket-Key")),
        // Origin.
        (ORIGIN, "Origin:\r\n", RequestError::Origin),
        (ORIGIN, "Origin: http://a http://b\r\n", RequestError::Origin),
        (ORIGIN, "Origin: http://gr\u{FC}n\r\n", RequestError::Origin),
        (ORIGIN, ORIGIN.repeat(2).leak(), repeated("Origin")),
        // A body.
        (ORIGIN, "Content-Length: 1\r\n", RequestError::Body),
        (ORIGIN, "Content-Length:\r\n", RequestError::Body),
        (ORIGIN, "Content-Length: 0, 0\r\n", RequestError::Body),
        (ORIGIN, "Content-Length: 0\r\nContent-Length: 5\r\n", RequestError::Body),
        (ORIGIN, "Transfer-Encoding: chunked\r\n", RequestError::Body),
        (ORIGIN, "Transfer-Encoding: identity\r\n", RequestError::Body),
        // Subprotocols.
        (PROTOCOL, "Sec-WebSocket-Protocol:\r\n", RequestError::Subprotocols),
        (PROTOCOL, "Sec-WebSocket-Protocol: , ,\r\n", RequestError::Subprotocols),
        (PROTOCOL, "Sec-WebSocket-Protocol: a b\r\n", RequestError::Subprotocols),
        (PROTOCOL, "Sec-WebSocket-Protocol: a/b\r\n", RequestError::Subprotocols),
        (PROTOCOL, "Sec-WebSocket-Protocol: \"a\"\r\n", RequestError::Subprotocols),
        (PROTOCOL, "Sec-WebSocket-Protocol: \u{E9}\r\n", RequestError::Subprotocols),
    ]);
}

/// A fault of the first line is reported before faults of the headers.
#[test]
fn of_several_faults_one_is_named() {
    let start = "GET /chat HTTP/1.1\r\n";
    refuses([
        (start, "POST /chat HTTP/1.0\r\n", RequestError::HttpVersion),
        (start, "POST chat HTTP/1.1\r\n", RequestError::Method),
        (HOST, "X: \x01\r\nHo st: a\r\n", line("Host")),
        (" /chat HTTP/1.1\r\n", " chat HTTP/1.1\r\nX: \x01\r\n", RequestError::Target),
    ]);
}

#[test]
fn bytes_that_are_no_utf_8_are_refused() {
    for (from, to, expected) in [
        ("/chat", &b"/\xFF"[..], line("GET")),
        ("server.example.com", b"\xFF", RequestError::Host),
        ("http://example.com", b"\xFF", RequestError::Origin),
        ("superchat", b"\xFF", RequestError::Subprotocols),
        ("Origin", b"\xFF", line("Origin")),
    ] {
        let at = REQUEST.find(from).unwrap();
        let rest = &REQUEST.as_bytes()[at + from.len()..];
        let head = [&REQUEST.as_bytes()[..at], to, rest].concat();
        assert_eq!(refused(&head), expected, "{}", head.escape_ascii());
    }
}

#[test]
fn every_error_has_its_status_and_a_whole_answer() {
    use RequestError as E;
    for (error, status) in [
        (E::LineTooLong { limit: 1 }, 414),
        (E::TooLong { limit: 1 }, 431),
        (E::TooManyHeaders { limit: 1 }, 431),
        (E::LineEnd { offset: 1 }, 400),
        (E::Malformed { offset: 1 }, 400),
        (E::HttpVersion, 505),
        (E::Method, 405),
        (E::Target, 400),
        (E::Host, 400),
        (E::Repeated { header: "Host" }, 400),
        (E::Body, 400),
        (E::NotAnUpgrade, 426),
        (E::Connection, 400),
        (E::WebSocketVersion, 426),
        (E::Key, 400),
        (E::Origin, 400),
        (E::Subprotocols, 400),
        (E::Extensions, 400),
        (E::InputShrunk { expected: 2, found: 1 }, 500),
    ] {
        assert_eq!(error.status(), status, "{error}");
        let (headers, body) = answer(&error.rejection(), status);
        assert!(!body.is_empty());
        assert!(error.to_string().starts_with(&body), "{error}: {body}");
        let header = |name: &str| headers.iter().find(|it| it.0 == name).map(|it| &*it.1);
        assert_eq!(header("Allow"), (status == 405).then_some("GET"));
        assert_eq!(header("Upgrade"), (status == 426).then_some("websocket"));
        assert_eq!(header("Sec-WebSocket-Version"), (status == 426).then_some("13"));
        let upgrade = if status == 426 { "close, Upgrade" } else { "close" };
        assert_eq!(header("Connection"), Some(upgrade));
    }
}

/// Returns the headers and body of a refusal, as another parser reads them.
fn answer(rejection: &Rejection<'_>, status: u16) -> (Vec<(String, String)>, String) {
    let mut buffer = [0; 1024];
    let len = rejection.encode(&mut buffer).unwrap();
    assert_eq!(rejection.encoded_len(), len);
    assert_eq!(rejection.encode(&mut [0; 1024][..len - 1]), Err(BufferTooSmall { needed: len }));
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut parsed = httparse::Response::new(&mut headers);
    let head = parsed.parse(&buffer[..len]).unwrap().unwrap();
    assert_eq!((parsed.version, parsed.code), (Some(1), Some(status)));
    let text = |bytes: &[u8]| String::from_utf8(bytes.into()).unwrap();
    let headers: Vec<_> =
        parsed.headers.iter().map(|it| (it.name.into(), text(it.value))).collect();
    let body = text(&buffer[head..len]);
    assert!(headers.contains(&("Content-Length".into(), body.len().to_string())));
    (headers, body)
}

#[test]
fn a_server_has_refusals_of_its_own() {
    for status in [300, 302, 303, 305, 399, 400, 401, 403, 404, 418, 429, 499, 500, 503, 599] {
        let (headers, body) = answer(&Rejection::new(status).unwrap(), status);
        assert_eq!((headers.len(), &*body), (2, ""));
    }
    for status in [0, 99, 100, 101, 199, 200, 204, 299, 304, 600, 999, u16::MAX] {
        assert_eq!(Rejection::new(status), Err(Unsendable::Status { status }));
    }
    let login = [("WWW-Authenticate", "Basic realm=\"x\"")];
    let rejection = Rejection::new(401).unwrap().headers(&login).unwrap().body("gr\u{FC}n\r\n");
    let (headers, body) = answer(&rejection, 401);
    assert_eq!(body, "gr\u{FC}n\r\n");
    let pairs: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(
        pairs,
        [
            ("Connection", "close"),
            ("Content-Length", "7"),
            ("Content-Type", "text/plain; charset=utf-8"),
            login[0],
        ]
    );
    let json = [("content-TYPE", "application/json")];
    let (headers, _) = answer(&rejection.headers(&json).unwrap().body("{}"), 401);
    assert_eq!(headers[2], ("content-TYPE".into(), "application/json".into()));
    assert_eq!(headers.len(), 3, "the given type replaces the default");
}

#[test]
fn subprotocols_come_in_the_clients_order_and_one_is_chosen() {
    let lists = "Sec-WebSocket-Protocol:a,\tb\r\nX: y\r\nSEC-WEBSOCKET-PROTOCOL: \tc ,d.2!~\r\n";
    let head = changed(PROTOCOL, lists);
    assert_eq!(accepted(&head).subprotocols, ["a", "b", "c", "d.2!~"]);

    let mut server = ServerHandshake::new();
    let request = server.decode(&head).unwrap().unwrap();
    assert_eq!(request.select_subprotocol(&["x", "c", "a"]), Some("c"), "the server's preference");
    assert_eq!(request.select_subprotocol(&["A"]), None, "case counts");
    assert_eq!(request.select_subprotocol(&[]), None);
    for name in ["x", "A", "", "a, b", "a\r\n"] {
        assert_eq!(request.accept().subprotocol(name).err(), Some(Unsendable::NotOffered));
    }
    let list = |count| {
        let names: Vec<_> = (0..count).map(|number| format!("p{number}")).collect();
        changed(PROTOCOL, &format!("Sec-WebSocket-Protocol: {}\r\n", names.join(",")))
    };
    assert_eq!(accepted(&list(200)).subprotocols.len(), 200);
}

/// The RFC tells clients to name each subprotocol once
/// ([RFC 6455, section 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)), but does not tell
/// servers to refuse other clients
/// ([RFC 6455, section 4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1)).
#[test]
fn a_subprotocol_may_be_offered_twice() {
    for lists in [
        "Sec-WebSocket-Protocol: a,,a\r\n",
        "Sec-WebSocket-Protocol: a\r\nsec-websocket-protocol: a\r\n",
    ] {
        let head = changed(PROTOCOL, lists);
        assert_eq!(accepted(&head).subprotocols, ["a", "a"]);
        let mut server = ServerHandshake::new();
        let request = server.decode(&head).unwrap().unwrap();
        assert!(request.accept().subprotocol("a").is_ok());
    }
}

/// The RFC's own example has such a key
/// ([RFC 6455, section 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)). Only the 16 bytes
/// matter, and the response is computed from the text.
#[test]
fn a_key_may_have_spare_bits() {
    for (key, accept) in [
        ("AQIDBAUGBwgJCgsMDQ4PEC==", "OfS0wDaT5NoxF2gqm7Zj2YtetzM="),
        ("dGhlIHNhbXBsZSBub25jZR==", "Zgw8jYXtqX5qJr7MJ1Q/MqzeSRI="),
        ("abcdefghijklmnopqrstuv==", "bgAIe1Uyl8RkKSUGzScol17gp1Y="),
    ] {
        let head = changed(KEY, &format!("Sec-WebSocket-Key: {key}\r\n"));
        accepted(&head);
        let mut server = ServerHandshake::new();
        let acceptance = server.decode(&head).unwrap().unwrap().accept();
        let mut buffer = [0; 256];
        let len = acceptance.encode(&mut buffer).unwrap();
        let said = std::str::from_utf8(&buffer[..len]).unwrap();
        assert!(said.contains(&format!("\r\nSec-WebSocket-Accept: {accept}\r\n")), "{said}");
        assert_eq!(&accept_key(key), accept.as_bytes());
    }
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for last in alphabet.chars() {
        let key = format!("Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXD{last}==\r\n");
        assert!(ServerHandshake::new().decode(&changed(KEY, &key)).is_ok(), "{key}");
    }
}

/// A client may have written an empty line after an earlier body
/// ([RFC 9112, section 2.2](https://www.rfc-editor.org/rfc/rfc9112#section-2.2)).
#[test]
fn empty_lines_before_a_request_are_passed_over() {
    let plain = accepted(REQUEST.as_bytes());
    for count in [1, 2, 100] {
        let empty = "\r\n".repeat(count);
        let head = [&empty, REQUEST].concat();
        let seen = accepted(head.as_bytes());
        assert_eq!(seen.head_len, head.len());
        assert_eq!(Seen { head_len: plain.head_len, ..seen }, plain);
        // Offsets count the empty lines.
        let server = REQUEST.find("Upgrade").unwrap();
        let bad = head.replace("Upgrade: websocket", "Upgrade : websocket");
        let malformed = RequestError::Malformed { offset: empty.len() + server };
        assert_eq!(refused(bad.as_bytes()), malformed);
        let bad = [&empty, "GET /\n"].concat();
        assert_eq!(refused(bad.as_bytes()), RequestError::LineEnd { offset: bad.len() - 1 });
        // Limits count them too.
        let limit = head.len();
        assert!(matches!(request(limit, head.as_bytes()), (Ok(Some(_)), at) if at == limit));
        let limit = limit - 1;
        let over = (Err(RequestError::TooLong { limit }), limit);
        assert_eq!(request(limit, head.as_bytes()), over);
        for limit in [empty.len(), empty.len() + 1, empty.len() + 5] {
            let over = (Err(RequestError::LineTooLong { limit }), limit);
            assert_eq!(request(limit, head.as_bytes()), over);
        }
    }
    let endless = "\r\n".repeat(1000);
    let over = (Err(RequestError::LineTooLong { limit: 999 }), 999);
    assert_eq!(request(999, endless.as_bytes()), over);
    // `Headers` reads bytes in the same way.
    let head = ["\r\n\r\n", REQUEST].concat();
    assert_eq!(Headers::new(head.as_bytes()).count(), plain.headers.len());
}

#[test]
fn what_a_proxy_asks_for_has_a_path() {
    for (target, path, query) in [
        ("/", "/", None),
        ("/a/b?c=d?e", "/a/b", Some("c=d?e")),
        ("ws://a", "/", None),
        ("wss://a?b", "/", Some("b")),
        ("https://a/?", "/", Some("")),
        ("http://a/b", "/b", None),
    ] {
        let head = changed("/chat", target);
        let mut server = ServerHandshake::new();
        let request = server.decode(&head).unwrap().unwrap();
        assert_eq!((request.path(), request.query()), (path, query), "{target}");
    }
}

#[test]
fn extensions_follow_their_grammar() {
    let head = |value: &str| changed(PROTOCOL, &format!("Sec-WebSocket-Extensions: {value}\r\n"));
    for (value, expected) in [
        ("a", &["a"][..]),
        ("a,b", &["a", "b"]),
        (" a\t,\tb ", &["a", "b"]),
        (",a, ,b,", &["a", "b"]),
        ("a;b", &["a;b"]),
        ("a ; b ; c=1", &["a;b;c=1"]),
        ("a;b = 1\t; b=2", &["a;b=1;b=2"]),
        ("a;b=\"1\"", &["a;b=1"]),
        ("a;b=\"\\1\\5\"", &["a;b=15"]),
        ("a;b=\"x\\y\";c, d", &["a;b=xy;c", "d"]),
        (
            "permessage-deflate; client_max_window_bits, permessage-deflate",
            &["permessage-deflate;client_max_window_bits", "permessage-deflate"],
        ),
        (
            "a\r\nX: y\r\nsec-websocket-extensions: b;c\r\nSec-WebSocket-Extensions:a",
            &["a", "b;c", "a"],
        ),
        // An apostrophe may be part of a token.
        ("a;b='", &["a;b='"]),
    ] {
        assert_eq!(accepted(&head(value)).extensions, expected, "{value}");
    }
    for value in [
        "",
        ",",
        "a;,b",
        ";",
        ";b",
        "a;",
        "a;;b",
        "a b",
        "a=b",
        "a;b=",
        "a;=b",
        "a;b==c",
        "a;b c",
        "a;b=c d",
        "a;b=\"",
        "a;b=\"\"",
        "a;b=\"c",
        "a;b=c\"",
        "a;b=\"c\"d",
        "a;b=\"c d\"",
        "a;b=\"c,d\"",
        "a;b=\"c;d\"",
        "a;b=\"c\\\"",
        "a;b=\"c\\",
        "a;b=\"\\,\"",
        "a;b=\"\\\"\"",
        "a;b=\"c\\\\\"",
        "\"a\"",
        "a;\"b\"",
        "a/b",
        "\u{E9}",
        "a;b=\u{E9}",
        "a;b=\"\\\u{E9}\"",
        ",\r\nSec-WebSocket-Extensions: ",
    ] {
        assert_eq!(refused(&head(value)), RequestError::Extensions, "{value}");
    }

    let head = head("a;b=\"\\1\\5\"");
    let mut server = ServerHandshake::new();
    let request = server.decode(&head).unwrap().unwrap();
    let (_, value) = request.extensions().next().unwrap().params().next().unwrap();
    let value = value.unwrap();
    assert_eq!(value, "15");
    assert_eq!(value, value);
    assert_ne!(value, *"1");
    assert_eq!(format!("{value} {value:?}"), "15 \"15\"");
    assert!(value.bytes().eq(*b"15"));
}

#[test]
fn a_head_may_be_as_long_as_its_limit() {
    let len = REQUEST.len();
    assert!(matches!(request(len, REQUEST.as_bytes()), (Ok(Some(_)), at) if at == len));
    // A shorter limit is passed at its last byte, whether the rest has arrived or not. The request
    // line has its own status (RFC 9112, section 3).
    let line = REQUEST.find("Host").unwrap();
    for limit in (0..len).rev() {
        let too_long = RequestError::TooLong { limit };
        let line_too_long = RequestError::LineTooLong { limit };
        let expected = (Err(if limit < line { line_too_long } else { too_long }), limit);
        assert_eq!(request(limit, REQUEST.as_bytes()), expected);
        if limit > 0 {
            let (verdict, _) = request(limit, &REQUEST.as_bytes()[..limit - 1]);
            assert_eq!(verdict, Ok(None), "nothing is decided yet");
        }
    }
    // The default limit.
    let padded = |total: usize| {
        let padding = "x".repeat(total - len - "X: \r\n".len());
        changed(VERSION, &format!("X: {padding}\r\n{VERSION}"))
    };
    assert_eq!(padded(DEFAULT_MAX_HEAD).len(), DEFAULT_MAX_HEAD);
    assert_eq!(accepted(&padded(DEFAULT_MAX_HEAD)).head_len, DEFAULT_MAX_HEAD);
    let over = RequestError::TooLong { limit: DEFAULT_MAX_HEAD };
    assert_eq!(refused(&padded(DEFAULT_MAX_HEAD + 1)), over);
    let long_target = changed("/chat", &format!("/{}", "x".repeat(DEFAULT_MAX_HEAD)));
    let over = RequestError::LineTooLong { limit: DEFAULT_MAX_HEAD };
    assert_eq!(refused(&long_target), over);
    // The error names the first fault: a line end before the limit, or the limit before a line end.
    assert_eq!(request(5, b"GET \n").0, Err(RequestError::LineEnd { offset: 4 }));
    assert_eq!(request(4, b"GET \n").0, Err(RequestError::LineTooLong { limit: 4 }));
    assert_eq!(request(5, b"GET \r\r").0, Err(RequestError::LineTooLong { limit: 5 }));
    assert_eq!(request(6, b"GET \r\r").0, Err(RequestError::LineEnd { offset: 5 }));
}

#[test]
fn a_head_may_have_as_many_headers_as_the_limit() {
    let with =
        |count: usize| changed(VERSION, &["X: y\r\n".repeat(count - 7), VERSION.into()].concat());
    assert_eq!(accepted(&with(DEFAULT_MAX_HEADERS)).headers.len(), DEFAULT_MAX_HEADERS);
    let over = RequestError::TooManyHeaders { limit: DEFAULT_MAX_HEADERS };
    assert_eq!(refused(&with(DEFAULT_MAX_HEADERS + 1)), over);
    assert_eq!(refused(&with(500)), over);
    for limit in [0, 1, 8, 1000] {
        let server = |count| {
            let mut server = ServerHandshake::new().max_headers(limit);
            server.decode(&with(count)).map(|request| request.unwrap().headers().count())
        };
        assert_eq!(server(limit + 7), Err(RequestError::TooManyHeaders { limit }));
        if limit > 7 {
            assert_eq!(server(limit), Ok(limit));
        }
    }
    // Faults in the headers before the limit come first.
    let malformed = changed(HOST, &["Host\r\n", &"X: y\r\n".repeat(200)].concat());
    assert_eq!(refused(&malformed), line("Host"));
    let malformed = changed(VERSION, &["X: y\r\n".repeat(200), "Host\r\n".into()].concat());
    assert_eq!(refused(&malformed), over);
}

#[test]
fn what_stands_behind_the_head_is_left() {
    let mut server = ServerHandshake::new().max_head(REQUEST.len());
    for frames in ["", "\r", "\n", "\r\n\r\n", "\u{81}\u{85}", "GET / HTTP/1.1\r\n\r\n"] {
        let input = [REQUEST, frames].concat();
        let head_len = server.clone().decode(input.as_bytes()).unwrap().unwrap().head_len();
        assert_eq!(&input[head_len..], frames);
    }
    // Asked again with more bytes after the head, the machine repeats itself.
    for behind in [0, 3, 9] {
        let input = [REQUEST.as_bytes(), &vec![b'\n'; behind]].concat();
        assert_eq!(server.decode(&input).unwrap().unwrap().head_len(), REQUEST.len());
    }
}

#[test]
fn an_input_that_shrinks_is_misuse_and_does_no_harm() {
    let mut server = ServerHandshake::default();
    assert!(server.decode(&REQUEST.as_bytes()[..20]).unwrap().is_none());
    let misuse = RequestError::InputShrunk { expected: 20, found: 19 };
    assert_eq!(server.decode(&REQUEST.as_bytes()[..19]).unwrap_err(), misuse);
    assert!(server.decode(REQUEST.as_bytes()).unwrap().is_some());
}

#[test]
fn no_other_headers_get_into_an_acceptance() {
    let mut server = ServerHandshake::new();
    let accept = server.decode(REQUEST.as_bytes()).unwrap().unwrap().accept();
    let refused = |name: &str, value: &str| {
        let headers = [("X-Fine", "y"), (name, value)];
        let error = accept.headers(&headers).err();
        assert_eq!(Rejection::new(404).unwrap().headers(&headers).err(), error);
        error
    };
    for name in [
        "Connection",
        "UPGRADE",
        "content-length",
        "Transfer-Encoding",
        "Sec-WebSocket-Accept",
        "sec-websocket-protocol",
        "SEC-WEBSOCKET-EXTENSIONS",
        "Sec-WebSocket-X",
    ] {
        assert_eq!(refused(name, "a"), Some(Unsendable::ReservedHeader { index: 1 }), "{name}");
    }
    for (name, offset) in [("", 0), ("a b", 1), ("a:", 1), ("a\r\n", 1), ("\u{E9}", 0), ("a\0", 1)]
    {
        assert_eq!(refused(name, "a"), Some(Unsendable::HeaderName { index: 1, offset }), "{name}");
    }
    for (value, offset) in
        [("a\r\nb: c", 1), ("\n", 0), ("a\0", 1), ("\x7F", 0), (" a", 0), ("a\t", 1), ("a\x1B", 1)]
    {
        let expected = Some(Unsendable::HeaderValue { index: 1, offset });
        assert_eq!(refused("X", value), expected, "{value:?}");
    }
    for (name, value) in [("X", ""), ("X", "a b\tc"), ("X", "\u{E9}"), ("Sec-WebSocke", "a")] {
        assert_eq!(refused(name, value), None);
    }
    let allow = [("allow", "POST")];
    assert!(accept.headers(&allow).is_ok());
    let reserved = Err(Unsendable::ReservedHeader { index: 0 });
    assert_eq!(Rejection::new(405).unwrap().headers(&allow), reserved);
}

/// tungstenite, CVE-2023-43669: each new byte made it parse the whole head again.
#[test]
fn a_head_that_drips_costs_no_more_per_byte_if_it_is_longer() {
    let drip = |len: usize| {
        let line = format!("X: {}\r\n", "x".repeat(1019));
        let mut head = String::from("GET / HTTP/1.1\r\n");
        while head.len() < len {
            head += &line;
        }
        let mut server = ServerHandshake::new().max_head(usize::MAX);
        let start = Instant::now();
        for end in 0..head.len() {
            assert!(server.decode(&head.as_bytes()[..end]).unwrap().is_none());
        }
        start.elapsed()
    };
    let best = |len| (0..3).map(|_| drip(len)).min().unwrap().max(Duration::from_micros(1));
    // With 64 times the bytes the cost is 64 times as high if it is linear, and 4096 times if it is
    // quadratic.
    let (short, long) = (best(16 << 10), best(1 << 20));
    let ratio = long.as_secs_f64() / short.as_secs_f64();
    assert!(ratio < 500.0, "{short:?} for 16 KiB, {long:?} for 1 MiB");
}

/// A limit that is set late, below the bytes already seen, still counts.
#[test]
fn a_limit_that_is_lowered() {
    let mut server = ServerHandshake::new();
    assert!(matches!(server.decode(&[b'a'; 100]), Ok(None)));
    let mut server = server.max_head(10);
    let error = server.decode(&[b'a'; 101]).map(drop);
    assert_eq!(error, Err(RequestError::LineTooLong { limit: 10 }));
}

/// A copied request says the same after its buffer is gone.
#[cfg(feature = "alloc")]
#[test]
fn an_owned_request_is_answered_later() {
    let head = b"\r\nGET /chat?a=b HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://h\r\n\
        Sec-WebSocket-Protocol: soap, chat\r\nX-A: b\r\n\r\n";
    let mut received = [&head[..], b"\x81\x80\0\0\0\0"].concat();
    let request = ServerHandshake::new().decode(&received).unwrap().unwrap();
    let expected = request.accept().subprotocol("chat").unwrap().to_bytes();
    let owned = request.into_owned();
    received.drain(..owned.head_len());
    assert_eq!(received, b"\x81\x80\0\0\0\0");
    let request = owned.request();
    assert_eq!((request.target(), request.host()), ("/chat?a=b", "h"));
    assert_eq!((request.path(), request.query()), ("/chat", Some("a=b")));
    assert_eq!(request.origin(), Some("https://h"));
    assert_eq!(request.header("x-a"), Some(&b"b"[..]));
    assert!(request.subprotocols().eq(["soap", "chat"]));
    assert_eq!(request.head_len(), head.len());
    assert_eq!(request.accept().subprotocol("chat").unwrap().to_bytes(), expected);
    assert!(request.accept().subprotocol("other").is_err());
}

#[test]
fn a_page_is_of_the_same_origin_if_its_host_and_port_are() {
    for (origin, is_same) in [
        ("", true),
        ("Origin: http://server.example.com\r\n", true),
        ("Origin: HTTPS://Server.example.com\r\n", true),
        ("Origin: http://server.example.com:8080\r\n", false),
        ("Origin: http://server.example.com.evil.example\r\n", false),
        ("Origin: http://evil.example\r\n", false),
        ("Origin: server.example.com\r\n", false),
        ("Origin: null\r\n", false),
    ] {
        let head = changed(ORIGIN, origin);
        let request = ServerHandshake::new().decode(&head).unwrap().unwrap();
        assert_eq!(request.is_same_origin(), is_same, "{origin}");
    }
}
