//! Requests that are completed before they are sent.

use crate::memory::{Answer, Memory, events};
use eventwire_tokio::sse::{BoxError, EventSourceErrorKind, EventSourceOptions, connect_with};
use futures_util::FutureExt;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use std::error::Error;
use std::io;
use std::time::Duration;

const URL: &str = "http://localhost/feed";

#[tokio::test(start_paused = true)]
async fn each_attempt_has_a_token_of_its_own() {
    let client = Memory::new([events([(0, "id: 7\ndata: a\n\n")]), events([(0, "data: b\n\n")])]);
    let mut attempt = 0;
    let mut source = connect_with(client.clone(), URL)
        .header("x-tenant", "7")
        .on_request(move |mut request| {
            attempt += 1;
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let resumed = request.headers().get("last-event-id").is_some();
                assert_eq!((&request.headers()["x-tenant"] == "7", resumed), (true, attempt > 1));
                let token = HeaderValue::try_from(format!("token {attempt}"))?;
                request.headers_mut().insert(AUTHORIZATION, token);
                Ok::<_, BoxError>(request)
            }
        })
        .build();
    assert_eq!(source.next().await.unwrap().unwrap().data, "a");
    assert!(source.next().await.unwrap().unwrap_err().will_retry());
    assert_eq!(source.next().await.unwrap().unwrap().data, "b");
    assert_eq!(client.headers("authorization"), [Some("token 1".into()), Some("token 2".into())]);
    assert_eq!(client.headers("accept"), vec![Some("text/event-stream".into()); 2]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_reported_and_tried_again() {
    let client = Memory::new([events([(0, "data: a\n\n")])]);
    let mut has_failed = false;
    let prepare = move |request| {
        let result = if std::mem::replace(&mut has_failed, true) {
            Ok(request)
        } else {
            Err(io::Error::other("no token"))
        };
        std::future::ready(result)
    };
    let mut source = connect_with(client.clone(), URL).on_request(prepare).build();
    let error = source.next().await.unwrap().unwrap_err();
    assert!(error.will_retry());
    assert!(matches!(error.kind(), EventSourceErrorKind::OnRequest(_)), "{:?}", error.kind());
    assert_eq!(error.to_string(), "localhost: the request could not be prepared: no token");
    assert!(error.source().unwrap().is::<io::Error>());
    assert!(client.times().is_empty());
    assert_eq!(source.next().await.unwrap().unwrap().data, "a");
}

/// The function has the time that a request has, and is not called again if a `next` is dropped.
#[tokio::test(start_paused = true)]
async fn a_function_that_never_ends_is_given_up() {
    let client = Memory::new([Answer::Silence]);
    let mut calls = 0;
    let prepare = move |request: Request<_>| {
        calls += 1;
        async move {
            if calls == 1 {
                std::future::pending::<()>().await;
            }
            Ok::<_, BoxError>(request)
        }
    };
    let options = EventSourceOptions::new().response_timeout(Duration::from_secs(5));
    let connect = connect_with(client.clone(), URL).options(options).on_request(prepare);
    let mut source = connect.build();
    for _ in 0..3 {
        assert!(source.next().now_or_never().is_none());
    }
    let error = source.next().await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), EventSourceErrorKind::NoResponse), "{error}");
    assert!(client.times().is_empty());
    // The next attempt calls it again.
    assert!(source.next().await.unwrap().is_err());
    assert_eq!(client.times().len(), 1);
}
