//! Extractors for [axum](https://docs.rs/axum).
//!
//! | | |
//! |---|---|
//! | [`WebSocketUpgrade`] | opens a WebSocket |
//! | [`LastEventId`](crate::LastEventId) | where a client resumes, for [`Hub::events`](crate::Hub::events) |
//!
//! Everything that returns an [`EventBody`](eventwire::sse::EventBody) is a response already.
//!
//! A chat room, in which each text goes to all:
//!
//! ```no_run
//! use axum::Router;
//! use axum::extract::State;
//! use axum::response::Response;
//! use axum::routing::any;
//! use eventwire_tokio::Hub;
//! use eventwire_tokio::axum::WebSocketUpgrade;
//! use eventwire_tokio::sse::EventBuilder;
//! use eventwire_tokio::ws::Message;
//!
//! async fn chat(State(room): State<Hub>, upgrade: WebSocketUpgrade) -> Response {
//!     upgrade.same_origin().on_upgrade(move |socket| {
//!         room.serve(socket).on_message(move |message| {
//!             if let Message::Text(text) = message {
//!                 room.publish(EventBuilder::new().data(&text));
//!             }
//!         })
//!     })
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let router = Router::new().route("/chat", any(chat)).with_state(Hub::default());
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     axum::serve(listener, router).await
//! }
//! ```
//!
//! Browsers open a WebSocket over HTTP/2 only if the server allows it
//! ([RFC 8441](https://www.rfc-editor.org/rfc/rfc8441)): call `enable_connect_protocol` of hyper's
//! HTTP/2 builder. The route must take every method, as `axum::routing::any` does, because such a
//! request is a CONNECT.

mod last_event_id;
mod upgrade_rejection;
mod websocket_upgrade;

pub use upgrade_rejection::UpgradeRejection;
pub use websocket_upgrade::WebSocketUpgrade;
