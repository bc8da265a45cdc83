//! The handshake over the `http` crate's types: the same verdicts, and extended CONNECT.

use eventwire::Url;
use eventwire::ws::handshake::{
    ClientRequest, Rejection, Request, RequestError, ResponseError, ServerHandshake, Unsendable,
};
use eventwire_test_support::handshake::Seen;
use http::uri::Scheme;
use http::{Method, StatusCode, Version, header};

const NONCE: [u8; 16] = *b"the sample nonce";

fn client() -> ClientRequest<'static> {
    let request = ClientRequest::new("example.com:8080", "/chat?a=b", NONCE).unwrap();
    let request = request.origin("https://example.com").unwrap();
    let request = request.subprotocols(&["chat", "superchat"]).unwrap();
    request.headers(&[("Cookie", "a=b"), ("Cookie", "gr\u{FC}n")]).unwrap()
}

fn connect() -> http::Request<()> {
    let request = ClientRequest::connect("example.com", "/chat?a=b").unwrap();
    let request = request.origin("https://example.com").unwrap();
    request.subprotocols(&["chat", "superchat"]).unwrap().to_http(Scheme::HTTPS).unwrap()
}

/// Parses a head as an HTTP library would show it.
fn parsed(head: &str) -> http::Request<()> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(head.as_bytes()).unwrap();
    let mut request =
        http::Request::builder().method(parsed.method.unwrap()).uri(parsed.path.unwrap());
    for header in parsed.headers.iter() {
        request = request.header(header.name, header.value);
    }
    request.body(()).unwrap()
}

#[test]
fn both_forms_of_a_request_say_the_same() {
    let wire = client().to_bytes();
    let request = client().to_http().unwrap();
    assert_eq!((request.version(), request.method()), (Version::HTTP_11, &Method::GET));
    assert_eq!(request.uri(), "/chat?a=b");

    let seen = Seen::request(&Request::from_http(&request).unwrap());
    let mut expected = Seen::request(&ServerHandshake::new().decode(&wire).unwrap().unwrap());
    for seen in &mut expected.headers {
        seen.0.make_ascii_lowercase();
    }
    assert_eq!(seen.head_len, 0);
    expected.head_len = 0;
    let sorted = |mut seen: Seen| {
        seen.headers.sort();
        seen
    };
    assert_eq!(sorted(seen), sorted(expected));
    assert_eq!(
        Request::from_http(&request).unwrap().header("ORIGIN"),
        Some(&b"https://example.com"[..])
    );
}

