//! The opening handshake ([RFC 6455, section 4]), for servers and clients.
//!
//! [RFC 6455, section 4]: https://www.rfc-editor.org/rfc/rfc6455#section-4
//!
//! | task | use |
//! |---|---|
//! | read a client's request | [`ServerHandshake`], which returns a [`Request`] |
//! | answer it | [`Request::accept`], [`RequestError::rejection`], [`Rejection`] |
//! | answer it later | [`Request::into_owned`] |
//! | write a request | [`ClientRequest`], or [`ClientRequest::from_url`] for a URL |
//! | have a nonce for it (feature `getrandom`) | [`os_nonce`] |
//! | read the server's answer | [`ClientHandshake`], which returns a [`Response`] |
//! | check the answer to a request that was written elsewhere | [`ResponseCheck`] |
//! | agree on compression, as a server (feature `deflate`) | [`Acceptance::deflate`] |
//! | agree on compression, as a client (feature `deflate`) | [`ClientRequest::deflate`] |
//!
//! With feature `http`, the same works with the `http` crate's types, for hyper, axum and others:
//!
//! | task | use |
//! |---|---|
//! | tell requests for a WebSocket from others | [`is_upgrade`] |
//! | check and answer a request | [`Request::from_http`], `to_http` |
//! | make and send a request | [`ClientRequest::from_http`], `to_http` |
//! | check the server's answer | [`ClientRequest::verify`] |
//! | serve over HTTP/2 ([RFC 8441]) or HTTP/3 ([RFC 9220]) | [`Request::from_connect`] |
//! | connect over HTTP/2 or HTTP/3 | [`ClientRequest::connect`] |
//!
//! [RFC 8441]: https://www.rfc-editor.org/rfc/rfc8441
//! [RFC 9220]: https://www.rfc-editor.org/rfc/rfc9220
//!
//! Both sides of the handshake in one program:
//!
//! ```
//! use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
//!
//! let request = ClientRequest::new("example.com", "/chat", rand::random())?
//!     .subprotocols(&["chat.v2", "chat.v1"])?;
//! let mut to_server = [0; 512];
//! let len = request.encode(&mut to_server)?;
//!
//! // The server receives it in two reads.
//! let mut server = ServerHandshake::new();
//! assert!(server.decode(&to_server[..100])?.is_none(), "append and call again");
//! let received = server.decode(&to_server[..len])?.expect("a whole request");
//! assert_eq!((received.target(), received.host()), ("/chat", "example.com"));
//! let mut acceptance = received.accept();
//! if let Some(name) = received.select_subprotocol(&["chat.v1"]) {
//!     acceptance = acceptance.subprotocol(name)?;
//! }
//! let mut to_client = [0; 256];
//! let len = acceptance.encode(&mut to_client)?;
//!
//! let response = request.handshake().decode(&to_client[..len])?.expect("a whole response");
//! assert_eq!(response.subprotocol(), Some("chat.v1"));
//! assert_eq!(response.head_len(), len, "no frame came with it");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The calling convention
//!
//! `decode(&mut self, input)` takes **everything received so far, from the start**:
//!
//! * `Ok(None)`: append to the input, and call again.
//! * `Ok(Some(head))`: the bytes after [`head_len`](Request::head_len) are WebSocket frames.
//! * `Err(error)`: the handshake failed, and the machine repeats the error.
//!
//! A line end is judged when it arrives. Everything else is judged once, when the head has ended.
//! The end is found without looking at a byte twice. A head that does not end within
//! [`DEFAULT_MAX_HEAD`] bytes, or within your own limit, fails at the last of those bytes, so a
//! buffer of that size never fills up without a verdict. A head may have at most
//! [`DEFAULT_MAX_HEADERS`] headers, or your own limit. Their number takes no memory.
//!
//! Lines end with CRLF and nothing else, and are not folded. Empty lines before a request are
//! skipped, as many as the limit has room for ([RFC 9112, section 2.2]).
//!
//! [RFC 9112, section 2.2]: https://www.rfc-editor.org/rfc/rfc9112#section-2.2

mod basic;
mod client_handshake;
mod client_request;
#[cfg_attr(not(feature = "deflate"), path = "no_deflate.rs")]
mod deflate;
mod error;
mod fields;
mod head;
mod header_list;
mod key;
mod lent;
#[cfg(feature = "alloc")]
mod owned_request;
mod rejection;
mod response_check;
mod server_handshake;
mod subprotocols;
mod unsendable;
mod write;

#[cfg(feature = "http")]
mod http;

pub use client_handshake::{ClientHandshake, Response};
pub use client_request::ClientRequest;
pub use error::{RequestError, ResponseError};
pub use fields::Headers;
pub use head::{DEFAULT_MAX_HEAD, DEFAULT_MAX_HEADERS};
pub use header_list::{Extension, ParamValue};
#[cfg(feature = "http")]
pub use http::{Connect, is_upgrade};
#[cfg(feature = "getrandom")]
pub use key::{NoNonce, os_nonce};
pub use key::{Upgrade, accept_key};
#[cfg(feature = "alloc")]
pub use owned_request::OwnedRequest;
pub use rejection::Rejection;
pub use response_check::ResponseCheck;
pub use server_handshake::{Acceptance, Request, ServerHandshake};
pub use unsendable::Unsendable;
