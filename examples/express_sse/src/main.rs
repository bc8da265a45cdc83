//! What the npm package `express-sse` offers, in a few lines on `sse::Replay`: initial events, events
//! with a type and an id, a list as events; all data as JSON.
//! `cargo run -p express_sse`, and then:
//!
//! ```text
//! curl -N http://127.0.0.1:3000/stream &
//! curl 'http://127.0.0.1:3000/send?event=greeting&id=7' -d '"hello"'
//! curl http://127.0.0.1:3000/serialize -d '["a", "list", {"of": "events"}]'
//! curl -X PUT http://127.0.0.1:3000/init -d '["what the next one to come gets first"]'
//! curl -X DELETE http://127.0.0.1:3000/init
//! ```

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use bytes::Bytes;
use eventwire::FanoutOptions;
use eventwire::sse::{EventBody, EventBuilder, EventId, EventType, KeepAlive, LAST_EVENT_ID};
use eventwire_tokio::hub::{Hub, keep_alive};
use example_support::serve::{PATIENCE, serve};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// The events, and those that a new subscriber gets first.
struct Sse {
    hub: Arc<Hub>,
    initial: Mutex<Vec<Bytes>>,
}

impl Sse {
    fn new(initial: &[Value]) -> Self {
        let sse = Self { hub: Hub::new(FanoutOptions::new()), initial: Mutex::default() };
        sse.update_init(initial);
        sse
    }

    /// The stream for a new subscriber, or for one who comes back.
    fn init(&self, last_event_id: Option<&[u8]>) -> impl IntoResponse + use<> {
        let (initial, listener) = match last_event_id.and_then(|id| self.hub.since(id)) {
            Some(listener) => (Vec::new(), listener),
            None => (self.initial.lock().unwrap().clone(), self.hub.listen(last_event_id)),
        };
        let blocks = stream::iter(initial).chain(listener.stream());
        let blocks = keep_alive(blocks, KeepAlive::DEFAULT_INTERVAL).boxed();
        EventBody::new(blocks).into_response()
    }

    fn send(&self, data: &Value, event_type: EventType<'_>, id: Option<EventId<'_>>) {
        let data = data.to_string();
        let mut event = EventBuilder::new().event_type(event_type).data(data);
        if let Some(id) = id {
            event = event.id(id);
        }
        self.hub.push(&event);
    }

    fn serialize(&self, list: &[Value]) {
        for data in list {
            self.send(data, EventType::default(), None);
        }
    }

    fn update_init(&self, initial: &[Value]) {
        let blocks =
            initial.iter().map(|data| EventBuilder::new().data(data.to_string()).to_bytes());
        *self.initial.lock().unwrap() = blocks.collect();
    }

    fn drop_init(&self) {
        self.update_init(&[]);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/stream", get(subscribe))
        .route("/send", post(send))
        .route("/serialize", post(serialize))
        .route("/init", put(update_init).delete(drop_init))
        .with_state(Arc::new(Sse::new(&["welcome".into()])));
    match serve(listener, router, PATIENCE).await {}
}

async fn subscribe(State(sse): State<Arc<Sse>>, headers: HeaderMap) -> impl IntoResponse {
    sse.init(headers.get(LAST_EVENT_ID).map(HeaderValue::as_bytes))
}

/// `?event=TYPE&id=ID`
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    event: String,
    id: Option<String>,
}

/// What the server says of a request: nothing, or what is wrong with it.
type Answer = Result<(), (StatusCode, String)>;

async fn send(State(sse): State<Arc<Sse>>, Query(fields): Query<Fields>, body: Bytes) -> Answer {
    let event_type = EventType::new(&fields.event).map_err(bad)?;
    let id = fields.id.as_deref().map(EventId::new).transpose().map_err(bad)?;
    sse.send(&serde_json::from_slice(&body).map_err(bad)?, event_type, id);
    Ok(())
}

async fn serialize(State(sse): State<Arc<Sse>>, body: Bytes) -> Answer {
    sse.serialize(&serde_json::from_slice::<Vec<_>>(&body).map_err(bad)?);
    Ok(())
}

async fn update_init(State(sse): State<Arc<Sse>>, body: Bytes) -> Answer {
    sse.update_init(&serde_json::from_slice::<Vec<_>>(&body).map_err(bad)?);
    Ok(())
}

async fn drop_init(State(sse): State<Arc<Sse>>) {
    sse.drop_init();
}

fn bad(error: impl std::error::Error) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, format!("{error}\n"))
}
