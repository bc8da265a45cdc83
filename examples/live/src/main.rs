//! A live event stream, a chat room, and a page that shows both: `cargo run --release -p live`,
//! then open `http://127.0.0.1:3000`, or `curl -N http://127.0.0.1:3000/events`.
//!
//! The room is at `/chat`: over WebSocket for those who talk, as an event stream for those who only
//! listen. HTTP is hyper's and axum's; every byte of the streams and of WebSocket, from the opening
//! handshake to the closing one, is eventwire's.

mod app;
mod door;
mod feed;
mod files;
mod http;
mod member;
mod room;
mod wires;

use axum::Router;
use eventwire::FanoutOptions;
use eventwire_tokio::hub::Hub;
use room::Room;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

const USAGE: &str = "usage: live [ADDRESS], where ADDRESS is 127.0.0.1:3000 if not given";

/// What is kept of the feed for those who come back.
const HISTORY: FanoutOptions = FanoutOptions::new().max_items(1000);

const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// How long the members of the room may take to leave when the program is stopped.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("live: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(address) = parse_args().map_err(|error| format!("{error} ({USAGE})"))? else {
        return Ok(writeln!(io::stdout(), "{USAGE}")?);
    };
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| format!("cannot listen on {address:?}: {error}"))?;
    let stopped = stop_signal()?;
    // Not `println!`, which panics if nobody reads; standard output sends each line at once.
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;

    let feed = Hub::new(HISTORY);
    let room = Arc::new(Room::new());
    let router = app::router(Arc::clone(&feed), Arc::clone(&room));
    tokio::select! {
        () = stopped => {}
        () = feed::run(&feed) => {}
        () = accept(&listener, &router, &room) => {}
    }
    // An event stream has no end to wait for, and its client comes back; a WebSocket has.
    let _ = timeout(PATIENCE, room.close()).await;
    Ok(())
}

async fn accept(listener: &TcpListener, router: &Router, room: &Arc<Room>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Out of file descriptors, as a rule; some will be closed.
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (router, room) = (router.clone(), Arc::clone(room));
        // A connection that is lost is nobody's loss but its client's.
        tokio::spawn(async move { door::serve(socket, router, &room).await });
    }
}

/// The address to listen on, `None` if all that is asked for is help.
fn parse_args() -> Result<Option<String>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut address = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Value(value) if address.is_none() => address = Some(value.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(address.or_else(|| Some("127.0.0.1:3000".into())))
}

/// Listens from now on for what ends the program.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        ctrl_c.recv().await;
    })
}
