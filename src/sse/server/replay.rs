//! [`Replay`], the history of an event stream, from which clients resume after a reconnect.
//!
//! # Advice for changing it
//!
//! * An ID must never be taken for an event that it was not assigned to. So an assigned ID carries
//!   the run, and `assigned_number` accepts a number only in its canonical form and only if this
//!   run has assigned it.
//! * `since` relies on numbers growing by one with each assigned event. Items that are transient or
//!   have an ID of the caller's may come in between, so the distance between two numbers is only a
//!   lower bound of the distance in the log.
//! * `dropped` keeps IDs in the order in which their events were dropped, the latest at the end.
//!   Only a client with the very last of them has missed nothing.

use crate::sink::decimal;
use crate::sse::encode::EventBuilder;
use crate::sse::event_id::EventId;
use crate::{Fanout, FanoutOptions, Lagged, Subscriber, Utf8Bytes};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

/// The number of IDs of dropped events that are remembered. Assigned IDs would not need it, because
/// their numbers say enough.
const REMEMBERED: usize = 1024;

/// A bounded history of encoded events. Clients read it as it grows, and resume by their last event
/// ID (the server's side of [WHATWG HTML, 9.2.4]). It is a [`Fanout`] with IDs.
///
/// `T` is the encoded form of an event, made once for all clients: [`Bytes`], or a struct with one
/// form for each wire.
///
/// A client that connects without a [`Last-Event-ID`](crate::sse::header::LAST_EVENT_ID) is
/// [subscribed](Self::subscribe) to coming events. A client that sends one continues after that
/// event ([`since`](Self::since)), without losing an event or receiving one twice. A `Replay` knows
/// no tasks: after a push, wake all clients that wait. Time is a [`Duration`] since any fixed
/// start, the same for all calls.
///
/// An ID consists of the server's run and a number: `9f31c22a07e4b5d8-42`. So an ID of an earlier
/// run, of another server or of no server at all is [`Unknown`](Resume::Unknown), and never matches
/// an event that it was not assigned to.
///
/// Memory on 64-bit machines: for each event its encoded form, its ID, and 136 bytes if the form is
/// [`Bytes`], in a queue that grows by doubling; the IDs of the last 1,024 events that were
/// dropped; 16 bytes for each subscription.
///
/// [WHATWG HTML, 9.2.4]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header
///
/// ```
/// use eventwire::FanoutOptions;
/// use eventwire::sse::{EventBuilder, Replay, Resume};
/// use std::time::Duration;
///
/// let now = Duration::ZERO; // since a fixed start
/// let mut replay = Replay::new(FanoutOptions::new().max_items(2), rand::random());
/// let ids = ["a", "b", "c", "d"].map(|data| replay.push(&EventBuilder::new().data(data), now));
///
/// if let Resume::Here(mut subscription) = replay.since(&ids[2], now) {
///     let block = replay.next(&mut subscription)?;
///     assert_eq!(block, Some(&format!("id: {}\ndata: d\n\n", ids[3]).into()));
///     assert_eq!(replay.next(&mut subscription)?, None); // wait
/// }
/// assert!(matches!(replay.since(&ids[2], now), Resume::Here(_)));
/// assert!(matches!(replay.since(&ids[0], now), Resume::Expired)); // "b" is gone
///
/// // The server is started again.
/// let mut replay = Replay::<bytes::Bytes>::new(FanoutOptions::new(), rand::random());
/// assert!(matches!(replay.since(&ids[2], now), Resume::Unknown));
/// # Ok::<(), eventwire::Lagged>(())
/// ```
#[derive(Clone, Debug)]
pub struct Replay<T = Bytes> {
    log: Fanout<Recorded<T>>,
    /// The IDs of the events that were dropped last, the latest at the end.
    dropped: VecDeque<Utf8Bytes>,
    /// The part of assigned IDs before the number.
    prefix: String,
    /// The number of the first event with an assigned ID.
    first: u64,
    /// The number of the next event with an assigned ID.
    next: u64,
    /// Whether any event had an ID of the caller's.
    ids_given: bool,
}

#[derive(Clone, Debug)]
struct Recorded<T> {
    /// `None` for an item that is only for clients subscribed when it was pushed.
    id: Option<Utf8Bytes>,
    item: T,
}

/// A client's place in a [`Replay`].
#[derive(Clone, Debug)]
pub struct Subscription {
    subscriber: Subscriber,
    /// Items without an ID before this place are not for this client.
    live_from: u64,
}

