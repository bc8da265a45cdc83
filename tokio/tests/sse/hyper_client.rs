//! [`HttpClient`] over hyper.

use crate::server::{OPEN, Server};
use bytes::Bytes;
use eventwire_tokio::sse::{EventSourceErrorKind, HttpClient, connect_with};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use std::error::Error as _;

struct Hyper(Client<HttpConnector, Full<Bytes>>);

impl HttpClient for Hyper {
    type Body = Incoming;
    type Error = Error;

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Incoming>, Error> {
        self.0.request(request.map(Full::new)).await
    }
}

fn hyper() -> Hyper {
    Hyper(Client::builder(TokioExecutor::new()).build_http())
}

#[tokio::test]
async fn events_come_over_hyper() {
    let server = Server::start().await;
    let answer = OPEN.to_owned() + "data: a\n\n";
    let connect = connect_with(hyper(), server.url()).into_future();
    let (_, source) = tokio::join!(server.answer(answer), connect);
    let mut source = source.unwrap();
    assert_eq!(source.next().await.unwrap().unwrap().data, "a");
    let error = source.next().await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), EventSourceErrorKind::Ended));
}

#[tokio::test]
async fn the_error_of_hyper_is_kept() {
    let server = Server::start().await;
    let url = server.url();
    drop(server);
    let error = connect_with(hyper(), url).await.unwrap_err();
    assert!(error.source().unwrap().downcast_ref::<Error>().unwrap().is_connect());
    assert!(error.to_string().to_lowercase().contains("refused"), "{error}");
}
