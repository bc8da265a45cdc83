//! The client's side of the answer.

use super::deflate::Offer;
use super::fields::{Fields, Headers};
use super::head::{HeadFinder, Limits, check_lines, first_line};
use super::header_list::EXTENSIONS;
use super::subprotocols::Subprotocols;
use super::{Extension, ResponseError, Upgrade};
use crate::token::token;
use crate::ws::deflate::DeflateParams;
use httparse::Error;

/// Reads a server's response, as it arrives. From
/// [`ClientRequest::handshake`](super::ClientRequest::handshake) or
/// [`ResponseCheck::handshake`](super::ResponseCheck::handshake).
#[derive(Clone, Debug)]
pub struct ClientHandshake<'r> {
    head: HeadFinder,
    accept: [u8; 28],
    requested: Requested<'r>,
    failed: Option<ResponseError>,
}

impl<'r> ClientHandshake<'r> {
    pub(super) fn of(limits: Limits, by: &Upgrade, requested: Requested<'r>) -> Self {
        let head = HeadFinder::of_response(limits);
        Self { head, accept: by.accept(), requested, failed: None }
    }

    /// Sets how many bytes the head may have, interim responses before it included, instead of what the
    /// [request](super::ClientRequest::max_head) says.
    #[must_use]
    pub const fn max_head(mut self, bytes: usize) -> Self {
        self.head.limits.max_head = bytes;
        self
    }

    /// Sets how many headers the head may have, instead of what the
    /// [request](super::ClientRequest::max_headers) says.
    #[must_use]
    pub const fn max_headers(mut self, count: usize) -> Self {
        self.head.limits.max_headers = count;
        self
    }

    /// The same, apart from what the request borrowed: the names of its subprotocols are copied.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn into_owned(self) -> ClientHandshake<'static> {
        ClientHandshake { requested: self.requested.into_owned(), ..self }
    }

    /// Looks for a whole response in all that was received so far, from the start. Interim
    /// responses before it are passed over (RFC 9110, 15.2).
    ///
    /// `None`: append to the input, and call again.
    ///
    /// # Errors
    /// If the server did not open the WebSocket as requested; it is repeated then. Or for misuse,
    /// if the input is shorter than before.
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Option<Response<'a>>, ResponseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let found = self.find(input);
        self.failed =
            found.err().filter(|error| !matches!(error, ResponseError::InputShrunk { .. }));
        found
    }

    fn find<'a>(&mut self, input: &'a [u8]) -> Result<Option<Response<'a>>, ResponseError> {
        while let Some(head) = self.head.find(input)? {
            match self.parse(&input[head.clone()]) {
                Ok(response) => return Ok(Some(response.behind(head.start))),
                // An interim response is none yet (RFC 9110, 15.2).
                Err(ResponseError::Status { status: 100 | 102..200, .. }) => {
                    self.head.pass(head.end);
                }
                Err(error) => return Err(error.behind(head.start)),
            }
        }
        Ok(None)
    }

    /// The response that a head is.
    fn parse<'a>(&self, head: &'a [u8]) -> Result<Response<'a>, ResponseError> {
        let mut parsed = httparse::Response::new(&mut []);
        let status = match parsed.parse(first_line(head)) {
            Ok(_) => parsed.code.unwrap_or_default(),
            Err(Error::Version) if names_a_version(head) => return Err(ResponseError::HttpVersion),
            Err(_) => return Err(ResponseError::Malformed { offset: 0 }),
        };
        check_lines(head, self.head.limits.max_headers)?;
        if status != 101 {
            return Err(ResponseError::Status { status, head_len: head.len() });
        }
        if parsed.version != Some(1) {
            return Err(ResponseError::HttpVersion);
        }
        self.requested.by_upgrade(&self.accept, Fields::Head(head), head.len())
    }
}

/// Whether the first line begins like a response's, of whatever version.
fn names_a_version(head: &[u8]) -> bool {
    matches!(head, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor, b' ', ..]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// What of a request its answer is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requested<'r> {
    pub(super) subprotocols: Subprotocols<'r>,
    pub(super) requires_subprotocol: bool,
    pub(super) deflate: Option<Offer>,
}

