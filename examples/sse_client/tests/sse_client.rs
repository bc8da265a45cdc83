//! The program `sse_client`: its requests, its output, and how it ends.

use eventwire_test_support::program;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sse_client");

const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Runs the program against a server that answers in these pieces. Returns its status, output and
/// errors, and the only request that it sent.
fn ask(answer: &[&str]) -> (Option<i32>, String, String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/chat", listener.local_addr().unwrap());
    let answer: Vec<_> = answer.iter().map(|&piece| piece.to_owned()).collect();
    let server = thread::spawn(move || {
        let (connection, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&connection);
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut request).unwrap(), 0, "{request}");
        }
        let mut body = [0; 15];
        reader.read_exact(&mut body).unwrap();
        for piece in answer {
            (&connection).write_all(piece.as_bytes()).unwrap();
        }
        drop(connection);
        listener.set_nonblocking(true).unwrap();
        // A second request would be in the queue.
        (request + str::from_utf8(&body).unwrap(), listener)
    });
    let (status, output, errors) = program::run(PROGRAM, &[&url, r#"{"stream":true}"#], b"");
    let (request, listener) = server.join().unwrap();
    assert!(listener.accept().is_err(), "the program sent another request");
    (status, output, errors, request)
}

/// Returns this data as a chunk of the body.
fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

#[test]
fn a_whole_stream_is_printed() {
    let pieces = [
        chunk(": hello\n\ndata: {\"delta\":\"gr"),
        chunk("\u{FC}n\"}\n"),
        chunk("\ndata: 2\n\ndata: [DONE]\n\n"),
        "0\r\n\r\n".into(),
    ];
    let answer: Vec<_> = [HEAD].into_iter().chain(pieces.iter().map(|piece| &piece[..])).collect();
    let (status, output, errors, request) = ask(&answer);
    assert_eq!((status, &*errors), (Some(0), ""));
    assert_eq!(output, "{\"delta\":\"gr\u{FC}n\"}\n2\n[DONE]\n");
    let lines: Vec<_> = request.lines().map(str::to_lowercase).collect();
    assert_eq!(lines[0], "post /v1/chat http/1.1");
    assert_eq!(*lines.last().unwrap(), r#"{"stream":true}"#);
    for header in
        ["accept: text/event-stream", "cache-control: no-cache", "content-type: application/json"]
    {
        assert_eq!(lines.iter().filter(|line| *line == header).count(), 1, "{header}: {request}");
    }
}

#[test]
fn a_stream_that_is_cut_off_fails_and_is_not_requested_again() {
    let begun = chunk("data: 1\n\ndata: 2\n");
    let refused =
        "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 17\r\n\r\n{\"error\": \"busy\"}";
    let long = format!("HTTP/1.1 500 No\r\n\r\n{:4000}.", "why");
    for (answer, printed, errors) in [
        (&[HEAD, &begun, "0\r\n\r\n"][..], "1\n2\n", &["end of the event stream"][..]),
        // The causes of the error are printed too.
        (&[HEAD, &begun], "1\n", &["network error: request or response body error: "]),
        (&[refused], "", &["429 Too Many Requests: {\"error\": \"busy\"}", "status 429"]),
        (&[&long], "", &["500 Internal Server Error: why", "status 500"]),
        (
            &["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"],
            "",
            &["200 OK: {}", "not an event stream"],
        ),
    ] {
        let (status, output, found, _) = ask(answer);
        assert_eq!((status, &*output), (Some(1), printed), "{found}");
        assert_eq!(found.lines().count(), errors.len(), "{found}");
        for (line, error) in found.lines().zip(errors) {
            assert!(line.starts_with("sse_client: ") && line.contains(error), "{line}");
        }
    }
}

#[test]
fn a_response_ends_with_any_last_event() {
    for (body, printed, errors) in [
        ("data: {}\n\ndata: [DONE]\n", "{}\n[DONE]\n", ""),
        ("data:{}\n\ndata:[DONE]", "{}\n[DONE]\n", ""),
        ("data: {}\n\ndata: [DONE] \n\n", "{}\n[DONE] \n", ""),
        ("event: message_stop\ndata: {}\n\n", "{}\n", ""),
        ("event: response.failed\ndata: {}\n\n", "{}\n", ""),
        (
            "data: {}\n\n{\n  \"error\": 429\n}\n\ndata: [DONE]\n\n",
            "{}\n[DONE]\n",
            "sse_client: outside events: {\n\
             sse_client: outside events:   \"error\": 429\n\
             sse_client: outside events: }\n",
        ),
    ] {
        let (status, output, found, _) = ask(&[HEAD, &chunk(body), "0\r\n\r\n"]);
        assert_eq!((&*output, &*found, status), (printed, errors, Some(0)), "{body:?}");
    }
}

#[test]
fn the_client_leaves_a_server_that_stays_connected_after_the_last_event() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let lines = BufReader::new(&connection).lines().map(Result::unwrap);
        assert!(lines.take_while(|line| !line.is_empty()).count() > 0);
        connection.write_all(HEAD.as_bytes()).unwrap();
        connection.write_all(chunk("data: [DONE]\n\n").as_bytes()).unwrap();
        // Wait until the client disconnects. That is a reset if the request's body was not read.
        let _ = connection.read_to_end(&mut Vec::new());
    });
    let (status, output, errors) = program::run(PROGRAM, &[&url, "{}"], b"");
    assert_eq!((status, &*output, &*errors), (Some(0), "[DONE]\n", ""));
    server.join().unwrap();
}

