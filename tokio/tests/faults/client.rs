//! The WebSocket client of this crate.

use super::end::End;
use super::fault::Act;
use super::patience::{Patience, SHORT};
use super::scene::Scene;
use eventwire_tokio::ws::{self, CloseEvent, WebSocket, WebSocketOptions};
use std::net::SocketAddr;

/// Connects, does what the scene asks for, and returns how that ended.
pub async fn run(scene: &Scene, patience: Patience) -> End {
    let mut connect = ws::connect(scene.url("ws")).tls_config(scene.tls.clone());
    connect = match scene.proxy {
        Some(proxy) => connect.proxy(&format!("http://user:secret@{proxy}")),
        None => connect.no_proxy(),
    };
    connect = connect.resolve(Scene::NAME, scene.addresses.iter().map(SocketAddr::ip));
    if let Patience::Short = patience {
        let options = WebSocketOptions::new().ping_interval(SHORT).pong_timeout(SHORT);
        let options = options.closing_timeout(SHORT).message_timeout(3 * SHORT);
        connect = connect.options(options);
        if scene.addresses.is_empty() {
            connect = connect.timeout(SHORT);
        }
    }
    match connect.await {
        Ok(socket) => act(scene.act, socket).await,
        Err(error) => End::Failed { is_permanent: Some(error.is_permanent()), error: error.into() },
    }
}

async fn act(act: Act, mut socket: WebSocket) -> End {
    match act {
        Act::Open => End::Open,
        Act::Receive => loop {
            match socket.next().await {
                Some(Ok(_)) => {}
                Some(Err(close)) => return ended(close),
                None => return End::Clean,
            }
        },
        Act::Send => {
            while socket.send(vec![0; 1 << 16]).await.is_ok() {}
            ended(socket.closed().await)
        }
        Act::Close => match socket.close(1000, "bye").await {
            Ok(close) => ended(close),
            Err(error) => End::failed(error),
        },
    }
}

fn ended(close: CloseEvent) -> End {
    if close.was_clean { End::Clean } else { End::failed(close) }
}
