//! A WebSocket client that stays connected. It sends the lines of its standard input, and prints the
//! messages that it receives: `echo hello | ws_client wss://localhost:9001/ --ca cert.pem`.
//!
//! With `--ca` it trusts the certificates in that PEM file too, besides those that browsers trust. It
//! sends a ping every 20 s, or at the interval that `--ping` sets, and waits half the interval for
//! the pong. At the end of its input the client closes the connection. The status is 0 after a
//! clean close.

use eventwire_tokio::ws::rustls::pki_types::{CertificateDer, pem::PemObject};
use eventwire_tokio::ws::{self, Message, ReconnectEvent, ReconnectOptions, WebSocketOptions};
use example_support::causes::with_causes;
use example_support::stdin_lines::stdin_lines;
use lexopt::prelude::{Long, Value, ValueExt};
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "usage: ws_client ws[s]://HOST[:PORT][/PATH] [--ca FILE] [--ping SECONDS]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Err(error) = run().await else { return ExitCode::SUCCESS };
    eprintln!("ws_client: {}", with_causes(&*error));
    ExitCode::from(2)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (mut url, mut authorities, mut ping) = (None, Vec::new(), Duration::from_secs(20));
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) if url.is_none() => url = Some(value.string()?),
            Long("ca") => {
                let file = CertificateDer::pem_file_iter(arguments.value()?)?;
                authorities = file.collect::<Result<_, _>>()?;
            }
            Long("ping") => ping = Duration::from_secs(arguments.value()?.parse()?),
            _ => return Err(USAGE.into()),
        }
    }
    let url = url.filter(|url| url.starts_with("ws")).ok_or(USAGE)?;
    let options = WebSocketOptions::new().ping_interval(ping).pong_timeout(ping / 2);
    let mut socket = ws::reconnect(ReconnectOptions::new(), move |_| {
        ws::connect(&url).options(options).root_certificates(authorities.iter().cloned())
    });
    let sender = socket.sender();
    tokio::spawn(async move {
        let mut lines = stdin_lines();
        while let Some(line) = lines.recv().await {
            sender.send(line).await?;
        }
        sender.flush().await?;
        sender.close(1000, "")
    });
    while let Some(event) = socket.next().await {
        match event? {
            ReconnectEvent::Open => eprintln!("open"),
            ReconnectEvent::Message(Message::Binary(bytes)) => {
                writeln!(io::stdout(), "{} bytes", bytes.len())?;
            }
            ReconnectEvent::Message(message) => writeln!(io::stdout(), "{message}")?,
            ReconnectEvent::Disconnected(end) => eprintln!("{}", with_causes(&end)),
        }
    }
    socket.end().into_iter().for_each(|end| eprintln!("{end}"));
    Ok(())
}
