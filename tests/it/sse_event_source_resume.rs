//! A client of a server that keeps a log and cuts it off again and again. The client reads exactly
//! the log.

use eventwire::Backoff;
use eventwire::sse::client::EventSourceDecoder;
use eventwire::sse::{
    EventSource, EventSourceError, EventSourceErrorCause, EventSourceOptions, EventSourceStep,
    Item, ReadyState, Received,
};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::fmt::Write;
use std::time::Duration;

const SEEDS: u64 = 10_000;
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const CEILING: Duration = Duration::from_secs(9);

/// An event of the log, numbered by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    id: usize,
    event_type: Option<&'static str>,
    data: String,
}

fn log(random: &mut SmallRng) -> Vec<Entry> {
    let entry = |id, random: &mut SmallRng| Entry {
        id,
        event_type: *[None, Some("tick"), Some("gr\u{FC}n")].choose(random).unwrap(),
        data: (*["", "a", "\u{20AC}", "one\ntwo", "\n", "a\n\nb\n", "{\"x\": 1}"]
            .choose(random)
            .unwrap())
        .to_owned(),
    };
    let count = random.random_range(1..6);
    (1..=count).map(|id| entry(id, random)).collect()
}

/// Returns the server's answer to a client that has seen `seen` events. The caller cuts it off.
fn body(log: &[Entry], seen: usize, random: &mut SmallRng) -> Vec<u8> {
    let mut body = String::new();
    for entry in &log[seen..] {
        let newline = *["\n", "\r", "\r\n"].choose(random).unwrap();
        if random.random_ratio(1, 3) {
            write!(body, ": keep-alive{newline}{newline}").unwrap();
        }
        let mut fields = vec![format!("id: {}", entry.id)];
        fields.extend(entry.event_type.map(|event_type| format!("event: {event_type}")));
        if random.random_ratio(1, 4) {
            fields.push(format!("retry: {}", random.random_range(0..5000)));
        }
        // The id may come last. An event whose end is missing must come again all the same.
        if random.random() {
            fields.rotate_left(1);
        }
        let at = random.random_range(0..=fields.len());
        fields.splice(at..at, entry.data.split('\n').map(|line| format!("data: {line}")));
        for field in fields {
            write!(body, "{field}{newline}").unwrap();
        }
        body.push_str(newline);
    }
    body.into_bytes()
}

/// Receives bytes and appends the events.
type Receive<D> = fn(
    &mut EventSource<D>,
    &mut Vec<u8>,
    &[u8],
    Duration,
    &mut Vec<Entry>,
) -> Result<(), EventSourceError>;

fn run<D: EventSourceDecoder>(mut source: EventSource<D>, receive: Receive<D>, seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let random = &mut random;
    let log = log(random);
    let mut now = Duration::from_secs(random.random_range(0..100));
    let mut events = Vec::new();
    let mut buffer = Vec::new();
    // After the last event, connect once more to check that no event comes twice.
    let mut complete = 0;
    while complete < 2 {
        complete += usize::from(events.len() == log.len());
        assert_eq!(source.poll(now), Ok(EventSourceStep::Connect), "seed {seed}");
        let answer_by = now + EventSourceOptions::DEFAULT_RESPONSE_TIMEOUT;
        assert_eq!(source.poll(now), Ok(EventSourceStep::Wait(Some(answer_by))), "seed {seed}");
        let error = connect(&mut source, receive, &log, &mut events, &mut buffer, &mut now, random);
        buffer.clear();
        assert_eq!(events[..], log[..events.len()], "seed {seed}");
        assert_eq!(source.ready_state(), ReadyState::Connecting, "seed {seed}");
        let at = error.reconnect_at.expect("the source may reconnect");
        let least = now + source.reconnection_time();
        let most = least.max(now + RETRY_AFTER).max(now + IDLE_TIMEOUT) + CEILING;
        assert!(least <= at && at <= most, "seed {seed}");
        if at > now {
            assert_eq!(source.poll(now), Ok(EventSourceStep::Wait(Some(at))), "seed {seed}");
        }
        now = at;
    }
    assert_eq!(events, log, "seed {seed}");
}

