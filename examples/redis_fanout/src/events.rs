//! The event stream.

use crate::Feed;
use crate::store::{self, event_id, is_entry_id};
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use eventwire_tokio::eventwire::sse::{EventBody, EventBuilder, EventType};
use eventwire_tokio::{Blocks, LastEventId};
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How long a client waits before it reconnects.
const RECONNECTION_TIME: Duration = Duration::from_secs(1);

/// The pause after an error of Redis, long enough for the reader to notice a lost connection.
const PAUSE: Duration = Duration::from_millis(500);

/// Where the next event of a client is.
enum Place {
    /// After the entry with this id, in the local history or in Redis.
    After(String),
    /// At the oldest entry in Redis.
    Oldest,
    /// In the local history, as are all later events.
    Local(Blocks),
}

/// Some events that are there at once, and the place of the next one.
type Step = (Vec<Bytes>, Place);

/// Sends events as they arrive. While a client needs events from Redis and Redis is away, the
/// response waits or stays open. A browser would take any status other than 200 as final.
pub(crate) async fn stream(
    State(feed): State<Arc<Feed>>,
    last: LastEventId,
) -> impl IntoResponse + use<> {
    let (first, place) = match last.as_bytes() {
        Some(id) => (Vec::new(), Place::After(String::from_utf8_lossy(id).into_owned())),
        // Done before the response, so that its client gets every event from then on.
        None => feed.begin().await,
    };
    let interval = feed.keep_alive;
    let later = stream::unfold(place, move |place| {
        let feed = Arc::clone(&feed);
        async move { feed.step(place).await }
    });
    let events = stream::iter(first).chain(later.flat_map(stream::iter));
    EventBody::new(events).retry(RECONNECTION_TIME).keep_alive(interval, sleep)
}

/// Returns the event that tells a client with this last event ID to begin anew.
pub(crate) fn reset(last_event_id: &str) -> Bytes {
    const RESET: EventType<'_> = EventType::from_static("reset");
    EventBuilder::new().event_type(RESET).data(last_event_id).to_bytes()
}

impl Feed {
    /// Takes the next events from a place. Returns `None` for a client that has lagged.
    async fn step(&self, place: Place) -> Option<Step> {
        let id = match place {
            Place::Local(mut events) => {
                let event = events.next().await?;
                return Some((vec![event], Place::Local(events)));
            }
            Place::After(id) => Some(id),
            Place::Oldest => None,
        };
        // Created before the history is searched, so that later events are news.
        let mut now = self.hub.subscribe();
        if let Some(id) = &id {
            if let Some(listener) = self.hub.since(id) {
                return Some((Vec::new(), Place::Local(listener.into_blocks())));
            }
            if !is_entry_id(id) {
                return Some((vec![reset(id)], Place::Oldest));
            }
        }
        let mut redis = self.store.wait_for_redis().await;
        let page = store::after(&mut redis, id.as_deref()).await;
        let place = id.map_or(Place::Oldest, Place::After);
        let Ok(page) = page else {
            sleep(PAUSE).await;
            return Some((Vec::new(), place));
        };
        match (place, page.entries.last()) {
            (Place::After(id), _) if page.gap => Some((vec![reset(&id)], Place::Oldest)),
            (_, Some(last)) => {
                let place = Place::After(last.id.clone());
                Some((page.entries.into_iter().map(|entry| entry.block).collect(), place))
            }
            (place, None) => {
                // This server has not read the newest entry yet, or nothing was ever published.
                now.next().await;
                Some((Vec::new(), place))
            }
        }
    }

    /// Sends a new client the id of the last event before it. A client that returns before the next
    /// event then misses nothing.
    async fn begin(&self) -> Step {
        if self.hub.last_event_id().is_empty() {
            // Either this server has not read from Redis yet, or nothing was published.
            self.store.wait_for_redis().await;
        }
        let events = self.hub.subscribe().into_blocks();
        let last = self.hub.last_event_id();
        if last.is_empty() {
            return (Vec::new(), Place::Local(events));
        }
        let id = EventBuilder::new().id(event_id(&last)).to_bytes();
        (vec![id], Place::After(last))
    }
}
