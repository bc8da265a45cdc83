//! The state of the closing handshake.

/// How far the closing handshake is (RFC 6455, 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Neither side closed.
    Open,
    /// We sent a close frame and await the peer's. What it sent before still comes, and its pings
    /// are answered, but we send nothing else.
    LocalClosing,
    /// The peer sent a close frame, or broke the protocol: we owe it our close frame, and may send
    /// nothing else.
    RemoteClosing,
    /// Both close frames are out. Once ours is written, a server shuts the transport; a client
    /// waits for that for a while, and then does so itself (RFC 6455, 7.1.1). After an error of
    /// the peer both shut it at once.
    Closed,
}
