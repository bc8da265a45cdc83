//! The client under a simulated clock: each transition, each rule about waits, each call out of turn.

use eventwire::Backoff;
use eventwire::sse::{
    DecodeError, Decoder, EventId, EventSource, InlineId, Item, LastEvent, OnLimit, Options,
    ReadyState, SourceError, SourceErrorCause as Cause, SourceOptions, Step,
};
use std::time::Duration;

const TYPE: (&str, &str) = ("Content-Type", "text/event-stream");
const NO_HEADERS: [(&str, &str); 0] = [];

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A source whose first request was asked for at 0.
fn requested(options: SourceOptions) -> EventSource {
    let mut source = EventSource::new(options);
    assert_eq!(source.poll(secs(0)), Ok(Step::Connect));
    source
}

/// A source whose stream was opened at 0.
fn opened(options: SourceOptions) -> EventSource {
    let mut source = requested(options);
    assert_eq!(source.response(200, [TYPE], secs(0)), Ok(()));
    assert_eq!(source.ready_state(), ReadyState::Open);
    source
}

/// The data of the events in these bytes; what they leave is lost.
fn receive(
    source: &mut EventSource,
    bytes: &[u8],
    now: Duration,
) -> Result<Vec<String>, SourceError> {
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    let mut seen = Vec::new();
    while let Some(item) = source.receive(&mut input, now)? {
        seen.push(match item {
            Item::Event(event) => event.data.to_string(),
            item => format!("{item:?}"),
        });
    }
    Ok(seen)
}

fn failed<T>(cause: Cause) -> Result<T, SourceError> {
    Err(SourceError { cause, reconnect_at: None })
}

fn lost<T>(cause: Cause, reconnect_at: Duration) -> Result<T, SourceError> {
    Err(SourceError { cause, reconnect_at: Some(reconnect_at) })
}

/// A backoff whose waits are 1, 2, 4 and then 5 s.
const BACKOFF: Backoff = Backoff::new(secs(1), secs(5), 0).jitter(0);

#[test]
fn ready_states_have_the_numbers_of_the_standard() {
    let numbers = [ReadyState::Connecting, ReadyState::Open, ReadyState::Closed].map(|s| s as u8);
    assert_eq!(numbers, [0, 1, 2]);
}

type Row<'a> = (&'a SourceOptions, u16, &'a [(&'a str, &'a str)], Result<(), SourceError>);

