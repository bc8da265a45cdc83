//! The client under a simulated clock: each transition, each rule about waits, each call out of
//! turn.

use eventwire::Backoff;
use eventwire::sse::client::LastEvents;
use eventwire::sse::decode::{InlineId, OnLimit};
use eventwire::sse::{
    DecodeError, Decoder, DecoderOptions, EventId, EventSource, EventSourceError,
    EventSourceErrorCause as Cause, EventSourceOptions, EventSourceStep, Item, LastEvent,
    ReadyState, Received,
};
use std::io;
use std::time::Duration;

const TYPE: (&str, &str) = ("Content-Type", "text/event-stream");
const NO_HEADERS: [(&str, &str); 0] = [];

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns a source that asked for its first request at time 0.
fn requested(options: EventSourceOptions) -> EventSource {
    let mut source = EventSource::new(options);
    assert_eq!(source.poll(secs(0)), Ok(EventSourceStep::Connect));
    source
}

/// Returns a source whose stream opened at time 0.
fn opened(options: EventSourceOptions) -> EventSource {
    let mut source = requested(options);
    assert_eq!(source.response(200, [TYPE], secs(0)), Ok(()));
    assert_eq!(source.ready_state(), ReadyState::Open);
    source
}

/// A network error that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reset")]
struct Reset;

/// Returns the data of the events in these bytes. Bytes that the source leaves are lost.
fn receive(
    source: &mut EventSource,
    bytes: &[u8],
    now: Duration,
) -> Result<Vec<String>, EventSourceError> {
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    let mut seen = Vec::new();
    while let Received::Item(item) = source.receive(&mut input, now)? {
        seen.push(match item {
            Item::Event(event) => event.data.to_string(),
            item => format!("{item:?}"),
        });
    }
    Ok(seen)
}

fn failed<T, E>(cause: Cause<E>) -> Result<T, EventSourceError<E>> {
    Err(EventSourceError { cause, reconnect_at: None })
}

fn lost<T, E>(cause: Cause<E>, reconnect_at: Duration) -> Result<T, EventSourceError<E>> {
    Err(EventSourceError { cause, reconnect_at: Some(reconnect_at) })
}

/// A backoff with waits of 1, 2, 4 and then 5 s.
const BACKOFF: Backoff = Backoff::new(secs(1), secs(5), 0).jitter(0);

#[test]
fn ready_states_have_the_numbers_of_the_standard() {
    let numbers = [ReadyState::Connecting, ReadyState::Open, ReadyState::Closed].map(|s| s as u8);
    assert_eq!(numbers, [0, 1, 2]);
}

type Row<'a> =
    (&'a EventSourceOptions, u16, &'a [(&'a str, &'a str)], Result<(), EventSourceError>);

#[test]
fn responses() {
    let retried = EventSourceOptions::new().retry_statuses(&[200, 204, 429, 503]);
    #[cfg(feature = "alloc")]
    let retried = {
        let configured = vec![200, 204, 429, 503];
        assert_eq!(EventSourceOptions::new().retry_statuses(&configured), retried);
        // The rows below use the owned form.
        EventSourceOptions::new().retry_statuses(configured)
    };
    let plain = EventSourceOptions::new();
    let html = ("content-type", "text/html");
    let upper = ("CONTENT-TYPE", "Text/Event-Stream; charset=utf-8");
    let after = |value| ("Retry-After", value);
    let status = Cause::Status;
    // The options, the response at 1 s, and the result.
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
        // `retry-after` counts only in seconds, and never shortens the reconnection time.
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
            Err(EventSourceError { reconnect_at: Some(_), .. }) => ReadyState::Connecting,
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
        let options = EventSourceOptions::new().method(method).retry_statuses(&[503]);
        for (told, again) in [(None, again), (Some(true), true), (Some(false), false)] {
            let options =
                told.map_or_else(|| options.clone(), |told| options.clone().reconnect(told));
            let expected = again.then_some(secs(3));
            let check = |result: Result<(), EventSourceError>| {
                assert_eq!(result.unwrap_err().reconnect_at, expected, "{method} {told:?}");
            };
            let lost = |result: Result<(), EventSourceError<Reset>>| {
                assert_eq!(result.unwrap_err().reconnect_at, expected, "{method} {told:?}");
            };
            lost(requested(options.clone()).network_error(Reset, secs(0)));
            check(requested(options.clone()).response(503, NO_HEADERS, secs(0)));
            lost(opened(options.clone()).network_error(Reset, secs(0)));
            check(opened(options.clone()).end(secs(0)));
            let mut source = opened(options.clone().idle_timeout(secs(1)));
            assert_eq!(source.poll(millis(900)), Ok(EventSourceStep::Wait(Some(secs(1)))));
            check(silent(&mut source, secs(1), millis(100)).map_err(|mut error| {
                error.reconnect_at = error.reconnect_at.map(|at| at.saturating_sub(millis(1100)));
                error
            }));
            assert_eq!(
                source.poll(secs(5)),
                Ok(if again { EventSourceStep::Connect } else { EventSourceStep::Closed })
            );
        }
    }
}

/// Returns the result of silence until `end`, and through the peer's last chance after it.
fn silent(
    source: &mut EventSource,
    end: Duration,
    grace: Duration,
) -> Result<(), EventSourceError> {
    assert_eq!(
        source.poll(end),
        Ok(EventSourceStep::Wait(Some(end + grace))),
        "unread bytes get a last chance"
    );
    source.poll(end + grace).map(|step| panic!("{step:?}"))
}

