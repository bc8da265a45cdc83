//! `EventBody` through hyper and axum to `reqwest`, and the received bytes into `EventStream`.

use axum::Router;
use axum::http::{HeaderMap, HeaderValue};
use axum::routing::get;
use bytes::Bytes;
use eventwire::sse::adapt::{BodyChunks, IntoEventBytes, KeepAliveStream};
use eventwire::sse::header::{LAST_EVENT_ID, is_event_stream};
use eventwire::sse::server::KEEP_ALIVE;
use eventwire::sse::{
    EventBody, EventBuilder, EventId, EventStream, EventType, KeepAlive, LastEvent,
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
    B: Body<Data = Bytes, Error: Into<axum::BoxError>> + 'static,
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
        let handle =
            async move |_: Request<_>| EventBody::new(blocks(receiver.take().unwrap())).into_http();
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
            EventBody::new(stream::iter(blocks)).into_http()
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
    EventBody::new(Box::pin(blocks)).into_http().map(axum::body::Body::new)
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

/// Returns all data of a body, and the error that ended it.
async fn read<B>(body: B) -> (Vec<Bytes>, Option<B::Error>)
where
    B: Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let mut sent = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => sent.push(frame.into_data().unwrap()),
            Err(error) => {
                assert!(body.is_end_stream());
                assert!(body.frame().await.is_none(), "it ends with its error");
                return (sent, Some(error));
            }
        }
    }
    (sent, None)
}

#[tokio::test]
async fn events_of_any_kind_are_sent() {
    const EVENT: &str = "id: 1\ndata: a\n\n";
    async fn sent<T>(items: Vec<T>) -> (Vec<Bytes>, Option<T::Error>)
    where
        T: IntoEventBytes,
    {
        // A stream that is not `Unpin`.
        let items = stream::iter(items).then(async |item| item);
        read(EventBody::new(items)).await
    }
    let event = || EventBuilder::new().id(1).data("a");
    assert_eq!(sent(vec![event(), event()]).await, (vec![EVENT.into(), EVENT.into()], None));
    assert_eq!(sent(vec![event().to_bytes()]).await, (vec![EVENT.into()], None));
    assert_eq!(sent(Vec::<Bytes>::new()).await, (vec![], None));
    let results = vec![Ok(event()), Err("broken"), Ok(event())];
    assert_eq!(sent(results).await, (vec![EVENT.into()], Some("broken")));
    let results = vec![Ok(event().to_bytes()), Err(7), Err(8)];
    assert_eq!(sent(results).await, (vec![EVENT.into()], Some(7)));
}

/// Hyper cuts the response off, so that no client takes it for complete.
#[tokio::test]
async fn an_error_of_the_stream_cuts_the_response_off() {
    let test = async {
        let (sender, mut receiver) = mpsc::channel(1);
        let items = stream::poll_fn(move |cx| receiver.poll_recv(cx));
        let items = std::rc::Rc::new(std::cell::Cell::new(Some(items)));
        let handle = async move |_: Request<_>| EventBody::new(items.take().unwrap()).into_http();
        let response = client().get(serve(handle).await).send().await.unwrap();
        let mut events = EventStream::from_response(response).unwrap();
        sender.send(Ok(EventBuilder::new().data("a"))).await.unwrap();
        assert_eq!(events.next().await.unwrap().unwrap().data, "a");
        sender.send(Err(std::io::Error::other("the feed is gone"))).await.unwrap();
        assert!(events.next().await.unwrap().is_err());
        assert!(events.next().await.is_none());
    };
    tokio::task::LocalSet::new().run_until(within(test)).await;
}

/// Returns what was sent in the first minute, each with its time in seconds.
async fn times<T: IntoEventBytes<Error = Infallible>>(
    events: impl Stream<Item = T>,
    interval: Duration,
) -> Vec<(u64, Bytes)> {
    let start = tokio::time::Instant::now();
    let body = EventBody::new(events).keep_alive(interval, tokio::time::sleep);
    let chunks = BodyChunks::new(body)
        .take_until(tokio::time::sleep(Duration::from_secs(60)))
        .map(|chunk| (start.elapsed().as_secs(), chunk.unwrap()));
    chunks.collect().await
}