#[test]
fn both_forms_of_a_request_have_one_verdict() {
    let wire = String::from_utf8(client().to_bytes().into()).unwrap();
    let verdict = |head: &str| {
        let said = |request: Request<'_>| {
            let seen = Seen::request(&request);
            (seen.target, seen.host, seen.origin, seen.subprotocols, seen.extensions)
        };
        let mut server = ServerHandshake::new();
        let expected = server.decode(head.as_bytes()).map(|request| said(request.unwrap()));
        let request = parsed(head);
        let found = Request::from_http(&request).map(said);
        assert_eq!(found, expected, "{head}");
        found.map(drop)
    };
    assert_eq!(verdict(&wire), Ok(()));
    let twice = |header| RequestError::Repeated { header };
    for (from, to, expected) in [
        ("GET", "POST", RequestError::Method),
        ("/chat?a=b", "*", RequestError::Target),
        ("/chat?a=b", "ftp://a/", RequestError::Target),
        ("/chat?a=b", "ws://u@a/", RequestError::Target),
        ("Host: example.com:8080", "X: y", RequestError::Host),
        ("Host: example.com:8080", "Host: a b", RequestError::Host),
        ("Host: example.com:8080", "Host: a\r\nHost: b", twice("Host")),
        ("Upgrade: websocket", "Upgrade: h2c", RequestError::NotAnUpgrade),
        ("Connection: Upgrade", "Connection: close", RequestError::Connection),
        ("Version: 13", "Version: 8", RequestError::WebSocketVersion),
        ("Key: dGhl", "Key: dGhlAAAA", RequestError::Key),
        ("Origin: https://example.com", "Origin: gr\u{FC}n", RequestError::Origin),
        ("Cookie: a=b", "Origin: a", twice("Origin")),
        ("Cookie: a=b", "Content-Length: 5", RequestError::Body),
        ("chat, superchat", ", ", RequestError::Subprotocols),
        ("Cookie: a=b", "Transfer-Encoding: chunked", RequestError::Body),
        ("Cookie: a=b", "Sec-WebSocket-Extensions: a;", RequestError::Extensions),
    ] {
        assert_eq!(wire.matches(from).count(), 1, "{from}");
        assert_eq!(verdict(&wire.replace(from, to)), Err(expected));
    }
    // Lists over several headers, and a target with its own host.
    for (from, to) in [
        ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: x, upgrade"),
        ("Cookie: a=b", "Sec-WebSocket-Protocol: third"),
        ("/chat?a=b", "http://other.example/chat"),
        ("/chat?a=b", "https://other.example:8443/chat?c=d"),
        ("/chat?a=b", "http://other.example"),
        ("/chat?a=b", "http://other.example?x=/y"),
        ("/chat?a=b", "wss://other.example/chat"),
        ("/chat?a=b", "WS://other.example:80?x"),
        ("ZQ==", "ZR=="),
        ("chat, superchat", "chat, ,chat,"),
        ("Cookie: a=b", "Sec-WebSocket-Extensions: , a; b=1, ,"),
    ] {
        assert_eq!(verdict(&wire.replace(from, to)), Ok(()));
    }
    let request = parsed(&wire.replace("/chat?a=b", "http://other.example/chat"));
    assert_eq!(Request::from_http(&request).unwrap().host(), "other.example");

    for version in [Version::HTTP_09, Version::HTTP_10, Version::HTTP_2, Version::HTTP_3] {
        let mut request = client().to_http().unwrap();
        *request.version_mut() = version;
        assert_eq!(Request::from_http(&request).unwrap_err(), RequestError::HttpVersion);
    }
    for uri in ["ftp://a/", "http://u@a/", "example.com:80"] {
        let mut request = client().to_http().unwrap();
        *request.uri_mut() = uri.parse().unwrap();
        assert_eq!(Request::from_http(&request).unwrap_err(), RequestError::Target, "{uri}");
    }
}

