//! The program `echo_server`, with clients that do not behave.

use eventwire_test_support::program;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn connect(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(REQUEST).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    stream
}

/// The program, and where it listens.
fn start(args: &[&str]) -> (Child, String) {
    let mut server =
        program::start(env!("CARGO_BIN_EXE_echo_server"), &[&["127.0.0.1:0"], args].concat());
    let mut output = BufReader::new(server.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.trim().rsplit('/').next().unwrap().to_owned();
    (server, address)
}

/// What it said of the clients, after its end.
fn stop(mut server: Child) -> String {
    server.kill().unwrap();
    server.wait().unwrap();
    let mut errors = String::new();
    server.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(!errors.contains("panicked"), "{errors}");
    errors
}

/// A connection that is reset while the server waits to write all that it holds.
#[test]
fn a_client_that_sends_without_reading_and_resets() {
    let (server, address) = start(&[]);
    let mut greedy = connect(&address);
    greedy.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut frame = vec![0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    frame.resize(14 + (1 << 16), 7);
    let stopped = loop {
        if let Err(error) = greedy.write_all(&frame) {
            break error.kind();
        }
    };
    assert!(matches!(stopped, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{stopped}");
    drop(greedy); // with something unread, so that the server's next write is refused
    thread::sleep(Duration::from_millis(300));

    let mut polite = connect(&address);
    polite.write_all(b"\x81\x82\0\0\0\0hi").unwrap();
    let mut echo = [0; 4];
    polite.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
    drop(polite);
    thread::sleep(Duration::from_millis(100));
    let errors = stop(server);
    assert_eq!(errors.lines().count(), 2, "an end that was not clean for each: {errors}");
}

#[test]
fn a_client_that_sends_half_a_request_is_let_go() {
    let (server, address) = start(&["--handshake-timeout", "1"]);
    let begin = Instant::now();
    let mut silent = TcpStream::connect(&address).unwrap();
    let mut slow = TcpStream::connect(&address).unwrap();
    let mut quick = connect(&address);
    // A byte now and then buys no more time.
    slow.set_nodelay(true).unwrap();
    let mut sent = 0;
    while begin.elapsed() < Duration::from_secs(30) && slow.write_all(&REQUEST[sent..=sent]).is_ok()
    {
        sent += usize::from(sent < REQUEST.len() / 2);
        thread::sleep(Duration::from_millis(50));
    }
    assert!((1..10).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    silent.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    // Who is connected has all the time there is.
    quick.write_all(b"\x81\x82\0\0\0\0hi").unwrap();
    let mut echo = [0; 4];
    quick.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
    let errors = stop(server);
    assert_eq!(errors.matches("timed out").count(), 2, "{errors}");
}
