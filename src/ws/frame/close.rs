//! [`CloseCode`] and [`Close`], the content of a close frame.

use core::fmt;

/// A close code that is allowed in a close frame ([RFC 6455, section 7.4]).
///
/// The allowed codes are 1000 to 1003, 1007 to 1014 and 3000 to 4999. All others are reserved:
/// 1005, 1006 and 1015 are names for closings without a code on the wire.
///
/// [RFC 6455, section 7.4]: https://www.rfc-editor.org/rfc/rfc6455#section-7.4
///
/// ```
/// use eventwire::ws::CloseCode;
///
/// assert_eq!(CloseCode::new(1000), Some(CloseCode::NORMAL));
/// assert_eq!(CloseCode::new(1006), None);
/// assert_eq!(CloseCode::NORMAL.get(), 1000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the connection has served its purpose.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server shuts down, or a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: data of a type that cannot be accepted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1007: data that does not match its type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a message breaks the endpoint's policy.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message is too big.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: a client misses an extension.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: a server met an unexpected condition.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the service is overloaded; try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway received a bad response from the server that it forwards to.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// Returns `None` unless `code` is allowed in a close frame.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u16> for CloseCode {
    type Error = InvalidCloseCode;

    fn try_from(code: u16) -> Result<Self, InvalidCloseCode> {
        Self::new(code).ok_or(InvalidCloseCode(code))
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

/// A number that is no [`CloseCode`], so that no close frame may have it
/// ([RFC 6455, section 7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("close code {0}, which may not be sent: use 1000 to 1003, 1007 to 1014 or 3000 to 4999")]
pub struct InvalidCloseCode(pub u16);

/// The code and reason of a close frame, if it has them ([RFC 6455, section 5.5.1]).
///
/// `C` is the type of the code. A close frame that was received has a [`CloseCode`]. One that you
/// send may also have a plain `u16`, which is checked when it is sent:
///
/// ```
/// use eventwire::ws::{Close, CloseCode};
/// use eventwire::ws::frame::{IntoClose, InvalidCloseCode};
///
/// let close = Close::new(CloseCode::NORMAL, "bye");
/// assert_eq!(Close::new(1000, "bye").into_close(), Ok(Some(close)));
/// assert_eq!(Close::new(1006, "").into_close(), Err(InvalidCloseCode(1006)));
/// ```
///
/// [RFC 6455, section 5.5.1]: https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Close<R, C = CloseCode> {
    /// The reason, for programs.
    pub code: C,
    /// The reason, for people: at most 123 bytes, and possibly empty.
    pub reason: R,
}

impl<R, C> Close<R, C> {
    /// A code and a reason.
    #[must_use]
    pub const fn new(code: C, reason: R) -> Self {
        Self { code, reason }
    }
}

impl<R: AsRef<str>> Close<R> {
    /// The same, its reason borrowed.
    #[cfg(feature = "alloc")]
    pub(in crate::ws) fn borrowed(&self) -> Close<&str> {
        Close { code: self.code, reason: self.reason.as_ref() }
    }
}

/// The ways to say how a connection is closed.
///
/// | value | close frame |
/// |---|---|
/// | `None` | without a code |
/// | `1000`, [`CloseCode::NORMAL`] | with this code and no reason |
/// | `Close::new(1000, "bye")`, `Close::new(CloseCode::NORMAL, "bye")` | with this code and reason |
/// | `Some(close)`, where `close` is a [`Close<&str>`](Close) | with its code and reason |
///
#[cfg_attr(feature = "alloc", doc = "```")]
#[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
/// use eventwire::ws::{Close, SendError, WebSocket, WebSocketOptions};
/// use std::time::Duration;
///
/// let now = Duration::ZERO;
/// let mut socket = WebSocket::server(WebSocketOptions::new(), now);
/// let refused = socket.close(1005, now).unwrap_err();
/// assert!(matches!(refused, SendError::InvalidCloseCode(_)));
/// socket.close(Close::new(1000, "bye"), now)?;
/// # Ok::<(), SendError>(())
/// ```
pub trait IntoClose {
    /// The type of the reason.
    type Reason: AsRef<str>;

    /// Returns what the close frame says. `None` means that it says nothing.
    ///
    /// # Errors
    /// If the code may not be sent.
    fn into_close(self) -> Result<Option<Close<Self::Reason>>, InvalidCloseCode>;
}

impl<'a> IntoClose for Option<Close<&'a str>> {
    type Reason = &'a str;

    fn into_close(self) -> Result<Self, InvalidCloseCode> {
        Ok(self)
    }
}

impl<R: AsRef<str>> IntoClose for Close<R> {
    type Reason = R;

    fn into_close(self) -> Result<Option<Self>, InvalidCloseCode> {
        Ok(Some(self))
    }
}

impl<R: AsRef<str>> IntoClose for Close<R, u16> {
    type Reason = R;

    fn into_close(self) -> Result<Option<Close<R>>, InvalidCloseCode> {
        Ok(Some(Close { code: self.code.try_into()?, reason: self.reason }))
    }
}

impl IntoClose for CloseCode {
    type Reason = &'static str;

    fn into_close(self) -> Result<Option<Close<&'static str>>, InvalidCloseCode> {
        Ok(Some(Close { code: self, reason: "" }))
    }
}

impl IntoClose for u16 {
    type Reason = &'static str;

    fn into_close(self) -> Result<Option<Close<&'static str>>, InvalidCloseCode> {
        CloseCode::try_from(self)?.into_close()
    }
}
