//! The client under random calls in any order: rules that always hold.

use eventwire::Backoff;
use eventwire::sse::decode::{InlineId, OnLimit};
use eventwire::sse::{
    DecodeError, Decoder, DecoderOptions, EventSource, EventSourceError, EventSourceErrorCause,
    EventSourceOptions, EventSourceStep, Item, LastEvent, ReadyState, Received,
};
use proptest::prelude::*;
use std::time::Duration;

const CEILING: Duration = Duration::from_secs(20);
/// The ceiling of the waits if no backoff is set.
const LEAST_WAITS_CEILING: Duration = Duration::from_secs(60);
const MAX_RETRY_AFTER: Duration = Duration::from_secs(40);

#[derive(Clone, Debug)]
enum Op {
    Poll,
    /// Moves the clock by milliseconds. A large negative number moves it to 0.
    Jump(i64),
    /// Moves the clock to the time that `poll` returned.
    Deadline,
    Response(u16, Option<&'static str>, Option<u64>),
    /// Receives this many bytes of the stream.
    Body(usize),
    /// Ends the body. With `true`, the end is read first.
    End(bool),
    NetworkError,
    Aborted,
    Close,
}

fn op() -> impl Strategy<Value = Op> {
    let status = prop_oneof![
        8 => Just(200),
        1 => Just(503),
        1 => proptest::sample::select(vec![204, 404])
    ];
    let content_type = prop_oneof![
        1 => Just(None),
        1 => Just(Some("text/html")),
        14 => Just(Some("text/event-stream")),
    ];
    let retry_after = proptest::option::of(0..=MAX_RETRY_AFTER.as_secs());
    prop_oneof![
        8 => Just(Op::Poll),
        3 => prop_oneof![0..20_000_i64, -5000..0_i64, Just(i64::MIN), Just(i64::MAX)]
            .prop_map(Op::Jump),
        6 => Just(Op::Deadline),
        8 => (status, content_type, retry_after).prop_map(|(s, c, r)| Op::Response(s, c, r)),
        16 => (0..60_usize).prop_map(Op::Body),
        2 => any::<bool>().prop_map(Op::End),
        2 => Just(Op::NetworkError),
        1 => prop_oneof![9 => Just(Op::Poll), 1 => Just(Op::Aborted), 1 => Just(Op::Close)],
    ]
}

/// Generates bytes that servers send, and now and then bytes that they do not.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::sample::select(vec![
        "id: 1\nevent: tick\ndata: {\"n\":1}\n\n",
        "id: 17-0\r\ndata: one\r\ndata: two\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"gr\u{FC}n\"}}]}\n\n",
        "event: content_block_delta\ndata: {}\n\n",
        ": keep-alive\n\n",
        ":\n",
        "retry: 1500\n\n",
        "retry: 0\n\n",
        "{\"error\": 1}\n",
        "retry: 99999999999999999999\n",
        "id\ndata\n\n",
        "id: an id that does not fit\ndata: x\n\n",
        "data: a line of more than sixty bytes, which is the limit on events here\n\n",
        "data: [DONE]\n\n",
        "\u{FEFF}",
        "unknown: field\n",
        "\n",
        "\r",
    ]);
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

fn options() -> impl Strategy<Value = EventSourceOptions> {
    let timeout = || proptest::option::of((1..9_u64).prop_map(Duration::from_secs));
    let last_event = prop_oneof![
        2 => Just(None),
        1 => Just(Some(LastEvent::Data("[DONE]"))),
        1 => Just(Some(LastEvent::EventType("content_block_delta"))),
    ];
    let timeouts = (timeout(), timeout());
    let method = prop_oneof![9 => Just("GET"), 1 => Just("POST")];
    (timeouts, last_event, method).prop_map(
        |((idle_timeout, response_timeout), last_event, method)| {
            let mut options = EventSourceOptions::new().retry_statuses(&[503]).method(method);
            if let Some(timeout) = idle_timeout {
                options = options.idle_timeout(timeout);
            }
            if let Some(timeout) = response_timeout {
                options = options.response_timeout(timeout);
            }
            if let Some(last) = last_event {
                options = options.last_event(last);
            }
            options
        },
    )
}