#[tokio::test(start_paused = true)]
async fn silence_is_filled() {
    let alive = |at| (at, Bytes::from_static(KEEP_ALIVE));
    let event = |at| (at, Bytes::from_static(b"data: a\n\n"));
    let at = |seconds: &'static [u64]| {
        let start = tokio::time::Instant::now();
        stream::iter(seconds).then(move |&at| async move {
            tokio::time::sleep_until(start + Duration::from_secs(at)).await;
            EventBuilder::new().data("a")
        })
    };
    let interval = KeepAlive::DEFAULT_INTERVAL;
    let silent = || stream::pending::<Bytes>();
    assert_eq!(times(silent(), interval).await, [15, 30, 45].map(alive));
    // Nothing is sent after the end.
    assert_eq!(times(at(&[20]), interval).await, [alive(15), event(20)]);
    // An event restarts the interval.
    let sent = times(at(&[0, 10, 20, 40, 200]), interval).await;
    assert_eq!(sent, [event(0), event(10), event(20), alive(35), event(40), alive(55)]);
    for never in [Duration::ZERO, Duration::MAX] {
        assert_eq!(times(silent(), never).await, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_keep_alive_stream_tells_of_errors_and_ends() {
    let items = [Ok(EventBuilder::new().data("a")), Err("broken"), Ok(EventBuilder::new())];
    let stream =
        KeepAliveStream::new(stream::iter(items), Duration::from_secs(1), tokio::time::sleep);
    assert!(format!("{stream:?}").contains("interval: 1s"));
    let sent: Vec<_> = stream.collect().await;
    assert_eq!(sent, [Ok("data: a\n\n".into()), Err("broken"), Ok("\n".into())]);
    // The stream is not polled again after its end.
    let mut left = vec![None, None, Some(Bytes::from_static(KEEP_ALIVE))];
    let items = stream::poll_fn(move |_| left.pop().unwrap().into());
    let stream = KeepAliveStream::new(items, Duration::from_secs(1), tokio::time::sleep);
    let mut stream = std::pin::pin!(stream);
    assert!(stream.next().await.is_some());
    for _ in 0..3 {
        assert!(stream.next().await.is_none());
    }
    // A body ends at the error.
    let items = stream::iter([Ok(Bytes::from("data: a\n\n")), Err("broken"), Err("again")]);
    let body = EventBody::new(items).keep_alive(Duration::from_secs(1), tokio::time::sleep);
    assert_eq!(read(body).await, (vec!["data: a\n\n".into()], Some("broken")));
}

#[tokio::test(start_paused = true)]
async fn the_reconnection_time_comes_first() {
    let blocks = || stream::iter(["data: a\n\n"].map(Bytes::from));
    let body = EventBody::new(blocks()).retry(Duration::from_secs(1));
    assert!(!body.is_end_stream());
    let all = (vec!["retry: 1000\n\n".into(), "data: a\n\n".into()], None);
    assert_eq!(read(body).await, all);
    let second = Duration::from_secs(1);
    let body = EventBody::new(blocks()).retry(second).keep_alive(second, tokio::time::sleep);
    assert_eq!(read(body).await, all);
    let body = EventBody::new(blocks()).keep_alive(second, tokio::time::sleep).retry(second);
    assert_eq!(read(body).await, all);
}

#[tokio::test]
async fn a_response_that_is_no_event_stream_is_given_back() {
    fn response(status: u16, types: &[&str]) -> Response<String> {
        let mut response = Response::builder().status(status);
        for content_type in types {
            response = response.header("content-type", *content_type);
        }
        response.body("data: a\n\n".to_owned()).unwrap()
    }
    const TYPE: &str = "text/event-stream";
    for types in
        [&[TYPE][..], &["text/event-stream;charset=utf-8"], &["text/html", TYPE], &[TYPE, "*/*"]]
    {
        let mut events = EventStream::from_response(response(200, types)).unwrap();
        assert_eq!(events.next().await.unwrap().unwrap().data, "a");
        assert!(events.next().await.is_none());
    }
    for (status, types, message) in [
        (401, &["text/html"][..], "status 401 instead of an event stream"),
        (500, &[TYPE], "status 500 instead of an event stream"),
        (204, &[TYPE], "status 204 instead of an event stream"),
        (201, &[TYPE], "status 201 instead of an event stream"),
        (200, &["text/html"], "content type text/html instead of text/event-stream"),
        (200, &[TYPE, "text/html"], "content type text/html instead of text/event-stream"),
        (200, &[], "no content type, where text/event-stream was expected"),
    ] {
        let error = EventStream::from_response(response(status, types)).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.status(), status);
        assert_eq!(
            error.content_type().map(HeaderValue::as_bytes),
            types.last().map(|it| it.as_bytes())
        );
        assert_eq!(error.response().status(), status);
        let debug = format!("{error:?}");
        assert!(debug.contains(&status.to_string()) && !debug.contains("data"), "{debug}");
        let response = error.into_response();
        assert_eq!(response.headers().get_all("content-type").iter().count(), types.len());
        assert_eq!(response.into_body(), "data: a\n\n");
    }
}

/// A body with trailers, whose data is in a buffer of two pieces.
#[tokio::test]
async fn chunks_of_any_body() {
    use bytes::Buf;
    let frame = || http_body::Frame::data(Bytes::from("data").chain(&b": a\n\n"[..]));
    let trailers = http_body::Frame::trailers(HeaderMap::new());
    let frames = [Ok(frame()), Ok(trailers), Ok(frame()), Err("broken")];
    let frames = stream::iter(frames).then(async |frame| frame);
    let chunks = BodyChunks::new(http_body_util::StreamBody::new(frames));
    let chunks: Vec<_> = chunks.collect().await;
    assert_eq!(chunks, [Ok("data: a\n\n".into()), Ok("data: a\n\n".into()), Err("broken")]);
}

#[tokio::test]
async fn a_refusal_is_read_by_reqwest() {
    use axum::http::StatusCode;
    async fn done() -> Response<axum::body::Body> {
        let done = stream::iter(["{}", "[DONE]"]).map(|data| EventBuilder::new().data(data));
        // The server stays connected.
        let body = EventBody::new(done.chain(stream::pending()));
        body.into_http().map(axum::body::Body::new)
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/refused", get(async || (StatusCode::TOO_MANY_REQUESTS, "slow down")))
        .route("/done", get(done));
    tokio::spawn(async { axum::serve(listener, router).await });

    let response = within(client().get(format!("{url}/refused")).send()).await.unwrap();
    let error = EventStream::from_response(response).unwrap_err();
    assert_eq!(error.status(), 429);
    let response = reqwest::Response::from(error.into_response());
    assert_eq!(within(response.text()).await.unwrap(), "slow down");

    let response = within(client().get(format!("{url}/done")).send()).await.unwrap();
    let events = EventStream::from_response(response).unwrap().until(LastEvent::Data("[DONE]"));
    let data: Vec<_> = within(events.map(|event| event.unwrap().data).collect()).await;
    assert_eq!(data, ["{}"]);
}

/// Handlers return bodies of streams that are not `Unpin`.
#[cfg(feature = "axum")]
#[tokio::test]
async fn a_handler_of_axum_returns_it() {
    async fn handler() -> impl axum::response::IntoResponse {
        let numbers = stream::iter(1..=3).then(async |number: u32| {
            tokio::time::sleep(Duration::from_millis(1)).await;
            EventBuilder::new().id(number).data(format!("number {number}"))
        });
        EventBody::new(numbers).keep_alive(KeepAlive::DEFAULT_INTERVAL, tokio::time::sleep)
    }
    async fn fails() -> EventBody<impl Stream<Item = Result<Bytes, std::io::Error>>> {
        EventBody::new(stream::iter([Err(std::io::Error::other("broken"))]))
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", get(handler)).route("/fails", get(fails));
    tokio::spawn(async { axum::serve(listener, router).await });
    let response = within(client().get(&url).send()).await.unwrap();
    check_headers(&response);
    let events = EventStream::from_response(response).unwrap();
    let data: Vec<_> = within(events.map(|event| event.unwrap().data).collect()).await;
    assert_eq!(data, ["number 1", "number 2", "number 3"]);
    let response = within(client().get(format!("{url}/fails")).send()).await;
    assert!(match response {
        Ok(response) => within(response.bytes()).await.is_err(),
        Err(_) => true,
    });
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
