//! A client's handshake: the request that it writes, and the responses that it accepts.

use eventwire::ws::handshake::{
    ClientRequest, DEFAULT_MAX_HEAD, DEFAULT_MAX_HEADERS, Headers, Rejection, ResponseError,
    ServerHandshake, Unsendable, accept_key,
};
use eventwire::{BufferTooSmall, Url};
use eventwire_test_support::handshake::{Seen, response};
use proptest::prelude::*;

const NONCE: [u8; 16] = *b"the sample nonce";

/// The example of the RFC
/// ([RFC 6455, section 1.2](https://www.rfc-editor.org/rfc/rfc6455#section-1.2)), with one more
/// header.
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\
    Server: some\r\n\r\n";

const UPGRADE: &str = "Upgrade: websocket\r\n";
const CONNECTION: &str = "Connection: Upgrade\r\n";
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const PROTOCOL: &str = "Sec-WebSocket-Protocol: chat\r\n";
const STATUS: &str = "HTTP/1.1 101 Switching Protocols\r\n";

fn request() -> ClientRequest<'static> {
    let request = ClientRequest::new("server.example.com", "/chat", NONCE).unwrap();
    request.subprotocols(&["chat", "superchat"]).unwrap()
}

/// Returns the RFC's response with `from` replaced by `to`.
fn changed(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(RESPONSE.matches(from).count(), 1, "{from}");
    RESPONSE.replacen(from, to, 1).into()
}

fn accepted(head: &[u8]) -> Seen {
    let (verdict, decided) = response(&request(), DEFAULT_MAX_HEAD, head);
    let seen = verdict.unwrap_or_else(|error| panic!("{error}: {}", head.escape_ascii()));
    assert_eq!(decided, head.len());
    seen.expect("the head is whole")
}

/// Returns the error. Checks that it comes with the deciding byte.
fn refused(head: &[u8]) -> ResponseError {
    let (verdict, decided) = response(&request(), DEFAULT_MAX_HEAD, head);
    let error = verdict.expect_err(&head.escape_ascii().to_string());
    let deciding = match error {
        ResponseError::LineEnd { offset } => offset + 1,
        ResponseError::TooLong { limit } => limit,
        _ => head.len(),
    };
    assert_eq!(decided, deciding, "{error}: {}", head.escape_ascii());
    error
}

/// Writes the request in every way there is, and checks that all agree.
fn encode(request: &ClientRequest<'_>) -> String {
    let mut exact = vec![0; request.encoded_len()];
    assert_eq!(request.encode(&mut exact), Ok(exact.len()));
    let needed = BufferTooSmall { needed: exact.len() };
    let small = exact.len() - 1;
    assert_eq!(request.encode(&mut exact.clone()[..small]), Err(needed));
    #[cfg(feature = "alloc")]
    {
        assert_eq!(request.to_bytes(), exact);
        let mut growing = Vec::new();
        request.encode_to(&mut growing).unwrap();
        assert_eq!(growing, exact);
    }
    String::from_utf8(exact).unwrap()
}

#[test]
fn the_rfcs_sample() {
    let seen = accepted(RESPONSE.as_bytes());
    assert_eq!(seen.subprotocols, ["chat"]);
    assert_eq!((seen.headers.len(), seen.head_len), (5, RESPONSE.len()));
    assert!(seen.extensions.is_empty());
    let mut handshake = request().handshake();
    let response = handshake.decode(RESPONSE.as_bytes()).unwrap().unwrap();
    assert_eq!(response.header("SERVER"), Some(&b"some"[..]));

    let sent = encode(&request().origin("http://example.com").unwrap());
    let expected = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\nOrigin: http://example.com\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\n\r\n";
    assert_eq!(sent, expected);
}

#[test]
fn what_is_accepted() {
    for (from, to) in [
        (STATUS, "HTTP/1.1 101 \r\n"),
        (STATUS, "HTTP/1.1 101\r\n"),
        (STATUS, "HTTP/1.1 101 gr\u{FC}n\r\n"),
        (UPGRADE, "uPGRADE:\tWebSocket \r\n"),
        (UPGRADE, "Upgrade: ,websocket ,\r\n"),
        (UPGRADE, "Upgrade:\r\nUpgrade: websocket\r\n"),
        (CONNECTION, "Connection: keep-alive, ,upgrade\r\n"),
        (CONNECTION, "Connection: keep-alive\r\nConnection: UPGRADE\r\n"),
        (ACCEPT, "sec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t\r\n"),
        (PROTOCOL, "Sec-WebSocket-Protocol:\tsuperchat \r\n"),
        (PROTOCOL, "Sec-WebSocket-Protocol: chat\r\nContent-Length: 0\r\n"),
        (PROTOCOL, "Sec-WebSocket-Protocol: chat\r\nTransfer-Encoding: chunked\r\n"),
    ] {
        accepted(&changed(from, to));
    }
}

