//! [`ResponseCheck`], the check of a response to a request that was written elsewhere.

use super::client_handshake::Requested;
#[cfg(feature = "deflate")]
use super::deflate::Offer;
use super::head::Limits;
use super::subprotocols::Subprotocols;
use super::unsendable::check_subprotocols;
use super::{ClientHandshake, Unsendable, Upgrade};
#[cfg(feature = "deflate")]
use crate::ws::deflate::Deflate;

/// Checks a server's response against the key and the subprotocols of a request that was written
/// elsewhere, for example by an HTTP client.
///
/// ```
/// use eventwire::ws::handshake::{ResponseCheck, Upgrade};
///
/// let key = Upgrade::from_key("dGhlIHNhbXBsZSBub25jZQ==").expect("a valid key");
/// let check = ResponseCheck::new(key).subprotocols(&["chat"])?;
/// let head = b"HTTP/1.1 101 Switching Protocols\r\n\
///     Upgrade: websocket\r\n\
///     Connection: Upgrade\r\n\
///     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
///     Sec-WebSocket-Protocol: chat\r\n\r\n";
/// let response = check.handshake().decode(head)?.expect("a whole response");
/// assert_eq!(response.subprotocol(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// To write the request here as well, use [`ClientRequest`](super::ClientRequest).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseCheck<'r> {
    pub(super) by: Upgrade,
    pub(super) limits: Limits,
    pub(super) requested: Requested<'r>,
}

impl<'r> ResponseCheck<'r> {
    /// Creates the check of a response to a request that has this key, asks for no subprotocol and
    /// offers no compression.
    #[must_use]
    pub const fn new(key: Upgrade) -> Self {
        let requested = Requested {
            subprotocols: Subprotocols::Listed(&[]),
            requires_subprotocol: true,
            deflate: None,
        };
        Self { by: key, limits: Limits::new(), requested }
    }

    /// Sets the subprotocols that the request asks for. See
    /// [`ClientRequest::subprotocols`](super::ClientRequest::subprotocols).
    ///
    /// # Errors
    /// If a name is not a token or is listed twice.
    pub fn subprotocols(mut self, names: &'r [&'r str]) -> Result<Self, Unsendable> {
        check_subprotocols(names)?;
        self.requested.subprotocols = Subprotocols::Listed(names);
        Ok(self)
    }

    /// Sets whether a response that chooses no subprotocol fails. See
    /// [`ClientRequest::require_subprotocol`](super::ClientRequest::require_subprotocol).
    #[must_use]
    pub fn require_subprotocol(mut self, require: bool) -> Self {
        self.requested.requires_subprotocol = require;
        self
    }

    /// Sets the compression that the request offers. See
    /// [`ClientRequest::deflate`](super::ClientRequest::deflate).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: &Deflate) -> Self {
        self.requested.deflate = Some(Offer::of(deflate));
        self
    }

    /// Returns the machine that reads the response.
    #[must_use]
    pub fn handshake(self) -> ClientHandshake<'r> {
        ClientHandshake::of(self.limits, &self.by, self.requested)
    }
}