#[test]
fn responses() {
    let retried = SourceOptions::new().retry_statuses(&[200, 204, 429, 503]);
    let plain = SourceOptions::new();
    let html = ("content-type", "text/html");
    let upper = ("CONTENT-TYPE", "Text/Event-Stream; charset=utf-8");
    let after = |value| ("Retry-After", value);
    let status = Cause::Status;
    // The options, the response at 1 s, and what comes of it.
    let rows: &[Row<'_>] = &[
        (&plain, 200, &[TYPE], Ok(())),
        (&plain, 200, &[("x", "y"), upper, ("z", "")], Ok(())),
        (&plain, 200, &[html, TYPE], Ok(())),
        (&plain, 200, &[TYPE, html], failed(Cause::ContentType)),
        (&plain, 200, &[TYPE, ("content-type", ""), ("content-type", "*/*")], Ok(())),
        (&plain, 200, &[("content-type", "text/html, text/event-stream")], Ok(())),
        (&plain, 200, &[("content-type", "*/*")], failed(Cause::ContentType)),
        (&plain, 200, &[html], failed(Cause::ContentType)),
        (&plain, 200, &[], failed(Cause::ContentType)),
        (&plain, 200, &[("x-content-type", TYPE.1)], failed(Cause::ContentType)),
        (&plain, 204, &[TYPE], failed(status(204))),
        (&plain, 201, &[TYPE], failed(status(201))),
        (&plain, 206, &[TYPE], failed(status(206))),
        (&plain, 301, &[TYPE], failed(status(301))),
        (&plain, 404, &[], failed(status(404))),
        (&plain, 500, &[], failed(status(500))),
        (&plain, 503, &[after("1")], failed(status(503))),
        (&retried, 200, &[TYPE], Ok(())),
        (&retried, 200, &[html], failed(Cause::ContentType)),
        (&retried, 204, &[], failed(status(204))),
        (&retried, 500, &[], failed(status(500))),
        (&retried, 503, &[], lost(status(503), secs(1 + 3))),
        (&retried, 429, &[TYPE], lost(status(429), secs(1 + 3))),
        // In seconds and in nothing else, and never less than the reconnection time.
        (&retried, 503, &[after("10")], lost(status(503), secs(11))),
        (&retried, 503, &[after(" 010\t")], lost(status(503), secs(11))),
        (&retried, 503, &[after("2")], lost(status(503), secs(4))),
        (&retried, 503, &[after("99"), after("10")], lost(status(503), secs(11))),
        (&retried, 503, &[after("")], lost(status(503), secs(4))),
        (&retried, 503, &[after("+9")], lost(status(503), secs(4))),
        (&retried, 503, &[after("9.5")], lost(status(503), secs(4))),
        (&retried, 503, &[after("Fri, 31 Dec 2999 23:59:59 GMT")], lost(status(503), secs(4))),
        (
            &retried,
            503,
            &[after("99999999999999999999999")],
            lost(status(503), secs((1 << 32) - 1 + 1)),
        ),
    ];
    for (options, status, headers, expected) in rows {
        let mut source = requested((*options).clone());
        let result = source.response(*status, headers.iter().copied(), secs(1));
        assert_eq!(result, *expected, "{status} {headers:?}");
        let state = match result {
            Ok(()) => ReadyState::Open,
            Err(SourceError { reconnect_at: Some(_), .. }) => ReadyState::Connecting,
            Err(_) => ReadyState::Closed,
        };
        assert_eq!(source.ready_state(), state, "{status} {headers:?}");
    }
}

#[test]
fn requests_that_are_not_idempotent_are_not_sent_again() {
    for (method, again) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("TRACE", true),
        ("PUT", true),
        ("DELETE", true),
        ("POST", false),
        ("PATCH", false),
        ("get", false),
        ("", false),
    ] {
        let options = SourceOptions::new().method(method).retry_statuses(&[503]);
        for (told, again) in [(None, again), (Some(true), true), (Some(false), false)] {
            let options =
                told.map_or_else(|| options.clone(), |told| options.clone().reconnect(told));
            let expected = again.then_some(secs(3));
            let check = |result: Result<(), SourceError>| {
                assert_eq!(result.unwrap_err().reconnect_at, expected, "{method} {told:?}");
            };
            check(requested(options.clone()).network_error(secs(0)));
            check(requested(options.clone()).response(503, NO_HEADERS, secs(0)));
            check(opened(options.clone()).network_error(secs(0)));
            check(opened(options.clone()).end(secs(0)));
            let mut source = opened(options.clone().idle_timeout(secs(0)));
            check(source.poll(secs(0)).map(|_| ()));
            assert_eq!(source.poll(secs(3)), Ok(if again { Step::Connect } else { Step::Closed }));
        }
    }
}

