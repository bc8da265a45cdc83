//! A WebSocket client that reconnects. It sends the lines of its standard input, and prints the
//! messages that it receives: `echo hello | ws_client_tokio wss://localhost:9001/ --ca cert.pem`.
//!
//! With `--ca` it trusts the certificates in that PEM file, otherwise those that browsers trust. It
//! sends a ping every 20 s, or at the interval that `--ping` sets, and waits half the interval for
//! the pong. At the end of its input the client closes the connection. The status is 0 after a
//! clean close.

use bytes::BytesMut;
use eventwire::Url;
use eventwire::ws::handshake::ClientRequest;
use eventwire::ws::socket::ToWrite;
use eventwire::ws::{
    Close, CloseCode, CloseEvent, Frame, ReadyState, ReconnectingWebSocket,
    ReconnectingWebSocketEvent, ReconnectingWebSocketOptions, SendError, WebSocket,
    WebSocketOptions,
};
use eventwire_tokio::old::transport::Writer;
use example_support::causes::with_causes;
use example_support::stdin_lines::stdin_lines;
use lexopt::prelude::{Long, Value, ValueExt};
use std::error::Error;
use std::future;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

const USAGE: &str =
    "usage: ws_client_tokio ws[s]://HOST[:PORT][/PATH] [--ca FILE] [--ping SECONDS]";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(close) if close.was_clean => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ws_client_tokio: {}", with_causes(&*error));
            ExitCode::from(2)
        }
    }
}

/// Returns how the last connection ended.
async fn run() -> Result<CloseEvent, Box<dyn Error>> {
    let args = Args::parse()?;
    let server = Server::new(&args.url, args.ca.as_deref())?;
    let start = Instant::now();
    let options = WebSocketOptions::new().ping_interval(args.ping).pong_timeout(args.ping / 2);
    let backoff = ReconnectingWebSocketOptions::rfc_backoff(rand::random());
    let mut client = ReconnectingWebSocket::new(ReconnectingWebSocketOptions::new(backoff));
    let (mut reader, mut writer) = (None, None);
    let mut received = BytesMut::new();
    let mut lines = stdin_lines();
    let mut no_more_lines = false;
    // The line that did not fit into the send queue yet.
    let mut unsent: Option<String> = None;
    loop {
        while let Some(event) = client.poll(&mut received, start.elapsed()) {
            match event {
                ReconnectingWebSocketEvent::Connect => match server.connect().await {
                    Ok(stream) => {
                        let request = ClientRequest::from_url(&server.url, rand::random())?;
                        let masks = rand::random::<[u8; 4]>;
                        let now = start.elapsed();
                        client.connected(WebSocket::connect(&request, options, masks, now));
                        let (read, write) = tokio::io::split(stream);
                        reader = Some(read);
                        writer = Some(Writer::new(write));
                    }
                    // Trying again would not make the server trusted.
                    Err(error) if is_tls_error(&error) => return Err(error.into()),
                    Err(error) => client.connect_failed(error),
                },
                ReconnectingWebSocketEvent::Open => eprintln!("open"),
                ReconnectingWebSocketEvent::Text(text) => writeln!(io::stdout(), "{text}")?,
                ReconnectingWebSocketEvent::Binary(bytes) => {
                    writeln!(io::stdout(), "{} bytes", bytes.len())?;
                }
                ReconnectingWebSocketEvent::Ping(_)
                | ReconnectingWebSocketEvent::Pong(_)
                | ReconnectingWebSocketEvent::Skipped(_) => {}
                ReconnectingWebSocketEvent::Disconnected(end) => {
                    eprintln!("{}", with_causes(&end.close));
                    if end.reconnect_at.is_none() {
                        return Ok(end.close);
                    }
                    (reader, writer) = (None, None);
                }
            }
        }

        let now = start.elapsed();
        if let Some(line) = &unsent {
            match client.send(Frame::text(line)) {
                Err(SendError::Full) => {}
                result => {
                    result?;
                    unsent = None;
                }
            }
        } else if no_more_lines && client.ready_state() == ReadyState::Open {
            // Closing before the connection is open would lose the queued lines.
            client.close(Some(Close { code: CloseCode::NORMAL, reason: "" }), now)?;
        }

        let wait = client.deadline().map(|deadline| deadline.saturating_sub(now));
        let wants_shutdown = client.wants_shutdown();
        let mut to_write = client.to_write(now);
        tokio::select! {
            result = read(&mut reader, &mut received) => match result {
                Ok(1..) => {}
                Ok(0) => {
                    reader = None;
                    client.end_of_stream(start.elapsed());
                }
                Err(error) => {
                    reader = None;
                    client.read_failed(error, start.elapsed());
                }
            },
            result = write(&mut writer, &mut to_write, wants_shutdown) => {
                if let Err(error) = result {
                    writer = None;
                    client.write_failed(error, start.elapsed());
                }
            },
            line = lines.recv(), if unsent.is_none() && !no_more_lines => {
                no_more_lines = line.is_none();
                unsent = line;
            }
            () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
}

type Stream = Box<dyn Transport>;
trait Transport: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Transport for T {}

struct Args {
    url: String,
    ca: Option<String>,
    ping: Duration,
}

impl Args {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let (mut url, mut ca, mut ping) = (None, None, Duration::from_secs(20));
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Value(value) if url.is_none() => url = Some(value.string()?),
                Long("ca") => ca = Some(arguments.value()?.string()?),
                Long("ping") => ping = Duration::from_secs(arguments.value()?.parse()?),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(Self { url: url.ok_or(USAGE)?, ca, ping })
    }
}

/// The server, and the means to connect to it.
struct Server<'a> {
    url: Url<'a>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl<'a> Server<'a> {
    fn new(url: &'a str, ca: Option<&str>) -> Result<Self, Box<dyn Error>> {
        let url = Url::parse(url)?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err("the URL must begin with ws:// or wss://".into());
        }
        let name = || ServerName::try_from(url.host()).map(|name| name.to_owned());
        let tls = if url.is_encrypted() { Some((tls(ca)?, name()?)) } else { None };
        Ok(Self { url, tls })
    }

    async fn connect(&self) -> io::Result<Stream> {
        timeout(CONNECT_TIMEOUT, async {
            let stream = TcpStream::connect((self.url.host(), self.url.port())).await?;
            stream.set_nodelay(true)?;
            Ok(match &self.tls {
                None => Box::new(stream) as Stream,
                Some((tls, name)) => Box::new(tls.connect(name.clone(), stream).await?),
            })
        })
        .await?
    }
}

fn is_tls_error(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(error) if error.is::<rustls::Error>())
}

fn tls(ca: Option<&str>) -> Result<TlsConnector, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file)? {
                roots.add(certificate?)?;
            }
        }
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config).into())
}

/// Reads from the transport. Waits for ever without a transport. Dropping the future loses nothing.
async fn read(reader: &mut Option<ReadHalf<Stream>>, received: &mut BytesMut) -> io::Result<usize> {
    let Some(reader) = reader else { return future::pending().await };
    received.reserve(16 << 10);
    reader.read_buf(received).await
}

/// Calls [`Writer::write`]. Waits for ever without a transport. Dropping the future loses nothing.
async fn write(
    writer: &mut Option<Writer<WriteHalf<Stream>>>,
    to_write: &mut ToWrite<'_>,
    wants_shutdown: bool,
) -> io::Result<()> {
    let Some(writer) = writer else { return future::pending().await };
    writer.write(to_write, wants_shutdown).await
}
