//! [`Scene`], a server with a fault, and how a client gets to it.

use super::fault::{Act, Fault};
use super::identity::Identity;
use bytes::BytesMut;
use eventwire_tokio::ws::handshake::ServerHandshake;
use eventwire_tokio::ws::rustls::ClientConfig;
use std::any::Any;
use std::future::{Future, pending};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A server with a fault, on loopback. It ends when this is dropped.
pub struct Scene {
    pub act: Act,
    pub address: SocketAddr,
    /// A URL in place of the server's.
    pub url: Option<&'static str>,
    pub proxy: Option<SocketAddr>,
    /// The addresses of the server, if it has a name.
    pub addresses: Vec<SocketAddr>,
    pub tls: Arc<ClientConfig>,
    is_encrypted: bool,
    tasks: JoinSet<()>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Scene {
    /// The name of a server with several addresses.
    pub const NAME: &str = "server.test";

    pub async fn of(fault: Fault) -> Self {
        let identity = Identity::of("127.0.0.1");
        let mut scene = Self {
            act: fault.act(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            url: None,
            proxy: None,
            addresses: Vec::new(),
            tls: identity.trusted(),
            is_encrypted: false,
            tasks: JoinSet::new(),
            kept: Vec::new(),
        };
        match fault {
            Fault::ServerDown => scene.address = scene.closed_port(),
            Fault::InvalidUrl => scene.url = Some("localhost:3000/chat"),
            Fault::Unauthorized => {
                scene.answers("401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n");
            }
            Fault::Redirected => {
                scene.answers("302 Found\r\nLocation: ws://other.test/\r\n");
            }
            Fault::TooManyRequests => {
                scene.answers("429 Too Many Requests\r\nRetry-After: 7\r\n");
            }
            Fault::Unavailable => scene.answers("503 Service Unavailable\r\n"),
            Fault::UnknownRoot => {
                scene.serves_tls(&identity);
                scene.tls = Identity::of("other.test").trusted();
                scene.is_encrypted = true;
            }
            Fault::WrongName => {
                let other = Identity::of("other.test");
                scene.serves_tls(&other);
                scene.tls = other.trusted();
                scene.is_encrypted = true;
            }
            Fault::WsToTls => scene.serves_tls(&identity),
            Fault::WssToPlain => {
                scene.is_encrypted = true;
                scene.address = scene.serve(async |mut tcp| {
                    let _ = tcp.read_u8().await;
                    let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                    read_all(tcp).await;
                });
            }
            Fault::SilentServer => scene.address = scene.serve(read_all),
            Fault::CutHandshake => {
                scene.address = scene.serve(async |mut tcp| drop(read_head(&mut tcp).await));
            }
            Fault::ResetHandshake => {
                // What was sent and not read makes the end of the connection a reset.
                scene.address = scene.serve(async |tcp| drop(tcp.peek(&mut [0]).await));
            }
            Fault::CutMessage => {
                scene.opens(async |mut tcp| drop(tcp.write_all(b"\x81\x0Ahalf").await));
            }
            Fault::CloseUnanswered => scene.opens(read_all),
            Fault::HalfOpen | Fault::NeverReads => scene.opens(keep),
            Fault::PingFlood => {
                scene.opens(async |mut tcp| {
                    let ping = [&b"\x89\x7D"[..], &[b'.'; 125]].concat();
                    let pings = ping.repeat(100);
                    while tcp.write_all(&pings).await.is_ok() {}
                });
            }
            Fault::DeadAddress => {
                scene.opens(keep);
                let dead = SocketAddr::from(([127, 0, 0, 2], scene.address.port()));
                scene.kept.push(Box::new(dead_listener(dead).await));
                scene.addresses = vec![dead, scene.address];
            }
            Fault::SilentProxy => {
                scene.opens(keep);
                scene.proxy = Some(scene.serve(read_all));
            }
            Fault::RefusingProxy => {
                scene.opens(keep);
                scene.proxy = Some(scene.serve(async |tcp| answer(tcp, "403 Forbidden\r\n").await));
            }
            Fault::WrongType => scene.answers("200 OK\r\nContent-Type: text/html\r\n"),
            Fault::CutEvent => {
                scene.streams(async |mut tcp| drop(tcp.write_all(b"A\r\ndata: half").await));
            }
            Fault::SilentStream => scene.streams(read_all),
        }
        scene
    }

    /// Returns the URL for a client. `scheme` is the one without TLS.
    pub fn url(&self, scheme: &str) -> String {
        let s = if self.is_encrypted { "s" } else { "" };
        match self.url {
            Some(url) => url.to_owned(),
            None if self.addresses.is_empty() => format!("{scheme}{s}://{}/", self.address),
            None => format!("{scheme}{s}://{}:{}/", Self::NAME, self.address.port()),
        }
    }

    /// Replaces the addresses in a text, which differ from run to run.
    pub fn mask(&self, text: &str) -> String {
        let text = text.replace(&self.address.to_string(), "SERVER");
        match self.proxy {
            Some(proxy) => text.replace(&proxy.to_string(), "PROXY"),
            None => text,
        }
    }

    /// Returns an address on which nothing listens. No other test can take it.
    fn closed_port(&mut self) -> SocketAddr {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(self.address).unwrap();
        let address = socket.local_addr().unwrap();
        self.kept.push(Box::new(socket));
        address
    }

    /// Serves connections, one after the other.
    fn serve<F>(&mut self, session: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
    where
        F: Future<Output = ()> + Send,
    {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        // A client soon notices that nobody reads.
        socket.set_recv_buffer_size(1 << 14).unwrap();
        let listener = socket.listen(16).unwrap();
        let address = listener.local_addr().unwrap();
        self.tasks.spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                session(tcp).await;
            }
        });
        address
    }

