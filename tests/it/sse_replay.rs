//! The history that clients resume from.

use bytes::Bytes;
use eventwire::sse::header::LAST_EVENT_ID;
use eventwire::sse::server::KEEP_ALIVE;
use eventwire::sse::{
    EventBuilder, EventId, EventSource, EventSourceOptions, EventSourceStep, Item, KeepAlive,
    Received, Replay, Resume, Subscription,
};
use eventwire::{FanoutOptions, Lagged};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
const OPTIONS: FanoutOptions = FanoutOptions::new();

fn second(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn data(text: &str) -> EventBuilder<'_> {
    EventBuilder::new().data(text)
}

fn id(text: &str) -> EventId<'_> {
    EventId::new(text).unwrap()
}

/// Returns the data of each event that a subscription still has to read.
fn read(replay: &Replay, mut subscription: Subscription) -> Result<String, Lagged> {
    let mut text = String::new();
    while let Some(block) = replay.next(&mut subscription)? {
        let block = std::str::from_utf8(block).unwrap();
        let data = block.lines().find_map(|line| line.strip_prefix("data: "));
        text.push_str(data.unwrap_or(block));
    }
    Ok(text)
}

fn since(replay: &mut Replay, last_event_id: &str) -> String {
    match replay.since(last_event_id, NOW) {
        Resume::Here(subscription) => read(replay, subscription).unwrap(),
        Resume::Unknown => "unknown".to_owned(),
        Resume::Expired => "expired".to_owned(),
    }
}

#[test]
fn a_client_goes_on_behind_its_last_event() {
    let mut replay = Replay::numbered_from(OPTIONS.max_items(3), 7);
    assert_eq!(replay.last_event_id(), "");
    assert_eq!(since(&mut replay, "6"), "unknown");
    for (text, number) in [("a", "7"), ("b", "8"), ("c", "9"), ("d", "10"), ("e", "11")] {
        assert_eq!(replay.push(&data(text), NOW), number);
        assert_eq!(replay.last_event_id(), number);
    }
    let rows = [
        ("11", ""),
        ("10", "e"),
        ("9", "de"),
        ("8", "cde"), // its event is gone, but all later events are held
        ("7", "expired"),
        ("6", "unknown"),
        ("12", "unknown"),
        ("08", "unknown"),
        ("", "unknown"),
    ];
    for (last_event_id, expected) in rows {
        assert_eq!(since(&mut replay, last_event_id), expected, "{last_event_id:?}");
    }
    assert_eq!((replay.len(), replay.is_empty()), (3, false));
}

#[test]
fn an_id_says_the_run_and_the_number() {
    for (run, ids) in [
        (0, ["0-1", "0-2"]),
        (1_764_489_609_888, ["19ad3c6c2a0-1", "19ad3c6c2a0-2"]),
        (u64::MAX, ["ffffffffffffffff-1", "ffffffffffffffff-2"]),
    ] {
        let mut replay = Replay::new(OPTIONS, run);
        assert_eq!([replay.push(&data("a"), NOW), replay.push(&data("b"), NOW)], ids);
        assert_eq!(since(&mut replay, ids[0]), "b");
        assert_eq!(replay.last_event_id(), ids[1]);
    }
}

#[test]
fn a_client_of_an_earlier_run_is_not_given_what_it_did_not_ask_for() {
    let mut earlier = Replay::new(OPTIONS, 0xA1);
    let mut replay = Replay::new(OPTIONS, 0xA2);
    for text in ["a", "b", "c", "d"] {
        let last_event_id = earlier.push(&data(text), NOW);
        replay.push(&data(text), NOW);
        assert_eq!(since(&mut earlier, &last_event_id), "");
        assert_eq!(since(&mut replay, &last_event_id), "unknown");
    }
    // The docs warn of this danger of plain numbers.
    let mut earlier = Replay::numbered_from(OPTIONS, 1);
    let mut replay = Replay::numbered_from(OPTIONS, 1);
    let last_event_id = earlier.push(&data("a"), NOW);
    replay.push(&data("never seen"), NOW);
    replay.push(&data("b"), NOW);
    assert_eq!(since(&mut replay, &last_event_id), "b");
}

