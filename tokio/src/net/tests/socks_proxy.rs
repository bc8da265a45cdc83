//! SOCKS proxies.

use super::*;
use std::net::IpAddr;

/// What a client asked of a proxy: the bytes of its requests, after the choice of a method.
type Asked = Vec<u8>;

/// Starts a proxy of version 5 for one connection. It accepts only one method of authentication.
async fn v5(
    method: u8,
    verdict: u8,
    reply: u8,
    server: SocketAddr,
) -> (SocketAddr, JoinHandle<Asked>) {
    accept_once(async move |mut stream: TcpStream| {
        let mut asked = Vec::new();
        assert_eq!(stream.read_u8().await.unwrap(), 5);
        let methods = read(&mut stream).await;
        let chosen = if methods.contains(&method) { method } else { 0xff };
        stream.write_all(&[5, chosen]).await.unwrap();
        if chosen == 0xff {
            return asked;
        }
        if method == 2 {
            assert_eq!(stream.read_u8().await.unwrap(), 1);
            for _ in 0..2 {
                asked.extend(read(&mut stream).await);
                asked.push(b'/');
            }
            stream.write_all(&[1, verdict]).await.unwrap();
            if verdict != 0 {
                return asked;
            }
        }
        let mut request = [0; 4];
        stream.read_exact(&mut request).await.unwrap();
        assert_eq!(request[..3], [5, 1, 0]);
        let mut address = match request[3] {
            1 => vec![0; 4],
            4 => vec![0; 16],
            _ => vec![0; stream.read_u8().await.unwrap().into()],
        };
        stream.read_exact(&mut address).await.unwrap();
        asked.extend(address);
        asked.extend(stream.read_u16().await.unwrap().to_be_bytes());
        stream.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        if reply == 0 {
            forward(stream, server).await;
        }
        asked
    })
    .await
}

/// Reads a length and that many bytes.
async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; stream.read_u8().await.unwrap().into()];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// Starts a proxy of version 4 for one connection.
async fn v4(reply: u8, server: SocketAddr) -> (SocketAddr, JoinHandle<Asked>) {
    accept_once(async move |mut stream: TcpStream| {
        let mut asked = vec![0; 8];
        stream.read_exact(&mut asked).await.unwrap();
        // The user is empty. A name follows an invalid address.
        let strings = if asked[4..7] == [0, 0, 0] { 2 } else { 1 };
        for _ in 0..strings {
            loop {
                match stream.read_u8().await.unwrap() {
                    0 => break,
                    byte => asked.push(byte),
                }
            }
        }
        stream.write_all(&[0, reply, 0, 0, 0, 0, 0, 0]).await.unwrap();
        if reply == 90 {
            forward(stream, server).await;
        }
        asked
    })
    .await
}

fn by(scheme: &str, credentials: &str, proxy: SocketAddr) -> DialOptions {
    DialOptions::default()
        .proxy(&format!("{scheme}://{credentials}{proxy}"))
        .resolve("server.test", [IpAddr::from([127, 0, 0, 9])])
}

const URL: &str = "ws://server.test:258/";

#[tokio::test]
async fn version_5_passes_the_name_or_the_address() {
    let server = echo_server().await;
    for (scheme, expected) in
        [("socks5h", &b"server.test\x01\x02"[..]), ("socks5", b"\x7f\0\0\x09\x01\x02")]
    {
        let (address, asked) = v5(0, 0, 0, server).await;
        assert_echoes(dialled(URL, &by(scheme, "", address)).await.unwrap()).await;
        assert_eq!(asked.await.unwrap(), expected, "{scheme}");
    }
    let (address, asked) = v5(0, 0, 0, server).await;
    assert_echoes(dialled("ws://[::1]:258/", &by("socks5h", "", address)).await.unwrap()).await;
    assert_eq!(asked.await.unwrap(), b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\x02");
}

#[tokio::test]
async fn version_5_authenticates() {
    let server = echo_server().await;
    let (address, asked) = v5(2, 0, 0, server).await;
    let options = by("socks5h", "user:p%40ss@", address);
    assert_echoes(dialled(URL, &options).await.unwrap()).await;
    assert_eq!(asked.await.unwrap(), b"user/p@ss/server.test\x01\x02");
}

#[tokio::test]
async fn version_5_says_why_it_refuses() {
    for (method, verdict, reply, credentials, text, is_permanent) in [
        (2, 0, 0, "", "neither an anonymous user", true),
        (2, 1, 0, "user:secret@", "credentials not accepted; correct the user", true),
        (0, 0, 4, "", "host unreachable", false),
        (0, 0, 2, "", "connection not allowed", false),
    ] {
        let (address, _) = v5(method, verdict, reply, ([127, 0, 0, 1], 9).into()).await;
        let options = by("socks5h", credentials, address);
        let error = failed(URL, &options).await;
        assert_eq!((error.hop(), error.is_permanent()), (Hop::Proxy, is_permanent), "{error}");
        assert_eq!(error.host(), address.to_string());
        assert!(error.to_string().contains(text), "{error}");
        assert!(!format!("{error} {error:?} {options:?}").contains("secret"));
    }
}

#[tokio::test]
async fn version_4_passes_the_name_or_an_address_of_version_4() {
    let server = echo_server().await;
    for (scheme, expected) in [
        ("socks4a", &b"\x04\x01\x01\x02\0\0\0\xffserver.test"[..]),
        ("socks4", b"\x04\x01\x01\x02\x7f\0\0\x09"),
    ] {
        let (address, asked) = v4(90, server).await;
        let options = by(scheme, "", address)
            .resolve("server.test", ["::1".parse().unwrap(), [127, 0, 0, 9].into()]);
        assert_echoes(dialled(URL, &options).await.unwrap()).await;
        assert_eq!(asked.await.unwrap(), expected, "{scheme}");
    }
    let (address, _) = v4(91, server).await;
    let error = failed(URL, &by("socks4a", "", address)).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Proxy, false));
}

#[tokio::test]
async fn a_name_that_cannot_be_looked_up_is_not_blamed_on_the_proxy() {
    let (address, _) = v5(0, 0, 0, ([127, 0, 0, 1], 9).into()).await;
    let options = by("socks5", "", address).resolve("server.test", []);
    assert_eq!(failed(URL, &options).await.hop(), Hop::Resolve);
    let options = by("socks4", "", address).resolve("server.test", ["::1".parse().unwrap()]);
    let error = failed(URL, &options).await;
    assert_eq!(error.hop(), Hop::Resolve);
    assert!(error.to_string().contains("no IPv4 address"), "{error}");
}

#[tokio::test]
async fn a_proxy_that_speaks_no_socks_or_nothing_is_named() {
    let (address, _) = accept_once(async |mut stream: TcpStream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = stream.read_u8().await;
    })
    .await;
    let error = failed(URL, &by("socks5h", "", address)).await;
    assert_eq!((error.hop(), error.host()), (Hop::Proxy, address.to_string().as_str()));

    let (address, _) = accept_once(async |mut stream: TcpStream| {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let deadline = Duration::from_millis(50);
    let error = within_deadline(URL, &by("socks5h", "", address), deadline).await.err().unwrap();
    let text = format!("cannot connect through the proxy {address}: no answer in time");
    assert_eq!(error.to_string(), text);
}
