//! From a host's name to a connection.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A time so long that it never passes.
pub(crate) const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// Resolves a name to one address or more. The system's resolver keeps no deadline, so it runs in a
/// thread of its own, which ends when the resolver gives up.
pub(crate) fn resolve(host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let (sender, found) = mpsc::sync_channel(1);
    let name = host.to_owned();
    thread::Builder::new().name("resolver".into()).spawn(move || {
        let found = (&*name, port).to_socket_addrs().map(Iterator::collect);
        let _ = sender.send(found); // nobody may wait any more
    })?;
    found.recv_timeout(left(deadline)).unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// Connects to the first address that answers. Each one gets its share of the time, so that a dead
/// one does not use up all of it. Returns the last error.
pub(crate) fn connect(addresses: &[SocketAddr], deadline: Instant) -> io::Result<TcpStream> {
    let mut last = ErrorKind::AddrNotAvailable.into();
    for (&address, others) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let share = left(deadline) / u32::try_from(others).unwrap_or(u32::MAX);
        if share.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

pub(crate) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::{connect, resolve};
    use std::io::ErrorKind;
    use std::net::{SocketAddr, TcpListener};
    use std::time::{Duration, Instant};

    #[test]
    fn a_dead_address_is_passed_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let live = listener.local_addr().unwrap();
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        // Reserved for documentation: nobody answers there.
        let silent: SocketAddr = "192.0.2.1:9".parse().unwrap();
        let deadline = Instant::now() + Duration::from_secs(1);
        let stream = connect(&[gone, silent, live], deadline).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);

        let kind = |addresses: &[_], deadline| connect(addresses, deadline).unwrap_err().kind();
        assert_eq!(kind(&[silent, gone], deadline), ErrorKind::ConnectionRefused);
        assert_eq!(kind(&[], deadline), ErrorKind::AddrNotAvailable);
        assert_eq!(kind(&[live], Instant::now()), ErrorKind::TimedOut);
    }

    #[test]
    fn names_and_addresses_are_resolved() {
        let deadline = Instant::now() + Duration::from_secs(5);
        assert_eq!(resolve("::1", 80, deadline).unwrap(), ["[::1]:80".parse().unwrap()]);
        let found = resolve("localhost", 80, deadline).unwrap();
        assert!(!found.is_empty() && found.iter().all(|it| it.ip().is_loopback()), "{found:?}");
    }
}