/// The WebSocket standard of WHATWG and MQTT demand this.
#[test]
fn a_server_that_chooses_no_subprotocol_does_not_open_unless_it_need_not() {
    let silent = changed(PROTOCOL, "");
    assert_eq!(refused(&silent), ResponseError::NoSubprotocol);
    let verdict = |request: ClientRequest<'_>, head: &[u8]| {
        let found = response(&request, DEFAULT_MAX_HEAD, head).0;
        #[cfg(feature = "alloc")]
        {
            let mut owned = request.handshake().into_owned();
            let owned = owned.decode(head).map(|response| response.as_ref().map(Seen::response));
            assert_eq!(owned, found);
        }
        found.map(|seen| seen.unwrap().subprotocols)
    };
    let lenient = request().require_subprotocol(false);
    assert_eq!(verdict(request(), &silent), Err(ResponseError::NoSubprotocol));
    assert_eq!(verdict(lenient.clone(), &silent), Ok(vec![]));
    assert_eq!(verdict(lenient.clone(), RESPONSE.as_bytes()), Ok(vec!["chat".to_owned()]));
    // Any other subprotocol is wrong in every case, and so is an empty header.
    for chosen in ["other", "", "chat, superchat"] {
        let head = changed(PROTOCOL, &format!("Sec-WebSocket-Protocol: {chosen}\r\n"));
        assert_eq!(verdict(lenient.clone(), &head), Err(ResponseError::Subprotocol), "{chosen}");
    }
    // A client that requested no subprotocol does not need one.
    let plain = ClientRequest::new("h", "/", NONCE).unwrap();
    assert_eq!(verdict(plain.clone(), &silent), Ok(vec![]));
    assert_eq!(verdict(plain.clone().subprotocols(&[]).unwrap(), &silent), Ok(vec![]));
    let unexpected = Err(ResponseError::UnexpectedSubprotocol);
    assert_eq!(verdict(plain.clone(), RESPONSE.as_bytes()), unexpected);
    let several = changed(PROTOCOL, &PROTOCOL.repeat(2));
    assert_eq!(verdict(plain, &several), unexpected);
}

#[test]
fn a_request_of_a_url() {
    for (url, target, host, credentials) in [
        ("ws://127.0.0.1:9107?x=1", "/?x=1", "127.0.0.1:9107", None),
        ("WS://127.0.0.1:9107/", "/", "127.0.0.1:9107", None),
        ("ws://user:pw@127.0.0.1:9107/", "/", "127.0.0.1:9107", Some("Basic dXNlcjpwdw==")),
        ("wss://h:443", "/", "h", None),
        ("https://[::1]:80/a?b#c", "/a?b", "[::1]:80", None),
        ("ws://Aladdin:open%20sesame@h/", "/", "h", Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
        ("ws://test:123%C2%A3@h/", "/", "h", Some("Basic dGVzdDoxMjPCow==")),
        ("ws://a@h/", "/", "h", Some("Basic YTo=")),
        ("ws://ab@h/", "/", "h", Some("Basic YWI6")),
        ("ws://:@h/", "/", "h", None),
    ] {
        let url = Url::parse(url).unwrap();
        let sent = encode(&ClientRequest::from_url(&url, NONCE).unwrap());
        let authorization = credentials.map(|it| format!("Authorization: {it}\r\n"));
        let expected = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Version: 13\r\n{}\r\n",
            authorization.unwrap_or_default()
        );
        assert_eq!(sent, expected);
        assert_eq!(url.credentials().map(|it| it.to_string()).as_deref(), credentials);
        let mut server = ServerHandshake::new();
        let received = server.decode(sent.as_bytes()).unwrap().unwrap();
        assert_eq!((received.target(), received.host()), (target, host));
    }
    // The program's own header replaces it.
    let url = Url::parse("ws://user:pw@h/").unwrap();
    let token = [("X", "y"), ("AUTHORIZATION", "Bearer abc")];
    let sent = encode(&ClientRequest::from_url(&url, NONCE).unwrap().headers(&token).unwrap());
    assert!(sent.ends_with("\r\nX: y\r\nAUTHORIZATION: Bearer abc\r\n\r\n"), "{sent}");
    assert!(!sent.contains("Basic"));
    let shown = format!("{:?}", ClientRequest::from_url(&url, NONCE).unwrap());
    assert!(!shown.contains("pw"), "{shown}");
}