/// What a call does in each state; the states are named by what led there.
#[test]
fn every_call_in_every_state() {
    type Call = fn(&mut EventSource) -> Result<(), SourceError>;
    let options = SourceOptions::new().retry_statuses(&[503]);
    let waiting = || {
        let mut source = opened(options.clone());
        assert_eq!(source.end(secs(0)), lost(Cause::Ended, secs(3)));
        source
    };
    let closed = || {
        let mut source = opened(options.clone());
        source.close();
        source
    };
    let calls: [(&str, Call); 8] = [
        ("200", |source| source.response(200, [TYPE], secs(1))),
        ("404", |source| source.response(404, NO_HEADERS, secs(1))),
        ("503", |source| source.response(503, NO_HEADERS, secs(1))),
        ("body", |source| receive(source, b"data: x\n\n", secs(1)).map(|_| ())),
        ("end", |source| source.end(secs(1))),
        ("network error", |source| source.network_error(secs(1))),
        ("aborted", EventSource::aborted),
        ("close", |source| {
            source.close();
            Ok(())
        }),
    ];
    let again = |cause| (lost(cause, secs(4)), Step::Wait(Some(secs(4))));
    let over = |cause| (failed(cause), Step::Closed);
    let to = |step| (Ok(()), step);
    let idle = Step::Wait(None);
    let later = Step::Wait(Some(secs(3)));
    let status = Cause::Status;
    // The state, and for each call what it gives and what `poll` says then, at 1 s.
    let rows = [
        (
            "new",
            EventSource::new(options.clone()),
            [Step::Connect; 7].map(to).into_iter().chain([to(Step::Closed)]).collect::<Vec<_>>(),
        ),
        (
            "requested",
            requested(options.clone()),
            vec![
                to(idle),
                over(status(404)),
                again(status(503)),
                to(idle),
                to(idle),
                again(Cause::Network),
                over(Cause::Aborted),
                to(Step::Closed),
            ],
        ),
        (
            "open",
            opened(options.clone()),
            vec![
                to(idle),
                to(idle),
                to(idle),
                to(idle),
                again(Cause::Ended),
                again(Cause::Network),
                over(Cause::Aborted),
                to(Step::Closed),
            ],
        ),
        ("waiting", waiting(), [later; 7].map(to).into_iter().chain([to(Step::Closed)]).collect()),
        ("closed", closed(), [Step::Closed; 8].map(to).to_vec()),
    ];
    for (state, source, expected) in rows {
        for ((call, run), (result, step)) in calls.iter().zip(expected) {
            let mut source = source.clone();
            assert_eq!(run(&mut source), result, "{call} when {state}");
            assert_eq!(source.poll(secs(1)), Ok(step), "after {call} when {state}");
            let closed = step == Step::Closed;
            assert_eq!(source.ready_state() == ReadyState::Closed, closed, "{call} when {state}");
        }
    }
}

#[test]
fn connect_is_said_once_and_not_before_its_time() {
    let mut source = EventSource::new(SourceOptions::default());
    assert_eq!(source.ready_state(), ReadyState::Connecting);
    assert_eq!(source.poll(secs(7)), Ok(Step::Connect));
    assert_eq!(source.poll(secs(700)), Ok(Step::Wait(None)));
    assert_eq!(source.network_error(secs(10)), lost(Cause::Network, secs(13)));
    assert_eq!(source.poll(millis(12_999)), Ok(Step::Wait(Some(secs(13)))));
    assert_eq!(source.poll(secs(2)), Ok(Step::Wait(Some(secs(13)))), "a clock set back");
    assert_eq!(source.poll(secs(13)), Ok(Step::Connect));
    assert_eq!(source.poll(secs(13)), Ok(Step::Wait(None)));
}

#[test]
fn bodies_are_taken_only_while_open() {
    let mut source = requested(SourceOptions::new());
    for open in [false, true, false] {
        let mut body = *b"id: 1\ndata: a\n\nid: 2\ndata: cut off";
        let mut input = &mut body[..];
        let item = source.receive(&mut input, secs(0)).unwrap();
        assert_eq!(item.is_some(), open);
        assert_eq!(input.is_empty(), !open, "what is out of turn is dropped");
        if open {
            assert_eq!(source.receive(&mut input, secs(0)), Ok(None));
            assert_eq!(input, b"id: 2\ndata: cut off");
            assert!(source.end(secs(0)).is_err());
        } else {
            assert_eq!(source.response(200, [TYPE], secs(0)), Ok(()));
        }
    }
    assert_eq!(source.last_event_id(), "1", "what was cut off has not moved it");
}

