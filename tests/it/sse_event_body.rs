//! `EventBody` through hyper and axum to `reqwest`, and the received bytes into `EventStream`.

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use bytes::Bytes;
use eventwire::sse::{
    EventBody, EventBuilder, EventId, EventStream, EventType, KEEP_ALIVE, LAST_EVENT_ID,
    is_event_stream,
};
use futures_util::stream::{self, Stream};
use futures_util::{FutureExt, StreamExt};
use http_body::Body;
use http_body_util::{BodyDataStream, BodyExt};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Returns the blocks that arrive through a channel.
fn blocks(mut receiver: mpsc::Receiver<Bytes>) -> impl Stream<Item = Bytes> + Unpin {
    stream::poll_fn(move |cx| receiver.poll_recv(cx))
}

/// Starts a server on hyper alone, and returns its URL.
async fn serve<B>(
    handle: impl AsyncFn(Request<Incoming>) -> Response<B> + Clone + 'static,
) -> String
where
    B: Body<Data = Bytes, Error = Infallible> + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::task::spawn_local(async move {
        while let Ok((io, _)) = listener.accept().await {
            let handle = handle.clone();
            let service = service_fn(move |request| {
                let handle = handle.clone();
                async move { Ok::<_, Infallible>(handle(request).await) }
            });
            tokio::task::spawn_local(
                http1::Builder::new().serve_connection(TokioIo::new(io), service),
            );
        }
    });
    url
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn check_headers(response: &reqwest::Response) {
    assert_eq!(response.status(), 200);
    assert!(is_event_stream(response.headers()["content-type"].as_bytes()));
    assert_eq!(response.headers()["cache-control"], "no-cache");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    assert!(!response.headers().contains_key("content-length"));
}

#[tokio::test]
async fn hyper_sends_each_event_as_it_comes_and_reqwest_reads_it() {
    let serve = async {
        let (sender, receiver) = mpsc::channel(1);
        let receiver = std::rc::Rc::new(std::cell::Cell::new(Some(receiver)));
        let handle = async move |_: Request<_>| {
            EventBody::new(blocks(receiver.take().unwrap())).into_response()
        };
        let response = client().get(serve(handle).await).send().await.unwrap();
        check_headers(&response);
        let mut events = EventStream::new(response.bytes_stream());
        // Each block arrives before the next one is sent: nothing is held back.
        for id in ["1", "2", "3"] {
            sender.send(Bytes::from_static(KEEP_ALIVE)).await.unwrap();
            let message = EventBuilder::new().id(EventId::new(id).unwrap()).data("gr\u{FC}n\nblau");
            sender.send(message.to_bytes()).await.unwrap();
            let event = events.next().await.unwrap().unwrap();
            assert_eq!((&*event.data, &*event.last_event_id), ("gr\u{FC}n\nblau", id));
        }
        assert!(events.next().now_or_never().is_none());
        drop(sender);
        assert!(events.next().await.is_none());
        assert_eq!(*events.last_event_id(), *"3");
    };
    tokio::task::LocalSet::new().run_until(within(serve)).await;
}

/// Fails a test that would wait for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), test).await.expect("the test takes too long")
}

#[tokio::test]
async fn hyper_receives_events_and_sends_them_back() {
    const SUM: EventType<'_> = EventType::from_static("sum");
    let serve = async {
        let handle = async |request: Request<Incoming>| {
            let mut events = EventStream::new(BodyDataStream::new(request.into_body()));
            let mut blocks = Vec::new();
            while let Some(event) = events.next().await {
                blocks.push(EventBuilder::try_from(&event.unwrap()).unwrap().to_bytes());
            }
            EventBody::new(stream::iter(blocks)).into_response()
        };
        let sent = EventBuilder::new().event_type(SUM).retry(Duration::from_secs(7)).data("1 +\n2");
        let body = [sent.to_bytes(), sent.to_bytes(), "data: unfinished".into()].concat();
        let chunks: Vec<_> =
            body.chunks(5).map(Bytes::copy_from_slice).map(Ok::<_, Infallible>).collect();
        let body = reqwest::Body::wrap_stream(stream::iter(chunks));
        let request = client().post(serve(handle).await).body(body);
        let response = request.send().await.unwrap();
        check_headers(&response);
        let mut events = EventStream::new(response.bytes_stream());
        for _ in 0..2 {
            let event = events.next().await.unwrap().unwrap();
            assert_eq!((event.event_type_or_default(), &*event.data), ("sum", "1 +\n2"));
        }
        assert!(events.next().await.is_none());
        assert_eq!(events.reconnection_time(), Some(Duration::from_secs(7)));
    };
    tokio::task::LocalSet::new().run_until(within(serve)).await;
}

/// Responds with two events after the last one that the client has seen.
async fn two(headers: HeaderMap) -> Response<axum::body::Body> {
    let seen = headers.get(LAST_EVENT_ID).map_or(0, |id| id.to_str().unwrap().parse().unwrap());
    let blocks = stream::iter([seen + 1, seen + 2]).then(async |number: u32| {
        let number = number.to_string();
        EventBuilder::new().id(EventId::new(&number).unwrap()).data(&number).to_bytes()
    });
    EventBody::new(Box::pin(blocks)).into_response().map(axum::body::Body::new)
}

#[tokio::test]
async fn axum_sends_events_and_a_client_resumes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", get(two));
    tokio::spawn(async { axum::serve(listener, router).await });
    let mut decoder = eventwire::sse::OwnedDecoder::new();
    let mut data = Vec::new();
    for _ in 0..3 {
        let request = client().get(&url).header(LAST_EVENT_ID, &**decoder.last_event_id());
        let request = if decoder.last_event_id().is_empty() { client().get(&url) } else { request };
        let response = within(request.send()).await.unwrap();
        check_headers(&response);
        let mut events = EventStream::with_decoder(response.bytes_stream(), decoder);
        while let Some(event) = within(events.next()).await {
            data.push(event.unwrap().data.to_string());
        }
        decoder = events.into_parts().1;
    }
    assert_eq!(data, ["1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn it_ends_with_its_stream() {
    // A stream that would go on after its end.
    let mut left = vec![None, None, Some(Bytes::from_static(KEEP_ALIVE))];
    let mut body = EventBody::new(stream::poll_fn(move |_| left.pop().unwrap().into()));
    assert!(!body.is_end_stream());
    assert_eq!(body.size_hint().exact(), None);
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), KEEP_ALIVE);
    assert!(!body.is_end_stream());
    for _ in 0..3 {
        assert!(body.frame().await.is_none());
        assert!(body.is_end_stream());
    }

    let mut body = EventBody::new(stream::iter(["a", "b"].map(Bytes::from)));
    body.frame().await.unwrap().unwrap();
    assert_eq!(body.into_inner().next().await.unwrap(), "b");
}