/// The result of each call in each state. A state is named by the call that leads to it.
#[test]
fn every_call_in_every_state() {
    type Call = fn(&mut EventSource) -> Result<(), EventSourceError<Reset>>;
    let options = EventSourceOptions::new().retry_statuses(&[503]);
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
        ("200", |source| source.response(200, [TYPE], secs(1)).map_err(EventSourceError::widen)),
        ("404", |source| {
            source.response(404, NO_HEADERS, secs(1)).map_err(EventSourceError::widen)
        }),
        ("503", |source| {
            source.response(503, NO_HEADERS, secs(1)).map_err(EventSourceError::widen)
        }),
        ("body", |source| {
            receive(source, b"data: x\n\n", secs(1)).map(|_| ()).map_err(EventSourceError::widen)
        }),
        ("end", |source| source.end(secs(1)).map_err(EventSourceError::widen)),
        ("network error", |source| source.network_error(Reset, secs(1))),
        ("aborted", |source| source.aborted().map_err(EventSourceError::widen)),
        ("close", |source| {
            source.close();
            Ok(())
        }),
    ];
    let again = |cause| (lost(cause, secs(4)), EventSourceStep::Wait(Some(secs(4))));
    let over = |cause| (failed(cause), EventSourceStep::Closed);
    let to = |step| (Ok(()), step);
    let idle = EventSourceStep::Wait(None);
    let asked = EventSourceStep::Wait(Some(secs(120)));
    let later = EventSourceStep::Wait(Some(secs(3)));
    let status = Cause::Status;
    // The state, and for each call its result and the next `poll` at 1 s.
    let rows = [
        (
            "new",
            EventSource::new(options.clone()),
            [EventSourceStep::Connect; 7]
                .map(to)
                .into_iter()
                .chain([to(EventSourceStep::Closed)])
                .collect::<Vec<_>>(),
        ),
        (
            "requested",
            requested(options.clone()),
            vec![
                to(idle),
                over(status(404)),
                again(status(503)),
                to(asked),
                to(asked),
                again(Cause::Network(Reset)),
                over(Cause::Aborted),
                to(EventSourceStep::Closed),
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
                again(Cause::Network(Reset)),
                over(Cause::Aborted),
                to(EventSourceStep::Closed),
            ],
        ),
        (
            "waiting",
            waiting(),
            [later; 7].map(to).into_iter().chain([to(EventSourceStep::Closed)]).collect(),
        ),
        ("closed", closed(), [EventSourceStep::Closed; 8].map(to).to_vec()),
    ];
    for (state, source, expected) in rows {
        for ((call, run), (result, step)) in calls.iter().zip(expected) {
            let mut source = source.clone();
            assert_eq!(run(&mut source), result, "{call} when {state}");
            assert_eq!(source.poll(secs(1)), Ok(step), "after {call} when {state}");
            let closed = step == EventSourceStep::Closed;
            assert_eq!(source.ready_state() == ReadyState::Closed, closed, "{call} when {state}");
        }
    }
}

#[test]
fn connect_is_said_once_and_not_before_its_time() {
    let mut source = EventSource::new(EventSourceOptions::default());
    assert_eq!(source.ready_state(), ReadyState::Connecting);
    assert_eq!(source.poll(secs(7)), Ok(EventSourceStep::Connect));
    assert_eq!(source.poll(secs(70)), Ok(EventSourceStep::Wait(Some(secs(127)))));
    assert_eq!(source.network_error(Reset, secs(10)), lost(Cause::Network(Reset), secs(13)));
    assert_eq!(source.poll(millis(12_999)), Ok(EventSourceStep::Wait(Some(secs(13)))));
    assert_eq!(source.poll(secs(2)), Ok(EventSourceStep::Wait(Some(secs(13)))), "a clock set back");
    assert_eq!(source.poll(secs(13)), Ok(EventSourceStep::Connect));
    assert_eq!(source.poll(secs(13)), Ok(EventSourceStep::Wait(Some(secs(133)))));
}

/// This happens when a future is dropped after it has begun to connect.
#[test]
fn a_request_that_nobody_answers_comes_back() {
    for (options, timeout, grace) in [
        (EventSourceOptions::new(), secs(120), secs(1)),
        (EventSourceOptions::new().response_timeout(secs(5)), secs(5), millis(500)),
    ] {
        let mut source = requested(options);
        assert_eq!(source.poll(secs(1)), Ok(EventSourceStep::Wait(Some(timeout))));
        let end = timeout + grace;
        assert_eq!(silent(&mut source, timeout, grace), lost(Cause::NoResponse, end + secs(3)));
        // A response that arrives after all is too late.
        assert_eq!(source.response(200, [TYPE], end), Ok(()));
        assert_eq!(
            source.receive(&mut &mut b"data: x\n\n".to_owned()[..], end),
            Ok(Received::Closed)
        );
        assert_eq!(source.poll(end + secs(3)), Ok(EventSourceStep::Connect));
        // A response during the last chance is in time.
        assert!(matches!(source.poll(secs(1000)), Ok(EventSourceStep::Wait(Some(_)))));
        assert_eq!(source.response(200, [TYPE], secs(1000)), Ok(()));
        assert_eq!(source.poll(secs(2000)), Ok(EventSourceStep::Wait(None)));
    }
    let mut source = requested(EventSourceOptions::new().response_timeout(secs(0)));
    assert_eq!(source.poll(secs(10_000)), Ok(EventSourceStep::Wait(None)), "waits for ever");
    let options = EventSourceOptions::new().method("POST").response_timeout(secs(1));
    assert_eq!(silent(&mut requested(options), secs(1), millis(100)), failed(Cause::NoResponse));
}