#[test]
fn each_stream_begins_anew_with_the_id_and_the_reconnection_time() {
    let mut source = opened(SourceOptions::new().reconnection_time(secs(8)));
    assert_eq!(source.reconnection_time(), secs(8));
    let body = b"id: 1\nretry: 5000\ndata: a\n\nretry: 4000\nevent: e\nid: 2\ndata: cut";
    assert_eq!(receive(&mut source, body, secs(1)), Ok(vec!["a".into()]));
    assert_eq!(source.reconnection_time(), secs(4), "from its line on");
    assert_eq!(source.network_error(secs(2)), lost(Cause::Network, secs(6)));
    for now in [6, 20, 100].map(secs) {
        assert_eq!(source.poll(now), Ok(Step::Connect));
        source.response(200, [TYPE], now).unwrap();
        assert_eq!(source.last_event_id(), "1");
        let body = "\u{FEFF}data: b\n\ndata: c".as_bytes();
        assert_eq!(receive(&mut source, body, now), Ok(vec!["b".into()]));
        assert_eq!(source.end(now), lost(Cause::Ended, now + secs(4)));
    }
}

#[test]
fn an_unfinished_decoder_begins_anew() {
    let mut decoder = Decoder::new();
    let mut begun = *b"id: 7\n\nretry: 10\ndata: cut o";
    assert_eq!(decoder.decode(&mut &mut begun[..]), Ok(None));
    let mut source = EventSource::with_decoder(decoder, SourceOptions::new());
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    assert_eq!((source.last_event_id(), source.reconnection_time()), ("7", millis(10)));
    assert_eq!(receive(&mut source, b"data: a\n\n", secs(0)), Ok(vec!["a".into()]));
}

#[test]
fn request_headers() {
    let headers = |source: &EventSource| {
        let headers = source.request_headers();
        headers.map(|(name, value)| format!("{name}: {}", value.escape_ascii())).collect::<Vec<_>>()
    };
    let always = ["accept: text/event-stream", "cache-control: no-cache"];
    let mut source = EventSource::new(SourceOptions::new());
    assert_eq!(headers(&source), always);
    for (id, line) in [
        ("7", Some("last-event-id: 7")),
        ("\u{FC}", Some(r"last-event-id: \xc3\xbc")),
        ("a b", Some("last-event-id: a b")),
        (" a", None),
        ("a\x07b", None),
        ("", None),
    ] {
        source.set_last_event_id(EventId::new(id).unwrap()).unwrap();
        let expected: Vec<_> = always.into_iter().chain(line).collect();
        assert_eq!(headers(&source), expected, "{id:?}");
        assert_eq!(source.last_event_id(), id);
    }
    let too_long = "x".repeat(257);
    assert!(source.set_last_event_id(EventId::new(&too_long).unwrap()).is_err());
}

/// What arrives at 1, 2, and so on; and when the silence is over that began with it.
#[test]
fn silence_is_counted_on_events_and_comments() {
    let pieces: &[(&str, u64)] = &[
        ("data: a\n\n", 1),
        ("data: b\n", 1),
        ("da", 1),
        ("ta: b\n\n", 4),
        (":", 4),
        (" c", 4),
        ("\n", 7),
        ("\n\n\r", 7),
        (": a comment, a line that says nothing\r", 9),
        ("unknown: field\n", 9),
        ("unknown", 9),
        ("\n", 9),
        ("id: 1\n", 9),
        ("\n", 14),
        ("retry: 3\n\n", 15),
        ("data: c\n", 15),
        (": inside a block\n", 17),
        ("\n", 18),
        ("data: 01234567890123456789012345678901234567890123456789\n", 19),
        ("data: dropped already\n\n", 19),
        (": after that\n", 21),
        (": 01234567890123456789012345678901", 21),
        ("2345678901234567890123456789", 21),
        ("\n", 24),
    ];
    let limits = Options::new().max_event(40).on_limit(OnLimit::Skip);
    for show in [false, true] {
        let decoder: Decoder = Decoder::with_options(limits.comments(show).blocks(show));
        let options = SourceOptions::new().idle_timeout(secs(100));
        let mut source = EventSource::with_decoder(decoder, options);
        source.poll(secs(0)).unwrap();
        source.response(200, [TYPE], secs(0)).unwrap();
        assert_eq!(source.poll(secs(0)), Ok(Step::Wait(Some(secs(100)))));
        let mut buffer = Vec::new();
        for (now, (piece, heard)) in (1..).map(secs).zip(pieces) {
            // A comment that is to be shown is kept, and so has a limit: it is skipped.
            let heard = match piece.len() {
                28 if show => 23,
                _ => *heard,
            };
            buffer.extend_from_slice(piece.as_bytes());
            let mut input = &mut buffer[..];
            while source.receive(&mut input, now).unwrap().is_some() {}
            buffer = input.to_vec();
            let deadline = Ok(Step::Wait(Some(secs(heard + 100))));
            assert_eq!(source.poll(now), deadline, "{piece:?} at {now:?}");
        }
        let end = secs(24 + 100);
        assert_eq!(source.poll(millis(123_999)), Ok(Step::Wait(Some(end))));
        assert_eq!(source.poll(end), lost(Cause::Idle, end + millis(3)));
        assert_eq!(source.ready_state(), ReadyState::Connecting);
        assert_eq!(source.poll(end), Ok(Step::Wait(Some(end + millis(3)))));
    }
}

