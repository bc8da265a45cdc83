//! The same for many, each at its own pace.

use alloc::collections::VecDeque;
use core::time::Duration;

/// A bounded log of what is sent, which any number of subscribers read: each item is there once,
/// however many wait for it. `Fanout<Bytes>` takes encoded events, `Fanout<PreparedFrame>` frames, and
/// a struct of both serves both wires; [`sse::Replay`](crate::sse::Replay) adds ids and resumption.
///
/// A [`Subscriber`] is a place in the log. What it has not read yet is its queue, which the log's own
/// limits bound. One that reads too slowly takes neither memory nor anybody's time: it is told how
/// many items it [missed](Lagged). What follows from that is the policy, and yours: drop the
/// subscriber, or read on at the oldest item that there is.
///
/// It knows no tasks: after [`push`](Self::push) wake those who wait, all at once, as
/// `tokio::sync::Notify::notify_waiters` does. Time is a [`Duration`] since any fixed start, the same
/// for all calls.
///
/// Memory on 64-bit machines: what the [options](FanoutOptions) allow, by the lengths that are given;
/// for each item itself and 24 bytes, in a queue that grows by doubling; 8 bytes for each subscriber.
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
    /// The number of the first entry. They are counted from 0.
    first: u64,
    /// How long all entries are: no lengths overflow it.
    bytes: u128,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    item: T,
    len: usize,
    at: Duration,
}

/// How much a [`Fanout`] or [`sse::Replay`](crate::sse::Replay) holds. What goes past any of the
/// limits is dropped, the oldest first.
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
    /// The number of the item to read next.
    next: u64,
}

/// A subscriber fell behind: items are gone that it has not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("too slow: {missed} items missed")]
pub struct Lagged {
    /// How many, at least 1.
    pub missed: u64,
}

impl<T> Fanout<T> {
    /// An empty log.
    #[must_use]
    pub const fn new(options: FanoutOptions) -> Self {
        Self { options, entries: VecDeque::new(), first: 0, bytes: 0 }
    }

    /// Appends an item that takes `len` bytes, for all who have subscribed. The newest item is held
    /// however long it is.
    pub fn push(&mut self, item: T, len: usize, now: Duration) {
        self.push_dropping(item, len, now, drop);
    }

    /// As [`push`](Self::push); what is dropped for it is given to `dropped`.
    pub(crate) fn push_dropping(
        &mut self,
        item: T,
        len: usize,
        now: Duration,
        mut dropped: impl FnMut(T),
    ) {
        self.expire_dropping(now, &mut dropped);
        self.bytes += len as u128;
        // Before it is there, so that it takes no more room than that.
        let FanoutOptions { items, bytes, .. } = self.options;
        while !self.is_empty() && (self.len() >= items || self.bytes > bytes as u128) {
            self.pop(&mut dropped);
        }
        self.entries.push_back(Entry { item, len, at: now });
    }

    /// Drops what is older than [`max_age`](FanoutOptions::max_age), as each push does.
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

    /// A subscriber to what comes from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscriber {
        Subscriber::at(self.end())
    }

    /// A subscriber to all that is held, and what comes.
    #[must_use]
    pub const fn subscribe_from_oldest(&self) -> Subscriber {
        Subscriber::at(self.first)
    }

    /// The next item for this subscriber; `None` if it has read all. Takes constant time.
    ///
    /// # Errors
    /// If items were missed: said once, and the next call goes on behind them.
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

    /// How many items are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is held, the newest first, without so many of the newest.
    pub(crate) fn newest_first(&self, without: usize) -> impl Iterator<Item = &T> {
        let end = self.len().saturating_sub(without);
        self.entries.range(..end).rev().map(|entry| &entry.item)
    }

    fn get(&self, number: u64) -> Option<&T> {
        let at = usize::try_from(number - self.first).ok()?;
        Some(&self.entries.get(at)?.item)
    }

    /// The number of the item that will come next.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
}

impl FanoutOptions {
    /// 1,024.
    pub const DEFAULT_MAX_ITEMS: usize = 1024;
    /// 1 MiB.
    pub const DEFAULT_MAX_BYTES: usize = 1 << 20;

    /// The defaults, of any age.
    #[must_use]
    pub const fn new() -> Self {
        Self { items: Self::DEFAULT_MAX_ITEMS, bytes: Self::DEFAULT_MAX_BYTES, age: Duration::MAX }
    }

    /// Sets how many items are held, at least 1.
    #[must_use]
    pub const fn max_items(mut self, items: usize) -> Self {
        self.items = if items == 0 { 1 } else { items };
        self
    }

    /// Sets how many bytes of items are held, one item that is longer apart.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets how long items are held.
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