const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Connects, and returns the error that ends the connection.
fn connect<D: EventSourceDecoder>(
    source: &mut EventSource<D>,
    receive: Receive<D>,
    log: &[Entry],
    seen: &mut Vec<Entry>,
    buffer: &mut Vec<u8>,
    now: &mut Duration,
    random: &mut SmallRng,
) -> EventSourceError {
    let id = source.request_headers().find(|(name, _)| *name == "last-event-id");
    let id = id.map_or(0, |(_, id)| str::from_utf8(id).unwrap().parse().unwrap());
    match random.random_range(0..8) {
        0 => return no_cause(source.network_error((), *now)),
        1 => {
            let headers: &[_] = if random.random() { &[("retry-after", "30")] } else { &[] };
            return source.response(503, headers.iter().copied(), *now).unwrap_err();
        }
        _ => source.response(200, [("content-type", "text/event-stream")], *now).unwrap(),
    }
    let body = body(log, id, random);
    let mut rest = &body[..random.random_range(0..=2 * body.len()).min(body.len())];
    let largest = *[1, 9, 50, 400].choose(random).unwrap();
    while !rest.is_empty() {
        let (chunk, after) =
            rest.split_at(random.random_range(largest / 2..=largest).min(rest.len()));
        rest = after;
        *now += Duration::from_millis(random.random_range(0..100));
        receive(source, buffer, chunk, *now, seen).unwrap();
        assert!(matches!(source.poll(*now), Ok(EventSourceStep::Wait(Some(_)))));
    }
    match random.random_range(0..3) {
        0 => source.end(*now).unwrap_err(),
        1 => no_cause(source.network_error((), *now)),
        _ => {
            let Ok(EventSourceStep::Wait(Some(deadline))) = source.poll(*now) else {
                panic!("there is no deadline")
            };
            let Ok(EventSourceStep::Wait(Some(deadline))) = source.poll(deadline) else {
                panic!("there is no last chance")
            };
            *now = deadline;
            let error = source.poll(*now).unwrap_err();
            assert_eq!(error.cause, EventSourceErrorCause::Idle);
            error
        }
    }
}

/// Drops the network's error, which does not matter here.
fn no_cause(result: Result<(), EventSourceError<()>>) -> EventSourceError {
    let EventSourceError { cause, reconnect_at } = result.unwrap_err();
    assert_eq!(cause, EventSourceErrorCause::Network(()));
    EventSourceError { cause: EventSourceErrorCause::Aborted, reconnect_at }
}

fn options(seed: u64) -> EventSourceOptions {
    let options = EventSourceOptions::new().retry_statuses(&[503]).idle_timeout(IDLE_TIMEOUT);
    if seed.is_multiple_of(2) {
        options.backoff(Backoff::new(Duration::from_secs(1), CEILING, seed))
    } else {
        options
    }
}

#[test]
fn events_in_a_buffer_are_exactly_the_log() {
    for seed in 0..SEEDS {
        run(
            EventSource::new(options(seed)),
            |source, buffer, chunk, now, seen| {
                buffer.extend_from_slice(chunk);
                let mut input = &mut buffer[..];
                while let Received::Item(item) = source.receive(&mut input, now)? {
                    let Item::Event(event) = item else { panic!("{item:?}") };
                    let event = event.to_str().unwrap();
                    seen.push(Entry {
                        id: source.last_event_id().parse().unwrap(),
                        event_type: event.event_type.map(known),
                        data: event.data.to_owned(),
                    });
                }
                *buffer = input.to_vec();
                Ok(())
            },
            seed,
        );
    }
}

#[cfg(feature = "alloc")]
#[test]
fn owned_events_are_exactly_the_log() {
    use bytes::{Bytes, BytesMut};
    use eventwire::sse::OwnedItem;
    fn own(item: OwnedItem) -> Entry {
        let Item::Event(event) = item else { panic!("{item:?}") };
        Entry {
            id: event.last_event_id.parse().unwrap(),
            event_type: event.event_type.as_deref().map(known),
            data: event.data.to_string(),
        }
    }
    for seed in 0..SEEDS {
        run(
            EventSource::owned(options(seed)),
            |source, _, chunk, now, seen| {
                let mut chunk = Bytes::copy_from_slice(chunk);
                while let Received::Item(item) = source.receive(&mut chunk, now)? {
                    seen.push(own(item));
                }
                Ok(())
            },
            seed,
        );
        run(
            EventSource::owned(options(seed)),
            |source, buffer, chunk, now, seen| {
                buffer.extend_from_slice(chunk);
                let mut input = BytesMut::from(&buffer[..]);
                while let Received::Item(item) = source.receive_buffer(&mut input, now)? {
                    seen.push(own(item));
                }
                *buffer = input.to_vec();
                Ok(())
            },
            seed,
        );
    }
}

fn known(event_type: &str) -> &'static str {
    ["tick", "gr\u{FC}n"].into_iter().find(|known| *known == event_type).unwrap()
}
