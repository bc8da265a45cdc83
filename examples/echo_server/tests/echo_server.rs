//! The program `echo_server` with badly behaved clients.

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

/// Starts the program. Returns it with its address.
fn start(args: &[&str]) -> (Child, String) {
    let mut server =
        program::start(env!("CARGO_BIN_EXE_echo_server"), &[&["127.0.0.1:0"], args].concat());
    let mut output = BufReader::new(server.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.trim().rsplit('/').next().unwrap().to_owned();
    (server, address)
}

/// Stops the program. Returns its messages about clients.
fn stop(mut server: Child) -> String {
    server.kill().unwrap();
    server.wait().unwrap();
    let mut errors = String::new();
    server.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(!errors.contains("panicked"), "{errors}");
    errors
}

/// The connection is reset while the server waits to write its whole queue.
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
    drop(greedy); // with unread bytes, so that the server's next write is refused
    thread::sleep(Duration::from_millis(300));

    let mut polite = connect(&address);
    polite.write_all(b"\x81\x82\0\0\0\0hi").unwrap();
    let mut echo = [0; 4];
    polite.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
    drop(polite);
    thread::sleep(Duration::from_millis(100));
    let errors = stop(server);
    assert_eq!(errors.lines().count(), 2, "one unclean end for each client: {errors}");
}

#[test]
fn a_client_that_sends_half_a_request_is_disconnected() {
    let (server, address) = start(&["--handshake-timeout", "1"]);
    let begin = Instant::now();
    let mut silent = TcpStream::connect(&address).unwrap();
    let mut slow = TcpStream::connect(&address).unwrap();
    let mut quick = connect(&address);
    // Sending a byte now and then does not extend the deadline.
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
    // An open connection has no such deadline.
    quick.write_all(b"\x81\x82\0\0\0\0hi").unwrap();
    let mut echo = [0; 4];
    quick.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
    let errors = stop(server);
    assert_eq!(errors.matches("no whole request within 1s").count(), 2, "{errors}");
}
