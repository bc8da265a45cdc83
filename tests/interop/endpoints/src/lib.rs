//! How the tests drive an endpoint: a command a line in, a report a line out, both JSON.
//!
//! What was received is reported in the words in which it is sent.

mod bytes_as_text;

pub use bytes_as_text::BytesAsText;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::thread;
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::mpsc;

/// What servers support, the one they like best first.
pub const SUBPROTOCOLS: [&str; 2] = ["chat.v2", "chat.v1"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Opens a connection; for clients.
    Open(Open),
    Text(String),
    Binary(BytesAsText),
    Fragments(Fragments),
    Ping(String),
    Close(Option<Closing>),
    /// A text message of bytes that may not be UTF-8.
    InvalidText(BytesAsText),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Where the server listens.
    pub address: String,
    #[serde(default)]
    pub subprotocols: Vec<String>,
    pub max_message: Option<u64>,
    pub max_fragments: Option<u32>,
}

/// A message in frames of `size` bytes, with a ping behind the first.
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
    /// The port of a server.
    Listening(u16),
    Open {
        subprotocol: Option<String>,
        extensions: String,
    },
    /// The other side did not open the connection as it should.
    Refused(String),
    Text(String),
    Binary(BytesAsText),
    Pong(String),
    /// What the other side's close frame said, and whether all went by the book.
    Close {
        code: u16,
        reason: String,
        clean: bool,
    },
    /// The other side broke the protocol or a limit: the connection is gone.
    Failed(String),
}

/// The code of a close frame without one (RFC 6455, 7.4.1).
pub const NO_CODE: u16 = 1005;

impl Report {
    /// Says it.
    ///
    /// # Errors
    /// If nobody listens.
    pub fn say(&self) -> io::Result<()> {
        say(self)
    }
}

/// Says something, in a line of JSON.
///
/// # Errors
/// If nobody listens.
pub fn say(report: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// The commands, until there are no more to come.
pub type Commands = mpsc::UnboundedReceiver<Command>;

/// Opens or accepts one connection after the other, as the only argument says, until there are no
/// more commands.
///
/// # Errors
/// If something went wrong that is not to be reported.
pub async fn drive(
    connect: impl AsyncFn(&Open, &mut Commands) -> Result<(), Box<dyn Error>>,
    serve: impl AsyncFn(TcpStream, &mut Commands) -> Result<(), Box<dyn Error>>,
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
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            Report::Listening(listener.local_addr()?.port()).say()?;
            loop {
                select! {
                    accepted = listener.accept() => serve(accepted?.0, &mut commands).await?,
                    command = commands.recv() => match command {
                        Some(_) => return Err(NOTHING_OPEN.into()),
                        None => return Ok(()),
                    },
                }
            }
        }
        _ => Err("usage: client | server".into()),
    }
}

const NOTHING_OPEN: &str = "a command for a connection that is not open";

/// The commands, as they come.
///
/// # Panics
/// In a thread of its own, if it is told what is none.
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

/// What is text unless something went wrong.
#[must_use]
pub fn as_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