#[test]
fn a_path_that_is_missing_is_written() {
    for (target, written) in [("", "/"), ("?", "/?"), ("?x=1", "/?x=1"), ("/?x=1", "/?x=1")] {
        let sent = encode(&ClientRequest::new("h", target, NONCE).unwrap());
        assert!(sent.starts_with(&format!("GET {written} HTTP/1.1\r\n")), "{sent}");
    }
}

#[test]
fn what_is_refused() {
    let line = |text: &str| ResponseError::Malformed { offset: RESPONSE.find(text).unwrap() };
    let end = |offset| ResponseError::LineEnd { offset };
    let server = RESPONSE.find("Server").unwrap();
    for (from, to, expected) in [
        // The status line.
        (STATUS, "HTTP/1.0 101 Switching Protocols\r\n", ResponseError::HttpVersion),
        (STATUS, "HTTP/2.0 101 Switching Protocols\r\n", ResponseError::HttpVersion),
        (STATUS, "HTTP/1.10 101 Switching Protocols\r\n", line("HTTP")),
        (STATUS, "http/1.1 101 Switching Protocols\r\n", line("HTTP")),
        (STATUS, "HTTP/1.1  101 Switching Protocols\r\n", line("HTTP")),
        (STATUS, "HTTP/1.1 1O1 Switching Protocols\r\n", line("HTTP")),
        (STATUS, "HTTP/1.1 1010 Switching Protocols\r\n", line("HTTP")),
        (STATUS, "HTTP/1.1 +10 Switching Protocols\r\n", line("HTTP")),
        (STATUS, "HTTP/1.1 101 a\0\r\n", line("HTTP")),
        (STATUS, "HTTP/1.1\r\n", line("HTTP")),
        (STATUS, " HTTP/1.1 101 Switching Protocols\r\n", line("HTTP")),
        (STATUS, "SSH-2.0-OpenSSH\r\n", line("HTTP")),
        // Line ends and header lines.
        (STATUS, "\r\nHTTP/1.1 101 Switching Protocols\r\n", end(0)),
        (STATUS, "HTTP/1.1 101 Switching Protocols\n", end(32)),
        (STATUS, "HTTP/1.1 101\rSwitching Protocols\r\n", end(13)),
        ("Server: some\r\n", "Server: some\n", end(server + 12)),
        ("Server: some\r\n", "Server: so\rme\r\n", end(server + 11)),
        ("Server: some", "Server : some", line("Server")),
        ("Server: some", " Server: some", line("Server")),
        ("Server: some", "Server", line("Server")),
        ("Server: some", "Server: \x08", line("Server")),
        // The headers of an upgrade.
        (UPGRADE, "", ResponseError::Upgrade),
        (UPGRADE, "Upgrade: h2c\r\n", ResponseError::Upgrade),
        (UPGRADE, "Upgrade: websocket, h2c\r\n", ResponseError::Upgrade),
        (UPGRADE, "Upgrade: websocket\r\nUpgrade: websocket\r\n", ResponseError::Upgrade),
        (CONNECTION, "", ResponseError::Connection),
        (CONNECTION, "Connection: keep-alive\r\n", ResponseError::Connection),
        // The accept value: missing, for another key, in another case, short, twice.
        (ACCEPT, "", ResponseError::Accept),
        (ACCEPT, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp=\r\n", ResponseError::Accept),
        (ACCEPT, "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n", ResponseError::Accept),
        (ACCEPT, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n", ResponseError::Accept),
        (ACCEPT, "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n", ResponseError::Accept),
        (ACCEPT, ACCEPT.repeat(2).leak(), ResponseError::Accept),
        // The server's choices.
        (PROTOCOL, "Sec-WebSocket-Protocol: Chat\r\n", ResponseError::Subprotocol),
        (PROTOCOL, "Sec-WebSocket-Protocol: other\r\n", ResponseError::Subprotocol),
        (PROTOCOL, "Sec-WebSocket-Protocol:\r\n", ResponseError::Subprotocol),
        (PROTOCOL, "Sec-WebSocket-Protocol: chat, superchat\r\n", ResponseError::Subprotocol),
        (PROTOCOL, PROTOCOL.repeat(2).leak(), ResponseError::Subprotocol),
        (
            "Server: some\r\n",
            "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            ResponseError::Extension,
        ),
        ("Server: some\r\n", "Sec-WebSocket-Extensions: a\r\n", ResponseError::Extension),
        ("Server: some\r\n", "Sec-WebSocket-Extensions:\r\n", ResponseError::Extension),
    ] {
        let head = changed(from, to);
        assert_eq!(refused(&head), expected, "{}", head.escape_ascii());
    }
    // A subprotocol that was not requested.
    let plain = ClientRequest::new("h", "/", NONCE).unwrap();
    let (verdict, _) = response(&plain, DEFAULT_MAX_HEAD, RESPONSE.as_bytes());
    assert_eq!(verdict, Err(ResponseError::UnexpectedSubprotocol));
    // A response to another client.
    let other = ClientRequest::new("h", "/", [0; 16]).unwrap();
    let (verdict, _) = response(&other, DEFAULT_MAX_HEAD, RESPONSE.as_bytes());
    assert_eq!(verdict, Err(ResponseError::Accept));
}

#[test]
fn another_status_is_for_the_application_to_look_at() {
    for (line, status) in [
        ("HTTP/1.1 200 OK", 200),
        ("HTTP/1.1 302 Found", 302),
        ("HTTP/1.0 401 Unauthorized", 401),
        ("HTTP/1.1 503", 503),
        ("HTTP/1.1 000 ", 0),
    ] {
        let head = format!("{line}\r\nLocation: /there\r\nContent-Length: 5\r\n\r\n");
        let head_len = head.len();
        assert_eq!(refused(head.as_bytes()), ResponseError::Status { status, head_len });
        let input = [&head, "body\n"].concat();
        let headers: Vec<_> = Headers::new(&input.as_bytes()[..head_len]).collect();
        assert_eq!(headers, [("Location", &b"/there"[..]), ("Content-Length", b"5")]);
    }
    let mut buffer = [0; 256];
    let len = Rejection::new(404).unwrap().encode(&mut buffer).unwrap();
    assert!(matches!(refused(&buffer[..len]), ResponseError::Status { status: 404, .. }));
}

#[test]
fn headers_can_be_looked_for_in_any_bytes() {
    for (head, expected) in [
        (&b""[..], &[][..]),
        (b"HTTP/1.1 200 OK", &[]),
        (b"HTTP/1.1 200 OK\r\n", &[]),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nC: d\r\n", &[("A", &b"b"[..])]),
        (b"x\nA:\xFF\nno header\n:x\nB b: c\nC: d:e\r\nD: cut", &[("A", b"\xFF"), ("C", b"d:e")]),
    ] {
        let found: Vec<_> = Headers::new(head).collect();
        assert_eq!(found, expected, "{}", head.escape_ascii());
    }
}

#[test]
fn limits() {
    let len = RESPONSE.len();
    assert!(response(&request(), len, RESPONSE.as_bytes()).0.is_ok());
    for limit in [0, 1, 17, len - 1] {
        let verdict = response(&request(), limit, RESPONSE.as_bytes());
        assert_eq!(verdict, (Err(ResponseError::TooLong { limit }), limit));
    }
    let with =
        |count: usize| changed(PROTOCOL, &["X: y\r\n".repeat(count - 5), PROTOCOL.into()].concat());
    assert_eq!(accepted(&with(DEFAULT_MAX_HEADERS)).headers.len(), DEFAULT_MAX_HEADERS);
    let over = ResponseError::TooManyHeaders { limit: DEFAULT_MAX_HEADERS };
    assert_eq!(refused(&with(DEFAULT_MAX_HEADERS + 1)), over);
    assert_eq!(over.to_string(), "response with more than 100 headers");
    // The request passes both limits to its handshake and to its check.
    let decode = |request: ClientRequest<'_>, count| {
        let head = with(count);
        let found = request.handshake().decode(&head).map(drop);
        assert_eq!(request.response_check().handshake().decode(&head).map(drop), found);
        #[cfg(feature = "alloc")]
        assert_eq!(request.handshake().into_owned().decode(&head).map(drop), found);
        found
    };
    for limit in [5, 6, 200] {
        assert_eq!(decode(request().max_headers(limit), limit), Ok(()));
        let over = Err(ResponseError::TooManyHeaders { limit });
        assert_eq!(decode(request().max_headers(limit), limit + 1), over);
        let mut handshake = request().handshake().max_headers(limit);
        assert_eq!(handshake.decode(&with(limit + 1)).map(drop), over);
    }
    let limit = with(100).len() - 1;
    let over = Err(ResponseError::TooLong { limit });
    assert_eq!(decode(request().max_head(limit), 100), over);
    assert_eq!(decode(request().max_head(limit + 1), 100), Ok(()));

    let mut handshake = request().handshake();
    assert!(handshake.decode(&RESPONSE.as_bytes()[..20]).unwrap().is_none());
    let misuse = ResponseError::InputShrunk { expected: 20, found: 3 };
    assert_eq!(handshake.decode(&RESPONSE.as_bytes()[..3]).unwrap_err(), misuse);
    assert!(handshake.decode(RESPONSE.as_bytes()).unwrap().is_some());
}

/// websocketpp, poco: frames after the response are lost.
#[test]
fn frames_behind_the_response_are_left() {
    let input = [RESPONSE.as_bytes(), b"\x81\x02hi"].concat();
    let mut handshake = request().handshake();
    let head_len = handshake.decode(&input).unwrap().unwrap().head_len();
    assert_eq!(&input[head_len..], b"\x81\x02hi");
}

#[test]
fn what_would_break_a_request_cannot_be_set() {
    let host = |host| ClientRequest::new(host, "/", NONCE).err();
    for (text, offset) in [
        ("", 0),
        ("a b", 1),
        ("a\r\nX: y", 1),
        ("a/", 1),
        ("a?", 1),
        ("a#", 1),
        ("u@a", 1),
        ("a\\", 1),
        ("\0", 0),
        ("a\t", 1),
        ("gr\u{FC}n", 2),
        ("a:x", 2),
        ("a:1:2", 3),
        (":1", 0),
        ("[::1", 1),
        ("[]", 1),
        ("[::1]x", 5),
        ("a[", 1),
        ("[", 1),
        ("[zz]", 1),
        ("[1.2.3.4]", 1),
        ("[::1]:x", 6),
        ("a%41", 1),
        ("a,b", 1),
        ("a:65536", 2),
        ("a:99999999999999999999", 2),
    ] {
        assert_eq!(host(text), Some(Unsendable::Host { offset }), "{text:?}");
    }
    for text in
        ["a", "a:1", "[::1]", "[::1]:80", "127.0.0.1:8080", "xn--grn-joa.example", "a_b", "a:65535"]
    {
        assert_eq!(host(text), None, "{text}");
    }
    let target = |target| ClientRequest::new("a", target, NONCE).err();
    for (text, offset) in [
        ("a", 0),
        ("*", 0),
        ("http://a/", 0),
        ("?a#", 2),
        ("? ", 1),
        ("/ ", 1),
        ("/a b", 2),
        ("/\r\n", 1),
        ("/\n", 1),
        ("/\0", 1),
        ("/\x7F", 1),
        ("/#a", 1),
        ("/gr\u{FC}n", 3),
        ("/ HTTP/1.1\r\nX: y", 1),
    ] {
        assert_eq!(target(text), Some(Unsendable::Target { offset }), "{text:?}");
    }
    for text in ["", "?", "?a", "/", "/a/b?c=d&e=%20|{}", "//"] {
        assert_eq!(target(text), None, "{text}");
    }
    for (text, offset) in [("", 0), ("a b", 1), ("a\r", 1), ("\u{FC}", 0), ("a\0", 1)] {
        let expected = Some(Unsendable::Origin { offset });
        assert_eq!(request().origin(text).err(), expected, "{text:?}");
    }
    assert!(request().origin("null").is_ok());
    for (names, offset) in [
        (["a", ""], 0),
        (["a", "b c"], 1),
        (["a", "b,c"], 1),
        (["a", "b\r\n"], 1),
        (["a", "\u{FC}"], 0),
    ] {
        let expected = Some(Unsendable::Subprotocol { index: 1, offset });
        assert_eq!(request().subprotocols(&names).err(), expected, "{names:?}");
    }
    let twice = request().subprotocols(&["a", "A", "a"]).err();
    assert_eq!(twice, Some(Unsendable::RepeatedSubprotocol { index: 2 }));
    assert!(!encode(&request().subprotocols(&[]).unwrap()).contains("Protocol"));
    for name in [
        "host",
        "ORIGIN",
        "Upgrade",
        "Connection",
        "Content-Length",
        "Transfer-Encoding",
        "Sec-WebSocket-Key",
        "sec-websocket-version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
    ] {
        let headers = [(name, "a")];
        let expected = Some(Unsendable::ReservedHeader { index: 0 });
        assert_eq!(request().headers(&headers).err(), expected, "{name}");
    }
    let injected = [("Cookie", "a=b\r\nX: y")];
    let expected = Some(Unsendable::HeaderValue { index: 0, offset: 3 });
    assert_eq!(request().headers(&injected).err(), expected);
}

/// Generates text in which every special case is likely.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(vec![
            "a", "b", "/", "1", ":", ".", "-", "?", "=", "Host", "Cookie", "Sec-WebSocket-",
        ]).prop_map(str::to_owned),
        1 => proptest::sample::select(vec![
            "\n", "\r", "\r\n", " ", "\t", ",", "\"", "\0", "\u{FC}", "#", "[", "]", "@", "\x7F", "",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn pairs(headers: &[httparse::Header<'_>]) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8(value.into()).unwrap();
    headers.iter().map(|it| (it.name.into(), text(it.value))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..Default::default()
    })]

    /// Any string that is accepted comes out as exactly that header, and nothing else.
    #[test]
    fn nothing_breaks_out_of_its_line(
        host in text(),
        target in text(),
        origin in prop::option::of(text()),
        names in prop::collection::vec(text(), 0..4),
        more in prop::collection::vec((text(), text()), 0..4),
        nonce in any::<[u8; 16]>(),
        body in text(),
        status in 300..600_u16,
    ) {
        let host = if ClientRequest::new(&host, "/", nonce).is_ok() { &*host } else { "a" };
        let slashed = format!("/{target}");
        let target = [&*target, &slashed].into_iter().find(|it| {
            ClientRequest::new(host, it, nonce).is_ok()
        }).unwrap_or("/");
        let mut request = ClientRequest::new(host, target, nonce).unwrap();
        let origin = origin.as_deref().filter(|it| request.clone().origin(it).is_ok());
        if let Some(origin) = origin {
            request = request.origin(origin).unwrap();
        }
        // A missing path is sent as `/`.
        let missing = if target.starts_with('/') { "" } else { "/" };
        let target = [missing, target].concat();
        let names: Vec<_> = names.iter().map(|name| &**name)
            .filter(|name| request.clone().subprotocols(&[name]).is_ok()).collect();
        let request = request.subprotocols(&names);
        prop_assume!(request.is_ok());
        let request = request.unwrap();
        let more: Vec<_> = more.iter().map(|(name, value)| (&**name, &**value))
            .filter(|it| request.clone().headers(&[*it]).is_ok()).collect();
        let request = request.headers(&more).unwrap();
        let sent = encode(&request);

        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        prop_assert_eq!(parsed.parse(sent.as_bytes()), Ok(httparse::Status::Complete(sent.len())));
        prop_assert_eq!((parsed.method, parsed.path), (Some("GET"), Some(&*target)));
        let mut server = ServerHandshake::new();
        let received = server.decode(sent.as_bytes()).unwrap().unwrap();
        let key = std::str::from_utf8(received.header("Sec-WebSocket-Key").unwrap()).unwrap();
        let mut expected = vec![
            ("Host", host), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", "13"),
        ];
        expected.extend(origin.map(|origin| ("Origin", origin)));
        let list = names.join(", ");
        if !names.is_empty() {
            expected.push(("Sec-WebSocket-Protocol", &list));
        }
        expected.extend(&more);
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
        };
        prop_assert_eq!(pairs(parsed.headers), own(&expected));
        prop_assert!(received.headers().eq(expected.iter().map(|it| (it.0, it.1.as_bytes()))));
        prop_assert!(received.subprotocols().eq(names.iter().copied()));

        // The same holds for both kinds of response.
        let mut buffer = [0; 4096];
        let mut acceptance = received.accept().headers(&more).unwrap();
        if let Some(name) = names.last() {
            acceptance = acceptance.subprotocol(name).unwrap();
        }
        let len = acceptance.encode(&mut buffer).unwrap();
        let response = request.handshake().decode(&buffer[..len]).unwrap().unwrap();
        prop_assert_eq!((response.subprotocol(), response.head_len()), (names.last().copied(), len));
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut headers);
        prop_assert_eq!(parsed.parse(&buffer[..len]), Ok(httparse::Status::Complete(len)));
        let accept = accept_key(key);
        let mut expected = vec![
            ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", std::str::from_utf8(&accept).unwrap()),
        ];
        expected.extend(names.last().map(|name| ("Sec-WebSocket-Protocol", *name)));
        expected.extend(&more);
        prop_assert_eq!(pairs(parsed.headers), own(&expected));

        let status = if matches!(status, 304 | 405 | 426) { 403 } else { status };
        let rejection = Rejection::new(status).unwrap().body(&body);
        let more: Vec<_> = more.into_iter().filter(|it| rejection.headers(&[*it]).is_ok()).collect();
        let len = rejection.headers(&more).unwrap().encode(&mut buffer).unwrap();
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut headers);
        let head = parsed.parse(&buffer[..len]).unwrap().unwrap();
        prop_assert_eq!(&buffer[head..len], body.as_bytes());
        let count = 2 + usize::from(!body.is_empty()) + more.len();
        prop_assert_eq!((parsed.code, parsed.headers.len()), (Some(status), count));
        prop_assert_eq!(&pairs(parsed.headers)[count - more.len()..], &own(&more)[..]);
    }

    /// Any input has a verdict and causes no panic.
    #[test]
    fn any_bytes_have_one_verdict(input in text(), max_head in 0..200_usize) {
        let _ = response(&request(), max_head, input.as_bytes());
        let _ = eventwire_test_support::handshake::request(max_head, input.as_bytes());
    }
}

