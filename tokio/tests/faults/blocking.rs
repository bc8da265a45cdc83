//! The WebSocket client for threads.

use super::end::End;
use super::fault::Act;
use super::scene::Scene;
use eventwire_blocking::ws::{self, CloseEvent, WebSocket};
use std::thread;
use tokio::sync::oneshot;

/// Connects, does what the scene asks for, and returns how that ended. The client has no proxies.
pub async fn run(scene: &Scene) -> End {
    let connect = ws::connect(scene.url("ws")).tls_config(scene.tls.clone());
    let act = scene.act;
    let (tell, told) = oneshot::channel();
    // No task of the runtime waits for this thread, in case it never ends.
    thread::spawn(move || {
        tell.send(match connect.open() {
            Ok(socket) => run_open(act, socket),
            Err(error) => End::failed(error),
        })
    });
    told.await.unwrap_or_else(End::failed)
}

fn run_open(act: Act, mut socket: WebSocket) -> End {
    match act {
        Act::Open => End::Open,
        Act::Receive => match socket.find_map(Result::err) {
            Some(close) => ended(close),
            None => End::Clean,
        },
        Act::Send => {
            while socket.send(vec![0; 1 << 16]).is_ok() {}
            socket.close_event().map_or(End::Clean, ended)
        }
        Act::Close => socket.close(1000, "bye").map_or_else(End::failed, ended),
    }
}

fn ended(close: CloseEvent) -> End {
    if close.was_clean { End::Clean } else { End::failed(close) }
}
