//! A chat room, in which each text goes to all: `chat_room ADDRESS`.

use axum::{Router, extract::State, response::Response, routing::any};
use eventwire_tokio::{Hub, axum::WebSocketUpgrade, sse::EventBuilder, ws::Message};

async fn chat(State(room): State<Hub>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.same_origin().on_upgrade(move |socket| {
        room.serve(socket).on_message(move |message| {
            if let Message::Text(text) = message {
                room.publish(EventBuilder::new().data(&text));
            }
        })
    })
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let router = Router::new().route("/chat", any(chat)).with_state(Hub::default());
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await
}
