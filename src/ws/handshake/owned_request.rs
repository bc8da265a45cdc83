//! [`OwnedRequest`], a request that outlives the buffer it came in.

use super::fields::Fields;
use super::{Request, Upgrade};
use alloc::boxed::Box;

/// A [`Request`] that owns its parts, from [`Request::into_owned`]. Use it to answer later, when
/// the buffer that the request came in has grown.
///
/// ```
/// use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
///
/// # let sent = ClientRequest::new("example.com", "/chat", rand::random())?;
/// # let mut received = sent.subprotocols(&["chat"])?.to_bytes().to_vec();
/// let mut handshake = ServerHandshake::new();
/// let request = handshake.decode(&received)?.expect("a whole request").into_owned();
/// received.drain(..request.head_len()); // frames are left
///
/// // Later, when the client is known:
/// let answer = request.request().accept().subprotocol("chat")?.to_bytes();
/// # assert!(answer.starts_with(b"HTTP/1.1 101 "));
/// # assert_eq!(request.request().path(), "/chat");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OwnedRequest<By = Upgrade> {
    target: Box<str>,
    host: Box<str>,
    origin: Option<Box<str>>,
    fields: OwnedFields,
    head_len: usize,
    by: By,
}

#[derive(Clone, Debug)]
enum OwnedFields {
    Head(Box<[u8]>),
    #[cfg(feature = "http")]
    Map(Box<::http::HeaderMap>),
}

impl<By> Request<'_, By> {
    /// Returns the same request, with everything that it borrows copied.
    #[must_use]
    pub fn into_owned(self) -> OwnedRequest<By> {
        OwnedRequest {
            target: self.target.into(),
            host: self.host.into(),
            origin: self.origin.map(Into::into),
            fields: match self.fields {
                Fields::Head(head) => OwnedFields::Head(head.into()),
                #[cfg(feature = "http")]
                Fields::Map(map) => OwnedFields::Map(Box::new(map.clone())),
            },
            head_len: self.head_len,
            by: self.by,
        }
    }
}

impl<By: Copy> OwnedRequest<By> {
    /// Returns the request, to read and answer it.
    #[must_use]
    pub fn request(&self) -> Request<'_, By> {
        Request {
            target: &self.target,
            host: &self.host,
            origin: self.origin.as_deref(),
            fields: match &self.fields {
                OwnedFields::Head(head) => Fields::Head(head),
                #[cfg(feature = "http")]
                OwnedFields::Map(map) => Fields::Map(map),
            },
            head_len: self.head_len,
            by: self.by,
        }
    }
}

impl<By> OwnedRequest<By> {
    /// Returns the same as [`Request::head_len`].
    #[must_use]
    pub const fn head_len(&self) -> usize {
        self.head_len
    }
}
