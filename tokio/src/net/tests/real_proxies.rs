//! Proxies as they are deployed: tinyproxy, and danted of Dante. Run these tests with `cargo test
//! --all-features -- --ignored real_proxies`, after installing Debian's `tinyproxy-bin` and
//! `dante-server`.

use super::*;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A proxy in a process and a directory of its own, which ends with the test.
struct Proxy {
    process: Child,
    directory: PathBuf,
    address: SocketAddr,
}

impl Proxy {
    /// Starts a program, with the file of its configuration as its last argument. It is ready when
    /// a line that it prints has a text.
    fn start(
        program: &str,
        arguments: &[&str],
        port: u16,
        configuration: &str,
        ready: &str,
    ) -> Self {
        let name = format!("eventwire-{program}-{}-{port}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).unwrap();
        let file = directory.join("configuration");
        std::fs::write(&file, configuration).unwrap();
        let mut process = Command::new(program)
            .args(arguments)
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} is not installed: {error}"));
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let is_ready = lines.any(|line| line.is_ok_and(|line| line.contains(ready)));
        // It may print more.
        std::thread::spawn(|| lines.for_each(drop));
        let proxy = Self { process, directory, address: ([127, 0, 0, 1], port).into() };
        assert!(is_ready, "{program} ended");
        proxy
    }

    fn tinyproxy(port: u16, server: SocketAddr, extra: &str) -> Self {
        let configuration = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 10\nAllow 127.0.0.1\n\
             ConnectPort {}\n{extra}",
            server.port()
        );
        Self::start("tinyproxy", &["-d", "-c"], port, &configuration, "Accepting connections")
    }
}

/// Ends the process as a service manager does, so that it ends its children too.
impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Returns a port that was free a moment ago, for a program that cannot choose one.
fn free_port() -> u16 {
    ClosedPort::new().number()
}

fn through(url: &str) -> DialOptions {
    DialOptions::default().proxy(url)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs tinyproxy"]
async fn tinyproxy_opens_a_tunnel_or_refuses() {
    let server = echo_server().await;
    let proxy = Proxy::tinyproxy(free_port(), server, "");
    let options = through(&format!("http://{}", proxy.address));
    let url = format!("ws://localhost:{}", server.port());
    assert_echoes(dialled(&url, &options).await.unwrap()).await;

    let error = failed("ws://localhost:9", &options).await;
    let response = error.proxy_response().unwrap();
    assert_eq!(response.status().as_u16(), 403, "{error}");
    assert!(!response.body().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs tinyproxy"]
async fn tinyproxy_authenticates() {
    let server = echo_server().await;
    let proxy = Proxy::tinyproxy(free_port(), server, "BasicAuth user secret\n");
    let address = proxy.address;
    let url = format!("ws://localhost:{}", server.port());
    let options = through(&format!("http://user:secret@{address}"));
    assert_echoes(dialled(&url, &options).await.unwrap()).await;
    for credentials in ["", "user:wrong@"] {
        let error = failed(&url, &through(&format!("http://{credentials}{address}"))).await;
        assert_eq!((error.hop(), error.is_permanent()), (Hop::Proxy, true), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs danted"]
async fn danted_connects_or_refuses() {
    let server = echo_server().await;
    let port = free_port();
    let configuration = format!(
        "logoutput: stdout\ninternal: 127.0.0.1 port = {port}\nexternal: 127.0.0.1\n\
         clientmethod: none\nsocksmethod: none\n\
         client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}\n\
         socks block {{ from: 0.0.0.0/0 to: 127.0.0.0/8 port = 9 }}\n\
         socks pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}\n"
    );
    let proxy = Proxy::start("danted", &["-f"], port, &configuration, "running");
    // It knows no version 4a.
    for scheme in ["socks5", "socks5h", "socks4"] {
        let options = through(&format!("{scheme}://{}", proxy.address))
            .resolve("localhost", [[127, 0, 0, 1].into()]);
        let url = format!("ws://localhost:{}", server.port());
        assert_echoes(dialled(&url, &options).await.unwrap()).await;

        let closed = ClosedPort::new();
        for port in [9, closed.number()] {
            let error = failed(&format!("ws://127.0.0.1:{port}"), &options).await;
            assert_eq!((error.hop(), error.is_permanent()), (Hop::Proxy, false), "{error}");
        }
    }
    // It has no users.
    let options = through(&format!("socks5h://user:secret@{}", proxy.address));
    let error = failed(&format!("ws://127.0.0.1:{}", server.port()), &options).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Proxy, true), "{error}");
}
