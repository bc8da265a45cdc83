//! A live event stream, a chat room, and a page that shows both. Run `cargo run --release -p live`,
//! then open `http://127.0.0.1:3000` or run `curl -N http://127.0.0.1:3000/events`.
//!
//! The room is at `/chat`: members talk over WebSocket, and others listen to it as an event stream.
//! axum does the HTTP, and eventwire the event streams and the WebSocket.

mod app;
mod feed;
mod files;
mod member;
mod room;
mod told;

use eventwire_tokio::{Hub, HubOptions};
use example_support::serve::{PATIENCE, serve};
use room::Room;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;

const USAGE: &str = "usage: live [ADDRESS], where ADDRESS is 127.0.0.1:3000 by default";

/// The events of the feed that are kept for returning clients.
const OPTIONS: HubOptions = HubOptions::new().max_events(1000);

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
    // `println!` would panic if nobody reads. Standard output flushes each line.
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;

    let feed = Hub::new(OPTIONS);
    let room = Arc::new(Room::new());
    let router = app::router(feed.clone(), Arc::clone(&room));
    tokio::select! {
        () = stopped => {}
        () = feed::run(&feed) => {}
        never = serve(listener, router, PATIENCE) => match never {},
    }
    tokio::join!(feed.shutdown(), room.close());
    Ok(())
}

/// Returns the address to listen on, or `None` if the user asked for help.
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

/// Returns a future that is ready when the program is told to stop. Signals count from now on.
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