#[test]
fn an_acceptance_is_verified() {
    let request = client().to_http().unwrap();
    let acceptance = Request::from_http(&request).unwrap().accept().subprotocol("chat").unwrap();
    let cookies = [("Set-Cookie", "a"), ("Set-Cookie", "b")];
    let response = acceptance.headers(&cookies).unwrap().to_http().unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()[header::UPGRADE], "websocket");
    assert_eq!(response.headers()[header::CONNECTION], "Upgrade");
    assert_eq!(response.headers()[header::SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(response.headers().get_all(header::SET_COOKIE).iter().count(), 2);
    assert_eq!(response.headers().len(), 6);

    let client = client();
    assert_eq!(client.verify(&response).unwrap().subprotocol(), Some("chat"));
    assert_eq!(client.verify(&response).unwrap().headers().count(), 6);
    let changed = |change: fn(&mut http::Response<()>)| {
        let mut response = response.clone();
        change(&mut response);
        client.verify(&response).unwrap_err()
    };
    let status = |status| ResponseError::Status { status, head_len: 0 };
    assert_eq!(changed(|it| *it.status_mut() = StatusCode::OK), status(200));
    assert_eq!(changed(|it| *it.version_mut() = Version::HTTP_2), ResponseError::HttpVersion);
    let error = changed(|it| drop(it.headers_mut().remove("upgrade")));
    assert_eq!(error, ResponseError::Upgrade);
    let error = changed(|it| drop(it.headers_mut().remove("connection")));
    assert_eq!(error, ResponseError::Connection);
    let error = changed(|it| drop(it.headers_mut().remove("sec-websocket-accept")));
    assert_eq!(error, ResponseError::Accept);
    let error = changed(|it| {
        it.headers_mut().insert("sec-websocket-protocol", "x".parse().unwrap());
    });
    assert_eq!(error, ResponseError::Subprotocol);
    let error = changed(|it| {
        it.headers_mut().insert("sec-websocket-extensions", "x".parse().unwrap());
    });
    assert_eq!(error, ResponseError::Extension);
    let other = ClientRequest::new("h", "/", [1; 16]).unwrap();
    assert_eq!(other.verify(&response).unwrap_err(), ResponseError::Accept);
}

#[test]
fn extended_connect() {
    let request = connect();
    assert_eq!((request.version(), request.method()), (Version::HTTP_2, &Method::CONNECT));
    assert_eq!(request.uri(), "https://example.com/chat?a=b");
    for absent in ["sec-websocket-key", "upgrade", "connection", "host"] {
        assert!(!request.headers().contains_key(absent), "{absent}");
    }
    let checked = Request::from_connect(&request, "websocket").unwrap();
    assert_eq!((checked.target(), checked.host()), ("/chat?a=b", "example.com"));
    assert_eq!(checked.origin(), Some("https://example.com"));
    assert!(checked.subprotocols().eq(["chat", "superchat"]));
    let unwanted = checked.accept().subprotocol("x").err();
    assert_eq!(unwanted, Some(Unsendable::NotOffered));

    let acceptance = checked.accept().subprotocol("chat").unwrap();
    let response = acceptance.headers(&[("x-a", "b")]).unwrap().to_http().unwrap();
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_2));
    assert_eq!(response.headers().len(), 2, "no upgrade and no key");
    let client = ClientRequest::connect("example.com", "/").unwrap();
    assert_eq!(client.verify(&response).unwrap_err(), ResponseError::UnexpectedSubprotocol);
    let client = client.subprotocols(&["chat"]).unwrap();
    assert_eq!(client.verify(&response).unwrap().subprotocol(), Some("chat"));
    for status in [101, 302, 404] {
        let mut response = response.clone();
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let expected = ResponseError::Status { status, head_len: 0 };
        assert_eq!(client.verify(&response).unwrap_err(), expected);
    }
    let mut old = response;
    *old.version_mut() = Version::HTTP_11;
    assert_eq!(client.verify(&old).unwrap_err(), ResponseError::HttpVersion);
    assert!(matches!(ClientRequest::connect("a b", "/"), Err(Unsendable::Host { offset: 1 })));
}

#[test]
fn what_extended_connect_refuses() {
    let refused = |protocol: &str, change: fn(&mut http::Request<()>)| {
        let mut request = connect();
        change(&mut request);
        Request::from_connect(&request, protocol).map(drop).unwrap_err()
    };
    assert_eq!(refused("connect-udp", |_| ()), RequestError::Protocol);
    assert_eq!(refused("WebSocket", |_| ()), RequestError::Protocol);
    let error = refused("websocket", |it| *it.version_mut() = Version::HTTP_11);
    assert_eq!(error, RequestError::HttpVersion);
    let error = refused("websocket", |it| *it.method_mut() = Method::GET);
    assert_eq!(error, RequestError::Method);
    // An ordinary CONNECT.
    let error = refused("websocket", |it| *it.uri_mut() = "example.com:80".parse().unwrap());
    assert_eq!(error, RequestError::Target);
    let error = refused("websocket", |it| *it.uri_mut() = "/chat".parse().unwrap());
    assert_eq!(error, RequestError::Host);
    let error = refused("websocket", |it| {
        it.headers_mut().insert("sec-websocket-version", "8".parse().unwrap());
    });
    assert_eq!(error, RequestError::WebSocketVersion);
    let error = refused("websocket", |it| drop(it.headers_mut().remove("sec-websocket-version")));
    assert_eq!(error, RequestError::WebSocketVersion);
    let error = refused("websocket", |it| {
        it.headers_mut().append("origin", "https://a".parse().unwrap());
    });
    assert_eq!(error, RequestError::Repeated { header: "Origin" });
    let error = refused("websocket", |it| {
        it.headers_mut().append("sec-websocket-protocol", "a b".parse().unwrap());
    });
    assert_eq!(error, RequestError::Subprotocols);
    for host in ["a b", "u@a", ""] {
        let mut request = connect();
        *request.uri_mut() = "/chat".parse().unwrap();
        request.headers_mut().insert("host", host.parse().unwrap());
        let error = Request::from_connect(&request, "websocket").unwrap_err();
        assert_eq!(error, RequestError::Host, "{host:?}");
        request.headers_mut().insert("host", "a".parse().unwrap());
        request.headers_mut().append("host", "a".parse().unwrap());
        let error = Request::from_connect(&request, "websocket").unwrap_err();
        assert_eq!(error, RequestError::Repeated { header: "Host" });
    }
}