/// After `retry: 0` and an event the next request is due at once. From then on the server hangs up.
#[test]
fn a_server_that_is_gone_is_not_asked_in_a_hot_loop() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut client = program::start(PROGRAM, &[&url]);
    let (mut connection, _) = listener.accept().unwrap();
    let _ = connection.read(&mut [0; 1000]).unwrap();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    connection.write_all((head.to_owned() + "retry: 0\n\ndata: a\n\n").as_bytes()).unwrap();
    drop(connection);
    listener.set_nonblocking(true).unwrap();
    let end = Instant::now() + Duration::from_secs(3);
    let mut connections = 0;
    while Instant::now() < end {
        connections += usize::from(listener.accept().is_ok());
        thread::sleep(Duration::from_millis(1));
    }
    client.kill().unwrap();
    let output = client.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"a\n");
    // Requests come at once, after 1 s, and after 2 s more. The HTTP client may try each twice.
    assert!((2..=6).contains(&connections), "{connections}");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.lines().count() <= 1 + connections, "{errors}");
}

/// Not for ever, but at once and in one line.
#[test]
fn a_request_that_can_never_be_sent_is_refused() {
    for url in ["", "no URL", "http://", "http://[/", "ftp://127.0.0.1/"] {
        let (status, output, errors) = program::run(PROGRAM, &[url], b"");
        assert_eq!((status, &*output, errors.lines().count()), (Some(1), "", 1), "{url}: {errors}");
    }
}

#[test]
fn causes_are_printed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let (status, _, errors) = program::run(PROGRAM, &[&url, "{}"], b"");
    assert_eq!(status, Some(1));
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let start = format!("sse_client: {host}: network error: error sending request");
    assert!(errors.starts_with(&start), "{errors}");
    assert!(errors.to_lowercase().contains("refused"), "{errors}");
}

#[test]
fn a_stream_is_followed_over_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut ids = Vec::new();
        for body in ["retry: 1\nid: 7\ndata: a\n\ndata: cut", "data: b\n\n", ""] {
            let (mut connection, _) = listener.accept().unwrap();
            let lines = BufReader::new(&connection).lines().map(Result::unwrap);
            let mut head = lines.take_while(|line| !line.is_empty());
            assert_eq!(head.next().unwrap(), "GET /events HTTP/1.1");
            ids.push(head.find_map(|line| Some(line.strip_prefix("last-event-id: ")?.to_owned())));
            let status = if body.is_empty() { "204 No Content" } else { "200 OK" };
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/event-stream\r\n\r\n");
            connection.write_all((head + body).as_bytes()).unwrap();
        }
        ids
    });
    let (status, output, errors) = program::run(PROGRAM, &[&url], b"");
    assert_eq!((status, &*output), (Some(1), "a\nb\n"), "{errors}");
    assert_eq!(errors.lines().count(), 3, "{errors}");
    assert_eq!(server.join().unwrap(), [None, Some("7".into()), Some("7".into())]);
}

#[test]
fn usage() {
    for args in [&[][..], &["a", "b", "c"]] {
        let (status, output, errors) = program::run(PROGRAM, args, b"");
        assert_eq!((status, &*output), (Some(2), ""));
        assert_eq!(errors, "usage: sse_client URL [BODY]\n");
    }
}
