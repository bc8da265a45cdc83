//! How a handshake fails.

use super::Rejection;
use super::head::HeadFault;
use core::fmt;

/// Why a request does not open a WebSocket, or the machine was misused.
///
/// Each has a [`status`](Self::status), and a whole answer: [`rejection`](Self::rejection).
///
/// | error | status | found |
/// |---|---|---|
/// | `LineEnd`, `Malformed`, `Target`, `Host`, `Repeated`, `Body`, `Connection`, `Key`, `Origin`, `Subprotocols`, `Extensions` | 400 | `LineEnd` at its offset, the others at the head's end |
/// | `Method` | 405 | at the head's end |
/// | `LineTooLong` | 414 | with the limit's last byte |
/// | `NotAnUpgrade`, `WebSocketVersion` | 426 | at the head's end |
/// | `TooManyHeaders` | 431 | at the head's end |
/// | `TooLong` | 431 | with the limit's last byte |
/// | `Protocol` | 501 | |
/// | `HttpVersion` | 505 | at the head's end |
/// | `InputShrunk` | 500 | |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestError {
    /// The request line does not end within the limit of the [head](super::ServerHandshake::max_head)
    /// (RFC 9112, 3).
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The request line ends within the limit, and the [head](super::ServerHandshake::max_head) does
    /// not.
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The head has more [headers](super::ServerHandshake::max_headers) than the limit.
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// An LF without a CR, or a CR without an LF.
    LineEnd {
        /// The first byte that cannot stand where it does.
        offset: usize,
    },
    /// A line that is no request line, or no header.
    Malformed {
        /// Where the line begins.
        offset: usize,
    },
    /// The version is not HTTP/1.1 (for extended CONNECT: it is HTTP/1).
    HttpVersion,
    /// The method is not GET (for extended CONNECT: not CONNECT).
    Method,
    /// The target is neither a path nor a URI with one of the schemes `http`, `https`, `ws` and `wss`.
    Target,
    /// `Host` is missing or malformed (for extended CONNECT: and there is no `:authority`).
    Host,
    /// A header that may stand once is there twice.
    Repeated {
        /// Its name.
        header: &'static str,
    },
    /// The request has a body.
    Body,
    /// `Upgrade` does not list `websocket`.
    NotAnUpgrade,
    /// Of extended CONNECT: `:protocol` is not `websocket`.
    Protocol,
    /// `Connection` does not list `upgrade`.
    Connection,
    /// `Sec-WebSocket-Version` is not 13.
    WebSocketVersion,
    /// `Sec-WebSocket-Key` is missing, or not 16 bytes in base64.
    Key,
    /// `Origin` is not visible ASCII.
    Origin,
    /// `Sec-WebSocket-Protocol` is no list of tokens, or an empty one.
    Subprotocols,
    /// `Sec-WebSocket-Extensions` does not follow its grammar.
    Extensions,
    /// Misuse: `input` is shorter than before. The machine is as it was before this call.
    InputShrunk {
        /// How long the input was.
        expected: usize,
        /// How long it is now.
        found: usize,
    },
}

impl RequestError {
    /// The HTTP status that tells the client.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Method => 405,
            Self::NotAnUpgrade | Self::WebSocketVersion => 426,
            Self::Protocol => 501,
            Self::LineTooLong { .. } => 414,
            Self::TooLong { .. } | Self::TooManyHeaders { .. } => 431,
            Self::InputShrunk { .. } => 500,
            Self::HttpVersion => 505,
            _ => 400,
        }
    }

    /// The whole answer to the client, with a line of text that says what is wrong.
    ///
    /// ```
    /// use eventwire::ws::handshake::ServerHandshake;
    ///
    /// let error = ServerHandshake::new().decode(b"POST / HTTP/1.1\r\n\r\n").unwrap_err();
    /// assert_eq!(error.status(), 405);
    /// let mut buffer = [0; 512];
    /// let len = error.rejection().encode(&mut buffer)?;
    /// assert!(buffer[..len].starts_with(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n"));
    /// # Ok::<(), eventwire::BufferTooSmall>(())
    /// ```
    #[must_use]
    pub const fn rejection(&self) -> Rejection<'static> {
        Rejection::of(self.status(), self.text())
    }

    /// The same, of a head behind that many bytes of empty lines.
    pub(super) const fn behind(self, start: usize) -> Self {
        match self {
            Self::Malformed { offset } => Self::Malformed { offset: offset + start },
            other => other,
        }
    }

    const fn text(&self) -> &'static str {
        match self {
            Self::LineTooLong { .. } => "request line too long",
            Self::TooLong { .. } => "request head too long",
            Self::TooManyHeaders { .. } => "too many headers",
            Self::LineEnd { .. } => "line end other than CRLF",
            Self::Malformed { .. } => "malformed line",
            Self::HttpVersion => "wrong HTTP version",
            Self::Method => "wrong method",
            Self::Target => "malformed target",
            Self::Host => "missing or malformed Host",
            Self::Repeated { .. } => "repeated header",
            Self::Body => "request with a body",
            Self::NotAnUpgrade => "no upgrade to websocket",
            Self::Protocol => "no protocol but websocket",
            Self::Connection => "no upgrade in Connection",
            Self::WebSocketVersion => "WebSocket version other than 13",
            Self::Key => "missing or malformed Sec-WebSocket-Key",
            Self::Origin => "malformed Origin",
            Self::Subprotocols => "malformed Sec-WebSocket-Protocol",
            Self::Extensions => "malformed Sec-WebSocket-Extensions",
            Self::InputShrunk { .. } => "misuse",
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        match *self {
            Self::LineTooLong { limit } | Self::TooLong { limit } => {
                write!(f, "{text}: over {limit} bytes")
            }
            Self::TooManyHeaders { limit } => write!(f, "{text}: over {limit}"),
            Self::LineEnd { offset } | Self::Malformed { offset } => {
                write!(f, "{text}, at byte {offset}")
            }
            Self::Repeated { header } => write!(f, "{text} {header}"),
            Self::InputShrunk { expected, found } => {
                write!(f, "{text}: input of {found} bytes, where {expected} were before")
            }
            _ => f.pad(text),
        }
    }
}

