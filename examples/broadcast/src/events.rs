//! The event stream.

use crate::Feed;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::IntoResponse;
use eventwire::sse::{EventBody, EventBuilder, KEEP_ALIVE, KeepAlive, LAST_EVENT_ID};
use eventwire_tokio::hub::keep_alive;
use futures_util::{StreamExt, stream};
use std::time::Duration;

/// How long a client is to wait that lost the connection.
const RECONNECTION_TIME: Duration = Duration::from_secs(1);

/// What comes, as it comes.
pub(crate) async fn stream(State(feed): State<Feed>, headers: HeaderMap) -> impl IntoResponse {
    let retry = EventBuilder::new().retry(RECONNECTION_TIME).to_bytes();
    let events = feed.listen(last_event_id(&headers)).stream().map(|event| event.sse);
    let blocks = stream::iter([retry]).chain(events);
    let blocks = keep_alive(blocks, KeepAlive::DEFAULT_INTERVAL).boxed();
    EventBody::new(blocks).into_response()
}

/// One event, for which the client comes back at once. A client with no last event ID gets all that is
/// held, as what came between its responses would be lost.
pub(crate) async fn poll(State(feed): State<Feed>, headers: HeaderMap) -> impl IntoResponse {
    let retry = EventBuilder::new().retry(Duration::ZERO).to_bytes();
    let events = feed.listen(Some(last_event_id(&headers).unwrap_or_default())).stream();
    let blocks = keep_alive(events.map(|event| event.sse).boxed(), KeepAlive::DEFAULT_INTERVAL);
    // Signs of life do not count.
    let blocks = stream::unfold(Some(blocks.boxed()), async |blocks| {
        let mut blocks = blocks?;
        let block = blocks.next().await?;
        let is_event = block != KEEP_ALIVE;
        Some((block, (!is_event).then_some(blocks)))
    });
    EventBody::new(stream::iter([retry]).chain(blocks).boxed()).into_response()
}

fn last_event_id(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(LAST_EVENT_ID).map(HeaderValue::as_bytes)
}