impl Requested<'_> {
    #[cfg(feature = "alloc")]
    pub(super) fn into_owned(self) -> Requested<'static> {
        Requested { subprotocols: self.subprotocols.into_owned(), ..self }
    }

    /// What RFC 6455, 4.1 demands of the headers of a 101.
    pub(super) fn by_upgrade<'a>(
        &self,
        accept: &[u8; 28],
        fields: Fields<'a>,
        head_len: usize,
    ) -> Result<Response<'a>, ResponseError> {
        let mut upgrades = fields.list("Upgrade");
        match (upgrades.next(), upgrades.next()) {
            (Some(value), None) if value.eq_ignore_ascii_case(b"websocket") => {}
            _ => return Err(ResponseError::Upgrade),
        }
        if !fields.list_has("Connection", "upgrade") {
            return Err(ResponseError::Connection);
        }
        match fields.single("Sec-WebSocket-Accept") {
            Ok(Some(value)) if value == accept => {}
            _ => return Err(ResponseError::Accept),
        }
        self.checked(fields, head_len)
    }

    /// What is demanded in each version of HTTP.
    pub(super) fn checked<'a>(
        &self,
        fields: Fields<'a>,
        head_len: usize,
    ) -> Result<Response<'a>, ResponseError> {
        let is_wrong = if self.subprotocols.is_empty() {
            ResponseError::UnexpectedSubprotocol
        } else {
            ResponseError::Subprotocol
        };
        let subprotocol = match fields.single("Sec-WebSocket-Protocol") {
            Err(_) => return Err(is_wrong),
            Ok(None) if self.requires_subprotocol && !self.subprotocols.is_empty() => {
                return Err(ResponseError::NoSubprotocol);
            }
            Ok(None) => None,
            Ok(Some(value)) => {
                let name = token(value).filter(|name| self.subprotocols.has(name));
                Some(name.ok_or(is_wrong)?)
            }
        };
        let deflate = self.compression(fields)?;
        Ok(Response { subprotocol, deflate, fields, head_len })
    }

    /// The compression that the server has agreed to, which is the only extension that we offer.
    fn compression(&self, fields: Fields<'_>) -> Result<Option<DeflateParams>, ResponseError> {
        if fields.first(EXTENSIONS).is_none() {
            return Ok(None);
        }
        let offer = self.deflate.ok_or(ResponseError::Extension)?;
        offer.agreed(fields.list(EXTENSIONS).map(Extension::parse)).map(Some)
    }
}

/// A response that opens the WebSocket as requested: all that the protocol demands of it was
/// checked.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    subprotocol: Option<&'a str>,
    #[cfg_attr(not(feature = "alloc"), expect(dead_code, reason = "compression allocates"))]
    deflate: Option<DeflateParams>,
    fields: Fields<'a>,
    head_len: usize,
}

impl<'a> Response<'a> {
    /// The same, its head after that many bytes of others.
    const fn behind(mut self, start: usize) -> Self {
        self.head_len += start;
        self
    }

    /// The subprotocol that the server chose, one of those requested. `None` if none was requested, or
    /// [need not](super::ClientRequest::require_subprotocol) be chosen.
    #[must_use]
    pub const fn subprotocol(&self) -> Option<&'a str> {
        self.subprotocol
    }

    /// As [`deflate_params`](Self::deflate_params), also without compression.
    #[cfg(feature = "alloc")]
    pub(in crate::ws) const fn agreed(&self) -> Option<DeflateParams> {
        self.deflate
    }

    /// What compression was agreed on, if any was (RFC 7692, 7.1).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate_params(&self) -> Option<DeflateParams> {
        self.deflate
    }

    /// The value of the first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.first(name)
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        self.fields.headers()
    }

    /// How many bytes of the input the response took: what follows are WebSocket frames. 0 if it
    /// came as `http::Response`.
    #[must_use]
    pub const fn head_len(&self) -> usize {
        self.head_len
    }
}
