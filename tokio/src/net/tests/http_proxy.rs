//! HTTP proxies, by `CONNECT`.

use super::*;

/// What a proxy does after its answer.
#[derive(Clone, Copy)]
enum Then {
    Tunnel(SocketAddr),
    Close,
    /// Keeps the connection open.
    Hold,
}

/// Starts a proxy for one connection. It returns the head of the request.
async fn proxy(
    answers: impl IntoIterator<Item = &'static str>,
    then: Then,
) -> (SocketAddr, JoinHandle<String>) {
    let answers: Vec<_> = answers.into_iter().collect();
    accept_once(async move |mut stream: TcpStream| {
        let head = read_head(&mut stream).await;
        for answer in answers {
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        match then {
            Then::Tunnel(server) => forward(stream, server).await,
            Then::Hold => drop(tokio::spawn(async move { stream.read_u8().await })),
            Then::Close => {}
        }
        head
    })
    .await
}

const SUCCESS: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

fn through(proxy: SocketAddr) -> DialOptions {
    DialOptions::default().proxy(&format!("http://{proxy}"))
}

/// Returns the error of a proxy that answers so.
async fn answered(answer: &'static str, then: Then) -> DialError {
    let (address, _) = proxy([answer], then).await;
    let error = failed("ws://server.test/", &through(address)).await;
    assert_eq!(error.hop(), Hop::Proxy);
    assert_eq!(error.host(), address.to_string());
    error
}

#[tokio::test]
async fn the_proxy_connects_to_the_server_that_it_looks_up() {
    let server = echo_server().await;
    for (url, target) in [
        ("ws://server.test/", "server.test:80"),
        ("http://server.test:8080/path", "server.test:8080"),
        ("ws://[::1]:9/", "[::1]:9"),
    ] {
        let (address, head) = proxy([SUCCESS], Then::Tunnel(server)).await;
        assert_echoes(dialled(url, &through(address)).await.unwrap()).await;
        let expected = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        assert_eq!(head.await.unwrap(), expected);
    }
}

#[tokio::test]
async fn the_credentials_are_sent_and_never_shown() {
    let server = echo_server().await;
    let (address, head) = proxy([SUCCESS], Then::Tunnel(server)).await;
    let options = DialOptions::default().proxy(&format!("http://user:p%40ss@{address}"));
    assert_echoes(dialled("ws://server.test/", &options).await.unwrap()).await;
    let head = head.await.unwrap();
    assert!(head.ends_with("\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n"), "{head}");

    for answer in ["HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1 401 No\r\n\r\n"] {
        let (address, _) = proxy([answer], Then::Close).await;
        let options = DialOptions::default().proxy(&format!("http://user:p%40ss@{address}"));
        let error = failed("ws://server.test/", &options).await;
        for text in [format!("{options:?}"), format!("{error:?}"), error.to_string()] {
            for secret in ["p%40ss", "p@ss", "dXNlcjpwQHNz"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
        assert!(error.is_permanent());
        assert!(error.to_string().contains("correct the user and password"), "{error}");
    }
}

#[tokio::test]
async fn any_success_opens_the_tunnel_and_interim_responses_do_not() {
    let server = echo_server().await;
    for answers in [
        vec!["HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n"],
        vec!["HTTP/1.1 204 No Content\r\n\r\n"],
        // The length of a success has no meaning.
        vec!["HTTP/1.1 299 Odd\r\nContent-Length: 5\r\n\r\n"],
        vec!["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n", SUCCESS],
    ] {
        let (address, _) = proxy(answers, Then::Tunnel(server)).await;
        assert_echoes(dialled("ws://server.test/", &through(address)).await.unwrap()).await;
    }
}

#[tokio::test]
async fn a_proxy_that_wants_credentials_says_so() {
    let error = answered(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\
         Content-Length: 0\r\n\r\n",
        Then::Hold,
    )
    .await;
    assert!(error.is_permanent());
    let text = format!(
        "cannot connect through the proxy {}: it answered with status 407 Proxy Authentication \
         Required; write a user and a password in the proxy's URL",
        error.host()
    );
    assert_eq!(error.to_string(), text);
    let response = error.proxy_response().unwrap();
    assert_eq!(response.headers()["proxy-authenticate"], "Basic realm=\"x\"");
}

#[tokio::test]
async fn a_refusal_keeps_its_body() {
    for (answer, then) in [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nno wayx", Then::Hold),
        ("HTTP/1.1 403 Forbidden\r\n\r\nno way", Then::Close),
        (
            "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: Chunked\r\n\r\n\
             2\r\nno\r\n4;x\r\n way\r\n0\r\n\r\n",
            Then::Hold,
        ),
        // It is cut.
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno way", Then::Close),
        ("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nno way", Then::Close),
    ] {
        // The end of the body is seen, not awaited.
        let soon = Duration::from_millis(500);
        let error = tokio::time::timeout(soon, answered(answer, then)).await.unwrap();
        assert!(!error.is_permanent());
        let response = error.proxy_response().unwrap();
        assert_eq!((response.status().as_u16(), &response.body()[..]), (403, &b"no way"[..]));
    }
}

#[tokio::test]
async fn the_end_of_a_refusal_is_not_awaited_for_long() {
    let error =
        answered("HTTP/1.1 502 Bad\r\nContent-Length: 99\r\n\r\nno route", Then::Hold).await;
    assert_eq!(&error.proxy_response().unwrap().body()[..], b"no route");
}

#[tokio::test]
async fn a_refusal_is_bounded() {
    for head in ["Content-Length: 99999999999999999999", "Content-Length: 20000", "X: y"] {
        let answer = format!("HTTP/1.1 503 Busy\r\n{head}\r\n\r\n{}", "x".repeat(20_000));
        let error = answered(answer.leak(), Then::Hold).await;
        assert_eq!(error.proxy_response().unwrap().body().len(), 16 << 10);
    }
    let chunk = "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n";
    let answer = format!("HTTP/1.1 503 Busy\r\n{chunk}{}", "x".repeat(20_000));
    let error = answered(answer.leak(), Then::Hold).await;
    assert!(error.proxy_response().unwrap().body().len() <= 16 << 10);
}

#[tokio::test]
async fn an_answer_that_is_no_response_is_an_error() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(20_000)).leak();
    for (answer, then, cause) in [
        ("SSH-2.0-x\r\n\r\n", Then::Hold, "its answer is not HTTP: "),
        ("", Then::Close, "it closed the connection without a response"),
        ("HTTP/1.1 200", Then::Close, "it closed the connection within the head"),
        (long, Then::Hold, "the head of its response is longer than 16384 bytes"),
        ("HTTP/1.1 200 OK\r\n\r\nhello", Then::Hold, "it sent a body with its success"),
    ] {
        let error = answered(answer, then).await;
        assert!(error.to_string().contains(cause), "{error}");
        assert!(!error.is_permanent() && error.proxy_response().is_none());
    }
}

#[tokio::test]
async fn a_silent_proxy_is_named_by_the_error_of_the_deadline() {
    let (address, _) = proxy([], Then::Hold).await;
    let deadline = Duration::from_millis(50);
    let error = within_deadline("ws://server.test/", &through(address), deadline).await;
    let error = error.err().unwrap();
    assert_eq!(error.hop(), Hop::Proxy);
    let text = format!("cannot connect through the proxy {address}: no answer in time");
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn a_proxy_that_is_down_is_named() {
    let closed = ClosedPort::new();
    let port = closed.number();
    let options = DialOptions::default().proxy(&format!("http://user:pass@127.0.0.1:{port}"));
    let error = failed("ws://server.test/", &options).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Proxy, false));
    let text = format!("cannot connect to the proxy 127.0.0.1:{port}: ");
    assert!(error.to_string().starts_with(&text), "{error}");

    for (url, host) in [
        ("proxy.test", "proxy.test:80"),
        ("http://proxy.test", "proxy.test:80"),
        ("https://proxy.test", "proxy.test:443"),
        ("socks5h://proxy.test", "proxy.test:1080"),
        ("socks4a://proxy.test:1", "proxy.test:1"),
    ] {
        let options = DialOptions::default().proxy(url).resolve("proxy.test", []);
        let error = failed("ws://server.test/", &options).await;
        assert_eq!((error.hop(), error.host()), (Hop::Proxy, host));
        let text = format!("cannot find an address of the proxy {host}: ");
        assert!(error.to_string().starts_with(&text), "{error}");
    }
}

#[tokio::test]
async fn an_invalid_proxy_is_a_permanent_failure() {
    for url in [
        "",
        "ftp://user:secret@proxy.test",
        "http://user:secret@proxy.test:99999",
        "http://user:secret@:80",
        "http://user:secret@proxy test",
    ] {
        let options = DialOptions::default().proxy(url);
        let error = failed("ws://server.test/", &options).await;
        assert_eq!((error.hop(), error.is_permanent()), (Hop::Proxy, true), "{url}: {error}");
        assert!(error.to_string().contains("URL is invalid: write SCHEME://HOST:PORT"), "{error}");
        assert!(!format!("{error} {error:?} {options:?}").contains("secret"));
    }
}
