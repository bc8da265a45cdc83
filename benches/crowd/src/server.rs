//! The server, in a process of its own.

use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A server process, which is killed on drop.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    pub(crate) async fn start(program: &OsStr) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("127.0.0.1:0").stdout(Stdio::piped()).kill_on_drop(true);
        let named =
            |error| io::Error::other(format!("cannot start {}: {error}", program.display()));
        let mut child = command.spawn().map_err(named)?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let line = BufReader::new(output).lines().next_line().await?.unwrap_or_default();
        let address = line.rsplit("//").next().and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| io::Error::other(format!("it says {line:?}")))?;
        Ok(Self { address, child })
    }

    /// Returns how much of its memory is resident, in bytes.
    pub(crate) fn resident(&self) -> io::Result<u64> {
        let pid = self.child.id().ok_or(io::ErrorKind::NotFound)?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(kibibytes.ok_or(io::ErrorKind::InvalidData)? * 1024)
    }
}