/// This is how axum's own test sends it. If both are present, `:authority` counts
/// ([RFC 9114, section 4.3.1](https://www.rfc-editor.org/rfc/rfc9114#section-4.3.1)).
#[test]
fn extended_connect_with_host_in_place_of_authority() {
    let mut request = connect();
    request.headers_mut().insert("host", "server.example.com".parse().unwrap());
    assert_eq!(Request::from_connect(&request, "websocket").unwrap().host(), "example.com");
    *request.uri_mut() = "/echo?a".parse().unwrap();
    let checked = Request::from_connect(&request, "websocket").unwrap();
    assert_eq!((checked.host(), checked.target()), ("server.example.com", "/echo?a"));
    assert_eq!((checked.path(), checked.query()), ("/echo", Some("a")));
}

#[test]
fn a_server_that_chooses_no_subprotocol_does_not_open_unless_it_need_not() {
    let request = client().to_http().unwrap();
    let response = Request::from_http(&request).unwrap().accept().to_http().unwrap();
    assert_eq!(client().verify(&response).unwrap_err(), ResponseError::NoSubprotocol);
    let lenient = client().require_subprotocol(false);
    assert_eq!(lenient.verify(&response).unwrap().subprotocol(), None);

    let request = connect();
    let checked = Request::from_connect(&request, "websocket").unwrap();
    let response = checked.accept().to_http().unwrap();
    let client = ClientRequest::connect("example.com", "/").unwrap();
    assert_eq!(client.verify(&response).unwrap().subprotocol(), None);
    let client = client.subprotocols(&["chat"]).unwrap();
    assert_eq!(client.verify(&response).unwrap_err(), ResponseError::NoSubprotocol);
    let lenient = client.require_subprotocol(false);
    assert_eq!(lenient.verify(&response).unwrap().subprotocol(), None);
}

#[test]
fn requests_of_a_url() {
    let url = Url::parse("wss://user:pw@example.com:443?a=b").unwrap();
    let request = ClientRequest::from_url(&url, NONCE).unwrap().to_http().unwrap();
    assert_eq!(request.uri(), "/?a=b");
    assert_eq!(request.headers()["host"], "example.com");
    assert_eq!(request.headers()["authorization"], "Basic dXNlcjpwdw==");
    assert!(request.headers()["authorization"].is_sensitive());
    let seen = Seen::request(&Request::from_http(&request).unwrap());
    assert_eq!((&*seen.host, &*seen.target), ("example.com", "/?a=b"));

    let request = ClientRequest::connect_url(&url).unwrap().to_http(Scheme::HTTPS).unwrap();
    assert_eq!(request.uri(), "https://example.com/?a=b");
    assert_eq!(request.headers()["authorization"], "Basic dXNlcjpwdw==");
    let own = [("authorization", "Bearer abc")];
    let request = ClientRequest::connect_url(&url).unwrap().headers(&own).unwrap();
    let request = request.to_http(Scheme::HTTPS).unwrap();
    let all: Vec<_> = request.headers().get_all("authorization").iter().collect();
    assert_eq!(all, ["Bearer abc"]);
    for target in ["", "?a"] {
        let request = ClientRequest::new("a", target, NONCE).unwrap().to_http().unwrap();
        assert_eq!(request.uri(), &*format!("/{target}"));
    }
}

