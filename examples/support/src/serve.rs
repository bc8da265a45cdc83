//! `axum::serve` with a deadline for requests.

use axum::Router;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::sleep;

/// The usual maximum time until the head of a request has arrived.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Serves HTTP/1.1 and HTTP/2, with upgrades and extended CONNECT. Disconnects a client if the head
/// of a request takes longer than `patience` to arrive. Over HTTP/2 only the first request has this
/// deadline.
pub async fn serve(listener: TcpListener, router: Router, patience: Duration) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => drop(tokio::spawn(connection(socket, router.clone(), patience))),
            // For example too many open files. Some may be closed after a pause.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn connection(socket: TcpStream, router: Router, patience: Duration) {
    let requested = Arc::new(Notify::new());
    let router = TowerToHyperService::new(router);
    let service = {
        let requested = Arc::clone(&requested);
        service_fn(move |request: hyper::Request<Incoming>| {
            requested.notify_one();
            router.call(request)
        })
    };
    // Otherwise an event may wait until the client has acknowledged the one before.
    let _ = socket.set_nodelay(true);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience);
    builder.http2().enable_connect_protocol();
    let mut connection =
        pin!(builder.serve_connection_with_upgrades(TokioIo::new(socket), service));
    // hyper has no deadline for the first bytes, from which it detects the HTTP version.
    tokio::select! {
        // An error of a connection concerns its client only.
        _ = &mut connection => return,
        () = sleep(patience) => return,
        () = requested.notified() => {}
    }
    let _ = connection.await;
}
