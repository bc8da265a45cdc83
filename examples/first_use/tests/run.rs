//! The programs work with each other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server that is stopped with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server, and returns its address once it listens.
fn start(program: &str) -> (Server, String) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let server = Server(Command::new(program).arg(&address).spawn().unwrap());
    while TcpStream::connect(&address).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    (server, address)
}

#[test]
fn lines_come_back() {
    let (_server, address) = start(env!("CARGO_BIN_EXE_echo"));
    let mut client = Command::new(env!("CARGO_BIN_EXE_blocking_client"))
        .arg(format!("ws://{address}/"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    client.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    let output = client.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "one\ntwo\n");
}

#[test]
fn what_is_published_is_followed() {
    let (_server, address) = start(env!("CARGO_BIN_EXE_events_server"));
    let publish = |text: &str| {
        let mut tcp = TcpStream::connect(&address).unwrap();
        let len = text.len();
        let head = "POST /publish HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
        write!(tcp, "{head}Content-Type: text/plain\r\nContent-Length: {len}\r\n\r\n{text}")
            .unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    let client = Command::new(env!("CARGO_BIN_EXE_follow"))
        .arg(format!("http://{address}/events"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut client = Server(client);
    let mut lines = BufReader::new(client.0.stdout.take().unwrap()).lines();
    // The client may connect after the first ones.
    let publishing = std::sync::atomic::AtomicBool::new(true);
    let line = std::thread::scope(|scope| {
        scope.spawn(|| {
            while publishing.load(std::sync::atomic::Ordering::Relaxed) {
                publish("hello");
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let line = lines.next();
        publishing.store(false, std::sync::atomic::Ordering::Relaxed);
        line
    });
    assert_eq!(line.unwrap().unwrap(), "hello");
}
