//! From a host's name to a connection.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Resolves a name. The system's resolver keeps no deadline, so it runs in a thread of its own,
/// which ends when the resolver gives up.
pub(crate) fn resolve(host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let (sender, found) = mpsc::sync_channel(1);
    let name = host.to_owned();
    thread::Builder::new().name(format!("resolve {host}")).spawn(move || {
        let found = (&*name, port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let _ = sender.send(found); // nobody waits any more
    })?;
    match found.recv_timeout(left(deadline)) {
        Ok(Ok(addresses)) if addresses.is_empty() => Err(ErrorKind::NotFound.into()),
        Ok(found) => found,
        Err(_) => Err(ErrorKind::TimedOut.into()),
    }
}

/// Connects to the first address that answers. Each one gets its share of the time, so that a dead
/// one does not use up all of it. Returns the last error, with its address.
pub(crate) fn connect(
    addresses: &[SocketAddr],
    deadline: Instant,
) -> Result<TcpStream, (Option<SocketAddr>, io::Error)> {
    let mut last = (None, ErrorKind::NotFound.into());
    for (address, others) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let share = left(deadline) / u32::try_from(others).unwrap_or(u32::MAX);
        if share.is_zero() {
            return Err((Some(*address), ErrorKind::TimedOut.into()));
        }
        let connected = TcpStream::connect_timeout(address, share);
        match connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = (Some(*address), error),
        }
    }
    Err(last)
}

pub(crate) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
