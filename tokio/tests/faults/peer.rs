//! tokio-tungstenite, used as its own examples use it.

use super::end::End;
use super::fault::Act;
use super::scene::Scene;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    connect_async_tls_with_config,
};

/// Connects, does what the scene asks for, and returns how that ended. The peer has no proxies.
pub async fn run(scene: &Scene) -> End {
    match connect(scene).await {
        Ok(socket) => act(scene.act, socket).await.map_or_else(End::failed, |()| match scene.act {
            Act::Open => End::Open,
            _ => End::Clean,
        }),
        Err(error) => End::failed(error),
    }
}

async fn connect(scene: &Scene) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Error> {
    let tls = Some(Connector::Rustls(scene.tls.clone()));
    let (socket, _) = if scene.addresses.is_empty() {
        connect_async_tls_with_config(scene.url("ws"), None, false, tls).await?
    } else {
        // `connect_async` does the same with the addresses that the system finds.
        let tcp = TcpStream::connect(&scene.addresses[..]).await?;
        client_async_tls_with_config(scene.url("ws"), tcp, None, tls).await?
    };
    Ok(socket)
}

async fn act(
    act: Act,
    mut socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
) -> Result<(), Error> {
    match act {
        Act::Open => {}
        Act::Receive => while socket.next().await.transpose()?.is_some() {},
        Act::Send => loop {
            socket.send(Message::binary(vec![0; 1 << 16])).await?;
        },
        Act::Close => {
            socket.close(None).await?;
            while socket.next().await.transpose()?.is_some() {}
        }
    }
    Ok(())
}
