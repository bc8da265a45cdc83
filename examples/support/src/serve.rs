//! `axum::serve` with a deadline for requests, which axum lacks.

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

/// The usual time that the head of a request may take to arrive.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Serves HTTP/1.1 and HTTP/2, with upgrades and extended CONNECT. A client whose request head takes
/// longer than `patience` is disconnected; over HTTP/2 this holds for the first request only.
pub async fn serve(listener: TcpListener, router: Router, patience: Duration) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => drop(tokio::spawn(connection(socket, router.clone(), patience))),
            // For example too many open files: some may be closed soon.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn connection(socket: TcpStream, router: Router, patience: Duration) {
    let asked = Arc::new(Notify::new());
    let router = TowerToHyperService::new(router);
    let service = {
        let asked = Arc::clone(&asked);
        service_fn(move |request: hyper::Request<Incoming>| {
            asked.notify_one();
            router.call(request)
        })
    };
    // Without it an event may wait for the one before to be acknowledged.
    let _ = socket.set_nodelay(true);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience);
    builder.http2().enable_connect_protocol();
    let mut connection =
        pin!(builder.serve_connection_with_upgrades(TokioIo::new(socket), service));
    // hyper has no deadline for the bytes that tell which version it is.
    tokio::select! {
        // Errors of a connection concern its client only.
        _ = &mut connection => return,
        () = sleep(patience) => return,
        () = asked.notified() => {}
    }
    let _ = connection.await;
}
