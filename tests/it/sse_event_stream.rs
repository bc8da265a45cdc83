//! `EventStream`: the same events however the body is cut and polled, and the ways it ends.

use bytes::Bytes;
use eventwire::sse::{
    DecodeError, EventId, EventStream, Item, OwnedDecoder, OwnedEvent, ReadError,
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
    match event {
        Ok(event) => {
            let last_event_id = event.last_event_id.clone();
            Seen::new(Item::Event(event), &last_event_id)
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
    send_sync::<OwnedEvent>();
    error::<ReadError<Infallible>>();
};
