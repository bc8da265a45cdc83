//! A WebSocket client without async code. It sends the lines of its standard input, and prints the
//! messages that it receives: `echo hello | ws_client_std ws://localhost:9001/`.
//!
//! Each blocking call has a thread of its own, which reports to the main thread with the WebSocket.
//! At the end of its input the client closes the connection. The status is 0 after a clean close.

use bytes::{Buf, Bytes, BytesMut};
use eventwire::Url;
use eventwire::ws::handshake::ClientRequest;
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Frame, SendError, WebSocket, WebSocketEvent, WebSocketOptions,
};
use example_support::causes::with_causes;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::{Duration, Instant};
use std::{env, thread};

const USAGE: &str = "usage: ws_client_std ws://HOST[:PORT][/PATH]";
const CHUNK: usize = 16 << 10;

fn main() -> ExitCode {
    match run() {
        Ok(close) if close.was_clean => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ws_client_std: {}", with_causes(&*error));
            ExitCode::from(2)
        }
    }
}

/// A report of a thread.
enum Input {
    Line(String),
    NoMoreLines,
    Received(Vec<u8>),
    EndOfStream,
    ReadFailed(io::Error),
    /// The number of bytes that were written.
    Written(io::Result<usize>),
}

/// Returns how the connection ended.
fn run() -> Result<CloseEvent, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [url] = &args[..] else { return Err(USAGE.into()) };
    let url = Url::parse(url)?;
    if url.scheme() != "ws" {
        return Err("the URL must begin with ws://".into());
    }
    let request = ClientRequest::from_url(&url, rand::random())?;
    let stream = TcpStream::connect((url.host(), url.port()))?;
    stream.set_nodelay(true)?;

    let (reports, inputs) = mpsc::sync_channel(4);
    let (next_line, wanted) = mpsc::channel();
    let (chunk, chunks) = mpsc::channel();
    let (to_read, reads) = (stream.try_clone()?, reports.clone());
    let (to_write, writes) = (stream.try_clone()?, reports.clone());
    thread::spawn(move || read_lines(&wanted, &reports));
    thread::spawn(move || read(to_read, &reads));
    thread::spawn(move || write(to_write, &chunks, &writes));

    let start = Instant::now();
    let options = WebSocketOptions::new()
        .ping_interval(Duration::from_secs(20))
        .pong_timeout(Duration::from_secs(10));
    let masks = rand::random::<[u8; 4]>;
    let mut socket = WebSocket::connect(&request, options, masks, start.elapsed());
    let mut received = BytesMut::new();
    // The line that did not fit into the send queue yet.
    let mut unsent: Option<String> = None;
    let mut writing = false;
    loop {
        while let Some(event) = socket.poll(&mut received, start.elapsed()) {
            match event {
                WebSocketEvent::Open => {
                    eprintln!("open");
                    next_line.send(())?;
                }
                WebSocketEvent::Text(text) => writeln!(io::stdout(), "{text}")?,
                WebSocketEvent::Binary(bytes) => writeln!(io::stdout(), "{} bytes", bytes.len())?,
                WebSocketEvent::Ping(_) | WebSocketEvent::Pong(_) | WebSocketEvent::Skipped(_) => {}
                WebSocketEvent::Close(close) => {
                    eprintln!("{}", with_causes(&close));
                    return Ok(close);
                }
            }
        }

        if let Some(line) = unsent.take() {
            match socket.send(Frame::text(&line)) {
                Ok(_) => next_line.send(())?,
                Err(SendError::Full) => unsent = Some(line),
                // The connection is closing.
                Err(_) => eprintln!("not sent: {line}"),
            }
        }
        let now = start.elapsed();
        let to_write = socket.to_write(now);
        if to_write.has_remaining() && !writing {
            let len = to_write.chunk().len().min(CHUNK);
            chunk.send(Bytes::copy_from_slice(&to_write.chunk()[..len]))?;
            writing = true;
        }
        if socket.wants_shutdown() {
            // After an error here, reading fails too.
            let _ = stream.shutdown(Shutdown::Write);
        }

        let wait = socket.deadline().map_or(Duration::MAX, |deadline| deadline.saturating_sub(now));
        match inputs.recv_timeout(wait) {
            Ok(Input::Line(line)) => unsent = Some(line),
            Ok(Input::NoMoreLines) => {
                let close = Close { code: CloseCode::NORMAL, reason: "" };
                socket.close(Some(close), start.elapsed())?;
            }
            Ok(Input::Received(bytes)) => received.extend_from_slice(&bytes),
            Ok(Input::Written(Ok(len))) => {
                socket.to_write(start.elapsed()).advance(len);
                writing = false;
            }
            Ok(Input::EndOfStream) => socket.end_of_stream(start.elapsed()),
            Ok(Input::ReadFailed(error)) => socket.read_failed(error, start.elapsed()),
            Ok(Input::Written(Err(error))) => socket.write_failed(error, start.elapsed()),
            // The deadline has passed: poll again.
            Err(_) => {}
        }
    }
}

type Reported = Result<(), mpsc::SendError<Input>>;

/// Reads a line whenever the main thread wants one.
fn read_lines(wanted: &Receiver<()>, report: &SyncSender<Input>) -> Reported {
    let mut lines = io::stdin().lines().map_while(Result::ok);
    wanted
        .iter()
        .try_for_each(|()| report.send(lines.next().map_or(Input::NoMoreLines, Input::Line)))
}

fn read(mut stream: TcpStream, report: &SyncSender<Input>) -> Reported {
    let mut chunk = vec![0; CHUNK];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return report.send(Input::EndOfStream),
            Ok(len) => report.send(Input::Received(chunk[..len].to_vec()))?,
            Err(error) => return report.send(Input::ReadFailed(error)),
        }
    }
}

fn write(mut stream: TcpStream, chunks: &Receiver<Bytes>, report: &SyncSender<Input>) -> Reported {
    chunks.iter().try_for_each(|chunk| {
        report.send(Input::Written(stream.write_all(&chunk).map(|()| chunk.len())))
    })
}
