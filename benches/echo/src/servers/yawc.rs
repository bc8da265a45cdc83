//! As in yawc's own comparison: large buffers, and replies are fed until no further message is
//! ready, at most 32 of them.

use super::lent::READ;
use super::{Failure, Kind, Server, hyper_upgrade};
use futures_util::SinkExt;
use futures_util::future::poll_immediate;
use tokio::net::TcpStream;
use yawc::{OpCode, Options, WebSocket};

pub struct Yawc;

impl Server for Yawc {
    const NAME: &str = "yawc";
    const KIND: Kind = Kind::Peer;

    async fn serve(socket: TcpStream) -> Result<(), Failure> {
        let options = Options::default()
            .with_utf8()
            .without_compression()
            .with_read_buffer_capacity(2 * READ)
            .with_backpressure_boundary(READ);
        let upgrade = |request| WebSocket::upgrade_with_options(request, options.clone());
        let mut socket = hyper_upgrade::accept(socket, upgrade).await?.await?;
        loop {
            let mut ready = Some(socket.next_frame().await);
            let mut fed = 0;
            while let Some(frame) = ready {
                let frame = frame?;
                match frame.opcode() {
                    OpCode::Text | OpCode::Binary => socket.feed(frame).await?,
                    OpCode::Close => return Ok(()),
                    _ => {}
                }
                fed += 1;
                if fed == 32 {
                    break;
                }
                ready = poll_immediate(socket.next_frame()).await;
            }
            socket.flush().await?;
        }
    }
}
