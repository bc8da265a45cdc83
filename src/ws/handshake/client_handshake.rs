//! [`ClientHandshake`], which reads a server's answer, and [`Response`], the answer.

use super::deflate::Offer;
use super::fields::{Fields, Headers};
use super::head::{HeadFinder, Limits, check_lines, first_line};
use super::header_list::EXTENSIONS;
use super::subprotocols::Subprotocols;
use super::{Extension, ResponseError, Upgrade};
use crate::token::token;
use crate::ws::deflate::DeflateParams;
use httparse::Error;

/// Reads a server's response as it arrives. Created by
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

    /// Sets the maximum size of the head in bytes, including interim responses before it, instead
    /// of the limit of the [request](super::ClientRequest::max_head).
    #[must_use]
    pub const fn max_head(mut self, bytes: usize) -> Self {
        self.head.limits.max_head = bytes;
        self
    }

    /// Sets the maximum number of headers in the head, instead of the limit of the
    /// [request](super::ClientRequest::max_headers).
    #[must_use]
    pub const fn max_headers(mut self, count: usize) -> Self {
        self.head.limits.max_headers = count;
        self
    }

    /// Returns the same machine, independent of the request: the names of the subprotocols are
    /// copied.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn into_owned(self) -> ClientHandshake<'static> {
        ClientHandshake { requested: self.requested.into_owned(), ..self }
    }

    /// Looks for a complete response in everything received so far, from the start. Interim
    /// responses before it are skipped ([RFC 9110, section
    /// 15.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.2)).
    ///
    /// After `None`, append to the input and call again.
    ///
    /// # Errors
    /// If the server did not open the WebSocket as requested. Later calls repeat this error. Also,
    /// as misuse, if the input is shorter than before.
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
                // An interim response is not the answer (RFC 9110, 15.2).
                Err(ResponseError::Status { status: 100 | 102..200, .. }) => {
                    self.head.pass(head.end);
                }
                Err(error) => return Err(error.behind(head.start)),
            }
        }
        Ok(None)
    }

    /// Parses a head as a response.
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

/// Returns whether the first line begins like a response's, of any version.
fn names_a_version(head: &[u8]) -> bool {
    matches!(head, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor, b' ', ..]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// The parts of a request that its answer is checked against.
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

    /// Checks the headers of a 101 ([RFC 6455, section
    /// 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
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

    /// Checks the headers that matter in every version of HTTP.
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

    /// Returns the compression that the server agreed to. We offer no other extension.
    fn compression(&self, fields: Fields<'_>) -> Result<Option<DeflateParams>, ResponseError> {
        if fields.first(EXTENSIONS).is_none() {
            return Ok(None);
        }
        let offer = self.deflate.ok_or(ResponseError::Extension)?;
        offer.agreed(fields.list(EXTENSIONS).map(Extension::parse)).map(Some)
    }
}

/// A response that opens the WebSocket as requested. Everything that the protocol demands of it has
/// been checked.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    subprotocol: Option<&'a str>,
    #[cfg_attr(not(feature = "alloc"), expect(dead_code, reason = "compression allocates"))]
    deflate: Option<DeflateParams>,
    fields: Fields<'a>,
    head_len: usize,
}

impl<'a> Response<'a> {
    /// Returns the same response, with its head after `start` bytes of other heads.
    const fn behind(mut self, start: usize) -> Self {
        self.head_len += start;
        self
    }

    /// Returns the subprotocol that the server chose, which is a requested one. `None` if none was
    /// requested, or if the server [need not choose](super::ClientRequest::require_subprotocol)
    /// one.
    #[must_use]
    pub const fn subprotocol(&self) -> Option<&'a str> {
        self.subprotocol
    }

    /// Returns the same as [`deflate_params`](Self::deflate_params), but exists without its feature
    /// too.
    #[cfg(feature = "alloc")]
    pub(in crate::ws) const fn agreed(&self) -> Option<DeflateParams> {
        self.deflate
    }

    /// Returns the compression that was agreed on, if any ([RFC 7692, section
    /// 7.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1)).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate_params(&self) -> Option<DeflateParams> {
        self.deflate
    }

    /// Returns the value of the first header with this name, compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.first(name)
    }

    /// Returns all headers.
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        self.fields.headers()
    }

    /// Returns how many bytes of the input the response takes. WebSocket frames follow. 0 if the
    /// response came as `http::Response`.
    #[must_use]
    pub const fn head_len(&self) -> usize {
        self.head_len
    }
}