#[test]
fn silence_counts_from_the_response() {
    let mut source = requested(SourceOptions::new().idle_timeout(secs(10)));
    assert_eq!(source.poll(secs(1000)), Ok(Step::Wait(None)));
    source.response(200, [TYPE], secs(1000)).unwrap();
    assert_eq!(source.poll(secs(1009)), Ok(Step::Wait(Some(secs(1010)))));
    assert_eq!(source.poll(secs(5)), Ok(Step::Wait(Some(secs(1010)))), "a clock set back");
    assert_eq!(receive(&mut source, b":\n", secs(5)), Ok(vec![]));
    assert_eq!(source.poll(secs(5)), Ok(Step::Wait(Some(secs(15)))));
    assert_eq!(source.poll(secs(16)), lost(Cause::Idle, secs(19)));
}

/// What an application does with an item may take long.
#[test]
fn silence_begins_when_there_is_nothing_left_to_deal_with() {
    let mut source = opened(SourceOptions::new().idle_timeout(secs(10)));
    let mut body = *b"data: a\n\ndata: b\n\ndat";
    let mut input = &mut body[..];
    assert!(matches!(source.receive(&mut input, secs(5)), Ok(Some(Item::Event(_)))));
    assert!(matches!(source.receive(&mut input, secs(30)), Ok(Some(Item::Event(_)))));
    assert_eq!(source.receive(&mut input, secs(60)), Ok(None));
    assert_eq!(source.poll(secs(60)), Ok(Step::Wait(Some(secs(70)))));
    assert_eq!(source.receive(&mut input, secs(65)), Ok(None));
    assert_eq!(source.poll(secs(70)), lost(Cause::Idle, secs(73)), "it was used up before");
}

#[test]
fn the_last_event_ends_the_source() {
    let stream = "event: a\ndata: x\n\ndata: [DONE] \n\nevent: message_stop\ndata: y\n\ndata: [DONE]\n\n\
                  event: message\ndata: z\n\ndata: w\n\n";
    let all = ["x", "[DONE] ", "y", "[DONE]", "z", "w"];
    for (last, count) in [
        (LastEvent::Data("[DONE]"), 4),
        (LastEvent::EventType("message_stop"), 3),
        (LastEvent::EventType("message"), 2),
        (LastEvent::EventType("a"), 1),
        (LastEvent::Data("w"), 6),
    ] {
        let mut source = opened(SourceOptions::new().last_event(last).idle_timeout(secs(1)));
        assert_eq!(receive(&mut source, stream.as_bytes(), secs(0)).unwrap(), all[..count]);
        assert_eq!(source.ready_state(), ReadyState::Closed, "{last:?}");
        assert_eq!(source.end(secs(0)), Ok(()));
        assert_eq!(source.network_error(secs(0)), Ok(()));
        assert_eq!(source.poll(secs(9)), Ok(Step::Closed));
        assert_eq!(receive(&mut source, stream.as_bytes(), secs(0)), Ok(vec![]));
    }
    let mut source = opened(SourceOptions::new().method("POST").last_event(LastEvent::Data("x")));
    assert_eq!(receive(&mut source, b"data: y\n\ndata: x\n", secs(0)).unwrap(), ["y"]);
    assert_eq!(source.end(secs(0)), failed(Cause::Ended), "it was cut off");
}

