//! [`Fanout`], a bounded log from which any number of subscribers read, each at its own pace.

use alloc::collections::VecDeque;
use core::time::Duration;

/// A bounded log of items to send, which any number of subscribers read. Each item is held once,
/// however many subscribers wait for it. `Fanout<Bytes>` holds encoded events,
/// `Fanout<PreparedFrame>` frames, and a struct of both serves both wires.
/// [`sse::Replay`](crate::sse::Replay) adds IDs and resumption.
///
/// A [`Subscriber`] is a place in the log. The items that it has not read yet are its queue, so the
/// log's own limits bound the queue. A subscriber that reads too slowly takes no memory and delays
/// nobody. It learns how many items it [missed](Lagged). You decide what to do then: drop the
/// subscriber, or continue at the oldest held item.
///
/// The log knows no tasks: after [`push`](Self::push), wake all waiting subscribers at once, as
/// `tokio::sync::Notify::notify_waiters` does. Time is a [`Duration`] since a fixed start, which is
/// the same for all calls.
///
/// Memory on 64-bit machines: as much as the [options](FanoutOptions) allow, by the lengths that
/// you pass; for each item its own size and 24 bytes, in a queue that grows by doubling; 8 bytes
/// for each subscriber.
///
/// ```
/// use eventwire::{Fanout, FanoutOptions, Lagged};
/// use std::time::Duration;
///
/// let now = Duration::ZERO;
/// let mut log = Fanout::new(FanoutOptions::new().max_items(2));
/// let (mut quick, mut slow) = (log.subscribe(), log.subscribe());
/// for item in ["a", "b", "c"] {
///     log.push(item, item.len(), now);
///     assert_eq!(log.next(&mut quick), Ok(Some(&item)));
/// }
/// assert_eq!(log.next(&mut slow), Err(Lagged { missed: 1 })); // drop it, or read on:
/// assert_eq!(log.next(&mut slow), Ok(Some(&"b")));
/// ```
#[derive(Clone, Debug)]
pub struct Fanout<T> {
    options: FanoutOptions,
    entries: VecDeque<Entry<T>>,
    /// The number of the first entry. Entries are counted from 0.
    first: u64,
    /// The total length of all entries, in a type that no lengths overflow.
    bytes: u128,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    item: T,
    len: usize,
    at: Duration,
}

/// The limits of a [`Fanout`] or [`sse::Replay`](crate::sse::Replay). When any limit is passed, the
/// oldest items are dropped.
///
/// ```
/// use eventwire::FanoutOptions;
/// use std::time::Duration;
///
/// let five_minutes = FanoutOptions::new().max_items(10_000).max_age(Duration::from_secs(300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanoutOptions {
    items: usize,
    bytes: usize,
    age: Duration,
}

/// A place in a [`Fanout`], from [`Fanout::subscribe`].
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// The number of the next item to read.
    next: u64,
}

/// The error of a subscriber that was too slow: items were dropped before it read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("too slow: {missed} items missed")]
pub struct Lagged {
    /// The number of missed items, at least 1.
    pub missed: u64,
}

impl<T> Fanout<T> {
    /// Creates an empty log.
    #[must_use]
    pub const fn new(options: FanoutOptions) -> Self {
        Self { options, entries: VecDeque::new(), first: 0, bytes: 0 }
    }

    /// Appends an item of `len` bytes for all current subscribers. The newest item is always held,
    /// even if it is longer than the limit.
    pub fn push(&mut self, item: T, len: usize, now: Duration) {
        self.push_dropping(item, len, now, drop);
    }

    /// Appends an item like [`push`](Self::push), and passes dropped items to `dropped`.
    pub(crate) fn push_dropping(
        &mut self,
        item: T,
        len: usize,
        now: Duration,
        mut dropped: impl FnMut(T),
    ) {
        self.expire_dropping(now, &mut dropped);
        self.bytes += len as u128;
        // Drop before appending, so that the queue does not grow for an item too many.
        let FanoutOptions { items, bytes, .. } = self.options;
        while !self.is_empty() && (self.len() >= items || self.bytes > bytes as u128) {
            self.pop(&mut dropped);
        }
        self.entries.push_back(Entry { item, len, at: now });
    }

    /// Drops items older than [`max_age`](FanoutOptions::max_age), as each push does.
    pub fn expire(&mut self, now: Duration) {
        self.expire_dropping(now, drop);
    }

    pub(crate) fn expire_dropping(&mut self, now: Duration, mut dropped: impl FnMut(T)) {
        while let Some(oldest) = self.entries.front()
            && now.saturating_sub(oldest.at) > self.options.age
        {
            self.pop(&mut dropped);
        }
    }

    fn pop(&mut self, dropped: &mut impl FnMut(T)) {
        if let Some(entry) = self.entries.pop_front() {
            self.first += 1;
            self.bytes -= entry.len as u128;
            dropped(entry.item);
        }
    }

    /// Creates a subscriber to everything from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscriber {
        Subscriber::at(self.end())
    }

    /// Creates a subscriber to all items that are held, and everything after them.
    #[must_use]
    pub const fn subscribe_from_oldest(&self) -> Subscriber {
        Subscriber::at(self.first)
    }

    /// Returns the next item for this subscriber, or `None` if it has read all. Takes constant
    /// time.
    ///
    /// # Errors
    /// If items were missed. This is reported once, and the next call continues after the missed
    /// items.
    pub fn next(&self, subscriber: &mut Subscriber) -> Result<Option<&T>, Lagged> {
        if subscriber.next < self.first {
            let missed = self.first - subscriber.next;
            subscriber.next = self.first;
            return Err(Lagged { missed });
        }
        let item = self.get(subscriber.next);
        subscriber.next += u64::from(item.is_some());
        Ok(item)
    }

    /// Returns the number of held items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether no items are held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the held items, the newest first, without the `without` newest ones.
    pub(crate) fn newest_first(&self, without: usize) -> impl Iterator<Item = &T> {
        let end = self.len().saturating_sub(without);
        self.entries.range(..end).rev().map(|entry| &entry.item)
    }

    fn get(&self, number: u64) -> Option<&T> {
        let at = usize::try_from(number - self.first).ok()?;
        Some(&self.entries.get(at)?.item)
    }

    /// Returns the number of the next item to be appended.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
}

impl FanoutOptions {
    /// The default of [`max_items`](Self::max_items): 1,024.
    pub const DEFAULT_MAX_ITEMS: usize = 1024;
    /// The default of [`max_bytes`](Self::max_bytes): 1 MiB.
    pub const DEFAULT_MAX_BYTES: usize = 1 << 20;

    /// Creates the default limits, with no limit on age.
    #[must_use]
    pub const fn new() -> Self {
        Self { items: Self::DEFAULT_MAX_ITEMS, bytes: Self::DEFAULT_MAX_BYTES, age: Duration::MAX }
    }

    /// Sets the maximum number of items held, at least 1.
    #[must_use]
    pub const fn max_items(mut self, items: usize) -> Self {
        self.items = if items == 0 { 1 } else { items };
        self
    }

    /// Sets the maximum number of bytes held. A single item may be longer.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets the maximum age of items held.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }
}

impl Default for FanoutOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl Subscriber {
    pub(crate) const fn at(number: u64) -> Self {
        Self { next: number }
    }

    pub(crate) const fn place(&self) -> u64 {
        self.next
    }
}
