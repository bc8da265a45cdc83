//! The event stream.

use crate::Feed;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::IntoResponse;
use bytes::Bytes;
use eventwire::sse::header::LAST_EVENT_ID;
use eventwire::sse::{EventBody, KeepAlive};
use futures_util::{Stream, StreamExt};
use std::time::Duration;
use tokio::time::sleep;

/// How long a client waits before it reconnects.
const RECONNECTION_TIME: Duration = Duration::from_secs(1);

/// Sends events as they are published.
pub(crate) async fn stream(State(feed): State<Feed>, headers: HeaderMap) -> impl IntoResponse {
    let events = events(&feed, last_event_id(&headers));
    EventBody::new(events).retry(RECONNECTION_TIME).keep_alive(KeepAlive::DEFAULT_INTERVAL, sleep)
}

/// Sends one event, after which the client reconnects at once. A client without a last event ID
/// gets all events that are held, because it would otherwise lose those between its first two
/// responses.
pub(crate) async fn poll(State(feed): State<Feed>, headers: HeaderMap) -> impl IntoResponse {
    let events = events(&feed, Some(last_event_id(&headers).unwrap_or_default()));
    EventBody::new(events.take(1))
        .retry(Duration::ZERO)
        .keep_alive(KeepAlive::DEFAULT_INTERVAL, sleep)
}

fn events(feed: &Feed, last_event_id: Option<&[u8]>) -> impl Stream<Item = Bytes> + use<> {
    feed.listen(last_event_id).stream().map(|event| event.sse)
}

fn last_event_id(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(LAST_EVENT_ID).map(HeaderValue::as_bytes)
}
