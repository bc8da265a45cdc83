//! Names and TCP.

use super::dial_error::DialError;
use super::dial_options::DialOptions;
use super::endpoint::Endpoint;
use super::progress::{Progress, Side, Step};
use crate::transport::BoxTransport;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long an address may take before the next one is tried beside it: the Connection Attempt
/// Delay of [RFC 8305, section 8](https://www.rfc-editor.org/rfc/rfc8305#section-8).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// Connects by TCP.
pub(super) async fn connect(
    peer: Endpoint<'_>,
    side: Side,
    options: &DialOptions,
    progress: &Progress,
) -> Result<BoxTransport, DialError> {
    let addresses = resolve(peer, side, options, progress).await?;
    progress.enter(Step::Tcp(side), peer);
    let stream = open(addresses).await.map_err(|error| progress.failed(error))?;
    Ok(Box::new(stream))
}

/// Returns the addresses of a host, at least one, in the order of preference.
pub(super) async fn resolve(
    peer: Endpoint<'_>,
    side: Side,
    options: &DialOptions,
    progress: &Progress,
) -> Result<Vec<SocketAddr>, DialError> {
    progress.enter(Step::Resolve(side), peer);
    let found: Vec<_> = if let Some(given) = options.addresses_of(peer.host) {
        given.iter().map(|&it| SocketAddr::new(it, peer.port)).collect()
    } else {
        let found = tokio::net::lookup_host((peer.host, peer.port)).await;
        found.map_err(|error| progress.failed(error))?.collect()
    };
    if found.is_empty() { Err(progress.failed("the name has no address")) } else { Ok(found) }
}

/// Connects to one of some addresses.
async fn open(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let stream = first(interleave(addresses)).await?;
    // What is written is complete, and so a delay gains nothing. This fails on some systems if the
    // peer has closed the connection already, and then the first read has the better error.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Connects to the first address that answers. Each attempt goes on beside the later ones ([RFC
/// 8305, section 5](https://www.rfc-editor.org/rfc/rfc8305#section-5)).
async fn first(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = JoinSet::new();
    let mut addresses = addresses.into_iter();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let ended = match addresses.next() {
            Some(address) => {
                attempts.spawn(TcpStream::connect(address));
                match timeout(NEXT_ADDRESS, attempts.join_next()).await {
                    Ok(ended) => ended,
                    Err(_) => continue,
                }
            }
            None => attempts.join_next().await,
        };
        match ended {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => last_error = error,
            Some(Err(error)) => last_error = error.into(),
            None => return Err(last_error),
        }
    }
}

/// Alternates between the address families, and begins with that of the first address ([RFC 8305,
/// section 4](https://www.rfc-editor.org/rfc/rfc8305#section-4)).
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mine, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|it| it.is_ipv6() == is_v6);
    let mut others = others.into_iter();
    let mut mixed: Vec<_> =
        mine.into_iter().flat_map(|it| [Some(it), others.next()]).flatten().collect();
    mixed.extend(others);
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses<const N: usize>(ips: [&str; N]) -> Vec<SocketAddr> {
        ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 80)).collect()
    }

    #[test]
    fn the_families_alternate() {
        for (given, expected) in [
            (["1.1.1.1", "1.1.1.2", "::1", "::2"], ["1.1.1.1", "::1", "1.1.1.2", "::2"]),
            (["::1", "1.1.1.1", "1.1.1.2", "1.1.1.3"], ["::1", "1.1.1.1", "1.1.1.2", "1.1.1.3"]),
            (["::1", "::2", "::3", "1.1.1.1"], ["::1", "1.1.1.1", "::2", "::3"]),
        ] {
            assert_eq!(interleave(addresses(given)), addresses(expected));
        }
    }

    #[tokio::test]
    async fn small_writes_are_not_delayed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = open(vec![listener.local_addr().unwrap()]).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn no_address_is_an_error() {
        open(Vec::new()).await.unwrap_err();
    }
}
