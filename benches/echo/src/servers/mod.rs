//! The compared servers, each of which echoes every message of the sockets that it is given, and
//! the compared clients of a feed.

mod driver;
mod eventwire;
mod fastwebsockets;
mod followers;
mod hyper_upgrade;
mod lent;
mod raw_tcp;
mod receivers;
mod sockudo_ws;
mod tokio_websockets;
mod tungstenite;
mod yawc;

use crate::harness::{Running, start};
use std::error::Error;
use std::io;
use tokio::net::TcpStream;

pub type Failure = Box<dyn Error + Send + Sync>;

/// One way of echoing.
pub trait Server: 'static {
    /// The name in the tables.
    const NAME: &str;
    const KIND: Kind;

    /// Serves an accepted socket until the other side closes it.
    fn serve(socket: TcpStream) -> impl Future<Output = Result<(), Failure>> + Send;
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No WebSocket at all: the cost of the socket and the runtime.
    RawTcp,
    /// eventwire in a loop written by hand.
    Ours,
    /// `eventwire-tokio`.
    Driver,
    Peer,
}

/// All echo servers, each in a thread of its own.
pub fn start_all() -> io::Result<Vec<Running>> {
    Ok(vec![
        start::<raw_tcp::RawTcp>()?,
        start::<eventwire::Runs>()?,
        start::<eventwire::Messages>()?,
        start::<driver::Driver>()?,
        start::<tungstenite::Tungstenite>()?,
        start::<fastwebsockets::FastWebSockets>()?,
        start::<tokio_websockets::TokioWebSockets>()?,
        start::<sockudo_ws::Sockudo>()?,
        start::<yawc::Yawc>()?,
    ])
}

/// All clients of a feed, each in a thread of its own.
pub fn start_receivers() -> io::Result<Vec<Running>> {
    Ok(vec![
        start::<receivers::RawTcp>()?,
        start::<receivers::Messages>()?,
        start::<receivers::Driver>()?,
        start::<receivers::Tungstenite>()?,
        start::<receivers::FastWebSockets>()?,
        start::<receivers::TokioWebSockets>()?,
        start::<receivers::Sockudo>()?,
        start::<receivers::Yawc>()?,
    ])
}

/// All clients of event streams, each in a thread of its own.
pub fn start_followers() -> io::Result<Vec<Running>> {
    Ok(vec![
        start::<followers::RawTcp>()?,
        start::<followers::Driver>()?,
        start::<followers::EventsourceStream>()?,
        start::<followers::ReqwestEventsource>()?,
    ])
}
