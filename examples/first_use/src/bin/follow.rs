//! Follows an event stream for ever: `follow URL`.

use eventwire_tokio::sse;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: follow URL")?;
    let mut source = sse::connect(&url).build();
    while let Some(event) = source.next().await {
        match event {
            Ok(event) => println!("{}", event.data),
            Err(error) if error.will_retry() => eprintln!("{error}, trying again"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