/// A client must skip any number of interim responses
/// ([RFC 9110, section 15.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.2)).
#[test]
fn interim_responses() {
    let final_head = RESPONSE.as_bytes().to_vec();
    for interim in [
        &b"HTTP/1.1 100 Continue\r\n\r\n"[..],
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 \r\n\r\n",
        b"HTTP/1.1 199 X\r\nSec-WebSocket-Accept: none\r\n\r\n",
    ] {
        let seen = accepted(&[interim, &final_head].concat());
        assert_eq!(seen.head_len, interim.len() + final_head.len());
        assert_eq!(seen.headers, accepted(&final_head).headers);

        let refusal = [interim, b"HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n"].concat();
        let head_len = refusal.len();
        assert_eq!(refused(&refusal), ResponseError::Status { status: 302, head_len });
        let headers: Vec<_> = Headers::new(&refusal).collect();
        assert_eq!(headers, [("Location", &b"/there"[..])]);

        let malformed = [interim, b"HTTP/1.1 101 X\r\n a\r\n\r\n"].concat();
        let offset = interim.len() + b"HTTP/1.1 101 X\r\n".len();
        assert_eq!(refused(&malformed), ResponseError::Malformed { offset });

        let empty_line = [interim, b"\r\n"].concat();
        assert_eq!(refused(&empty_line), ResponseError::LineEnd { offset: interim.len() });
    }
    // The limit counts all of them together.
    let endless = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    assert_eq!(refused(&endless), ResponseError::TooLong { limit: 16 << 10 });
}

