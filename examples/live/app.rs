//! What is plain HTTP: the page, and both event streams.

use crate::hub::{Hub, Subscription};
use crate::room::Room;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use eventwire::sse::{EventType, LAST_EVENT_ID, Message, RESPONSE_HEADERS};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

const PAGE: &str = include_str!("page.html");
const CHAT_SCRIPT: &str = include_str!("chat.js");

/// Long enough for the pause to be seen.
const RECONNECTION_TIME: Duration = Duration::from_millis(1500);

const RESUMED: EventType<'_> = EventType::from_static("resumed");

pub(crate) fn router(feed: Arc<Hub<Bytes>>, room: Arc<Room>) -> Router {
    let feed = Router::new()
        .route("/events", get(events))
        .route("/drop", post(drop_client))
        .with_state(feed);
    let room =
        Router::new().route("/chat", get(listen)).route("/file/{id}", get(file)).with_state(room);
    Router::new()
        .route("/", get(Html(PAGE)))
        .route("/chat.js", get(([(CONTENT_TYPE, "text/javascript")], CHAT_SCRIPT)))
        .merge(feed)
        .merge(room)
}

/// `?client=ID`: the page that a stream belongs to.
#[derive(Deserialize)]
struct Page {
    client: Option<String>,
}

async fn events(
    State(feed): State<Arc<Hub<Bytes>>>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let last_event_id = last_event_id(&headers);
    let subscription = feed.subscribe(page.client, last_event_id.as_deref()).await;
    let resumed = last_event_id.map(|id| {
        let resumed = json!({ "last_event_id": id, "replayed": subscription.replay.len() });
        Message::new().event_type(RESUMED).data(&resumed.to_string()).to_bytes()
    });
    event_stream(stream::iter(resumed).chain(all(subscription)))
}

async fn drop_client(State(feed): State<Arc<Hub<Bytes>>>, Query(page): Query<Page>) -> StatusCode {
    match page.client {
        Some(client) if feed.disconnect(&client).await => StatusCode::NO_CONTENT,
        _ => StatusCode::NOT_FOUND,
    }
}

/// The room, for those who only listen.
async fn listen(State(room): State<Arc<Room>>, headers: HeaderMap) -> impl IntoResponse {
    let events = room.listen(last_event_id(&headers).as_deref()).await;
    event_stream(all(events).filter_map(|event| ready(event.sse)))
}

async fn file(State(room): State<Arc<Room>>, Path(id): Path<u64>) -> Response {
    let Some(file) = room.file(id).await else { return StatusCode::NOT_FOUND.into_response() };
    // After a restart the same id is another file's.
    let headers = [
        (CONTENT_TYPE, file.mime),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, file.data).into_response()
}

fn last_event_id(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    headers.get(LAST_EVENT_ID).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// What a subscriber missed, and then what comes.
fn all<E>(Subscription { replay, mut live }: Subscription<E>) -> impl Stream<Item = E> {
    stream::iter(replay).chain(stream::poll_fn(move |cx| live.poll_recv(cx)))
}

fn event_stream(blocks: impl Stream<Item = Bytes> + Send + 'static) -> impl IntoResponse {
    let retry = Message::new().retry(RECONNECTION_TIME).to_bytes();
    let blocks = stream::iter([retry]).chain(blocks);
    (RESPONSE_HEADERS, Body::from_stream(blocks.map(Ok::<_, Infallible>)))
}
