//! The HTTP server for the libraries that leave the handshake to hyper.

use super::Failure;
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::future::ready;
use std::sync::Mutex;
use tokio::net::TcpStream;

/// Answers one request with `upgrade`. Returns the value that `upgrade` keeps for afterwards.
pub async fn accept<T, E>(
    socket: TcpStream,
    upgrade: impl Fn(Request<Incoming>) -> Result<(Response<Empty<Bytes>>, T), E>,
) -> Result<T, Failure>
where
    E: Error + Send + Sync + 'static,
{
    let upgraded = Mutex::new(None);
    let service = service_fn(|request| {
        ready(upgrade(request).map(|(response, future)| {
            *upgraded.lock().expect("no panic") = Some(future);
            response
        }))
    });
    http1::Builder::new().serve_connection(TokioIo::new(socket), service).with_upgrades().await?;
    upgraded.into_inner().expect("no panic").ok_or_else(|| "closed during the handshake".into())
}
