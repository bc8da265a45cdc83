//! `EventStream`: the same events however the body is cut and polled, and the ways it ends.

use bytes::Bytes;
use eventwire::sse::adapt::ItemStream;
use eventwire::sse::client::LastEvents;
use eventwire::sse::{
    DecodeError, EventId, EventStream, Item, LastEvent, OwnedDecoder, OwnedEvent, OwnedItem,
    ReadError,
};
use eventwire_test_support::cut;
use eventwire_test_support::sse::{RECONNECTS, Rules, Seen, by_chunks};
use futures_core::{FusedStream, Stream};
use futures_util::{FutureExt, StreamExt, stream};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::task::Poll;
use std::time::Duration;

const BODIES: [&[u8]; 7] = [
    b"data: a\n\ndata: b\n\n",
    b"\xEF\xBB\xBFid: 1\r\ndata: a\r\ndata: b\r\n\r\nretry: 70\r\n\r\n: hi\r\nevent: c\r\ndata\r\n\r\n",
    b": only\n\n: comments\n\nid: 3\n\n",
    b"id:7\rdata:x\r\rid\rdata:\r\rdata: cut off",
    b"data: gr\xC3\xBC\xC3\x9Fe \xF0\x9F\x98\n\ndata: \xFF\n\n",
    b"data: 1\n\ndata: 0123456789\n\ndata: 2\n\n",
    b"",
];

const RULES: [Rules; 6] = [
    Rules::UNLIMITED,
    Rules::VERBOSE,
    Rules { max_line: 12, ..Rules::UNLIMITED },
    Rules { max_line: 12, skip: true, ..Rules::VERBOSE },
    Rules { unfinished: true, ..Rules::UNLIMITED },
    Rules { max_line: 12, skip: true, unfinished: true, ..Rules::VERBOSE },
];

/// The result of a whole body, or of its front.
struct Outcome {
    seen: Vec<Seen>,
    last_event_id: String,
    reconnection_time: Option<Duration>,
}

/// Returns a stream that is not ready before each chunk.
fn slow<E>(
    chunks: impl IntoIterator<Item = Result<Bytes, E>>,
) -> impl Stream<Item = Result<Bytes, E>> + Unpin {
    let mut chunks: VecDeque<_> = chunks.into_iter().collect();
    let mut ready = false;
    stream::poll_fn(move |cx| {
        ready = !ready;
        if ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(chunks.pop_front())
    })
}

fn own(chunks: &[&[u8]]) -> Vec<Result<Bytes, Infallible>> {
    chunks.iter().map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect()
}

fn seen(event: Result<OwnedEvent, ReadError<Infallible>>) -> Seen {
    seen_item(event.map(Item::Event))
}

fn seen_item(item: Result<OwnedItem, ReadError<Infallible>>) -> Seen {
    match item {
        Ok(item) => {
            let last_event_id = match &item {
                Item::Event(event) => event.last_event_id.clone(),
                _ => "".into(),
            };
            Seen::new(item, &last_event_id)
        }
        Err(ReadError::Decode(error)) => Seen::Failed(error),
        Err(error) => panic!("{error}"),
    }
}

/// Returns all events. Each future that would have to wait is dropped.
fn by_dropped_futures<S>(events: &mut EventStream<S>) -> Vec<Seen>
where
    S: Stream<Item = Result<Bytes, Infallible>> + Unpin,
{
    let mut all = Vec::new();
    loop {
        match events.next().now_or_never() {
            None => {}
            Some(None) => return all,
            Some(Some(event)) => all.push(seen(event)),
        }
        assert!(all.len() < 10_000, "the stream does not end");
    }
}

fn expected(rules: Rules, body: &[u8]) -> Outcome {
    let trace = by_chunks(rules.options(), [body]);
    let shown = |it: &Seen| matches!(it, Seen::Event { .. } | Seen::Failed(_));
    Outcome {
        seen: trace.seen.into_iter().filter(shown).collect(),
        last_event_id: trace.last_event_id,
        reconnection_time: trace.reconnection_time,
    }
}

