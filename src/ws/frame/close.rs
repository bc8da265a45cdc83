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

/// The code and reason of a close frame, if it has them ([RFC 6455, section 5.5.1]).
///
/// [RFC 6455, section 5.5.1]: https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Close<R> {
    /// The reason, for programs.
    pub code: CloseCode,
    /// The reason, for people: at most 123 bytes, and possibly empty.
    pub reason: R,
}
