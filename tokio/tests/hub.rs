//! The hub: who is woken, what a client that returns gets, slow clients, and the shutdown.

use bytes::Bytes;
use eventwire_tokio::eventwire::Utf8Bytes;
use eventwire_tokio::eventwire::sse::EventBuilder;
use eventwire_tokio::ws::{self, Frame, Message, WebSocket, WebSocketOptions};
use eventwire_tokio::{Hub, HubEvent, HubOptions, LastEventId, Subscriber};
use futures_util::{FutureExt, StreamExt};
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::duplex;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn publish(hub: &Hub, data: &str) -> Utf8Bytes {
    hub.publish(EventBuilder::new().data(data))
}

fn numbers(hub: &Hub, count: usize) -> Vec<Utf8Bytes> {
    (0..count).map(|number| publish(hub, &number.to_string())).collect()
}

/// Returns the data of the events that are there.
fn read(listener: &mut Subscriber) -> Vec<String> {
    let mut data = Vec::new();
    while let Some(event) = listener.try_next().expect("nothing was missed") {
        let block = String::from_utf8(event.block().expect("a block").to_vec()).expect("UTF-8");
        data.extend(
            block.lines().filter_map(|line| line.strip_prefix("data: ").map(str::to_owned)),
        );
    }
    data
}

/// Returns a client and the server's end, over a pipe of this size in each direction.
async fn pair(size: usize, options: WebSocketOptions) -> (WebSocket, WebSocket) {
    let (ours, theirs) = duplex(size);
    let client = ws::connect("ws://localhost/").options(WebSocketOptions::new()).over(ours);
    let server = ws::accept(theirs).options(options);
    let (client, server) = tokio::join!(client, async { server.await });
    (client.expect("a client"), server.expect("a server"))
}

/// Returns the next text message.
async fn text(socket: &mut WebSocket) -> String {
    match timeout(SECOND, socket.next()).await.expect("a message in time") {
        Some(Ok(Message::Text(text))) => text.into(),
        other => panic!("{other:?}"),
    }
}

/// A listener may check for events in the very moment when one is published, and must not miss it.
/// Each event is published when all listeners have the one before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_listener_is_woken_for_every_event() {
    const EVENTS: usize = 1000;
    const LISTENERS: usize = 4;
    let hub = Hub::default();
    let have = Arc::new(AtomicUsize::new(0));
    let mut listeners = JoinSet::new();
    for listener_number in 0..LISTENERS {
        let (mut listener, have) = (hub.subscribe(), Arc::clone(&have));
        listeners.spawn(async move {
            for number in 0..EVENTS {
                // Half of the listeners stop waiting once, and start again.
                let event = match listener.next().now_or_never() {
                    Some(event) if listener_number % 2 == 0 => event,
                    None => listener.next().await,
                    event => event.flatten(),
                };
                let event = event.expect("the hub is open").expect("nothing was missed");
                let block = event.block().expect("a block");
                assert!(block.ends_with(format!("\ndata: {number}\n\n").as_bytes()), "{block:?}");
                have.fetch_add(1, Relaxed);
            }
        });
    }
    assert_eq!(hub.subscribers(), LISTENERS);
    for number in 0..EVENTS {
        publish(&hub, &number.to_string());
        let all_have_it = async {
            while have.load(Relaxed) < LISTENERS * (number + 1) {
                yield_now().await;
            }
        };
        timeout(30 * SECOND, all_have_it).await.expect("all are woken");
    }
    listeners.join_all().await;
    assert_eq!(hub.subscribers(), 0);
}

#[test]
fn a_client_that_returns_continues_after_its_last_event() {
    let hub = Hub::new(HubOptions::new().max_events(3));
    assert_eq!(hub.last_event_id(), "");
    let ids = numbers(&hub, 5);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 5);
    assert_eq!(hub.last_event_id(), &*ids[4]);
    let after = |id: &[u8]| read(&mut hub.resume(&LastEventId::new(id)));
    assert_eq!(after(ids[2].as_bytes()), ["3", "4"]);
    assert_eq!(after(ids[1].as_bytes()), ["2", "3", "4"]);
    assert_eq!(after(ids[4].as_bytes()), [""; 0]);
    assert_eq!(read(&mut hub.since(&ids[3]).expect("all is held")), ["4"]);
    // Some events after it are gone.
    assert!(hub.since(&ids[0]).is_none());
    assert_eq!(after(ids[0].as_bytes()), ["2", "3", "4"]);
    // Unknown, empty, and of another run.
    let other = publish(&Hub::default(), "elsewhere");
    assert_eq!(after(b"1\xFF"), ["2", "3", "4"]);
    assert_eq!(after(b""), ["2", "3", "4"]);
    assert_eq!(after(other.as_bytes()), ["2", "3", "4"]);
    // New clients.
    assert_eq!(read(&mut hub.resume(&LastEventId::NONE.or_oldest())), ["2", "3", "4"]);
    let last = LastEventId::new(ids[3].as_bytes()).or_oldest();
    assert_eq!(read(&mut hub.resume(&last)), ["4"]);
    assert_eq!(read(&mut hub.resume(&LastEventId::NONE)), [""; 0]);
    assert_eq!(read(&mut hub.subscribe_from_oldest()), ["2", "3", "4"]);
}

