//! Names and TCP, without a proxy.

use super::*;
use std::error::Error;
use std::io;
use std::net::IpAddr;

fn direct() -> DialOptions {
    DialOptions::default().no_proxy()
}

const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn a_server_is_reached_by_its_address() {
    let server = echo_server().await;
    assert_echoes(dialled(&format!("ws://{server}"), &direct()).await.unwrap()).await;
}

#[tokio::test]
async fn a_name_has_the_addresses_that_are_given() {
    let port = echo_server().await.port();
    let options = direct().resolve("Server.test", [LOCAL]);
    let url = format!("ws://sERVER.test:{port}");
    assert_echoes(dialled(&url, &options).await.unwrap()).await;
}

#[tokio::test]
async fn a_closed_port_is_a_failure_of_tcp() {
    let closed = ClosedPort::new();
    let port = closed.number();
    let error = failed(&format!("ws://127.0.0.1:{port}"), &direct()).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Tcp, false));
    assert_eq!(error.host(), format!("127.0.0.1:{port}"));
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")), "{text}");
    let source = error.source().and_then(|it| it.downcast_ref::<io::Error>()).unwrap();
    assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
    assert!(text.ends_with(&source.to_string()), "{text}");
}

#[tokio::test]
async fn an_unknown_name_is_a_failure_of_its_resolution() {
    // No resolver asks the network for a label of more than 63 bytes.
    let name = "a".repeat(64);
    let error = failed(&format!("ws://{name}/"), &direct()).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Resolve, false), "{error}");
    assert_eq!(error.host(), format!("{name}:80"));

    let error = failed("ws://server.test/", &direct().resolve("server.test", [])).await;
    let text = "cannot find an address of server.test:80: the name has no address";
    assert_eq!((error.hop(), error.to_string().as_str()), (Hop::Resolve, text));
}

#[tokio::test]
async fn an_address_that_refuses_is_passed_over() {
    let port = echo_server().await.port();
    // Nothing listens on IPv6, or there is no IPv6.
    let addresses = ["::1".parse().unwrap(), LOCAL];
    let options = direct().resolve("server.test", addresses);
    let url = format!("ws://server.test:{port}");
    assert_echoes(dialled(&url, &options).await.unwrap()).await;
}

/// Returns a listener on 127.0.0.2 that answers nobody, because its queue is full, and the
/// connections that fill it. Other systems than Linux have no such address.
#[cfg(target_os = "linux")]
async fn dead_listener(port: u16) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 2], port));
    socket.bind(address).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut filling = Vec::new();
    let patience = Duration::from_millis(100);
    while let Ok(connected) = tokio::time::timeout(patience, TcpStream::connect(address)).await {
        filling.push(connected.unwrap());
    }
    (listener, filling)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_dead_address_is_passed_over() {
    let port = echo_server().await.port();
    let _dead = dead_listener(port).await;
    let dead = IpAddr::from([127, 0, 0, 2]);
    let options = direct().resolve("server.test", [dead, dead, LOCAL]);
    let url = format!("ws://server.test:{port}");
    let dialled = within_deadline(&url, &options, Duration::from_millis(1500)).await;
    assert_echoes(dialled.unwrap()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_dead_server_is_named_by_the_error_of_the_deadline() {
    let closed = ClosedPort::new();
    let port = closed.number();
    let _dead = dead_listener(port).await;
    let url = format!("ws://127.0.0.2:{port}");
    let error = within_deadline(&url, &direct(), Duration::from_millis(50)).await.err().unwrap();
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Tcp, false));
    let text = format!("cannot connect to 127.0.0.2:{port}: no answer in time");
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn a_dial_can_be_sent_to_another_thread() {
    fn is_send(_: &impl Send) {}
    let url = Url::parse("ws://127.0.0.1/").unwrap();
    let (options, progress) = (direct(), Progress::new(&url));
    is_send(&dial(&url, &options, &progress));
    is_send(&progress);
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn tls_without_its_feature_is_a_clear_error() {
    let error = failed(&format!("wss://{}", echo_server().await), &direct()).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Tls, true));
    assert!(error.to_string().contains("enable feature `tls`"), "{error}");
}
