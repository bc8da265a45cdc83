//! What a peer said.

use super::close::Close;
use super::protocol_error::ProtocolError;

/// What a peer said, as it arrives.
///
/// `P` holds payloads (`&mut [u8]`, `BytesMut`), `R` the reason of a close frame (`&str`,
/// [`Utf8Bytes`](crate::Utf8Bytes)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameEvent<P, R> {
    /// A run of a message's payload.
    Data(Run<P>),
    /// A ping, at most 125 bytes, whose payload the pong is to repeat.
    Ping(P),
    /// A pong, at most 125 bytes.
    Pong(P),
    /// The peer closes, with a code and a reason or without. Whatever it sends after is ignored.
    Close(Option<Close<R>>),
    /// A message passed this limit, and is dropped, as
    /// [`OnLimit::Skip`](crate::ws::frame::OnLimit::Skip) has it.
    Skipped(ProtocolError),
}

/// A run of a message's payload.
///
/// Messages come in runs as their bytes arrive: the cuts say nothing, be they the network's or
/// those between frames. Each message has at least one run, and only one that ends it may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run<P> {
    /// The kind of the message.
    pub kind: DataKind,
    /// Whether an extension compressed the message (RFC 7692, 6), which only comes where
    /// [`FrameDecoder::compression`](crate::ws::frame::FrameDecoder::compression) says so: then these are its bytes, and
    /// neither text nor the length of the message was checked.
    pub compressed: bool,
    /// The bytes. Those of text have been found valid, but a run may end inside a character; pass
    /// them on by [`send_run`](crate::ws::connection::Writer::send_run).
    pub payload: P,
    /// Whether the message ends here.
    pub fin: bool,
}

/// The two kinds of messages (RFC 6455, 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataKind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}
