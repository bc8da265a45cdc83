//! [`ConnectionState`], the state of the closing handshake.

/// The state of the closing handshake ([RFC 6455, section
/// 7.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Neither side has closed.
    Open,
    /// We have sent a close frame, and wait for the peer's. We still receive what the peer sent
    /// before its close frame, and still answer its pings, but send nothing else.
    LocalClosing,
    /// The peer has sent a close frame or broken the protocol. We owe it our close frame, and may
    /// send nothing else.
    RemoteClosing,
    /// Both close frames have been sent. Once ours is written, a server shuts the transport. A
    /// client waits a while for the server to do so, and then shuts it itself ([RFC 6455, section
    /// 7.1.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.1)). After an error of the peer,
    /// both roles shut it at once.
    Closed,
}