#[test]
fn bodies_are_taken_only_while_open() {
    let mut source = requested(EventSourceOptions::new());
    for open in [false, true, false] {
        let mut body = *b"id: 1\ndata: a\n\nid: 2\ndata: cut off";
        let mut input = &mut body[..];
        let received = source.receive(&mut input, secs(0)).unwrap();
        if open {
            assert!(matches!(received, Received::Item(_)));
            assert_eq!(source.receive(&mut input, secs(0)), Ok(Received::More));
            assert_eq!(input, b"id: 2\ndata: cut off");
            assert!(source.end(secs(0)).is_err());
        } else {
            assert_eq!(received, Received::Closed, "the source takes no body now");
            assert_eq!(input, b"", "input out of turn is dropped");
            assert_eq!(source.receive_eof(&mut input, secs(0)), Ok(Received::Closed));
            assert_eq!(source.response(200, [TYPE], secs(0)), Ok(()));
        }
    }
    assert_eq!(source.last_event_id(), "1", "an unfinished event must not change the id");
}

#[test]
fn each_stream_begins_anew_with_the_id_and_the_reconnection_time() {
    let mut source = opened(EventSourceOptions::new().reconnection_time(secs(8)));
    assert_eq!(source.reconnection_time(), secs(8));
    let body = b"id: 1\nretry: 5000\ndata: a\n\nretry: 4000\nevent: e\nid: 2\ndata: cut";
    assert_eq!(receive(&mut source, body, secs(1)), Ok(vec!["a".into()]));
    assert_eq!(source.reconnection_time(), secs(4), "takes effect at its line");
    assert_eq!(source.network_error(Reset, secs(2)), lost(Cause::Network(Reset), secs(6)));
    for now in [6, 20, 100].map(secs) {
        assert_eq!(source.poll(now), Ok(EventSourceStep::Connect));
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
    let mut source = EventSource::with_decoder(decoder, EventSourceOptions::new());
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
    let mut source = EventSource::new(EventSourceOptions::new());
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

/// The pieces arrive one second after another.
#[test]
fn every_byte_is_a_sign_of_life() {
    let pieces = [
        "data: a\n\n",
        "data: b\n",
        "da",
        "ta: b\n\n",
        ":",
        " c",
        "\n",
        "\n\n\r",
        "\n",
        "heartbeat\n",
        "unknown",
        ": field",
        "\r",
        "id: 1\n",
        ": inside a block\n",
        "\n",
        "data: 01234567890123456789012345678901234567890123456789\n",
        "data: dropped already\n",
        "\n",
        ": 01234567890123456789012345678901",
        "2345678901234567890123456789",
    ];
    let limits = DecoderOptions::new().max_event(40).on_limit(OnLimit::Skip);
    for show in [false, true] {
        let shown = limits.comments(show).blocks(show).unknown_lines(show);
        let options = EventSourceOptions::new().idle_timeout(secs(2));
        let mut source =
            EventSource::with_decoder(Decoder::with_storage(shown, InlineId::<8>::new()), options);
        source.poll(secs(0)).unwrap();
        source.response(200, [TYPE], secs(0)).unwrap();
        assert_eq!(source.poll(secs(0)), Ok(EventSourceStep::Wait(Some(secs(2)))));
        let mut buffer = Vec::new();
        for (now, piece) in (1..).map(secs).zip(pieces) {
            buffer.extend_from_slice(piece.as_bytes());
            let mut input = &mut buffer[..];
            while let Received::Item(_) = source.receive(&mut input, now).unwrap() {}
            assert_eq!(
                source.poll(now),
                Ok(EventSourceStep::Wait(Some(now + secs(2)))),
                "{piece:?}"
            );
            // The bytes left over are nothing new.
            let later = now + millis(500);
            assert_eq!(source.receive(&mut input, later), Ok(Received::More));
            assert_eq!(
                source.poll(later),
                Ok(EventSourceStep::Wait(Some(now + secs(2)))),
                "{piece:?}"
            );
            buffer = input.to_vec();
        }
    }
}

#[cfg(feature = "alloc")]
#[test]
fn an_event_that_takes_longer_than_the_idle_timeout_arrives() {
    use bytes::{Bytes, BytesMut};

    let mut body = b"data: ".to_vec();
    body.resize(6 << 20, b'x');
    body.extend(b"\n\n");
    for by_chunk in [true, false] {
        let mut source = EventSource::owned(EventSourceOptions::new().idle_timeout(secs(60)));
        source.poll(secs(0)).unwrap();
        source.response(200, [TYPE], secs(0)).unwrap();
        let mut buffer = BytesMut::new();
        let mut events = 0;
        for (now, piece) in (50..).step_by(50).map(secs).zip(body.chunks(64 << 10)) {
            let mut chunk = Bytes::copy_from_slice(piece);
            buffer.extend_from_slice(piece);
            let mut receive = |now| {
                if by_chunk {
                    source.receive(&mut chunk, now)
                } else {
                    source.receive_buffer(&mut buffer, now)
                }
            };
            while let Received::Item(_) = receive(now).unwrap() {
                events += 1;
            }
            assert_eq!(receive(now + secs(1)), Ok(Received::More), "no new bytes arrived");
            assert_eq!(source.poll(now), Ok(EventSourceStep::Wait(Some(now + secs(60)))));
        }
        assert_eq!(events, 1);
    }
}

#[test]
fn silence_counts_from_the_response() {
    let options = EventSourceOptions::new().idle_timeout(secs(10)).response_timeout(secs(0));
    let mut source = requested(options);
    assert_eq!(source.poll(secs(1000)), Ok(EventSourceStep::Wait(None)));
    source.response(200, [TYPE], secs(1000)).unwrap();
    assert_eq!(source.poll(secs(1009)), Ok(EventSourceStep::Wait(Some(secs(1010)))));
    assert_eq!(
        source.poll(secs(5)),
        Ok(EventSourceStep::Wait(Some(secs(1010)))),
        "a clock set back"
    );
    assert_eq!(receive(&mut source, b":\n", secs(5)), Ok(vec![]));
    assert_eq!(source.poll(secs(5)), Ok(EventSourceStep::Wait(Some(secs(15)))));
    assert_eq!(silent(&mut source, secs(16), secs(1)), lost(Cause::Idle, secs(20)));
}

/// A program that was suspended resumes long after the deadline, while received bytes wait unread.
#[test]
fn what_waits_unread_is_no_silence() {
    let mut source = opened(EventSourceOptions::new().idle_timeout(secs(10)));
    for now in [100, 200, 300] {
        // The program is suspended again before each poll.
        assert_eq!(source.poll(secs(now)), Ok(EventSourceStep::Wait(Some(secs(now + 1)))));
    }
    assert_eq!(receive(&mut source, b"data: a\n\n", secs(301)).unwrap(), ["a"]);
    assert_eq!(source.poll(secs(301)), Ok(EventSourceStep::Wait(Some(secs(311)))));
    assert_eq!(silent(&mut source, secs(311), secs(1)), lost(Cause::Idle, secs(315)));
}

/// An application may take long over an item.
#[test]
fn silence_begins_when_there_is_nothing_left_to_deal_with() {
    let mut source = opened(EventSourceOptions::new().idle_timeout(secs(10)));
    let mut body = *b"data: a\n\ndata: b\n\n";
    let mut input = &mut body[..];
    assert!(matches!(source.receive(&mut input, secs(5)), Ok(Received::Item(_))));
    assert!(matches!(source.receive(&mut input, secs(30)), Ok(Received::Item(_))));
    assert_eq!(source.receive(&mut input, secs(60)), Ok(Received::More));
    assert_eq!(source.poll(secs(60)), Ok(EventSourceStep::Wait(Some(secs(70)))));
    assert_eq!(source.receive(&mut input, secs(65)), Ok(Received::More));
    assert_eq!(
        silent(&mut source, secs(70), secs(1)),
        lost(Cause::Idle, secs(74)),
        "the input was used up before"
    );
}

#[test]
fn the_last_event_ends_the_source() {
    const SEVERAL: &[LastEvent] = &[LastEvent::EventType("b"), LastEvent::Data("[DONE]")];
    let stream = "event: a\ndata: x\n\nevent: message_stop\ndata: y\n\ndata: [DONE]\n\n\
                  event: message\ndata: z\n\ndata: \tw \n\n";
    let all = ["x", "y", "[DONE]", "z", "\tw "];
    let rows: Vec<(LastEvents, usize)> = vec![
        (LastEvent::Data("[DONE]").into(), 3),
        (LastEvent::EventType("message_stop").into(), 2),
        (LastEvent::EventType("message").into(), 3),
        (LastEvent::EventType("a").into(), 1),
        (LastEvent::Data("w").into(), 5),
        (LastEvent::Data(" w\n").into(), 5),
        (SEVERAL.into(), 3),
        ((&[LastEvent::EventType("a"), LastEvent::Data("w")]).into(), 1),
        #[cfg(feature = "alloc")]
        (vec![LastEvent::Data("no".to_owned()), LastEvent::EventType("a".to_owned())].into(), 1),
        #[cfg(feature = "alloc")]
        (vec![LastEvent::Data(Box::<str>::from("y"))].into(), 2),
        #[cfg(feature = "alloc")]
        (LastEvent::Data(format!("[{}]", "DONE")).into(), 3),
    ];
    for (last, count) in rows {
        let options = EventSourceOptions::new().last_event(last.clone()).idle_timeout(secs(1));
        let mut source = opened(options);
        assert_eq!(receive(&mut source, stream.as_bytes(), secs(0)).unwrap(), all[..count]);
        assert_eq!(source.ready_state(), ReadyState::Closed, "{last:?}");
        assert_eq!(source.end(secs(0)), Ok(()));
        assert_eq!(source.network_error(Reset, secs(0)), Ok(()));
        assert_eq!(source.poll(secs(9)), Ok(EventSourceStep::Closed));
        assert_eq!(receive(&mut source, stream.as_bytes(), secs(0)), Ok(vec![]));
    }
    let none = EventSourceOptions::new().last_event(LastEvents::default());
    assert_eq!(receive(&mut opened(none), stream.as_bytes(), secs(0)).unwrap(), all);
}

/// A loop that checks the result of each call does not wait for a server that sends no more.
#[test]
fn a_server_that_stays_connected_behind_the_last_event_is_left() {
    let mut source = opened(EventSourceOptions::new().last_event(LastEvent::Data("[DONE]")));
    let mut body = *b"data: a\n\ndata: [DONE]\n\ndata: more\n\n";
    let mut input = &mut body[..];
    assert!(matches!(source.receive(&mut input, secs(0)), Ok(Received::Item(_))));
    assert!(matches!(source.receive(&mut input, secs(0)), Ok(Received::Item(_))));
    assert_eq!(source.receive(&mut input, secs(0)), Ok(Received::Closed));
    assert_eq!(input, b"");
    assert_eq!(source.poll(secs(0)), Ok(EventSourceStep::Closed));
}

/// How a body ends, and the result with and without the option, at every split.
#[test]
fn what_the_end_of_the_body_cuts_off() {
    const LAST: &[LastEvent] = &[LastEvent::Data("[DONE]"), LastEvent::EventType("stop")];
    // The body; the data shown with the option; whether the source is done.
    let rows: &[(&[u8], &[&str], bool)] = &[
        (b"data: a\n\ndata: [DONE]", &["a", "[DONE]"], true),
        (b"data: a\n\ndata:[DONE] \r\n", &["a", "[DONE] "], true),
        (b"data: a\n\nevent: stop\ndata: {}\n", &["a", "{}"], true),
        (b"data: a\n\nid: 7\ndata: b", &["a", "b"], false),
        (b"data: a\n\ndata: [DONE]\nda", &["a"], false),
        (b"data: a\n\n", &["a"], false),
        (b"data: [DONE]\n\ndata: more", &["[DONE]"], true),
    ];
    for &(body, given, done) in rows {
        for asked in [false, true] {
            for at in 0..=body.len() {
                let shown = body.escape_ascii();
                let decoder = Decoder::with_options(DecoderOptions::new().unfinished(asked));
                let options = EventSourceOptions::new().method("POST").last_event(LAST);
                let mut source = EventSource::with_decoder(decoder, options);
                source.poll(secs(0)).unwrap();
                source.response(200, [TYPE], secs(0)).unwrap();
                let mut seen = Vec::new();
                let mut buffer = body[..at].to_vec();
                let mut input = &mut buffer[..];
                while let Received::Item(Item::Event(event)) =
                    source.receive(&mut input, secs(0)).unwrap()
                {
                    seen.push(event.data.to_string());
                }
                let mut buffer = input.to_vec();
                buffer.extend_from_slice(&body[at..]);
                let mut input = &mut buffer[..];
                while let Received::Item(Item::Event(event)) =
                    source.receive_eof(&mut input, secs(0)).unwrap()
                {
                    seen.push(event.data.to_string());
                }
                let unfinished = !body.ends_with(b"\n\n") && given.len() > 1;
                let count = given.len() - usize::from(!asked && unfinished);
                assert_eq!(seen, given[..count], "{shown} at {at}, {asked}");
                assert_eq!(input, b"");
                let id = if asked && body.contains(&b'7') { "7" } else { "" };
                assert_eq!(source.last_event_id(), id);
                let end = if done { Ok(()) } else { failed(Cause::Ended) };
                assert_eq!(source.end(secs(0)), end, "{shown} at {at}, {asked}");
            }
        }
    }
}

/// Attempts without an event wait longer and longer, even where the server asks for no wait.
#[test]
fn a_server_that_is_gone_is_not_asked_in_a_hot_loop() {
    let attempts = |options: EventSourceOptions,
                    retry: &[u8],
                    fail: fn(&mut EventSource, Duration) -> Duration| {
        let mut source = opened(options);
        receive(&mut source, retry, secs(0)).unwrap();
        let mut now = source.network_error(Reset, secs(0)).unwrap_err().reconnect_at.unwrap();
        let mut waits = Vec::from([now.as_secs()]);
        for _ in 0..8 {
            assert_eq!(source.poll(now), Ok(EventSourceStep::Connect));
            let next = fail(&mut source, now);
            waits.push(next.as_secs() - now.as_secs());
            now = next;
        }
        waits
    };
    let refused = |source: &mut EventSource, now| {
        source.network_error(Reset, now).unwrap_err().reconnect_at.unwrap()
    };
    let busy = |source: &mut EventSource, now| {
        source.response(503, NO_HEADERS, now).unwrap_err().reconnect_at.unwrap()
    };
    // A resume that is answered with status 200 and no event.
    let empty = |source: &mut EventSource, now| {
        source.response(200, [TYPE], now).unwrap();
        receive(source, b": hello\n\nretry: 0\nid: 7\n\n{}\n", now).unwrap();
        source.end(now).unwrap_err().reconnect_at.unwrap()
    };
    let plain = EventSourceOptions::new().retry_statuses(&[503]);
    let zero = [1, 2, 4, 8, 16, 32, 60, 60, 60];
    for fail in [refused, busy, empty] {
        assert_eq!(attempts(plain.clone(), b"retry: 0\n\n", fail), zero);
    }
    let three = [3, 3, 4, 8, 16, 32, 60, 60, 60];
    assert_eq!(attempts(plain.clone(), b"", refused), three);
    assert_eq!(attempts(plain.clone(), b"retry: 100000\n\n", refused), [100; 9]);
    // After an event the waits start over.
    assert_eq!(attempts(plain.clone(), b"retry: 0\ndata: a\n\n", refused)[..4], [1, 1, 2, 4]);
    let backoff = plain.backoff(BACKOFF);
    assert_eq!(attempts(backoff.clone(), b"retry: 0\n\n", empty), [1, 2, 4, 5, 5, 5, 5, 5, 5]);
    let few = backoff.backoff(BACKOFF.max_attempts(2));
    let mut source = opened(few);
    for (now, next) in [(0, Some(4)), (4, Some(9)), (9, None)] {
        assert_eq!(source.end(secs(now)).unwrap_err().reconnect_at, next.map(secs));
        source.poll(secs(next.unwrap_or(0))).unwrap();
        source.response(200, [TYPE], secs(next.unwrap_or(0))).unwrap();
    }
}

/// The server's reconnection time holds for a connection that brought an event.
#[test]
fn a_server_may_ask_to_be_tried_again_soon() {
    for fail in [true, false] {
        let mut source = opened(EventSourceOptions::new());
        receive(&mut source, b"retry: 200\ndata: a\n\n", secs(0)).unwrap();
        let result = if fail {
            source.network_error(Reset, secs(1))
        } else {
            source.end(secs(1)).map_err(EventSourceError::widen)
        };
        assert_eq!(result.unwrap_err().reconnect_at, Some(millis(1200)));
    }
}

#[test]
fn what_lasted_a_minute_or_had_an_event_starts_the_waits_over() {
    for (lasts, body, waits) in [
        (0, &b"data: a\n\n"[..], [3, 3, 3, 3]),
        (60, b"", [3, 3, 3, 3]),
        (59, b": still here\n\n", [3, 3, 4, 8]),
    ] {
        let mut source = EventSource::new(EventSourceOptions::new());
        let mut now = secs(0);
        for wait in waits {
            assert_eq!(source.poll(now), Ok(EventSourceStep::Connect));
            source.response(200, [TYPE], now).unwrap();
            receive(&mut source, body, now).unwrap();
            now += secs(lasts);
            assert_eq!(source.end(now), lost(Cause::Ended, now + secs(wait)), "{lasts}");
            now += secs(wait);
        }
    }
}

/// Each response has one event and ends, and the next request is due at once.
#[test]
fn long_polling_is_immediate() {
    for options in
        [EventSourceOptions::new(), EventSourceOptions::new().backoff(BACKOFF.max_attempts(2))]
    {
        let mut source = opened(options.clone());
        for now in (1..9).map(secs) {
            receive(&mut source, b"retry: 0\ndata: a\n\n", now).unwrap();
            assert_eq!(source.end(now), lost(Cause::Ended, now));
            assert_eq!(source.poll(now), Ok(EventSourceStep::Connect));
            source.response(200, [TYPE], now).unwrap();
        }
        // A response that broke off is not followed at once.
        receive(&mut source, b"data: a\n\n", secs(9)).unwrap();
        assert_eq!(source.network_error(Reset, secs(9)), lost(Cause::Network(Reset), secs(10)));
        // Nor is a response without an event.
        source.poll(secs(10)).unwrap();
        source.response(200, [TYPE], secs(10)).unwrap();
        let error = source.end(secs(10)).unwrap_err();
        assert!(error.reconnect_at >= Some(secs(11)), "{error:?}");
    }
}

#[test]
fn backoff_adds_to_what_the_server_asks_for() {
    let options = EventSourceOptions::new().backoff(BACKOFF).retry_statuses(&[503]);
    let mut source = opened(options);
    receive(&mut source, b"retry: 60000\n\n", secs(0)).unwrap();
    let mut now = secs(0);
    // The backoff's ceiling of 5 s is far below the reconnection time.
    for (after, wait) in [("0", 61), ("60", 62), ("100", 104), ("7", 65), ("100", 105)] {
        let at = now + secs(wait);
        if source.ready_state() == ReadyState::Open {
            assert_eq!(source.end(now), lost(Cause::Ended, at));
        } else {
            let result = source.response(503, [("retry-after", after)], now);
            assert_eq!(result, lost(Cause::Status(503), at));
        }
        assert_eq!(source.poll(at), Ok(EventSourceStep::Connect));
        now = at;
    }
}

#[test]
fn backoff_ends_after_its_attempts_and_starts_over_after_a_good_stretch() {
    let backoff = BACKOFF.max_attempts(2).reset_after(secs(60));
    let mut source = EventSource::new(EventSourceOptions::new().backoff(backoff));
    let mut now = secs(0);
    // How long each connection lasts, if it opens, and the wait that follows.
    for (lasts, wait) in
        [(None, Some(4)), (Some(59), Some(5)), (Some(60), Some(4)), (None, Some(5)), (None, None)]
    {
        assert_eq!(source.poll(now), Ok(EventSourceStep::Connect));
        if let Some(lasts) = lasts {
            source.response(200, [TYPE], now).unwrap();
            now += secs(lasts);
        }
        let reconnect_at = wait.map(|wait| now + secs(wait));
        let error = EventSourceError { cause: Cause::Network(Reset), reconnect_at };
        assert_eq!(source.network_error(Reset, now), Err(error), "{lasts:?}");
        now = reconnect_at.unwrap_or(now);
    }
    assert_eq!(source.ready_state(), ReadyState::Closed);
    assert_eq!(source.poll(secs(10_000)), Ok(EventSourceStep::Closed));
}

/// A server that accepts a connection and sends nothing is treated like one that refuses it.
#[test]
fn silence_is_no_good_stretch() {
    let options = EventSourceOptions::new().backoff(BACKOFF).idle_timeout(secs(100));
    for (body, waits) in [
        (&b""[..], [4, 5, 7, 8]),
        // Bytes that bring no event do not help either, unless they last for a minute.
        (b":\n", [4, 5, 7, 8]),
        (b"data: a\n\n", [4, 4, 4, 4]),
    ] {
        let mut source = EventSource::new(options.clone());
        let mut now = secs(0);
        for wait in waits {
            source.poll(now).unwrap();
            source.response(200, [TYPE], now).unwrap();
            if !body.is_empty() {
                now += secs(5);
                receive(&mut source, body, now).unwrap();
            }
            let end = now + secs(100);
            now += secs(101);
            let idle = lost(Cause::Idle, now + secs(wait));
            assert_eq!(silent(&mut source, end, secs(1)), idle);
            now += secs(wait);
        }
    }
}

#[test]
fn a_limit_fails_for_good_and_misuse_changes_nothing() {
    let decoder = Decoder::with_storage(DecoderOptions::new().max_event(9), InlineId::<4>::new());
    let mut source = EventSource::with_decoder(decoder, EventSourceOptions::new());
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    let mut body = *b"data: x\n\ndata: 0123";
    let mut input = &mut body[..15];
    assert!(matches!(source.receive(&mut input, secs(0)), Ok(Received::Item(_))));
    assert_eq!(source.receive(&mut input, secs(0)), Ok(Received::More));
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
    let after = source.receive(&mut input, secs(0));
    assert_eq!(after, Ok(Received::Closed), "an error is returned once");
    assert_eq!(source.end(secs(0)), Ok(()));
}

#[test]
fn nothing_comes_after_close_within_a_chunk() {
    let mut source = opened(EventSourceOptions::new().idle_timeout(secs(1)));
    let mut body = *b"data: a\n\ndata: b\n\n";
    let mut input = &mut body[..];
    assert!(matches!(source.receive(&mut input, secs(0)), Ok(Received::Item(_))));
    source.close();
    assert_eq!(source.receive(&mut input, secs(0)), Ok(Received::Closed));
    assert_eq!(input, b"");
    assert_eq!(source.poll(secs(100)), Ok(EventSourceStep::Closed));
}

#[test]
fn times_saturate() {
    let options =
        EventSourceOptions::new().reconnection_time(Duration::MAX).idle_timeout(Duration::MAX);
    let mut source = requested(options.backoff(Backoff::new(Duration::MAX, Duration::MAX, 0)));
    source.response(200, [TYPE], Duration::MAX).unwrap();
    assert_eq!(receive(&mut source, b"data: a\n\n", secs(0)).unwrap(), ["a"]);
    assert_eq!(source.poll(secs(0)), Ok(EventSourceStep::Wait(Some(Duration::MAX))));
    assert_eq!(source.end(secs(0)), lost(Cause::Ended, Duration::MAX));
    assert_eq!(source.poll(Duration::MAX), Ok(EventSourceStep::Connect));
}

#[test]
fn items_that_were_asked_for_are_shown() {
    let decoder = Decoder::with_options(DecoderOptions::new().comments(true).blocks(true));
    let mut source = EventSource::with_decoder(decoder, EventSourceOptions::new());
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
        (Cause::NoResponse, "no response to the request within the response timeout"),
        (Cause::Aborted, "request aborted"),
        (Cause::Ended, "end of the event stream"),
        (Cause::Status(503), "status 503 instead of an event stream"),
        (Cause::ContentType, "response is not an event stream"),
        (Cause::Idle, "no data from the event stream within the idle timeout"),
        (Cause::Decode(limit), "event longer than 9 bytes, at byte 18"),
    ] {
        let error = EventSourceError { cause, reconnect_at: None };
        assert_eq!(error.to_string(), text);
        assert!(std::error::Error::source(&error).is_none());
        assert_eq!(error.widen::<Reset>().to_string(), text);
        assert_eq!(error.widen::<Reset>().reconnect_at, None);
    }
}

/// One function may return both kinds of error. The network's error stays inside.
#[test]
fn causes_come_out_again() {
    fn fail(source: &mut EventSource) -> Result<(), EventSourceError<io::Error>> {
        source.poll(secs(0)).map_err(EventSourceError::widen)?;
        source.network_error(io::ErrorKind::ConnectionReset.into(), secs(0))
    }
    let error = fail(&mut EventSource::new(EventSourceOptions::new())).unwrap_err();
    assert_eq!(error.to_string(), "network error: connection reset");
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::ConnectionReset);
    let Cause::Network(error) = error.cause else { panic!("{error}") };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

/// Returns everything that a source shows of a body in these pieces.
fn shown(pieces: &[&[u8]]) -> Vec<String> {
    let limits = DecoderOptions::new().max_event(24);
    let options =
        EventSourceOptions::new().idle_timeout(secs(9)).last_event(LastEvent::Data("[DONE]"));
    let mut source =
        EventSource::with_decoder(Decoder::with_storage(limits, InlineId::<8>::new()), options);
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    let mut shown = Vec::new();
    let mut buffer = Vec::new();
    'pieces: for piece in pieces {
        buffer.extend_from_slice(piece);
        let mut input = &mut buffer[..];
        loop {
            match source.receive(&mut input, secs(1)) {
                Ok(Received::Item(item)) => {
                    shown.push(format!("{item:?} {:?}", source.last_event_id()));
                }
                Ok(Received::More | Received::Closed) => break,
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
    use eventwire::sse::OwnedDecoder;

    let options = EventSourceOptions::new().idle_timeout(secs(10)).last_event(LastEvent::Data("b"));
    let mut source = EventSource::owned(options);
    source.set_last_event_id(EventId::new("6").unwrap()).unwrap();
    assert!(source.request_headers().any(|header| header == ("last-event-id", b"6")));
    let mut early = Bytes::from("data: x\n\n");
    assert_eq!(source.receive(&mut early, secs(0)), Ok(Received::Closed));
    assert!(early.is_empty());
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    let data = |source: &mut EventSource<OwnedDecoder>, body: &'static str, now| match source
        .receive(&mut Bytes::from(body), now)
        .unwrap()
    {
        Received::Item(Item::Event(event)) => {
            Some(format!("{} {}", event.last_event_id, event.data))
        }
        received => {
            assert_eq!(received, Received::More);
            None
        }
    };
    assert_eq!(data(&mut source, "id: 7\ndata: a\n\n", secs(1)).as_deref(), Some("7 a"));
    assert_eq!(source.poll(secs(1)), Ok(EventSourceStep::Wait(Some(secs(11)))));
    assert_eq!(data(&mut source, "data: b\n: c", secs(2)), None);
    assert_eq!(
        source.poll(secs(2)),
        Ok(EventSourceStep::Wait(Some(secs(12)))),
        "the source was busy until then"
    );
    assert_eq!(data(&mut source, "omment\n", secs(3)), None);
    assert_eq!(source.poll(secs(3)), Ok(EventSourceStep::Wait(Some(secs(13)))));
    assert_eq!(source.network_error(Reset, secs(4)), lost(Cause::Network(Reset), secs(7)));
    source.poll(secs(7)).unwrap();
    source.response(200, [TYPE], secs(7)).unwrap();
    assert_eq!(data(&mut source, "\ndata: b\n", secs(8)), None, "held bytes are dropped");
    assert_eq!(data(&mut source, "\n", secs(8)).as_deref(), Some("7 b"));
    assert_eq!(source.ready_state(), ReadyState::Closed);
    assert_eq!(source.end(secs(9)), Ok(()));
    let mut late = BytesMut::from("data: x\n\n");
    assert_eq!(source.receive_buffer(&mut late, secs(9)), Ok(Received::Closed));
    assert!(late.is_empty());

    let decoder = OwnedDecoder::with_options(DecoderOptions::new().max_event(9));
    let mut source = EventSource::with_decoder(decoder, EventSourceOptions::new());
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    let mut buffer = BytesMut::from("data: x\n\ndata: 0123");
    assert!(matches!(source.receive_buffer(&mut buffer, secs(0)), Ok(Received::Item(_))));
    let limit = DecodeError::EventTooLong { limit: 9, offset: 18 };
    assert_eq!(source.receive_buffer(&mut buffer, secs(0)), failed(Cause::Decode(limit)));
    assert_eq!(source.ready_state(), ReadyState::Closed);
}

#[cfg(feature = "alloc")]
#[test]
fn owned_events_that_the_end_cuts_off() {
    use bytes::{Bytes, BytesMut};
    use eventwire::sse::OwnedDecoder;

    let body = "data: a\n\nid: 7\ndata: [DO\ndata: NE]\n";
    for (last, asked) in [(true, true), (true, false), (false, true), (false, false)] {
        for at in 0..=body.len() {
            for by_chunk in [true, false] {
                let decoder = OwnedDecoder::with_options(DecoderOptions::new().unfinished(asked));
                let mut options = EventSourceOptions::new();
                if last {
                    options = options.last_event(LastEvent::Data("[DO\nNE]"));
                }
                let mut source = EventSource::with_decoder(decoder, options);
                source.poll(secs(0)).unwrap();
                source.response(200, [TYPE], secs(0)).unwrap();
                let mut data = Vec::new();
                let mut buffer = BytesMut::new();
                for (piece, is_end) in [(&body[..at], false), (&body[at..], false), ("", true)] {
                    let mut chunk = Bytes::from(piece);
                    buffer.extend_from_slice(piece.as_bytes());
                    let mut receive = || match (by_chunk, is_end) {
                        (true, false) => source.receive(&mut chunk, secs(0)),
                        (true, true) => source.receive_eof(&mut chunk, secs(0)),
                        (false, false) => source.receive_buffer(&mut buffer, secs(0)),
                        (false, true) => source.receive_buffer_eof(&mut buffer, secs(0)),
                    };
                    while let Received::Item(Item::Event(event)) = receive().unwrap() {
                        data.push(event.data.to_string());
                    }
                }
                assert_eq!(data, ["a", "[DO\nNE]"][..=usize::from(asked)]);
                assert_eq!(source.last_event_id(), if asked { "7" } else { "" });
                let end = if last { Ok(()) } else { lost(Cause::Ended, secs(3)) };
                assert_eq!(source.end(secs(0)), end, "{last} {asked} {at} {by_chunk}");
            }
        }
    }
    // A source that takes chunks recognises a last event without a call of `receive_eof`.
    let options = EventSourceOptions::new().last_event(LastEvent::Data("[DONE]"));
    let mut source = EventSource::owned(options);
    source.poll(secs(0)).unwrap();
    source.response(200, [TYPE], secs(0)).unwrap();
    for piece in ["id: 1\nda", "ta: [DON", "E]"] {
        assert_eq!(source.receive(&mut Bytes::from(piece), secs(0)), Ok(Received::More));
    }
    assert_eq!((source.end(secs(0)), source.last_event_id()), (Ok(()), ""));
}
