//! The page, its files, both event streams, and the door of the chat room.

use crate::member;
use crate::room::{Room, missed};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use bytes::Bytes;
use eventwire_tokio::axum::WebSocketUpgrade;
use eventwire_tokio::eventwire::sse::{EventBody, EventBuilder, EventType};
use eventwire_tokio::{Hub, HubOptions, LastEventId};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::sleep;

const PAGE: &str = include_str!("page.html");
const CHAT_SCRIPT: &str = include_str!("chat.js");

/// Long enough for people to see the pause.
const RECONNECTION_TIME: Duration = Duration::from_millis(1500);

const RESUMED: EventType<'_> = EventType::from_static("resumed");

/// The feed and its named streams.
struct Feed {
    hub: Hub,
    /// The page that a stream belongs to, and the signal that ends the stream.
    streams: Mutex<Vec<(String, oneshot::Sender<()>)>>,
}

pub(crate) fn router(hub: Hub, room: Arc<Room>) -> Router {
    let feed = Router::new()
        .route("/events", get(events))
        .route("/drop", post(drop_client))
        .with_state(Arc::new(Feed { hub, streams: Mutex::default() }));
    let room =
        Router::new().route("/chat", any(chat)).route("/file/{id}", get(file)).with_state(room);
    Router::new()
        .route("/", get(Html(PAGE)))
        .route("/chat.js", get(([(CONTENT_TYPE, "text/javascript")], CHAT_SCRIPT)))
        .merge(feed)
        .merge(room)
}

/// `?client=ID`: the page that a stream belongs to. A stream without a page cannot be dropped.
#[derive(Deserialize)]
struct Page {
    client: Option<String>,
}

async fn events(
    State(feed): State<Arc<Feed>>,
    Query(page): Query<Page>,
    last: LastEventId,
) -> impl IntoResponse {
    let mut listener = feed.hub.resume(&last);
    let missed = missed(&mut listener);
    let resumed = last.as_bytes().map(|id| {
        let id = String::from_utf8_lossy(id);
        let resumed = json!({ "last_event_id": id, "replayed": missed.len() });
        EventBuilder::new().event_type(RESUMED).data(resumed.to_string()).to_bytes()
    });
    let dropped = feed.dropped(page.client);
    let missed = missed.into_iter().filter_map(|event| event.block().cloned());
    let first = stream::iter(resumed.into_iter().chain(missed));
    let events = first.chain(listener.into_blocks());
    event_stream(events.take_until(dropped))
}

async fn drop_client(State(feed): State<Arc<Feed>>, Query(page): Query<Page>) -> StatusCode {
    let client = page.client.unwrap_or_default();
    let mut streams = feed.streams();
    let dropped = streams.extract_if(.., |(owner, _)| *owner == client);
    match dropped.filter_map(|(_, dropped)| dropped.send(()).ok()).count() {
        0 => StatusCode::NOT_FOUND,
        _ => StatusCode::NO_CONTENT,
    }
}

impl Feed {
    /// Returns a future that is ready when this page asks to drop its streams.
    fn dropped(&self, client: Option<String>) -> impl Future<Output = ()> + Send + use<> {
        let is_dropped = client.map(|client| {
            let (dropped, is_dropped) = oneshot::channel();
            let mut streams = self.streams();
            streams.retain(|(_, dropped)| !dropped.is_closed());
            streams.push((client, dropped));
            is_dropped
        });
        async move {
            match is_dropped {
                Some(is_dropped) => drop(is_dropped.await),
                None => pending().await,
            }
        }
    }

    fn streams(&self) -> MutexGuard<'_, Vec<(String, oneshot::Sender<()>)>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `?name=NAME`: the name that a member wants.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    name: String,
}

/// Lets a member into the chat room, or returns the room as an event stream.
async fn chat(
    State(room): State<Arc<Room>>,
    Query(Wanted { name }): Query<Wanted>,
    last: LastEventId,
    upgrade: Option<WebSocketUpgrade>,
) -> Response {
    if let Some(upgrade) = upgrade {
        return upgrade
            .same_origin()
            .options(member::OPTIONS)
            .on_upgrade(async move |socket| member::serve(&room, &name, socket).await);
    }
    let (events, listener) = room.listen(last).await;
    let events = events.into_iter().filter_map(|event| event.block().cloned());
    event_stream(stream::iter(events).chain(listener.into_blocks())).into_response()
}

async fn file(State(room): State<Arc<Room>>, Path(id): Path<u64>) -> Response {
    let Some(file) = room.file(id).await else { return StatusCode::NOT_FOUND.into_response() };
    // After a restart the same id belongs to another file.
    let headers = [
        (CONTENT_TYPE, file.mime),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, file.data).into_response()
}

fn event_stream(events: impl Stream<Item = Bytes> + Send + 'static) -> impl IntoResponse {
    EventBody::new(events)
        .retry(RECONNECTION_TIME)
        .keep_alive(HubOptions::DEFAULT_KEEP_ALIVE, sleep)
}
