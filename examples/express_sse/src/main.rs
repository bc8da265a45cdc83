//! The features of the npm package `express-sse` in a few lines: initial events, events with a type
//! and an id, and a list as events. All data is JSON. Run `cargo run -p express_sse`, and then:
//!
//! ```text
//! curl -N http://127.0.0.1:3000/stream &
//! curl 'http://127.0.0.1:3000/send?event=greeting&id=7' -d '"hello"'
//! curl http://127.0.0.1:3000/serialize -d '["a", "list", {"of": "events"}]'
//! curl -X PUT http://127.0.0.1:3000/init -d '["the first event of each new client"]'
//! curl -X DELETE http://127.0.0.1:3000/init
//! ```

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use bytes::Bytes;
use eventwire_tokio::eventwire::sse::{EventBody, EventBuilder};
use eventwire_tokio::{Hub, HubOptions, LastEventId};
use example_support::serve::{PATIENCE, serve};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// The events, and the initial events of each new subscriber.
struct Sse {
    hub: Hub,
    initial: Mutex<Vec<Bytes>>,
}

impl Sse {
    fn new(initial: &[Value]) -> Self {
        let sse = Self { hub: Hub::default(), initial: Mutex::default() };
        sse.update_init(initial);
        sse
    }

    /// Returns the stream for a new subscriber or a returning one. A returning subscriber gets no
    /// initial events if its last event ID is known.
    fn init(&self, last: &LastEventId) -> impl IntoResponse + use<> {
        let (initial, events) = match last.as_bytes().and_then(|id| self.hub.since(id)) {
            Some(events) => (Vec::new(), events),
            None => (self.initial.lock().unwrap().clone(), self.hub.resume(last)),
        };
        let events = stream::iter(initial).chain(events.into_blocks());
        EventBody::new(events).keep_alive(HubOptions::DEFAULT_KEEP_ALIVE, sleep)
    }

    fn send(&self, event: EventBuilder<'_>, data: &Value) {
        self.hub.publish(event.data(data.to_string()));
    }

    fn serialize(&self, list: &[Value]) {
        for data in list {
            self.send(EventBuilder::new(), data);
        }
    }

    fn update_init(&self, initial: &[Value]) {
        let events =
            initial.iter().map(|data| EventBuilder::new().data(data.to_string()).to_bytes());
        *self.initial.lock().unwrap() = events.collect();
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

async fn subscribe(State(sse): State<Arc<Sse>>, last: LastEventId) -> impl IntoResponse {
    sse.init(&last)
}

/// `?event=TYPE&id=ID`
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    event: String,
    id: Option<String>,
}

/// An empty response, or the error in the request.
type Answer = Result<(), (StatusCode, String)>;

async fn send(State(sse): State<Arc<Sse>>, Query(fields): Query<Fields>, body: Bytes) -> Answer {
    let mut event = EventBuilder::new().try_event_type(fields.event).map_err(bad_request)?;
    if let Some(id) = fields.id {
        event = event.try_id(id).map_err(bad_request)?;
    }
    sse.send(event, &serde_json::from_slice(&body).map_err(bad_request)?);
    Ok(())
}

async fn serialize(State(sse): State<Arc<Sse>>, body: Bytes) -> Answer {
    sse.serialize(&serde_json::from_slice::<Vec<_>>(&body).map_err(bad_request)?);
    Ok(())
}

async fn update_init(State(sse): State<Arc<Sse>>, body: Bytes) -> Answer {
    sse.update_init(&serde_json::from_slice::<Vec<_>>(&body).map_err(bad_request)?);
    Ok(())
}

async fn drop_init(State(sse): State<Arc<Sse>>) {
    sse.drop_init();
}

fn bad_request(error: impl std::error::Error) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, format!("{error}\n"))
}