/// The meaning of a last event ID, from [`Replay::since`].
#[derive(Clone, Debug)]
pub enum Resume {
    /// Every later event is held, and the client continues here.
    Here(Subscription),
    /// The ID was never used in this run, or it was an ID of the caller's whose event was dropped
    /// too long ago to be remembered. It may come from an earlier run of the server. In that case
    /// all events that [are held](Replay::subscribe_from_oldest) are newer.
    Unknown,
    /// The ID's event was sent, but some of the later events were dropped. The client has missed
    /// events: send it the whole state again, or tell it.
    Expired,
}

impl Replay {
    /// Encodes an event, assigns it an ID if it has none, and appends it. Returns the ID.
    pub fn push(&mut self, message: &EventBuilder<'_>, now: Duration) -> Utf8Bytes {
        self.push_with(message.get_id(), now, |id| {
            let bytes = message.with_id(id).to_bytes();
            let len = bytes.len();
            (bytes, len)
        })
    }
}

impl<T> Replay<T> {
    /// Creates an empty history of a run of the server. The `run` is a number that no earlier run
    /// had: a random one or, without a source of randomness, the Unix time in milliseconds,
    /// provided that the clock is never set back.
    ///
    /// Events without an ID of their own get one of the run and their number, counted from 1. In
    /// the run 1,764,489,609,888 the first event is `19ad3c6c2a0-1`. Every client sees both
    /// numbers.
    ///
    /// **A constant is wrong**: the server's next run would assign the same IDs to other events,
    /// and clients that reconnect would miss events without noticing.
    #[must_use]
    pub fn new(options: FanoutOptions, run: u64) -> Self {
        Self { prefix: format!("{run:x}-"), ..Self::numbered_from(options, 1) }
    }

    /// Creates an empty history without a run. Events without an ID of their own are numbered from
    /// `first`, so that their IDs are `1`, `2`, `3`.
    ///
    /// **Clients that reconnect after a restart lose events without noticing** if the numbers of
    /// the next run start again, because an ID of the previous run then matches another event. Use
    /// this only if no client reconnects after a restart, or if `first` comes from a store and
    /// follows the last number of the previous run.
    #[must_use]
    pub const fn numbered_from(options: FanoutOptions, first: u64) -> Self {
        Self {
            log: Fanout::new(options),
            dropped: VecDeque::new(),
            prefix: String::new(),
            first,
            next: first,
            ids_given: false,
        }
    }

    /// Appends an event that `encode` makes. `encode` is given the event's ID, or an assigned one
    /// if it has none, and returns the encoded form and its length. Returns the ID. If `encode`
    /// panics, nothing is appended.
    ///
    /// IDs must be unique. An event with the empty ID, which resets the client's, is replayed to
    /// clients that resume from an earlier event, but no client can resume from it.
    pub fn push_with(
        &mut self,
        id: Option<EventId<'_>>,
        now: Duration,
        encode: impl FnOnce(EventId<'_>) -> (T, usize),
    ) -> Utf8Bytes {
        let is_given = id.is_some();
        let id = id.map_or_else(|| self.next_id(), |id| id.as_str().into());
        let (item, len) = encode(EventId::known(&id));
        // Not before `encode`: a number that no event has would look like that of a dropped event.
        self.ids_given |= is_given;
        self.next = self.next.wrapping_add(u64::from(!is_given));
        self.append(Some(id.clone()), item, len, now);
        id
    }

    /// Appends an item of this length for current subscribers only, such as a comment, or a state
    /// that the next one replaces. It has no ID, so clients that resume do not get it.
    pub fn push_transient(&mut self, item: T, len: usize, now: Duration) {
        self.append(None, item, len, now);
    }

    fn append(&mut self, id: Option<Utf8Bytes>, item: T, len: usize, now: Duration) {
        let Self { log, dropped, .. } = self;
        log.push_dropping(Recorded { id, item }, len, now, |recorded| remember(dropped, recorded));
    }

    fn next_id(&self) -> Utf8Bytes {
        let mut digits = [0; 20];
        let digits = decimal(self.next, &mut digits);
        let mut id = Vec::with_capacity(self.prefix.len() + digits.len());
        id.extend_from_slice(self.prefix.as_bytes());
        id.extend_from_slice(digits);
        Utf8Bytes::from_valid(id.into())
    }

    /// Drops items older than [`max_age`](FanoutOptions::max_age), as each push does.
    pub fn expire(&mut self, now: Duration) {
        let Self { log, dropped, .. } = self;
        log.expire_dropping(now, |recorded| remember(dropped, recorded));
    }

    /// Creates a subscription to everything from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        self.from(self.log.subscribe())
    }

