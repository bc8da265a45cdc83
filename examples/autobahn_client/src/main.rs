//! A WebSocket client for the Autobahn test suite: in each case it echoes all that the suite sends.
//!
//! ```text
//! AUTOBAHN_URL=ws://127.0.0.1:9001 AUTOBAHN_AGENT=eventwire AUTOBAHN_CASES=517 \
//!     cargo run --release -p autobahn_client
//! ```

use eventwire_tokio::eventwire::ws::Deflate;
use eventwire_tokio::ws::{self, ConnectError};
use std::env;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("AUTOBAHN_URL").map_err(|_| "AUTOBAHN_URL is not set")?;
    let agent = env::var("AUTOBAHN_AGENT").unwrap_or_else(|_| "eventwire".to_owned());
    let cases: u32 =
        env::var("AUTOBAHN_CASES").map_err(|_| "AUTOBAHN_CASES is not set")?.parse()?;
    let url = url.trim_end_matches('/');
    for case in 1..=cases {
        echo(format!("{url}/runCase?case={case}&agent={agent}")).await?;
    }
    echo(format!("{url}/updateReports?agent={agent}")).await?;
    Ok(())
}

async fn echo(url: String) -> Result<(), ConnectError> {
    let mut socket = ws::connect(url).no_proxy().deflate(Deflate::new()).await?;
    // In some cases the suite breaks the protocol, and in others it only disconnects.
    while let Some(Ok(message)) = socket.next().await {
        let _ = socket.feed(message).await;
    }
    Ok(())
}
