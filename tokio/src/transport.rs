//! [`Transport`], anything that a connection can run over.

use tokio::io::{AsyncRead, AsyncWrite};

/// A transport of any type. One indirect call for each read or write costs nothing beside the
/// system call, and so all sockets are of one type.
pub(crate) type BoxTransport = Box<dyn Transport>;

/// Anything that a connection can run over: a TCP or TLS stream, a Unix socket, an upgraded
/// connection of hyper, one end of a `tokio::io::duplex`.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for T {}