#[tokio::test]
async fn an_event_may_have_its_own_id_or_none() {
    let hub = Hub::default();
    let mut now = hub.subscribe();
    assert_eq!(hub.publish(EventBuilder::new().id(7).data("a")), *"7");
    hub.publish_transient(&EventBuilder::new().data("b"));
    let id = hub.publish_with(None, |id| {
        HubEvent::new(&EventBuilder::new().id(id).data(format!("I am {}", id.as_str())))
    });
    let last = format!("I am {id}");
    assert_eq!(read(&mut now), ["a", "b", &last]);
    assert_eq!(read(&mut hub.since("7").expect("it is held")), [last]);
}

#[tokio::test]
async fn an_event_stream_ends_when_its_client_is_too_slow() {
    let hub = Hub::new(HubOptions::new().max_events(2));
    let mut slow = pin!(hub.subscribe().into_blocks());
    let mut listener = hub.subscribe();
    publish(&hub, "0");
    let first = slow.next().await.expect("an event");
    numbers(&hub, 3);
    assert_eq!(slow.next().await, None);
    assert_eq!(slow.next().await, None);
    assert_eq!(hub.subscribers(), 1);
    assert!(first.ends_with(b"\ndata: 0\n\n"));
    // Other listeners may go on.
    assert_eq!(listener.try_next().map(drop).map_err(|lagged| lagged.missed), Err(2));
    assert_eq!(read(&mut listener), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_begins_with_the_reconnection_time_and_is_kept_alive() {
    let hub = Hub::new(HubOptions::new().retry(SECOND).keep_alive(20 * SECOND));
    let last = LastEventId::new(publish(&hub, "0").as_bytes());
    publish(&hub, "1");
    hub.publish_transient(HubEvent::from_parts(None, Some(Frame::text("not here").prepare())));
    let response = hub.events(&last).into_http();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = pin!(response.into_body());
    let start = Instant::now();
    let mut chunks = Vec::new();
    for _ in 0..3 {
        let frame = std::future::poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx)).await;
        let data: Bytes = frame.expect("a chunk").expect("no error").into_data().expect("data");
        chunks.push(String::from_utf8(data.into()).expect("UTF-8"));
    }
    assert_eq!(chunks[0], "retry: 1000\n\n");
    assert!(chunks[1].ends_with("\ndata: 1\n\n"), "{chunks:?}");
    assert_eq!(chunks[2], ":\n\n");
    assert_eq!(start.elapsed(), 20 * SECOND);
}

#[tokio::test]
async fn a_websocket_gets_the_data_and_says_something() {
    let hub = Hub::default();
    let first = publish(&hub, "before");
    let (mut client, server) = pair(1 << 10, WebSocketOptions::new()).await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let resumed = hub.resume(&LastEventId::new(""));
    let task = tokio::spawn(resumed.serve(server).on_message(move |it| drop(said.send(it))));
    assert_eq!(text(&mut client).await, "before");
    publish(&hub, "of two\r\nlines");
    hub.publish(EventBuilder::new().comment("not an event"));
    hub.publish_transient(HubEvent::from_parts(Some(Bytes::from_static(b":\n\n")), None));
    hub.publish_transient(HubEvent::from_parts(None, Some(Frame::binary(b"raw").prepare())));
    publish(&hub, "last");
    assert_eq!(text(&mut client).await, "of two\r\nlines");
    assert_eq!(client.next().await.expect("open"), Ok(Message::Binary("raw".into())));
    assert_eq!(text(&mut client).await, "last");
    client.send("hello").await.expect("sent");
    assert_eq!(heard.recv().await, Some(Message::Text("hello".into())));
    let close = client.close(4000, "enough").await.expect("closed");
    assert!(close.was_clean);
    let close = task.await.expect("no panic");
    assert_eq!((close.code, &*close.reason), (4000, "enough"));
    assert_eq!(hub.subscribers(), 0);
    assert!(hub.since(first).is_some());
}

/// A client that reads nothing takes no more memory than its high-water mark, and learns that it
/// has missed something. What it gets before that is without a gap.
#[tokio::test]
async fn a_websocket_that_lags_is_closed() {
    let hub = Hub::new(HubOptions::new().max_events(8));
    let (mut client, server) = pair(256, WebSocketOptions::new().high_water_mark(256)).await;
    let (mut quick, other) = pair(256, WebSocketOptions::new()).await;
    let task = tokio::spawn(hub.serve(server));
    let quick_task = tokio::spawn(hub.serve(other));
    while hub.subscribers() < 2 {
        yield_now().await;
    }
    for number in 0..100 {
        publish(&hub, &format!("{number:030}"));
        assert_eq!(text(&mut quick).await, format!("{number:030}"));
    }
    let mut count = 0;
    while let Some(Ok(message)) = client.next().await {
        assert_eq!(message, Message::Text(format!("{count:030}").into()));
        count += 1;
    }
    assert!((5..40).contains(&count), "{count}");
    let close = client.close_event().expect("closed");
    assert_eq!((close.code, close.was_clean), (1013, true));
    assert!(close.reason.contains("missed"), "{close:?}");
    assert_eq!(task.await.expect("no panic").code, 1013);
    assert_eq!(hub.subscribers(), 1);
    drop(quick);
    quick_task.await.expect("no panic");
}