fn check(rules: Rules, body: &[u8], chunks: &[&[u8]]) {
    let expected = expected(rules, body);
    let decoder = || OwnedDecoder::with_options(rules.options());
    let mut events = EventStream::with_decoder(stream::iter(own(chunks)), decoder());
    let whole = events.by_ref().map(seen).take(10_000).collect::<Vec<_>>().now_or_never();
    assert_eq!(whole.as_ref(), Some(&expected.seen), "{chunks:?}");
    let items = EventStream::new(slow(own(chunks))).decoder(decoder()).items();
    let mut items = items.map(seen_item).take(10_000).collect::<Vec<_>>();
    let all = loop {
        if let Some(all) = (&mut items).now_or_never() {
            break all;
        }
    };
    assert_eq!(all, by_chunks(rules.options(), [body]).seen, "{chunks:?}");
    let mut events = EventStream::with_decoder(slow(own(chunks)), decoder());
    assert!(!events.is_terminated());
    assert_eq!(by_dropped_futures(&mut events), expected.seen, "{chunks:?}");
    assert!(events.is_terminated());
    assert_eq!(*events.last_event_id(), *expected.last_event_id);
    assert_eq!(events.reconnection_time(), expected.reconnection_time);
    let after = std::iter::repeat_with(|| events.next().now_or_never()).take(3);
    assert!(after.into_iter().all(|it| matches!(it, Some(None))), "an item after the end");
}

#[test]
fn every_split_gives_the_same_events() {
    for body in BODIES {
        for rules in RULES {
            check(rules, body, &[body]);
            check(rules, body, &body.chunks(1).collect::<Vec<_>>());
            for at in 0..=body.len() {
                let (front, back) = body.split_at(at);
                check(rules, body, &[front, b"", back]);
            }
        }
    }
    let events = |rules, body| expected(rules, body).seen.len();
    assert_eq!(BODIES.map(|body| events(RULES[0], body)), [2, 2, 0, 2, 2, 3, 0]);
    assert_eq!([RULES[2], RULES[3]].map(|rules| events(rules, BODIES[5])), [2, 2]);
    assert_eq!(BODIES.map(|body| events(RULES[4], body)), [2, 2, 0, 3, 2, 3, 0]);
}

#[test]
fn futures_that_are_dropped_lose_nothing() {
    let body = BODIES[..5].concat().repeat(20);
    let mut random = SmallRng::seed_from_u64(7);
    for _ in 0..100 {
        let lengths: Vec<usize> = (0..200).map(|_| random.random_range(1..60)).collect();
        check(Rules::UNLIMITED, &body, &cut(&body, &lengths));
    }
}

#[tokio::test]
async fn a_failed_transport_ends_it() {
    let refused = || io::Error::from(io::ErrorKind::ConnectionReset);
    let chunks = [Ok("id: 1\ndata: a\n\nda".into()), Err(refused()), Ok("data: b\n\n".into())];
    let mut events = EventStream::new(slow(chunks));
    assert_eq!(events.next().await.unwrap().unwrap().data, "a");
    let Some(Err(error)) = events.next().await else { panic!() };
    assert_eq!(error.to_string(), refused().to_string());
    let ReadError::Transport(error) = error else { panic!() };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(events.is_terminated());
    assert!(events.next().await.is_none());
    assert!(events.next().await.is_none());
    // Unfinished bytes do not get into the decoder's next stream.
    let (_, decoder, rest) = events.into_parts();
    assert_eq!(rest, "");
    let mut events =
        EventStream::with_decoder(slow([Ok::<_, Infallible>("data: c\n\n".into())]), decoder);
    let event = events.next().await.unwrap().unwrap();
    assert_eq!((&*event.data, &*event.last_event_id), ("c", "1"));
}