/// A request that owns its parts is the same as one that borrows them.
#[cfg(feature = "alloc")]
#[test]
fn an_owned_request_is_the_same() {
    let text = String::from("wss://user:secret@example.com:444/chat?a=b");
    let names = [String::from("chat"), String::from("superchat")];
    let owned = {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let value = String::from("b");
        let headers = [("X-A", &*value)];
        let request = ClientRequest::from_url(&text, NONCE).unwrap();
        let request = request.origin("https://example.com").unwrap();
        let request = request.subprotocols(&names).unwrap().headers(&headers).unwrap();
        let request = request.max_head(400).header("X-C", String::from("d")).unwrap();
        let owned = request.clone().into_owned();
        assert_eq!(encode(&owned), encode(&request));
        assert_eq!(owned, owned.clone());
        assert_eq!(owned.key(), request.key());
        assert!(!format!("{owned:?}").contains("secret"));
        owned
    };
    let head = encode(&owned);
    assert!(head.starts_with("GET /chat?a=b HTTP/1.1\r\nHost: example.com:444\r\n"), "{head}");
    assert!(
        head.ends_with(
            "\r\nOrigin: https://example.com\r\n\
         Sec-WebSocket-Protocol: chat, superchat\r\n\
         Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\
         X-A: b\r\nX-C: d\r\n\r\n"
        ),
        "{head}"
    );
    let (verdict, _) = response(&owned, DEFAULT_MAX_HEAD, RESPONSE.as_bytes());
    assert!(verdict.unwrap().is_some());
    let (verdict, _) = response(&owned.clone().max_head(20), 20, RESPONSE.as_bytes());
    assert_eq!(verdict, Err(ResponseError::TooLong { limit: 20 }));
    // A further `Authorization` replaces that of the URL, however it was added.
    let own = owned.header("authorization", "Bearer x").unwrap().into_owned();
    let head = encode(&own);
    assert!(!head.contains("Basic") && head.contains("\r\nauthorization: Bearer x\r\n"), "{head}");
}

