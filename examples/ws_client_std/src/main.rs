//! A WebSocket client without async code. It sends the lines of its standard input, and prints the
//! messages that it receives: `echo hello | ws_client_std ws://localhost:9001/`.
//!
//! One thread sends and one receives. At the end of its input the client closes the connection. The
//! status is 0 after a clean close.

use eventwire_blocking::ws::{self, CloseEvent, Message, ReadHalf, WriteHalf};
use example_support::causes::with_causes;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::{env, thread};

const USAGE: &str = "usage: ws_client_std ws://HOST[:PORT][/PATH]";

fn main() -> ExitCode {
    match run() {
        Ok(close) => {
            eprintln!("{}", with_causes(&close));
            if close.was_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("ws_client_std: {}", with_causes(&*error));
            ExitCode::from(2)
        }
    }
}

/// Returns how the connection ended.
fn run() -> Result<CloseEvent, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [url] = &args[..] else { return Err(USAGE.into()) };
    let (tx, rx) = ws::connect(url).open()?.split();
    eprintln!("open");
    // This thread may wait for a line when the connection ends, so nobody waits for it.
    thread::spawn(move || send_lines(tx));
    receive(rx)
}

fn send_lines(mut tx: WriteHalf) {
    for line in io::stdin().lines().map_while(Result::ok) {
        if tx.send(&line).is_err() {
            eprintln!("not sent: {line}");
            return;
        }
    }
    if let Err(error) = tx.close(1000, "") {
        eprintln!("{error}");
    }
}

fn receive(mut rx: ReadHalf) -> Result<CloseEvent, Box<dyn Error>> {
    while let Some(Ok(message)) = rx.next() {
        match message {
            Message::Text(text) => writeln!(io::stdout(), "{text}")?,
            Message::Binary(bytes) => writeln!(io::stdout(), "{} bytes", bytes.len())?,
            _ => {}
        }
    }
    rx.close_event().ok_or_else(|| "the connection goes on".into())
}
