//! Echoes raw bytes from the buffer that they arrived in. This is the lower bound.

use super::lent::Buffers;
use super::{Failure, Kind, Server};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

pub struct RawTcp;

impl Server for RawTcp {
    const NAME: &str = "raw TCP";
    const KIND: Kind = Kind::RawTcp;

    async fn serve(mut socket: TcpStream) -> Result<(), Failure> {
        let mut buffers = Buffers::default();
        while let Some(read) = buffers.read(&mut socket).await? {
            buffers = read;
            socket.write_all(&buffers.received).await?;
            buffers.received.clear();
        }
        Ok(())
    }
}
