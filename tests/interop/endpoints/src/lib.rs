//! How the tests drive an endpoint: it reads a command a line, and prints a report a line, both
//! JSON.
//!
//! A report of something received has the form of the command that sends it.

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

/// The subprotocols that servers support, the preferred one first.
pub const SUBPROTOCOLS: [&str; 2] = ["chat.v2", "chat.v1"];

/// A command for an endpoint.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Opens a connection; for clients.
    Open(Open),
    /// Listens at another port, and compresses with these settings from now on; for servers without
    /// a connection.
    Listen(Compression),
    /// Sends a text message.
    Text(String),
    /// Sends a binary message.
    Binary(BytesAsText),
    /// Sends a message in fragments.
    Fragments(Fragments),
    /// Sends a ping.
    Ping(String),
    /// Closes the connection.
    Close(Option<Closing>),
    /// Sends a text message of bytes that may not be UTF-8.
    InvalidText(BytesAsText),
}

/// How a client opens a connection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// The address of the server.
    pub address: String,
    /// The subprotocols to offer.
    #[serde(default)]
    pub subprotocols: Vec<String>,
    /// The limit on the length of a message.
    pub max_message: Option<u64>,
    /// The limit on the fragments of a message.
    pub max_fragments: Option<u32>,
    /// The compression to offer; for clients that have it.
    pub deflate: Option<Compression>,
}

/// The settings of a [`Deflate`]. Settings that are left out keep its defaults.
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
    ///
    /// If there is no such window.
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

/// A message in frames of `size` bytes, with a ping after the first.
#[derive(Debug, Deserialize)]
pub struct Fragments {
    /// The message.
    pub message: Data,
    /// The length of a fragment in bytes.
    pub size: usize,
    /// The payload of the ping.
    pub ping: String,
}

/// A message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(BytesAsText),
}

/// The payload of a close frame.
#[derive(Debug, Deserialize)]
pub struct Closing {
    /// The close code.
    pub code: u16,
    /// The reason as text.
    pub reason: String,
}

/// A report of an endpoint.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The server listens at this port.
    Listening(u16),
    /// The connection is open.
    Open {
        /// The subprotocol that was agreed on.
        subprotocol: Option<String>,
        /// The extensions in the words of the endpoint.
        extensions: String,
    },
    /// The other side broke the rules of the opening handshake.
    Refused(String),
    /// A text message came.
    Text(String),
    /// A binary message came.
    Binary(BytesAsText),
    /// A pong came.
    Pong(String),
    /// The connection was closed.
    Close {
        /// The code of the other side's close frame.
        code: u16,
        /// The reason of the other side's close frame.
        reason: String,
        /// Whether the closing handshake was complete.
        clean: bool,
    },
    /// The other side broke the protocol or a limit, so the connection is gone.
    Failed(String),
}

/// The code of a close frame without one ([RFC 6455, section
/// 7.4.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1)).
pub const NO_CODE: u16 = 1005;

impl Report {
    /// Prints this report as a line of JSON.
    ///
    /// # Errors
    ///
    /// Returns an error if standard output is closed.
    pub fn say(&self) -> io::Result<()> {
        say(self)
    }
}

/// Prints a report as a line of JSON.
///
/// # Errors
///
/// Returns an error if standard output is closed.
pub fn say(report: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// The commands, until standard input ends.
pub type Commands = mpsc::UnboundedReceiver<Command>;

/// Opens or accepts one connection after the other, as the only argument says, until the commands
/// end.
///
/// # Errors
///
/// Returns an error that has no [`Report`].
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

/// Reads commands from standard input in a thread.
///
/// # Panics
///
/// The thread panics if a line is no command.
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

/// Returns bytes as text, with U+FFFD for invalid UTF-8.
#[must_use]
pub fn as_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