struct Client {
    source: EventSource<Decoder<InlineId<8>>>,
    now: Duration,
    /// The bytes that the decoder left.
    buffer: Vec<u8>,
    deadline: Option<Duration>,
    /// Whether a request was asked for and has not failed.
    under_way: bool,
    /// The id of the last item that had one.
    last_event_id: String,
    has_backoff: bool,
    brought_event: bool,
}

impl Client {
    /// Checks an error: there is one for each request, it matches the state, and it keeps to the
    /// waits.
    fn check(&mut self, result: Result<(), EventSourceError>, retry_after: Duration) {
        let Err(error) = result else { return };
        let brought_event = std::mem::take(&mut self.brought_event);
        assert!(std::mem::take(&mut self.under_way), "an error without a request: {error}");
        self.buffer.clear();
        match error.reconnect_at {
            None => assert_eq!(self.source.ready_state(), ReadyState::Closed),
            Some(at) => {
                assert_eq!(self.source.ready_state(), ReadyState::Connecting);
                let wait = self.source.reconnection_time();
                assert!(at >= self.now.saturating_add(wait));
                let longest = wait.max(retry_after).max(LEAST_WAITS_CEILING) + CEILING;
                assert!(at <= self.now.saturating_add(longest));
                let due = brought_event && error.cause == EventSourceErrorCause::Ended;
                if !due && !self.has_backoff {
                    let least = self.now.saturating_add(Duration::from_secs(1));
                    assert!(at >= least, "a hot loop: {error}");
                }
            }
        }
    }

    fn poll(&mut self) {
        let was_open = self.source.ready_state() == ReadyState::Open;
        self.deadline = None;
        match self.source.poll(self.now) {
            Ok(EventSourceStep::Connect) => {
                assert!(!std::mem::replace(&mut self.under_way, true), "connected twice");
                assert!(matches!(self.source.poll(self.now), Ok(EventSourceStep::Wait(Some(_)))));
            }
            Ok(EventSourceStep::Wait(until)) => {
                let is_later = |until| until > self.now || until == Duration::MAX;
                assert!(until.is_none_or(is_later), "the time to wait for has come");
                // At the largest time every call is late.
                if self.now < Duration::MAX {
                    assert_eq!(self.source.poll(self.now), Ok(EventSourceStep::Wait(until)));
                }
                self.deadline = until;
            }
            Ok(EventSourceStep::Closed) => {
                assert_eq!(self.source.ready_state(), ReadyState::Closed);
            }
            Err(error) => {
                let cause = if was_open {
                    EventSourceErrorCause::Idle
                } else {
                    EventSourceErrorCause::NoResponse
                };
                assert_eq!(error.cause, cause);
                self.check(Err(error), Duration::ZERO);
            }
        }
    }

    fn receive(&mut self, bytes: &[u8], is_end: bool) {
        let was_open = self.source.ready_state() == ReadyState::Open;
        self.buffer.extend_from_slice(bytes);
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut input = &mut buffer[..];
        loop {
            let is_open = self.source.ready_state() == ReadyState::Open;
            let received = if is_end {
                self.source.receive_eof(&mut input, self.now)
            } else {
                self.source.receive(&mut input, self.now)
            };
            let item = match received {
                Ok(Received::Item(item)) => item,
                Ok(Received::More) => {
                    assert!(is_open && (!is_end || input.is_empty()));
                    break;
                }
                Ok(Received::Closed) => {
                    assert_ne!(self.source.ready_state(), ReadyState::Open);
                    break;
                }
                Err(error) => {
                    let cause = error.cause;
                    let misuse = matches!(
                        cause,
                        EventSourceErrorCause::Decode(DecodeError::InputShrunk { .. })
                    );
                    assert!(!misuse && matches!(cause, EventSourceErrorCause::Decode(_)));
                    assert_eq!(error.reconnect_at, None);
                    self.check(Err(error), Duration::ZERO);
                    return;
                }
            };
            assert!(is_open, "an item out of turn: {item:?}");
            match item {
                Item::Event(event) => {
                    self.brought_event = true;
                    if let Some(id) = event.id {
                        self.last_event_id = id.to_string();
                    }
                }
                Item::Block(block) => {
                    if let Some(id) = block.id {
                        self.last_event_id = id.to_string();
                    }
                }
                Item::Comment(_) | Item::Unknown(_) => {}
                // The item's id counts if it was complete.
                _ => self.last_event_id = self.source.last_event_id().to_owned(),
            }
            assert_eq!(self.source.last_event_id(), self.last_event_id);
        }
        if self.source.ready_state() != ReadyState::Open {
            assert!(input.is_empty(), "unwanted input is dropped");
            if was_open {
                self.under_way = false;
            }
        }
        self.buffer = input.to_vec();
    }