    /// Creates a subscription to all events that are held, and everything after them.
    #[must_use]
    pub fn subscribe_from_oldest(&self) -> Subscription {
        self.from(self.log.subscribe_from_oldest())
    }

    /// Returns where a client continues that reconnects with this last event ID. `last_event_id` is
    /// the value of its [`Last-Event-ID`](crate::sse::header::LAST_EVENT_ID) header, as text or
    /// bytes, for example an `http::HeaderValue`.
    ///
    /// The time that this takes depends on the ID:
    ///
    /// * An assigned ID is found at once, apart from any later items that are
    ///   [transient](Self::push_transient) or have an ID of the caller's, which are searched.
    /// * An ID of the caller's is searched from the newest event backwards, so the search takes
    ///   longer the longer the client was away.
    /// * Any other text takes constant time, unless some events had IDs of the caller's. Then
    ///   everything held is searched.
    pub fn since(&mut self, last_event_id: impl AsRef<[u8]>, now: Duration) -> Resume {
        self.expire(now);
        let last_event_id = last_event_id.as_ref();
        let number = self.assigned_number(last_event_id);
        if last_event_id.is_empty() || number.is_none() && !self.ids_given {
            return Resume::Unknown;
        }
        // At least this many events came after it.
        let newer = number.map_or(0, |number| self.next.wrapping_sub(number) - 1);
        let newer = usize::try_from(newer).unwrap_or(usize::MAX);
        let is_it = |id: &Utf8Bytes| id.as_bytes() == last_event_id;
        let mut held = self.log.newest_first(newer);
        if let Some(behind) = held.position(|event| event.id.as_ref().is_some_and(is_it)) {
            let place = self.log.end() - (newer + behind) as u64;
            return Resume::Here(self.from(Subscriber::at(place)));
        }
        match self.dropped.iter().rev().position(is_it) {
            Some(0) => Resume::Here(self.subscribe_from_oldest()),
            Some(_) => Resume::Expired,
            None if number.is_some() => Resume::Expired,
            None => Resume::Unknown,
        }
    }

    /// Returns the number in an ID that this history assigned.
    fn assigned_number(&self, id: &[u8]) -> Option<u64> {
        let digits = id.strip_prefix(self.prefix.as_bytes())?;
        let number = core::str::from_utf8(digits).ok()?.parse().ok()?;
        let is_it = decimal(number, &mut [0; 20]) == digits;
        let was_assigned = number.wrapping_sub(self.first) < self.next.wrapping_sub(self.first);
        (is_it && was_assigned).then_some(number)
    }

    /// Returns the next event for this client, or `None` if the client has all. Takes constant
    /// time, apart from [transient](Self::push_transient) items for other clients, which are passed
    /// over.
    ///
    /// # Errors
    /// If the client was too slow and missed events. Either drop the client, which will reconnect
    /// and resume with [`since`](Self::since) as far as possible, or call again, which continues
    /// after the missed events. Transient items count as missed events too, because the kinds of
    /// the dropped items are not remembered.
    pub fn next(&self, subscription: &mut Subscription) -> Result<Option<&T>, Lagged> {
        loop {
            let place = subscription.subscriber.place();
            match self.log.next(&mut subscription.subscriber)? {
                Some(event) if event.id.is_none() && place < subscription.live_from => {}
                event => return Ok(event.map(|event| &event.item)),
            }
        }
    }

    /// Returns the ID of the last event, or an empty text if there was none. Send it with a
    /// snapshot of the state that this event led to: a client that has the ID continues after the
    /// event.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        let held = self.log.newest_first(0).find_map(|event| event.id.as_deref());
        held.or(self.dropped.back().map(|id| &**id)).unwrap_or_default()
    }

    /// Returns the number of held events, including [transient](Self::push_transient) items between
    /// them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.log.len()
    }

    /// Returns whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    fn from(&self, subscriber: Subscriber) -> Subscription {
        Subscription { subscriber, live_from: self.log.end() }
    }
}

fn remember<T>(dropped: &mut VecDeque<Utf8Bytes>, recorded: Recorded<T>) {
    let Some(id) = recorded.id else { return };
    if dropped.len() == REMEMBERED {
        dropped.pop_front();
    }
    dropped.push_back(id);
}
