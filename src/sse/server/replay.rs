//! What was sent, for those who come back.

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

/// How many ids of dropped events are remembered. Assigned ids need none: their number tells.
const REMEMBERED: usize = 1024;

/// A bounded history of encoded events, which clients read as it grows and resume by their last event
/// ID (WHATWG HTML, 9.2.4, the server's side): a [`Fanout`] with ids.
///
/// `T` is what an event was encoded to, once for all: [`Bytes`], or a struct of what each wire needs.
///
/// A client that connects without a [`Last-Event-ID`](crate::sse::LAST_EVENT_ID) is
/// [subscribed](Self::subscribe) to what comes; one that has it goes on [since](Self::since) then,
/// with no event lost and none twice. It knows no tasks: after a push wake all who wait. Time is a
/// [`Duration`] since any fixed start, the same for all calls.
///
/// An id is that of the server's run and a number: `9f31c22a07e4b5d8-42`. So the ids of a run that is
/// over, of another server and of nobody are [`Unknown`](Resume::Unknown), and never stand for an event
/// that they were not given to.
///
/// Memory on 64-bit machines: for each event what it was encoded to, its id, and 136 bytes if that is
/// [`Bytes`], in a queue that grows by doubling; the ids of the last 1,024 events that were dropped; 16
/// bytes for each subscription.
///
/// ```
/// use eventwire::FanoutOptions;
/// use eventwire::sse::{EventBuilder, Replay, Resume};
/// use std::time::Duration;
///
/// let now = Duration::ZERO; // since a start of yours
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
    /// The ids of the events that were dropped last, the latest at the end.
    dropped: VecDeque<Utf8Bytes>,
    /// What stands before the numbers in ids that we assign.
    prefix: String,
    /// The number of the first event without an id of the caller's.
    first: u64,
    /// The number of the next one.
    next: u64,
    /// Some event had an id of the caller's.
    ids_given: bool,
}

#[derive(Clone, Debug)]
struct Recorded<T> {
    /// `None`: it is for those alone who are there.
    id: Option<Utf8Bytes>,
    item: T,
}

/// A client's place in a [`Replay`].
#[derive(Clone, Debug)]
pub struct Subscription {
    subscriber: Subscriber,
    /// What has no id and came before this is not for it.
    live_from: u64,
}

/// What a last event ID stands for, by [`Replay::since`].
#[derive(Clone, Debug)]
pub enum Resume {
    /// All that followed it is held: the client goes on here.
    Here(Subscription),
    /// No event of this run had it, or it was an id of the caller's and its event dropped long ago. It
    /// may be of an earlier run of the server: then all that [is held](Replay::subscribe_from_oldest)
    /// came since.
    Unknown,
    /// Its event was sent, but what followed is gone in part. The client missed something: give it
    /// the whole state again, or tell it.
    Expired,
}

impl Replay {
    /// Encodes an event, gives it an id if it has none, and appends it; returns the id.
    pub fn push(&mut self, message: &EventBuilder<'_>, now: Duration) -> Utf8Bytes {
        self.push_with(message.set_id(), now, |id| {
            let bytes = message.id(id).to_bytes();
            let len = bytes.len();
            (bytes, len)
        })
    }
}

impl<T> Replay<T> {
    /// An empty history of a run of the server, which is a number that no earlier run had: a random
    /// one, or the Unix time in milliseconds where there is no randomness and the clock is never set
    /// back.
    ///
    /// Events without an id of their own get one of this number and their own, from 1 on: an event is
    /// `19ad3c6c2a0-1` in the run 1,764,489,609,888. Every client sees both numbers.
    ///
    /// **A constant is wrong**: the next run of the server would give the same ids to other events, and
    /// clients that come back would miss events unnoticed.
    #[must_use]
    pub fn new(options: FanoutOptions, run: u64) -> Self {
        Self { prefix: format!("{run:x}-"), ..Self::numbered_from(options, 1) }
    }

    /// An empty history that says nothing of a run: events without an id of their own are numbered
    /// from `first`, so that their ids are `1`, `2`, `3`.
    ///
    /// **Who comes back after a restart loses events unnoticed** if the numbers of the next run begin
    /// anew, as an id of the run before then stands for another event. Use this where nobody comes back
    /// after a restart, or where `first` is the number behind the last one of the run before, out of a
    /// store.
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