    fn run(&mut self, op: &Op, stream: &mut (impl Iterator<Item = u8> + ?Sized)) {
        let before = (self.source.ready_state(), self.source.reconnection_time());
        let mut retry_after = Duration::ZERO;
        let result = match *op {
            Op::Poll => {
                self.poll();
                Ok(())
            }
            Op::Jump(millis) => {
                let jump = Duration::from_millis(millis.unsigned_abs());
                self.now = if millis < 0 {
                    self.now.saturating_sub(jump)
                } else {
                    self.now.saturating_add(jump)
                };
                Ok(())
            }
            Op::Deadline => {
                self.poll();
                if let Some(deadline) = self.deadline {
                    self.now = deadline;
                    self.poll();
                }
                Ok(())
            }
            Op::Response(status, content_type, after) => {
                let after_text = after.map(|seconds| seconds.to_string());
                let headers = content_type.map(|value| ("content-type", value));
                let after_header = after_text.as_deref().map(|value| ("retry-after", value));
                retry_after = Duration::from_secs(after.unwrap_or_default());
                let headers = headers.into_iter().chain(after_header);
                self.source.response(status, headers, self.now)
            }
            Op::Body(count) => {
                let bytes: Vec<_> = stream.take(count).collect();
                self.receive(&bytes, false);
                Ok(())
            }
            Op::End(read) => {
                if read {
                    self.receive(b"", true);
                }
                self.source.end(self.now)
            }
            Op::NetworkError => self.source.network_error((), self.now).map_err(|error| {
                assert_eq!(error.cause, EventSourceErrorCause::Network(()));
                // The network's error does not matter here.
                let reconnect_at = error.reconnect_at;
                EventSourceError { cause: EventSourceErrorCause::Aborted, reconnect_at }
            }),
            Op::Aborted => self.source.aborted(),
            Op::Close => {
                self.source.close();
                self.under_way = false;
                Ok(())
            }
        };
        assert!(result.is_ok() || before.0 != ReadyState::Closed, "an error after closing");
        self.check(result, retry_after);
        if before.0 == ReadyState::Closed {
            assert_eq!(self.source.ready_state(), ReadyState::Closed, "a closed source reopened");
        }
        if self.source.ready_state() == ReadyState::Open {
            assert!(self.under_way, "open without a request");
        }
        assert_eq!(self.source.last_event_id(), self.last_event_id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn whatever_happens(
        options in options(),
        backoff in proptest::option::of((any::<u64>(), 1..9_u32)),
        [skip, show, unfinished] in any::<[bool; 3]>(),
        start in prop_oneof![Just(0), 0..100_000_u64, Just(u64::MAX)],
        ops in proptest::collection::vec(op(), 0..80),
        stream in stream(),
    ) {
        let policy = if skip { OnLimit::Skip } else { OnLimit::Error };
        // Ids of blocks are visible only if blocks are shown.
        let limits = DecoderOptions::new().max_event(60).on_limit(policy).blocks(true).comments(show);
        let limits = limits.unknown_lines(show).unfinished(unfinished);
        let has_backoff = backoff.is_some();
        let options = backoff.into_iter().fold(options, |options, (seed, attempts)| {
            let backoff = Backoff::new(Duration::from_secs(1), CEILING, seed);
            options.backoff(backoff.max_attempts(attempts))
        });
        let decoder = Decoder::with_storage(limits, InlineId::<8>::new());
        let mut client = Client {
            source: EventSource::with_decoder(decoder, options),
            now: Duration::from_secs(start),
            buffer: Vec::new(),
            deadline: None,
            under_way: false,
            last_event_id: String::new(),
            has_backoff,
            brought_event: false,
        };
        let mut stream = stream.into_iter().cycle();
        for op in &ops {
            client.run(op, &mut stream);
        }
    }
}
