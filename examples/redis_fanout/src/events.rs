//! The event stream.

use crate::Feed;
use crate::store::{self, is_entry_id};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use bytes::Bytes;
use eventwire::sse::{EventBuilder, EventId, EventType, LAST_EVENT_ID, RESPONSE_HEADERS};
use eventwire_tokio::hub::keep_alive;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How long a client is to wait that lost the connection.
const RECONNECTION_TIME: Duration = Duration::from_secs(1);

/// How long to wait after Redis failed, by which time that should be known.
const PAUSE: Duration = Duration::from_millis(500);

/// Where a client is whose next event may not be in the local history.
enum Place {
    Behind(String),
    /// Where Redis begins.
    Oldest,
}

impl Place {
    fn behind(last_event_id: &[u8]) -> Self {
        Self::Behind(String::from_utf8_lossy(last_event_id).into_owned())
    }

    fn id(&self) -> Option<&str> {
        match self {
            Self::Behind(id) => Some(id),
            Self::Oldest => None,
        }
    }
}

/// Events that are at hand, and where to go on behind them, if they have an end.
type Step = (BoxStream<'static, Bytes>, Option<Place>);

/// What comes, as it comes. While Redis is needed and away the response waits or stays open: a browser
/// takes any other status than 200 for final.
pub(crate) async fn stream(
    State(feed): State<Arc<Feed>>,
    headers: HeaderMap,
) -> impl IntoResponse + use<> {
    let (first, place) = match headers.get(LAST_EVENT_ID) {
        Some(id) => (stream::empty().boxed(), Some(Place::behind(id.as_bytes()))),
        // Before the answer: who has that gets all that comes from then on.
        None => feed.begin().await,
    };
    let interval = feed.keep_alive;
    let retry = EventBuilder::new().retry(RECONNECTION_TIME).to_bytes();
    let events = stream::unfold(place, move |place| {
        let feed = Arc::clone(&feed);
        async move { Some(feed.step(place?).await) }
    });
    let blocks = stream::iter([retry]).chain(first).chain(events.flatten()).boxed();
    let blocks = keep_alive(blocks, interval);
    (RESPONSE_HEADERS, Body::from_stream(blocks.map(Ok::<_, Infallible>)))
}

/// Tells a client with this last event ID to begin anew.
pub(crate) fn reset(last_event_id: &str) -> Bytes {
    const RESET: EventType<'_> = EventType::from_static("reset");
    EventBuilder::new().event_type(RESET).data(last_event_id).to_bytes()
}

impl Feed {
    async fn step(&self, place: Place) -> Step {
        // Before the look, so that what comes after it is news.
        let mut now = self.hub.listen(None);
        if let Place::Behind(id) = &place {
            if let Some(listener) = self.hub.since(id) {
                return (listener.stream().boxed(), None);
            }
            if !is_entry_id(id) {
                return (one(reset(id)), Some(Place::Oldest));
            }
        }
        let id = place.id();
        let mut redis = self.store.wait_for_redis().await;
        let Ok(page) = store::behind(&mut redis, id).await else {
            sleep(PAUSE).await;
            return (stream::empty().boxed(), Some(place));
        };
        if !page.joins {
            return (one(reset(id.unwrap_or_default())), Some(Place::Oldest));
        }
        let Some(last) = page.entries.last() else {
            // Another server was quicker than this one, or nothing was ever published.
            now.news().await;
            return (stream::empty().boxed(), Some(place));
        };
        let place = Place::Behind(last.id.clone());
        let blocks = page.entries.into_iter().map(|entry| entry.block);
        (stream::iter(blocks).boxed(), Some(place))
    }

    /// Gives a new client the id of the last event that it was too late for: if it comes back before
    /// the next one, it misses nothing.
    async fn begin(&self) -> Step {
        if self.hub.last_event_id().is_empty() {
            // Nothing was read yet, or there is nothing.
            self.store.wait_for_redis().await;
        }
        let listener = self.hub.listen(None);
        let last = self.hub.last_event_id();
        if last.is_empty() {
            return (listener.stream().boxed(), None);
        }
        let id = EventId::new(&last).expect("an entry's");
        (one(EventBuilder::new().id(id).to_bytes()), Some(Place::Behind(last)))
    }
}

fn one(block: Bytes) -> BoxStream<'static, Bytes> {
    stream::iter([block]).boxed()
}