#[test]
fn backoff_adds_to_what_the_server_asks_for() {
    let options = SourceOptions::new().backoff(BACKOFF).retry_statuses(&[503]);
    let mut source = opened(options);
    receive(&mut source, b"retry: 60000\n\n", secs(0)).unwrap();
    let mut now = secs(0);
    // Its ceiling of 5 s is far below.
    for (after, wait) in [("0", 61), ("60", 62), ("100", 104), ("7", 65), ("100", 105)] {
        let at = now + secs(wait);
        if source.ready_state() == ReadyState::Open {
            assert_eq!(source.end(now), lost(Cause::Ended, at));
        } else {
            let result = source.response(503, [("retry-after", after)], now);
            assert_eq!(result, lost(Cause::Status(503), at));
        }
        assert_eq!(source.poll(at), Ok(Step::Connect));
        now = at;
    }
}

#[test]
fn backoff_ends_after_its_attempts_and_starts_over_after_a_good_stretch() {
    let backoff = BACKOFF.max_attempts(2).reset_after(secs(60));
    let mut source = EventSource::new(SourceOptions::new().backoff(backoff));
    let mut now = secs(0);
    // How long each connection lasts, if one is made; and the wait that follows.
    for (lasts, wait) in
        [(None, Some(4)), (Some(59), Some(5)), (Some(60), Some(4)), (None, Some(5)), (None, None)]
    {
        assert_eq!(source.poll(now), Ok(Step::Connect));
        if let Some(lasts) = lasts {
            source.response(200, [TYPE], now).unwrap();
            now += secs(lasts);
        }
        let reconnect_at = wait.map(|wait| now + secs(wait));
        let error = SourceError { cause: Cause::Network, reconnect_at };
        assert_eq!(source.network_error(now), Err(error), "{lasts:?}");
        now = reconnect_at.unwrap_or(now);
    }
    assert_eq!(source.ready_state(), ReadyState::Closed);
    assert_eq!(source.poll(secs(10_000)), Ok(Step::Closed));
}

/// A server that accepts and says nothing is no better than one that does not accept.
#[test]
fn silence_is_no_good_stretch() {
    let options = SourceOptions::new().backoff(BACKOFF).idle_timeout(secs(100));
    for (events, waits) in [(false, [4, 5, 7, 8]), (true, [4, 4, 4, 4])] {
        let mut source = EventSource::new(options.clone());
        let mut now = secs(0);
        for wait in waits {
            source.poll(now).unwrap();
            source.response(200, [TYPE], now).unwrap();
            if events {
                now += secs(5);
                receive(&mut source, b":\n", now).unwrap();
            }
            now += secs(100);
            assert_eq!(source.poll(now), lost(Cause::Idle, now + secs(wait)));
            now += secs(wait);
        }
    }
}

#[test]
fn a_limit_fails_for_good_and_misuse_changes_nothing() {
    let decoder = Decoder::<InlineId<4>>::with_options(Options::new().max_event(9));
    let mut source = EventSource::with_decoder(decoder, SourceOptions::new());
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    let mut body = *b"data: x\n\ndata: 0123";
    let mut input = &mut body[..15];
    assert!(source.receive(&mut input, secs(0)).unwrap().is_some());
    assert_eq!(source.receive(&mut input, secs(0)), Ok(None));
    assert_eq!(input, b"data: ");
    let misuse = DecodeError::InputShrunk { expected: 6, found: 2 };
    let mut shrunk = *b"da";
    assert_eq!(
        source.receive(&mut &mut shrunk[..], secs(0)),
        failed(Cause::Decode(misuse)),
        "{misuse}"
    );
    assert_eq!(source.ready_state(), ReadyState::Open);
    let limit = DecodeError::EventTooLong { limit: 9, offset: 18 };
    let mut input = &mut body[9..];
    assert_eq!(source.receive(&mut input, secs(0)), failed(Cause::Decode(limit)));
    assert_eq!(source.ready_state(), ReadyState::Closed);
    assert_eq!(source.receive(&mut input, secs(0)), Ok(None), "an error is given once");
    assert_eq!(source.end(secs(0)), Ok(()));
}