impl core::error::Error for RequestError {}

impl From<HeadFault> for RequestError {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::TooLong { limit, in_first_line: true } => Self::LineTooLong { limit },
            HeadFault::TooLong { limit, in_first_line: false } => Self::TooLong { limit },
            HeadFault::TooManyHeaders { limit } => Self::TooManyHeaders { limit },
            HeadFault::Malformed { offset } => Self::Malformed { offset },
            HeadFault::LineEnd { offset } => Self::LineEnd { offset },
            HeadFault::InputShrunk { expected, found } => Self::InputShrunk { expected, found },
        }
    }
}

/// Why a response does not open a WebSocket, or the machine was misused.
///
/// `LineEnd` is found at its offset, `TooLong` with the limit's last byte, all others at the head's
/// end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// The head does not end within the limit, which
    /// [`ClientRequest::max_head`](super::ClientRequest::max_head) sets.
    #[error("response head longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The head has more headers than the limit, which
    /// [`ClientRequest::max_headers`](super::ClientRequest::max_headers) sets.
    #[error("response with more than {limit} headers")]
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// An LF without a CR, a CR without an LF, or an empty line where the response should begin.
    #[error("line end other than CRLF, at byte {offset}")]
    LineEnd {
        /// The first byte that cannot stand where it does.
        offset: usize,
    },
    /// A line that is no status line, or no header.
    #[error("malformed line, at byte {offset}")]
    Malformed {
        /// Where the line begins.
        offset: usize,
    },
    /// The version is not HTTP/1.1.
    #[error("wrong HTTP version")]
    HttpVersion,
    /// The server did not upgrade: it redirects, wants credentials, or refuses. See
    /// [`Headers`](super::Headers) for more of what it says; a body may follow the head.
    #[error("the server answered with status {status}")]
    Status {
        /// The status, other than 101 (for extended CONNECT: not from 200 to 299).
        status: u16,
        /// Where the head ends; 0 if it came as `http::Response`.
        head_len: usize,
    },
    /// `Upgrade` is not `websocket`.
    #[error("Upgrade is not websocket")]
    Upgrade,
    /// `Connection` does not list `upgrade`.
    #[error("no upgrade in Connection")]
    Connection,
    /// `Sec-WebSocket-Accept` is missing, repeated, or not the one that answers the key.
    #[error("Sec-WebSocket-Accept does not answer the key")]
    Accept,
    /// The server chose a subprotocol that was not requested, or several.
    #[error("a subprotocol that was not requested")]
    Subprotocol,
    /// The server chose none of the subprotocols that were requested. For one that forgets it there is
    /// [`ClientRequest::require_subprotocol`](super::ClientRequest::require_subprotocol).
    #[error("the server chose none of the subprotocols that were requested")]
    NoSubprotocol,
    /// The server uses an extension that was not offered, or more than were, or its answer is no
    /// well-formed one.
    #[error("an extension that was not offered")]
    Extension,
    /// The server uses an extension other than it was offered: it does not grant what was demanded, or
    /// demands what was not offered or cannot be done (RFC 7692, 5.1).
    #[cfg(feature = "deflate")]
    #[error("an extension other than it was offered")]
    ExtensionParameters,
    /// Misuse: `input` is shorter than before. The machine is as it was before this call.
    #[error("misuse: input of {found} bytes, where {expected} were before")]
    InputShrunk {
        /// How long the input was.
        expected: usize,
        /// How long it is now.
        found: usize,
    },
}

impl ResponseError {
    /// The same, of a head after that many bytes of others.
    pub(super) const fn behind(self, start: usize) -> Self {
        match self {
            Self::Malformed { offset } => Self::Malformed { offset: offset + start },
            Self::Status { status, head_len } => {
                Self::Status { status, head_len: head_len + start }
            }
            other => other,
        }
    }
}

impl From<HeadFault> for ResponseError {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::TooLong { limit, .. } => Self::TooLong { limit },
            HeadFault::TooManyHeaders { limit } => Self::TooManyHeaders { limit },
            HeadFault::Malformed { offset } => Self::Malformed { offset },
            HeadFault::LineEnd { offset } => Self::LineEnd { offset },
            HeadFault::InputShrunk { expected, found } => Self::InputShrunk { expected, found },
        }
    }
}
