//! Sends what is published to all, who may come back: `events_server ADDRESS`.

use axum::{Router, extract::State, response::IntoResponse, routing::get, routing::post};
use eventwire_tokio::{Hub, HubOptions, LastEventId, sse::EventBuilder};

async fn publish(State(hub): State<Hub>, text: String) -> String {
    hub.publish(EventBuilder::new().data(text)).into()
}

async fn events(State(hub): State<Hub>, last: LastEventId) -> impl IntoResponse {
    hub.events(&last)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let hub = Hub::new(HubOptions::new().max_events(1000));
    let router = Router::new()
        .route("/publish", post(publish))
        .route("/events", get(events))
        .with_state(hub.clone());
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let stopped = async move {
        let _ = tokio::signal::ctrl_c().await;
        hub.shutdown().await;
    };
    axum::serve(listener, router).with_graceful_shutdown(stopped).await
}