#[test]
fn nothing_but_an_id_as_it_was_assigned_is_one() {
    let mut replay = Replay::new(OPTIONS.max_items(2), 0xAB);
    let rows = |replay: &mut Replay| {
        for (last_event_id, expected) in [
            ("ab-1", "expired"),
            ("ab-2", "cd"),
            ("ab-3", "d"),
            ("ab-4", ""),
            ("ab-0", "unknown"),
            ("ab-5", "unknown"),
            ("ab-03", "unknown"),
            ("ab-+3", "unknown"),
            ("ab-3 ", "unknown"),
            ("ab-", "unknown"),
            ("ab--3", "unknown"),
            ("ab", "unknown"),
            ("3", "unknown"),
            ("-3", "unknown"),
            ("AB-3", "unknown"),
            ("0ab-3", "unknown"),
            ("ab-3-3", "unknown"),
            ("ab-18446744073709551616", "unknown"),
        ] {
            assert_eq!(since(replay, last_event_id), expected, "{last_event_id:?}");
        }
        assert!(matches!(replay.since(b"ab-\xFF", NOW), Resume::Unknown));
    };
    for text in ["a", "b", "c", "d"] {
        replay.push(&data(text), NOW);
    }
    rows(&mut replay);
    // The same holds for a history with ids of the caller's, which is searched.
    let mut replay = Replay::new(OPTIONS.max_items(2), 0xAB);
    replay.push(&data("x").id(id("cd-3")), NOW);
    for text in ["a", "b", "c", "d"] {
        replay.push(&data(text), NOW);
    }
    rows(&mut replay);
    assert_eq!(since(&mut replay, "cd-3"), "expired");
}

