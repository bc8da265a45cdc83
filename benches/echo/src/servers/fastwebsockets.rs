//! fastwebsockets writes each frame at once. Its halves allow a buffer in between, which is flushed
//! when no further message is ready.

use super::lent::READ;
use super::{Failure, Kind, Server, hyper_upgrade};
use fastwebsockets::{FragmentCollectorRead, Frame, OpCode, upgrade};
use futures_util::future::poll_immediate;
use std::pin::pin;
use tokio::io::BufWriter;
use tokio::net::TcpStream;

pub struct FastWebSockets;

impl Server for FastWebSockets {
    const NAME: &str = "fastwebsockets";
    const KIND: Kind = Kind::Peer;

    async fn serve(socket: TcpStream) -> Result<(), Failure> {
        let socket = hyper_upgrade::accept(socket, upgrade::upgrade).await?.await?;
        let (receiver, mut sender) = socket.split(|io| {
            let (reader, writer) = tokio::io::split(io);
            (reader, BufWriter::with_capacity(READ, writer))
        });
        let mut receiver = FragmentCollectorRead::new(receiver);
        // No client here sends pings.
        let mut obligated = async |_: Frame<'_>| Err::<(), Failure>("a control frame".into());
        loop {
            let mut next = pin!(receiver.read_frame(&mut obligated));
            let frame = if let Some(frame) = poll_immediate(&mut next).await {
                frame?
            } else {
                sender.flush().await?;
                next.await?
            };
            match frame.opcode {
                OpCode::Text | OpCode::Binary => sender.write_frame(frame).await?,
                OpCode::Close => return Ok(()),
                _ => {}
            }
        }
    }
}