    /// Appends what `encode` makes of an event with this id, or with an assigned one if it has none,
    /// and the length that this takes; returns the id. If `encode` panics nothing was appended.
    ///
    /// Ids are to be unique. An event with the empty id, which resets the client's, is replayed to
    /// those behind whom it came, but nobody can resume from it.
    pub fn push_with(
        &mut self,
        id: Option<EventId<'_>>,
        now: Duration,
        encode: impl FnOnce(EventId<'_>) -> (T, usize),
    ) -> Utf8Bytes {
        let is_given = id.is_some();
        let id = id.map_or_else(|| self.next_id(), |id| id.as_str().into());
        let (item, len) = encode(EventId::known(&id));
        // Not before: a number that no event has would be taken for one that is gone.
        self.ids_given |= is_given;
        self.next = self.next.wrapping_add(u64::from(!is_given));
        self.append(Some(id.clone()), item, len, now);
        id
    }

    /// Appends something of this length for those alone who are subscribed, such as a comment or a
    /// state that the next one replaces: who resumes does not get it, as it has no id.
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

    /// Drops what is older than [`max_age`](FanoutOptions::max_age), as each push does.
    pub fn expire(&mut self, now: Duration) {
        let Self { log, dropped, .. } = self;
        log.expire_dropping(now, |recorded| remember(dropped, recorded));
    }

    /// A subscription to what comes from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        self.from(self.log.subscribe())
    }

    /// A subscription to all events that are held, and what comes.
    #[must_use]
    pub fn subscribe_from_oldest(&self) -> Subscription {
        self.from(self.log.subscribe_from_oldest())
    }

    /// Where a client goes on that comes back with this last event ID: the value of its
    /// [`Last-Event-ID`](crate::sse::LAST_EVENT_ID) header, text or bytes, such as an `http::HeaderValue`.
    ///
    /// An assigned id is found at once, past any later items that are
    /// [transient](Self::push_transient) or have an id of the caller's. For an id of the caller's it looks from the newest event back, so that it takes
    /// as long as the client was away. Any other text takes constant time, unless some events had ids of
    /// the caller's: then it looks at all that is held.
    pub fn since(&mut self, last_event_id: impl AsRef<[u8]>, now: Duration) -> Resume {
        self.expire(now);
        let last_event_id = last_event_id.as_ref();
        let number = self.assigned_number(last_event_id);
        if last_event_id.is_empty() || number.is_none() && !self.ids_given {
            return Resume::Unknown;
        }
        // So many events came after it, at least.
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

    /// The number in an id that we assigned.
    fn assigned_number(&self, id: &[u8]) -> Option<u64> {
        let digits = id.strip_prefix(self.prefix.as_bytes())?;
        let number = core::str::from_utf8(digits).ok()?.parse().ok()?;
        let is_it = decimal(number, &mut [0; 20]) == digits;
        let was_assigned = number.wrapping_sub(self.first) < self.next.wrapping_sub(self.first);
        (is_it && was_assigned).then_some(number)
    }

    /// The next event for this client; `None` if it has all. Takes constant time, but for what
    /// [`push_transient`](Self::push_transient) gave to others.
    ///
    /// # Errors
    /// If it was too slow and missed events: drop the client, who will come back and find out by
    /// [`since`](Self::since) what can be done; or call again, which goes on behind them. What was
    /// transient counts as well, as nobody knows what was dropped.
    pub fn next(&self, subscription: &mut Subscription) -> Result<Option<&T>, Lagged> {
        loop {
            let place = subscription.subscriber.place();
            match self.log.next(&mut subscription.subscriber)? {
                Some(event) if event.id.is_none() && place < subscription.live_from => {}
                event => return Ok(event.map(|event| &event.item)),
            }
        }
    }

    /// The id of the last event, with which a snapshot of the state that it brought about is to be
    /// sent: who has that goes on behind this event. Empty if there was none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        let held = self.log.newest_first(0).find_map(|event| event.id.as_deref());
        held.or(self.dropped.back().map(|id| &**id)).unwrap_or_default()
    }

    /// How many events are held, with what was [transient](Self::push_transient) between them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.log.len()
    }

    /// Whether nothing is held.
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