#[test]
fn an_event_that_could_not_be_encoded_takes_no_number() {
    let mut replay = Replay::new(OPTIONS, 7);
    replay.push(&data("a"), NOW);
    let panics = std::panic::AssertUnwindSafe(|| {
        replay.push_with(None, NOW, |_| panic!("on purpose"));
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(replay.push(&data("b"), NOW), "7-2");
    assert_eq!(since(&mut replay, "7-1"), "b");
}

/// The search begins after all events that are certainly later. Other events may come between.
#[test]
fn an_assigned_id_is_found_among_all_others() {
    let mut replay = Replay::new(OPTIONS, 1);
    let mut expected = String::new();
    for number in 0..50 {
        if number % 3 == 0 {
            replay.push_transient(Bytes::from("x"), 1, NOW);
        }
        if number % 7 == 0 {
            replay.push(&data("given").id(id(&format!("x{number}"))), NOW);
            expected.push_str("given");
        }
        assert_eq!(replay.push(&data("a"), NOW), format!("1-{}", number + 1));
        expected.push('a');
    }
    let all = expected.clone();
    for number in 0..50 {
        expected = expected.strip_prefix("given").unwrap_or(&expected)[1..].to_owned();
        assert_eq!(since(&mut replay, &format!("1-{}", number + 1)), expected);
    }
    assert_eq!(since(&mut replay, "x0"), all["given".len()..]);
}

#[test]
fn ids_of_the_caller_are_kept_and_others_numbered() {
    let mut replay = Replay::numbered_from(OPTIONS, u64::MAX);
    let ids = [
        replay.push(&data("a").id(id("1700-0")), NOW),
        replay.push(&data("b"), NOW),
        replay.push(&data("c").id(id("grüße")), NOW),
        replay.push(&data("d"), NOW), // the number wraps around
        replay.push_with(None, NOW, |id| (data("e").id(id).to_bytes(), 16)),
        replay.push_with(Some(id("last")), NOW, |id| (data("f").id(id).to_bytes(), 16)),
    ];
    assert_eq!(ids, ["1700-0", "18446744073709551615", "grüße", "0", "1", "last"]);
    assert_eq!(since(&mut replay, "1700-0"), "bcdef");
    assert_eq!(since(&mut replay, "grüße"), "def");
    let mut all = replay.subscribe_from_oldest();
    assert_eq!(replay.next(&mut all), Ok(Some(&Bytes::from("id: 1700-0\ndata: a\n\n"))));
}

#[test]
fn an_empty_id_is_replayed_but_nobody_resumes_from_it() {
    let mut replay = Replay::numbered_from(OPTIONS, 1);
    replay.push(&data("a"), NOW);
    assert_eq!(replay.push(&data("b").id(id("")), NOW), "");
    replay.push(&data("c"), NOW);
    assert_eq!(since(&mut replay, "1"), "bc");
    assert_eq!(since(&mut replay, ""), "unknown");
}

#[test]
fn of_events_with_one_id_the_last_counts() {
    let mut replay = Replay::numbered_from(OPTIONS, 1);
    for text in ["a", "b", "c"] {
        replay.push(&data(text).id(id("same")), NOW);
    }
    assert_eq!(since(&mut replay, "same"), "");
}

#[test]
fn what_has_no_id_is_for_those_who_are_there() {
    let mut replay = Replay::numbered_from(OPTIONS, 1);
    let early = replay.subscribe();
    replay.push(&data("a"), NOW);
    replay.push_transient(Bytes::from("data: x\n\n"), 9, NOW);
    replay.push(&data("b"), NOW);
    let Resume::Here(resumed) = replay.since("1", NOW) else { panic!() };
    let all = replay.subscribe_from_oldest();
    let late = replay.subscribe();
    replay.push_transient(Bytes::from_static(KEEP_ALIVE), KEEP_ALIVE.len(), NOW);
    replay.push(&data("c"), NOW);
    let keep_alive = std::str::from_utf8(KEEP_ALIVE).unwrap();
    assert_eq!(read(&replay, early).unwrap(), format!("axb{keep_alive}c"));
    assert_eq!(read(&replay, resumed).unwrap(), format!("b{keep_alive}c"));
    assert_eq!(read(&replay, all).unwrap(), format!("ab{keep_alive}c"));
    assert_eq!(read(&replay, late).unwrap(), format!("{keep_alive}c"));
    assert_eq!(replay.last_event_id(), "3");
}

#[test]
fn what_has_no_id_takes_room_and_hides_no_loss() {
    let mut replay = Replay::numbered_from(OPTIONS.max_items(2), 1);
    replay.push(&data("a"), NOW);
    replay.push(&data("b"), NOW);
    for _ in 0..2 {
        replay.push_transient(Bytes::from("x"), 1, NOW);
    }
    assert_eq!(since(&mut replay, "2"), ""); // the event dropped last
    assert_eq!(since(&mut replay, "1"), "expired");
    assert_eq!(replay.last_event_id(), "2");
}

#[test]
fn a_slow_client_is_told_and_may_go_on_or_come_back() {
    let mut replay = Replay::numbered_from(OPTIONS.max_items(2), 1);
    let mut slow = replay.subscribe();
    for text in ["a", "b", "c"] {
        replay.push(&data(text), NOW);
    }
    assert_eq!(replay.next(&mut slow), Err(Lagged { missed: 1 }));
    assert_eq!(read(&replay, slow).unwrap(), "bc");
    assert_eq!(since(&mut replay, "1"), "bc");
}

#[test]
fn what_is_too_old_is_not_replayed() {
    let mut replay = Replay::numbered_from(OPTIONS.max_age(second(10)), 1);
    replay.push(&data("a"), second(0));
    replay.push(&data("b"), second(1));
    assert!(matches!(replay.since("1", second(10)), Resume::Here(_)));
    let Resume::Here(resumed) = replay.since("1", second(11)) else { panic!() };
    assert_eq!(read(&replay, resumed).unwrap(), "b");
    assert!(matches!(replay.since("1", second(12)), Resume::Expired));
    assert!(matches!(replay.since("2", second(12)), Resume::Here(_)));
    replay.push(&data("c"), second(12));
    replay.expire(second(30));
    assert!(replay.is_empty());
    assert_eq!(replay.last_event_id(), "3");
}

#[test]
fn ids_that_were_numbered_are_known_for_ever() {
    let mut replay = Replay::numbered_from(OPTIONS.max_items(1), 10);
    for _ in 0..2000 {
        replay.push(&data("a"), NOW);
    }
    let rows = [
        ("2008", "a"),
        ("2007", "expired"),
        ("10", "expired"),
        ("9", "unknown"),
        ("2010", "unknown"),
        ("010", "unknown"),
        ("+10", "unknown"),
    ];
    for (last_event_id, expected) in rows {
        assert_eq!(since(&mut replay, last_event_id), expected, "{last_event_id}");
    }
}

#[test]
fn of_others_no_more_than_so_many_are() {
    let mut replay = Replay::numbered_from(OPTIONS.max_items(1), 0);
    for number in 0..2000 {
        replay.push(&data("a").id(id(&format!("x{number}"))), NOW);
    }
    let rows = [("x1998", "a"), ("x1997", "expired"), ("x975", "expired"), ("x974", "unknown")];
    for (last_event_id, expected) in rows {
        assert_eq!(since(&mut replay, last_event_id), expected, "{last_event_id}");
    }
}

#[test]
fn a_keep_alive_is_due_when_nothing_was_written() {
    let mut keep_alive = KeepAlive::new(second(15), second(1));
    assert_eq!((keep_alive.deadline(), keep_alive.poll(second(15))), (Some(second(16)), None));
    keep_alive.written(second(10));
    assert_eq!((keep_alive.deadline(), keep_alive.poll(second(24))), (Some(second(25)), None));
    assert_eq!(keep_alive.poll(second(25)), Some(KEEP_ALIVE));
    assert_eq!((keep_alive.deadline(), keep_alive.poll(second(39))), (Some(second(40)), None));
    assert_eq!(keep_alive.poll(second(60)), Some(KEEP_ALIVE)); // late
    assert_eq!((keep_alive.deadline(), keep_alive.poll(second(60))), (Some(second(75)), None));
    for never in [Duration::ZERO, Duration::MAX] {
        let mut never = KeepAlive::new(never, second(1));
        assert_eq!((never.deadline(), never.poll(Duration::MAX)), (None, None));
    }
}

proptest! {
    /// A client that connects, loses bytes in transit and reconnects gets each event once and in
    /// order, or is told that it cannot.
    #[test]
    fn a_client_that_comes_back_misses_nothing(
        steps in vec((0..6_usize, 0..4_usize, any::<bool>()), 1..60),
        items in 1..20_usize,
        run in proptest::option::of(any::<u64>()),
    ) {
        let options = OPTIONS.max_items(items);
        let numbered = || Replay::numbered_from(options, 0);
        let mut replay = run.map_or_else(numbered, |run| Replay::new(options, run));
        // The data of each event is its place in the log.
        let mut ids = vec![replay.push(&data("0"), NOW)];
        let (mut count, mut seen) = (1_usize, 1_usize); // of events; the client has seen the first
        let mut subscription = replay.subscribe();
        for (pushes, reads, cut) in steps {
            for _ in 0..pushes {
                ids.push(replay.push(&data(&count.to_string()), NOW));
                replay.push_transient(Bytes::from("data: transient\n\n"), 17, NOW);
                count += 1;
            }
            if cut {
                let all_held = 2 * (count - seen) <= items;
                subscription = match replay.since(&ids[seen - 1], NOW) {
                    Resume::Here(subscription) => subscription,
                    Resume::Expired => {
                        prop_assert!(!all_held, "all was held: {count} {seen} {items}");
                        seen = count;
                        replay.subscribe()
                    }
                    Resume::Unknown => return Err(TestCaseError::fail("each id is known")),
                };
            }
            for _ in 0..reads {
                match replay.next(&mut subscription) {
                    Ok(Some(block)) if block.starts_with(b"id") => {
                        prop_assert_eq!(block, &format!("id: {}\ndata: {seen}\n\n", ids[seen]));
                        seen += 1;
                    }
                    Ok(Some(block)) => prop_assert_eq!(block, "data: transient\n\n"),
                    Ok(None) => prop_assert_eq!(seen, count),
                    Err(Lagged { missed }) => {
                        prop_assert!(missed > 0);
                        seen = count;
                        subscription = replay.subscribe();
                    }
                }
            }
        }
    }

    /// The client's state machine against the history. Each response has at most `most` events;
    /// with one event it is long polling. Responses end by themselves or are cut anywhere.
    #[test]
    fn an_event_source_misses_nothing_however_short_the_responses_are(
        pushes in vec(0..4_usize, 1..40),
        most in 1..4_usize,
        cuts in vec(0..60_usize, 40),
    ) {
        let mut replay = Replay::new(OPTIONS, 1);
        replay.push(&data("0"), NOW);
        let mut source = EventSource::owned(EventSourceOptions::new());
        let (mut count, mut seen, mut now) = (1_usize, Vec::new(), NOW);
        let mut cuts = cuts.into_iter();
        for pushed in pushes.iter().map(Some).chain(std::iter::repeat_n(None, 1000)) {
            for _ in 0..pushed.copied().unwrap_or_default() {
                replay.push(&data(&count.to_string()), NOW);
                count += 1;
            }
            if pushed.is_none() && seen.len() == count {
                break;
            }
            while let EventSourceStep::Wait(until) = source.poll(now).unwrap() {
                now = until.unwrap();
            }
            let id = source.request_headers().find(|(name, _)| *name == LAST_EVENT_ID);
            let mut place = match id.map(|(_, id)| replay.since(id, now)) {
                None => replay.subscribe_from_oldest(),
                Some(Resume::Here(place)) => place,
                Some(_) => return Err(TestCaseError::fail("all is held")),
            };
            let mut body = EventBuilder::new().retry(NOW).to_bytes().to_vec();
            for _ in 0..most {
                body.extend_from_slice(replay.next(&mut place).unwrap().map_or(&[][..], |it| it));
            }
            body.truncate(cuts.next().unwrap_or(usize::MAX));
            source.response(200, [("content-type", "text/event-stream")], now).unwrap();
            let mut chunk = Bytes::from(body);
            while let Received::Item(item) = source.receive(&mut chunk, now).unwrap() {
                let Item::Event(event) = item else { continue };
                seen.push(event.data.to_string());
            }
            source.end(now).unwrap_err();
        }
        let expected: Vec<_> = (0..count).map(|number| number.to_string()).collect();
        prop_assert_eq!(seen, expected);
    }
}
