//! The opening handshake (RFC 6455, section 4), for servers and clients.
//!
//! | to | use |
//! |---|---|
//! | read a client's request | [`ServerHandshake`], which gives a [`Request`] |
//! | answer it | [`Request::accept`], [`RequestError::rejection`], [`Rejection`] |
//! | write a request | [`ClientRequest`]; of a URL, [`ClientRequest::from_url`] |
//! | read the server's answer | [`ClientHandshake`], which gives a [`Response`] |
//! | check the answer to a request that was written elsewhere | [`ResponseCheck`] |
//! | answer a request later | [`Request::into_owned`] |
//! | agree on compression | feature `deflate`: [`Acceptance::deflate`], [`ClientRequest::deflate`] |
//! | do it with the `http` crate's types, for hyper, axum and others | feature `http`: [`Request::from_http`], [`is_upgrade`], [`ClientRequest::from_http`], `to_http`, [`ClientRequest::verify`] |
//! | do it over HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220) | feature `http`: [`Request::from_connect`], [`ClientRequest::connect`] |
//!
//! Both sides of it, here in one program:
//!
//! ```
//! use eventwire::ws::handshake::{ClientRequest, ServerHandshake};
//!
//! let request = ClientRequest::new("example.com", "/chat", rand::random())?
//!     .subprotocols(&["chat.v2", "chat.v1"])?;
//! let mut to_server = [0; 512];
//! let len = request.encode(&mut to_server)?;
//!
//! // The server has it in two reads.
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
//! `decode(&mut self, input)` takes **all that was received so far, from the start**:
//!
//! * `Ok(None)`: append to the input, and call again.
//! * `Ok(Some(head))`: what stands behind [`head_len`](Request::head_len) are WebSocket frames.
//! * `Err(error)`: the handshake failed, and the machine repeats the error.
//!
//! A line end is judged when it arrives, all else when the head has ended, once. Its end is found
//! without looking at a byte twice, and a head that does not end within [`DEFAULT_MAX_HEAD`] bytes,
//! or as many as you allow, fails with the last of them: a buffer of that size never fills up
//! without a verdict. Nor may it have more than [`DEFAULT_MAX_HEADERS`] headers, or as many as you
//! allow; their number takes no memory.
//!
//! Lines end by CRLF and nothing else, and are not folded. Empty lines before a request are passed
//! over, as many as the limit has room for (RFC 9112, 2.2).

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