#[tokio::test]
async fn a_limit_ends_it() {
    let body = "data: a\n\ndata: long\n\ndata: b\n\n";
    let decoder = OwnedDecoder::with_options(Rules { max_line: 8, ..Rules::UNLIMITED }.options());
    let chunks = slow([Ok::<_, Infallible>(body.into())]);
    let mut events = EventStream::with_decoder(chunks, decoder);
    assert_eq!(events.next().await.unwrap().unwrap().data, "a");
    let error = DecodeError::LineTooLong { limit: 8, offset: 17 };
    assert_eq!(events.next().await, Some(Err(ReadError::Decode(error))));
    assert_eq!(ReadError::<Infallible>::Decode(error).to_string(), error.to_string());
    assert!(events.is_terminated());
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn the_last_event_id_goes_into_the_next_stream() {
    let mut decoder = OwnedDecoder::new();
    decoder.set_last_event_id(EventId::new("seed").unwrap());
    let mut data = Vec::new();
    for (body, last_event_id) in RECONNECTS {
        let chunks = body.as_bytes().chunks(3).map(|chunk| Ok::<_, Infallible>(chunk.into()));
        let mut events = EventStream::with_decoder(slow(chunks), decoder);
        while let Some(event) = events.next().await {
            data.push(event.unwrap().data.to_string());
        }
        assert_eq!(*events.last_event_id(), *last_event_id);
        decoder = events.into_parts().1;
    }
    assert_eq!(data, ["a", "b", "c", "d"]);
    assert_eq!(decoder.reconnection_time(), Some(Duration::from_millis(10)));
}

#[tokio::test]
async fn parts_hold_all_that_was_taken() {
    let body = "data: a\n\ndata: b\n\nid: 5\ndata: c\n\n";
    for at in 9..body.len() {
        let (front, back) = body.split_at(at);
        let mut events =
            EventStream::new(slow([front, back].map(|it| Ok::<_, Infallible>(it.into()))));
        assert_eq!(events.next().await.unwrap().unwrap().data, "a");
        let (mut chunks, mut decoder, mut chunk) = events.into_parts();
        assert_eq!(chunk, front[9..]);
        let mut data = Vec::new();
        loop {
            while let Some(item) = decoder.decode(&mut chunk).unwrap() {
                let Item::Event(event) = item else { panic!() };
                data.push(event.data.to_string());
            }
            let Some(next) = chunks.next().await else { break };
            chunk = next.unwrap();
        }
        assert_eq!(data, ["b", "c"]);
        assert_eq!(*decoder.last_event_id(), *"5");
    }
}

/// Returns the data of a stream that has a last event, and whether an error says that it was cut
/// off.
async fn until<S>(events: EventStream<S>) -> (Vec<String>, bool)
where
    S: Stream<Item = Result<Bytes, Infallible>> + Unpin,
{
    let mut events = events;
    let mut data = Vec::new();
    let mut was_cut = false;
    while let Some(event) = events.next().await {
        assert!(!was_cut, "something after the error");
        match event {
            Ok(event) => data.push(event.data.to_string()),
            Err(error) => {
                assert_eq!(error, ReadError::Ended);
                was_cut = true;
            }
        }
    }
    assert!(events.is_terminated());
    assert!(events.next().await.is_none());
    (data, was_cut)
}

#[tokio::test]
async fn a_stream_that_has_a_last_event_ends_there() {
    let done: LastEvents = LastEvent::Data("[DONE]").into();
    // The body, whether unfinished events are yielded, the data before the last event, whether the
    // last event is yielded, and whether the stream was cut off.
    let rows: [(&str, bool, &[&str], bool, bool); 13] = [
        ("data: a\n\ndata: [DONE]\n\n", false, &["a"], true, false),
        ("data: a\n\ndata: [DONE]\n\ndata: more\n\n", false, &["a"], true, false),
        ("data: [DONE] \n\n: x\n\n", false, &[], true, false),
        ("data: a\n\n", false, &["a"], false, true),
        ("data: a\n\ndata: b", false, &["a"], false, true),
        ("data: a\n\ndata: b", true, &["a", "b"], false, true),
        ("data: a\n\ndata: [DONE]", false, &["a"], false, false),
        ("data: a\n\ndata: [DONE]", true, &["a"], true, false),
        ("data: a\n\ndata: [DONE]\n", true, &["a"], true, false),
        ("data: a\n\ndata: [DON", false, &["a"], false, true),
        ("id: [DONE]\n\n", true, &[], false, true),
        (": [DONE]\n\n", true, &[], false, true),
        ("", false, &[], false, true),
    ];
    for (body, unfinished, before, yields, was_cut) in rows {
        let decoder = || {
            let rules = Rules { unfinished, ..Rules::UNLIMITED };
            OwnedDecoder::with_options(rules.options())
        };
        let before: Vec<_> = before.iter().map(|it| (*it).to_owned()).collect();
        let mut all = before.clone();
        if yields {
            all.push(if body.contains("[DONE] ") { "[DONE] " } else { "[DONE]" }.to_owned());
        }
        let body = body.as_bytes();
        let cuts = (0..=body.len()).map(|at| {
            let (front, back) = body.split_at(at);
            vec![front, back]
        });
        for chunks in cuts.chain([body.chunks(1).collect()]) {
            let events = || EventStream::with_decoder(slow(own(&chunks)), decoder());
            let shown = until(events().last_event(done.clone())).await;
            assert_eq!(shown, (all.clone(), was_cut), "{chunks:?}");
            let shown = until(events().until(done.clone())).await;
            assert_eq!(shown, (before.clone(), was_cut), "{chunks:?}");
            let items = events().until(done.clone()).items().collect::<Vec<_>>().await;
            assert_eq!(items.len(), before.len() + usize::from(was_cut), "{chunks:?}");
            assert_eq!(items.last() == Some(&Err(ReadError::Ended)), was_cut, "{chunks:?}");
        }
    }
}

#[tokio::test]
async fn the_last_event_may_have_a_type_or_come_of_several() {
    let body = "event: ping\ndata: a\n\nevent: stop\ndata: b\n\ndata: c\n\n";
    let read = async |last: LastEvents| {
        until(EventStream::new(slow(own(&[body.as_bytes()]))).last_event(last)).await
    };
    let whole = |data: &[&str]| (data.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(), false);
    assert_eq!(read(LastEvent::EventType("stop").into()).await, whole(&["a", "b"]));
    assert_eq!(read(LastEvent::Data(&"a".to_owned()).into()).await, whole(&["a"]));
    assert_eq!(read(LastEvent::Data(Box::<str>::from("c")).into()).await, whole(&["a", "b", "c"]));
    let several = vec![LastEvent::Data("x".to_owned()), LastEvent::EventType("message".to_owned())];
    assert_eq!(read(several.into()).await, whole(&["a", "b", "c"]));
    assert_eq!(read(LastEvents::default()).await, whole(&["a", "b", "c"]));
    // An empty list is no last event, so a body that ends is not cut off.
    assert_eq!(read(Vec::<LastEvent<String>>::new().into()).await, whole(&["a", "b", "c"]));
    assert_eq!(read(LastEvents::from(&[])).await, whole(&["a", "b", "c"]));
    // The server stays connected after the last event. Anything that it sends then is left unread.
    let chunks = stream::iter(own(&[body.as_bytes()])).chain(stream::pending());
    let mut events = EventStream::new(chunks).until(LastEvent::EventType("stop"));
    assert_eq!(events.next().await.unwrap().unwrap().data, "a");
    assert_eq!(events.next().await, None);
    assert_eq!(events.into_parts().2, "data: c\n\n");
}

/// Limits and failed transports are reported as such, not as a stream that was cut off.
#[tokio::test]
async fn other_errors_come_before_the_one_of_the_last_event() {
    let chunks = [Ok("data: a\n\n"), Err("reset"), Ok("data: b\n\n")];
    let events = EventStream::new(stream::iter(chunks)).until(LastEvent::Data("[DONE]"));
    let all: Vec<_> = events.map(|event| event.map(|event| event.data.to_string())).collect().await;
    assert_eq!(all, [Ok("a".to_owned()), Err(ReadError::Transport("reset"))]);
    let rules = Rules { max_line: 8, ..Rules::UNLIMITED };
    let events = EventStream::new(stream::iter([Ok::<_, Infallible>("data: long\n\n")]))
        .decoder(OwnedDecoder::with_options(rules.options()))
        .until(LastEvent::Data("[DONE]"));
    let error = DecodeError::LineTooLong { limit: 8, offset: 8 };
    assert_eq!(events.collect::<Vec<_>>().await, [Err(ReadError::Decode(error))]);
    assert_eq!(
        ReadError::<Infallible>::Ended.to_string(),
        "the event stream was cut off: it ended before its last event"
    );
}

#[tokio::test]
async fn chunks_of_any_type() {
    async fn read<C: Into<Bytes>>(chunks: [C; 2]) {
        // A stream that is not `Unpin`.
        let chunks = stream::iter(chunks).then(async |chunk| Ok::<_, Infallible>(chunk));
        let events = std::pin::pin!(EventStream::new(chunks));
        let data: Vec<_> = events.map(|event| event.unwrap().data).collect().await;
        assert_eq!(data, ["a", "b"]);
    }
    const CHUNKS: [&str; 2] = ["data: a\n\nda", "ta: b\n\n"];
    read(CHUNKS).await;
    read(CHUNKS.map(str::as_bytes)).await;
    read(CHUNKS.map(String::from)).await;
    read(CHUNKS.map(Vec::from)).await;
    read(CHUNKS.map(bytes::BytesMut::from)).await;
    read(CHUNKS.map(eventwire::Utf8Bytes::from)).await;
}

#[tokio::test]
async fn a_pinned_stream_will_do() {
    let chunks = stream::once(async { Ok::<_, Infallible>(Bytes::from("data: a\n\n")) });
    let chunks = std::pin::pin!(chunks);
    let mut events = EventStream::new(chunks);
    assert_eq!(events.next().await.unwrap().unwrap().data, "a");
}

const fn send_sync<T: Send + Sync + Unpin>() {}
const fn error<T: std::error::Error + Copy + Eq>() {}

const _: () = {
    send_sync::<EventStream<stream::Empty<Result<Bytes, Infallible>>>>();
    send_sync::<ItemStream<stream::Empty<Result<Bytes, Infallible>>>>();
    send_sync::<OwnedEvent>();
    error::<ReadError<Infallible>>();
};

/// Without a trait in scope.
mod next {
    use eventwire::sse::{EventStream, Item};
    use futures_util::{FutureExt, stream};
    use std::convert::Infallible;
    use std::task::Poll;

    #[tokio::test]
    async fn the_next_event_and_the_next_item_are_awaited() {
        let chunks =
            || stream::iter([Ok::<_, Infallible>("data: a\n\nid: 1\nda"), Ok("ta: b\n\n")]);
        let mut events = EventStream::new(chunks());
        assert_eq!(events.next().await.unwrap().unwrap().data, "a");
        assert_eq!(events.next().await.unwrap().unwrap().last_event_id, "1");
        assert!(events.next().await.is_none());

        let mut items = EventStream::new(chunks()).until("b").items();
        assert!(matches!(items.next().await, Some(Ok(Item::Event(event))) if event.data == "a"));
        assert!(items.next().await.is_none());
    }

    #[tokio::test]
    async fn a_next_that_is_dropped_loses_nothing() {
        let mut is_late = true;
        let chunks = stream::poll_fn(move |_| {
            if std::mem::take(&mut is_late) {
                return Poll::Pending;
            }
            Poll::Ready(Some(Ok::<_, Infallible>("data: a\n\n")))
        });
        let mut events = EventStream::new(chunks);
        assert!(events.next().now_or_never().is_none());
        assert_eq!(events.next().await.unwrap().unwrap().data, "a");
    }
}