#[test]
fn nothing_comes_after_close_within_a_chunk() {
    let mut source = opened(SourceOptions::new().idle_timeout(secs(1)));
    let mut body = *b"data: a\n\ndata: b\n\n";
    let mut input = &mut body[..];
    assert!(source.receive(&mut input, secs(0)).unwrap().is_some());
    source.close();
    assert_eq!(source.receive(&mut input, secs(0)), Ok(None));
    assert_eq!(input, b"");
    assert_eq!(source.poll(secs(100)), Ok(Step::Closed));
}

#[test]
fn times_saturate() {
    let options = SourceOptions::new().reconnection_time(Duration::MAX).idle_timeout(Duration::MAX);
    let mut source = requested(options.backoff(Backoff::new(Duration::MAX, Duration::MAX, 0)));
    source.response(200, [TYPE], Duration::MAX).unwrap();
    assert_eq!(receive(&mut source, b"data: a\n\n", secs(0)).unwrap(), ["a"]);
    assert_eq!(source.poll(secs(0)), Ok(Step::Wait(Some(Duration::MAX))));
    assert_eq!(source.end(secs(0)), lost(Cause::Ended, Duration::MAX));
    assert_eq!(source.poll(Duration::MAX), Ok(Step::Connect));
}

#[test]
fn items_that_were_asked_for_are_shown() {
    let decoder: Decoder = Decoder::with_options(Options::new().comments(true).blocks(true));
    let mut source = EventSource::with_decoder(decoder, SourceOptions::new());
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    let seen = receive(&mut source, b": c\nid: 1\n\ndata: a\n\n", secs(0)).unwrap();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0], r#"Comment("c")"#);
    assert_eq!(source.last_event_id(), "1");
}

#[test]
fn errors_say_what_happened() {
    let limit = DecodeError::EventTooLong { limit: 9, offset: 18 };
    for (cause, text) in [
        (Cause::Network, "network error"),
        (Cause::Aborted, "request aborted"),
        (Cause::Ended, "end of the event stream"),
        (Cause::Status(503), "status 503 instead of an event stream"),
        (Cause::ContentType, "response is not an event stream"),
        (Cause::Idle, "idle timeout of the event stream"),
        (Cause::Decode(limit), "event longer than 9 bytes, at byte 18"),
    ] {
        assert_eq!(SourceError { cause, reconnect_at: None }.to_string(), text);
    }
}

/// Everything that a source shows of a body in these pieces.
fn shown(pieces: &[&[u8]]) -> Vec<String> {
    let limits = Options::new().max_event(24);
    let options = SourceOptions::new().idle_timeout(secs(9)).last_event(LastEvent::Data("[DONE]"));
    let mut source =
        EventSource::with_decoder(Decoder::<InlineId<8>>::with_options(limits), options);
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    let mut shown = Vec::new();
    let mut buffer = Vec::new();
    'pieces: for piece in pieces {
        buffer.extend_from_slice(piece);
        let mut input = &mut buffer[..];
        loop {
            match source.receive(&mut input, secs(1)) {
                Ok(Some(item)) => shown.push(format!("{item:?} {:?}", source.last_event_id())),
                Ok(None) => break,
                Err(error) => {
                    shown.push(format!("{error:?}"));
                    break 'pieces;
                }
            }
        }
        buffer = input.to_vec();
    }
    let end = (source.poll(secs(1)), source.ready_state(), source.end(secs(1)));
    shown.push(format!("{end:?}"));
    shown
}

