//! The reader, which copies each entry from Redis to the local history, in order.

use crate::events::reset;
use crate::store::{self, Entry, PAGE, Store};
use eventwire_tokio::eventwire::Backoff;
use eventwire_tokio::{Hub, HubEvent};
use redis::{RedisError, RedisResult};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The shortest and longest wait between attempts to reach Redis.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Reads for as long as the future is polled, over any number of connections.
pub(crate) async fn run(store: &Store, hub: &Hub, history: usize) {
    let mut reader = Reader { store, hub, history, last: None, away: false };
    let mut backoff = Backoff::new(WAITS.0, WAITS.1, rand::random());
    loop {
        let start = Instant::now();
        let Err(error) = reader.read().await;
        store.set_redis(None);
        reader.lost(&error);
        backoff.connection_lasted(start.elapsed());
        sleep(backoff.next_wait().expect("the number of attempts is not limited")).await;
    }
}

struct Reader<'s> {
    store: &'s Store,
    hub: &'s Hub,
    history: usize,
    /// The id of the last entry that was published here.
    last: Option<String>,
    /// Whether the last message to the user was that Redis is away.
    away: bool,
}

impl Reader<'_> {
    /// Reads until an error shows that Redis is away.
    async fn read(&mut self) -> RedisResult<Infallible> {
        let (mut requests, mut waits) = self.store.connect().await?;
        if self.last.is_none() {
            for entry in store::newest(&mut requests, self.history).await? {
                self.publish(entry, false);
            }
        }
        loop {
            // Reads over the connection for requests, so that its loss is noticed here.
            let page = store::after(&mut requests, self.last.as_deref()).await?;
            let is_last_page = page.entries.len() < PAGE;
            for (index, entry) in page.entries.into_iter().enumerate() {
                self.publish(entry, page.gap && index == 0);
            }
            if is_last_page {
                if self.store.redis().is_none() {
                    self.found();
                    self.store.set_redis(Some(requests.clone()));
                }
                store::wait(&mut waits, self.last.as_deref()).await?;
            }
        }
    }

    /// Publishes an entry. There is a gap before it if Redis has trimmed entries that this server
    /// has not read; a `reset` then comes before the entry.
    fn publish(&mut self, entry: Entry, gap: bool) {
        let mut block = entry.block.clone();
        if gap {
            block = [reset(self.last.as_deref().unwrap_or_default()), block].concat().into();
        }
        self.hub.publish_with(Some(entry.event_id()), |_| HubEvent::from_parts(Some(block), None));
        self.last = Some(entry.id);
    }

    fn lost(&mut self, error: &RedisError) {
        if !self.away {
            eprintln!("redis_fanout: Redis is away: {error}");
        }
        self.away = true;
    }

    fn found(&mut self) {
        if self.away {
            eprintln!("redis_fanout: Redis is back");
        }
        self.away = false;
    }
}
