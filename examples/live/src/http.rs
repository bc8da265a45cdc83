//! Plain HTTP connections, served by hyper and axum.

use axum::Router;
use bytes::BytesMut;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::io::Cursor;
use tokio::io::{AsyncReadExt, join};
use tokio::net::TcpStream;

/// Answers the request that begins with the bytes in `received`. Closes the connection after it,
/// because a second request might ask for a WebSocket.
pub(crate) async fn serve(
    socket: TcpStream,
    received: BytesMut,
    router: Router,
) -> hyper::Result<()> {
    let (read, write) = socket.into_split();
    let stream = TokioIo::new(join(Cursor::new(received).chain(read), write));
    let service = TowerToHyperService::new(router);
    http1::Builder::new().keep_alive(false).serve_connection(stream, service).await
}
