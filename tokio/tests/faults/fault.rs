//! [`Fault`], what goes wrong.

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    ServerDown,
    Unauthorized,
    Redirected,
    TooManyRequests,
    Unavailable,
    UnknownRoot,
    WrongName,
    WsToTls,
    WssToPlain,
    SilentServer,
    CutHandshake,
    ResetHandshake,
    CutMessage,
    CloseUnanswered,
    HalfOpen,
    NeverReads,
    PingFlood,
    InvalidUrl,
    DeadAddress,
    SilentProxy,
    RefusingProxy,
    WrongType,
    CutEvent,
    SilentStream,
}

/// What the client does after it has connected, until the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing: an open connection is a success.
    Open,
    Receive,
    Send,
    Close,
}

impl Fault {
    /// The faults of a WebSocket.
    pub const WEBSOCKET: [(Self, &str); 21] = [
        (Self::ServerDown, "the server is down"),
        (Self::Unauthorized, "refused with 401"),
        (Self::Redirected, "refused with 302"),
        (Self::TooManyRequests, "refused with 429"),
        (Self::Unavailable, "refused with 503"),
        (Self::UnknownRoot, "TLS: unknown root"),
        (Self::WrongName, "TLS: certificate for another name"),
        (Self::WsToTls, "`ws://` to a TLS port"),
        (Self::WssToPlain, "`wss://` to a plain port"),
        (Self::SilentServer, "the server never answers the handshake"),
        (Self::CutHandshake, "cut before the handshake's answer"),
        (Self::ResetHandshake, "reset before the handshake's answer"),
        (Self::CutMessage, "cut inside a message"),
        (Self::CloseUnanswered, "the peer never answers a close"),
        (Self::HalfOpen, "half-open: the peer stops reading and writing"),
        (Self::NeverReads, "the peer never reads, and the client sends"),
        (Self::PingFlood, "the peer floods with pings and never reads"),
        (Self::InvalidUrl, "invalid URL"),
        (Self::DeadAddress, "one address of two is dead"),
        (Self::SilentProxy, "the proxy never answers"),
        (Self::RefusingProxy, "the proxy refuses with 403"),
    ];

    /// The faults of an event stream.
    pub const EVENTS: [(Self, &str); 11] = [
        (Self::ServerDown, "the server is down"),
        (Self::Unauthorized, "refused with 401"),
        (Self::Redirected, "refused with 302"),
        (Self::TooManyRequests, "refused with 429"),
        (Self::Unavailable, "refused with 503"),
        (Self::UnknownRoot, "TLS: unknown root"),
        (Self::WrongType, "wrong content type"),
        (Self::SilentServer, "the server never answers the request"),
        (Self::CutEvent, "cut inside an event"),
        (Self::SilentStream, "the stream falls silent"),
        (Self::InvalidUrl, "invalid URL"),
    ];

    pub const fn act(self) -> Act {
        match self {
            Self::CutMessage | Self::HalfOpen | Self::PingFlood => Act::Receive,
            Self::NeverReads => Act::Send,
            Self::CloseUnanswered => Act::Close,
            _ => Act::Open,
        }
    }
}
