//! The programs `llm` and `llm_server`: each way to an answer, and each way to have none.

use eventwire_test_support::program;
use std::io::{BufRead, BufReader, Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

const QUESTION: &str = "Why is the sky blue?";

/// A server with these options. It ends when this is dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(options: &[&str]) -> Self {
        let mut child = program::command(env!("CARGO_BIN_EXE_llm_server"))
            .args(options)
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Returns the client's command, without the proxies and the token of the environment.
fn client(url: &str) -> Command {
    let mut command = program::command(env!("CARGO_BIN_EXE_llm"));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.env_remove("LLM_TOKEN").args([url, QUESTION]);
    command
}

/// Checks the status and the output of a client, and returns what it said about errors.
#[track_caller]
fn assert_ends(command: &mut Command, status: i32, printed: &str) -> String {
    let Output { status: found, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!((found.code(), &*stdout), (Some(status), printed), "{stderr}");
    stderr
}

#[test]
fn the_answer_comes_over_a_websocket() {
    let server = Server::start(&[]);
    let errors = assert_ends(&mut client(&server.url), 0, &format!("{QUESTION}\n"));
    assert_eq!(errors, "");
}

#[test]
fn a_server_that_refuses_the_upgrade_is_asked_by_post() {
    for status in ["404", "426"] {
        let server = Server::start(&["--refuse", status]);
        let errors = assert_ends(&mut client(&server.url), 0, &format!("{QUESTION}\n"));
        assert!(errors.ends_with(&format!("with status {status}; asking by POST\n")), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn an_answer_that_is_cut_is_told_from_a_complete_one() {
    for (options, cause) in [
        (&["--cut"][..], "the server closed the WebSocket before the end"),
        (&["--cut", "--refuse", "426"], "network error: "),
    ] {
        let server = Server::start(options);
        let errors = assert_ends(&mut client(&server.url), 3, "Why is the sky \n");
        let error = errors.lines().last().unwrap();
        assert!(error.starts_with("llm: the answer was cut: "), "{error}");
        assert!(error.contains(cause), "{error}");
    }
}

#[test]
fn a_token_is_sent_over_both_wires() {
    for options in [&["--token", "abc"][..], &["--token", "abc", "--refuse", "404"]] {
        let server = Server::start(options);
        let printed = format!("{QUESTION}\n");
        assert_ends(client(&server.url).env("LLM_TOKEN", "abc"), 0, &printed);
        let errors = assert_ends(client(&server.url).env("LLM_TOKEN", "wrong"), 1, "");
        assert!(errors.starts_with("llm: no answer: "), "{errors}");
        assert!(errors.contains("status 401"), "{errors}");
        assert!(errors.ends_with(": {\"error\":\"the token is missing or wrong\"}\n"), "{errors}");
        assert_eq!(errors.lines().count(), 1, "a refused token is not tried by POST: {errors}");
    }
}

/// Other systems than Linux have no second address on loopback.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_is_down_is_named() {
    // Nothing listens on the same port of the other address.
    let server = Server::start(&[]);
    let url = server.url.replace("127.0.0.1", "127.0.0.2");
    let errors = assert_ends(&mut client(&url), 1, "");
    let host = url.strip_prefix("http://").unwrap().strip_suffix("/v1/chat").unwrap();
    let lines: Vec<_> = errors.lines().collect();
    assert_eq!(lines.len(), 2, "{errors}");
    assert!(lines[0].starts_with(&format!("llm: cannot connect to {host}: ")), "{errors}");
    assert!(lines[1].starts_with(&format!("llm: no answer: {host}: network error: ")), "{errors}");
}

#[test]
fn the_environment_names_a_proxy() {
    let server = Server::start(&[]);
    let (proxy, connected) = connect_proxy();
    let errors =
        assert_ends(client(&server.url).env("HTTP_PROXY", proxy), 0, &format!("{QUESTION}\n"));
    assert_eq!(errors, "");
    let host = server.url.strip_prefix("http://").unwrap().strip_suffix("/v1/chat").unwrap();
    assert_eq!(connected.recv().unwrap(), format!("CONNECT {host} HTTP/1.1"));
}

/// Starts an HTTP proxy for one connection. Returns its URL, and the first line that it receives.
fn connect_proxy() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.push(byte[0].into());
        }
        let line = head.lines().next().unwrap();
        let mut server = TcpStream::connect(line.split(' ').nth(1).unwrap()).unwrap();
        tell.send(line.to_owned()).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || {
            let _ = copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let _ = copy(&mut server, &mut client);
        let _ = client.shutdown(Shutdown::Write);
    });
    (url, told)
}

#[test]
fn tokens_are_printed_as_they_come() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = client(&format!("http://{}/", listener.local_addr().unwrap()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first request is for a WebSocket.
    let (mut refused, _) = listener.accept().unwrap();
    read_head(&refused);
    refused.write_all(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n").unwrap();
    let (mut asked, _) = listener.accept().unwrap();
    assert!(read_head(&asked).starts_with("POST / HTTP/1.1\r\n"));
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    asked.write_all(head.as_bytes()).unwrap();
    asked.write_all(b"data: {\"choices\":[{\"delta\":{\"content\":\"One\"}}]}\n\n").unwrap();
    let mut printed = [0; 3];
    client.stdout.as_mut().unwrap().read_exact(&mut printed).unwrap();
    assert_eq!(&printed, b"One");
    // The server stays connected after this.
    asked.write_all(b"data: [DONE]\n\n").unwrap();
    assert_eq!(client.wait().unwrap().code(), Some(0));
}

/// Reads the head of a request.
fn read_head(connection: &TcpStream) -> String {
    let mut lines = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(lines.read_line(&mut head).unwrap(), 0, "{head}");
    }
    head
}

#[test]
fn a_wrong_command_is_refused() {
    program::refuses_in_one_line(env!("CARGO_BIN_EXE_llm"), &[&[], &["a"], &["a", "b", "c"]]);
    let errors = assert_ends(&mut client("127.0.0.1:3000/v1/chat"), 1, "");
    assert!(errors.starts_with("llm: no answer: invalid URL: "), "{errors}");
}