#[test]
fn rejections() {
    let headers = [("Location", "/there")];
    let rejection = Rejection::new(307).unwrap().headers(&headers).unwrap();
    let response = rejection.to_http(Version::HTTP_11).unwrap();
    assert_eq!((response.status().as_u16(), *response.body()), (307, ""));
    assert_eq!(response.headers()["location"], "/there");
    assert_eq!(response.headers().len(), 1);

    let rejection = RequestError::WebSocketVersion.rejection();
    let response = rejection.to_http(Version::HTTP_11).unwrap();
    assert_eq!(response.status(), 426);
    assert!(!response.body().is_empty());
    for (name, value) in [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("content-type", "text/plain; charset=utf-8"),
    ] {
        assert_eq!(response.headers()[name], value);
    }
    let response = rejection.to_http(Version::HTTP_2).unwrap();
    assert_eq!((response.status(), response.version()), (StatusCode::BAD_REQUEST, Version::HTTP_2));
    assert_eq!(response.headers()["sec-websocket-version"], "13");
    assert_eq!(response.headers().len(), 2, "no upgrade");
    for (version, allow) in [(Version::HTTP_11, "GET"), (Version::HTTP_3, "CONNECT")] {
        let response = RequestError::Method.rejection().to_http(version).unwrap();
        assert_eq!(response.headers()["allow"], allow);
    }
}

#[test]
fn what_the_http_crate_cannot_hold_is_an_error() {
    let long = format!("/{}", "a".repeat(1 << 16));
    assert!(ClientRequest::new("a", &long, NONCE).unwrap().to_http().is_err());
    let headers = [(&long[1..], "a")];
    assert!(client().headers(&headers).unwrap().to_http().is_err());
    assert!(
        Rejection::new(404).unwrap().headers(&headers).unwrap().to_http(Version::HTTP_11).is_err()
    );
}

#[test]
fn a_request_in_parts_is_the_same() {
    let (parts, ()) = client().to_http().unwrap().into_parts();
    let request = Request::from_parts(&parts).unwrap();
    assert_eq!((request.target(), request.host()), ("/chat?a=b", "example.com:8080"));
    let owned = request.into_owned();
    drop(parts);
    let response = owned.request().accept().subprotocol("chat").unwrap().to_http().unwrap();
    assert_eq!(client().verify(&response).unwrap().subprotocol(), Some("chat"));
    let (parts, ()) = response.into_parts();
    let check = client().response_check();
    assert_eq!(check.verify_parts(&parts).unwrap().subprotocol(), Some("chat"));
    assert_eq!(check.verify_parts(&http::Response::new(()).into_parts().0).unwrap_err(), {
        ResponseError::Status { status: 200, head_len: 0 }
    });

    let (parts, ()) = connect().into_parts();
    let request = Request::from_connect_parts(&parts, "websocket").unwrap();
    assert_eq!((request.target(), request.host()), ("/chat?a=b", "example.com"));
    assert!(request.into_owned().request().accept().subprotocol("superchat").is_ok());
    let error = Request::from_connect_parts(&parts, "connect-udp").unwrap_err();
    assert_eq!(error, RequestError::Protocol);
    assert_eq!(Request::from_parts(&parts).unwrap_err(), RequestError::HttpVersion);
}

/// A broken request for a WebSocket is still a request for a WebSocket.
#[test]
fn what_asks_for_a_websocket_is_told_from_other_requests() {
    use eventwire::ws::handshake::is_upgrade;
    let mut request = client().to_http().unwrap();
    assert!(is_upgrade(request.headers()));
    for header in ["host", "connection", "sec-websocket-key", "sec-websocket-version"] {
        request.headers_mut().remove(header);
        assert!(is_upgrade(request.headers()), "{header}");
        assert!(Request::from_http(&request).is_err(), "{header}");
    }
    for (value, is_one) in [
        ("WebSocket", true),
        ("h2c, websocket", true),
        ("h2c", false),
        ("websocket/13", false),
        ("", false),
    ] {
        request.headers_mut().insert("upgrade", value.parse().unwrap());
        assert_eq!(is_upgrade(request.headers()), is_one, "{value}");
    }
    request.headers_mut().append("upgrade", "websocket".parse().unwrap());
    assert!(is_upgrade(request.headers()), "in the second header");
    request.headers_mut().remove("upgrade");
    assert!(!is_upgrade(request.headers()));
}

