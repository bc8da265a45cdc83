//! The stream in Redis, which all servers share.

use bytes::Bytes;
use eventwire::sse::{EventBuilder, EventId};
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamId, StreamMaxlen, StreamRangeReply, StreamReadOptions};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, RedisResult, Value};
use std::time::Duration;
use tokio::sync::watch;

/// Where the stream is, and the field of an entry that has the event's data.
const KEY: &str = "events";
const DATA: &str = "data";

/// How long Redis may take to answer. One that is gone without a word is found out by that.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long Redis waits for an entry before it says that there is none.
const WAIT: Duration = Duration::from_secs(3);

/// How many entries are read at once.
pub(crate) const PAGE: usize = 128;

pub(crate) struct Store {
    client: Client,
    length: usize,
    /// What all requests share, while Redis is there; the reader sees to it.
    redis: watch::Sender<Option<MultiplexedConnection>>,
}

/// An entry as an event, encoded.
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) block: Bytes,
}

/// What Redis holds behind an id, the first of it.
pub(crate) struct Page {
    /// Whether nothing is missing in between, as Redis holds the entry with that id.
    pub(crate) joins: bool,
    pub(crate) entries: Vec<Entry>,
}

impl Store {
    /// One that is to hold so many entries, or some more.
    pub(crate) fn new(url: &str, length: usize) -> RedisResult<Self> {
        Ok(Self { client: Client::open(url)?, length, redis: watch::Sender::new(None) })
    }

    /// The connection that all requests share, if there is one.
    pub(crate) fn redis(&self) -> Option<MultiplexedConnection> {
        self.redis.borrow().clone()
    }

    /// The same, once there is one.
    pub(crate) async fn wait_for_redis(&self) -> MultiplexedConnection {
        let mut redis = self.redis.subscribe();
        // The sender is ours.
        let redis = redis.wait_for(Option::is_some).await.expect("a sender");
        redis.clone().expect("a connection")
    }

    pub(crate) fn set_redis(&self, redis: Option<MultiplexedConnection>) {
        self.redis.send_replace(redis);
    }

    /// A connection for requests, and one that may wait for entries.
    pub(crate) async fn connect(
        &self,
    ) -> RedisResult<(MultiplexedConnection, MultiplexedConnection)> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE));
        let requests = config.clone().set_response_timeout(Some(PATIENCE));
        let waits = config.set_response_timeout(Some(WAIT + PATIENCE));
        Ok((
            self.client.get_multiplexed_async_connection_with_config(&requests).await?,
            self.client.get_multiplexed_async_connection_with_config(&waits).await?,
        ))
    }

    /// Adds an entry; gives its id once Redis has it.
    pub(crate) async fn append(
        &self,
        redis: &mut MultiplexedConnection,
        data: &str,
    ) -> RedisResult<String> {
        redis.xadd_maxlen(KEY, StreamMaxlen::Approx(self.length), "*", &[(DATA, data)]).await
    }
}

/// The newest entries, in their order.
pub(crate) async fn newest(
    redis: &mut MultiplexedConnection,
    count: usize,
) -> RedisResult<Vec<Entry>> {
    let reply: StreamRangeReply = redis.xrevrange_count(KEY, "+", "-", count).await?;
    Ok(reply.ids.iter().rev().map(Entry::new).collect())
}

/// The first entries behind the one with this id, or of all; fewer than a [`PAGE`] are all there are.
pub(crate) async fn behind(
    redis: &mut MultiplexedConnection,
    id: Option<&str>,
) -> RedisResult<Page> {
    // From that entry on, so that one answer tells whether it is there and what follows it.
    let count = PAGE + usize::from(id.is_some());
    let reply: StreamRangeReply = redis.xrange_count(KEY, id.unwrap_or("-"), "+", count).await?;
    let is_there = reply.ids.first().is_some_and(|entry| Some(&*entry.id) == id);
    let entries = reply.ids.iter().skip(is_there.into()).take(PAGE).map(Entry::new).collect();
    Ok(Page { joins: is_there || id.is_none(), entries })
}

/// Waits until there is an entry behind the one with this id, or any, but not for long.
pub(crate) async fn wait(redis: &mut MultiplexedConnection, id: Option<&str>) -> RedisResult<()> {
    let block = WAIT.as_millis().try_into().expect("a short time");
    let options = StreamReadOptions::default().count(1).block(block);
    let _: Value = redis.xread_options(&[KEY], &[id.unwrap_or("0-0")], &options).await?;
    Ok(())
}

/// Whether it looks like an entry's: of two numbers, as Redis would not take anything else.
pub(crate) fn is_entry_id(id: &str) -> bool {
    let number = |part: &str| part.parse::<u64>().is_ok() && !part.starts_with('+');
    id.split_once('-').is_some_and(|(ms, number_in_it)| number(ms) && number(number_in_it))
}

impl Entry {
    fn new(entry: &StreamId) -> Self {
        // Others may have written what is not ours.
        let data: Vec<u8> = entry.get(DATA).unwrap_or_default();
        let data = String::from_utf8_lossy(&data);
        let message = EventBuilder::new().id(event_id(&entry.id)).data(&data);
        Self { id: entry.id.clone(), block: message.to_bytes() }
    }

    pub(crate) fn event_id(&self) -> EventId<'_> {
        event_id(&self.id)
    }
}

fn event_id(id: &str) -> EventId<'_> {
    EventId::new(id).expect("digits and a hyphen")
}