#[cfg(feature = "alloc")]
#[test]
fn a_header_is_checked_like_others() {
    let request = || ClientRequest::new("h", "/", NONCE).unwrap();
    for (name, value, error) in [
        ("", "a", Unsendable::HeaderName { index: 0, offset: 0 }),
        ("a b", "a", Unsendable::HeaderName { index: 0, offset: 1 }),
        ("a", " a", Unsendable::HeaderValue { index: 0, offset: 0 }),
        ("a", "a\r\nb: c", Unsendable::HeaderValue { index: 0, offset: 1 }),
        ("Host", "h", Unsendable::ReservedHeader { index: 0 }),
        ("ORIGIN", "h", Unsendable::ReservedHeader { index: 0 }),
        ("Upgrade", "h", Unsendable::ReservedHeader { index: 0 }),
        ("Sec-WebSocket-Key", "h", Unsendable::ReservedHeader { index: 0 }),
        ("Content-Length", "0", Unsendable::ReservedHeader { index: 0 }),
    ] {
        assert_eq!(request().header(name, value).unwrap_err(), error, "{name}: {value}");
    }
    let request = request().header("a", "").unwrap().header(String::from("b"), vec![0xE9]).unwrap();
    assert!(request.to_bytes().ends_with(b"\r\na: \r\nb: \xE9\r\n\r\n"));
}