/// Returns the head that is sent for this request.
fn sent(request: http::request::Builder) -> Result<String, Unsendable> {
    let request = ClientRequest::from_http(&request.body(()).unwrap(), [0; 16])?;
    Ok(request.to_bytes().iter().map(|&byte| char::from(byte)).collect())
}

#[test]
fn a_request_of_the_http_crate_is_sent() {
    // All headers that a client of tungstenite sets, and some that it need not set.
    let all = http::Request::get("ws://user:secret@example.com:80/chat?a=b")
        .header("Host", "other.example.com")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Origin", "https://example.com")
        .header("Sec-WebSocket-Protocol", "chat, superchat")
        .header("Sec-WebSocket-Protocol", "soap")
        .header("X-Name", header::HeaderValue::from_bytes(b"gr\xFCn").unwrap())
        .header("X-Name", "two");
    let head = sent(all).unwrap();
    assert_eq!(
        head,
        "GET /chat?a=b HTTP/1.1\r\n\
         Host: other.example.com\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Origin: https://example.com\r\n\
         Sec-WebSocket-Protocol: chat, superchat, soap\r\n\
         Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\
         x-name: gr\u{FC}n\r\n\
         x-name: two\r\n\r\n"
    );
    let least = sent(http::Request::get("wss://example.com:8443")).unwrap();
    assert!(least.starts_with("GET / HTTP/1.1\r\nHost: example.com:8443\r\n"), "{least}");
    assert!(least.contains("\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"), "{least}");
    let of_path = sent(http::Request::get("/chat").header("host", "h:1")).unwrap();
    assert!(of_path.starts_with("GET /chat HTTP/1.1\r\nHost: h:1\r\n"), "{of_path}");
    // A request that was sent converts back into the same request.
    let request = client().to_http().unwrap();
    let again = ClientRequest::from_http(&request, NONCE).unwrap().to_http().unwrap();
    assert_eq!(again.uri(), request.uri());
    assert_eq!(again.headers(), request.headers());
}

#[test]
fn a_request_of_the_http_crate_that_cannot_be_sent() {
    let get = || http::Request::get("ws://example.com/");
    let twice = |name: &str, value: &str| get().header(name, value).header(name, value);
    for (request, error) in [
        (http::Request::post("ws://example.com/"), Unsendable::Method),
        (http::Request::get("/chat"), Unsendable::Host { offset: 0 }),
        (http::Request::get("ftp://example.com/"), eventwire::InvalidUrl::Scheme.into()),
        (get().header("host", "a b"), Unsendable::Host { offset: 1 }),
        (get().header("host", &b"\xE9"[..]), Unsendable::Host { offset: 0 }),
        (get().header("sec-websocket-key", "short"), Unsendable::Key),
        (get().header("sec-websocket-version", "8"), Unsendable::ReservedHeader { index: 0 }),
        (
            get().header("a", "b").header("sec-websocket-extensions", "x"),
            Unsendable::ReservedHeader { index: 1 },
        ),
        (get().header("content-length", "0"), Unsendable::ReservedHeader { index: 0 }),
        (get().header("origin", "a b"), Unsendable::Origin { offset: 1 }),
        // Equal values are refused too.
        (twice("host", "a"), Unsendable::RepeatedHeader { header: "Host" }),
        (twice("origin", "https://a"), Unsendable::RepeatedHeader { header: "Origin" }),
        (
            twice("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            Unsendable::RepeatedHeader { header: "Sec-WebSocket-Key" },
        ),
        (
            get().header("sec-websocket-protocol", "a, b c"),
            Unsendable::Subprotocol { index: 1, offset: 1 },
        ),
        (
            get().header("sec-websocket-protocol", "a, b, a"),
            Unsendable::RepeatedSubprotocol { index: 2 },
        ),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(sent(request).unwrap_err(), error, "{shown}");
    }
}
