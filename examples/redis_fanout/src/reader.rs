//! What takes each entry from Redis to the local history, in order.

use crate::events::reset;
use crate::store::{self, Entry, PAGE, Store};
use eventwire::Backoff;
use eventwire_tokio::hub::Hub;
use redis::{RedisError, RedisResult};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between attempts to reach Redis.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Reads for as long as it is polled, through any number of connections.
pub(crate) async fn run(store: &Store, hub: &Hub, history: usize) {
    let mut reader = Reader { store, hub, history, last: None, away: false };
    let mut backoff = Backoff::new(WAITS.0, WAITS.1, rand::random());
    loop {
        let start = Instant::now();
        let Err(error) = reader.read().await;
        store.set_redis(None);
        reader.left(&error);
        backoff.connection_lasted(start.elapsed());
        sleep(backoff.next_wait().expect("any number")).await;
    }
}

struct Reader<'s> {
    store: &'s Store,
    hub: &'s Hub,
    history: usize,
    /// The id of the last entry that was published here.
    last: Option<String>,
    /// Whether it was said that Redis is.
    away: bool,
}

impl Reader<'_> {
    /// Reads until Redis is away.
    async fn read(&mut self) -> RedisResult<Infallible> {
        let (mut requests, mut waits) = self.store.connect().await?;
        if self.last.is_none() {
            for entry in store::newest(&mut requests, self.history).await? {
                self.publish(entry, false);
            }
        }
        loop {
            // Through the connection that requests use: if that is dead, it is found out here.
            let page = store::behind(&mut requests, self.last.as_deref()).await?;
            let all = page.entries.len() < PAGE;
            for (n, entry) in page.entries.into_iter().enumerate() {
                self.publish(entry, n == 0 && !page.joins);
            }
            if all {
                if self.store.redis().is_none() {
                    self.came();
                    self.store.set_redis(Some(requests.clone()));
                }
                store::wait(&mut waits, self.last.as_deref()).await?;
            }
        }
    }

    /// Publishes an entry, and that there is a gap before it, if entries were trimmed that this server
    /// has not seen.
    fn publish(&mut self, entry: Entry, gap: bool) {
        let mut block = entry.block.clone();
        if gap {
            block = [reset(self.last.as_deref().unwrap_or_default()), block].concat().into();
        }
        self.hub.publish(Some(entry.event_id()), |_| {
            let len = block.len();
            (block, len)
        });
        self.last = Some(entry.id);
    }

    fn left(&mut self, error: &RedisError) {
        if !self.away {
            eprintln!("redis_fanout: Redis is away: {error}");
        }
        self.away = true;
    }

    fn came(&mut self) {
        if self.away {
            eprintln!("redis_fanout: Redis is back");
        }
        self.away = false;
    }
}