/// All events that wait are written, whatever the room for them.
#[tokio::test]
async fn a_full_websocket_goes_on_when_its_client_reads() {
    let hub = Hub::default();
    let (mut client, server) = pair(64, WebSocketOptions::new().high_water_mark(1)).await;
    let task = tokio::spawn(hub.serve(server));
    while hub.subscribers() == 0 {
        yield_now().await;
    }
    numbers(&hub, 500);
    for number in 0..500 {
        assert_eq!(text(&mut client).await, number.to_string());
    }
    drop(client);
    task.await.expect("no panic");
}

#[tokio::test]
async fn a_shutdown_ends_streams_after_their_events_and_closes_sockets() {
    let hub = Hub::default();
    let mut events = pin!(hub.subscribe().into_blocks());
    let (mut client, server) = pair(1 << 10, WebSocketOptions::new()).await;
    let task = tokio::spawn(hub.serve(server));
    while hub.subscribers() < 2 {
        yield_now().await;
    }
    publish(&hub, "last");
    let mut shutdown = pin!(hub.shutdown());
    assert!(shutdown.as_mut().now_or_never().is_none());
    assert_eq!(text(&mut client).await, "last");
    assert!(client.next().await.is_none());
    assert_eq!(client.close_event().map(|close| close.code), Some(1012));
    assert!(task.await.expect("no panic").was_clean);
    assert!(shutdown.as_mut().now_or_never().is_none());
    assert!(events.next().await.expect("an event").ends_with(b"\ndata: last\n\n"));
    assert_eq!(events.next().await, None);
    timeout(SECOND, shutdown).await.expect("all are gone");
    // Later ones are shut down at once.
    assert!(hub.subscribe().next().await.is_none());
    let (mut client, server) = pair(1 << 10, WebSocketOptions::new()).await;
    tokio::spawn(hub.serve(server));
    assert!(client.next().await.is_none());
    assert_eq!(client.close_event().map(|close| close.code), Some(1012));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_no_longer_than_it_may() {
    let hub = Hub::new(HubOptions::new().shutdown_timeout(3 * SECOND));
    let _stuck = hub.subscribe();
    let start = Instant::now();
    hub.shutdown().await;
    assert_eq!((start.elapsed(), hub.subscribers()), (3 * SECOND, 1));
}

/// A client that reads nothing cannot be sent the rest of its events.
#[tokio::test(start_paused = true)]
async fn a_shutdown_closes_a_socket_that_is_full() {
    let hub = Hub::default();
    let options = WebSocketOptions::new().high_water_mark(64).closing_timeout(2 * SECOND);
    let (_client, server) = pair(64, options).await;
    let task = tokio::spawn(hub.serve(server));
    while hub.subscribers() == 0 {
        yield_now().await;
    }
    numbers(&hub, 100);
    yield_now().await;
    let start = Instant::now();
    hub.shutdown().await;
    assert_eq!((start.elapsed().as_secs(), hub.subscribers()), (2, 0));
    assert!(!task.await.expect("no panic").was_clean);
}

#[tokio::test]
async fn a_served_socket_that_is_dropped_says_goodbye() {
    let hub = Hub::default();
    let (mut client, server) = pair(1 << 10, WebSocketOptions::new()).await;
    let mut serve = Box::pin(hub.serve(server));
    publish(&hub, "a");
    assert!(serve.as_mut().now_or_never().is_none());
    assert_eq!(text(&mut client).await, "a");
    drop(serve);
    assert_eq!(client.closed().await.code, 1001);
    assert_eq!(hub.subscribers(), 0);
}

/// A socket that acts like a page may not send 1012.
#[tokio::test]
async fn a_shutdown_ends_sockets_that_act_like_pages() {
    let hub = Hub::default();
    let (a, b) = duplex(4096);
    let options = WebSocketOptions::new().browser_close_codes(true);
    let (client, server) = tokio::join!(
        ws::connect("ws://example.com/").over(a),
        ws::accept(b).options(options).into_future()
    );
    let (mut client, server) = (client.unwrap(), server.unwrap());
    let serving = tokio::spawn(hub.serve(server));
    yield_now().await;
    let (close, ()) = tokio::join!(client.closed(), hub.shutdown());
    assert_eq!(close.code, 1000);
    assert!(serving.await.unwrap().was_clean);
}
