//! Speaks to a server with a certificate of its own: `wss_client URL CA.pem`, with `API_KEY`.

use eventwire_tokio::ws;
use eventwire_tokio::ws::rustls::pki_types::{CertificateDer, pem::PemObject};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(ca)) = (args.next(), args.next()) else {
        return Err("usage: wss_client URL CA.pem".into());
    };
    let mut socket = ws::connect(url)
        .header("x-api-key", std::env::var("API_KEY")?)
        .root_certificates([CertificateDer::from_pem_file(ca)?])
        .await?;
    for text in ["one", "two", "three"] {
        socket.send(text).await?;
    }
    for _ in 0..3 {
        if let Some(message) = socket.next().await {
            println!("{}", message?);
        }
    }
    println!("{}", socket.close(1000, "bye").await?);
    Ok(())
}