#[test]
fn a_url_that_is_none_is_refused() {
    let error = ClientRequest::from_url("localhost:8080", NONCE).unwrap_err();
    assert_eq!(error, eventwire::InvalidUrl::Scheme);
    assert_eq!(Unsendable::from(error).to_string(), error.to_string());
    let url = Url::parse("ws://example.com").unwrap();
    assert_eq!(
        ClientRequest::from_url(url, NONCE),
        ClientRequest::from_url("ws://example.com", NONCE)
    );
}

#[test]
fn a_response_is_checked_by_key_and_subprotocols_alone() {
    use eventwire::ws::handshake::{ResponseCheck, Upgrade};
    let key = Upgrade::from_key("dGhlIHNhbXBsZSBub25jZQ==").unwrap();
    assert_eq!(key, Upgrade::new(NONCE));
    assert_eq!(key.key(), "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(&key.accept(), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for none in
        ["", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZSE=", "dGhlIHNhbXBsZSBub25j!Q=="]
    {
        assert_eq!(Upgrade::from_key(none), None, "{none}");
    }
    let check = ResponseCheck::new(key);
    let verdict = |check: ResponseCheck<'_>, head: &[u8]| {
        check.handshake().decode(head).map(|it| it.unwrap().subprotocol().map(str::to_owned))
    };
    let chosen = Ok(Some("chat".to_owned()));
    let names = check.clone().subprotocols(&["soap", "chat"]).unwrap();
    assert_eq!(verdict(names.clone(), RESPONSE.as_bytes()), chosen);
    let silent = changed(PROTOCOL, "");
    assert_eq!(verdict(check.clone(), &silent), Ok(None));
    assert_eq!(verdict(names.clone(), &silent), Err(ResponseError::NoSubprotocol));
    assert_eq!(verdict(names.require_subprotocol(false), &silent), Ok(None));
    let unexpected = Err(ResponseError::UnexpectedSubprotocol);
    assert_eq!(verdict(check.clone(), RESPONSE.as_bytes()), unexpected);
    let other = check.clone().subprotocols(&["soap"]).unwrap();
    assert_eq!(verdict(other, RESPONSE.as_bytes()), Err(ResponseError::Subprotocol));
    let repeated = check.subprotocols(&["a", "a"]).unwrap_err();
    assert_eq!(repeated, Unsendable::RepeatedSubprotocol { index: 1 });
    let other = ResponseCheck::new(Upgrade::new([0; 16]));
    assert_eq!(verdict(other, &silent), Err(ResponseError::Accept));
    assert_eq!(
        request().response_check().subprotocols(&["chat", "superchat"]).unwrap(),
        request().response_check()
    );
}

#[cfg(feature = "getrandom")]
#[test]
fn nonces_of_the_operating_system_differ() {
    use eventwire::ws::handshake::os_nonce;
    assert_ne!(os_nonce().unwrap(), os_nonce().unwrap());
}
