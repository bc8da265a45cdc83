//! What a client sends.

use super::checked::{
    HeaderSlice, check_headers, check_subprotocols, not_a_host, not_a_target, not_an_origin,
};
#[cfg(feature = "deflate")]
use super::deflate::Offer;
#[cfg(feature = "deflate")]
use super::header_list::EXTENSIONS;
use super::write::{encode_methods, end, header, header_in_pieces};
use super::{ClientHandshake, Unsendable, Upgrade};
use crate::sink::{Encode, Sink};
#[cfg(feature = "deflate")]
use crate::ws::Deflate;

/// A request to open a WebSocket.
///
/// ```
/// use eventwire::ws::handshake::ClientRequest;
///
/// let request = ClientRequest::new("example.com", "/chat", *b"the sample nonce")?
///     .origin("https://example.com")?
///     .subprotocols(&["chat", "superchat"])?
///     .headers(&[("Authorization", "Bearer abc")])?;
/// let mut buffer = [0; 512];
/// let len = request.encode(&mut buffer)?;
/// assert_eq!(
///     std::str::from_utf8(&buffer[..len])?,
///     "GET /chat HTTP/1.1\r\n\
///      Host: example.com\r\n\
///      Upgrade: websocket\r\n\
///      Connection: Upgrade\r\n\
///      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
///      Sec-WebSocket-Version: 13\r\n\
///      Origin: https://example.com\r\n\
///      Sec-WebSocket-Protocol: chat, superchat\r\n\
///      Authorization: Bearer abc\r\n\r\n",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Write it as often as you like, and read the answer by [`handshake`](Self::handshake).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientRequest<'a, By = Upgrade> {
    pub(super) host: &'a str,
    pub(super) target: &'a str,
    pub(super) origin: Option<&'a str>,
    pub(super) subprotocols: &'a [&'a str],
    #[cfg(feature = "deflate")]
    pub(in crate::ws) deflate: Option<&'a Deflate>,
    pub(super) headers: HeaderSlice<'a>,
    pub(super) by: By,
}

impl<'a> ClientRequest<'a> {
    /// A request to this host (with its port, if that is not the scheme's own) for this target: a
    /// path, and a query if there is one.
    ///
    /// `nonce` are 16 random bytes, drawn anew for each connection, as by `rand::random` or
    /// `getrandom::fill`.
    ///
    /// # Errors
    /// If the host or target cannot be sent: a target begins with a slash, and neither has a
    /// space, a control character, or other than ASCII. Percent-encode those, and names in
    /// Punycode.
    pub fn new(host: &'a str, target: &'a str, nonce: [u8; 16]) -> Result<Self, Unsendable> {
        Self::checked(host, target, Upgrade::of(nonce))
    }

    /// What reads the answer.
    #[must_use]
    pub fn handshake(&self) -> ClientHandshake<'a> {
        ClientHandshake::of(self)
    }

    encode_methods!();
}

impl<'a, By> ClientRequest<'a, By> {
    pub(super) fn checked(host: &'a str, target: &'a str, by: By) -> Result<Self, Unsendable> {
        if let Some(offset) = not_a_host(host.as_bytes()) {
            return Err(Unsendable::Host { offset });
        }
        if let Some(offset) = not_a_target(target.as_bytes()) {
            return Err(Unsendable::Target { offset });
        }
        Ok(Self {
            host,
            target,
            origin: None,
            subprotocols: &[],
            #[cfg(feature = "deflate")]
            deflate: None,
            headers: &[],
            by,
        })
    }

    /// Sets the origin, which browsers send and other clients need not.
    ///
    /// # Errors
    /// If it is empty, or has other than visible ASCII.
    pub fn origin(mut self, origin: &'a str) -> Result<Self, Unsendable> {
        if let Some(offset) = not_an_origin(origin.as_bytes()) {
            return Err(Unsendable::Origin { offset });
        }
        self.origin = Some(origin);
        Ok(self)
    }

    /// Sets the subprotocols to choose from, the one you like best first.
    ///
    /// # Errors
    /// If one is no token, or is there twice.
    pub fn subprotocols(mut self, names: &'a [&'a str]) -> Result<Self, Unsendable> {
        check_subprotocols(names)?;
        self.subprotocols = names;
        Ok(self)
    }

    /// Offers compression (RFC 7692, 5.1). What the server makes of it is in the
    /// [response](super::Response::deflate_params).
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    #[must_use]
    pub const fn deflate(mut self, deflate: &'a Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// Sets further headers, such as `Authorization` or `Cookie`.
    ///
    /// # Errors
    /// If a name or value cannot be sent, or is for the handshake to write: `Connection`,
    /// `Content-Length`, `Host`, `Origin`, `Transfer-Encoding`, `Upgrade` and `Sec-WebSocket-*`
    /// are.
    pub fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Result<Self, Unsendable> {
        check_headers(headers, &["host", "origin"])?;
        self.headers = headers;
        Ok(self)
    }
}

impl Encode for ClientRequest<'_> {
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.put(b"GET ")?;
        sink.put(self.target.as_bytes())?;
        sink.put(b" HTTP/1.1\r\n")?;
        header(sink, "Host", self.host.as_bytes())?;
        header(sink, "Upgrade", b"websocket")?;
        header(sink, "Connection", b"Upgrade")?;
        header(sink, "Sec-WebSocket-Key", self.by.key())?;
        header(sink, "Sec-WebSocket-Version", b"13")?;
        if let Some(origin) = self.origin {
            header(sink, "Origin", origin.as_bytes())?;
        }
        if let [first, rest @ ..] = self.subprotocols {
            let rest = rest.iter().flat_map(|name| [", ", name]);
            header_in_pieces(sink, "Sec-WebSocket-Protocol", core::iter::once(*first).chain(rest))?;
        }
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.deflate {
            header_in_pieces(sink, EXTENSIONS, Offer::of(deflate).pieces())?;
        }
        end(sink, self.headers)
    }

    #[cfg(feature = "alloc")]
    fn longest(&self) -> usize {
        self.encoded_len()
    }
}
