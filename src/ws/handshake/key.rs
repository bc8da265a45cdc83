//! The key that a client sends, and the server's answer to it ([RFC 6455, section 1.3]).
//!
//! [RFC 6455, section 1.3]: https://www.rfc-editor.org/rfc/rfc6455#section-1.3

use base64::engine::general_purpose::{GeneralPurpose, PAD, STANDARD};
use base64::{Engine, alphabet};
use sha1::{Digest, Sha1};

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Returns the `Sec-WebSocket-Accept` that answers this `Sec-WebSocket-Key`, as ASCII.
///
/// The handshake machines here call this by themselves. It is for programs with their own HTTP
/// stack.
///
/// ```
/// use eventwire::ws::handshake::accept_key;
///
/// assert_eq!(&accept_key("dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: &str) -> [u8; 28] {
    accept(key.as_bytes())
}

fn accept(key: &[u8]) -> [u8; 28] {
    encode(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// A handshake by HTTP/1.1's `Upgrade`, which has a key
/// ([RFC 6455, section 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
///
/// The handshake machines here write and read it by themselves. Use it in a program with its own
/// HTTP stack, as a client together with [`ResponseCheck`](super::ResponseCheck).
///
/// ```
/// use eventwire::ws::handshake::Upgrade;
///
/// let upgrade = Upgrade::new(rand::random());
/// let request = format!("Sec-WebSocket-Key: {}\r\n", upgrade.key());
/// # assert_eq!(request.len(), 45);
/// let received = Upgrade::from_key(upgrade.key()).expect("a valid key");
/// assert_eq!(received.accept(), upgrade.accept());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    key: [u8; 24],
}

impl Upgrade {
    /// Creates a key from these 16 random bytes. Draw them anew for each connection.
    #[must_use]
    pub fn new(nonce: [u8; 16]) -> Self {
        Self { key: encode(&nonce) }
    }

    /// Creates a key from the value of a header. Returns `None` if that is not 16 bytes in base64.
    #[must_use]
    pub fn from_key(key: impl AsRef<[u8]>) -> Option<Self> {
        Self::parse(key.as_ref())
    }

    /// Parses a key, which is 16 bytes in base64. The four bits that are left over may have any
    /// value ([RFC 4648, 3.5](https://www.rfc-editor.org/rfc/rfc4648#section-3.5)), as in the
    /// example of [RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1).
    pub(super) fn parse(key: &[u8]) -> Option<Self> {
        const LENIENT: GeneralPurpose =
            GeneralPurpose::new(&alphabet::STANDARD, PAD.with_decode_allow_trailing_bits(true));
        let key = key.try_into().ok()?;
        let nonce = LENIENT.decode_slice(key, &mut [0; 18]);
        (nonce == Ok(16)).then_some(Self { key })
    }

    /// Returns the value of `Sec-WebSocket-Key`: the nonce in base64.
    #[must_use]
    pub fn key(&self) -> &str {
        str::from_utf8(&self.key).unwrap_or_default()
    }

    /// Returns the value of `Sec-WebSocket-Accept` that answers the key, as ASCII.
    #[must_use]
    pub fn accept(&self) -> [u8; 28] {
        accept(&self.key)
    }
}

/// Draws a nonce for one connection from the operating system's source of randomness.
///
/// ```
/// use eventwire::ws::handshake::{ClientRequest, os_nonce};
///
/// let request = ClientRequest::new("example.com", "/chat", os_nonce()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the operating system has no random bytes.
#[cfg(feature = "getrandom")]
pub fn os_nonce() -> Result<[u8; 16], NoNonce> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| NoNonce)?;
    Ok(nonce)
}

/// The operating system's source of randomness failed.
#[cfg(feature = "getrandom")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the operating system has no random bytes for a nonce")]
pub struct NoNonce;

/// Encodes `bytes` in base64, which must have a length of `N` characters.
pub(super) fn encode<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut text = [0; N];
    let len = STANDARD.encode_slice(bytes, &mut text);
    debug_assert_eq!(len, Ok(N));
    text
}
