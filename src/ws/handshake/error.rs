//! [`RequestError`] and [`ResponseError`], the reasons why a handshake fails.

use super::Rejection;
use super::head::HeadFault;
use core::fmt;

/// Why a request does not open a WebSocket, or how the machine was misused.
///
/// Each error has a [`status`](Self::status), and a complete answer: its
/// [`rejection`](Self::rejection).
///
/// | error | status | found |
/// |---|---|---|
/// | `LineEnd` | 400 | at its offset |
/// | `Malformed`, `Target`, `Host`, `Repeated`, `Body`, `Connection` | 400 | at the head's end |
/// | `Key`, `Origin`, `Subprotocols`, `Extensions` | 400 | at the head's end |
/// | `Method` | 405 | at the head's end |
/// | `LineTooLong` | 414 | at the limit's last byte |
/// | `NotAnUpgrade`, `WebSocketVersion` | 426 | at the head's end |
/// | `TooManyHeaders` | 431 | at the head's end |
/// | `TooLong` | 431 | at the limit's last byte |
/// | `Protocol` | 501 | |
/// | `HttpVersion` | 505 | at the head's end |
/// | `InputShrunk` | 500 | |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestError {
    /// The request line does not end within the limit of the
    /// [head](super::ServerHandshake::max_head) ([RFC 9112,
    /// 3](https://www.rfc-editor.org/rfc/rfc9112#section-3)).
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The request line ends within the limit, but the [head](super::ServerHandshake::max_head)
    /// does not.
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
        /// The offset of the first byte that is not allowed there.
        offset: usize,
    },
    /// A line that is neither a request line nor a header.
    Malformed {
        /// The offset at which the line begins.
        offset: usize,
    },
    /// The version is not HTTP/1.1. (In extended CONNECT: it is HTTP/1.)
    HttpVersion,
    /// The method is not GET. (In extended CONNECT: it is not CONNECT.)
    Method,
    /// The target is neither a path nor a URI with the scheme `http`, `https`, `ws` or `wss`.
    Target,
    /// `Host` is missing or malformed. (In extended CONNECT: and there is no `:authority`.)
    Host,
    /// A header that may occur only once was repeated.
    Repeated {
        /// The name of the header.
        header: &'static str,
    },
    /// The request has a body.
    Body,
    /// `Upgrade` does not list `websocket`.
    NotAnUpgrade,
    /// In extended CONNECT: `:protocol` is not `websocket`.
    Protocol,
    /// `Connection` does not list `upgrade`.
    Connection,
    /// `Sec-WebSocket-Version` is not 13.
    WebSocketVersion,
    /// `Sec-WebSocket-Key` is missing, or not 16 bytes in base64.
    Key,
    /// `Origin` is not visible ASCII.
    Origin,
    /// `Sec-WebSocket-Protocol` is not a list of tokens, or is empty.
    Subprotocols,
    /// `Sec-WebSocket-Extensions` does not follow its grammar.
    Extensions,
    /// Misuse: `input` is shorter than before. The machine is as it was before this call.
    InputShrunk {
        /// The length of the input in the last call.
        expected: usize,
        /// The length of the input now.
        found: usize,
    },
}

impl RequestError {
    /// Returns the HTTP status that tells the client about the error.
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

    /// Returns the complete answer to the client, with a line of text that describes the error.
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

    /// Returns the error for a head that comes after `start` bytes of empty lines.
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
            Self::HttpVersion => "HTTP version not supported",
            Self::Method => "method not allowed",
            Self::Target => "malformed target",
            Self::Host => "missing or malformed Host",
            Self::Repeated { .. } => "repeated header",
            Self::Body => "request with a body",
            Self::NotAnUpgrade => "Upgrade does not list websocket",
            Self::Protocol => ":protocol is not websocket",
            Self::Connection => "Connection does not list upgrade",
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
                write!(f, "{text}: the input has {found} bytes, but had {expected} before")
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

/// Why a response does not open a WebSocket, or how the machine was misused.
///
/// `LineEnd` is found at its offset, `TooLong` at the limit's last byte, and all others at the
/// head's end.
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
        /// The offset of the first byte that is not allowed there.
        offset: usize,
    },
    /// A line that is neither a status line nor a header.
    #[error("malformed line, at byte {offset}")]
    Malformed {
        /// The offset at which the line begins.
        offset: usize,
    },
    /// The version is not HTTP/1.1.
    #[error("HTTP version not supported")]
    HttpVersion,
    /// The server did not upgrade: it redirects, asks for credentials, or refuses.
    /// [`Headers`](super::Headers) reads the rest of its head. A body may follow the head.
    #[error("the server answered with status {status}")]
    Status {
        /// The status, other than 101. (In extended CONNECT: not from 200 to 299.)
        status: u16,
        /// The offset at which the head ends; 0 if it came as `http::Response`.
        head_len: usize,
    },
    /// `Upgrade` is not `websocket`.
    #[error("Upgrade is not websocket")]
    Upgrade,
    /// `Connection` does not list `upgrade`.
    #[error("Connection does not list upgrade")]
    Connection,
    /// `Sec-WebSocket-Accept` is missing, repeated, or does not answer the key.
    #[error("Sec-WebSocket-Accept does not answer the key")]
    Accept,
    /// The server chose a subprotocol other than the requested ones, or several.
    #[error("the server chose a subprotocol that was not requested")]
    Subprotocol,
    /// The server chose a subprotocol, but none was requested.
    #[error("the server chose a subprotocol, but none was requested")]
    UnexpectedSubprotocol,
    /// The server chose none of the requested subprotocols. To accept servers that forget to
    /// choose, use
    /// [`ClientRequest::require_subprotocol`](super::ClientRequest::require_subprotocol).
    #[error("the server chose none of the requested subprotocols")]
    NoSubprotocol,
    /// The server uses an extension that was not offered, or more extensions than were offered, or
    /// its answer is not well-formed.
    #[error("the server uses an extension that was not offered")]
    Extension,
    /// The server uses an extension with other parameters than offered: it does not grant what was
    /// demanded, or it demands something that was not offered or is not possible ([RFC 7692,
    /// 5.1](https://www.rfc-editor.org/rfc/rfc7692#section-5.1)).
    #[cfg(feature = "deflate")]
    #[error("the server uses an extension with other parameters than offered")]
    ExtensionParameters,
    /// Misuse: `input` is shorter than before. The machine is as it was before this call.
    #[error("misuse: the input has {found} bytes, but had {expected} before")]
    InputShrunk {
        /// The length of the input in the last call.
        expected: usize,
        /// The length of the input now.
        found: usize,
    },
}

impl ResponseError {
    /// Returns the error for a head that comes after `start` bytes of other heads.
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