#[test]
fn chunking_does_not_show() {
    for body in [
        &b": c\nid: 1\ndata: a\n\nretry: 5\n\ndata: b"[..],
        b"unknown: 1\nid: 1\ndata: [DONE]\n\nid: 2\ndata: a\n\ndata: 0123456789012345678901234\n\n",
        b"data: a\n\nid: 2\ndata: 01234567890\n: 0123456789\n\n",
        b"data: a\r\n\r\nid: 2\r\nid: 123456789\rdata: x\n\n",
        b"x\n\nunknown",
        b": unfinished",
    ] {
        let whole = shown(&[body]);
        assert_eq!(shown(&body.chunks(1).collect::<Vec<_>>()), whole);
        for at in 0..body.len() {
            let (front, rest) = body.split_at(at);
            assert_eq!(
                shown(&[front, rest]),
                whole,
                "{} | {}",
                front.escape_ascii(),
                rest.escape_ascii()
            );
        }
    }
}

#[cfg(feature = "alloc")]
#[test]
fn owned_events() {
    use bytes::{Bytes, BytesMut};
    use eventwire::sse::BytesDecoder;

    let options = SourceOptions::new().idle_timeout(secs(10)).last_event(LastEvent::Data("b"));
    let mut source = EventSource::owned(options);
    source.set_last_event_id(EventId::new("6").unwrap());
    assert!(source.request_headers().any(|header| header == ("last-event-id", b"6")));
    let mut early = Bytes::from("data: x\n\n");
    assert_eq!(source.receive(&mut early, secs(0)), Ok(None));
    assert!(early.is_empty());
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    let data = |source: &mut EventSource<BytesDecoder>, body: &'static str, now| {
        let item = source.receive(&mut Bytes::from(body), now).unwrap();
        item.map(|item| match item {
            Item::Event(event) => format!("{} {}", event.last_event_id, event.data),
            item => format!("{item:?}"),
        })
    };
    assert_eq!(data(&mut source, "id: 7\ndata: a\n\n", secs(1)).as_deref(), Some("7 a"));
    assert_eq!(source.poll(secs(1)), Ok(Step::Wait(Some(secs(11)))));
    assert_eq!(data(&mut source, "data: b\n: c", secs(2)), None);
    assert_eq!(source.poll(secs(2)), Ok(Step::Wait(Some(secs(12)))), "until then it was busy");
    assert_eq!(data(&mut source, "omment\n", secs(3)), None);
    assert_eq!(source.poll(secs(3)), Ok(Step::Wait(Some(secs(13)))));
    assert_eq!(source.end(secs(4)), lost(Cause::Ended, secs(7)));
    source.poll(secs(7)).unwrap();
    source.response(200, [TYPE], secs(7)).unwrap();
    assert_eq!(data(&mut source, "\ndata: b\n", secs(8)), None, "what was held is dropped");
    assert_eq!(data(&mut source, "\n", secs(8)).as_deref(), Some("7 b"));
    assert_eq!(source.ready_state(), ReadyState::Closed);
    assert_eq!(source.end(secs(9)), Ok(()));
    let mut late = BytesMut::from("data: x\n\n");
    assert_eq!(source.receive_mut(&mut late, secs(9)), Ok(None));
    assert!(late.is_empty());

    let decoder = BytesDecoder::with_options(Options::new().max_event(9));
    let mut source = EventSource::with_decoder(decoder, SourceOptions::new());
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    let mut buffer = BytesMut::from("data: x\n\ndata: 0123");
    assert!(source.receive_mut(&mut buffer, secs(0)).unwrap().is_some());
    let limit = DecodeError::EventTooLong { limit: 9, offset: 18 };
    assert_eq!(source.receive_mut(&mut buffer, secs(0)), failed(Cause::Decode(limit)));
    assert_eq!(source.ready_state(), ReadyState::Closed);
}
