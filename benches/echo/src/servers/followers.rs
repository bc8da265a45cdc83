//! Clients that read the event stream of a language model by reqwest. Each socket that they are
//! given has a line with the URL to read.

use super::lent::Buffers;
use super::{Failure, Kind, Server};
use crate::received;
use eventsource_stream::Eventsource;
use eventwire_tokio::sse::RequestBuilderExt;
use futures_util::StreamExt;
use reqwest_eventsource::RequestBuilderExt as _;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Reads bytes and drops them, without reqwest.
pub struct RawTcp;

impl Server for RawTcp {
    const NAME: &str = "raw TCP";
    const KIND: Kind = Kind::RawTcp;

    async fn serve(control: TcpStream) -> Result<(), Failure> {
        let url = url(control).await?;
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
        let mut buffers = Buffers::default();
        while let Some(read) = buffers.read(&mut socket).await? {
            buffers = read;
            received::bytes(buffers.received.len());
            buffers.received.clear();
        }
        Ok(())
    }
}

pub struct Driver;

impl Server for Driver {
    const NAME: &str = "eventwire-tokio";
    const KIND: Kind = Kind::Driver;

    async fn serve(control: TcpStream) -> Result<(), Failure> {
        let request = reqwest::Client::builder().no_proxy().build()?.get(url(control).await?);
        let mut events = request.events();
        while let Some(event) = events.next().await {
            received::message(event?.data.as_bytes());
        }
        Ok(())
    }
}

pub struct EventsourceStream;

impl Server for EventsourceStream {
    const NAME: &str = "eventsource-stream";
    const KIND: Kind = Kind::Peer;

    async fn serve(control: TcpStream) -> Result<(), Failure> {
        let request = reqwest::Client::builder().no_proxy().build()?.get(url(control).await?);
        let mut events = request.send().await?.bytes_stream().eventsource();
        while let Some(event) = events.next().await {
            received::message(event?.data.as_bytes());
        }
        Ok(())
    }
}

/// It needs an older reqwest, over the same hyper.
pub struct ReqwestEventsource;

impl Server for ReqwestEventsource {
    const NAME: &str = "reqwest-eventsource";
    const KIND: Kind = Kind::Peer;

    async fn serve(control: TcpStream) -> Result<(), Failure> {
        let request = reqwest_0_12::Client::builder().no_proxy().build()?.get(url(control).await?);
        let mut events = request.eventsource()?;
        while let Some(event) = events.next().await {
            if let reqwest_eventsource::Event::Message(event) = event? {
                received::message(event.data.as_bytes());
            }
        }
        Ok(())
    }
}

async fn url(control: TcpStream) -> Result<String, Failure> {
    let line = BufReader::new(control).lines().next_line().await?;
    Ok(line.ok_or("no URL")?)
}
