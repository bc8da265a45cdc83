//! The stream in Redis, which all servers share.

use bytes::Bytes;
use eventwire_tokio::eventwire::sse::{EventBuilder, EventId};
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamId, StreamMaxlen, StreamRangeReply, StreamReadOptions};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, RedisResult, Value};
use std::time::Duration;
use tokio::sync::watch;

/// The key of the stream, and the field of an entry that holds the data of the event.
const KEY: &str = "events";
const DATA: &str = "data";

/// The maximum time until Redis answers. It reveals a Redis that has gone without closing its
/// connections.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long Redis waits for an entry before it answers that there is none.
const WAIT: Duration = Duration::from_secs(3);

/// The maximum number of entries in a page.
pub(crate) const PAGE: usize = 128;

pub(crate) struct Store {
    client: Client,
    length: usize,
    /// The connection that all requests share, while Redis is there. The reader maintains it.
    redis: watch::Sender<Option<MultiplexedConnection>>,
}

/// An entry as an encoded event.
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) block: Bytes,
}

/// The first entries after an id.
pub(crate) struct Page {
    /// Whether Redis no longer holds the entry with that id. Entries after it may then be missing.
    pub(crate) gap: bool,
    pub(crate) entries: Vec<Entry>,
}

impl Store {
    /// Creates a store that holds this many entries, or some more.
    pub(crate) fn new(url: &str, length: usize) -> RedisResult<Self> {
        Ok(Self { client: Client::open(url)?, length, redis: watch::Sender::new(None) })
    }

    /// Returns the connection that all requests share, if there is one.
    pub(crate) fn redis(&self) -> Option<MultiplexedConnection> {
        self.redis.borrow().clone()
    }

    /// Waits until there is a connection for requests, and returns it.
    pub(crate) async fn wait_for_redis(&self) -> MultiplexedConnection {
        let mut redis = self.redis.subscribe();
        // The store keeps the sender.
        let redis = redis.wait_for(Option::is_some).await.expect("a sender");
        redis.clone().expect("a connection")
    }

    pub(crate) fn set_redis(&self, redis: Option<MultiplexedConnection>) {
        self.redis.send_replace(redis);
    }

    /// Opens a connection for requests, and one that waits for entries.
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

    /// Adds an entry. Returns its id once Redis has confirmed it.
    pub(crate) async fn append(
        &self,
        redis: &mut MultiplexedConnection,
        data: &str,
    ) -> RedisResult<String> {
        redis.xadd_maxlen(KEY, StreamMaxlen::Approx(self.length), "*", &[(DATA, data)]).await
    }
}

/// Returns the newest entries, oldest first.
pub(crate) async fn newest(
    redis: &mut MultiplexedConnection,
    count: usize,
) -> RedisResult<Vec<Entry>> {
    let reply: StreamRangeReply = redis.xrevrange_count(KEY, "+", "-", count).await?;
    Ok(reply.ids.iter().rev().map(Entry::new).collect())
}

/// Returns the first entries after the entry with this id, or the first of all without an id. Fewer
/// than [`PAGE`] entries are all that there are.
pub(crate) async fn after(
    redis: &mut MultiplexedConnection,
    id: Option<&str>,
) -> RedisResult<Page> {
    // The range begins with that entry, so that the answer shows whether Redis still holds it.
    let count = PAGE + usize::from(id.is_some());
    let reply: StreamRangeReply = redis.xrange_count(KEY, id.unwrap_or("-"), "+", count).await?;
    let is_held = reply.ids.first().is_some_and(|entry| Some(&*entry.id) == id);
    let entries = reply.ids.iter().skip(is_held.into()).take(PAGE).map(Entry::new).collect();
    Ok(Page { gap: !is_held && id.is_some(), entries })
}

/// Waits for an entry after the one with this id, or for any entry without an id, at most [`WAIT`].
pub(crate) async fn wait(redis: &mut MultiplexedConnection, id: Option<&str>) -> RedisResult<()> {
    let block = WAIT.as_millis().try_into().expect("a short time");
    let options = StreamReadOptions::default().count(1).block(block);
    let _: Value = redis.xread_options(&[KEY], &[id.unwrap_or("0-0")], &options).await?;
    Ok(())
}

/// Returns whether this is two numbers, as in an id of Redis, which refuses any other id.
pub(crate) fn is_entry_id(id: &str) -> bool {
    let number = |part: &str| part.parse::<u64>().is_ok() && !part.starts_with('+');
    id.split_once('-')
        .is_some_and(|(milliseconds, sequence)| number(milliseconds) && number(sequence))
}

impl Entry {
    fn new(entry: &StreamId) -> Self {
        // Other programs may have added entries of another kind.
        let data: Vec<u8> = entry.get(DATA).unwrap_or_default();
        let event =
            EventBuilder::new().id(event_id(&entry.id)).data(String::from_utf8_lossy(&data));
        Self { id: entry.id.clone(), block: event.to_bytes() }
    }

    pub(crate) fn event_id(&self) -> EventId<'_> {
        event_id(&self.id)
    }
}

/// Returns the id of an entry as the id of its event.
pub(crate) fn event_id(id: &str) -> EventId<'_> {
    EventId::new(id).expect("digits and a hyphen")
}