    /// Answers requests with this status line and these headers, and a body.
    fn answers(&mut self, head: &'static str) {
        self.address = self.serve(move |tcp| answer(tcp, head));
    }

    fn serves_tls(&mut self, identity: &Identity) {
        let acceptor = identity.acceptor();
        self.address = self.serve(move |tcp| {
            let acceptor = acceptor.clone();
            async move { drop(acceptor.accept(tcp).await) }
        });
    }

    /// Begins an event stream for each client, and goes on with its transport.
    fn streams<F>(&mut self, session: impl Fn(TcpStream) -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                              Transfer-Encoding: chunked\r\n\r\n";
        self.address = self.serve(move |mut tcp| {
            let session = session.clone();
            async move {
                read_head(&mut tcp).await;
                if tcp.write_all(HEAD).await.is_ok() {
                    session(tcp).await;
                }
            }
        });
    }

    /// Opens a WebSocket for each client, and goes on with its transport.
    fn opens<F>(&mut self, session: impl Fn(TcpStream) -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        self.address = self.serve(move |mut tcp| {
            let session = session.clone();
            async move {
                let request = read_head(&mut tcp).await;
                let Ok(Some(request)) = ServerHandshake::new().decode(&request) else { return };
                let mut response = [0; 256];
                let Ok(len) = request.accept().encode(&mut response) else { return };
                if tcp.write_all(&response[..len]).await.is_ok() {
                    session(tcp).await;
                }
            }
        });
    }
}

async fn answer(mut tcp: TcpStream, head: &str) {
    read_head(&mut tcp).await;
    let response = format!("HTTP/1.1 {head}Content-Length: 3\r\n\r\nwhy");
    let _ = tcp.write_all(response.as_bytes()).await;
    read_all(tcp).await;
}

/// Reads a head of HTTP, or what there is of it.
async fn read_head(tcp: &mut TcpStream) -> BytesMut {
    let mut head = BytesMut::new();
    while !head.ends_with(b"\r\n\r\n") {
        match tcp.read_buf(&mut head).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
    }
    head
}

async fn read_all(mut tcp: TcpStream) {
    let _ = tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await;
}

/// Keeps a connection, and neither reads nor writes.
async fn keep(_tcp: TcpStream) {
    pending::<()>().await;
}

/// Returns a listener that answers nobody, because its queue is full, and what fills the queue.
async fn dead_listener(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut filling = Vec::new();
    let patience = Duration::from_millis(100);
    while let Ok(connected) = timeout(patience, TcpStream::connect(address)).await {
        filling.push(connected.unwrap());
    }
    (listener, filling)
}
