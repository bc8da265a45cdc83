//! [`FrameEvent`], the events that a decoder of frames yields.

use super::close::Close;
use super::protocol_error::ProtocolError;
use core::fmt;

/// An event from the peer, yielded as it arrives.
///
/// `P` is the type of payloads (`&mut [u8]`, `BytesMut`), `R` that of the reason of a close frame
/// (`&str`, [`Utf8Bytes`](crate::Utf8Bytes)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameEvent<P, R> {
    /// A run of a message's payload.
    Data(Run<P>),
    /// A ping of at most 125 bytes. The pong must repeat its payload.
    Ping(P),
    /// A pong of at most 125 bytes.
    Pong(P),
    /// The peer closes the connection, with or without a code and a reason. Anything that it sends
    /// afterwards is ignored.
    Close(Option<Close<R>>),
    /// A message passed this limit and is dropped, as
    /// [`OnLimit::Skip`](crate::ws::frame::OnLimit::Skip) says.
    Skipped(ProtocolError),
}

/// A run of a message's payload.
///
/// A message arrives in runs, as its bytes arrive. The cuts between runs have no meaning, whether
/// they come from the network or from frames. Each message has at least one run. Only its last run
/// may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run<P> {
    /// The kind of the message.
    pub kind: DataKind,
    /// Whether an extension compressed the message ([RFC 7692, section 6]). This is only set after
    /// [`FrameDecoder::compression`](crate::ws::frame::FrameDecoder::compression) has allowed it.
    /// The run then holds compressed bytes: neither the text nor the length of the message was
    /// checked.
    ///
    /// [RFC 7692, section 6]: https://www.rfc-editor.org/rfc/rfc7692#section-6
    pub compressed: bool,
    /// The bytes. Those of text have been found valid so far, but a run may end inside a character.
    /// To pass runs on, use [`send_run`](crate::ws::connection::Writer::send_run).
    pub payload: P,
    /// Whether the message ends here.
    pub fin: bool,
}

/// The two kinds of messages ([RFC 6455, section 5.6]). Formatted as text, a kind is `text` or
/// `binary`.
///
/// [RFC 6455, section 5.6]: https://www.rfc-editor.org/rfc/rfc6455#section-5.6
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataKind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Text => "text",
            Self::Binary => "binary",
        })
    }
}
