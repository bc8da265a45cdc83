//! The protocol between the tests and an endpoint: one command per input line, one report per
//! output line, both JSON.
//!
//! A received message is reported in the same form as the command that sends it.

mod bytes_as_text;

pub use bytes_as_text::BytesAsText;
use eventwire::ws::Deflate;
use eventwire::ws::deflate::{DeflateParams, WindowBits};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::thread;
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::mpsc;

/// The subprotocols that servers support, in order of preference.
pub const SUBPROTOCOLS: [&str; 2] = ["chat.v2", "chat.v1"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Opens a connection; for clients.
    Open(Open),
    /// Listens on a new port, with this compression from now on; for servers without a connection.
    Listen(Compression),
    Text(String),
    Binary(BytesAsText),
    Fragments(Fragments),
    Ping(String),
    Close(Option<Closing>),
    /// A text message whose bytes may be invalid UTF-8.
    InvalidText(BytesAsText),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// The server's address.
    pub address: String,
    #[serde(default)]
    pub subprotocols: Vec<String>,
    pub max_message: Option<u64>,
    pub max_fragments: Option<u32>,
    /// The compression to offer; for clients that support it.
    pub deflate: Option<Compression>,
}

/// The settings of a [`Deflate`]. Missing settings keep its defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Compression {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<u8>,
    fallback: Option<bool>,
    level: Option<u8>,
    memory_level: Option<u8>,
    min_len: Option<usize>,
}

impl Compression {
    /// Returns a compressor with these settings.
    ///
    /// # Panics
    /// If a window is not of 8 to 15 bits.
    #[must_use]
    pub fn deflate(&self) -> Deflate {
        let bits = |bits: Option<u8>| bits.map(|bits| WindowBits::new(bits).expect("8 to 15"));
        let mut deflate = Deflate::new().wanted(DeflateParams {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: bits(self.server_max_window_bits),
            client_max_window_bits: bits(self.client_max_window_bits),
        });
        if let Some(fallback) = self.fallback {
            deflate = deflate.fallback(fallback);
        }
        if let Some(level) = self.level {
            deflate = deflate.level(level);
        }
        if let Some(level) = self.memory_level {
            deflate = deflate.memory_level(level);
        }
        if let Some(bytes) = self.min_len {
            deflate = deflate.min_len(bytes);
        }
        deflate
    }
}

/// A message in frames of `size` bytes, with a ping after the first frame.
#[derive(Debug, Deserialize)]
pub struct Fragments {
    pub message: Data,
    pub size: usize,
    pub ping: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    Text(String),
    Binary(BytesAsText),
}

#[derive(Debug, Deserialize)]
pub struct Closing {
    pub code: u16,
    pub reason: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The port that a server listens on.
    Listening(u16),
    Open {
        subprotocol: Option<String>,
        /// The agreed extensions, as the endpoint itself shows them.
        extensions: String,
    },
    /// The other side violated the opening handshake.
    Refused(String),
    Text(String),
    Binary(BytesAsText),
    Pong(String),
    /// The contents of the other side's close frame, and whether the closing handshake was
    /// complete.
    Close {
        code: u16,
        reason: String,
        clean: bool,
    },
    /// The other side broke the protocol or a limit, so the connection is gone.
    Failed(String),
}

/// The code that stands for a close frame without one
/// ([RFC 6455, section 7.4.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1)).
pub const NO_CODE: u16 = 1005;

impl Report {
    /// Prints the report.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn say(&self) -> io::Result<()> {
        say(self)
    }
}

/// Prints a report as a line of JSON.
///
/// # Errors
/// If standard output is closed.
pub fn say(report: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// The commands, until the input ends.
pub type Commands = mpsc::UnboundedReceiver<Command>;

/// Opens or accepts one connection after another until there are no more commands. The only
/// argument chooses the role.
///
/// # Errors
/// Returns errors that an endpoint does not report.
pub async fn drive(
    connect: impl AsyncFn(&Open, &mut Commands) -> Result<(), Box<dyn Error>>,
    serve: impl AsyncFn(TcpStream, Option<&Compression>, &mut Commands) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut commands = read_commands();
    match std::env::args().nth(1).as_deref() {
        Some("client") => {
            while let Some(command) = commands.recv().await {
                let Command::Open(open) = command else { return Err(NOTHING_OPEN.into()) };
                connect(&open, &mut commands).await?;
            }
            Ok(())
        }
        Some("server") => {
            let mut listener = listen().await?;
            let mut compression = None;
            loop {
                select! {
                    accepted = listener.accept() => {
                        serve(accepted?.0, compression.as_ref(), &mut commands).await?;
                    }
                    command = commands.recv() => match command {
                        Some(Command::Listen(settings)) => {
                            compression = Some(settings);
                            listener = listen().await?;
                        }
                        Some(_) => return Err(NOTHING_OPEN.into()),
                        None => return Ok(()),
                    },
                }
            }
        }
        _ => Err("usage: client | server".into()),
    }
}

async fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Report::Listening(listener.local_addr()?.port()).say()?;
    Ok(listener)
}

const NOTHING_OPEN: &str = "a command for a connection that is not open";

/// Reads the commands in a thread.
///
/// # Panics
/// The thread panics on a line that is not a command.
#[must_use]
pub fn read_commands<C: DeserializeOwned + Send + 'static>() -> mpsc::UnboundedReceiver<C> {
    let (sender, commands) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let line = line.expect("standard input");
            let command = serde_json::from_str(&line).expect("a command");
            if sender.send(command).is_err() {
                return;
            }
        }
    });
    commands
}

/// Converts bytes to text. They are valid UTF-8 unless something went wrong.
#[must_use]
pub fn as_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
