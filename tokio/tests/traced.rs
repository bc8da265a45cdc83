//! The events of a WebSocket that `tracing` sees.
#![cfg(feature = "tracing")]

#[path = "support/notes.rs"]
mod notes;

use eventwire_tokio::ws;
use notes::Notes;
use std::error::Error;
use tokio::io::duplex;

#[tokio::test(start_paused = true)]
async fn the_life_of_a_socket_is_traced() -> Result<(), Box<dyn Error>> {
    let notes = Notes::default();
    let _guard = tracing::subscriber::set_default(notes.clone());
    let (a, b) = duplex(4096);
    let client = ws::connect("ws://user:hunter2@example.com/").subprotocol("chat");
    let (client, server) = tokio::join!(client.over(a), ws::accept(b).protocols(["chat"]));
    let (mut client, mut server) = (client?, server?);
    // Nobody drives the server, so it is a dead peer.
    assert!(client.next().await.expect("an end").is_err());
    server.closed().await;

    let mut lines = notes.lines();
    lines.sort();
    let expected = [
        "message=closed with 1006: the peer did not answer a ping in time clean=false ",
        "message=closed with 1006: the transport failed: broken pipe clean=false ",
        "message=open ",
        "message=open ",
        r#"role=Client protocol="chat" "#,
        r#"role=Server protocol="chat" "#,
    ];
    assert_eq!(lines, expected);
    Ok(())
}
